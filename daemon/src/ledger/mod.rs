//! The ledger: append-only, hash-chained; the state is a fold of it.
//!
//! One thread at a time holds the engine. It takes jobs in order, lets each look at the state as it
//! will be after the jobs before it, and writes all that have piled up in one transaction; so many
//! deliveries share one sync, and no two decisions can both be the first. Readers see the state of
//! the last commit, never one that might still fail.

mod accounts;
mod agenda;
mod answer;
mod bell;
mod delivery;
mod fold;
mod held;
mod hops;
mod known;
mod line;
mod locks;
mod ownership;
mod partial;
mod queue;
mod recent;
mod routing;
#[cfg(test)]
mod tests;
mod threads;
mod transfer;
mod undo;
mod writer;
mod written;

use std::{
    sync::{Arc, OnceLock, RwLock, RwLockReadGuard},
    time::Duration,
};

use countersign_protocol::{
    Digest,
    chain::{Body, Broken, Entry, Head, Verifier},
    event::Event,
    principal::Actor,
};
use jiff::Timestamp;
use tokio::sync::{oneshot, watch};

pub use answer::{decision_document, released, withdrawal_document};
pub use delivery::{Delivery, Undelivered};
pub use fold::State;
pub use known::{
    Card, CardChecks, CardDecision, CardVote, DeadLetter, Kept, KeptSearch, KeyUse,
    MAX_AGENT_MARKS, Mark, Opened, Revision, Sittings, TimedOut, Token, Track, Violation,
    Withdrawal,
};
pub use locks::Reading;
pub use ownership::{Handover, Offer, Ownership};
pub use partial::{Growing, KeptChunk};
pub use recent::Recorded;
pub use routing::{Claim, Move, Routing, Service, Snooze};
pub use threads::{CardComment, Thread, Turn};
pub use transfer::{Hop, HopAnswer, HopStage, Stop};
pub use undo::{CameBack, HeldAnswer};

use crate::{
    clock::SharedClock,
    store::{Space, Store, StoreError, Value},
};

/// What a job wants written, and what it gives back once that is on the disk.
#[derive(Debug)]
pub struct Draft<T> {
    /// Facts, in order.
    pub events: Vec<(Actor, Event)>,
    /// Small sealed files that go with them.
    pub objects: Vec<(Digest, Vec<u8>)>,
    /// Values that go with them.
    pub values: Vec<Value>,
    /// What the caller gets.
    pub value: T,
}

impl<T> Draft<T> {
    /// Facts alone.
    pub fn of(events: Vec<(Actor, Event)>, value: T) -> Self {
        Self {
            events,
            objects: Vec::new(),
            values: Vec::new(),
            value,
        }
    }

    /// Nothing to write.
    pub fn nothing(value: T) -> Self {
        Self::of(Vec::new(), value)
    }
}

/// Why a job came to nothing. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum TransactError<E> {
    /// The job itself decided against it.
    #[error("{0}")]
    Refused(E),
    /// The engine failed.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// The ledger is closed.
    #[error("the ledger is closed")]
    Closed,
}

/// The chain does not hold, or the engine cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The chain is broken.
    #[error("the ledger does not hold: {0}")]
    Broken(#[from] Broken),
    /// The engine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(crate) type Job = Box<dyn FnOnce(&State, Timestamp) -> Prepared + Send>;

/// What a job wants, without the type of what it gives back.
pub(crate) struct Prepared {
    events: Vec<(Actor, Event)>,
    objects: Vec<(Digest, Vec<u8>)>,
    values: Vec<Value>,
    dropped: Vec<Digest>,
    done: Done,
}

/// Told the entries that were written for a job, or why they were not.
type Done = Box<dyn FnOnce(Result<Vec<Entry>, Arc<StoreError>>) + Send>;

/// Looks at the engine between two commits.
type Read = Box<dyn FnOnce(&mut dyn Store) + Send>;

pub(crate) enum Command {
    Job(Job),
    Read(Read),
}

/// A handle; clones share one ledger.
#[derive(Clone)]
pub struct Ledger {
    owner: Arc<Owner>,
    state: Arc<RwLock<State>>,
    bell: Arc<bell::Bell>,
    head: watch::Receiver<u64>,
    work: watch::Receiver<u64>,
    trouble: watch::Receiver<Option<Arc<StoreError>>>,
    recent: Arc<recent::Recent>,
    commits: Commits,
    written: Arc<written::WrittenDigests>,
}

/// Told how long a commit took, and of how many entries it was.
type Commits = Arc<OnceLock<Box<dyn Fn(Duration, usize) + Send + Sync>>>;

/// Closes the line of commands with the last handle.
struct Owner(Arc<queue::Queue>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger")
            .field("head", &*self.head.borrow())
            .finish_non_exhaustive()
    }
}

