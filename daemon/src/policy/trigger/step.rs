//! A step of a workflow at which a person is always asked.

use super::{Chance, Work};
use crate::{config::Trigger, policy::work::Globs};

/// Fires when the stated step is one of those named.
pub(super) fn fires(trigger: &Trigger, work: &Work, _: Chance) -> Option<String> {
    let step = work.step.as_ref()?;
    Globs::new(&trigger.names)
        .matches(step)
        .then(|| format!("The workflow reached the step `{step}`"))
}
