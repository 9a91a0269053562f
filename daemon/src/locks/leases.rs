//! How long a silent owner keeps a lock.
//!
//! Signs of life are not written down: after a start every lease begins anew, so a lock never ends sooner than its
//! owner was promised, and a thousand heartbeats cost the ledger nothing. Time is the monotonic clock
//! of this run, which nobody sets.

use std::{collections::HashMap, time::Duration};

use countersign_protocol::lock::{Lock, LockId, Table};

/// Who waits in line asks at least that often how it stands; a request of ours hangs for a minute at most.
const IN_LINE: Duration = Duration::from_secs(90);

#[derive(Clone, Copy, Debug)]
struct Lease {
    /// When it runs out.
    over: Duration,
    /// The last sign of life, or the start of the daemon.
    heard: Duration,
    /// Whether the lock was held then.
    held: bool,
}

/// The leases of all locks, held and waiting.
#[derive(Clone, Debug, Default)]
pub(super) struct Leases {
    by_lock: HashMap<LockId, Lease>,
}

impl Leases {
    /// The owner of a lock gave a sign of life.
    pub(super) fn heard(&mut self, id: LockId, ttl_seconds: u32, held: bool, now: Duration) {
        let length = if held {
            Duration::from_secs(ttl_seconds.into())
        } else {
            IN_LINE
        };
        let lease = Lease {
            over: now.saturating_add(length),
            heard: now,
            held,
        };
        self.by_lock.insert(id, lease);
    }

    /// The lock is no more.
    pub(super) fn end(&mut self, id: LockId) {
        self.by_lock.remove(&id);
    }

    /// Whether the lease of `lock` has run out at `now`.
    pub(super) fn is_over(&self, lock: &Lock, now: Duration) -> bool {
        let lease = self.by_lock.get(&lock.id);
        lease.is_some_and(|lease| lease.held == lock.held.is_some() && lease.over <= now)
    }

    /// What is left of the lease of `lock`, and how long ago its owner was heard.
    pub(super) fn left(&self, lock: &Lock, now: Duration) -> Option<(Duration, Duration)> {
        let lease = self.by_lock.get(&lock.id)?;
        Some((
            lease.over.saturating_sub(now),
            now.saturating_sub(lease.heard),
        ))
    }

    /// Whether every lock of `table` has a lease that fits it, and nothing else has one.
    pub(super) fn fit(&self, table: &Table) -> bool {
        let fits = |lock: &std::sync::Arc<Lock>| {
            let lease = self.by_lock.get(&lock.id);
            lease.is_some_and(|lease| lease.held == lock.held.is_some())
        };
        self.by_lock.len() == table.len() && table.all().all(fits)
    }

    /// Gives every lock of `table` a lease that fits it: a new one where there is none, after a start or where
    /// what was waited for came.
    pub(super) fn mend(&mut self, table: &Table, now: Duration) {
        self.by_lock.retain(|id, _| table.get(*id).is_some());
        for lock in table.all() {
            let held = lock.held.is_some();
            if self
                .by_lock
                .get(&lock.id)
                .is_none_or(|lease| lease.held != held)
            {
                self.heard(lock.id, lock.ttl_seconds, held, now);
            }
        }
    }
}
