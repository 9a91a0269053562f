//! What was handed over, and what was decided about it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Location;
use crate::{
    check::Owed,
    decision::{ChangeRequest, Outcome, RequestAnswer},
    edit::Edited,
    envelope::Envelope,
    handoff::{Profile, Trigger},
    id::{Digest, HandoffId},
    manifest::Manifest,
    partial::{PartialSeen, Partials},
    principal::{Principal, Verified},
    problem::Violation,
    provenance::Observed,
    terms::Terms,
    trace::{Steps, TraceContext},
};

/// What was accepted: one revision of one handoff.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// The card.
    pub handoff: HandoffId,
    /// From 1, one more for each accepted delivery of the same subject.
    pub revision: u32,
    /// Where it was found, and where answers go.
    pub at: Location,
    /// What makes two deliveries the same subject: the task id, else the task.
    pub subject: String,
    /// What makes two deliveries the same delivery.
    pub key: String,
    /// What stands in line with the agent: who delivered.
    pub principal: Principal,
    /// The stated agent.
    pub from_agent: String,
    /// The stated receiver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_agent: Option<String>,
    /// The id the agent gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_handoff_id: Option<String>,
    /// The task id the agent gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// Stated session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// One line for lists.
    pub title: String,
    /// Stated reason to hand over.
    pub trigger: Trigger,
    /// Stated confidence, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Stated data class: `public`, `internal`, `confidential` or `restricted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classification: Option<String>,
    /// When an answer is due, by the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// The envelope of the request.
    #[serde(default, skip_serializing_if = "Envelope::is_empty")]
    pub envelope: Envelope,
    /// The result that grows beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partials: Option<Partials>,
    /// The dialect it was written in.
    pub dialect: String,
    /// The profile it was checked against.
    pub profile: Profile,
    /// The contract of the workspace that it keeps, `name@version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    /// The sealed files.
    pub manifest: Manifest,
    /// Digest of `manifest`; what a decision names.
    pub manifest_sha256: Digest,
    /// What was accepted all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Violation>,
    /// The checks that it is put through before anybody is asked or it goes on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Owed>,
    /// Whether it is offered to the stated receiver once checks and policy have nothing against it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_hop_owed: bool,
    /// The card this one continues after it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<HandoffId>,
    /// Set when the daemon made the card for an agent that fell silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stalled: Option<Stalled>,
    /// Set when the daemon made the card because approved work was changed: the folders, relative to the
    /// workspace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violated: Vec<String>,
    /// The trace it belongs to; absent in old entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
    /// What the agents call the larger thing that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// How long the way to the ledger took; absent for what came without a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Steps>,
    /// By which the daemon knows the file again that it read this from, as long as nobody touches it: a digest of
    /// what the file system says of it. Absent for what came without a file, and in old entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<Digest>,
    /// Who was seen writing the files; absent when nobody watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<Box<Observed>>,
}

impl Accepted {
    /// What the daemon itself puts before people at the moment `now`, in the name of `agent`: delivered by nobody, and
    /// without anything that only an agent's document states.
    pub fn by_daemon(
        (handoff, revision): (HandoffId, u32),
        at: Location,
        (agent, subject): (&str, String),
        title: String,
        manifest: Manifest,
        now: Timestamp,
    ) -> Self {
        let manifest_sha256 = manifest.digest();
        Self {
            handoff,
            revision,
            at,
            key: format!("{agent} {subject} {manifest_sha256} {now}"),
            subject,
            principal: Principal::Daemon,
            from_agent: agent.to_owned(),
            to_agent: None,
            agent_handoff_id: None,
            task_id: None,
            session_id: None,
            title,
            trigger: Trigger::Policy,
            confidence: None,
            classification: None,
            contract: None,
            due: None,
            envelope: Envelope::default(),
            partials: None,
            dialect: "countersign".to_owned(),
            profile: Profile::Minimal,
            manifest_sha256,
            manifest,
            warnings: Vec::new(),
            checks: Vec::new(),
            is_hop_owed: false,
            follows: None,
            stalled: None,
            violated: Vec::new(),
            trace: Some(TraceContext::begun(handoff, manifest_sha256, now)),
            correlation_id: None,
            steps: None,
            stamp: None,
            observed: None,
        }
    }
}

/// Why the daemon made a card for a silent agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stalled {
    /// The last checkpoint.
    pub checkpoint: Digest,
    /// Its step.
    pub step: u64,
    /// When the agent was last heard.
    pub last_seen: Timestamp,
    /// True when its process is known to be gone, false when it was silent for too long.
    pub process_gone: bool,
}

/// A decision, bound to a revision and to its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// The card.
    pub handoff: HandoffId,
    /// The revision that was shown.
    pub revision: u32,
    /// The manifest digest that was shown.
    pub manifest_sha256: Digest,
    /// The answer.
    pub outcome: Outcome,
    /// Words; required for changes and reject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Names of the reasons that were chosen; their words stand in the comment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// What was answered to each request, where that was said one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<RequestAnswer>,
    /// What is asked, one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<ChangeRequest>,
    /// What the person ticked off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checked: Vec<String>,
    /// What the person changed before approving.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<Edited>,
    /// How the person showed that it is them, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
    /// On what terms the approval holds.
    #[serde(default, skip_serializing_if = "Terms::is_open")]
    pub terms: Terms,
    /// How much of a growing result it is about, where the handoff has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<PartialSeen>,
}
