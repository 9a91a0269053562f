//! Files that a person changes before approving them.

use async_trait::async_trait;
use countersign_protocol::{Digest, HandoffId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Caller, DeskError, Person};

/// The most bytes that an edited file has.
pub const LARGEST_EDIT: usize = 256 * 1024;

/// A text file as a person wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FileEdit {
    /// Path relative to the folder of the handoff.
    pub path: String,
    /// All of the file.
    pub text: String,
}

/// A file that a person changed and did not approve yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EditRow {
    /// Path relative to the folder of the handoff.
    pub path: String,
    /// The revision in which it was changed.
    pub revision: u32,
    /// SHA-256 of the bytes that the agent handed over.
    pub before_sha256: Digest,
    /// SHA-256 of the text of the person.
    pub sha256: Digest,
    /// False when the agent has handed over other bytes since: it does not go with an answer.
    pub current: bool,
}

/// Editing without deciding.
#[async_trait]
pub trait EditsDesk: Send + Sync + 'static {
    /// Keeps the text of a file until this person answers. The agent's own file is not touched.
    async fn keep_edit(
        &self,
        who: &Person,
        id: HandoffId,
        revision: u32,
        edit: FileEdit,
    ) -> Result<(), DeskError>;
    /// Throws what was changed in a file away.
    async fn drop_edit(&self, who: &Person, id: HandoffId, path: &str) -> Result<(), DeskError>;
    /// The files that this person changed, by path.
    async fn edits(&self, who: &Person, id: HandoffId) -> Result<Vec<EditRow>, DeskError>;
    /// The text that this person keeps for a file.
    async fn edited(
        &self,
        who: &Person,
        id: HandoffId,
        path: &str,
    ) -> Result<Option<String>, DeskError>;
    /// The unified patch of what was changed before the handoff was approved.
    async fn patch(&self, who: &Caller, id: HandoffId) -> Result<String, DeskError>;
}