impl Ledger {
    /// Reads and checks the whole chain of `store`, and starts the thread that works with it.
    pub fn open(mut store: Box<dyn Store>, clock: SharedClock) -> Result<Self, OpenError> {
        let mut state = State::default();
        verify(store.as_mut(), |body, hash| state.apply(body, hash))?;
        let (bell, head_seen) = bell::Bell::new(state.head.seq);
        let bell = Arc::new(bell);
        let (work, work_seen) = watch::channel(state.head.seq);
        let (trouble, trouble_seen) = watch::channel(None);
        let shared = Arc::new(RwLock::new(state));
        let commits = Commits::default();
        let recent = Arc::<recent::Recent>::default();
        let written = Arc::<written::WrittenDigests>::default();
        let told = (
            Arc::clone(&recent),
            Arc::clone(&commits),
            Arc::clone(&written),
        );
        let around = (clock, Arc::clone(&shared));
        let writer = writer::Writer::new(store, around, (Arc::clone(&bell), work), trouble, told);
        let queue = Arc::new(queue::Queue::new(writer));
        let at_work = Arc::clone(&queue);
        std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || at_work.run())
            .map_err(|error| StoreError::Failed(format!("cannot start its thread: {error}")))?;
        Ok(Self {
            owner: Arc::new(Owner(queue)),
            state: shared,
            bell,
            head: head_seen,
            work: work_seen,
            trouble: trouble_seen,
            recent,
            commits,
            written,
        })
    }

    /// The state of the last commit. Hold it for a moment only: commits wait for it.
    pub fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Sees the number of the newest entry move: for those who wait for the news.
    pub fn head(&self) -> watch::Receiver<u64> {
        self.head.clone()
    }

    /// Lets `bringer` tell of a commit that came alone: it calls what it is given, which wakes those who wait for the
    /// news, and may serve them before it returns. It is called by who holds the engine, and so waits for nobody who
    /// waits for the ledger. Only the first one is taken; without one they are woken all the same.
    pub fn bring_by(&self, bringer: impl Fn(&mut dyn FnMut()) + Send + Sync + 'static) {
        self.bell.bring_by(Box::new(bringer));
    }

    /// The same a moment later: for tasks that have work to do then, and would take a thread from those
    /// who wait for the news.
    pub fn work(&self) -> watch::Receiver<u64> {
        self.work.clone()
    }

    /// The last failure of the engine; `None` again after the next success. A ledger that has ended is in
    /// trouble for good.
    pub fn trouble(&self) -> Option<Arc<StoreError>> {
        if self.owner.0.over().is_cancelled() {
            return Some(Arc::new(closed()));
        }
        self.trouble.borrow().clone()
    }

    /// Lets `told` hear how long each commit takes, and of how many entries it is. Only the first who asks
    /// is told; it must be quick, since whoever waits for the commit waits for it.
    pub fn watch_commits(&self, told: impl Fn(Duration, usize) + Send + Sync + 'static) {
        let _ = self.commits.set(Box::new(told));
    }

    /// Waits until the ledger has ended, which it does by itself only by a defect.
    pub async fn ended(&self) {
        self.owner.0.over().cancelled().await;
    }

    /// Lets `job` look at the state and write. Its answer is on the disk when `done` is called, by
    /// whoever holds the engine; `done` must not wait for the ledger. When the ledger has ended both are
    /// dropped: callers see a closed channel.
    pub fn submit<T: Send + 'static, E: Send + 'static>(
        &self,
        job: impl FnOnce(&State, Timestamp) -> Result<Draft<T>, E> + Send + 'static,
        done: impl FnOnce(Result<(T, Vec<Entry>), TransactError<E>>) + Send + 'static,
    ) {
        self.owner.0.send(command(job, done));
    }

    /// The same, in the caller's thread if nobody else is at it. The caller may block, and holds neither
    /// the state nor anything that `done` waits for.
    pub fn submit_here<T: Send + 'static, E: Send + 'static>(
        &self,
        job: impl FnOnce(&State, Timestamp) -> Result<Draft<T>, E> + Send + 'static,
        done: impl FnOnce(Result<(T, Vec<Entry>), TransactError<E>>) + Send + 'static,
    ) {
        self.owner.0.send_here(command(job, done));
    }

    /// The same, waited for.
    pub async fn transact<T: Send + 'static, E: Send + 'static>(
        &self,
        job: impl FnOnce(&State, Timestamp) -> Result<Draft<T>, E> + Send + 'static,
    ) -> Result<(T, Vec<Entry>), TransactError<E>> {
        let (send, answer) = oneshot::channel();
        self.submit(job, move |done| drop(send.send(done)));
        answer.await.unwrap_or(Err(TransactError::Closed))
    }

    /// Removes those of the small objects that no fact speaks of, as the facts stand when their turn comes.
    pub async fn drop_objects(
        &self,
        candidates: Vec<Digest>,
    ) -> Result<(), TransactError<std::convert::Infallible>> {
        let (send, answer) = oneshot::channel();
        let job: Job = Box::new(move |state, _| Prepared {
            events: Vec::new(),
            objects: Vec::new(),
            values: Vec::new(),
            dropped: candidates
                .into_iter()
                .filter(|sha256| !state.refers(*sha256))
                .collect(),
            done: Box::new(move |written| drop(send.send(written.map(|_| ())))),
        });
        self.owner.0.send(Command::Job(job));
        match answer.await {
            Ok(written) => written.map_err(TransactError::Store),
            Err(_) => Err(TransactError::Closed),
        }
    }

    /// A value, waited for in a thread that may block; never the ledger's own.
    pub fn value(&self, space: Space, key: String) -> Result<Option<String>, StoreError> {
        self.read_here(move |store| store.value(space, &key))
    }

    /// Whether we remember to have written a file with these bytes into any folder; waited for in a thread that may
    /// block, never the ledger's own.
    pub fn wrote(&self, digest: Digest) -> Result<bool, StoreError> {
        let written = Arc::clone(&self.written);
        self.read_here(move |store| written.contains(store, digest))
    }

    /// A small object, waited for in a thread that may block; never the ledger's own.
    pub fn object(&self, sha256: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.read_here(move |store| store.object(sha256))
    }

    /// Whether there is a small object, damaged or not; waited for as [`Ledger::object`] is.
    pub fn has_object(&self, sha256: Digest) -> Result<bool, StoreError> {
        self.read_here(move |store| store.has_object(sha256))
    }

    fn read_here<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (send, answer) = oneshot::channel();
        let read = move |store: &mut dyn Store| drop(send.send(read(store)));
        self.owner.0.send(Command::Read(Box::new(read)));
        answer.blocking_recv().unwrap_or_else(|_| Err(closed()))
    }

    /// Runs `read` against the engine between two commits.
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (send, answer) = oneshot::channel();
        let command = Command::Read(Box::new(move |store| drop(send.send(read(store)))));
        self.owner.0.send(command);
        answer.await.unwrap_or_else(|_| Err(closed()))
    }
}

