//! Why a command came to nothing, in words.

use std::sync::Arc;

use countersign_protocol::lock::{End, Ended, Lock, LockId, MOST};

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It is taken, and the caller does not wait.
    #[error("`{path}` is locked by {by}", by = describe(by))]
    Taken {
        /// What was asked for.
        path: String,
        /// What is in the way, in line.
        by: Vec<Arc<Lock>>,
    },
    /// A person reads it.
    #[error("`{path}` is being reviewed by {by} ({handoff})")]
    Reviewed {
        /// What was asked for.
        path: String,
        /// Who reads it.
        by: String,
        /// The card.
        handoff: countersign_protocol::HandoffId,
    },
    /// A person has the whole workspace for themselves.
    #[error("{by} has `{workspace}` now, and agents may only read in it")]
    Owned {
        /// Where.
        workspace: String,
        /// Who has it.
        by: String,
    },
    /// There is no such lock any more, or never was.
    #[error("{id} {how}", how = how(ended.as_deref()))]
    Over {
        /// Its number.
        id: LockId,
        /// What became of it, when that is known.
        ended: Option<Arc<Ended>>,
    },
    /// It is somebody else's.
    #[error("{id} is {whose}’s")]
    NotYours {
        /// Its number.
        id: LockId,
        /// Who has it.
        whose: String,
    },
    /// The token is older than the one of the lock as it is held now.
    #[error("the fencing token {shown} is not that of {id}")]
    Stale {
        /// Its number.
        id: LockId,
        /// What the caller showed.
        shown: u64,
        /// The token of the lock; `None` while it waits.
        fence: Option<u64>,
    },
    /// One owner has too many.
    #[error("{owner} has {MOST} locks in `{workspace}` already")]
    TooMany {
        /// Who asks.
        owner: String,
        /// Where.
        workspace: String,
    },
    /// It cannot be recorded now; nothing was changed.
    #[error("not recorded, nothing was changed: {0}")]
    Unavailable(String),
}

fn describe(by: &[Arc<Lock>]) -> String {
    match by {
        [] => "somebody else".to_owned(),
        [only] => in_the_way(only),
        [first, rest @ ..] => format!("{} and {} more", in_the_way(first), rest.len()),
    }
}

/// A lock that another one has to wait for, in words.
pub(super) fn in_the_way(lock: &Lock) -> String {
    let how = match lock.held {
        Some(_) => lock.mode.word(),
        None => "in line",
    };
    let (owner, path) = (lock.owner.name(), lock.pattern.as_str());
    format!("{owner} ({}, {how}, {path})", lock.id)
}

/// How a lock ended, in words behind its number.
pub(super) fn how(ended: Option<&Ended>) -> String {
    let Some(ended) = ended else {
        return "is no more".to_owned();
    };
    match &ended.end {
        End::Released => "was released".to_owned(),
        End::HandedOver(handoff) => format!("was released when {handoff} was handed over"),
        End::Silent => "ended, since nothing was heard of its owner in time".to_owned(),
        End::ProcessGone => "ended with the process that needed it".to_owned(),
        End::Broken { by, reason } => format!("was broken by {by}: {reason}"),
    }
}
