//! `decision.json`, `feedback.md` and what clears them.

use std::convert::Infallible;

use countersign_protocol::{HandoffId, decision::Outcome, event::Event, principal::Actor};
use countersign_web::desk::Desk as _;
use serde_json::json;

use crate::{
    ledger::Draft,
    store::{Space, Store as _},
    testing::{Rig, handoff},
    writeback::MARK,
};

const ONE: HandoffId = HandoffId(1);

#[test]
fn a_decision_stands_beside_the_handoff_and_in_our_own_folder() {
    let rig = Rig::new();
    rig.deliver("run/handoff.json", handoff("Write it", &[]));
    rig.decide(ONE, Outcome::ChangesRequested).unwrap();
    rig.round();
    let decision = rig.json("run/decision.json");
    assert_eq!(decision["outcome"], "changes_requested");
    assert_eq!(decision["handoff_id"], "H-1");
    assert_eq!(decision["comment"], "because");
    assert_eq!(
        rig.json(".countersign/handoffs/H-1/decision.r1.json"),
        decision
    );
    let feedback = rig.text("run/feedback.md").unwrap();
    assert!(feedback.contains("because"), "{feedback}");
    assert_eq!(rig.count("handoff.delivered"), 1);
}

#[test]
fn a_handoff_that_is_taken_back_is_answered_too() {
    let rig = Rig::new();
    rig.deliver("run/handoff.json", handoff("Write it", &[]));
    let reason = Some("started by mistake".to_owned());
    let who = countersign_web::desk::Caller::Person(crate::testing::maya());
    rig.wait(rig.desk().withdraw(&who, ONE, reason)).unwrap();
    rig.round();
    let decision = rig.json("run/decision.json");
    assert_eq!(decision["outcome"], "cancelled");
    assert_eq!(decision["comment"], "started by mistake");
    assert_eq!(decision["decided_by"]["display"], "Maya");
    let feedback = rig.text("run/feedback.md").unwrap();
    assert!(feedback.contains("withdrawn"), "{feedback}");
    // The next handoff in its place clears it, as it does every answer.
    rig.deliver("run/handoff.json", handoff("Write it again", &[]));
    assert!(!rig.exists("run/decision.json"));
}

#[test]
fn an_answer_that_was_moved_away_does_not_come_back() {
    let mut rig = Rig::new();
    rig.deliver("handoff.json", handoff("Write it", &[]));
    rig.decide(ONE, Outcome::ChangesRequested).unwrap();
    rig.round();
    rig.rename("decision.json", "read.json");
    rig.round();
    rig.restart();
    rig.round();
    // As after a crash before the mark was moved.
    forget_mark(&rig);
    rig.restart();
    rig.round();
    assert!(!rig.exists("decision.json"));
    assert_eq!(rig.count("handoff.delivered"), 1);
}

/// As if the program had ended right before the last commit of the writeback.
fn forget_mark(rig: &Rig) {
    use crate::store::{Batch, Space, Store as _};
    let mut store = rig.stored();
    let mut values = vec![(Space::Progress, "writeback".to_owned(), None)];
    let written = store.values(Space::Written).unwrap();
    // What was delivered is remembered in the transaction that says so.
    let forgotten = written
        .into_iter()
        .filter(|(key, _)| !key.ends_with("decision.json"));
    values.extend(forgotten.map(|(key, _)| (Space::Written, key, None)));
    let batch = Batch {
        values,
        ..Batch::default()
    };
    store.append(&batch).unwrap();
}

#[test]
fn answers_that_are_written_twice_are_the_same_files() {
    let mut rig = Rig::new();
    rig.write("run/a.txt", "one");
    rig.deliver("run/handoff.json", handoff("Write it", &["a.txt"]));
    rig.decide(ONE, Outcome::ChangesRequested).unwrap();
    rig.round();
    rig.write("run/a.txt", "two");
    rig.deliver("run/handoff.json", handoff("Write it", &["a.txt"]));
    rig.decide(ONE, Outcome::Approved).unwrap();
    rig.round();
    rig.deliver("bad/handoff.json", "{}");
    let files: Vec<(String, Option<String>)> = rig
        .files()
        .into_iter()
        .map(|name| (name.clone(), rig.text(&name)))
        .collect();
    let entries = rig.events().len();

    forget_mark(&rig);
    rig.restart();
    rig.round();
    let again: Vec<(String, Option<String>)> = rig
        .files()
        .into_iter()
        .map(|name| (name.clone(), rig.text(&name)))
        .collect();
    assert_eq!(again, files);
    assert_eq!(rig.events().len(), entries);
}

