//! What the ledger chains about hops.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AnswerKind, Reason};
use crate::{
    event::Location,
    id::{Digest, HandoffId},
    manifest::Manifest,
    problem::Violation,
    trace::TraceParent,
};

/// An agent in the chain of those through whom a task came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Link {
    /// The agent.
    pub agent: String,
    /// The hops after which the task may come back to it at the latest, by the return contract of its
    /// handoff; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns_within: Option<u32>,
    /// Whether a result goes back to it: it has a return contract, or says what it expects.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expects: bool,
}

/// Something that was looked at before a hop was offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Gate {
    /// `sender`, `context`, `tools`, `capability`, `conflict` or `deadline`.
    pub gate: String,
    /// What was found, one line.
    pub found: String,
}

/// A task is offered to an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// The card.
    pub handoff: HandoffId,
    /// The revision that is handed on.
    pub revision: u32,
    /// Its place among the hops of the card, from 1.
    pub hop: u32,
    /// Who hands.
    pub from: String,
    /// Who is to take it.
    pub to: String,
    /// Why it goes there: `to_agent`, `rule NAME` or `fallback`.
    pub by: String,
    /// Through whom the task came, the receiver last.
    pub chain: Vec<Link>,
    /// Digest of the state of the work.
    pub work_sha256: Digest,
    /// The contract it was checked against, `name@version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    /// What was looked at before.
    pub gates: Vec<Gate>,
    /// The class of its data.
    pub class: String,
    /// The time of the clock on the wall that the deadlines were counted from.
    pub since: Timestamp,
    /// When the receiver is reminded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remind_at: Vec<Timestamp>,
    /// Until when the receiver has to say whether it takes the task.
    pub acknowledge_by: Timestamp,
    /// Until when it has to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// Seconds within which the receiver says how far it is, by the fallback of the handoff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_within_seconds: Option<u64>,
    /// The span of the hop, for the receiver to go on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<TraceParent>,
}

/// What a receiver said about a hop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// The card.
    pub handoff: HandoffId,
    /// The hop.
    pub hop: u32,
    /// The receiver.
    pub agent: String,
    /// What it says.
    pub answer: AnswerKind,
    /// Why, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// How far it is, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// How sure it is of the result, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Until when it asks to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The handoff that it has done or is doing already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<String>,
    /// Whether the document has a result.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_result: bool,
    /// True when a person looks at the result before it goes on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// What was accepted all the same, such as fields that nothing reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Violation>,
    /// The document and its files, sealed.
    pub manifest: Manifest,
    /// Where the document was found; its file name is empty when it came over HTTP.
    pub at: Location,
}

/// Which time passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// To say whether it takes the task.
    Acknowledge,
    /// To do it.
    Complete,
}

/// A receiver did not answer in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overdue {
    /// The card.
    pub handoff: HandoffId,
    /// The hop.
    pub hop: u32,
    /// Which time passed.
    pub phase: Phase,
    /// When it was over.
    pub over: Timestamp,
}

/// Why a person is asked instead of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The receiver had the task in this very state before.
    NoProgress,
    /// Too many hops without a person.
    TurnLimit,
    /// A person approves each hop here.
    Reviewed,
    /// The receiver declined, and the handoff or its sender says that a person is next.
    Declined,
    /// A check that has to pass did not.
    CheckFailed,
    /// The receiver failed.
    Failed,
    /// The receiver did not answer or finish in time.
    TimedOut,
    /// A trigger fired for the work, or a rule of the operator names people for it.
    Policy,
    /// The receiver is less sure of its result than the workspace or the contract asks for.
    UnsureResult,
}

impl Why {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoProgress => "no_progress",
            Self::TurnLimit => "turn_limit",
            Self::Reviewed => "reviewed",
            Self::Declined => "declined",
            Self::CheckFailed => "check_failed",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Policy => "policy",
            Self::UnsureResult => "unsure_result",
        }
    }

    /// Returns whether the approval of a person carries the stopped hop out, or lets its result through.
    pub fn goes_on_when_approved(self) -> bool {
        matches!(
            self,
            Self::Reviewed | Self::CheckFailed | Self::Policy | Self::UnsureResult
        )
    }
}

/// A hop was not carried out, or not brought to an end, and a person is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// The card.
    pub handoff: HandoffId,
    /// The revision.
    pub revision: u32,
    /// Why.
    pub why: Why,
    /// The same, one line for people.
    pub text: String,
    /// Who would have been next, or was.
    pub to: String,
    /// Digest of the state of the work.
    pub work_sha256: Digest,
}
