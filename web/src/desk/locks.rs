//! Advisory locks: who asks others to keep off which files, who waits, and what the kernel knows beside it.

use std::time::Duration;

use async_trait::async_trait;
use countersign_protocol::{
    HandoffId,
    lock::{Kind, LockId, Mode},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Caller, DeskError, Person};

/// A lock that is held, or waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LockRow {
    /// Its number.
    pub id: LockId,
    /// Its workspace.
    pub workspace: String,
    /// What it is on, relative to the workspace; a folder ends in a slash.
    pub path: String,
    /// What the path is.
    pub kind: Kind,
    /// Alone or with others.
    pub mode: Mode,
    /// False while it is waited for.
    pub held: bool,
    /// The fencing token, when it is held: a later holder has a higher one.
    pub fence: Option<u64>,
    /// The name of the owner.
    pub owner: String,
    /// True for an agent, false for a person.
    pub agent: bool,
    /// How the owner is known, for example `token t1`.
    pub known_by: String,
    /// True when the caller is the owner.
    pub mine: bool,
    /// Why, in the words of the owner.
    pub reason: Option<String>,
    /// The process of this machine that needs it.
    pub pid: Option<u32>,
    /// The file in `locks/` that asked for it.
    pub file: Option<String>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Since when it is held.
    pub held_at: Option<Timestamp>,
    /// After so many seconds without a sign of life it ends.
    pub ttl_seconds: u32,
    /// When that is, as things stand.
    pub expires_at: Option<Timestamp>,
    /// When its owner was last heard, or when the daemon started.
    pub heard_at: Option<Timestamp>,
    /// What it waits for, in line.
    pub waits_for: Vec<LockId>,
    /// Its owner waits for this one, and others for what its owner holds, round in a circle that nobody leaves by
    /// waiting: the names along it, this owner first. Empty when there is none.
    #[serde(default)]
    pub circle: Vec<String>,
    /// Who last asked the owner to let go.
    pub asked: Option<AskedToRelease>,
}

/// That somebody asks the owner of a lock to let go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AskedToRelease {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// In which words.
    pub note: Option<String>,
}

/// A person who reads what an agent handed over: other agents get no lock to write it meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadingRow {
    /// The card.
    pub handoff: HandoffId,
    /// Its workspace.
    pub workspace: String,
    /// Who reads.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// When it is over by itself; absent while the person has taken the handoff.
    pub until: Option<Timestamp>,
    /// What is read; the first few.
    pub paths: Vec<String>,
}

/// Which lock of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KernelLockKind {
    /// flock(2): advisory, on a whole file.
    Flock,
    /// fcntl(2) record lock: advisory, on bytes, of a process.
    Record,
    /// fcntl(2) lock of an open file description: advisory, on bytes.
    OpenFile,
    /// fcntl(2) lease: its holder is told when others open the file.
    Lease,
}

/// A lock of the kernel on a file of a workspace. It is not ours, and knows nothing of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KernelLockRow {
    /// The workspace.
    pub workspace: String,
    /// The file.
    pub path: String,
    /// Which.
    pub kind: KernelLockKind,
    /// Whether it keeps readers off as well.
    pub exclusive: bool,
    /// True when it is waited for and not held.
    pub waiting: bool,
    /// The process, when the kernel says.
    pub pid: Option<u32>,
    /// The name of its program.
    pub program: Option<String>,
}

/// All that is known of locks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LockList {
    /// Those that are held, then those in line; each in the order in which they were asked for.
    pub locks: Vec<LockRow>,
    /// Who reads what.
    pub readings: Vec<ReadingRow>,
    /// Locks of the kernel on files of the workspaces.
    pub kernel: Vec<KernelLockRow>,
    /// False when there may be more of them than could be found.
    pub kernel_complete: bool,
}

/// What somebody asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockWish {
    /// The workspace.
    pub workspace: String,
    /// A path or glob relative to it.
    pub path: String,
    /// What the path is; told by its spelling when absent.
    pub kind: Option<Kind>,
    /// Alone or with others.
    pub mode: Mode,
    /// The length of the lease, in seconds.
    pub ttl_seconds: Option<u32>,
    /// Why.
    pub reason: Option<String>,
    /// The agent that the operator asks for.
    pub agent: Option<String>,
    /// The process of this machine that needs it.
    pub pid: Option<u32>,
    /// What makes two requests the same one.
    pub key: Option<String>,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LocksError {
    /// Like everything else.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// Somebody else has it, or reads it.
    #[error("{message}")]
    Taken {
        /// One sentence.
        message: String,
        /// Who is in the way, in line.
        by: Vec<LockRow>,
    },
    /// It was the caller's, and is no more.
    #[error("{message}")]
    Over {
        /// One sentence, with what became of it.
        message: String,
    },
    /// The fencing token is an old one.
    #[error("{message}")]
    Stale {
        /// One sentence.
        message: String,
        /// The token that is good now, if one is.
        fence: Option<u64>,
    },
    /// The owner has too many.
    #[error("{0}")]
    TooMany(String),
}

/// The table of locks.
#[async_trait]
pub trait LocksDesk: Send + Sync + 'static {
    /// All locks that the caller may see, of one workspace if one is named.
    async fn locks(&self, who: &Caller, workspace: Option<&str>) -> Result<LockList, DeskError>;
    /// One of them.
    async fn lock(&self, who: &Caller, id: LockId) -> Result<LockRow, LocksError>;
    /// Takes a lock. Who cannot have it at once and may wait gets a place in line, and is answered when it is had or
    /// the time is over; the place is kept by asking again.
    async fn acquire_lock(
        &self,
        who: &Caller,
        wish: LockWish,
        wait: Option<Duration>,
    ) -> Result<LockRow, LocksError>;
    /// Waits until the lock is held, at most so long. Of its owner that is a sign of life.
    async fn wait_for_lock(
        &self,
        who: &Caller,
        id: LockId,
        wait: Duration,
    ) -> Result<LockRow, LocksError>;
    /// A sign of life of the owner, who may change the length of the lease and the process.
    async fn renew_lock(
        &self,
        who: &Caller,
        id: LockId,
        fence: Option<u64>,
        terms: (Option<u32>, Option<u32>),
    ) -> Result<LockRow, LocksError>;
    /// The owner lets go, or no longer waits.
    async fn release_lock(
        &self,
        who: &Caller,
        id: LockId,
        fence: Option<u64>,
    ) -> Result<(), LocksError>;
    /// Asks the owner to let go.
    async fn ask_for_lock(
        &self,
        who: &Caller,
        id: LockId,
        note: Option<String>,
    ) -> Result<(), LocksError>;
    /// Takes a lock away from its owner.
    async fn break_lock(&self, who: &Person, id: LockId, reason: String) -> Result<(), LocksError>;
}
