//! The facts that a message may tell, all of them. What of it is told to whom is decided later, by class.

use countersign_protocol::{
    Digest, HandoffId, decision::Outcome, handoff::Trigger, log::LogLine, trace::TraceContext,
    transfer::TransferDocument,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How careful to be, by policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Nothing speaks against it.
    #[default]
    Low,
    /// Look closely.
    Medium,
    /// It cannot be undone, or nobody vouches for it.
    High,
}

impl Risk {
    /// The risk of that name.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Low, Self::Medium, Self::High]
            .into_iter()
            .find(|risk| risk.word() == word)
    }

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What happened, as it was when it happened. It is kept with the message, so that each attempt says the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Name of the kind, as in `events`.
    pub kind: String,
    /// The entry that caused it.
    pub seq: u64,
    /// Its time.
    pub at: Timestamp,
    /// The card, when it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handoff: Option<HandoffId>,
    /// The revision.
    #[serde(default)]
    pub revision: u32,
    /// Digest of its manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Data class; the stricter of workspace and handoff.
    pub class: String,
    /// The workspace.
    #[serde(default)]
    pub workspace: String,
    /// The stated agent.
    #[serde(default)]
    pub agent: String,
    /// One line of the agent.
    #[serde(default)]
    pub title: String,
    /// Why a person is asked, one line, by policy.
    #[serde(default)]
    pub why: String,
    /// Why the agent stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
    /// Risk by policy; `None` until policy has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// The rules that set it, one line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// Stated confidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Number of files.
    #[serde(default)]
    pub files: usize,
    /// How many of them differ from the revision before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<usize>,
    /// Names of files, at most a few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// When an answer is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// What happens when nobody answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<String>,
    /// The answer, when somebody gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Who caused it, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Who is asked, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assignees: Vec<String>,
    /// To whom a workspace is offered, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The entry by which a workspace was offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<u64>,
    /// Who was asked before, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// The rule that sends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The last step of an agent that stopped, and steps in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<(u64, Option<u64>)>,
    /// True when a rule would have let it pass, and it was drawn for people to look at.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sampled: bool,
    /// True when an action of the agent is held until this is decided.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// The trace of the revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
    /// The line of the list of events, for programs that want each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Box<LogLine>>,
    /// The work that is handed to the receiver, when that is an agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<Box<TransferDocument>>,
    /// A line of ours for what has no card: the broken rule, the failing receiver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}
