//! `[[group]]` and `[[queue]]`: people who are asked together, and work that one of them takes.

use std::ops::Range;

use super::{
    Entry,
    names::{Id, Target},
    origin::Setting,
    section::Section,
};

/// A `[[group]]` or `[[queue]]` section.
#[derive(Clone, Debug)]
pub struct Members {
    /// Unique among groups, or among queues.
    pub id: Setting<Id>,
    /// The name that others see; else the id.
    pub name: Setting<String>,
    /// People; of a queue also groups.
    pub members: Setting<Vec<Target>>,
}

impl Members {
    pub(super) fn read(span: Range<usize>, section: &Section<'_>) -> Option<Self> {
        let id = section.need::<Id>("id", span.clone(), "a name for rules, such as `editors`");
        let name = section.take("name");
        let members = section.need("members", span, "a list of people, such as `[\"maya\"]`");
        section.finish(&[]);
        let id = id?;
        Some(Self {
            name: name.unwrap_or_else(|| Setting::default(id.value.to_string())),
            id,
            members: members?,
        })
    }

    pub(super) fn entries(&self, kind: &str) -> Vec<Entry> {
        let key = |name: &str| format!("{kind}.\"{}\".{name}", self.id.value);
        vec![
            Entry::new(key("name"), &self.name),
            Entry::new(key("members"), &self.members),
        ]
    }
}
