//! What holds agents back, and what approved work must be.

use async_trait::async_trait;
use countersign_protocol::{HandoffId, decision::DecisionDocument, release::ReleaseRecord};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Caller, DeskError};

/// What was released for a handoff, and by which decision: all that is needed to check it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Release {
    /// The workspace.
    pub workspace: String,
    /// The list of files, as it stands in the release.
    pub record: ReleaseRecord,
    /// The decision.
    pub decision: DecisionDocument,
}

/// What pages and API ask about boundaries.
#[async_trait]
pub trait BoundariesDesk: Send + Sync + 'static {
    /// What was released for a handoff.
    async fn released(&self, who: &Caller, id: HandoffId) -> Result<Release, DeskError>;
}
