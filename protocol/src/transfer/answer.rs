//! What a receiver says about a hop: `H-7.2.answer.json`, or the same over HTTP.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::handoff::{Artifact, Confidence};

/// What a receiver says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AnswerKind {
    /// It takes the task.
    Accept,
    /// It does not, and says why.
    Decline,
    /// It takes the task later.
    Queue,
    /// It is at the same task already, under another handoff.
    Duplicate,
    /// The task is done already.
    AlreadyDone,
    /// It is at work.
    Progress,
    /// It is done.
    Complete,
    /// It cannot bring the task to an end.
    Fail,
}

impl AnswerKind {
    /// All of them, in the order of a task's life.
    pub const ALL: [Self; 8] = [
        Self::Accept,
        Self::Decline,
        Self::Queue,
        Self::Duplicate,
        Self::AlreadyDone,
        Self::Progress,
        Self::Complete,
        Self::Fail,
    ];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Decline => "decline",
            Self::Queue => "queue",
            Self::Duplicate => "duplicate",
            Self::AlreadyDone => "already_done",
            Self::Progress => "progress",
            Self::Complete => "complete",
            Self::Fail => "fail",
        }
    }

    /// Whether nothing more is expected of the receiver.
    pub fn is_last(self) -> bool {
        !matches!(self, Self::Accept | Self::Queue | Self::Progress)
    }
}

/// Why a receiver declines or fails, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The sender is not who it says it is.
    BadSignature,
    /// Something that it needs to know is missing.
    IncompleteContext,
    /// It lacks a tool.
    MissingTools,
    /// It is more than it can read.
    ContextOverflow,
    /// It is not what it is good at.
    OutOfScope,
    /// It is at something that stands against it.
    ConflictingTask,
    /// It cannot be done in time.
    DeadlineTooShort,
    /// Something else, in words.
    Other,
}

impl Reason {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::BadSignature => "bad_signature",
            Self::IncompleteContext => "incomplete_context",
            Self::MissingTools => "missing_tools",
            Self::ContextOverflow => "context_overflow",
            Self::OutOfScope => "out_of_scope",
            Self::ConflictingTask => "conflicting_task",
            Self::DeadlineTooShort => "deadline_too_short",
            Self::Other => "other",
        }
    }
}

/// An answer as the receiver stated it.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What it says.
    pub answer: AnswerKind,
    /// The card it answers; as its place says when left out.
    pub handoff_id: Option<String>,
    /// The hop it answers; as its place says when left out.
    pub hop: Option<u32>,
    /// Who answers; as its place or its token says when left out.
    pub agent: Option<String>,
    /// Why, by name.
    pub reason: Option<Reason>,
    /// Why, in words.
    pub note: Option<String>,
    /// Seconds after which the receiver takes a queued task.
    pub retry_after_seconds: Option<u64>,
    /// The handoff that is done or under way already.
    pub original: Option<String>,
    /// How far it is, in percent.
    pub percent: Option<u8>,
    /// How sure it is of the result.
    pub confidence: Option<Confidence>,
    /// What the sender gets back.
    pub result: Option<Value>,
    /// Files that go with it, relative to the folder of the answer.
    pub artifacts: Vec<Artifact>,
}
