//! `[[reason]]`: words that are kept ready for answers.

use std::ops::Range;

use countersign_protocol::{decision::Outcome, phrase::Phrase};

use super::{Entry, names::Id, origin::Setting, section::Section};

/// A `[[reason]]` section.
#[derive(Clone, Debug)]
pub struct Reason {
    /// Its name; unique, and what agents get.
    pub name: Setting<Id>,
    /// What reviewers choose and fill in.
    pub words: Setting<Phrase>,
    /// The answers it goes with.
    pub answers: Setting<Vec<Outcome>>,
    /// Patterns of workspaces, agents and contracts that it is for; without any, all of them.
    pub scope: [(&'static str, Option<Setting<Vec<String>>>); 3],
}

impl Reason {
    pub(super) fn read(span: Range<usize>, section: &Section<'_>) -> Option<Self> {
        let name = section.need::<Id>("name", span.clone(), "`name = \"no-source\"`");
        let hint = "`words = \"{which figure} has no source\"`";
        let words = section.need::<Phrase>("words", span, hint);
        let answers = section.take("answers");
        let scope = ["workspace", "agent", "contract"].map(|key| (key, section.take(key)));
        section.finish(&[]);
        let (name, words) = (name?, words?);
        let usual = vec![Outcome::ChangesRequested, Outcome::Rejected];
        Some(Self {
            answers: answers.unwrap_or_else(|| Setting::default(usual)),
            name,
            words,
            scope,
        })
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let key = |name: &str| format!("reason.{}.{name}", self.name.value);
        let mut entries = vec![
            Entry::new(key("words"), &self.words),
            Entry::new(key("answers"), &self.answers),
        ];
        for (name, list) in &self.scope {
            entries.extend(list.iter().map(|list| Entry::new(key(name), list)));
        }
        entries
    }
}
