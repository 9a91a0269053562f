//! The work is done.

use countersign_protocol::handoff::Trigger as Stated;

use super::{Chance, Work};
use crate::config::Trigger;

/// Fires for finished work.
pub(super) fn fires(_: &Trigger, work: &Work, _: Chance) -> Option<String> {
    (work.accepted.trigger == Stated::Completion).then(|| "The work is finished".to_owned())
}
