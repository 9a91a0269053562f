//! What the daemon writes about hops: to the receiver, to the sender, to everybody.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AnswerKind, Gate, Link, Offered, Phase, Why};
use crate::{
    event::Accepted,
    id::{Digest, HandoffId},
    names,
    problem::Violation,
    trace::TraceParent,
};

/// A sealed file of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PackageFile {
    /// Relative to the folder `sealed/` of the package.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// SHA-256 of the bytes.
    pub sha256: Digest,
    /// False when only the digest is kept, and the file is not in the package.
    pub kept: bool,
}

/// `transfer.json` of a package: what a receiver needs to know to take a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TransferDocument {
    /// `1.0`.
    pub transfer_version: String,
    /// The card.
    pub handoff_id: HandoffId,
    /// The hop, from 1.
    pub hop: u32,
    /// The revision that is handed on.
    pub revision: u32,
    /// Who hands.
    pub from_agent: String,
    /// Who is to take it.
    pub to_agent: String,
    /// The task id that a handoff of the same task states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// One line.
    pub title: String,
    /// The contract it was checked against, `name@version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    /// Stated confidence of the sender, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// The class of the data.
    pub class: String,
    /// Through whom it came, the receiver last.
    pub chain: Vec<Link>,
    /// What was checked before it was offered.
    pub gates: Vec<Gate>,
    /// Until when an answer is expected.
    pub acknowledge_by: Timestamp,
    /// Until when the task has to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// Digest of the handoff document as the sender delivered it.
    pub handoff_sha256: Digest,
    /// Digest of the manifest.
    pub manifest_sha256: Digest,
    /// The name of the handoff document in the folder `sealed/`.
    pub document: String,
    /// The sealed files.
    pub files: Vec<PackageFile>,
    /// The file in which to answer, relative to the folder of the agent.
    pub answer: String,
    /// The W3C trace context to go on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub traceparent: Option<TraceParent>,
}

/// The name of the handoff document in a package.
pub fn document_name(accepted: &Accepted) -> &str {
    match accepted.at.file.as_str() {
        "" => "handoff.json",
        name => name,
    }
}

/// `transfer.json` of the hop that hands on what was accepted.
pub fn transfer_document(accepted: &Accepted, offered: &Offered) -> TransferDocument {
    let files = accepted.manifest.entries.iter().map(|entry| PackageFile {
        path: entry.path.clone(),
        size: entry.size,
        sha256: entry.sha256,
        kept: entry.kept,
    });
    TransferDocument {
        transfer_version: "1.0".to_owned(),
        handoff_id: offered.handoff,
        hop: offered.hop,
        revision: offered.revision,
        from_agent: offered.from.clone(),
        to_agent: offered.to.clone(),
        task_id: accepted.task_id.clone(),
        title: accepted.title.clone(),
        contract: offered.contract.clone(),
        confidence: accepted.confidence,
        class: offered.class.clone(),
        chain: offered.chain.clone(),
        gates: offered.gates.clone(),
        acknowledge_by: offered.acknowledge_by,
        due: offered.due,
        handoff_sha256: accepted.manifest.document,
        manifest_sha256: accepted.manifest_sha256,
        document: document_name(accepted).to_owned(),
        files: files.collect(),
        answer: names::answer_file(offered.handoff, offered.hop),
        traceparent: offered.traceparent,
    }
}

/// How a hop stands for its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AcknowledgementStatus {
    /// It is in the folder of the receiver, which has not answered.
    Delivered,
    /// The receiver takes it later.
    Queued,
    /// The receiver took it.
    Accepted,
    /// The receiver is at work.
    Progress,
    /// The receiver handed it on.
    HandedOn,
    /// The receiver is done.
    Completed,
    /// It was done before.
    AlreadyDone,
    /// The receiver is at it already, under another handoff.
    Duplicate,
    /// The receiver does not take it.
    Declined,
    /// The receiver could not bring it to an end.
    Failed,
    /// The receiver did not answer or finish in time.
    TimedOut,
    /// The sender replaced it or took it back.
    Withdrawn,
    /// A person is asked.
    Stopped,
}

impl AcknowledgementStatus {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Queued => "queued",
            Self::Accepted => "accepted",
            Self::Progress => "progress",
            Self::HandedOn => "handed_on",
            Self::Completed => "completed",
            Self::AlreadyDone => "already_done",
            Self::Duplicate => "duplicate",
            Self::Declined => "declined",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Withdrawn => "withdrawn",
            Self::Stopped => "stopped",
        }
    }
}

/// `handoff.ack.json`: how a hop stands, for the sender. Replaced whenever that changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Acknowledgement {
    /// `1.0`.
    pub ack_version: String,
    /// The card.
    pub handoff_id: HandoffId,
    /// The hop; absent when none was offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop: Option<u32>,
    /// The revision of the sender.
    pub revision: u32,
    /// How it stands.
    pub status: AcknowledgementStatus,
    /// The receiver.
    pub agent: String,
    /// Since when.
    pub at: Timestamp,
    /// Why, by name: a reason of the receiver, or why a person is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// How far it is, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// How sure the receiver is, 0 to 1: that the task is for it, where it only took it, else of its result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// The handoff that is done or under way already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<String>,
    /// Until when the receiver asks to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Which time passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// Seconds after which another try makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
    /// Until when the receiver is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledge_by: Option<Timestamp>,
    /// What the sender can do now.
    pub next: String,
}

/// `handoff.result.json`: what came back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResultDocument {
    /// `1.0`.
    pub result_version: String,
    /// The card.
    pub handoff_id: HandoffId,
    /// The hop of the sender that it answers.
    pub hop: u32,
    /// The revision of the sender.
    pub revision: u32,
    /// Who did it.
    pub agent: String,
    /// When.
    pub at: Timestamp,
    /// How sure it is, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The result, checked against the schema of `expected_output` where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// True when the receiver did not bring it to an end, and this is what it had.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// The folder of the files that came back, relative to the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Those files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<PackageFile>,
}

/// `H-7.2.answer.receipt.json`: that an answer was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnswerReceipt {
    /// `1.0`.
    pub receipt_version: String,
    /// `accepted`, or `duplicate` when the same bytes were recorded before.
    pub status: String,
    /// The card.
    pub handoff_id: HandoffId,
    /// The hop.
    pub hop: u32,
    /// What was recorded.
    pub answer: AnswerKind,
    /// When.
    pub received_at: Timestamp,
    /// Digest of the answer as it was read.
    pub answer_sha256: Digest,
    /// What was accepted all the same, such as fields that nothing reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Violation>,
}

/// One turn of what agents hand to each other, for those who hear of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextTurn {
    /// The ledger entry; turns are in this order.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The card.
    pub handoff_id: HandoffId,
    /// Who speaks.
    pub agent: String,
    /// What happened: `offered`, or an answer.
    pub event: String,
    /// To whom.
    pub to: String,
    /// The class of the data. A turn above what a participant may see has nothing after this.
    pub class: String,
    /// Whether the rest is left out, since the participant may not see data of this class.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
    /// One line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What the speaker said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Value>,
    /// Why a person is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
}
