//! Who works on a handoff: to take it, give it back, hand it to others, put it off.

use async_trait::async_trait;
use countersign_protocol::HandoffId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DeskError, Person};

/// Somebody who can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TargetRow {
    /// As rules name it, for example `group:editors`.
    pub target: String,
    /// The name for people.
    pub name: String,
}

/// What people do with a handoff before they decide.
#[async_trait]
pub trait PeopleDesk: Send + Sync + 'static {
    /// Everybody whom a handoff can be handed to.
    async fn targets(&self, who: &Person) -> Result<Vec<TargetRow>, DeskError>;
    /// Takes a handoff, so that others need not look. Fails while somebody else has it.
    async fn claim(&self, who: &Person, id: HandoffId) -> Result<(), DeskError>;
    /// Gives it back to those who are asked.
    async fn release(&self, who: &Person, id: HandoffId) -> Result<(), DeskError>;
    /// Asks others instead; `to` as rules name them.
    async fn assign(
        &self,
        who: &Person,
        id: HandoffId,
        to: &str,
        note: Option<String>,
    ) -> Result<(), DeskError>;
    /// Asks others as well; `to` as rules name them, separated by spaces, or empty for whoever would be asked next if
    /// nobody answered. Who is asked already stays so.
    async fn escalate(
        &self,
        who: &Person,
        id: HandoffId,
        to: &str,
        note: Option<String>,
    ) -> Result<(), DeskError>;
    /// Puts it off. Deadlines go on.
    async fn snooze(&self, who: &Person, id: HandoffId, until: Timestamp) -> Result<(), DeskError>;
}
