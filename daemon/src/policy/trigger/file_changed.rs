//! A named file is new or has other bytes than in the revision before.

use super::{Chance, Work};
use crate::{config::Trigger, policy::work::Globs};

/// Fires for the first such file.
pub(super) fn fires(trigger: &Trigger, work: &Work, _: Chance) -> Option<String> {
    let globs = Globs::new(&trigger.names);
    let mut changed = work.files().iter().filter(|file| file.changed);
    let file = changed.find(|file| globs.matches(&file.path))?;
    Some(format!("`{}` changed", file.path))
}
