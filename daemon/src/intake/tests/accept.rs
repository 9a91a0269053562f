//! One delivery, one revision: however often and by whatever way it comes.

use countersign_protocol::{HandoffId, decision::Outcome, receipt::ReceiptStatus};
use serde_json::json;

use crate::{
    intake::SubmitError,
    testing::{Rig, handoff},
};

#[test]
fn a_handoff_in_place_is_accepted_sealed_and_answered() {
    let rig = Rig::new();
    rig.write("run/report.md", "the report");
    rig.deliver("run/handoff.json", handoff("Write it", &["report.md"]));

    let card = rig.card();
    let accepted = &card.newest().accepted;
    assert_eq!((accepted.revision, accepted.at.folder.as_str()), (1, "run"));
    assert_eq!(accepted.manifest.entries[0].path, "report.md");
    let receipt = rig.json("run/handoff.receipt.json");
    assert_eq!(receipt["status"], "accepted");
    assert_eq!(receipt["handoff_id"], card.id.to_string());
    assert_eq!(
        receipt["manifest_sha256"],
        accepted.manifest_sha256.to_string()
    );
    assert_eq!(rig.text("run/report.md").as_deref(), Some("the report"));
}

#[test]
fn the_same_file_seen_a_hundred_times_is_looked_at_once() {
    let rig = Rig::new();
    rig.deliver("handoff.json", handoff("Write it", &[]));
    let entries = rig.events().len();
    for _ in 0..100 {
        rig.look("handoff.json");
    }
    assert_eq!(rig.events().len(), entries);
    assert_eq!(rig.json("handoff.receipt.json")["status"], "accepted");
}

#[test]
fn the_same_bytes_by_file_and_by_http_are_one_delivery() {
    let rig = Rig::new();
    let document = handoff("Write it", &[]);
    rig.deliver("handoff.json", &document);
    // The same content in a new file: its receipt stands there.
    rig.deliver("handoff.json", &document);
    assert_eq!(rig.json("handoff.receipt.json")["status"], "accepted");
    rig.deliver("copy/handoff.json", handoff("Write it", &[]) + "\n");
    rig.deliver("copy.handoff.json", &document);
    assert_eq!(rig.json("copy.handoff.receipt.json")["status"], "duplicate");
    for _ in 0..20 {
        let receipt = rig.submit("", &document, &[]).unwrap();
        assert_eq!(receipt.status, ReceiptStatus::Duplicate);
        assert_eq!((receipt.handoff_id, receipt.revision), (HandoffId(1), 1));
    }
    assert_eq!(rig.count("handoff.accepted"), 2);
}

#[test]
fn what_came_over_http_first_is_a_duplicate_as_a_file() {
    let rig = Rig::new();
    let document = handoff("Write it", &["a.txt"]);
    let receipt = rig.submit("", &document, &[("a.txt", b"words")]).unwrap();
    assert_eq!(receipt.status, ReceiptStatus::Accepted);
    rig.round();
    assert_eq!(rig.json("handoff.receipt.json")["status"], "accepted");

    rig.write("a.txt", "words");
    rig.deliver("handoff.json", &document);
    assert_eq!(rig.count("handoff.accepted"), 1);
    assert_eq!(rig.json("handoff.receipt.json")["status"], "duplicate");
}

#[test]
fn our_own_receipt_is_never_taken_for_an_agents_file() {
    let rig = Rig::new();
    let document = handoff("Write it", &[]);
    rig.put("handoff.json", &document);
    rig.hint("handoff.json");
    rig.settle();
    // Before the accepted receipt is noted, the same bytes come again and are answered by the intake.
    rig.put("handoff.json", &document);
    rig.hint("handoff.json");
    rig.settle();
    rig.round();
    rig.deliver("handoff.json", handoff("Write it", &[]) + " ");
    assert_eq!(rig.files(), ["handoff.json", "handoff.receipt.json"]);
    assert_eq!(rig.json("handoff.receipt.json")["revision"], 2);
}

