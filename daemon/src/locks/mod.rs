//! Advisory locks: one table for every way in, a lease for each, and an end for those whose owner is silent or gone.
//!
//! The table is a fold of the ledger, so it survives whatever the daemon does not. Leases are kept in memory and
//! begin anew after a start. What is asked for by file stands in `locks/` of a workspace; kernel locks are only looked at,
//! and shown beside ours for what they are.

mod by_file;
mod error;
mod kernel;
mod leases;
#[cfg(test)]
mod model;
mod plan;
mod resolve;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use countersign_protocol::{
    event::Process,
    lock::{Kind, Lock, LockId, LockRequest, Pattern, Table},
    principal::Actor,
};
use tokio::{sync::watch, task::AbortHandle};

pub use by_file::FilesError;
pub use error::LockError;
pub use kernel::{KernelKind, KernelLock, kernel_locks};

use crate::{
    clock::SharedClock,
    ledger::{Ledger, State, TransactError},
    process::{self, ProcessTable, Processes},
    workspace::Workspaces,
};
use by_file::Files;
use leases::Leases;
use plan::{Moment, Planned, Wanted};

/// The stage. Clones share one table.
#[derive(Clone, Debug)]
pub struct Locks {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    ledger: Ledger,
    workspaces: Arc<Workspaces>,
    clock: SharedClock,
    leases: Mutex<Leases>,
    files: tokio::sync::Mutex<Files>,
    /// Who waits for the end of which process.
    ends: Mutex<HashMap<Process, AbortHandle>>,
    nudges: watch::Sender<u64>,
}

/// A lock with what is left of its lease.
#[derive(Clone, Debug)]
pub struct Leased {
    /// The lock.
    pub lock: Arc<Lock>,
    /// What is left of its lease, and how long ago its owner was heard; `None` for a moment after a start.
    pub lease: Option<(Duration, Duration)>,
}

impl Locks {
    /// The stage over `ledger`.
    pub fn new(ledger: Ledger, workspaces: Arc<Workspaces>, clock: SharedClock) -> Self {
        Self {
            inner: Arc::new(Inner {
                ledger,
                workspaces,
                clock,
                leases: Mutex::default(),
                files: tokio::sync::Mutex::default(),
                ends: Mutex::default(),
                nudges: watch::Sender::new(0),
            }),
        }
    }

    /// Moves when there may be something to do.
    pub fn nudges(&self) -> watch::Receiver<u64> {
        self.inner.nudges.subscribe()
    }

    /// Something in `locks/` of a workspace may have changed.
    pub fn nudge(&self) {
        self.inner.nudges.send_modify(|count| *count += 1);
    }

    /// One round: ends what is over, and gives what is free.
    pub async fn run(&self) -> Result<(), TransactError<Infallible>> {
        self.sweep(&ProcessTable).await?;
        self.watch_processes();
        Ok(())
    }

    /// Takes a lock for `owner`, or a place in line for it.
    pub async fn acquire(
        &self,
        owner: Actor,
        workspace: &str,
        pattern: Pattern,
        request: LockRequest,
        in_line: bool,
    ) -> Result<LockId, LockError> {
        let pattern = self.resolved(workspace, pattern).await?;
        let request = LockRequest {
            path: pattern.as_str().to_owned(),
            kind: pattern.kind(),
            ..request
        };
        let wanted = Wanted {
            workspace: workspace.to_owned(),
            owner,
            pattern,
            request,
            in_line,
        };
        let has_process = wanted.request.process.is_some();
        let taken = self
            .plan(move |state, leases, now| {
                plan::acquire(state, leases, now, wanted, &ProcessTable)
            })
            .await;
        if has_process {
            self.watch_processes();
        }
        taken
    }

    /// Returns the pattern by the name of what it is on, whichever way it was asked for.
    async fn resolved(&self, workspace: &str, pattern: Pattern) -> Result<Pattern, LockError> {
        let Some(workspace) = self.inner.workspaces.get(workspace) else {
            return Ok(pattern);
        };
        let ledger = self.inner.ledger.clone();
        let found = tokio::task::spawn_blocking(move || {
            let locked = || {
                let state = ledger.state();
                let table = state.locks();
                let all = table
                    .held(&workspace.name)
                    .chain(table.waiting(&workspace.name));
                all.filter(|lock| lock.pattern.kind() == Kind::File)
                    .map(|lock| lock.pattern.as_str().to_owned())
                    .collect()
            };
            resolve::resolve(&workspace, &locked, pattern)
        });
        found
            .await
            .map_err(|error| LockError::Unavailable(error.to_string()))
    }

    /// A sign of life of the owner, who may change the length of the lease and the process.
    pub async fn renew(
        &self,
        id: LockId,
        owner: Actor,
        fence: Option<u64>,
        terms: (Option<u32>, Option<Process>),
    ) -> Result<Arc<Lock>, LockError> {
        let renewed = self
            .plan(move |state, leases, now| {
                plan::renew(
                    state,
                    leases,
                    now,
                    (id, &owner, fence),
                    terms,
                    &ProcessTable,
                )
            })
            .await;
        if terms.1.is_some() {
            self.watch_processes();
        }
        renewed
    }

