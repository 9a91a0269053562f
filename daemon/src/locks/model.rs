//! A million random steps of many owners on overlapping paths, with restarts, commits that fail, processes that
//! die and clocks that jump. What is right is said here in other words than in the code: paths are bits of a
//! number, and who was promised what is kept beside it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use countersign_protocol::{
    Digest,
    chain::Body,
    event::{Event, Process},
    lock::{Lock, LockId, LockRequest, Mode, Pattern},
    principal::{Actor, Principal},
};
use jiff::Timestamp;

use super::{
    LockError,
    leases::Leases,
    plan::{self, Moment, Wanted},
};
use crate::{
    ledger::{Draft, State},
    process::Processes,
};

/// A path to lock, and which paths it means.
type Place = (&'static str, fn(&str) -> bool);

const PLACES: [Place; 18] = [
    ("a", |path| path == "a"),
    ("a/", |path| path == "a" || path.starts_with("a/")),
    ("b/", |path| path == "b" || path.starts_with("b/")),
    ("a/b", |path| path == "a/b"),
    ("a/b/", |path| path == "a/b" || path.starts_with("a/b/")),
    ("b/ab/a", |path| path == "b/ab/a"),
    (".", |_| true),
    ("**/b", |path| path == "b" || path.ends_with("/b")),
    ("**/ab/**", |path| path.split('/').any(|name| name == "ab")),
    ("a/**/b", |path| {
        path.starts_with("a/") && path.ends_with("/b")
    }),
    ("*/b", |path| {
        path.split_once('/').is_some_and(|(_, rest)| rest == "b")
    }),
    ("a*", |path| path == "a" || path == "ab"),
    ("*b", |path| path == "b" || path == "ab"),
    ("?/a", |path| path == "a/a" || path == "b/a"),
    ("{a,b}/ab", |path| path == "a/ab" || path == "b/ab"),
    ("b/[!a]", |path| path == "b/b"),
    ("a/*/b", |path| {
        path.matches('/').count() == 2 && path.starts_with("a/") && path.ends_with("/b")
    }),
    ("ab/a/b", |path| path == "ab/a/b"),
];

/// All paths of up to three names.
fn paths() -> Vec<String> {
    let names = ["a", "b", "ab"];
    let mut all: Vec<String> = names.map(str::to_owned).into();
    let mut last = all.clone();
    for _ in 0..2 {
        let longer = |path: &String| names.map(|name| format!("{path}/{name}"));
        last = last.iter().flat_map(longer).collect();
        all.extend(last.clone());
    }
    all
}

/// The paths that a place means, as bits.
fn bits(is_meant: fn(&str) -> bool) -> u64 {
    let all = paths();
    assert!(all.len() <= 64);
    let meant = all.iter().enumerate().filter(|(_, path)| is_meant(path));
    meant.fold(0, |bits, (at, _)| bits | 1 << at)
}

/// What was promised to an owner.
#[derive(Clone, Copy, Debug)]
struct Promise {
    place: usize,
    mode: Mode,
    owner: usize,
    fence: Option<u64>,
    ttl: Duration,
    heard: Duration,
    process: Option<Process>,
}

/// Processes that were not killed yet.
#[derive(Clone, Debug, Default)]
struct Alive(BTreeSet<u32>);

impl Processes for Alive {
    fn started(&self, pid: u32) -> Option<u64> {
        self.0.contains(&pid).then_some(7)
    }
}

/// Longest lease in line; see `leases`.
const IN_LINE: Duration = Duration::from_secs(90);
const OWNERS: usize = 5;

struct World {
    dice: fastrand::Rng,
    bits: Vec<u64>,
    patterns: Vec<Pattern>,
    state: State,
    leases: Leases,
    log: Vec<String>,
    /// Whether facts go through their text when they are read again.
    by_text: bool,
    bodies: Vec<Body>,
    wall: Timestamp,
    clock: Duration,
    alive: Alive,
    promises: BTreeMap<LockId, Promise>,
    highest_fence: u64,
    granted: u64,
    ended: u64,
    refused: u64,
}

fn owner(number: usize) -> Actor {
    let principal = match number {
        0 => Principal::Operator,
        1 | 2 => Principal::FileOwner { uid: 1_000 },
        _ => Principal::Token {
            id: format!("t{number}"),
            agent: format!("agent-{number}"),
        },
    };
    Actor::Agent {
        name: format!("agent-{number}"),
        principal,
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let read = |(text, _): &Place| Pattern::read(text, None).unwrap();
        Self {
            dice: fastrand::Rng::with_seed(seed),
            bits: PLACES.iter().map(|(_, is_meant)| bits(*is_meant)).collect(),
            patterns: PLACES.iter().map(read).collect(),
            state: State::default(),
            leases: Leases::default(),
            log: Vec::new(),
            by_text: seed.is_multiple_of(16),
            bodies: Vec::new(),
            wall: "2026-03-02T09:00:00Z".parse().unwrap(),
            clock: Duration::from_secs(1_000),
            alive: Alive::default(),
            promises: BTreeMap::new(),
            highest_fence: 0,
            granted: 0,
            ended: 0,
            refused: 0,
        }
    }

    fn moment(&self) -> Moment {
        Moment {
            // As the ledger does: the chain never runs backwards.
            wall: self
                .wall
                .max(self.state.last_time.unwrap_or(Timestamp::MIN)),
            monotonic: self.clock,
        }
    }

    fn conflict(&self, one: &Promise, other: &Promise) -> bool {
        one.mode.conflicts(other.mode) && self.bits[one.place] & self.bits[other.place] != 0
    }

    /// Does a step as a job of the ledger, whose commit may fail.
    fn job<T>(
        &mut self,
        plan: impl FnOnce(&State, &mut Leases, Moment, &Alive) -> Draft<T>,
    ) -> Option<T> {
        let now = self.moment();
        let draft = plan(&self.state, &mut self.leases, now, &self.alive);
        if !draft.events.is_empty() && self.dice.u8(..50) == 0 {
            return None;
        }
        for (actor, event) in draft.events {
            let body = Body {
                seq: self.state.head.seq + 1,
                at: now.wall,
                actor,
                event,
            };
            self.state.apply(&body, Digest::ZERO);
            self.follow(&body);
            if self.by_text {
                self.log.push(serde_json::to_string(&body).unwrap());
            }
            self.bodies.push(body);
        }
        Some(draft.value)
    }

    /// Holds each fact against what was promised.
    fn follow(&mut self, body: &Body) {
        match &body.event {
            Event::LockRequested { lock, request } => self.promise(lock.id, body, request, None),
            Event::LockAcquired { lock, request } => {
                assert!(body.seq > self.highest_fence, "a fencing token went back");
                self.highest_fence = body.seq;
                self.granted += 1;
                if let Some(request) = request {
                    self.promise(lock.id, body, request, Some(body.seq));
                    let new = self.promises[&lock.id];
                    let overtaken = self.promises.iter().find(|(id, other)| {
                        **id != lock.id && other.fence.is_none() && self.conflict(&new, other)
                    });
                    assert!(overtaken.is_none(), "{} overtook {overtaken:?}", lock.id);
                } else {
                    let mut mine = self.promises[&lock.id];
                    assert_eq!(mine.fence, None, "{} was held already", lock.id);
                    let earlier = self.promises.range(..lock.id);
                    let overtaken = earlier
                        .filter(|(_, other)| other.fence.is_none())
                        .find(|(_, other)| self.conflict(&mine, other));
                    assert!(overtaken.is_none(), "{} overtook {overtaken:?}", lock.id);
                    (mine.fence, mine.heard) = (Some(body.seq), self.clock);
                    self.promises.insert(lock.id, mine);
                }
            }
            Event::LockRenewed {
                lock, ttl_seconds, ..
            } => {
                let promise = self.promises.get_mut(&lock.id).unwrap();
                promise.ttl = Duration::from_secs((*ttl_seconds).into());
            }
            Event::LockExpired { lock, process_gone } => {
                let gone = self.promises.remove(&lock.id).unwrap();
                self.ended += 1;
                if *process_gone {
                    let process = gone.process.unwrap();
                    assert!(!self.alive.runs(process), "{} lost its lock alive", lock.id);
                } else {
                    let length = if gone.fence.is_some() {
                        gone.ttl
                    } else {
                        IN_LINE
                    };
                    let silent = self.clock.saturating_sub(gone.heard);
                    assert!(silent >= length, "{} ended after {silent:?}", lock.id);
                }
            }
            Event::LockReleased { lock, .. } | Event::LockBroken { lock, .. } => {
                self.ended += 1;
                assert!(self.promises.remove(&lock.id).is_some());
            }
            _ => {}
        }
    }

    fn promise(&mut self, id: LockId, body: &Body, request: &LockRequest, fence: Option<u64>) {
        let place = self
            .patterns
            .iter()
            .position(|one| one.as_str() == request.path);
        let promise = Promise {
            place: place.unwrap(),
            mode: request.mode,
            owner: (0..OWNERS)
                .find(|number| owner(*number) == body.actor)
                .unwrap(),
            fence,
            ttl: Duration::from_secs(request.ttl_seconds.into()),
            heard: self.clock,
            process: request.process,
        };
        assert!(
            self.promises.insert(id, promise).is_none(),
            "{id} was used before"
        );
    }

    /// What holds after every step that changed anything.
    fn check(&self) {
        let held: Vec<_> = self
            .promises
            .values()
            .filter(|one| one.fence.is_some())
            .collect();
        for (at, one) in held.iter().enumerate() {
            for other in &held[at + 1..] {
                assert!(
                    !self.conflict(one, other),
                    "{one:?} and {other:?} are both held"
                );
            }
        }
        // Nobody waits for nothing.
        for (id, one) in self.promises.iter().filter(|(_, one)| one.fence.is_none()) {
            let waits = self.promises.iter().any(|(other, known)| {
                other != id && (known.fence.is_some() || other < id) && self.conflict(one, known)
            });
            assert!(waits, "{id} waits for nothing: {one:?}");
        }
        let known = |lock: &Arc<Lock>| (lock.id, lock.held.map(|held| held.fence));
        let table = self.state.locks().all().map(known);
        let promised = self.promises.iter().map(|(id, one)| (*id, one.fence));
        assert!(table.eq(promised), "the table is not what was promised");
    }

    fn any(&mut self) -> Option<(LockId, Promise)> {
        let count = self.promises.len();
        let at = (count > 0).then(|| self.dice.usize(..count))?;
        let (id, promise) = self.promises.iter().nth(at)?;
        Some((*id, *promise))
    }

    fn acquire(&mut self) {
        let place = self.dice.usize(..PLACES.len());
        let process = (self.dice.u8(..4) == 0).then(|| {
            let pid = self.dice.u32(1..1_000_000);
            self.alive.0.insert(pid);
            Process { pid, started: 7 }
        });
        let number = self.dice.usize(..OWNERS);
        let wanted = Wanted {
            workspace: "w".to_owned(),
            owner: owner(number),
            pattern: self.patterns[place].clone(),
            request: LockRequest {
                path: self.patterns[place].as_str().to_owned(),
                kind: self.patterns[place].kind(),
                mode: if self.dice.bool() {
                    Mode::Exclusive
                } else {
                    Mode::Shared
                },
                ttl_seconds: self.dice.u32(5..120),
                reason: None,
                process,
                key: (self.dice.u8(..4) == 0).then(|| self.dice.u8(..3).to_string()),
                file: None,
            },
            in_line: self.dice.bool(),
        };
        let key = wanted.request.key.clone();
        let taken =
            self.job(|state, leases, now, alive| plan::acquire(state, leases, now, wanted, alive));
        match taken {
            Some(Ok(id)) => {
                let clock = self.clock;
                let mine = self.promises.get_mut(&id).expect("what was given is there");
                assert_eq!(mine.owner, number);
                assert!(key.is_some() || mine.place == place);
                mine.heard = clock;
            }
            Some(Err(LockError::Taken { by, .. })) => {
                self.refused += 1;
                assert!(!by.is_empty());
            }
            Some(Err(other)) => panic!("{other}"),
            None => {}
        }
    }

    /// A sign of life of the owner, of another one, or with a token that is not good.
    fn renew(&mut self) {
        let Some((id, promise)) = self.any() else {
            return;
        };
        let number = if self.dice.u8(..8) == 0 {
            self.dice.usize(..OWNERS)
        } else {
            promise.owner
        };
        let fence = match self.dice.u8(..4) {
            0 => None,
            1 => promise.fence.map(|fence| fence.saturating_sub(1)),
            _ => promise.fence,
        };
        let ttl = (self.dice.u8(..8) == 0).then(|| self.dice.u32(5..120));
        let who = owner(number);
        let renewed = self.job(|state, leases, now, alive| {
            plan::renew(state, leases, now, (id, &who, fence), (ttl, None), alive)
        });
        match renewed {
            Some(Ok(_)) => {
                assert_eq!(number, promise.owner, "somebody else kept {id}");
                assert!(
                    fence.is_none() || fence == promise.fence,
                    "an old token kept {id}"
                );
                let clock = self.clock;
                self.promises.get_mut(&id).expect("it was renewed").heard = clock;
            }
            Some(Err(LockError::NotYours { .. })) => assert_ne!(number, promise.owner),
            Some(Err(LockError::Stale { shown, .. })) => assert_ne!(Some(shown), promise.fence),
            Some(Err(LockError::Over { .. })) => assert!(!self.promises.contains_key(&id)),
            Some(Err(other)) => panic!("{other}"),
            // Whether a sign of life was heard by a job that failed is open; what was promised is the least.
            None => {}
        }
    }

    fn release(&mut self) {
        if let Some((id, promise)) = self.any() {
            let who = owner(promise.owner);
            let released = self.job(|state, leases, now, alive| {
                plan::release(state, leases, now, (id, &who, promise.fence), alive)
            });
            if released.is_some() {
                assert!(!self.promises.contains_key(&id));
            }
        }
    }

    fn sweep(&mut self) {
        let swept = self.job(|state, leases, now, alive| plan::sweep(state, leases, now, alive));
        if swept.is_none() {
            return;
        }
        for (id, one) in &self.promises {
            let is_dead = one.process.is_some_and(|process| !self.alive.runs(process));
            assert!(!is_dead, "{id} outlived its process");
        }
    }

    fn restart(&mut self) {
        self.leases = Leases::default();
        let mut state = State::default();
        if self.by_text {
            for text in &self.log {
                state.apply(&serde_json::from_str(text).unwrap(), Digest::ZERO);
            }
        } else {
            for body in &self.bodies {
                state.apply(body, Digest::ZERO);
            }
        }
        self.state = state;
        // The daemon may have been away for long; time of this run begins anew.
        self.clock = Duration::from_secs(self.dice.u64(..1_000));
        for promise in self.promises.values_mut() {
            promise.heard = self.clock;
        }
    }

    fn step(&mut self) {
        let before = self.state.head.seq;
        match self.dice.u16(..1_000) {
            0..300 => self.acquire(),
            300..480 => self.release(),
            480..660 => self.renew(),
            660..700 => {
                if let Some((id, _)) = self.any() {
                    let by = owner(0);
                    let reason = "why not".to_owned();
                    self.job(|state, leases, now, _| {
                        plan::break_up(state, leases, now, (id, by, reason))
                    });
                }
            }
            700..720 => {
                if let Some((id, _)) = self.any() {
                    self.job(|state, _, _, _| plan::ask(state, (id, owner(1), None)));
                }
            }
            720..820 => self.sweep(),
            820..960 => self.clock += Duration::from_millis(self.dice.u64(..30_000)),
            960..975 => {
                let seconds = self.dice.i64(0..4_000_000_000);
                self.wall = Timestamp::from_second(seconds).unwrap();
            }
            975..997 => {
                let pids: Vec<u32> = self.alive.0.iter().copied().collect();
                if let Some(pid) = self.dice.choice(pids) {
                    self.alive.0.remove(&pid);
                }
            }
            _ => {
                self.restart();
                self.check();
            }
        }
        if self.state.head.seq != before {
            self.check();
        }
    }
}

#[test]
fn the_places_of_the_model_overlap_exactly_where_their_paths_do() {
    let world = World::new(0);
    for (at, one) in world.patterns.iter().enumerate() {
        for (place, path) in paths().iter().enumerate() {
            let is_meant = world.bits[at] >> place & 1 == 1;
            assert_eq!(one.covers(path), is_meant, "{} and {path}", one.as_str());
        }
        for (other, pattern) in world.patterns.iter().enumerate() {
            let share = world.bits[at] & world.bits[other] != 0;
            let words = (one.as_str(), pattern.as_str());
            assert_eq!(one.overlaps(pattern), share, "{words:?}");
        }
    }
}

#[test]
fn a_million_random_steps_never_give_overlapping_globs_to_two() {
    const RUNS: u64 = 500;
    const STEPS: u64 = 2_000;
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let counts: Vec<(u64, u64, u64)> = std::thread::scope(|scope| {
        let runs = |thread: u64| {
            let mut sum = (0, 0, 0);
            for seed in (thread..RUNS).step_by(usize::try_from(threads).unwrap()) {
                let mut world = World::new(seed);
                for _ in 0..STEPS {
                    world.step();
                }
                sum.0 += world.granted;
                sum.1 += world.ended;
                sum.2 += world.refused;
            }
            sum
        };
        let threads: Vec<_> = (0..threads)
            .map(|one| scope.spawn(move || runs(one)))
            .collect();
        threads.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let (granted, ended, refused) = counts.into_iter().fold((0, 0, 0), |sum, one| {
        (sum.0 + one.0, sum.1 + one.1, sum.2 + one.2)
    });
    println!("{granted} granted, {ended} ended, {refused} refused");
    assert!(
        granted > RUNS * STEPS / 20 && ended > RUNS * STEPS / 20 && refused > RUNS * STEPS / 50
    );
}