#[test]
fn a_key_for_other_bytes_is_a_conflict_once() {
    let rig = Rig::new();
    let keyed = |summary: &str| {
        json!({
            "handoff_version": "1.0", "from_agent": "hermes", "task": "Write it",
            "idempotency_key": "k1", "summary": summary,
        })
        .to_string()
    };
    rig.deliver("handoff.json", keyed("one"));
    for _ in 0..3 {
        rig.deliver("handoff.json", keyed("two"));
    }
    assert_eq!(rig.count("handoff.refused"), 1);
    assert_eq!(rig.dead()[0].0, "key_reused");
    let errors = rig.json("handoff.errors.json");
    assert_eq!(
        errors["type"],
        "urn:countersign:problem:idempotency-conflict"
    );

    let told = rig.submit("", &keyed("three"), &[]);
    assert!(matches!(told, Err(SubmitError::Refused(_))), "{told:?}");
    assert_eq!(
        rig.count("handoff.refused"),
        1,
        "the sender holds the bytes"
    );

    // Put back to what was accepted: no dead letter, no errors beside the receipt.
    rig.deliver("handoff.json", keyed("one"));
    assert_eq!(rig.dead_letters(), 0);
    assert!(!rig.exists("handoff.errors.json"));
    assert_eq!(rig.json("handoff.receipt.json")["status"], "accepted");
}

#[test]
fn a_change_of_a_named_file_makes_a_revision_of_the_same_card() {
    let rig = Rig::new();
    rig.write("a.txt", "one");
    rig.deliver("handoff.json", handoff("Write it", &["a.txt"]));
    rig.write("a.txt", "two");
    rig.deliver("handoff.json", handoff("Write it", &["a.txt"]));
    let card = rig.card();
    assert_eq!(card.newest().accepted.revision, 2);
    assert_eq!(rig.json("handoff.receipt.json")["revision"], 2);
}

#[test]
fn after_the_last_word_a_new_card_follows() {
    let rig = Rig::new();
    rig.deliver("handoff.json", handoff("Write it", &[]));
    rig.decide(HandoffId(1), Outcome::ChangesRequested).unwrap();
    rig.round();
    rig.deliver("handoff.json", handoff("Write it", &[]) + " ");
    assert_eq!(rig.card().newest().accepted.revision, 2);
    rig.decide(HandoffId(1), Outcome::Rejected).unwrap();
    rig.round();
    assert!(rig.exists("decision.json"));

    rig.deliver("handoff.json", handoff("Write it", &[]) + "  ");
    let cards = rig.cards();
    let newest = &cards[1].newest().accepted;
    assert_eq!((newest.revision, newest.follows), (1, Some(HandoffId(1))));
    assert!(!rig.exists("decision.json"), "it answered the older card");
}

#[test]
fn two_agents_with_the_same_words_are_two_subjects() {
    let rig = Rig::new();
    rig.deliver("a/handoff.json", handoff("Write it", &[]));
    rig.deliver("b/handoff.json", handoff("Write it", &[]) + " ");
    assert_eq!(rig.cards().len(), 2);
}

#[test]
fn a_full_disk_loses_nothing_and_the_delivery_is_taken_later() {
    let rig = Rig::new();
    rig.stored().full = true;
    rig.put("handoff.json", handoff("Write it", &[]));
    rig.hint("handoff.json");
    assert!(rig.intake().step());
    while rig.ledger().trouble().is_none() {
        std::thread::yield_now();
    }
    assert_eq!(rig.cards().len(), 0);
    let sent = rig.submit("", &handoff("Other", &[]), &[]);
    assert!(matches!(sent, Err(SubmitError::Unavailable(_))), "{sent:?}");

    rig.stored().full = false;
    rig.clock.advance(std::time::Duration::from_secs(2));
    rig.round();
    assert_eq!(rig.card().newest().accepted.title, "Write it");
    assert!(rig.ledger().trouble().is_none());
}
