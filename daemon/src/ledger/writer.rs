//! What is done with the engine by whoever holds it.

use std::sync::{Arc, PoisonError, RwLock};

use countersign_protocol::{
    chain::{self, Body},
    event::Event,
};
use jiff::Timestamp;
use tokio::sync::watch;

use super::{
    Command, Commits, Done, Job, State, bell::Bell, recent::Recent, written::WrittenDigests,
};
use crate::{
    clock::SharedClock,
    store::{Batch, Store, StoreError},
};

/// Jobs that share one transaction at the most, and reads that a job waits for at the most.
const GROUP: usize = 256;

pub(super) struct Writer {
    store: Box<dyn Store>,
    clock: SharedClock,
    /// The state that the next job sees.
    ahead: State,
    shared: Arc<RwLock<State>>,
    bell: Arc<Bell>,
    work: watch::Sender<u64>,
    trouble: watch::Sender<Option<Arc<StoreError>>>,
    recent: Arc<Recent>,
    commits: Commits,
    written: Arc<WrittenDigests>,
}

/// A job that looked at the state, with how many entries of the batch are its own.
struct Waiting {
    count: usize,
    done: Done,
}

impl Writer {
    pub(super) fn new(
        store: Box<dyn Store>,
        (clock, shared): (SharedClock, Arc<RwLock<State>>),
        (bell, work): (Arc<Bell>, watch::Sender<u64>),
        trouble: watch::Sender<Option<Arc<StoreError>>>,
        (recent, commits, written): (Arc<Recent>, Commits, Arc<WrittenDigests>),
    ) -> Self {
        let ahead = committed(&shared);
        Self {
            store,
            clock,
            ahead,
            shared,
            bell,
            work,
            trouble,
            recent,
            commits,
            written,
        }
    }

    /// Does the commands that `take` gives, at most [`GROUP`], their jobs in one transaction. `here` says that it is the
    /// thread of a caller that does them.
    pub(super) fn serve(
        &mut self,
        mut take: impl FnMut() -> Option<Command>,
        is_busy: impl FnOnce() -> bool,
        here: bool,
    ) {
        let mut batch = Batch::default();
        let mut bodies = Vec::new();
        let mut waiting = Vec::new();
        for _ in 0..GROUP {
            match take() {
                Some(Command::Job(job)) => {
                    waiting.push(self.prepare(job, &mut batch, &mut bodies));
                }
                Some(Command::Read(read)) => read(self.store.as_mut()),
                None => break,
            }
        }
        if !waiting.is_empty() {
            let is_lone = here && waiting.len() == 1;
            self.commit(batch, bodies, waiting, is_lone);
            self.store.tidy(is_busy());
        }
    }

    /// Lets a job look at the state ahead, and folds what it wants into it.
    fn prepare(&mut self, job: Job, batch: &mut Batch, bodies: &mut Vec<Body>) -> Waiting {
        let ahead = &mut self.ahead;
        // The chain never runs backwards, whatever the wall clock does.
        let now = self
            .clock
            .now()
            .max(ahead.last_time.unwrap_or(Timestamp::MIN));
        let prepared = job(ahead, now);
        let start = batch.entries.len();
        for (actor, event) in prepared.events {
            let body = Body {
                seq: ahead.head.seq + 1,
                at: now,
                actor,
                event,
            };
            // A revision names most of what the one before it does.
            if let Event::Accepted(accepted) = &body.event
                && let Some(card) = ahead.card(accepted.handoff)
            {
                batch.alike.insert(body.seq, card.newest().seq);
            }
            let entry = chain::seal(ahead.head, &body);
            ahead.apply(&body, entry.hash);
            batch.entries.push(entry);
            bodies.push(body);
        }
        batch.objects.extend(prepared.objects);
        batch.values.extend(prepared.values);
        batch.dropped.extend(prepared.dropped);
        Waiting {
            count: batch.entries.len() - start,
            done: prepared.done,
        }
    }

    /// Writes the batch, shows it to readers, and then tells those who wait. One that is lone lets the readers go
    /// first.
    fn commit(&mut self, batch: Batch, bodies: Vec<Body>, waiting: Vec<Waiting>, is_lone: bool) {
        let written = if batch.is_empty() {
            Ok(())
        } else {
            let begun = self.clock.monotonic();
            let written = self.store.append(&batch);
            if let Some(told) = self.commits.get() {
                told(
                    self.clock.monotonic().saturating_sub(begun),
                    batch.entries.len(),
                );
            }
            written
        };
        match written {
            Ok(()) => {
                if !batch.is_empty() {
                    self.written.follow(&batch.values);
                    self.trouble
                        .send_if_modified(|trouble| trouble.take().is_some());
                }
                let is_news = !bodies.is_empty();
                if is_news {
                    let mut shared = self.shared.write().unwrap_or_else(PoisonError::into_inner);
                    for (body, entry) in bodies.iter().zip(&batch.entries) {
                        shared.follow(body, entry.hash, &self.ahead);
                    }
                    // Under the same guard: who sees the head finds its entry.
                    let told = bodies.into_iter().zip(&batch.entries);
                    let told = told.map(|(body, entry)| (body, entry.hash, entry.body.len()));
                    self.recent.add(told);
                    drop(shared);
                    self.bell.ring(self.ahead.head.seq, is_lone);
                    if is_lone {
                        // They may have been put on this very core.
                        std::thread::yield_now();
                    }
                }
                let mut entries = batch.entries.into_iter();
                for Waiting { count, done } in waiting {
                    done(Ok(entries.by_ref().take(count).collect()));
                }
                if is_news {
                    self.work.send_replace(self.ahead.head.seq);
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                tracing::error!(%error, "nothing of a batch was recorded");
                self.trouble.send_replace(Some(Arc::clone(&error)));
                // What the jobs saw of each other never came true.
                self.ahead = committed(&self.shared);
                for waiting in waiting {
                    (waiting.done)(Err(Arc::clone(&error)));
                }
            }
        }
    }
}

fn committed(shared: &RwLock<State>) -> State {
    shared
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}
