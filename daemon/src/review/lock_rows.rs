//! Locks as pages and API show them.

use std::{sync::Arc, time::Duration};

use countersign_protocol::{
    event::Accepted,
    lock::{Lock, Mode, is_same_owner},
    names::joined,
    principal::{Actor, Method, Principal},
};
use countersign_web::desk::{
    Caller, Check,
    locks::{AskedToRelease, KernelLockKind, KernelLockRow, LockRow, ReadingRow},
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    ledger::{Reading, State},
    locks::{KernelKind, KernelLock, Leased},
};

/// Most paths of a reading that are named.
const PATHS: usize = 5;

fn known_by(owner: &Actor) -> String {
    match owner {
        Actor::Person { method, .. } => match method {
            Method::Cli => "at the command line",
            _ => "signed in",
        }
        .to_owned(),
        Actor::Agent { principal, .. } => match principal {
            Principal::FileOwner { uid } => format!("by file, uid {uid}"),
            Principal::Token { id, .. } => format!("token {id}"),
            Principal::Person { .. } => "signed in".to_owned(),
            Principal::Operator => "by the operator".to_owned(),
            Principal::Daemon => "by the daemon".to_owned(),
        },
        Actor::Daemon | Actor::Policy { .. } => "by the daemon".to_owned(),
    }
}

pub(super) fn row(state: &State, me: Actor, leased: &Leased, now: Timestamp) -> LockRow {
    let lock = &leased.lock;
    let after = |span: Duration| {
        now.saturating_add(SignedDuration::try_from(span).ok()?)
            .ok()
    };
    let before = |span: Duration| {
        now.saturating_sub(SignedDuration::try_from(span).ok()?)
            .ok()
    };
    let waits_for = match lock.held {
        Some(_) => Vec::new(),
        None => state
            .locks()
            .ahead_of(lock)
            .iter()
            .map(|other| other.id)
            .collect(),
    };
    LockRow {
        id: lock.id,
        workspace: lock.workspace.to_string(),
        path: lock.pattern.as_str().to_owned(),
        kind: lock.pattern.kind(),
        mode: lock.mode,
        held: lock.held.is_some(),
        fence: lock.held.map(|held| held.fence),
        owner: lock.owner.name().to_owned(),
        agent: matches!(lock.owner, Actor::Agent { .. }),
        known_by: known_by(&lock.owner),
        mine: is_same_owner(&lock.owner, &me),
        reason: lock.reason.clone(),
        pid: lock.process.map(|process| process.pid),
        file: lock.file.as_ref().map(|file| file.name.clone()),
        requested_at: lock.requested,
        held_at: lock.held.map(|held| held.since),
        ttl_seconds: lock.ttl_seconds,
        expires_at: leased.lease.and_then(|(left, _)| after(left)),
        heard_at: leased.lease.and_then(|(_, heard)| before(heard)),
        waits_for,
        circle: Vec::new(),
        asked: lock.asked.as_ref().map(|asked| AskedToRelease {
            by: asked.by.name().to_owned(),
            at: asked.at,
            note: asked.note.clone(),
        }),
    }
}

/// What a reviewer should know of locks on the files of a revision: somebody may be writing them.
pub(super) fn written(state: &State, accepted: &Accepted) -> Vec<Check> {
    let at = &accepted.at;
    let covers = |lock: &Lock, path: &str| lock.pattern.covers(&joined(&at.folder, path));
    let entries = &accepted.manifest.entries;
    let writes = |lock: &&Arc<Lock>| {
        lock.mode == Mode::Exclusive && entries.iter().any(|entry| covers(lock, &entry.path))
    };
    let told = |lock: &Arc<Lock>| Check {
        ok: false,
        verified: true,
        said: None,
        text: format!(
            "{} holds a lock to write {} ({}): the file may still change, what you read is sealed",
            lock.owner.name(),
            lock.pattern.as_str(),
            lock.id
        ),
    };
    state
        .locks()
        .held(&at.workspace)
        .filter(writes)
        .map(told)
        .collect()
}

pub(super) fn reading_row(reading: Reading) -> ReadingRow {
    let more = reading.patterns.len().saturating_sub(PATHS);
    let shown = reading.patterns.iter().take(PATHS);
    let mut paths: Vec<String> = shown.map(|one| one.as_str().to_owned()).collect();
    if more > 0 {
        paths.push(format!("{more} more"));
    }
    ReadingRow {
        handoff: reading.handoff,
        workspace: reading.workspace,
        by: reading.by,
        since: reading.since,
        until: reading.until,
        paths,
    }
}

/// What the processes of this machine are is no agent's business.
pub(super) fn kernel_row(lock: KernelLock, who: &Caller) -> KernelLockRow {
    let is_person = matches!(who, Caller::Person(_));
    KernelLockRow {
        workspace: lock.workspace,
        path: lock.path,
        kind: match lock.kind {
            KernelKind::Flock => KernelLockKind::Flock,
            KernelKind::Record => KernelLockKind::Record,
            KernelKind::OpenFile => KernelLockKind::OpenFile,
            KernelKind::Lease => KernelLockKind::Lease,
        },
        exclusive: lock.exclusive,
        waiting: lock.waiting,
        pid: lock.pid.filter(|_| is_person),
        program: lock.program.filter(|_| is_person),
    }
}
