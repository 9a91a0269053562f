//! What was accepted is known again after kill -9, whatever its agent went on to do.

use crate::testing::{Rig, handoff};

/// Accepted, and ended before anything else was recorded or written.
fn accepted_and_killed(document: &str) -> Rig {
    let mut rig = Rig::new();
    rig.write("run/report.md", "first words");
    rig.put("run/handoff.json", document);
    rig.hint("run/handoff.json");
    rig.settle();
    assert_eq!(rig.count("handoff.accepted"), 1);
    rig.restart();
    rig
}

/// States what `report.md` must be, so that other words in it break a rule.
fn sealed() -> String {
    let digest = countersign_protocol::Digest::of(b"first words");
    format!(
        r#"{{"handoff_version":"1.0","from_agent":"hermes","task":"Write it",
            "artifacts":[{{"path":"report.md","sha256":"{digest}"}}]}}"#
    )
}

#[test]
fn a_revision_that_was_only_begun_is_not_taken_for_a_new_one() {
    for document in [handoff("Write it", &["report.md"]), sealed()] {
        let rig = accepted_and_killed(&document);
        rig.write("run/report.md", "half of other wo");
        rig.look("run/handoff.json");
        assert_eq!(rig.count("handoff.accepted"), 1, "{document}");
        assert_eq!(rig.count("handoff.refused"), 0, "{document}");
        assert!(rig.exists("run/handoff.receipt.json"));
        assert!(!rig.exists("run/handoff.errors.json"));
    }
}

#[test]
fn the_same_document_put_there_once_more_hands_its_new_files_over() {
    let document = handoff("Write it", &["report.md"]);
    let rig = accepted_and_killed(&document);
    rig.write("run/report.md", "other words");
    rig.deliver("run/handoff.json", &document);
    assert_eq!(rig.card().newest().accepted.revision, 2);
}
