//! The thread that owns the engine.

use std::sync::{Arc, PoisonError, RwLock};

use countersign_protocol::chain::{self, Body, Entry};
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use super::{Command, Done, Job, State};
use crate::{
    clock::SharedClock,
    store::{Batch, Store, StoreError},
};

/// Jobs that share one transaction at the most, and reads that a job waits for at the most.
const GROUP: usize = 256;

pub(super) struct Writer {
    pub(super) store: Box<dyn Store>,
    pub(super) clock: SharedClock,
    pub(super) queue: mpsc::UnboundedReceiver<Command>,
    pub(super) shared: Arc<RwLock<State>>,
    pub(super) head: watch::Sender<u64>,
    pub(super) trouble: watch::Sender<Option<Arc<StoreError>>>,
}

/// A job that looked at the state, with its place in the batch.
struct Waiting {
    entries: std::ops::Range<usize>,
    done: Done,
}

impl Writer {
    pub(super) fn run(mut self) {
        let mut ahead = self.committed();
        while let Some(first) = self.queue.blocking_recv() {
            let mut next = Some(first);
            let mut batch = Batch::default();
            let mut bodies = Vec::new();
            let mut waiting = Vec::new();
            let mut taken = 0;
            while let Some(command) = next {
                taken += 1;
                match command {
                    Command::Job(job) => {
                        waiting.push(self.prepare(job, &mut ahead, &mut batch, &mut bodies));
                    }
                    Command::Read(read) => read(self.store.as_mut()),
                }
                next = if taken < GROUP {
                    self.queue.try_recv().ok()
                } else {
                    None
                };
            }
            if !waiting.is_empty() {
                ahead = self.commit(ahead, &batch, &bodies, waiting);
                self.store.tidy(!self.queue.is_empty());
            }
        }
    }

    fn committed(&self) -> State {
        self.shared
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Lets a job look at the state ahead, and folds what it wants into it.
    fn prepare(
        &self,
        job: Job,
        ahead: &mut State,
        batch: &mut Batch,
        bodies: &mut Vec<Body>,
    ) -> Waiting {
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
            let entry = chain::seal(ahead.head, &body);
            ahead.apply(&body, entry.hash);
            batch.entries.push(entry);
            bodies.push(body);
        }
        batch.objects.extend(prepared.objects);
        batch.values.extend(prepared.values);
        batch.dropped.extend(prepared.dropped);
        Waiting {
            entries: start..batch.entries.len(),
            done: prepared.done,
        }
    }

    /// Writes the batch, shows it to readers, and then tells those who wait. Gives the state to go on with.
    fn commit(
        &mut self,
        ahead: State,
        batch: &Batch,
        bodies: &[Body],
        waiting: Vec<Waiting>,
    ) -> State {
        let written = if batch.is_empty() {
            Ok(())
        } else {
            self.store.append(batch)
        };
        match written {
            Ok(()) => {
                if !batch.is_empty() {
                    self.trouble
                        .send_if_modified(|trouble| trouble.take().is_some());
                }
                if !bodies.is_empty() {
                    let mut shared = self.shared.write().unwrap_or_else(PoisonError::into_inner);
                    for (body, entry) in bodies.iter().zip(&batch.entries) {
                        shared.apply(body, entry.hash);
                    }
                    drop(shared);
                    self.head.send_replace(ahead.head.seq);
                }
                for Waiting { entries, done } in waiting {
                    let entries: Vec<Entry> = batch.entries[entries].to_vec();
                    done(Ok(entries));
                }
                ahead
            }
            Err(error) => {
                let error = Arc::new(error);
                tracing::error!(%error, "nothing of a batch was recorded");
                self.trouble.send_replace(Some(Arc::clone(&error)));
                for waiting in waiting {
                    (waiting.done)(Err(Arc::clone(&error)));
                }
                // What the jobs saw of each other never came true.
                self.committed()
            }
        }
    }
}
