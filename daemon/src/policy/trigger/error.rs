//! An error that the agent cannot resolve.

use countersign_protocol::handoff::Trigger as Stated;

use super::{Chance, Work};
use crate::config::Trigger;

/// Fires for a stated error; an agent that fell silent has a trigger of its own.
pub(super) fn fires(_: &Trigger, work: &Work, _: Chance) -> Option<String> {
    (work.accepted.trigger == Stated::Error
        && work.accepted.stalled.is_none()
        && work.accepted.violated.is_empty())
    .then(|| "The agent could not go on by itself".to_owned())
}
