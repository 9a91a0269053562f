//! What is handed over again is compared with what was approved, and with nothing that is not.

use countersign_protocol::{Digest, HandoffId, decision::Outcome};
use countersign_web::desk::{
    Change, ContentDesk as _, Desk as _, EditsDesk as _, Review, edits::FileEdit,
};

use super::*;
use crate::testing::{Rig, handoff, maya};

const ONE: HandoffId = HandoffId(1);
const TWO: HandoffId = HandoffId(2);

/// Two files of which one was edited and both were approved, and then another round with `text` in the edited one.
fn continued(text: &str) -> Rig {
    let rig = Rig::new();
    rig.write("a.md", "as the agent wrote it\n");
    rig.write("b.md", "stays\n");
    rig.deliver("handoff.json", handoff("Write it", &["a.md", "b.md"]));
    let edit = FileEdit {
        path: "a.md".to_owned(),
        text: "as Maya edited it\n".to_owned(),
    };
    rig.wait(rig.desk().keep_edit(&maya(), ONE, 1, edit))
        .unwrap();
    rig.decide(ONE, Outcome::Edited).unwrap();
    rig.round();
    rig.write("a.md", text);
    rig.deliver("handoff.json", handoff("Write it", &["a.md", "b.md"]));
    rig
}

fn review(rig: &Rig, base: Option<u32>) -> Review {
    let who = Caller::Person(maya());
    rig.wait(rig.desk().review(&who, TWO, None, base)).unwrap()
}

fn changes(review: &Review) -> Vec<(&str, Change)> {
    let files = review.files.iter();
    files
        .map(|file| (file.path.as_str(), file.change))
        .collect()
}

#[test]
fn after_an_approval_only_what_changed_since_is_shown() {
    let rig = continued("as Maya edited it\nand one more line\n");
    let shown = review(&rig, None);
    let base = shown.base.clone().unwrap();
    assert_eq!(base.revision, 0);
    assert!(base.label.starts_with("H-1 revision 1, "), "{base:?}");
    assert_eq!(shown.bases, [base]);
    let expected = [("a.md", Change::Modified), ("b.md", Change::Unchanged)];
    assert_eq!(changes(&shown), expected);
    assert_eq!(changes(&review(&rig, Some(0))), expected);

    // What it is compared with is what was approved, and not what the agent had handed over.
    let who = Caller::Person(maya());
    let opened = rig.wait(rig.desk().open(&who, TWO, 0, "a.md")).unwrap();
    assert_eq!(opened.sha256, Digest::of(b"as Maya edited it\n"));
    let missing = rig.wait(rig.desk().open(&who, ONE, 0, "a.md"));
    assert!(matches!(missing, Err(DeskError::NotFound(_))));
}

#[test]
fn what_is_as_it_was_approved_is_unchanged() {
    let rig = continued("as Maya edited it\n");
    let expected = [("a.md", Change::Unchanged), ("b.md", Change::Unchanged)];
    assert_eq!(changes(&review(&rig, None)), expected);
}

#[test]
fn an_answer_to_the_new_handoff_counts_more_than_the_one_before() {
    let rig = continued("second\n");
    rig.decide(TWO, Outcome::ChangesRequested).unwrap();
    rig.round();
    rig.write("a.md", "third\n");
    rig.deliver("handoff.json", handoff("Write it", &["a.md", "b.md"]));
    let shown = review(&rig, None);
    assert_eq!(shown.base.map(|base| base.revision), Some(1));
    let numbers: Vec<u32> = shown.bases.iter().map(|base| base.revision).collect();
    assert_eq!(numbers, [1, 0]);
}
