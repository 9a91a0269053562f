//! Nothing that is referred to is ever let go of.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use countersign_protocol::{Digest, HandoffId, decision::Outcome};
use countersign_web::desk::Desk as _;

use super::collect::{Collector, Retention};
use crate::{
    fs::Objects,
    ledger::State,
    testing::{Rig, handoff, maya},
};

const DAY: Duration = Duration::from_hours(24);

/// A rig whose clock is far ahead of the times that the disk gives to files.
fn rig() -> Rig {
    let rig = Rig::new();
    rig.clock.advance(20 * 365 * DAY);
    rig
}

fn objects(rig: &Rig) -> Arc<Objects> {
    Arc::clone(rig.objects())
}

fn collector(rig: &Rig) -> Collector {
    let retention = Retention {
        undecided: Some(7 * DAY),
        orphans: Duration::ZERO,
    };
    let clock: crate::clock::SharedClock = rig.clock.clone();
    Collector::new(rig.ledger().clone(), objects(rig), clock, retention)
}

/// Content of which no two numbers have the same, in the ledger or in the folder by its size.
fn text(number: u64) -> String {
    let line = format!("content {number}\n");
    if number.is_multiple_of(2) {
        line
    } else {
        line.repeat(8_000)
    }
}

fn deliver(rig: &Rig, task: &str, numbers: &[u64]) {
    let mut names = Vec::new();
    for (at, number) in numbers.iter().enumerate() {
        let name = format!("{task}-{at}.txt");
        rig.write(&name, text(*number));
        names.push(name);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    rig.deliver(&format!("{task}.handoff.json"), handoff(task, &names));
}

/// What must be there: of every revision that somebody decided about, that waits, that is the newest, or
/// that is retained.
fn needed(state: &State) -> BTreeSet<Digest> {
    let mut needed = BTreeSet::new();
    for card in state.cards() {
        for (revision, number) in card.revisions.iter().zip(1..) {
            let is_newest = number == card.newest().accepted.revision;
            let is_withdrawn = card.withdrawn.is_some();
            let must = card.decision(number).is_some() || (is_newest && !is_withdrawn);
            if must || !revision.is_forgotten {
                let entries = &revision.accepted.manifest.entries;
                needed.extend(entries.iter().map(|entry| entry.sha256));
            }
            assert!(!(must && revision.is_forgotten), "{} r{number}", card.id);
            needed.insert(revision.accepted.manifest.document);
        }
    }
    needed
}

fn there(rig: &Rig, sha256: Digest) -> bool {
    let small = rig.ledger().read(move |store| store.object(sha256));
    rig.wait(small).unwrap().is_some() || rig.objects().open_object(sha256).unwrap().is_some()
}

fn check(rig: &Rig, what: &str) {
    let needed = needed(&rig.ledger().state());
    for sha256 in needed {
        assert!(there(rig, sha256), "{what}: {sha256} is gone");
    }
}

#[test]
fn what_was_replaced_undecided_goes_in_time_and_nothing_else() {
    let rig = rig();
    deliver(&rig, "a", &[1, 2]);
    deliver(&rig, "a", &[3, 4]);
    rig.decide(HandoffId(1), Outcome::ChangesRequested).unwrap();
    deliver(&rig, "a", &[5, 2]);
    deliver(&rig, "a", &[5, 6]);
    let digest = |number: u64| Digest::of(text(number).as_bytes());
    let collector = collector(&rig);
    let none = rig.wait(collector.run()).unwrap();
    assert_eq!((none.revisions.len(), none.files), (0, 0));

    rig.clock.advance(8 * DAY);
    let planned = rig.wait(collector.plan()).unwrap();
    assert!(there(&rig, digest(1)), "a plan does nothing");
    let done = rig.wait(collector.run()).unwrap();
    assert_eq!(done, planned);
    let one = HandoffId(1);
    assert_eq!(done.revisions, [(one, 1), (one, 3)]);
    // 1 and 2 go; 5 stands in the newest revision, 3 and 4 in the one that was decided about.
    assert_eq!((done.files, done.small), (1, 1));
    for (number, stays) in [
        (1, false),
        (2, false),
        (3, true),
        (4, true),
        (5, true),
        (6, true),
    ] {
        assert_eq!(there(&rig, digest(number)), stays, "{number}");
    }
    assert_eq!(rig.count("revision.forgotten"), 2);
    let again = rig.wait(collector.run()).unwrap();
    assert_eq!((again.revisions.len(), again.files, again.small), (0, 0, 0));
}

#[test]
fn bytes_that_are_being_sealed_are_not_collected() {
    let rig = rig();
    let objects = objects(&rig);
    rig.write("large.bin", text(1));
    let open = || std::fs::File::open(rig.path("large.bin")).unwrap();
    let sealed = objects.seal(&mut open(), u64::MAX, 0).unwrap();
    let collector = collector(&rig);
    rig.clock.advance(DAY);
    assert_eq!(
        rig.wait(collector.run()).unwrap().files,
        0,
        "its commit is to come"
    );
    // A second delivery of the same bytes holds them when the first one comes to nothing.
    let second = objects.seal(&mut open(), u64::MAX, 0).unwrap();
    drop(sealed);
    assert_eq!(rig.wait(collector.run()).unwrap().files, 0);
    drop(second);
    assert_eq!(
        rig.wait(collector.run()).unwrap().files,
        1,
        "nobody names them now"
    );
}

#[test]
fn intake_and_collection_of_the_same_bytes_at_once_lose_nothing() {
    let rig = rig();
    let objects = objects(&rig);
    let collector = collector(&rig);
    rig.clock.advance(30 * DAY);
    for round in 0..60 {
        rig.write("large.bin", text(round * 2 + 1));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..4 {
                    let runtime = tokio::runtime::Builder::new_current_thread().build();
                    runtime.unwrap().block_on(collector.run()).unwrap();
                }
            });
            for _ in 0..4 {
                let mut file = std::fs::File::open(rig.path("large.bin")).unwrap();
                let sealed = objects.seal(&mut file, u64::MAX, 0).unwrap();
                assert!(sealed.pin.is_some());
                let found = objects.open_object(sealed.sha256).unwrap();
                assert!(found.is_some(), "round {round}");
            }
        });
    }
}

