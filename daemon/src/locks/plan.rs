//! What is written down for a command: pure decisions about the state, the leases and the time.
//!
//! Each runs as a job of the ledger, one after the other, and sees the state as the jobs before it will leave
//! it. So of two who want the same file one is the first, whichever way they came.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use countersign_protocol::{
    event::{Event, Process},
    lock::{Lock, LockId, LockName, LockRequest, MOST, Pattern, is_same_owner},
    principal::Actor,
};
use jiff::Timestamp;

use super::{error::LockError, leases::Leases};
use crate::{
    ledger::{Draft, Reading, State},
    process::Processes,
};

/// A job sees the time on both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// For people.
    pub(super) wall: Timestamp,
    /// For leases.
    pub(super) monotonic: Duration,
}

/// What is asked for, in order.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) workspace: String,
    pub(super) owner: Actor,
    pub(super) pattern: Pattern,
    pub(super) request: LockRequest,
    /// Whether the caller waits in line.
    pub(super) in_line: bool,
}

/// What a job gives back: nothing is written for what came to nothing, but for locks that were found ended.
pub(super) type Planned<T> = Draft<Result<T, LockError>>;

fn came_to_nothing<T>(error: LockError) -> Planned<T> {
    Draft::nothing(Err(error))
}

/// The facts that end those of `locks` whose lease has run out or whose process is gone.
fn overdue<'a>(
    locks: impl Iterator<Item = &'a Arc<Lock>>,
    leases: &Leases,
    now: Duration,
    processes: &dyn Processes,
) -> Vec<(Actor, Event)> {
    let end = |lock: &Arc<Lock>| {
        let process_gone = lock.process.is_some_and(|process| !processes.runs(process));
        let fact = || Event::LockExpired {
            lock: lock.name(),
            process_gone,
        };
        (process_gone || leases.is_over(lock, now)).then(|| (Actor::Daemon, fact()))
    };
    locks.filter_map(end).collect()
}

fn numbers(ends: &[(Actor, Event)]) -> BTreeSet<LockId> {
    let number = |(_, event): &(Actor, Event)| match event {
        Event::LockExpired { lock, .. } => Some(lock.id),
        _ => None,
    };
    ends.iter().filter_map(number).collect()
}

/// Keeps the leases in step with `events`: who was in line and has it now gets a whole lease.
fn follow(events: &[(Actor, Event)], state: &State, leases: &mut Leases, now: Duration) {
    for (_, event) in events {
        match event {
            Event::LockAcquired {
                lock,
                request: None,
            } => {
                if let Some(lock) = state.locks().get(lock.id) {
                    leases.heard(lock.id, lock.ttl_seconds, true, now);
                }
            }
            Event::LockReleased { lock, .. }
            | Event::LockExpired { lock, .. }
            | Event::LockBroken { lock, .. } => leases.end(lock.id),
            _ => {}
        }
    }
}

