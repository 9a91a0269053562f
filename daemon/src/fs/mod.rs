//! The one door to changes of the file system.
//!
//! Everything below a workspace is opened relative to a descriptor of its root with `openat2`
//! (`RESOLVE_BENEATH`, no links), so that no name an agent makes leads out of it. Files that we
//! write appear whole or not at all: written under a temporary name that we created, synced, renamed.

mod acl;
mod advisory;
mod append;
mod condition;
mod dir;
mod fanotify;
mod identity;
mod inodes;
mod lease;
mod lock;
mod mount;
mod owner;
mod part;
mod pins;
mod priority;
mod private;
mod probe;
mod publish;
mod read;
mod seal;
mod sealing;

pub use acl::{Acl, AclKind};
pub use advisory::FileLock;
pub use append::Lines;
pub use dir::{Attributes, Dir, FileKind, Listed, Names};
pub use fanotify::{Change, Changes, Fanotify, FileId};
pub use identity::Identity;
pub use inodes::Inodes;
pub use lease::{Writers, writers};
pub use lock::{InstanceLock, LockHeld};
pub use mount::{blind_mount, remote_mount};
pub use owner::Owner;
pub use part::Part;
pub use pins::Pin;
pub use priority::give_way;
pub use private::{PrivateFolder, PrivatePlace, sealed_memory};
pub use publish::{TEMPORARY, is_temporary};
pub use read::{ReadProblem, Stamp, read_limited};
pub(crate) use seal::INLINE;
pub(crate) use seal::damaged;
pub use seal::{Objects, SHELVES, SealProblem, Sealed, digest_of};
pub use sealing::Sealing;

use std::{io, path::PathBuf};

/// An operation on the file system that failed, with its path.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`: {source}", path.display())]
pub struct Error {
    /// What was tried, as a verb.
    pub action: &'static str,
    /// On what.
    pub path: PathBuf,
    /// Why it failed.
    #[source]
    pub source: io::Error,
}

impl Error {
    pub(crate) fn new(
        action: &'static str,
        path: impl Into<PathBuf>,
        source: impl Into<io::Error>,
    ) -> Self {
        Self {
            action,
            path: path.into(),
            source: source.into(),
        }
    }

    /// Whether there is no such file or folder.
    pub fn is_not_found(&self) -> bool {
        matches!(
            self.source.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        )
    }

    /// Whether a link stands in the place of a folder, which is not followed.
    pub fn is_link(&self) -> bool {
        self.source.raw_os_error() == Some(libc::ELOOP)
    }

    /// Whether something is mounted on the way, which is not entered.
    pub fn is_mount(&self) -> bool {
        self.source.kind() == io::ErrorKind::CrossesDevices
    }

    /// Whether the disk or a quota is full.
    pub fn is_full(&self) -> bool {
        matches!(
            self.source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        )
    }
}
