//! Whatever was interrupted, and from wherever it is done again: the folders show what the ledger says.

use countersign_protocol::{HandoffId, decision::Outcome};
use countersign_web::desk::{Caller, Desk as _};

use crate::{
    store::{Batch, Space, Store as _, Value},
    testing::{Rig, handoff, maya},
    writeback::MARK,
};

/// Name of the mark of the folder `run`.
const OWED: &str = "writeback owes w/run";

fn set(rig: &Rig, key: &str, text: Option<u64>) {
    let value: Value = (
        Space::Progress,
        key.to_owned(),
        text.map(|seq| seq.to_string()),
    );
    let batch = Batch {
        values: vec![value],
        ..Batch::default()
    };
    rig.stored().append(&batch).unwrap();
}

fn files(rig: &Rig) -> Vec<(String, Option<String>)> {
    let text = |name: String| (name.clone(), rig.text(&name));
    rig.files().into_iter().map(text).collect()
}

/// Asserts that nothing changes, whichever entry the folder is owed, and whichever the mark of all folders is at.
fn assert_same(rig: &mut Rig) {
    rig.round();
    let (before, entries) = (files(rig), rig.events().len());
    for seq in 0..entries as u64 {
        for key in [OWED, MARK] {
            let mark = rig.stored().value(Space::Progress, MARK).unwrap();
            set(rig, key, Some(seq));
            rig.restart();
            rig.wait(rig.writeback().catch_up()).unwrap();
            rig.round();
            assert_eq!(files(rig), before, "{key} at {seq} of {mark:?}");
            assert_eq!(rig.events().len(), entries, "{key} at {seq}");
        }
    }
}

fn deliver(rig: &Rig, title: &str) {
    rig.deliver("run/handoff.json", handoff(title, &[]));
}

#[test]
fn a_decision_outlives_every_replay() {
    for outcome in [
        Outcome::Approved,
        Outcome::Rejected,
        Outcome::ChangesRequested,
    ] {
        let mut rig = Rig::new();
        deliver(&rig, "Write it");
        rig.decide(HandoffId(1), outcome).unwrap();
        rig.round();
        assert!(rig.exists("run/decision.json"));
        assert_same(&mut rig);
    }
}

#[test]
fn the_decision_of_the_next_revision_outlives_every_replay() {
    let mut rig = Rig::new();
    rig.write("run/a.txt", "one");
    rig.deliver("run/handoff.json", handoff("Write it", &["a.txt"]));
    rig.decide(HandoffId(1), Outcome::ChangesRequested).unwrap();
    rig.round();
    rig.write("run/a.txt", "two");
    rig.deliver("run/handoff.json", handoff("Write it", &["a.txt"]));
    assert_same(&mut rig);
    rig.decide(HandoffId(1), Outcome::Approved).unwrap();
    assert_same(&mut rig);
}

#[test]
fn the_decision_of_the_next_handoff_outlives_every_replay() {
    let mut rig = Rig::new();
    deliver(&rig, "Write it");
    rig.decide(HandoffId(1), Outcome::Rejected).unwrap();
    rig.round();
    deliver(&rig, "Another thing");
    assert_same(&mut rig);
    rig.decide(HandoffId(2), Outcome::Rejected).unwrap();
    assert_same(&mut rig);
}

#[test]
fn what_was_taken_back_outlives_every_replay() {
    let mut rig = Rig::new();
    deliver(&rig, "Write it");
    rig.wait(
        rig.desk()
            .withdraw(&Caller::Person(maya()), HandoffId(1), None),
    )
    .unwrap();
    rig.round();
    assert!(rig.exists("run/decision.json"));
    assert_same(&mut rig);
}

#[test]
fn an_answer_that_was_moved_away_comes_back_by_no_replay() {
    let mut rig = Rig::new();
    deliver(&rig, "Write it");
    rig.decide(HandoffId(1), Outcome::ChangesRequested).unwrap();
    rig.round();
    rig.rename("run/decision.json", "run/read.json");
    assert_same(&mut rig);
}

#[test]
fn an_answer_that_was_cleared_by_us_comes_back() {
    let mut rig = Rig::new();
    deliver(&rig, "Write it");
    rig.decide(HandoffId(1), Outcome::Rejected).unwrap();
    rig.round();
    let before = files(&rig);
    rig.remove("run/decision.json");
    let key = "w/run/decision.json".to_owned();
    let batch = Batch {
        values: vec![(Space::Written, key, None)],
        ..Batch::default()
    };
    rig.stored().append(&batch).unwrap();
    set(&rig, OWED, Some(0));
    rig.restart();
    rig.wait(rig.writeback().catch_up()).unwrap();
    assert_eq!(files(&rig), before);
}

#[test]
fn what_of_ours_is_missing_is_put_right_by_the_next_look() {
    let mut rig = Rig::new();
    deliver(&rig, "Write it");
    rig.decide(HandoffId(1), Outcome::Rejected).unwrap();
    rig.round();
    let before = files(&rig);
    let look = |rig: &Rig| rig.wait(rig.writeback().look_at_answers()).unwrap();
    rig.remove(".countersign/handoffs/H-1/decision.r1.json");
    look(&rig);
    assert_eq!(files(&rig), before);
    rig.remove("run/decision.json");
    let batch = Batch {
        values: vec![(Space::Written, "w/run/decision.json".to_owned(), None)],
        ..Batch::default()
    };
    rig.stored().append(&batch).unwrap();
    rig.restart();
    look(&rig);
    assert_eq!(files(&rig), before);
    // What an agent moved away is its own.
    rig.rename("run/decision.json", "run/read.json");
    let moved = files(&rig);
    look(&rig);
    assert_eq!(files(&rig), moved);
    assert_eq!(rig.count("handoff.delivered"), 1);
}
