//! Who holds what and who waits: a fold of facts.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use jiff::Timestamp;

use super::{Kind, LockId, LockName, LockRequest, Mode, Pattern, RequestFile, is_same_owner};
use crate::{
    HandoffId,
    chain::Body,
    event::{Event, Process},
    principal::Actor,
};

/// Ends that are remembered, so that a late owner is told what became of its lock.
const REMEMBERED: usize = 4_096;

/// A lock that is held, or waited for.
#[derive(Clone, Debug)]
pub struct Lock {
    /// Its number; the order of numbers is the order in line.
    pub id: LockId,
    /// Its workspace.
    pub workspace: Arc<str>,
    /// What it is on.
    pub pattern: Pattern,
    /// Alone or with others.
    pub mode: Mode,
    /// Who asked for it.
    pub owner: Actor,
    /// After so many seconds without a sign of life it ends.
    pub ttl_seconds: u32,
    /// Why, in the words of the owner.
    pub reason: Option<String>,
    /// The process that needs it.
    pub process: Option<Process>,
    /// What makes two requests of one owner the same one.
    pub key: Option<String>,
    /// The file that asked for it.
    pub file: Option<RequestFile>,
    /// When it was asked for.
    pub requested: Timestamp,
    /// Since when it is held; `None` while it waits.
    pub held: Option<Held>,
    /// Who last asked the owner to let go.
    pub asked: Option<Asked>,
}

/// That a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The fencing token: the number of the entry that granted it. A later grant has a higher one.
    pub fence: u64,
    /// Since when.
    pub since: Timestamp,
}

/// That somebody asks the owner to let go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// In which words.
    pub note: Option<String>,
}

/// How a lock ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Its owner let go of it, or no longer waits.
    Released,
    /// Its owner handed over what it was on.
    HandedOver(HandoffId),
    /// Its lease ran out.
    Silent,
    /// The process that needed it is gone.
    ProcessGone,
    /// Somebody took it away.
    Broken {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
}

/// A lock that is no more.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What it was.
    pub lock: Arc<Lock>,
    /// When it ended.
    pub at: Timestamp,
    /// How.
    pub end: End,
}

impl Lock {
    /// What its facts call it.
    pub fn name(&self) -> LockName {
        LockName {
            id: self.id,
            workspace: self.workspace.to_string(),
            path: self.pattern.as_str().to_owned(),
        }
    }

    /// Whether this and a lock on `pattern` keep each other off.
    pub fn conflicts(&self, pattern: &Pattern, mode: Mode) -> bool {
        self.mode.conflicts(mode) && self.pattern.overlaps(pattern)
    }
}

/// The locks of one workspace.
#[derive(Clone, Debug, Default)]
struct Place {
    held: BTreeSet<LockId>,
    waiting: BTreeSet<LockId>,
}

/// All locks.
#[derive(Clone, Debug, Default)]
pub struct Table {
    locks: BTreeMap<LockId, Arc<Lock>>,
    places: BTreeMap<Arc<str>, Place>,
    ended: VecDeque<Arc<Ended>>,
}

/// Says whether something beside the table keeps an owner off a pattern in a workspace, such as a person who
/// reads the files.
pub type KeptOff<'a> = &'a dyn Fn(&str, &Actor, &Pattern, Mode) -> bool;

