//! Notices that a file which a rule names was changed, whoever did it and whether or not it was handed over.
//!
//! The watcher hints at paths. A moment after the last hint they are compared with what is remembered; after a
//! start, and whenever events may have been lost, all files of the rule are. What is remembered is written in the
//! transaction that records the change, so that a change which kill -9 interrupts is found again, and none is told twice.
//! Files that are there when a rule is new are only remembered.

mod card;
mod compare;
mod rule;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use countersign_protocol::{
    Digest,
    event::Event,
    principal::Actor,
    watched::{FileChange, FilesChanged, MOST_CHANGES},
};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use self::{compare::Seen, rule::Rule};
use crate::{
    catalog::Catalog,
    clock::SharedClock,
    config::Raise,
    fault,
    fs::Objects,
    ledger::{Draft, Ledger, TransactError},
    store::{Space, StoreError},
    workspace::{Workspace, Workspaces},
};

/// A burst that never pauses is told after so many times the quiet span.
const PATIENCE: u32 = 10;
/// Values read at a time.
const PAGE: usize = 1 << 20;

/// What is remembered of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    /// Its bytes.
    sha256: Digest,
    /// How it looked then.
    stamp: crate::fs::Stamp,
}

/// A rule in a workspace.
#[derive(Debug, Default)]
struct Room {
    /// What is remembered, by path; `None` until the store was asked.
    known: Option<Arc<BTreeMap<String, Known>>>,
    /// Whether the rule was looked at before, as it is now.
    is_new: bool,
    /// Paths that were hinted at.
    hinted: BTreeSet<String>,
    /// Whether everything is to be compared.
    whole: bool,
    /// Whether that is to happen at once.
    at_once: bool,
    /// When the first and the last hint came, on the monotonic clock.
    since: Option<(Duration, Duration)>,
}

impl Room {
    fn hint(&mut self, now: Duration) {
        let first = self.since.map_or(now, |(first, _)| first);
        self.since = Some((first, now));
    }

    fn is_due(&self, quiet: Duration, now: Duration) -> bool {
        let rests = self.since.is_some_and(|(first, last)| {
            now.saturating_sub(last) >= quiet || now.saturating_sub(first) >= quiet * PATIENCE
        });
        self.at_once || rests
    }
}

type Rooms = BTreeMap<(String, usize), Room>;

/// Why changes are not known yet. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum ChangesError {
    /// A folder or a file cannot be read, or sealed bytes cannot be kept.
    #[error("{0}")]
    Files(String),
    /// The ledger cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger does not take the facts.
    #[error("{0}")]
    Ledger(String),
}

impl From<TransactError<Infallible>> for ChangesError {
    fn from(error: TransactError<Infallible>) -> Self {
        Self::Ledger(error.to_string())
    }
}

/// The stage. Clones share what is known.
#[derive(Clone, Debug)]
pub struct Changes {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    rules: Vec<Rule>,
    workspaces: Arc<Workspaces>,
    ledger: Ledger,
    objects: Arc<Objects>,
    clock: SharedClock,
    news: watch::Sender<u64>,
    rooms: Mutex<Rooms>,
}

