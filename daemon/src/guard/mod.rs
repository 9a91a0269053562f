//! Keeps approved work as it was approved.
//!
//! Whatever else holds agents back, every release is looked at: when the watcher hints at a change, on a period,
//! and at the start. What is not as approved is recorded first, then put right from the sealed bytes, and then
//! recorded as put right; kill -9 anywhere in between leaves a violation that is open, and the next look goes on
//! from there. What was foreign is moved into `.countersign/quarantine/` and stays there. A person gets a card.
//!
//! An attack that goes on and on is answered ever more slowly, so that it takes neither the disk nor the
//! processor from others; `verify` and `gate` look at the bytes themselves and do not rely on this.

mod look;
mod quarantine;
mod report;
mod restore;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use countersign_protocol::{
    HandoffId,
    event::Event,
    names,
    principal::Actor,
    release::{MOST_NAMED, Restored, Taken, Violated},
};
use tokio::sync::watch;

use crate::{
    clock::SharedClock,
    fault,
    fs::{Error, Objects, Stamp},
    ledger::{Draft, Ledger, TransactError, Violation},
    store::StoreError,
    workspace::{Workspace, Workspaces},
};

/// How often everything is looked at without a hint.
const SWEEP: Duration = Duration::from_secs(30);
/// How often every byte is read again, whether or not its file looks as before.
const READ_AGAIN: Duration = Duration::from_hours(1);
/// After the second violation of the same release it is left alone this long, and twice as long after each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// It is never left alone longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(16);
/// After so long without a violation the pauses start over.
const QUIET: Duration = Duration::from_mins(10);

/// What is looked at as one: a release, or `approved/` itself.
type Room = (String, Option<HandoffId>);

/// What is known of a room.
#[derive(Debug, Default)]
struct Known {
    /// Whether something may have changed since the last look.
    is_hinted: bool,
    /// Files that had the right bytes, and how they looked then.
    good: HashMap<PathBuf, Stamp>,
    /// When every byte was read, on the monotonic clock.
    read_at: Option<Duration>,
    /// How long it is left alone after the next violation.
    pause: Duration,
    /// Until when it is left alone.
    not_before: Duration,
    /// When the last violation was found.
    violated_at: Option<Duration>,
}

/// The stage. Clones share what is known.
#[derive(Clone, Debug)]
pub struct Guard {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    workspaces: Arc<Workspaces>,
    ledger: Ledger,
    objects: Arc<Objects>,
    clock: SharedClock,
    news: watch::Sender<u64>,
    rooms: Mutex<BTreeMap<Room, Known>>,
    /// When everything was looked at.
    swept_at: Mutex<Option<Duration>>,
}

/// Why approved work is not known to be as approved. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// A folder cannot be read or written.
    #[error(transparent)]
    Fs(#[from] Error),
    /// The ledger cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Sealed bytes are not there any more.
    #[error("the sealed bytes {0} are missing; the file cannot be put right")]
    Missing(countersign_protocol::Digest),
    /// The ledger does not take the facts.
    #[error("{0}")]
    Ledger(String),
    /// It is changed faster than it is put right.
    #[error("{0}/ in `{1}` is changed again and again")]
    Persistent(String, String),
}

impl<E: std::fmt::Display> From<TransactError<E>> for GuardError {
    fn from(error: TransactError<E>) -> Self {
        Self::Ledger(error.to_string())
    }
}

