//! Why the daemon does not start.

use std::{net::SocketAddr, path::PathBuf};

use crate::{
    fs::{self, LockHeld},
    ledger::OpenError,
    store::StoreError,
};

/// Message, cause and hint.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The address cannot be had.
    #[error("cannot listen on `{address}`: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Another daemon runs.
    #[error(transparent)]
    Lock(#[from] LockHeld),
    /// Other daemons have all that was to be served.
    #[error("nothing is left to serve: {0}")]
    ServedElsewhere(String),
    /// A folder or file of ours.
    #[error(transparent)]
    Fs(#[from] fs::Error),
    /// The state folder is on a file system that loses or doubles what is written.
    #[error("the state folder `{}` is on {kind}", path.display())]
    UnfitStateFolder {
        /// Where.
        path: PathBuf,
        /// What kind of file system.
        kind: &'static str,
    },
    /// There are sealed bytes but no ledger.
    #[error("the ledger `{}` is missing or empty, but sealed files are there", path.display())]
    LedgerMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The chain.
    #[error(transparent)]
    Ledger(#[from] OpenError),
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// A signal cannot be handled.
    #[error("cannot handle signals: {0}")]
    Signal(std::io::Error),
    /// The ledger ended while the daemon ran.
    #[error("the ledger ended by a defect of the program")]
    Ended,
    /// Anything else.
    #[error("cannot start: {0}")]
    Start(String),
}

impl AppError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Listen { .. } => {
                "another daemon may run already: open it with `countersign open`, or listen elsewhere with `--listen 127.0.0.1:0`"
            }
            Self::Lock(LockHeld::ByPid { .. }) => {
                "open the one that runs with `countersign open`, or give this one its own folder with `--data-dir`"
            }
            Self::ServedElsewhere(_) => {
                "stop that daemon first, or use its state folder: decisions are in one ledger"
            }
            Self::UnfitStateFolder { .. } => {
                "put it on a local disk with `--data-dir`; workspaces may stay where they are"
            }
            Self::LedgerMissing { .. } => {
                "restore the ledger from a backup, or start anew with another `--data-dir`; nothing here was changed"
            }
            Self::Store(StoreError::Damaged { .. })
            | Self::Ledger(OpenError::Store(StoreError::Damaged { .. }) | OpenError::Broken(_)) => {
                "restore the state folder from a backup; `countersign audit verify` names the first bad entry; nothing here was changed. To go on without entries that nothing but `ledger.db-head` knows of, move that file out of the state folder"
            }
            Self::Store(StoreError::Locked(_)) => {
                "end the program that has it open; a backup tool, perhaps"
            }
            Self::Store(StoreError::Full) => "free some space and start again; nothing was lost",
            Self::Store(StoreError::TooNew { .. }) => {
                "start the newer program, or restore a backup from before the upgrade"
            }
            Self::Ended => "start again; what was accepted and decided is on the disk",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
