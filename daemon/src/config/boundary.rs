//! `[[boundary]]`: what holds agents back in a workspace. Only the operator's own file states it: agents may be
//! able to write `workspace.toml`.

use super::{
    Entry,
    names::{Id, Target},
    origin::Setting,
    quantity::Size,
    section::Section,
    workspace::WorkspaceName,
};

/// A `[[boundary]]` section.
#[derive(Clone, Debug)]
pub struct Boundary {
    /// The workspace; without it, every one that has no section of its own.
    pub workspace: Option<Setting<WorkspaceName>>,
    /// Who owns it as long as it was not given to somebody; without it, who runs the daemon.
    pub owner: Option<Setting<Id>>,
    /// The agents that may hand over; without it, any.
    pub agents: Option<Setting<Vec<Id>>>,
    /// Who may see and answer what is in it; without it, everybody who signs in.
    pub people: Option<Setting<Vec<Target>>>,
    /// Whether the daemon sets owners and modes of the rooms of the workspace.
    pub protect: Setting<bool>,
    /// Whether released files get the immutable flag.
    pub immutable: Setting<bool>,
    /// Bytes of foreign files that are kept.
    pub quarantine: Setting<Size>,
}

impl Default for Boundary {
    fn default() -> Self {
        Self {
            workspace: None,
            owner: None,
            agents: None,
            people: None,
            protect: Setting::default(false),
            immutable: Setting::default(false),
            quarantine: Setting::default(Size(256_000_000)),
        }
    }
}

impl Boundary {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let otherwise = Self::default();
        let read = Self {
            workspace: section.take("workspace"),
            owner: section.take("owner"),
            agents: section.take("agents"),
            people: section.take("people"),
            protect: section.take("protect").unwrap_or(otherwise.protect),
            immutable: section.take("immutable").unwrap_or(otherwise.immutable),
            quarantine: section.take("quarantine").unwrap_or(otherwise.quarantine),
        };
        section.finish(&[]);
        read
    }

    /// Whether `agent` may hand over.
    pub fn admits(&self, agent: &str) -> bool {
        self.agents
            .as_ref()
            .is_none_or(|agents| agents.value.iter().any(|id| id.as_str() == agent))
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let of = self.workspace.as_ref();
        let of = of.map_or_else(|| "*".to_owned(), |name| name.value.to_string());
        let key = |name: &str| format!("boundary.\"{of}\".{name}");
        let mut entries = vec![
            Entry::new(key("protect"), &self.protect),
            Entry::new(key("immutable"), &self.immutable),
            Entry::new(key("quarantine"), &self.quarantine),
        ];
        entries.extend(self.owner.iter().map(|one| Entry::new(key("owner"), one)));
        entries.extend(self.agents.iter().map(|one| Entry::new(key("agents"), one)));
        entries.extend(self.people.iter().map(|one| Entry::new(key("people"), one)));
        entries
    }
}
