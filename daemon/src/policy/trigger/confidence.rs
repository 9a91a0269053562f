//! Stated confidence under the floor of the use case.

use super::{Chance, Work};
use crate::config::Trigger;

/// Fires for a number under the floor. Nothing stated is no number.
pub(super) fn fires(trigger: &Trigger, work: &Work, _: Chance) -> Option<String> {
    let stated = work.accepted.confidence?;
    let floor = trigger.floor.unwrap_or(work.floor);
    (stated < floor).then(|| format!("Stated confidence {stated:.2} is under the {floor:.2} floor"))
}