#[test]
fn no_history_loses_what_is_referred_to() {
    for seed in 0..12 {
        let mut rig = rig();
        let mut chance = fastrand(seed);
        for step in 0..40 {
            let task = ["a", "b", "c"][below(&mut chance, 3)];
            match below(&mut chance, 8) {
                0..3 => {
                    let count = 1 + below(&mut chance, 3);
                    let numbers: Vec<u64> =
                        (0..count).map(|_| below(&mut chance, 9) as u64).collect();
                    deliver(&rig, task, &numbers);
                }
                3 => {
                    let cards = rig.cards();
                    if let Some(card) = cards.get(below(&mut chance, 3)) {
                        let outcome =
                            [Outcome::ChangesRequested, Outcome::Approved][below(&mut chance, 2)];
                        let _ = rig.decide(card.id, outcome);
                    }
                }
                4 => {
                    let cards = rig.cards();
                    if let Some(card) = cards.get(below(&mut chance, 3)) {
                        let who = countersign_web::desk::Caller::Person(maya());
                        let _ = rig.wait(rig.desk().withdraw(&who, card.id, None));
                    }
                }
                5 => rig.clock.advance(3 * DAY),
                6 => drop(rig.wait(collector(&rig).run()).unwrap()),
                // Killed after the first step, or in the middle of the second.
                _ => {
                    rig.wait(collector(&rig).forget()).unwrap();
                    if below(&mut chance, 2) == 0 {
                        rig.restart();
                    }
                }
            }
            check(&rig, &format!("seed {seed}, step {step}"));
        }
        rig.restart();
        rig.wait(collector(&rig).run()).unwrap();
        check(&rig, &format!("seed {seed}, end"));
    }
}

fn fastrand(seed: u64) -> u64 {
    seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1
}

/// A number that looks random (xorshift64).
fn below(state: &mut u64, limit: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state >> 33).unwrap_or_default() % limit
}
