//! What is looked for, in terms of the index.

use std::{collections::HashSet, ops::Range};

use countersign_protocol::{lock, query::glob};

use super::pattern::Pattern;
use crate::search::Level;

/// A condition. Who asks has turned names, people and times of the query into these.
#[derive(Clone, Debug, Default)]
pub enum Condition {
    /// Everything.
    #[default]
    All,
    /// Each of these.
    And(Vec<Condition>),
    /// Any of these.
    Or(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// A word, in names, titles and text.
    Word(String),
    /// Words next to each other in the text of this kind of document.
    Inside(&'static str, String),
    /// A phrase or pattern, in a line of the text; a phrase in the path as well.
    Pattern(Pattern, Option<String>),
    /// What is about one of these: documents of the handoffs, or files, by `key_of_file`.
    About {
        /// Numbers of handoffs.
        cards: HashSet<u64>,
        /// Keys of files.
        files: HashSet<u64>,
    },
    /// Documents of this kind.
    Kind(&'static str),
    /// In the workspace.
    Workspace(Name),
    /// By this person or agent.
    By(Name),
    /// The path, by [`glob::path_pattern`].
    Path(String),
    /// The ending of the name.
    Ending(Name),
    /// The type of file.
    Type(Name),
    /// Size in bytes.
    Size(Range<u64>),
    /// When it was changed or recorded, in microseconds since 1970.
    At(Range<i64>),
    /// It has a line of this level.
    Level(Level),
    /// It is a file with what looks like a credential in it.
    Secret,
    /// It is a file of this workspace that the pattern of a lock covers.
    Covered(String, lock::Pattern),
    /// It is a decision with this outcome, as queries write it: `changes-requested`.
    Outcome(String),
    /// It is a file with text that is not in the index.
    Unsearched,
    /// It was refused since it breaks the contract.
    Invalid,
}

impl Condition {
    /// What is asked beside the text, and whether anything is asked of the text.
    pub(super) fn beside_text(&self) -> (Self, bool) {
        let all = |parts: &[Self]| {
            let parts: Vec<_> = parts.iter().map(Self::beside_text).collect();
            let any = parts.iter().any(|(_, asks)| *asks);
            (parts.into_iter().map(|(part, _)| part).collect(), any)
        };
        match self {
            Self::Word(_)
            | Self::Inside(..)
            | Self::Pattern(..)
            | Self::Level(_)
            | Self::Secret => (Self::All, true),
            Self::And(parts) => {
                let (parts, asks) = all(parts);
                (Self::And(parts), asks)
            }
            Self::Or(parts) => {
                let (parts, asks) = all(parts);
                (Self::Or(parts), asks)
            }
            Self::Not(part) => match part.beside_text() {
                (_, true) => (Self::All, true),
                (_, false) => (self.clone(), false),
            },
            other => (other.clone(), false),
        }
    }
}

/// A name, in which `*` and `?` are placeholders. The case of letters does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(pub String);

impl Name {
    /// Whether it has placeholders.
    pub(super) fn is_open(&self) -> bool {
        glob::has_placeholders(&self.0)
    }

    /// The regular expression for folded names.
    pub(super) fn pattern(&self) -> String {
        glob::name_pattern(&self.0)
    }
}