/// Takes a lock, or a place in line.
pub(super) fn acquire(
    state: &State,
    leases: &mut Leases,
    now: Moment,
    wanted: Wanted,
    processes: &dyn Processes,
) -> Planned<LockId> {
    let Wanted {
        workspace,
        owner,
        pattern,
        request,
        in_line,
    } = wanted;
    if matches!(owner, Actor::Agent { .. })
        && let Some(by) = state.held_by(&workspace)
    {
        let by = by.to_owned();
        return came_to_nothing(LockError::Owned { workspace, by });
    }
    let clock = now.monotonic;
    let table = state.locks();
    let in_the_way = table.obstacles(&workspace, &pattern, request.mode);
    let over = overdue(in_the_way.iter(), leases, clock, processes);
    let gone = numbers(&over);
    let key = request.key.as_deref();
    let known = key.and_then(|key| table.of_key(&workspace, &owner, key));
    if let Some(known) = known.filter(|known| !gone.contains(&known.id)) {
        leases.heard(known.id, known.ttl_seconds, known.held.is_some(), clock);
        return Draft::nothing(Ok(known.id));
    }
    if table.count(&workspace, &owner) - gone_of(state, &gone, &owner) >= MOST {
        let owner = owner.name().to_owned();
        return came_to_nothing(LockError::TooMany { owner, workspace });
    }
    let is_there = |lock: &Arc<Lock>| !gone.contains(&lock.id);
    let obstacles: Vec<_> = in_the_way.into_iter().filter(is_there).collect();
    let readings = state.readings(now.wall);
    let reading = State::kept_off(&readings, &workspace, &owner, &pattern, request.mode);
    let mut events = state.with_grants(now.wall, over);
    follow(&events, state, leases, clock);
    let id = LockId(state.head.seq + 1 + events.len() as u64);
    let lock = LockName {
        id,
        workspace,
        path: pattern.as_str().to_owned(),
    };
    let is_free = obstacles.is_empty() && reading.is_none();
    let ttl_seconds = request.ttl_seconds;
    if !is_free && !in_line {
        return Draft::of(events, Err(taken(lock.path, obstacles, reading)));
    }
    let request = Box::new(request);
    let event = if is_free {
        let request = Some(request);
        Event::LockAcquired { lock, request }
    } else {
        Event::LockRequested { lock, request }
    };
    events.push((owner, event));
    leases.heard(id, ttl_seconds, is_free, clock);
    Draft::of(events, Ok(id))
}

fn gone_of(state: &State, gone: &BTreeSet<LockId>, owner: &Actor) -> usize {
    let locks = gone.iter().filter_map(|id| state.locks().get(*id));
    locks
        .filter(|lock| is_same_owner(&lock.owner, owner))
        .count()
}

fn taken(path: String, by: Vec<Arc<Lock>>, reading: Option<&Reading>) -> LockError {
    match reading {
        Some(reading) if by.is_empty() => LockError::Reviewed {
            path,
            by: reading.by.clone(),
            handoff: reading.handoff,
        },
        _ => LockError::Taken { path, by },
    }
}

/// Why a lock is not the caller's, with the facts that were found on the way.
type Lost = (Vec<(Actor, Event)>, LockError);

/// The lock `id` for its owner, who shows the token that it was given. One whose time is over is found ended.
fn own(
    state: &State,
    leases: &mut Leases,
    now: Moment,
    (id, owner, fence): (LockId, &Actor, Option<u64>),
    processes: &dyn Processes,
) -> Result<Arc<Lock>, Lost> {
    let Some(lock) = state.locks().get(id) else {
        let ended = state.locks().ended(id).cloned();
        return Err((Vec::new(), LockError::Over { id, ended }));
    };
    if !is_same_owner(&lock.owner, owner) {
        let whose = lock.owner.name().to_owned();
        return Err((Vec::new(), LockError::NotYours { id, whose }));
    }
    let held = lock.held.map(|held| held.fence);
    if let Some(shown) = fence.filter(|shown| held != Some(*shown)) {
        let error = LockError::Stale {
            id,
            shown,
            fence: held,
        };
        return Err((Vec::new(), error));
    }
    let over = overdue([lock].into_iter(), leases, now.monotonic, processes);
    if !over.is_empty() {
        let events = state.with_grants(now.wall, over);
        follow(&events, state, leases, now.monotonic);
        let ended = None;
        return Err((events, LockError::Over { id, ended }));
    }
    Ok(Arc::clone(lock))
}

