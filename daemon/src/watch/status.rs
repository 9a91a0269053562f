//! What the manager says of itself.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How changes in a workspace are noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By events, at once; scans are the safety net.
    Watching,
    /// By frequent scans. Events are used where they come, but not relied upon.
    Scanning {
        /// Why, and what would help.
        why: String,
    },
    /// Not at all: its folder is away. What is known of it is kept.
    Offline {
        /// What is wrong with the folder.
        why: String,
    },
}

/// A part of a workspace that could not be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The folder, relative to the workspace.
    pub folder: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

/// What was counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Hints to look at a document.
    pub looks: u64,
    /// Full scans that ended.
    pub scans: u64,
    /// Documents that a full scan found changed before an event had told. After a busy moment that is
    /// no sign of a fault.
    pub found_by_scan: u64,
    /// Times at which the kernel or we had to drop events.
    pub losses: u64,
    /// Probes that were sent.
    pub probes_sent: u64,
    /// Probes that were seen in time.
    pub probes_seen: u64,
    /// Probes that were not.
    pub probes_missed: u64,
}

/// How one workspace fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The workspace.
    pub workspace: Arc<str>,
    /// How changes are noticed.
    pub mode: Mode,
    /// Whether it was scanned in full at least once.
    pub is_scanned: bool,
    /// Whether another folder stands in its place and is taken for it soon.
    pub is_replaced: bool,
    /// Whether the last probe came back, so that events are known to arrive.
    pub is_proven: bool,
    /// Known folders.
    pub folders: usize,
    /// Known documents.
    pub documents: usize,
    /// Folders that could not be seen, the first few of them.
    pub trouble: Vec<Trouble>,
    /// How many folders could not be seen.
    pub trouble_count: usize,
    /// Counters.
    pub counts: Counts,
}

/// The status as the manager last wrote it.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    status: Mutex<Vec<Status>>,
    changed: Condvar,
}

impl Shared {
    pub(crate) fn write(&self, status: Vec<Status>) {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner) = status;
        self.changed.notify_all();
    }

    pub(crate) fn read(&self) -> Vec<Status> {
        self.status
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn wait_until(&self, limit: Duration, wanted: impl Fn(&[Status]) -> bool) -> bool {
        let status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        let (status, _) = self
            .changed
            .wait_timeout_while(status, limit, |status| !wanted(status))
            .unwrap_or_else(PoisonError::into_inner);
        wanted(&status)
    }
}