#[test]
fn a_later_checkpoint_does_not_change_an_answer() {
    let mut rig = Rig::new();
    let checkpoint = |step: u64| {
        json!({"checkpoint_version": "1.0", "from_agent": "hermes", "step": step}).to_string()
    };
    rig.deliver("run/checkpoint.json", checkpoint(3));
    rig.deliver("run/handoff.json", handoff("Write it", &[]));
    rig.decide(ONE, Outcome::ChangesRequested).unwrap();
    rig.round();
    let answer = rig.text("run/decision.json").unwrap();
    assert_eq!(
        rig.json("run/decision.json")["resume"]["from_checkpoint"],
        3
    );

    rig.remove("run/decision.json");
    rig.deliver("run/checkpoint.json", checkpoint(4));
    forget_mark(&rig);
    rig.restart();
    rig.round();
    assert!(!rig.exists("run/decision.json"), "the agent had it");
    let copy = rig.text(".countersign/handoffs/H-1/decision.r1.json");
    assert_eq!(copy.unwrap(), answer);
}

#[test]
fn an_answer_to_an_older_card_is_cleared_also_after_a_crash_between() {
    let mut rig = Rig::new();
    rig.deliver("handoff.json", handoff("Write it", &[]));
    rig.decide(ONE, Outcome::Rejected).unwrap();
    rig.round();
    assert!(rig.exists("decision.json"));
    // The answer stands, the crash came before it was noted, and another handoff follows.
    forget_mark(&rig);
    rig.restart();
    rig.put("handoff.json", handoff("Another thing", &[]));
    rig.hint("handoff.json");
    rig.settle();
    rig.round();
    assert_eq!(rig.json("handoff.receipt.json")["handoff_id"], "H-2");
    assert!(!rig.exists("decision.json"), "it answered another handoff");
    assert!(!rig.exists("feedback.md"));
}

#[test]
fn an_answer_that_comes_after_the_next_revision_is_only_kept() {
    let rig = Rig::new();
    rig.deliver("handoff.json", handoff("Write it", &[]));
    rig.decide(ONE, Outcome::ChangesRequested).unwrap();
    rig.put("handoff.json", handoff("Write it", &[]) + " ");
    rig.hint("handoff.json");
    rig.settle();
    rig.round();
    assert!(!rig.exists("decision.json"));
    assert_eq!(rig.json("handoff.receipt.json")["revision"], 2);
    assert!(rig.exists(".countersign/handoffs/H-1/decision.r1.json"));
}

#[test]
fn an_agents_own_file_under_our_name_is_kept() {
    let rig = Rig::new();
    rig.deliver("handoff.json", handoff("Write it", &[]));
    rig.write("decision.json", "approved by myself");
    rig.decide(ONE, Outcome::Rejected).unwrap();
    rig.round();
    assert_eq!(rig.json("decision.json")["outcome"], "rejected");
    let aside = rig
        .files()
        .into_iter()
        .find(|name| name.starts_with("decision.json.found-"));
    assert_eq!(
        rig.text(&aside.unwrap()).as_deref(),
        Some("approved by myself")
    );
}

#[test]
fn a_folder_that_is_gone_has_its_answer_in_our_own() {
    let rig = Rig::new();
    rig.deliver("run/handoff.json", handoff("Write it", &[]));
    rig.remove("run");
    rig.decide(ONE, Outcome::Approved).unwrap();
    rig.round();
    assert!(rig.exists(".countersign/handoffs/H-1/decision.r1.json"));
    assert!(!rig.exists("run"));
}

#[test]
fn a_folder_that_became_a_link_is_not_followed() {
    let rig = Rig::new();
    rig.deliver("run/handoff.json", handoff("Write it", &[]));
    rig.remove("run");
    std::os::unix::fs::symlink(rig.outside("objects"), rig.path("run")).unwrap();
    rig.decide(ONE, Outcome::Approved).unwrap();
    rig.round();
    assert!(!rig.outside("objects").join("decision.json").exists());
}

#[test]
fn entries_that_ask_for_nothing_cost_no_commit_and_a_restart_passes_over_them_again() {
    let mut rig = Rig::new();
    rig.write("a.txt", "words");
    rig.deliver("handoff.json", handoff("Write it", &["a.txt"]));
    rig.round();
    let mark = |rig: &Rig| rig.stored().value(Space::Progress, MARK).unwrap();
    let before = mark(&rig);
    let event = Event::TokenRevoked { id: "t".to_owned() };
    let idle = Draft::of(vec![(Actor::Daemon, event)], ());
    let written = rig.ledger().transact(move |_, _| Ok::<_, Infallible>(idle));
    rig.wait(written).unwrap();
    rig.round();
    assert_eq!(mark(&rig), before);
    // All that is in memory is gone, as after kill -9: the answer comes, and once.
    rig.restart();
    rig.decide(ONE, Outcome::Approved).unwrap();
    rig.round();
    rig.round();
    assert!(rig.exists("decision.json") && rig.exists("approved/H-1/a.txt"));
    let told = |kind| rig.count(kind);
    assert_eq!(
        (told("handoff.delivered"), told("artifact.approved")),
        (1, 1)
    );
    assert_ne!(mark(&rig), before);
}
