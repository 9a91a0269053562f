//! Answers of the desk in memory, which are given at once.

use async_trait::async_trait;
use countersign_protocol::HandoffId;

use super::Showcase;
use crate::desk::{Answer, Answered, Desk as _, DeskError, Person, undo::UndoDesk};

#[async_trait]
impl UndoDesk for Showcase {
    async fn answer(
        &self,
        who: &Person,
        id: HandoffId,
        answer: Answer,
    ) -> Result<Answered, DeskError> {
        self.decide(who, id, answer).await
    }

    async fn undo(&self, _: &Person, _: HandoffId) -> Result<(), DeskError> {
        Ok(())
    }
}