    /// The owner lets go, or no longer waits.
    pub async fn release(
        &self,
        id: LockId,
        owner: Actor,
        fence: Option<u64>,
    ) -> Result<(), LockError> {
        self.plan(move |state, leases, now| {
            plan::release(state, leases, now, (id, &owner, fence), &ProcessTable)
        })
        .await
    }

    /// Takes a lock away from its owner, with the reason.
    pub async fn break_up(&self, id: LockId, by: Actor, reason: String) -> Result<(), LockError> {
        self.plan(move |state, leases, now| plan::break_up(state, leases, now, (id, by, reason)))
            .await
    }

    /// Asks the owner to let go.
    pub async fn ask(&self, id: LockId, by: Actor, note: Option<String>) -> Result<(), LockError> {
        self.plan(move |state, _, _| plan::ask(state, (id, by, note)))
            .await
    }

    /// Waits until the lock is held or over, at most for `patience`.
    pub async fn settled(&self, id: LockId, patience: Duration) {
        let mut head = self.inner.ledger.head();
        let waits = |table: &Table| table.get(id).is_some_and(|lock| lock.held.is_none());
        let settled = async {
            loop {
                head.borrow_and_update();
                if !waits(self.inner.ledger.state().locks()) || head.changed().await.is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(patience, settled).await;
    }

    /// What is left of the leases of `locks`.
    pub fn leased(&self, locks: impl IntoIterator<Item = Arc<Lock>>) -> Vec<Leased> {
        let now = self.inner.clock.monotonic();
        let leases = self.inner.leases();
        let leased = |lock: Arc<Lock>| Leased {
            lease: leases.left(&lock, now),
            lock,
        };
        locks.into_iter().map(leased).collect()
    }

    /// Ends what is over and gives what is free, if there is anything.
    async fn sweep(
        &self,
        processes: &(impl Processes + Clone + Send + 'static),
    ) -> Result<(), TransactError<Infallible>> {
        if !self.is_anything_due(processes) {
            return Ok(());
        }
        let (me, processes) = (Arc::clone(&self.inner), processes.clone());
        let swept = self.inner.ledger.transact(move |state, now| {
            let now = me.moment(now);
            Ok(plan::sweep(state, &mut me.leases(), now, &processes))
        });
        let ((), entries) = swept.await?;
        if !entries.is_empty() {
            self.nudge();
        }
        Ok(())
    }

    /// Most often there is nothing to do, and a job would wait for the sync of others all the same.
    fn is_anything_due(&self, processes: &impl Processes) -> bool {
        let now = self.inner.clock.monotonic();
        let state = self.inner.ledger.state();
        let leases = self.inner.leases();
        let is_over = |lock: &Arc<Lock>| {
            leases.is_over(lock, now)
                || lock.process.is_some_and(|process| !processes.runs(process))
        };
        // Who reads is known by the wall clock, so somebody in line may be due at any time.
        !leases.fit(state.locks())
            || state.locks().with_lines().next().is_some()
            || state.locks().all().any(is_over)
    }

    /// Runs `job` as a job of the ledger, with the leases.
    async fn plan<T: Send + 'static>(
        &self,
        job: impl FnOnce(&State, &mut Leases, Moment) -> Planned<T> + Send + 'static,
    ) -> Result<T, LockError> {
        let me = Arc::clone(&self.inner);
        let done = self
            .inner
            .ledger
            .transact::<_, Infallible>(move |state, now| {
                let now = me.moment(now);
                Ok(job(state, &mut me.leases(), now))
            })
            .await;
        let (value, entries) = done.map_err(|error| LockError::Unavailable(error.to_string()))?;
        // Who asked by file is told by file, and reads it sooner than the next round.
        let by_file = {
            let state = self.inner.ledger.state();
            let of_file = |lock: &Lock| lock.file.is_some();
            entries.len() > 1 && state.locks().all().any(|lock| of_file(lock))
        };
        if by_file {
            self.nudge();
        }
        // What was found ended by this very job has its end in the state by now.
        value.map_err(|error| match error {
            LockError::Over { id, ended: None } => LockError::Over {
                id,
                ended: self.inner.ledger.state().locks().ended(id).cloned(),
            },
            error => error,
        })
    }

    /// Waits for the end of each process that needs a lock.
    fn watch_processes(&self) {
        let needed: HashSet<Process> = {
            let state = self.inner.ledger.state();
            state
                .locks()
                .all()
                .filter_map(|lock| lock.process)
                .collect()
        };
        let mut ends = self
            .inner
            .ends
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        ends.retain(|process, end| {
            let is_needed = needed.contains(process);
            if !is_needed {
                end.abort();
            }
            is_needed && !end.is_finished()
        });
        for process in needed {
            if ends.contains_key(&process) {
                continue;
            }
            // One that is gone already is found by the next round.
            let Some(end) = process::end_of(process) else {
                continue;
            };
            let me = self.clone();
            let task = tokio::spawn(async move {
                end.await;
                me.nudge();
            });
            ends.insert(process, task.abort_handle());
        }
    }
}

impl Inner {
    fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn moment(&self, wall: jiff::Timestamp) -> Moment {
        Moment {
            wall,
            monotonic: self.clock.monotonic(),
        }
    }
}
