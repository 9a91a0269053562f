//! `[[agent]]`: what is known of an agent beside what it says.

use std::ops::Range;

use super::{
    Entry,
    names::{Id, Target},
    origin::Setting,
    section::Section,
};

/// An `[[agent]]` section.
#[derive(Clone, Debug)]
pub struct Agent {
    /// The name under which it hands over.
    pub id: Setting<Id>,
    /// Who answers for it.
    pub owner: Option<Setting<Target>>,
    /// The user of the operating system it runs as: a name or a number.
    pub user: Option<Setting<String>>,
    /// Words that rules may use.
    pub labels: Setting<Vec<Id>>,
}

impl Agent {
    pub(super) fn read(span: Range<usize>, section: &Section<'_>) -> Option<Self> {
        let id = section.need::<Id>("id", span, "the name under which it hands over");
        let owner = section.take("owner");
        let user = section.take("user");
        let labels = section.take("labels");
        section.finish(&[]);
        Some(Self {
            id: id?,
            owner,
            user,
            labels: labels.unwrap_or_else(|| Setting::default(Vec::new())),
        })
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let key = |name: &str| format!("agent.\"{}\".{name}", self.id.value);
        let mut entries = vec![Entry::new(key("labels"), &self.labels)];
        entries.extend(
            self.owner
                .iter()
                .map(|owner| Entry::new(key("owner"), owner)),
        );
        entries.extend(self.user.iter().map(|user| Entry::new(key("user"), user)));
        entries
    }
}
