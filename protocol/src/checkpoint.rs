//! `checkpoint.json`: where the agent is. Written after each major step.

use jiff::Timestamp;

/// A checkpoint as the agent stated it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The task.
    pub task_id: Option<String>,
    /// The agent.
    pub from_agent: String,
    /// The step just finished, from 0.
    pub step: u64,
    /// Steps in all.
    pub steps: Option<u64>,
    /// When it says it was written.
    pub at: Option<Timestamp>,
    /// One line.
    pub title: Option<String>,
    /// `in_progress`, `completed`, `blocked`, `failed` or `cancelled`.
    pub status: Option<crate::handoff::Status>,
    /// Done so far.
    pub completed: Vec<String>,
    /// Left to do.
    pub remaining: Vec<String>,
    /// Session.
    pub session_id: Option<String>,
    /// Seconds within which the next sign of life is promised.
    pub heartbeat_seconds: Option<u64>,
    /// Process that works on it, on this machine.
    pub pid: Option<u32>,
}
