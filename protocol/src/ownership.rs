//! Who owns a workspace, and how it changes hands: it is offered to a person, who accepts or declines before the
//! offer expires. With the acceptance agents lose it, until the person gives it back to them.
//!
//! What is meant is a fact in the ledger; what became of files on the disk is a further fact, which also says what
//! could not be changed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Digest;

/// The name for agents where a person could be named.
pub const AGENTS: &str = "agents";
/// So many paths that could not be changed are named.
pub const MOST_LEFT: usize = 20;

/// A workspace is offered to a person. The number of the entry is that of the offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnershipOffer {
    /// The workspace.
    pub workspace: String,
    /// Id of the person.
    pub to: String,
    /// The name of the person.
    pub display: String,
    /// In which words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// After which it can no longer be accepted.
    pub expires: Timestamp,
    /// Digest of the secret by which the person may answer without a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_sha256: Option<Digest>,
}

/// Files and folders that could not be given to their new owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Left {
    /// Path relative to the workspace; empty for the workspace itself.
    pub path: String,
    /// Why not.
    pub why: String,
}

/// What became of the files of a workspace that changed hands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Settlement {
    /// The user of the operating system that they belong to now; none when that was not changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<u32>,
    /// Files that have their new owner.
    pub files: u64,
    /// Folders that have.
    pub folders: u64,
    /// Files that were open for writing or had other names, and were replaced by copies.
    #[serde(default)]
    pub copied: u64,
    /// What was not changed, the first of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Left>,
    /// How much more was not changed.
    #[serde(default)]
    pub more: u64,
    /// What the setup does not let us promise, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<String>,
}

impl Settlement {
    /// Notes what was not changed.
    pub fn leave(&mut self, path: impl Into<String>, why: impl Into<String>) {
        if self.left.len() < MOST_LEFT {
            let (path, why) = (path.into(), why.into());
            self.left.push(Left { path, why });
        } else {
            self.more += 1;
        }
    }

    /// Whether everything was changed.
    pub fn is_whole(&self) -> bool {
        self.left.is_empty() && self.more == 0
    }
}

/// The files of a workspace have their new owner, as far as that goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesGiven {
    /// The workspace.
    pub workspace: String,
    /// The entry by which it changed hands.
    pub turn: u64,
    /// What became of them.
    pub settlement: Settlement,
}
