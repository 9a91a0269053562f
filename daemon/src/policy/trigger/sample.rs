//! Work that is drawn by lot, so that people see some of what nothing speaks against.

use super::{Chance, Work, millionths};
use crate::config::Trigger;

/// Fires for the stated share.
pub(super) fn fires(trigger: &Trigger, work: &Work, chance: Chance) -> Option<String> {
    (chance.draw(trigger.name.as_str(), work) < millionths(trigger.share))
        .then(|| "Drawn by lot for a close look".to_owned())
}
