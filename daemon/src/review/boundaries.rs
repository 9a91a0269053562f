//! What approved work must be.

use async_trait::async_trait;
use countersign_protocol::HandoffId;
use countersign_web::desk::{BoundariesDesk, Caller, DeskError, boundaries::Release};

use super::{LedgerDesk, access};
use crate::ledger::released;

#[async_trait]
impl BoundariesDesk for LedgerDesk {
    async fn released(&self, who: &Caller, id: HandoffId) -> Result<Release, DeskError> {
        let state = self.ledger.state();
        let card = access::visible_card(&state, who, id)?;
        let (record, decision) = released(&state, &card)
            .ok_or_else(|| DeskError::NotFound(format!("a release of {id}")))?;
        Ok(Release {
            workspace: card.workspace.clone(),
            record,
            decision,
        })
    }
}
