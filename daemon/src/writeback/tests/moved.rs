//! Answers to handoffs whose folder was moved, copied or removed after they were accepted.

use countersign_protocol::{HandoffId, decision::Outcome, event::Event};
use countersign_web::desk::{Caller, Desk as _};
use serde_json::json;

use crate::testing::{Rig, handoff};

const ONE: HandoffId = HandoffId(1);

/// A handoff that waits in `run/`.
fn waiting() -> Rig {
    let rig = Rig::new();
    rig.write("run/report.md", "the report");
    rig.deliver("run/handoff.json", handoff("Write it", &["report.md"]));
    rig
}

/// Moves `run/` to `to` as an agent would, and lets the watcher tell of both places.
fn moved(rig: &Rig, to: &str) {
    rig.rename("run", to);
    rig.hint("run/handoff.json");
    rig.look(&format!("{to}/handoff.json"));
}

fn has_foreign(rig: &Rig) -> bool {
    rig.files().iter().any(|name| name.contains(".found-"))
}

#[test]
fn answer_follows_moved_folder() {
    let rig = waiting();
    moved(&rig, "moved");
    assert_eq!(rig.json("moved/handoff.receipt.json")["status"], "accepted");
    rig.decide(ONE, Outcome::Approved).unwrap();
    rig.round();
    assert_eq!(rig.json("moved/decision.json")["outcome"], "approved");
    assert!(rig.exists("moved/feedback.md") && !rig.exists("run"));
    assert!(!has_foreign(&rig), "{:?}", rig.files());
    let delivered = rig.events().into_iter().find_map(|event| match event {
        Event::Delivered { at, .. } => Some(at),
        _ => None,
    });
    assert_eq!(delivered.unwrap()[0].folder, "moved");
}

#[test]
fn answer_follows_moved_parent() {
    let rig = Rig::new();
    rig.deliver("a/b/handoff.json", handoff("Write it", &[]));
    rig.rename("a", "c");
    rig.look("c/b/handoff.json");
    rig.decide(ONE, Outcome::Rejected).unwrap();
    rig.round();
    assert_eq!(rig.json("c/b/decision.json")["outcome"], "rejected");
}

#[test]
fn answer_follows_moved_files() {
    let rig = waiting();
    rig.make_folder("other");
    rig.rename("run/handoff.json", "other/handoff.json");
    rig.rename("run/report.md", "other/report.md");
    rig.hint("run/handoff.json");
    rig.look("other/handoff.json");
    rig.decide(ONE, Outcome::Approved).unwrap();
    rig.round();
    assert!(rig.exists("other/decision.json"));
    assert!(!rig.exists("run/decision.json"));
}

#[test]
fn answer_goes_to_copies_too() {
    let rig = waiting();
    let document = rig.text("run/handoff.json").unwrap();
    rig.write("copy/report.md", "the report");
    rig.deliver("copy/handoff.json", &document);
    assert_eq!(rig.json("copy/handoff.receipt.json")["status"], "duplicate");
    rig.decide(ONE, Outcome::Approved).unwrap();
    rig.round();
    assert!(rig.exists("run/decision.json") && rig.exists("copy/decision.json"));
    // A copy that is made after the answer gets it as well.
    rig.write("late/report.md", "the report");
    rig.deliver("late/handoff.json", &document);
    rig.round();
    assert_eq!(rig.json("late/decision.json")["outcome"], "approved");
    let delivery = rig.card().decisions[0].delivered.clone().unwrap();
    assert_eq!(delivery.places.len(), 3);
}

#[test]
fn answer_waits_for_lost_folder() {
    let rig = waiting();
    rig.rename("run", ".hidden");
    rig.decide(ONE, Outcome::Approved).unwrap();
    rig.round();
    assert_eq!(rig.count("handoff.undelivered"), 1);
    assert_eq!(rig.count("handoff.delivered"), 0);
    assert!(rig.exists(".countersign/handoffs/H-1/decision.r1.json"));
    rig.rename(".hidden", "run");
    rig.look("run/handoff.json");
    rig.round();
    assert_eq!(rig.json("run/decision.json")["outcome"], "approved");
    assert_eq!(rig.count("handoff.delivered"), 1);
    assert!(rig.card().undelivered.is_none());
    // Once it is there it is not put there again.
    rig.remove("run/decision.json");
    rig.look("run/handoff.json");
    rig.round();
    assert!(!rig.exists("run/decision.json"));
}

#[test]
fn answer_follows_folder_moved_while_stopped() {
    let mut rig = waiting();
    rig.rename("run", "moved");
    rig.restart();
    rig.decide(ONE, Outcome::Approved).unwrap();
    rig.round();
    assert_eq!(rig.count("handoff.undelivered"), 1);
    rig.look("moved/handoff.json");
    rig.round();
    assert!(rig.exists("moved/decision.json"));
}

#[test]
fn cancellation_follows_moved_folder() {
    let rig = waiting();
    moved(&rig, "moved");
    let who = Caller::Person(crate::testing::maya());
    rig.wait(rig.desk().withdraw(&who, ONE, None)).unwrap();
    rig.round();
    assert_eq!(rig.json("moved/decision.json")["outcome"], "cancelled");
}

#[test]
fn next_revision_in_moved_folder_stays_on_card() {
    let rig = waiting();
    moved(&rig, "moved");
    for revision in [2, 3] {
        rig.decide(ONE, Outcome::ChangesRequested).unwrap();
        rig.round();
        rig.write("moved/report.md", format!("revision {revision}"));
        let mut document: serde_json::Value =
            serde_json::from_str(&handoff("Write it", &["report.md"])).unwrap();
        document["summary"] = json!(format!("revision {revision}"));
        rig.deliver("moved/handoff.json", document.to_string());
        assert_eq!(rig.card().newest().accepted.revision, revision);
        assert!(
            !rig.exists("moved/decision.json"),
            "the old answer is cleared"
        );
    }
    assert_eq!(rig.cards().len(), 1);
    assert!(!has_foreign(&rig), "{:?}", rig.files());
}

#[test]
fn moved_and_revised_at_once_stays_on_card() {
    let rig = waiting();
    rig.rename("run", "moved");
    rig.write("moved/report.md", "another");
    rig.deliver(
        "moved/handoff.json",
        handoff("Write it", &["report.md"]) + "\n",
    );
    assert_eq!(rig.card().newest().accepted.revision, 2);
}

#[test]
fn work_in_copied_folder_is_new() {
    let rig = waiting();
    let receipt = rig.text("run/handoff.receipt.json").unwrap();
    rig.write("copy/report.md", "another report");
    rig.write("copy/handoff.receipt.json", receipt);
    rig.deliver(
        "copy/handoff.json",
        handoff("Write it", &["report.md"]) + "\n",
    );
    assert_eq!(
        rig.cards().len(),
        2,
        "the first one still stands in its place"
    );
}
