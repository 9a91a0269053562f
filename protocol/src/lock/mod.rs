//! Advisory locks: who asks others to keep off which files, and for how long.
//!
//! A lock keeps nobody from anything but another lock that overlaps it; so nothing here is enforced on the
//! disk, and no word of ours says that it is. Which two locks overlap is decided exactly ([`Pattern`]); who holds
//! what is a fold of facts ([`Table`]). How long a silent owner keeps a lock is a matter of time, and
//! time is kept by the daemon.

mod circle;
mod document;
mod glob;
mod pattern;
mod table;
#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Digest, event::Process, principal::Actor};

pub use document::{
    ANSWER_VERSION, FileRequest, LockAnswer, LockStatus, answer_name, is_request, read,
};
pub use pattern::{Kind, Pattern, PatternProblem};
pub use table::{Asked, End, Ended, Held, KeptOff, Lock, Table};

/// Shortest lease, in seconds.
pub const SHORTEST: u32 = 5;
/// Longest lease, in seconds.
pub const LONGEST: u32 = 86_400;
/// The lease when none is asked for, in seconds.
pub const USUAL: u32 = 600;
/// Most locks of one owner in a workspace, held and waiting.
pub const MOST: usize = 1_000;
/// Longest reason, in characters.
pub const MAX_REASON: usize = 500;
/// Longest key, in bytes.
pub const MAX_KEY: usize = 200;

/// The number of a lock, written `L-7`: that of the ledger entry in which it was asked for. Never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^L-[1-9][0-9]*$"))]
pub struct LockId(pub u64);

/// The text is not the number of a lock.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not the number of a lock; it looks like `L-7` or `7`")]
pub struct BadLockId(String);

impl fmt::Display for LockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "L-{}", self.0)
    }
}

impl FromStr for LockId {
    type Err = BadLockId;

    /// Takes `L-7`, `l-7` and `7`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text
            .strip_prefix(['L', 'l'])
            .map_or(Some(text), |rest| rest.strip_prefix('-'));
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        match digits.and_then(|digits| digits.parse().ok()) {
            Some(number) if number > 0 => Ok(Self(number)),
            _ => Err(BadLockId(text.to_owned())),
        }
    }
}

impl Serialize for LockId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LockId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// Whether others may hold a lock on the same files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nobody else: to write.
    #[default]
    Exclusive,
    /// Others too, as long as all of them share: to read.
    Shared,
}

impl Mode {
    /// Whether locks of these modes on the same file keep each other off.
    pub fn conflicts(self, other: Self) -> bool {
        self == Self::Exclusive || other == Self::Exclusive
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exclusive => "exclusive",
            Self::Shared => "shared",
        }
    }
}

/// A lock as its facts name it, so that each can be read alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockName {
    /// Its number.
    pub id: LockId,
    /// Its workspace.
    pub workspace: String,
    /// What it is on, as a reader would write it.
    pub path: String,
}

/// What is asked for. Who asks is the author of the entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockRequest {
    /// A path or glob relative to the workspace, as [`Pattern`] reads it.
    pub path: String,
    /// What the path is.
    pub kind: Kind,
    /// Alone or with others.
    pub mode: Mode,
    /// After so many seconds without a sign of life it ends.
    pub ttl_seconds: u32,
    /// Why, in the words of the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The process of this machine that needs it: with its end the lock ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// What makes two requests of one owner the same one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The file that asks for it, when it came by file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<RequestFile>,
}

/// A file in `locks/` that asks for a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestFile {
    /// Its name in that folder.
    pub name: String,
    /// Digest of its bytes.
    pub sha256: Digest,
    /// Its inode: the same words written anew ask anew.
    pub inode: u64,
}

/// Whether both are the same owner: the same person, or the same agent known in the same way.
pub fn is_same_owner(one: &Actor, other: &Actor) -> bool {
    match (one, other) {
        (Actor::Person { id: one, .. }, Actor::Person { id: other, .. }) => one == other,
        (
            Actor::Agent { name, principal },
            Actor::Agent {
                name: other,
                principal: known,
            },
        ) => name == other && principal.is_same(known),
        _ => false,
    }
}
