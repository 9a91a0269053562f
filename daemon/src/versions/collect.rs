//! Letting go of bytes that nothing needs any more.
//!
//! Two steps, each of which may be interrupted anywhere. First a fact says that the bytes of a revision are
//! let go of, if it was replaced or withdrawn undecided long enough ago; what was decided about, what waits
//! and what is newest never is. Then bytes that no fact speaks of are removed. A crash between the two, or
//! in the middle of one, leaves bytes that the next run removes.
//!
//! Bytes that an intake is sealing at this moment are pinned until its commit is done: pins are looked at,
//! the facts are asked and the file is removed under one lock, so no delivery can come to name bytes that are
//! on their way out. Small files are in the database, where the job that removes them asks the facts itself.

use std::{convert::Infallible, sync::Arc, time::Duration};

use countersign_protocol::{Digest, HandoffId, event::Event, principal::Actor};
use jiff::{SignedDuration, Timestamp};

use crate::{
    clock::SharedClock,
    fault,
    fs::{self, Objects, SHELVES},
    ledger::{Card, Draft, Ledger, State, TransactError},
    store::StoreError,
};

/// Facts and small files in one transaction.
const GROUP: usize = 500;

/// How long bytes are kept that nobody must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Those of a revision that was replaced or withdrawn before anybody decided about it; `None` for ever.
    pub undecided: Option<Duration>,
    /// Those that no accepted delivery names.
    pub orphans: Duration,
}

/// What was let go of, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Revisions whose bytes are no longer kept.
    pub revisions: Vec<(HandoffId, u32)>,
    /// Files of the object folder that were removed.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Small files of the database that were removed.
    pub small: u64,
}

/// Why it stopped. What was done until then holds.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The ledger cannot be written or read.
    #[error("the ledger failed: {0}")]
    Ledger(String),
    /// The object folder cannot be changed.
    #[error(transparent)]
    Folder(#[from] fs::Error),
    /// The work was given up.
    #[error("it was interrupted")]
    Interrupted,
}

impl<E: std::fmt::Display> From<TransactError<E>> for CollectError {
    fn from(error: TransactError<E>) -> Self {
        Self::Ledger(error.to_string())
    }
}

impl From<StoreError> for CollectError {
    fn from(error: StoreError) -> Self {
        Self::Ledger(error.to_string())
    }
}

/// Lets go of bytes.
#[derive(Clone, Debug)]
pub struct Collector {
    ledger: Ledger,
    objects: Arc<Objects>,
    clock: SharedClock,
    retention: Retention,
}

impl Collector {
    /// A collector of the bytes in `objects` and in the database of `ledger`.
    pub fn new(
        ledger: Ledger,
        objects: Arc<Objects>,
        clock: SharedClock,
        retention: Retention,
    ) -> Self {
        Self {
            ledger,
            objects,
            clock,
            retention,
        }
    }

    /// Lets go of everything that may go.
    pub async fn run(&self) -> Result<Collected, CollectError> {
        let revisions = self.forget().await?;
        let small = self.drop_small().await?;
        let (files, bytes) = self.sweep().await?;
        Ok(Collected {
            revisions,
            files,
            bytes,
            small,
        })
    }

    /// Says what [`run`](Self::run) would do now, and does nothing.
    pub async fn plan(&self) -> Result<Collected, CollectError> {
        let mut state = self.ledger.state().clone();
        let revisions = expired(&state, self.clock.now(), self.retention);
        for (handoff, revision) in &revisions {
            state.forget(*handoff, *revision);
        }
        let me = self.clone();
        let planned = tokio::task::spawn_blocking(move || {
            let mut planned = Collected {
                revisions,
                ..Collected::default()
            };
            for sha256 in state.spent() {
                planned.small += u64::from(me.ledger.has_object(sha256)?);
            }
            for shelf in SHELVES {
                for (_, size) in me.orphans(shelf, |sha256| state.refers(sha256))? {
                    planned.files += 1;
                    planned.bytes += size;
                }
            }
            Ok(planned)
        });
        planned.await.map_err(|_| CollectError::Interrupted)?
    }

