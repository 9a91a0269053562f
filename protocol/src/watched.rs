//! Files that a rule watches, and how they changed.

use serde::{Deserialize, Serialize};

use crate::id::Digest;

/// So many changes stand in one fact by name; the rest is counted.
pub const MOST_CHANGES: usize = 64;

/// How a watched file changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It has other bytes.
    Modified,
    /// It is gone.
    Removed,
}

impl ChangeKind {
    /// What happened to it, for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "is new",
            Self::Modified => "changed",
            Self::Removed => "is gone",
        }
    }
}

/// A watched file that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// Path relative to the workspace.
    pub path: String,
    /// How.
    pub kind: ChangeKind,
    /// The bytes it had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Digest>,
    /// The bytes it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Digest>,
}

/// Files that a rule watches have changed, whoever did it. What comes within a moment is one fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesChanged {
    /// The workspace.
    pub workspace: String,
    /// The rule that watches them.
    pub rule: String,
    /// The first of them, sorted by path.
    pub files: Vec<FileChange>,
    /// How many more.
    #[serde(default)]
    pub more: usize,
}

impl FilesChanged {
    /// What happened, on one line for people.
    pub fn words(&self) -> String {
        match self.files.as_slice() {
            [one] if self.more == 0 => format!("{} {}", one.path, one.kind.word()),
            files => {
                let named: Vec<&str> = files.iter().take(3).map(|one| one.path.as_str()).collect();
                let count = files.len() + self.more;
                let rest = if count > named.len() { ", …" } else { "" };
                format!("{count} files changed: {}{rest}", named.join(", "))
            }
        }
    }
}
