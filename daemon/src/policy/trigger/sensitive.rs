//! A sensitive or high-risk topic: as stated, or by what the sealed text says.

use countersign_protocol::handoff::Trigger as Stated;

use super::{Chance, Work};
use crate::config::Trigger;

/// With a pattern, fires where the text of the document or of a sealed file matches; what was found
/// is not repeated, since it is what should not spread. Without one, fires for what the agent states.
pub(super) fn fires(trigger: &Trigger, work: &Work, _: Chance) -> Option<String> {
    let Some(pattern) = &trigger.pattern else {
        return (work.accepted.trigger == Stated::Sensitive)
            .then(|| "The topic is named as sensitive".to_owned());
    };
    work.texts.iter().find_map(|(place, text)| {
        let found = pattern.regex().find(text)?;
        let line = text[..found.start()].matches('\n').count() + 1;
        Some(format!(
            "{place}, line {line}, is about what `{}` looks for",
            trigger.name.value
        ))
    })
}
