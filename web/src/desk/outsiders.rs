//! Outside reviewers: people without an account who were invited to one handoff.

use std::time::Duration;

use async_trait::async_trait;
use countersign_protocol::HandoffId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DeskError, NewSession, Person, access::Visitor};

/// Whom to invite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOutsider {
    /// What they are called; others read it with who invited them.
    pub name: String,
    /// Whether they may decide, and not only look and comment.
    #[serde(default)]
    pub decides: bool,
    /// Days the link is good for, 1 to 30; what the configuration says when nothing is said.
    #[serde(default)]
    pub days: Option<u32>,
}

/// An invitation, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutsiderRow {
    /// Public id, which opens nothing.
    pub id: String,
    /// What they are called.
    pub name: String,
    /// Who invited them.
    pub invited_by: String,
    /// Whether they may decide.
    pub decides: bool,
    /// `open`, `expired` or `revoked`.
    pub state: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// After which it is over.
    pub expires_at: Timestamp,
    /// When it was last opened.
    pub opened_at: Option<Timestamp>,
}

/// What a link leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideLink {
    /// The handoff.
    pub handoff: HandoffId,
    /// How others will read who it is.
    pub display: String,
    /// After which it is over.
    pub until: Timestamp,
}

/// Outside reviewers.
#[async_trait]
pub trait OutsidersDesk: Send + Sync + 'static {
    /// How long an invitation is good for when nothing is said.
    fn usual_invitation(&self) -> Duration;
    /// Who was invited to a handoff, the newest first.
    async fn outsiders(&self, who: &Person, id: HandoffId) -> Result<Vec<OutsiderRow>, DeskError>;
    /// Invites somebody; the second value is the whole link, shown this once. Only a person who is there invites.
    async fn invite_outsider(
        &self,
        who: &Person,
        id: HandoffId,
        new: NewOutsider,
    ) -> Result<(OutsiderRow, String), DeskError>;
    /// Takes an invitation back. Its sessions end at once.
    async fn revoke_outsider(
        &self,
        who: &Person,
        id: HandoffId,
        invitation: &str,
    ) -> Result<(), DeskError>;
    /// Whom a link is for, while it holds. Nothing is spent.
    async fn outside_link(&self, token: &str) -> Option<OutsideLink>;
    /// Begins a session by a link, which reaches that one handoff and nothing else.
    async fn enter_outside(
        &self,
        token: &str,
        from: Visitor,
    ) -> Result<(NewSession, HandoffId), DeskError>;
}
