//! What a person sees who mounts us as a folder.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Caller, DeskError, OpenFile};

/// A file or a folder in the mounted folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountNode {
    /// Its name; empty for the mounted folder itself.
    pub name: String,
    /// The last change, where one is known.
    pub modified: Option<Timestamp>,
    /// What only a file has.
    pub file: Option<MountFile>,
}

/// What a file in the mounted folder has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountFile {
    /// Size in bytes.
    pub size: u64,
    /// Differs when the bytes do (RFC 9110, section 8.8.3). Visible ASCII without quotes.
    pub tag: String,
}

/// The mounted folder. Paths are relative to it, with `/` between parts and none at an end; the empty one is
/// the folder itself. What `who` may not see is not there.
#[async_trait]
pub trait MountDesk: Send + Sync + 'static {
    /// What is at `path`.
    async fn mounted(&self, who: &Caller, path: &str) -> Result<MountNode, DeskError>;
    /// What is in the folder at `path`, by name. Of a file it is nothing.
    async fn mounted_in(&self, who: &Caller, path: &str) -> Result<Vec<MountNode>, DeskError>;
    /// Opens the file at `path`; a folder is not found. The second value is its tag.
    async fn mounted_file(&self, who: &Caller, path: &str)
    -> Result<(OpenFile, String), DeskError>;
}
