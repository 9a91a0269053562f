//! Locks in the state: what an end lets others have, and whom a person who reads keeps off.

use std::collections::BTreeSet;

use countersign_protocol::{
    HandoffId,
    event::{Accepted, Event},
    lock::{Kind, Lock, LockId, Mode, Pattern, Table},
    principal::{Actor, Principal},
    state::HandoffState,
};
use jiff::{SignedDuration, Timestamp};

use super::{Card, State};

/// So long after a person opened a revision it counts as being read, unless it is decided before.
const READING: SignedDuration = SignedDuration::from_mins(30);
/// From so many files in the workspace itself on, a person who reads keeps agents off all of it.
const MANY: usize = 256;

/// A person who reads what an agent handed over.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The card.
    pub handoff: HandoffId,
    /// Its workspace.
    pub workspace: String,
    /// The agent that handed it over; it goes on if it likes, since what is read is sealed.
    pub agent: String,
    /// The name of the person.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// When it is over by itself; `None` while the person has taken the card.
    pub until: Option<Timestamp>,
    /// What is read.
    pub patterns: Vec<Pattern>,
}

impl Reading {
    /// Whether another agent is kept from writing what fits `pattern`.
    fn keeps_off(&self, owner: &Actor, pattern: &Pattern, mode: Mode) -> bool {
        mode == Mode::Exclusive
            && matches!(owner, Actor::Agent { name, .. } if *name != self.agent)
            && self.patterns.iter().any(|read| read.overlaps(pattern))
    }
}

impl State {
    /// All locks, held and waiting.
    pub fn locks(&self) -> &Table {
        &self.locks
    }

    /// Who reads what at `now`.
    pub fn readings(&self, now: Timestamp) -> Vec<Reading> {
        let cards = self.read.iter().filter_map(|id| self.card(*id));
        cards.filter_map(|card| reading(card, now)).collect()
    }

    /// Those of `readings` that keep `owner` off `pattern` in a workspace.
    pub fn kept_off<'a>(
        readings: &'a [Reading],
        workspace: &str,
        owner: &Actor,
        pattern: &Pattern,
        mode: Mode,
    ) -> Option<&'a Reading> {
        let mut here = readings.iter().filter(|one| one.workspace == workspace);
        here.find(|one| one.keeps_off(owner, pattern, mode))
    }

    /// The facts `ends` of locks, and what they let others in line have.
    pub fn with_grants(&self, now: Timestamp, ends: Vec<(Actor, Event)>) -> Vec<(Actor, Event)> {
        let mut places = BTreeSet::new();
        let mut gone = BTreeSet::new();
        for (_, event) in &ends {
            if let Event::LockReleased { lock, .. }
            | Event::LockExpired { lock, .. }
            | Event::LockBroken { lock, .. } = event
            {
                places.insert(lock.workspace.as_str());
                gone.insert(lock.id);
            }
        }
        let granted: Vec<_> = places
            .iter()
            .flat_map(|workspace| self.grants(now, workspace, &gone))
            .collect();
        ends.into_iter().chain(granted).collect()
    }

    /// The facts that give those in line in a workspace what they can have once the locks in `gone` are no more.
    pub fn grants(
        &self,
        now: Timestamp,
        workspace: &str,
        gone: &BTreeSet<LockId>,
    ) -> Vec<(Actor, Event)> {
        if self.locks.waiting(workspace).next().is_none() {
            return Vec::new();
        }
        let readings = self.readings(now);
        let kept_off = |workspace: &str, owner: &Actor, pattern: &Pattern, mode| {
            Self::kept_off(&readings, workspace, owner, pattern, mode).is_some()
        };
        let granted = self.locks.granted(workspace, gone, &kept_off);
        let fact = |lock: &std::sync::Arc<Lock>| Event::LockAcquired {
            lock: lock.name(),
            request: None,
        };
        granted
            .iter()
            .map(|lock| (Actor::Daemon, fact(lock)))
            .collect()
    }

    /// The facts that let go of what the owner of a delivery held on the folder that it hands over, and give it
    /// to those in line. `own_uid` is the user as which the daemon and the operator run.
    pub fn handed_over(
        &self,
        now: Timestamp,
        accepted: &Accepted,
        own_uid: u32,
    ) -> Vec<(Actor, Event)> {
        let workspace = accepted.at.workspace.as_str();
        let all = || {
            let held = self.locks.held(workspace);
            held.chain(self.locks.waiting(workspace))
        };
        if all().next().is_none() {
            return Vec::new();
        }
        let folder = Pattern::read(&accepted.at.folder, Some(Kind::Folder));
        let Ok(folder) = folder else {
            return Vec::new();
        };
        let is_his = |lock: &&std::sync::Arc<Lock>| match &lock.owner {
            Actor::Agent { name, principal } => {
                *name == accepted.from_agent
                    && is_same(principal, &accepted.principal, own_uid)
                    && lock.pattern.overlaps(&folder)
            }
            _ => false,
        };
        let ends: Vec<_> = all()
            .filter(is_his)
            .map(|lock| {
                let event = Event::LockReleased {
                    lock: lock.name(),
                    handoff: Some(accepted.handoff),
                };
                (lock.owner.clone(), event)
            })
            .collect();
        self.with_grants(now, ends)
    }

    /// Notes whether a person may be reading the card.
    pub(super) fn index_reading(&mut self, id: HandoffId) {
        let is_read = self.cards.get(&id).is_some_and(|card| {
            let is_open = matches!(card.state, HandoffState::Waiting { .. });
            is_open && (card.claim.is_some() || card.opened.is_some())
        });
        if is_read {
            self.read.insert(id);
        } else {
            self.read.remove(&id);
        }
    }
}

/// Whether both say who came, and mean the same. Who may read the state folder of the daemon is its user.
fn is_same(one: &Principal, other: &Principal, own_uid: u32) -> bool {
    let operator = Principal::FileOwner { uid: own_uid };
    let known = |principal: &Principal| match principal {
        Principal::Operator => operator.clone(),
        other => other.clone(),
    };
    known(one).is_same(&known(other))
}

fn reading(card: &Card, now: Timestamp) -> Option<Reading> {
    let accepted = &card.newest().accepted;
    let (by, since, until) = match (&card.claim, &card.opened) {
        (Some(claim), _) => (&claim.display, claim.at, None),
        (None, Some(opened)) => {
            let until = opened.at.saturating_add(READING).ok()?;
            (until > now).then_some((&opened.display, opened.at, Some(until)))?
        }
        (None, None) => return None,
    };
    let read = |path: &str, kind| Pattern::read(path, Some(kind)).ok();
    let folder = accepted.at.folder.as_str();
    let entries = &accepted.manifest.entries;
    let patterns = if folder.is_empty() && entries.len() < MANY {
        let files = entries.iter().map(|entry| entry.path.as_str());
        files.filter_map(|path| read(path, Kind::File)).collect()
    } else {
        read(folder, Kind::Folder).into_iter().collect()
    };
    Some(Reading {
        handoff: card.id,
        workspace: card.workspace.clone(),
        agent: accepted.from_agent.clone(),
        by: by.clone(),
        since,
        until,
        patterns,
    })
}