impl Table {
    /// Folds an entry in, if it is about a lock. One that does not fit is a fact about a lock that is not
    /// known, and is passed over.
    pub fn apply(&mut self, body: &Body) {
        let at = body.at;
        match &body.event {
            Event::LockRequested { lock, request } => self.add(lock, request, body, None),
            Event::LockAcquired { lock, request } => {
                let held = Held {
                    fence: body.seq,
                    since: at,
                };
                match request {
                    Some(request) => self.add(lock, request, body, Some(held)),
                    None => self.grant(lock.id, held),
                }
            }
            Event::LockRenewed {
                lock,
                ttl_seconds,
                process,
            } => self.change(lock.id, |lock| {
                lock.ttl_seconds = *ttl_seconds;
                lock.process = *process;
            }),
            Event::LockAsked { lock, note } => self.change(lock.id, |lock| {
                lock.asked = Some(Asked {
                    by: body.actor.clone(),
                    at,
                    note: note.clone(),
                });
            }),
            Event::LockReleased { lock, handoff } => {
                let end = handoff.map_or(End::Released, End::HandedOver);
                self.end(lock.id, at, end);
            }
            Event::LockExpired { lock, process_gone } => {
                let end = if *process_gone {
                    End::ProcessGone
                } else {
                    End::Silent
                };
                self.end(lock.id, at, end);
            }
            Event::LockBroken { lock, reason } => {
                let end = End::Broken {
                    by: body.actor.name().to_owned(),
                    reason: reason.clone(),
                };
                self.end(lock.id, at, end);
            }
            _ => {}
        }
    }

    fn add(&mut self, name: &LockName, request: &LockRequest, body: &Body, held: Option<Held>) {
        // Written by us after it was read; a later program that reads paths otherwise takes it word for word.
        let pattern = Pattern::read(&request.path, Some(request.kind))
            .or_else(|_| Pattern::read(&request.path, Some(Kind::File)));
        let Ok(pattern) = pattern else { return };
        let workspace: Arc<str> = name.workspace.as_str().into();
        let lock = Lock {
            id: name.id,
            workspace: Arc::clone(&workspace),
            pattern,
            mode: request.mode,
            owner: body.actor.clone(),
            ttl_seconds: request.ttl_seconds,
            reason: request.reason.clone(),
            process: request.process,
            key: request.key.clone(),
            file: request.file.clone(),
            requested: body.at,
            held,
            asked: None,
        };
        let place = self.places.entry(workspace).or_default();
        match held {
            Some(_) => place.held.insert(name.id),
            None => place.waiting.insert(name.id),
        };
        self.locks.insert(name.id, Arc::new(lock));
    }

    fn grant(&mut self, id: LockId, held: Held) {
        let Some(lock) = self.locks.get_mut(&id) else {
            return;
        };
        let lock = Arc::make_mut(lock);
        lock.held = Some(held);
        if let Some(place) = self.places.get_mut(&lock.workspace) {
            place.waiting.remove(&id);
            place.held.insert(id);
        }
    }

    fn change(&mut self, id: LockId, change: impl FnOnce(&mut Lock)) {
        if let Some(lock) = self.locks.get_mut(&id) {
            change(Arc::make_mut(lock));
        }
    }

    fn end(&mut self, id: LockId, at: Timestamp, end: End) {
        let Some(lock) = self.locks.remove(&id) else {
            return;
        };
        if let Some(place) = self.places.get_mut(&lock.workspace) {
            place.held.remove(&id);
            place.waiting.remove(&id);
            if place.held.is_empty() && place.waiting.is_empty() {
                self.places.remove(&lock.workspace);
            }
        }
        if self.ended.len() == REMEMBERED {
            self.ended.pop_front();
        }
        self.ended.push_back(Arc::new(Ended { lock, at, end }));
    }

    /// The lock of that number, held or waiting.
    pub fn get(&self, id: LockId) -> Option<&Arc<Lock>> {
        self.locks.get(&id)
    }

