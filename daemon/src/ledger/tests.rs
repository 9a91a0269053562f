//! What the ledger promises to those who write and to those who read.

use std::{
    convert::Infallible,
    sync::{Arc, mpsc},
};

use countersign_protocol::{
    Digest,
    chain::{Body, Broken},
    event::Event,
    principal::Actor,
};
use jiff::ToSpan as _;

use super::{Draft, Ledger, OpenError, TransactError};
use crate::{
    clock::{Clock as _, TestClock},
    store::{Batch, MemoryStore, Space, Store as _, StoreError},
    testing::{Rig, SharedStore},
};

fn fact(id: &str) -> Vec<(Actor, Event)> {
    vec![(Actor::Daemon, Event::TokenRevoked { id: id.to_owned() })]
}

fn write(rig: &Rig, id: &'static str) -> Result<u64, TransactError<Infallible>> {
    let job = rig
        .ledger()
        .transact(move |_, _| Ok::<_, Infallible>(Draft::of(fact(id), ())));
    rig.wait(job).map(|((), entries)| entries[0].seq)
}

#[test]
fn the_chain_never_runs_backwards() {
    let rig = Rig::new();
    let start = rig.clock.now();
    write(&rig, "a").unwrap();
    rig.clock.jump(start - 72.hours());
    write(&rig, "b").unwrap();
    rig.clock.jump(start + 1.hours());
    write(&rig, "c").unwrap();
    let times: Vec<_> = rig
        .stored()
        .entries(0, 9)
        .unwrap()
        .iter()
        .map(|entry| serde_json::from_str::<Body>(&entry.body).unwrap().at)
        .collect();
    assert_eq!(times, [start, start, start + 1.hours()]);
    assert_eq!(rig.wait(rig.ledger().check()).unwrap().1, None);
}

#[test]
fn a_job_sees_what_the_jobs_before_it_lead_to() {
    let rig = Rig::new();
    let (send, told) = mpsc::channel();
    for _ in 0..50 {
        let send = send.clone();
        rig.ledger().submit(
            |state, _| Ok::<_, Infallible>(Draft::of(fact("t"), state.head.seq)),
            move |done| send.send(done.unwrap()).unwrap(),
        );
    }
    for before in 0..50 {
        let (seen, entries) = told.recv().unwrap();
        assert_eq!((seen, entries[0].seq), (before, before + 1));
    }
}

#[test]
fn what_failed_was_never_seen_by_readers_and_leaves_no_gap() {
    let rig = Rig::new();
    write(&rig, "a").unwrap();
    rig.stored().full = true;
    let failed = write(&rig, "b").unwrap_err();
    assert!(
        matches!(failed, TransactError::Store(ref why) if matches!(**why, StoreError::Full)),
        "{failed}"
    );
    assert_eq!(rig.ledger().state().head.seq, 1);
    assert!(rig.ledger().trouble().is_some());
    rig.stored().full = false;
    assert_eq!(write(&rig, "c").unwrap(), 2);
    assert!(rig.ledger().trouble().is_none());
}

#[test]
fn a_job_that_refuses_writes_nothing() {
    let rig = Rig::new();
    let job = rig.ledger().transact(|_, _| Err::<Draft<()>, _>("not now"));
    assert!(matches!(
        rig.wait(job),
        Err(TransactError::Refused("not now"))
    ));
    assert_eq!(rig.events().len(), 0);
}

#[test]
fn a_changed_entry_is_found_at_its_place() {
    let store = Arc::new(std::sync::Mutex::new(MemoryStore::default()));
    let rig = Rig::new();
    for id in ["a", "b", "c"] {
        write(&rig, id).unwrap();
    }
    let mut entries = rig.stored().entries(0, 9).unwrap();
    entries[1].body = entries[1].body.replace('b', "x");
    let forged = Batch {
        entries,
        ..Batch::default()
    };
    store.lock().unwrap().append(&forged).unwrap();
    let clock = TestClock::at(rig.clock.now());
    let opened = Ledger::open(Box::new(SharedStore(store)), clock);
    assert!(matches!(opened, Err(OpenError::Broken(_))), "{opened:?}");
}

