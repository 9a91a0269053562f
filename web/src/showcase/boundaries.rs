//! Boundaries at the desk in memory.

use async_trait::async_trait;
use countersign_protocol::{HandoffId, decision::Outcome, release::ReleaseRecord};

use super::Showcase;
use crate::desk::{BoundariesDesk, Caller, DeskError, boundaries::Release};

#[async_trait]
impl BoundariesDesk for Showcase {
    async fn released(&self, who: &Caller, id: HandoffId) -> Result<Release, DeskError> {
        let mut state = self.lock();
        let card = state.card(who, id)?;
        let mut decisions = card.decisions.values();
        let decision = decisions
            .rfind(|decision| decision.outcome == Outcome::Approved)
            .ok_or_else(|| DeskError::NotFound(format!("a release of {id}")))?;
        let manifest = card.manifest(decision.revision);
        Ok(Release {
            workspace: card.review.row.workspace.clone(),
            record: ReleaseRecord {
                release_version: "1.0".to_owned(),
                handoff_id: id,
                revision: decision.revision,
                manifest_sha256: manifest.digest(),
                approved_at: decision.decided_at,
                files: manifest.entries,
            },
            decision: decision.clone(),
        })
    }
}