    /// All locks, held and waiting, in the order in which they were asked for.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Lock>> {
        self.locks.values()
    }

    /// How many there are, held and waiting.
    pub fn len(&self) -> usize {
        self.locks.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.locks.is_empty()
    }

    /// What became of a lock that is no more, if that is still remembered.
    pub fn ended(&self, id: LockId) -> Option<&Arc<Ended>> {
        self.ended.iter().rfind(|ended| ended.lock.id == id)
    }

    /// The last end of a lock that the file `name` in `locks/` of a workspace asked for, if that is remembered.
    pub fn ended_file(&self, workspace: &str, name: &str) -> Option<&Arc<Ended>> {
        self.ended.iter().rfind(|ended| {
            let file = ended.lock.file.as_ref();
            &*ended.lock.workspace == workspace && file.is_some_and(|file| file.name == name)
        })
    }

    /// Those held in a workspace, in the order in which they were asked for.
    pub fn held(&self, workspace: &str) -> impl DoubleEndedIterator<Item = &Arc<Lock>> {
        let ids = self.places.get(workspace).map(|place| &place.held);
        ids.into_iter()
            .flatten()
            .filter_map(|id| self.locks.get(id))
    }

    /// Those that wait in a workspace, in line.
    pub fn waiting(&self, workspace: &str) -> impl DoubleEndedIterator<Item = &Arc<Lock>> {
        let ids = self.places.get(workspace).map(|place| &place.waiting);
        ids.into_iter()
            .flatten()
            .filter_map(|id| self.locks.get(id))
    }

    /// How many an owner has in a workspace, held and waiting.
    pub fn count(&self, workspace: &str, owner: &Actor) -> usize {
        let all = self.held(workspace).chain(self.waiting(workspace));
        all.filter(|lock| is_same_owner(&lock.owner, owner)).count()
    }

    /// The lock that an owner asked for under that key.
    pub fn of_key(&self, workspace: &str, owner: &Actor, key: &str) -> Option<&Arc<Lock>> {
        let mut all = self.held(workspace).chain(self.waiting(workspace));
        all.find(|lock| lock.key.as_deref() == Some(key) && is_same_owner(&lock.owner, owner))
    }

    /// What a new request would have to wait for: what is held, and everybody in line.
    pub fn obstacles(&self, workspace: &str, pattern: &Pattern, mode: Mode) -> Vec<Arc<Lock>> {
        let all = self.held(workspace).chain(self.waiting(workspace));
        all.filter(|lock| lock.conflicts(pattern, mode))
            .cloned()
            .collect()
    }

    /// What a lock in line waits for: what is held, and who came earlier.
    pub fn ahead_of(&self, lock: &Lock) -> Vec<Arc<Lock>> {
        let earlier = self
            .waiting(&lock.workspace)
            .take_while(|other| other.id < lock.id);
        self.held(&lock.workspace)
            .chain(earlier)
            .filter(|other| other.id != lock.id && other.conflicts(&lock.pattern, lock.mode))
            .cloned()
            .collect()
    }

    /// Those in line that can be had once the locks in `gone` have ended, in line. Nobody overtakes: one that waits
    /// holds off every later one that it conflicts with.
    pub fn granted(
        &self,
        workspace: &str,
        gone: &BTreeSet<LockId>,
        kept_off: KeptOff<'_>,
    ) -> Vec<Arc<Lock>> {
        let is_there = |lock: &&Arc<Lock>| !gone.contains(&lock.id);
        let mut waiting = self.waiting(workspace).filter(is_there).peekable();
        if waiting.peek().is_none() {
            return Vec::new();
        }
        // What a later one in line must not conflict with: held, granted just now, or still waiting before it.
        let mut before: Vec<&Arc<Lock>> = self.held(workspace).filter(is_there).collect();
        let mut granted = Vec::new();
        for lock in waiting {
            let is_free = !before
                .iter()
                .any(|other| other.conflicts(&lock.pattern, lock.mode))
                && !kept_off(workspace, &lock.owner, &lock.pattern, lock.mode);
            if is_free {
                granted.push(Arc::clone(lock));
            }
            before.push(lock);
        }
        granted
    }

    /// The workspaces in which somebody waits.
    pub fn with_lines(&self) -> impl Iterator<Item = &str> {
        let lines = self
            .places
            .iter()
            .filter(|(_, place)| !place.waiting.is_empty());
        lines.map(|(workspace, _)| &**workspace)
    }
}
