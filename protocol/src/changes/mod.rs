//! What changed between two moments: a fold of what was handed over, without a look at any folder.
//!
//! The state of a path is what the newest delivery that names it says, among the newest revisions of all
//! handoffs. So a path is gone once no handoff's newest revision names it any more.

mod alike;
mod fold;
mod rename;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{id::Digest, manifest::Manifest};

pub use alike::alike;
pub use fold::{Delivery, Folded, Moved, fold};
pub use rename::{Rename, renames};

/// The content of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Leaf {
    /// SHA-256 of the bytes.
    pub sha256: Digest,
    /// Size in bytes.
    pub size: u64,
    /// Whether the owner could run it.
    pub executable: bool,
}

/// Files by their path, `/` between parts: a revision, or nothing.
pub type Tree = BTreeMap<String, Leaf>;

/// How a path differs between two moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FileChange {
    /// It is new.
    Created,
    /// It has other bytes, or can be run now or no longer.
    Modified,
    /// It is new, with the content of one that is gone, or nearly so.
    Renamed,
    /// It is gone.
    Removed,
    /// It changed on the way and is at the end what it was at the start.
    Restored,
}

impl FileChange {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Modified => "modified",
            Self::Renamed => "renamed",
            Self::Removed => "removed",
            Self::Restored => "restored",
        }
    }
}

impl Manifest {
    /// The files as a tree.
    pub fn tree(&self) -> Tree {
        self.entries
            .iter()
            .map(|entry| (entry.path.clone(), leaf(entry)))
            .collect()
    }
}

fn leaf(entry: &crate::manifest::ManifestEntry) -> Leaf {
    Leaf {
        sha256: entry.sha256,
        size: entry.size,
        executable: entry.executable,
    }
}