impl Changes {
    /// The stage, for the rules of `catalog` that watch files.
    pub fn new(
        workspaces: Arc<Workspaces>,
        ledger: Ledger,
        objects: Arc<Objects>,
        clock: SharedClock,
        catalog: &Catalog,
    ) -> Self {
        let rules = catalog.policy().triggers.iter().filter_map(Rule::of);
        let inner = Inner {
            rules: rules.collect(),
            workspaces,
            ledger,
            objects,
            clock,
            news: watch::Sender::new(0),
            rooms: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Sees the hints.
    pub fn hints(&self) -> watch::Receiver<u64> {
        self.inner.news.subscribe()
    }

    /// Something came, changed or went at `path`, relative to the workspace: a file, or a folder with all below it.
    pub fn hint(&self, workspace: &str, path: &Path) {
        let inner = &self.inner;
        let Some(path) = path.to_str().filter(|_| !inner.rules.is_empty()) else {
            return;
        };
        let now = inner.clock.monotonic();
        let mut rooms = inner.rooms();
        let mut is_news = false;
        for (number, rule) in inner.rules.iter().enumerate() {
            let Some(room) = rooms.get_mut(&(workspace.to_owned(), number)) else {
                continue;
            };
            if rule.watches(path) {
                room.hinted.insert(path.to_owned());
            } else if !room.knows_below(path) {
                continue;
            } else {
                // A folder went, with what was in it.
                room.hinted.extend(room.below(path));
            }
            room.hint(now);
            is_news = true;
        }
        drop(rooms);
        if is_news {
            inner.news.send_modify(|count| *count += 1);
        }
    }

    /// What changed in a workspace until now may have been told by no hint.
    pub fn scanned(&self, workspace: &str) {
        let now = self.inner.clock.monotonic();
        let mut rooms = self.inner.rooms();
        for (_, room) in rooms.iter_mut().filter(|((name, _), _)| name == workspace) {
            room.whole = true;
            room.hint(now);
        }
    }

    /// Compares what was hinted at, and records what changed.
    pub async fn run(&self) -> Result<(), ChangesError> {
        if self.inner.rules.is_empty() {
            return Ok(());
        }
        self.inner.open().await?;
        let mut failed = None;
        for key in self.inner.due() {
            if let Err(error) = self.inner.see_to(&key).await {
                tracing::warn!(workspace = key.0, rule = %self.inner.rules[key.1].name, %error, "watched files");
                let now = self.inner.clock.monotonic();
                if let Some(room) = self.inner.rooms().get_mut(&key) {
                    room.whole = true;
                    room.hint(now);
                }
                failed.get_or_insert(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

impl Room {
    fn below(&self, folder: &str) -> Vec<String> {
        let prefix = format!("{folder}/");
        let known = self
            .known
            .iter()
            .flat_map(|known| known.range(prefix.clone()..));
        let under = known.take_while(|(path, _)| path.starts_with(&prefix));
        under.map(|(path, _)| path.clone()).collect()
    }

    fn knows_below(&self, folder: &str) -> bool {
        !self.below(folder).is_empty()
    }
}

impl Inner {
    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what was known of workspaces that are served now, and forgets those that are not.
    async fn open(&self) -> Result<(), ChangesError> {
        let served = self.workspaces.all();
        let mut wanted: BTreeSet<(String, usize)> = BTreeSet::new();
        for workspace in &served {
            for (number, rule) in self.rules.iter().enumerate() {
                if rule.is_about(&workspace.name) {
                    wanted.insert((workspace.name.to_string(), number));
                }
            }
        }
        let missing: Vec<_> = {
            let mut rooms = self.rooms();
            rooms.retain(|key, _| wanted.contains(key));
            wanted.retain(|key| !rooms.contains_key(key));
            wanted.into_iter().collect()
        };
        for key in missing {
            let rule = &self.rules[key.1];
            let prefix = rule.prefix(&key.0);
            let length = prefix.len();
            let values = self
                .ledger
                .read(move |store| store.values_under(Space::Watched, &prefix, PAGE))
                .await?;
            let digest = rule.digest();
            let mut is_new = true;
            let mut known = BTreeMap::new();
            for (at, value) in values {
                match at.get(length..).unwrap_or_default() {
                    "" => is_new = value != digest,
                    path => {
                        if let Ok(one) = serde_json::from_str(&value) {
                            known.insert(path.to_owned(), one);
                        }
                    }
                }
            }
            let room = Room {
                known: Some(Arc::new(known)),
                is_new,
                whole: true,
                at_once: true,
                ..Room::default()
            };
            self.rooms().insert(key, room);
        }
        Ok(())
    }

    fn due(&self) -> Vec<(String, usize)> {
        let now = self.clock.monotonic();
        let rooms = self.rooms();
        let due = rooms
            .iter()
            .filter(|((_, rule), room)| room.is_due(self.rules[*rule].quiet, now));
        due.map(|(key, _)| key.clone()).collect()
    }

    async fn see_to(self: &Arc<Self>, key: &(String, usize)) -> Result<(), ChangesError> {
        let Some(workspace) = self.workspaces.get(&key.0) else {
            return Ok(());
        };
        if !workspace.is_there() {
            // One that is away says nothing about what is in it.
            return Ok(());
        }
        let now = self.clock.monotonic();
        let (hinted, whole, is_new, known, first) = {
            let mut rooms = self.rooms();
            let Some(room) = rooms.get_mut(key) else {
                return Ok(());
            };
            let first = room.since.take().map_or(now, |(first, _)| first);
            room.at_once = false;
            let whole = std::mem::take(&mut room.whole);
            let hinted = std::mem::take(&mut room.hinted);
            let known = room.known.clone().unwrap_or_default();
            (hinted, whole, room.is_new, known, first)
        };
        let is_late = now.saturating_sub(first) >= self.rules[key.1].quiet * PATIENCE;
        let (me, here, number) = (Arc::clone(self), Arc::clone(&workspace), key.1);
        let seen = tokio::task::spawn_blocking(move || {
            compare::compare(&here, &me.rules[number], &known, (hinted, whole), is_late)
        });
        let seen = seen
            .await
            .unwrap_or_else(|error| Err(ChangesError::Files(error.to_string())))?;
        if !seen.busy.is_empty() {
            let mut rooms = self.rooms();
            if let Some(room) = rooms.get_mut(key) {
                room.hinted.extend(seen.busy.iter().cloned());
                room.since = Some((first, now));
            }
        }
        self.record(key, &workspace, seen, is_new).await
    }

    /// Records what changed together with what is remembered from now on.
    async fn record(
        &self,
        key: &(String, usize),
        workspace: &Arc<Workspace>,
        seen: Seen,
        is_new: bool,
    ) -> Result<(), ChangesError> {
        let rule = &self.rules[key.1];
        let prefix = rule.prefix(&key.0);
        let place = |path: &str| (Space::Watched, format!("{prefix}{path}"));
        let mut values = Vec::new();
        for (path, known) in &seen.now {
            let (space, at) = place(path);
            let text = known.as_ref().map(serde_json::to_string).transpose();
            let text = text.map_err(|error| ChangesError::Ledger(error.to_string()))?;
            values.push((space, at, text));
        }
        if is_new {
            let (space, at) = place("");
            values.push((space, at, Some(rule.digest())));
        }
        // What was there before the rule was is only remembered.
        let told = seen
            .changes
            .iter()
            .filter(|one| !is_new || one.before.is_some());
        let told: Vec<FileChange> = told.cloned().collect();
        if told.is_empty() && values.is_empty() {
            return Ok(());
        }
        let mut draft = Draft {
            values,
            ..Draft::nothing(())
        };
        if told.is_empty() {
            self.ledger
                .transact(move |_, _| Ok::<_, Infallible>(draft))
                .await?;
        } else {
            let changed = FilesChanged {
                workspace: key.0.clone(),
                rule: rule.name.clone(),
                more: told.len().saturating_sub(MOST_CHANGES),
                files: told.into_iter().take(MOST_CHANGES).collect(),
            };
            tracing::info!(
                workspace = key.0,
                rule = rule.name,
                changed = changed.words(),
                "watched files"
            );
            let by = Actor::Policy {
                rule: rule.name.clone(),
            };
            let sealed = match rule.raise {
                Raise::Event => None,
                Raise::Card => Some(self.seal(Arc::clone(workspace), &changed).await?),
            };
            let pins = sealed.as_ref().map(|sealed| Arc::clone(&sealed.pins));
            self.ledger
                .transact(move |state, now| {
                    let card = sealed.map(|sealed| card::card(state, now, &changed, sealed));
                    let event = Event::FilesChanged(Box::new(changed));
                    draft.events.push((by, event));
                    if let Some((accepted, objects)) = card {
                        let event = Event::Accepted(Box::new(accepted));
                        draft.events.push((Actor::Daemon, event));
                        draft.objects = objects;
                    }
                    Ok::<_, Infallible>(draft)
                })
                .await?;
            drop(pins);
            fault::step("changes.recorded");
        }
        let mut rooms = self.rooms();
        if let Some(room) = rooms.get_mut(key) {
            room.is_new = false;
            let known = Arc::make_mut(room.known.get_or_insert_default());
            for (path, one) in seen.now {
                match one {
                    Some(one) => known.insert(path, one),
                    None => known.remove(&path),
                };
            }
        }
        Ok(())
    }
}
