//! The newest entries are the same from memory as from the engine, and take bounded room.

use std::sync::Arc;

use countersign_protocol::{
    chain::{Body, Entry},
    event::Event,
    principal::Actor,
};

use super::*;
use crate::{ledger::Draft, store::Store as _, testing::Rig};

fn body(seq: u64) -> Body {
    Body {
        seq,
        at: jiff::Timestamp::UNIX_EPOCH,
        actor: Actor::Daemon,
        event: Event::TokenRevoked { id: "t".to_owned() },
    }
}

fn recent(sizes: impl IntoIterator<Item = (u64, usize)>) -> Recent {
    let recent = Recent::default();
    recent.add(
        sizes
            .into_iter()
            .map(|(seq, bytes)| (body(seq), Digest::ZERO, bytes)),
    );
    recent
}

fn numbers(found: Option<Vec<Arc<Recorded>>>) -> Option<Vec<u64>> {
    Some(found?.iter().map(|one| one.body.seq).collect())
}

#[test]
fn the_newest_are_given_up_to_the_head_and_the_limit() {
    let recent = recent((5..=9).map(|seq| (seq, 100)));
    assert_eq!(numbers(recent.after(4, 9, 10)), Some(vec![5, 6, 7, 8, 9]));
    assert_eq!(numbers(recent.after(6, 9, 2)), Some(vec![7, 8]));
    assert_eq!(
        numbers(recent.after(6, 8, 10)),
        Some(vec![7, 8]),
        "the state has no more yet"
    );
    assert_eq!(
        numbers(recent.after(3, 9, 10)),
        None,
        "entry 4 is not among them"
    );
    assert_eq!(numbers(Recent::default().after(0, 9, 10)), None);
}

#[test]
fn their_number_and_their_bytes_are_bounded_and_the_newest_stays() {
    let many = recent((1..=MOST as u64 + 3).map(|seq| (seq, 1)));
    assert_eq!(numbers(many.after(2, u64::MAX, 1)), None);
    assert_eq!(numbers(many.after(3, u64::MAX, 1)), Some(vec![4]));
    let large = recent([(1, MOST_BYTES / 2), (2, MOST_BYTES / 2), (3, 1)]);
    assert_eq!(numbers(large.after(0, 3, 1)), None);
    assert_eq!(numbers(large.after(1, 3, 5)), Some(vec![2, 3]));
    let huge = recent([(1, 1), (2, MOST_BYTES * 3)]);
    assert_eq!(numbers(huge.after(1, 2, 5)), Some(vec![2]));
    huge.add([(body(3), Digest::ZERO, 1)]);
    assert_eq!(numbers(huge.after(2, 3, 5)), Some(vec![3]));
    assert_eq!(huge.tail().bytes, 1);
}

#[test]
fn who_follows_sees_the_same_entries_from_the_engine_and_from_memory() {
    let mut rig = Rig::new();
    for _ in 0..3 {
        let event = (Actor::Daemon, Event::TokenRevoked { id: "t".to_owned() });
        let written = rig
            .ledger()
            .transact(move |_, _| Ok::<_, std::convert::Infallible>(Draft::of(vec![event], ())));
        rig.wait(written).unwrap();
    }
    let told = |found: Vec<Arc<Recorded>>| -> Vec<(String, Digest)> {
        let text = |one: &Recorded| serde_json::to_string(&one.body).unwrap();
        found.iter().map(|one| (text(one), one.hash)).collect()
    };
    let stored: Vec<Entry> = rig.stored().entries(0, 9).unwrap();
    let stored: Vec<_> = stored.into_iter().map(|one| (one.body, one.hash)).collect();
    assert_eq!(stored.len(), 3);
    let from_memory = told(rig.wait(rig.ledger().entries(0, 9)).unwrap());
    assert!(rig.ledger().recent.after(0, 3, 9).is_some());
    assert_eq!(from_memory, stored);
    // After a start the memory is empty.
    rig.restart();
    assert!(rig.ledger().recent.after(0, 3, 9).is_none());
    assert_eq!(told(rig.wait(rig.ledger().entries(0, 9)).unwrap()), stored);
    assert_eq!(
        told(rig.wait(rig.ledger().entries(2, 9)).unwrap()),
        stored[2..]
    );
    assert!(rig.wait(rig.ledger().entries(3, 9)).unwrap().is_empty());
}
