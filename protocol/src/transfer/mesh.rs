//! Who takes part in a workspace, what each is good at, and who may hand to whom.

use core::time::Duration;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Whether a person looks before a hop is carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Agents hand to each other by themselves.
    #[default]
    Autonomous,
    /// A person approves each hop first.
    Reviewed,
}

impl Mode {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Autonomous => "autonomous",
            Self::Reviewed => "reviewed",
        }
    }
}

/// An agent that may take part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Participant {
    /// The name under which it hands over, a single part of a path.
    pub id: String,
    /// Names it had before. What it did under them still counts.
    pub was: Vec<String>,
    /// What it is good at, in words for people and for other agents.
    pub in_scope: Option<String>,
    /// What it leaves to others.
    pub out_of_scope: Option<String>,
    /// Whether it may begin a task.
    pub start: bool,
    /// To whom it may hand.
    pub hands_to: Vec<String>,
    /// What it can use; a handoff may require some of it.
    pub tools: Vec<String>,
    /// The contracts it understands, `name` or `name@version`; empty for all of the workspace.
    pub accepts: Vec<String>,
    /// The user of the operating system whose files are its own; anybody's when left out.
    pub user: Option<u32>,
    /// Bytes of document and files that it can read.
    pub max_bytes: Option<u64>,
    /// The time it needs at least.
    pub needs: Option<Duration>,
    /// The strictest class of data that it may see: `public`, `internal`, `confidential` or `restricted`.
    pub clearance: Option<String>,
    /// Whether it is told what others hand to each other.
    pub hears: bool,
    /// The webhook of the operator by which it is told of work.
    pub webhook: Option<String>,
}

/// Everybody who takes part, and what holds between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mesh {
    /// The participants, in the order in which they are named.
    pub participants: Vec<Participant>,
    /// Whether a person looks first.
    pub mode: Mode,
    /// The time within which a receiver says whether it takes a task.
    pub acknowledge_within: Duration,
    /// How often it is reminded when it does not; each time it gets twice as long as before.
    pub reminders: u32,
    /// Hops of one task without a person in between.
    pub max_hops: u32,
    /// Whether every participant is told of every hop.
    pub share_context: bool,
}

/// Why participants make no mesh.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAMesh {
    /// Two participants have one name, now or before.
    #[error("`{0}` is the name of two participants")]
    Twice(String),
    /// A route leads to nobody.
    #[error("`{from}` hands to `{to}`, and there is no participant `{to}`")]
    Unknown {
        /// Who hands.
        from: String,
        /// To whom.
        to: String,
    },
}

impl Mesh {
    /// Whether agents hand to agents here at all.
    pub fn is_empty(&self) -> bool {
        self.participants.is_empty()
    }

    /// The participant of that name, also by a name it had before.
    pub fn find(&self, name: &str) -> Option<&Participant> {
        let mut all = self.participants.iter();
        all.clone()
            .find(|one| one.id == name)
            .or_else(|| all.find(|one| one.was.iter().any(|was| was == name)))
    }

    /// The name under which `name` is known now.
    pub fn canonical<'a>(&'a self, name: &'a str) -> &'a str {
        self.find(name).map_or(name, |one| one.id.as_str())
    }

    /// Whether `from` may hand to `to`.
    pub fn allows(&self, from: &str, to: &str) -> bool {
        let to = self.canonical(to);
        self.find(from)
            .is_some_and(|one| one.hands_to.iter().any(|known| self.canonical(known) == to))
    }

    /// Whether `name` may begin a task: everybody may where nobody is named for it.
    pub fn may_start(&self, name: &str) -> bool {
        !self.participants.iter().any(|one| one.start)
            || self.find(name).is_some_and(|one| one.start)
    }

    /// Complains about names that are used twice or lead to nobody.
    pub fn check(&self) -> Result<(), NotAMesh> {
        let mut seen = BTreeSet::new();
        for one in &self.participants {
            for name in std::iter::once(&one.id).chain(&one.was) {
                if !seen.insert(name) {
                    return Err(NotAMesh::Twice(name.clone()));
                }
            }
        }
        for one in &self.participants {
            if let Some(to) = one.hands_to.iter().find(|to| self.find(to).is_none()) {
                return Err(NotAMesh::Unknown {
                    from: one.id.clone(),
                    to: to.clone(),
                });
            }
        }
        Ok(())
    }
}

/// How strict a class of data is; one that is not known is the strictest.
pub fn rank(class: &str) -> u8 {
    match class {
        "public" => 0,
        "internal" => 1,
        "confidential" => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mesh() -> Mesh {
        let one = |id: &str, hands_to: &[&str]| Participant {
            id: id.to_owned(),
            hands_to: hands_to.iter().map(ToString::to_string).collect(),
            ..Participant::default()
        };
        Mesh {
            participants: vec![one("a", &["b"]), one("b", &[])],
            ..Mesh::default()
        }
    }

    #[test]
    fn a_route_leads_one_way() {
        let mesh = mesh();
        assert!(mesh.allows("a", "b"));
        assert!(!mesh.allows("b", "a"));
        assert!(!mesh.allows("a", "nobody"));
        assert!(!mesh.allows("nobody", "b"));
    }

    #[test]
    fn a_renamed_participant_is_the_same() {
        let mut mesh = mesh();
        mesh.participants[1].was.push("old-b".to_owned());
        assert!(mesh.allows("a", "old-b"));
        assert_eq!(mesh.canonical("old-b"), "b");
        assert_eq!(mesh.check(), Ok(()));
        mesh.participants[0].was.push("b".to_owned());
        assert_eq!(mesh.check(), Err(NotAMesh::Twice("b".to_owned())));
    }

    #[test]
    fn a_route_to_nobody_is_noticed() {
        let mut mesh = mesh();
        mesh.participants[0].hands_to.push("c".to_owned());
        let (from, to) = ("a".to_owned(), "c".to_owned());
        assert_eq!(mesh.check(), Err(NotAMesh::Unknown { from, to }));
    }

    #[test]
    fn only_those_named_for_it_begin_where_somebody_is() {
        let mut mesh = mesh();
        assert!(mesh.may_start("a") && mesh.may_start("b"));
        mesh.participants[0].start = true;
        assert!(mesh.may_start("a") && !mesh.may_start("b"));
    }
}