impl Guard {
    /// The stage.
    pub fn new(
        workspaces: Arc<Workspaces>,
        ledger: Ledger,
        objects: Arc<Objects>,
        clock: SharedClock,
    ) -> Self {
        let inner = Inner {
            workspaces,
            ledger,
            objects,
            clock,
            news: watch::Sender::new(0),
            rooms: Mutex::default(),
            swept_at: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Something may have changed at `path`, relative to the workspace.
    pub fn hint(&self, workspace: &str, path: &Path) {
        let mut parts = path.iter().skip(1);
        let handoff: Option<HandoffId> = parts
            .next()
            .and_then(|name| name.to_str())
            .and_then(|name| name.parse().ok());
        let is_deep = parts.next().is_some();
        let mut rooms = self.inner.rooms();
        if path.iter().count() <= 1 {
            // Another folder may be in the place of `approved/` now, without a word about what was in it.
            for (room, known) in rooms.iter_mut() {
                known.is_hinted |= room.0 == workspace;
            }
        }
        if handoff.is_some() {
            let room = (workspace.to_owned(), handoff);
            rooms.entry(room).or_default().is_hinted = true;
        }
        if handoff.is_none() || !is_deep {
            let room = (workspace.to_owned(), None);
            rooms.entry(room).or_default().is_hinted = true;
        }
        drop(rooms);
        self.inner.news.send_modify(|count| *count += 1);
    }

    /// Sees the hints.
    pub fn hints(&self) -> watch::Receiver<u64> {
        self.inner.news.subscribe()
    }

    /// Looks at what was hinted at, and now and then at everything; puts right what is wrong.
    pub async fn run(&self) -> Result<(), GuardError> {
        let mut failed = None;
        for room in self.inner.due() {
            if let Err(error) = self.inner.see_to(&room).await {
                tracing::warn!(workspace = room.0, handoff = ?room.1, %error, "approved work");
                self.inner.known(&room, |known| known.is_hinted = true);
                failed.get_or_insert(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

impl Inner {
    fn rooms(&self) -> MutexGuard<'_, BTreeMap<Room, Known>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known<T>(&self, room: &Room, change: impl FnOnce(&mut Known) -> T) -> T {
        change(self.rooms().entry(room.clone()).or_default())
    }

    /// What is to be looked at now.
    fn due(&self) -> Vec<Room> {
        let now = self.clock.monotonic();
        let mut swept_at = self.swept_at.lock().unwrap_or_else(PoisonError::into_inner);
        if swept_at.is_none_or(|at| now.saturating_sub(at) >= SWEEP) {
            *swept_at = Some(now);
            let all = self.everything();
            let mut rooms = self.rooms();
            // What is no longer served is forgotten.
            rooms.retain(|room, _| all.contains(room));
            for room in all {
                rooms.entry(room).or_default().is_hinted = true;
            }
        }
        let mut rooms = self.rooms();
        let due = rooms
            .iter_mut()
            .filter(|(_, known)| known.is_hinted && known.not_before <= now);
        due.map(|(room, known)| {
            known.is_hinted = false;
            room.clone()
        })
        .collect()
    }

    /// `approved/` of each workspace before its releases.
    fn everything(&self) -> Vec<Room> {
        let served = self.workspaces.all();
        let state = self.ledger.state();
        let mut rooms: Vec<Room> = served
            .iter()
            .map(|workspace| (workspace.name.to_string(), None))
            .collect();
        let released = state.cards().filter(|card| card.released.is_some());
        let served = |name: &str| served.iter().any(|workspace| &*workspace.name == name);
        rooms.extend(
            released
                .filter(|card| served(&card.workspace))
                .map(|card| (card.workspace.clone(), Some(card.id))),
        );
        rooms
    }

    async fn see_to(self: &Arc<Self>, room: &Room) -> Result<(), GuardError> {
        let Some(workspace) = self.workspaces.get(&room.0) else {
            return Ok(());
        };
        let me = Arc::clone(self);
        let (its, here) = (room.clone(), Arc::clone(&workspace));
        let found = blocking(move || me.look(&its, &here)).await?;
        let open = self.open_violation(room);
        if found.is_empty() {
            return match open {
                // The program was killed between putting it right and saying so, or somebody else did it.
                Some(open) => self.put_right(room, open.seq, Vec::new()).await,
                None => Ok(()),
            };
        }
        let violation = match open {
            Some(open) => open.seq,
            None => self.violated(room, &found).await?,
        };
        fault::step("guard.violation_recorded");
        let me = Arc::clone(self);
        let its = room.clone();
        let taken = blocking(move || me.restore(&its, &workspace, found, violation)).await;
        self.pause(room);
        let taken = taken?;
        fault::step("guard.restored");
        let me = Arc::clone(self);
        let its = room.clone();
        let Some(workspace) = self.workspaces.get(&room.0) else {
            return Ok(());
        };
        if !blocking(move || me.look(&its, &workspace))
            .await?
            .is_empty()
        {
            return Err(GuardError::Persistent(folder_of(room.1), room.0.clone()));
        }
        self.put_right(room, violation, taken).await
    }

    /// An attack that goes on is answered ever more slowly.
    fn pause(&self, room: &Room) {
        let now = self.clock.monotonic();
        self.known(room, |known| {
            let is_new = known
                .violated_at
                .is_none_or(|at| now.saturating_sub(at) > QUIET);
            if is_new {
                known.pause = Duration::ZERO;
            }
            known.violated_at = Some(now);
            known.not_before = now + known.pause;
            known.pause = (known.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        });
    }

    fn open_violation(&self, room: &Room) -> Option<Arc<Violation>> {
        let state = self.ledger.state();
        let last = state.violation(&room.0, room.1)?;
        last.restored.is_none().then(|| Arc::clone(last))
    }

    /// Records that approved work is not as approved, and makes the card; gives the entry.
    async fn violated(
        &self,
        room: &Room,
        found: &[countersign_protocol::release::Difference],
    ) -> Result<u64, GuardError> {
        let violated = Violated {
            workspace: room.0.clone(),
            handoff: room.1,
            folder: folder_of(room.1),
            found: found.iter().take(MOST_NAMED).cloned().collect(),
            more: found.len().saturating_sub(MOST_NAMED),
        };
        tracing::warn!(workspace = room.0, folder = violated.folder, found = ?violated.found, "approved work was changed");
        let ((), entries) = self
            .ledger
            .transact(move |state, now| {
                let card = report::card(state, now, &violated);
                let mut draft = Draft::of(
                    vec![(Actor::Daemon, Event::Violated(Box::new(violated)))],
                    (),
                );
                if let Some((accepted, object)) = card {
                    let event = Event::Accepted(Box::new(accepted));
                    draft.events.push((Actor::Daemon, event));
                    draft.objects.push(object);
                }
                Ok::<_, Infallible>(draft)
            })
            .await?;
        let first = entries.first().map(|entry| entry.seq);
        first.ok_or_else(|| GuardError::Ledger("nothing was written".to_owned()))
    }

    async fn put_right(
        &self,
        room: &Room,
        violation: u64,
        taken: Vec<Taken>,
    ) -> Result<(), GuardError> {
        let restored = Restored {
            workspace: room.0.clone(),
            handoff: room.1,
            violation,
            taken,
        };
        let event = Event::Restored(Box::new(restored));
        let draft = Draft::of(vec![(Actor::Daemon, event)], ());
        self.ledger
            .transact(move |_, _| Ok::<_, Infallible>(draft))
            .await?;
        Ok(())
    }

    /// Whether the workspace is where it was: one that is away says nothing about what is in it.
    fn is_away(workspace: &Workspace) -> bool {
        !workspace.is_there()
    }
}

/// The folder of a room, relative to the workspace.
fn folder_of(handoff: Option<HandoffId>) -> String {
    match handoff {
        Some(id) => format!("{}/{id}", names::APPROVED),
        None => names::APPROVED.to_owned(),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, GuardError> + Send + 'static,
) -> Result<T, GuardError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(GuardError::Ledger(error.to_string())))
}
