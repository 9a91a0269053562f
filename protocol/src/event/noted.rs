//! What agents and people note along the way: moments with a name, checkpoints, processes.

use serde::{Deserialize, Serialize};

use super::Location;
use crate::id::Digest;

/// A moment of a workspace that got a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marked {
    /// The workspace.
    pub workspace: String,
    /// What it is, for example `build`; see [`anchor::is_kind`](crate::anchor::is_kind).
    pub kind: String,
    /// Which one it is, for example `318`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// More words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The file that asked for it, when it came by file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Location>,
    /// Digest of that file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
}

/// A version of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointSaved {
    /// Where it is.
    pub at: Location,
    /// Digest of its bytes; they are kept.
    pub sha256: Digest,
    /// The agent it states.
    pub agent: String,
    /// The task it states.
    pub task_id: Option<String>,
    /// The session it states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Its step.
    pub step: u64,
    /// Steps in all, when stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// One line.
    pub title: Option<String>,
    /// Seconds within which the next sign of life is promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat_seconds: Option<u64>,
    /// The local process that works, when stated and seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// True when the agent says that the task is over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub finished: bool,
}

/// A chunk of a result that grows; its number is the name of the file, see [`Chunk`](crate::partial::Chunk).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartialKept {
    /// Where it is.
    pub at: Location,
    /// Digest of its bytes; they are kept.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// A process of this machine. The start time tells it from a later one with the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Start time in clock ticks after boot (`/proc/PID/stat`, field 22).
    pub started: u64,
}