fn command<T: Send + 'static, E: Send + 'static>(
    job: impl FnOnce(&State, Timestamp) -> Result<Draft<T>, E> + Send + 'static,
    done: impl FnOnce(Result<(T, Vec<Entry>), TransactError<E>>) + Send + 'static,
) -> Command {
    Command::Job(Box::new(move |state, now| match job(state, now) {
        Ok(Draft {
            events,
            objects,
            values,
            value,
        }) => Prepared {
            events,
            objects,
            values,
            dropped: Vec::new(),
            done: Box::new(move |written| {
                done(
                    written
                        .map(|entries| (value, entries))
                        .map_err(TransactError::Store),
                );
            }),
        },
        Err(refused) => Prepared {
            events: Vec::new(),
            objects: Vec::new(),
            values: Vec::new(),
            dropped: Vec::new(),
            done: Box::new(move |_| done(Err(TransactError::Refused(refused)))),
        },
    }))
}

fn closed() -> StoreError {
    StoreError::Failed("the ledger has stopped; restart the daemon".to_owned())
}

/// Entries that are read at a time.
const PAGE: usize = 1_000;

impl Ledger {
    /// Checks the whole chain, a page at a time, so that commits go on between the pages. Gives the last
    /// good entry and what is wrong behind it.
    pub async fn check(&self) -> Result<(Head, Option<Broken>), StoreError> {
        let mut verifier = Verifier::default();
        loop {
            let after = verifier.head().seq;
            let entries = self.read(move |store| store.entries(after, PAGE)).await?;
            if entries.is_empty() {
                let head = verifier.head();
                let cut = self.read(move |store| cut(store, &head)).await?;
                return Ok((verifier.head(), cut));
            }
            for entry in &entries {
                if let Err(broken) = verifier.next(entry) {
                    return Ok((verifier.head(), Some(broken)));
                }
            }
        }
    }
}

/// Compares the end of the chain with what is noted beside the database, and with the tasks that follow the chain: their
/// progress is committed with or after the entries.
pub fn cut(store: &mut dyn Store, head: &Head) -> Result<Option<Broken>, StoreError> {
    let progress = store.values(Space::Progress)?;
    let seen = progress.iter().filter_map(|(_, mark)| mark.parse().ok());
    Ok(seen
        .chain(store.noted().map(|noted| noted.seq))
        .max()
        .filter(|seen| *seen > head.seq)
        .map(|seen| Broken::Cut {
            head: head.seq,
            seen,
        }))
}

/// Checks the whole chain of `store`; hands each entry on in order.
pub fn verify(
    store: &mut dyn Store,
    mut each: impl FnMut(&Body, Digest),
) -> Result<Head, OpenError> {
    let mut verifier = Verifier::default();
    loop {
        let entries = store.entries(verifier.head().seq, PAGE)?;
        if entries.is_empty() {
            return match cut(store, &verifier.head())? {
                None => Ok(verifier.head()),
                Some(cut) => Err(cut.into()),
            };
        }
        for entry in &entries {
            each(&verifier.next(entry)?, entry.hash);
        }
    }
}
