//! Places in the history of a workspace that have a name.

use std::fmt;

/// A point in the ledger by what happened there. The text form begins with `@`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// The newest mark of the kind `build`.
    LastBuild,
    /// The mark of that build.
    Build(String),
    /// The newest mark of that name; of any name when it is empty.
    LastMark(String),
    /// The newest checkpoint.
    LastCheckpoint,
    /// The last decision of the asker.
    MyLastReview,
    /// The last page that the asker opened.
    MyLastVisit,
    /// The last approval.
    LastApproval,
    /// The revision before the newest one.
    LastRevision,
    /// A revision, of whichever handoff is looked at.
    Revision(u32),
    /// An entry of the ledger.
    Entry(u64),
}

/// The plain names with what they stand for, also other spellings. The first one of each is canonical.
const NAMES: &[(&str, Anchor)] = &[
    ("last-build", Anchor::LastBuild),
    ("build", Anchor::LastBuild),
    ("last-checkpoint", Anchor::LastCheckpoint),
    ("checkpoint", Anchor::LastCheckpoint),
    ("my-last-review", Anchor::MyLastReview),
    ("my-last-decision", Anchor::MyLastReview),
    ("my-last-visit", Anchor::MyLastVisit),
    ("last-approval", Anchor::LastApproval),
    ("last-approved", Anchor::LastApproval),
    ("last-revision", Anchor::LastRevision),
    ("last-mark", Anchor::LastMark(String::new())),
];

impl Anchor {
    /// The plain names, for completion.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// Reads the text behind the `@`.
    pub fn read(text: &str) -> Option<Self> {
        if let Some((name, rest)) = text.split_once(':') {
            let plain = !rest.is_empty() && !rest.contains("..");
            return match name.to_ascii_lowercase().as_str() {
                "build" | "last-build" if plain => Some(Self::Build(rest.to_owned())),
                "last-mark" | "mark" if plain => Some(Self::LastMark(rest.to_owned())),
                "rev" | "revision" => {
                    let number = rest.strip_prefix(['r', 'R']).unwrap_or(rest);
                    number.parse().ok().filter(|n| *n > 0).map(Self::Revision)
                }
                "entry" => {
                    let number = rest.strip_prefix(['e', 'E']).unwrap_or(rest);
                    number.parse().ok().map(Self::Entry)
                }
                _ => None,
            };
        }
        let lower = text.to_ascii_lowercase().replace('_', "-");
        let known = NAMES.iter().find(|(name, _)| *name == lower);
        known.map(|(_, anchor)| anchor.clone())
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(name) => write!(f, "@build:{name}"),
            Self::LastMark(name) if !name.is_empty() => write!(f, "@last-mark:{name}"),
            Self::Revision(number) => write!(f, "@rev:{number}"),
            Self::Entry(seq) => write!(f, "@entry:{seq}"),
            plain => {
                let name = NAMES.iter().find(|(_, anchor)| anchor == plain);
                write!(f, "@{}", name.map_or("", |(name, _)| name))
            }
        }
    }
}
