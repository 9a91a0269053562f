//! An agent that fell silent.

use super::{Chance, Work};
use crate::config::Trigger;

/// Fires for a card that the daemon made itself.
pub(super) fn fires(_: &Trigger, work: &Work, _: Chance) -> Option<String> {
    let stalled = work.accepted.stalled.as_ref()?;
    Some(format!("The agent fell silent after step {}", stalled.step))
}