    /// Records which revisions are let go of.
    pub(super) async fn forget(&self) -> Result<Vec<(HandoffId, u32)>, CollectError> {
        let retention = self.retention;
        let mut all = Vec::new();
        loop {
            let (some, _) = self
                .ledger
                .transact(move |state, now| {
                    let mut some = expired(state, now, retention);
                    some.truncate(GROUP);
                    let facts = some.iter().map(|(handoff, revision)| {
                        let fact = Event::Forgotten {
                            handoff: *handoff,
                            revision: *revision,
                        };
                        (Actor::Daemon, fact)
                    });
                    Ok::<_, Infallible>(Draft::of(facts.collect(), some))
                })
                .await?;
            if some.is_empty() {
                return Ok(all);
            }
            all.extend(some);
            fault::step("collect.forgotten");
        }
    }

    /// Removes small files that no fact speaks of any more.
    async fn drop_small(&self) -> Result<u64, CollectError> {
        let spent: Vec<Digest> = self.ledger.state().spent().collect();
        let mut removed = 0;
        for group in spent.chunks(GROUP) {
            let mut there = Vec::new();
            for sha256 in group.iter().copied() {
                let found = self.ledger.read(move |store| store.has_object(sha256));
                there.extend(found.await?.then_some(sha256));
            }
            removed += there.len() as u64;
            self.ledger.drop_objects(there).await?;
            fault::step("collect.small_removed");
        }
        Ok(removed)
    }

    /// Removes files that no fact speaks of.
    pub(super) async fn sweep(&self) -> Result<(u64, u64), CollectError> {
        let me = self.clone();
        let swept = tokio::task::spawn_blocking(move || {
            let (mut files, mut bytes) = (0, 0);
            for shelf in SHELVES {
                let orphans = me.orphans(shelf, |sha256| me.ledger.state().refers(sha256))?;
                for (sha256, size) in orphans {
                    let is_needed = || me.ledger.state().refers(sha256);
                    if me.objects.remove(sha256, is_needed)? {
                        fault::step("collect.file_removed");
                        files += 1;
                        bytes += size;
                    }
                }
            }
            Ok((files, bytes))
        });
        swept.await.map_err(|_| CollectError::Interrupted)?
    }

    /// The files of a shelf that are old enough and not referred to.
    fn orphans(
        &self,
        shelf: u8,
        refers: impl Fn(Digest) -> bool,
    ) -> Result<Vec<(Digest, u64)>, CollectError> {
        let now = i128::from(self.clock.now().as_second()) * 1_000_000_000;
        let age = i128::try_from(self.retention.orphans.as_nanos()).unwrap_or(i128::MAX);
        let found = self.objects.shelf(shelf)?.into_iter();
        Ok(found
            .filter(|(sha256, stamp)| stamp.changed + age <= now && !refers(*sha256))
            .map(|(sha256, stamp)| (sha256, stamp.size))
            .collect())
    }
}

/// The revisions whose bytes may go, oldest card first.
fn expired(state: &State, now: Timestamp, retention: Retention) -> Vec<(HandoffId, u32)> {
    let Some(undecided) = retention.undecided else {
        return Vec::new();
    };
    let span = SignedDuration::try_from(undecided).unwrap_or(SignedDuration::MAX);
    let over = |since: Timestamp| since.checked_add(span).is_ok_and(|end| end <= now);
    let of_card = |card: &Card| -> Vec<(HandoffId, u32)> {
        let numbered = card.revisions.iter().zip(1..);
        numbered
            .filter(|(revision, _)| !revision.is_forgotten)
            .filter(|(_, number)| card.decision(*number).is_none())
            .filter(|(_, number)| {
                let next = card.revision(number + 1).map(|next| next.at);
                let withdrawn = card.withdrawn.as_ref().map(|withdrawal| withdrawal.at);
                next.or(withdrawn).is_some_and(over)
            })
            .map(|(_, number)| (card.id, number))
            .collect()
    };
    state.cards().flat_map(|card| of_card(card)).collect()
}