#[test]
fn entries_that_were_acted_on_are_missed() {
    let rig = Rig::new();
    for id in ["a", "b", "c"] {
        write(&rig, id).unwrap();
    }
    let whole = rig.stored().entries(0, 9).unwrap();
    for (left, mark, is_whole) in [
        (3, "3", true),
        (2, "3", false),
        (2, "2", true),
        (0, "1", false),
    ] {
        let store = Arc::new(std::sync::Mutex::new(MemoryStore::default()));
        let kept = Batch {
            entries: whole[..left].to_vec(),
            values: vec![(
                Space::Progress,
                "writeback".to_owned(),
                Some(mark.to_owned()),
            )],
            ..Batch::default()
        };
        store.lock().unwrap().append(&kept).unwrap();
        let clock = TestClock::at(rig.clock.now());
        let opened = Ledger::open(Box::new(SharedStore(store)), clock);
        let cut = matches!(opened, Err(OpenError::Broken(Broken::Cut { .. })));
        assert_eq!(cut, !is_whole, "{left} {mark}: {opened:?}");
    }
}

#[test]
fn a_ledger_that_ended_by_a_defect_says_so() {
    let rig = Rig::new();
    let job = rig
        .ledger()
        .transact(|_, _| -> Result<Draft<()>, Infallible> { panic!("a defect") });
    assert!(matches!(rig.wait(job), Err(TransactError::Closed)));
    rig.wait(rig.ledger().ended());
    assert!(rig.ledger().trouble().is_some());
    assert!(rig.ledger().object(Digest::of(b"")).is_err());
}

#[test]
fn a_job_that_finds_the_engine_free_is_done_by_who_brings_it() {
    let rig = Rig::new();
    let me = std::thread::current().id();
    let mine = (0..1_000).any(|_| {
        let (send, told) = mpsc::channel();
        rig.ledger().submit_here(
            |_, _| Ok::<_, Infallible>(Draft::of(fact("a"), std::thread::current().id())),
            move |done| send.send(done.unwrap().0).unwrap(),
        );
        told.recv().unwrap() == me
    });
    assert!(mine, "always another thread");
}

#[test]
fn jobs_of_many_threads_stand_in_one_line_whoever_does_them() {
    let rig = Rig::new();
    let start = rig.ledger().state().head.seq;
    let (send, told) = mpsc::channel();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (ledger, send) = (rig.ledger().clone(), send.clone());
            scope.spawn(move || {
                for number in 0..50 {
                    let send = send.clone();
                    let job = |state: &super::State, _| {
                        Ok::<_, Infallible>(Draft::of(fact("t"), state.head.seq))
                    };
                    let done = move |done: Result<(u64, Vec<_>), TransactError<_>>| {
                        send.send(done.unwrap()).unwrap();
                    };
                    if (thread + number) % 2 == 0 {
                        ledger.submit_here(job, done);
                    } else {
                        ledger.submit(job, done);
                    }
                }
            });
        }
    });
    let mut seen: Vec<u64> = (0..200)
        .map(|_| {
            let (before, entries) = told.recv().unwrap();
            assert_eq!(entries[0].seq, before + 1, "a job saw all jobs before it");
            before - start
        })
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..200).collect::<Vec<_>>());
}

#[test]
fn a_defect_met_by_who_brings_the_job_ends_the_ledger_too() {
    let rig = Rig::new();
    while rig.ledger().trouble().is_none() {
        let ledger = rig.ledger().clone();
        let broken = std::panic::AssertUnwindSafe(move || {
            let job = |_: &super::State, _| -> Result<Draft<()>, Infallible> { panic!("a defect") };
            ledger.submit_here(job, |_| {});
        });
        let _ = std::panic::catch_unwind(broken);
    }
    rig.wait(rig.ledger().ended());
    let late = rig
        .ledger()
        .transact(|_, _| Ok::<_, Infallible>(Draft::nothing(())));
    assert!(matches!(rig.wait(late), Err(TransactError::Closed)));
}
