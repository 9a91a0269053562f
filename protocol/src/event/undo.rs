//! Answers that can be taken back before they are given.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Decided;

/// An answer that becomes a decision, or a vote, when its time to be taken back is over and every check still holds.
/// Until then it is nobody's business but that of the people at the desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// What is recorded then, word for word.
    pub decided: Decided,
    /// The number of the handoff, as the person typed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typed: Option<String>,
    /// When that is.
    pub until: Timestamp,
}
