//! Answers that can be taken back for a short while before they are given.

use async_trait::async_trait;
use countersign_protocol::{HandoffId, decision::Outcome};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, Answered, DeskError, Person};

/// An answer that is given when its time is over, unless its person takes it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldRow {
    /// The answer.
    pub outcome: Outcome,
    /// By whom.
    pub by: String,
    /// Whether it is that of who asks.
    pub mine: bool,
    /// Whether it will count as one vote of several.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub vote: bool,
    /// Its words.
    pub comment: Option<String>,
    /// When it is given.
    pub until: Timestamp,
}

/// An answer that was not given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CameBackRow {
    /// The answer.
    pub outcome: Outcome,
    /// About which revision.
    pub revision: u32,
    /// Its words.
    pub comment: Option<String>,
    /// Why it could not be given; absent when its person took it back.
    pub why: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Answers of people at the desk.
#[async_trait]
pub trait UndoDesk: Send + Sync + 'static {
    /// Takes an answer as [`Desk::decide`](super::Desk::decide) does, and where the workspace wants that, as one that can
    /// be taken back: then nobody but the people at the desk learns of it before its time is over.
    async fn answer(
        &self,
        who: &Person,
        id: HandoffId,
        answer: Answer,
    ) -> Result<Answered, DeskError>;
    /// Takes one's own answer back. Fails once it was given.
    async fn undo(&self, who: &Person, id: HandoffId) -> Result<(), DeskError>;
}