/// A sign of life of the owner, who may change the terms.
pub(super) fn renew(
    state: &State,
    leases: &mut Leases,
    now: Moment,
    who: (LockId, &Actor, Option<u64>),
    (ttl_seconds, process): (Option<u32>, Option<Process>),
    processes: &dyn Processes,
) -> Planned<Arc<Lock>> {
    let lock = match own(state, leases, now, who, processes) {
        Ok(lock) => lock,
        Err((events, error)) => return Draft::of(events, Err(error)),
    };
    let ttl_seconds = ttl_seconds.unwrap_or(lock.ttl_seconds);
    let process = process.or(lock.process);
    // Should the new terms not be recorded, the old ones hold: no lease is shorter than what was promised.
    let longest = ttl_seconds.max(lock.ttl_seconds);
    leases.heard(lock.id, longest, lock.held.is_some(), now.monotonic);
    if ttl_seconds == lock.ttl_seconds && process == lock.process {
        return Draft::nothing(Ok(lock));
    }
    let event = Event::LockRenewed {
        lock: lock.name(),
        ttl_seconds,
        process,
    };
    Draft::of(vec![(lock.owner.clone(), event)], Ok(lock))
}

/// The owner lets go, or no longer waits.
pub(super) fn release(
    state: &State,
    leases: &mut Leases,
    now: Moment,
    who: (LockId, &Actor, Option<u64>),
    processes: &dyn Processes,
) -> Planned<()> {
    match own(state, leases, now, who, processes) {
        Ok(lock) => {
            let event = Event::LockReleased {
                lock: lock.name(),
                handoff: None,
            };
            ended(state, leases, now, vec![(lock.owner.clone(), event)])
        }
        Err((events, error)) => Draft::of(events, Err(error)),
    }
}

/// Somebody takes a lock away from its owner.
pub(super) fn break_up(
    state: &State,
    leases: &mut Leases,
    now: Moment,
    (id, by, reason): (LockId, Actor, String),
) -> Planned<()> {
    let Some(lock) = state.locks().get(id) else {
        let ended = state.locks().ended(id).cloned();
        return came_to_nothing(LockError::Over { id, ended });
    };
    let lock = lock.name();
    ended(
        state,
        leases,
        now,
        vec![(by, Event::LockBroken { lock, reason })],
    )
}

/// Somebody asks the owner to let go. The same words of the same person are told once.
pub(super) fn ask(state: &State, (id, by, note): (LockId, Actor, Option<String>)) -> Planned<()> {
    let Some(lock) = state.locks().get(id) else {
        let ended = state.locks().ended(id).cloned();
        return came_to_nothing(LockError::Over { id, ended });
    };
    let is_known = |asked: &countersign_protocol::lock::Asked| {
        is_same_owner(&asked.by, &by) && asked.note == note
    };
    if lock.asked.as_ref().is_some_and(is_known) {
        return Draft::nothing(Ok(()));
    }
    let lock = lock.name();
    Draft::of(vec![(by, Event::LockAsked { lock, note })], Ok(()))
}

fn ended(
    state: &State,
    leases: &mut Leases,
    now: Moment,
    ends: Vec<(Actor, Event)>,
) -> Planned<()> {
    let events = state.with_grants(now.wall, ends);
    follow(&events, state, leases, now.monotonic);
    Draft::of(events, Ok(()))
}

/// Ends what is over, gives those in line what they can have, and gives every lock a lease.
pub(super) fn sweep(
    state: &State,
    leases: &mut Leases,
    now: Moment,
    processes: &dyn Processes,
) -> Draft<()> {
    leases.mend(state.locks(), now.monotonic);
    let over = overdue(state.locks().all(), leases, now.monotonic, processes);
    let swept: BTreeSet<String> = over.iter().filter_map(|(_, event)| place(event)).collect();
    let mut events = state.with_grants(now.wall, over);
    // A person who read it may be done.
    for workspace in state.locks().with_lines() {
        if !swept.contains(workspace) {
            events.extend(state.grants(now.wall, workspace, &BTreeSet::new()));
        }
    }
    follow(&events, state, leases, now.monotonic);
    Draft::of(events, ())
}

fn place(event: &Event) -> Option<String> {
    match event {
        Event::LockExpired { lock, .. } => Some(lock.workspace.clone()),
        _ => None,
    }
}
