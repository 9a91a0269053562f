//! What is edited is what is released, and nobody's file is changed for it.

use std::{fs, time::Duration};

use countersign_protocol::{
    Digest, HandoffId, access::Role, decision::Outcome, release::ReleaseRecord,
};
use countersign_web::desk::{
    Answer, Answered, Caller, Desk as _, DeskError, EditsDesk as _, LinkError, MessagesDesk as _,
    edits::FileEdit,
};

use super::unified;
use crate::{
    clock::Clock as _,
    message::{Link, LinkAnswer, Recipient, mint},
    testing::{Rig, handoff, maya},
};

const ONE: HandoffId = HandoffId(1);
const BEFORE: &str = "one\ntwo\nthree";
const AFTER: &str = "one\n2\nthree\n";

fn waiting() -> Rig {
    let rig = Rig::new();
    rig.write("a.md", BEFORE);
    rig.write("b.md", "stays\n");
    rig.deliver("handoff.json", handoff("Write it", &["a.md", "b.md"]));
    rig
}

fn edit(path: &str, text: &str) -> FileEdit {
    FileEdit {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

fn keep(rig: &Rig, revision: u32, path: &str, text: &str) -> Result<(), DeskError> {
    let edit = edit(path, text);
    rig.wait(rig.desk().keep_edit(&maya(), ONE, revision, edit))
}

fn decide(rig: &Rig, answer: Answer) -> Result<Answered, DeskError> {
    rig.wait(rig.desk().decide(&maya(), ONE, answer))
}

fn text(rig: &Rig, path: &str) -> String {
    fs::read_to_string(rig.path(path)).unwrap()
}

#[test]
fn what_was_edited_is_released_and_the_agent_gets_the_patch() {
    let rig = waiting();
    keep(&rig, 1, "a.md", "other\n").unwrap();
    keep(&rig, 1, "a.md", AFTER).unwrap();
    let rows = rig.wait(rig.desk().edits(&maya(), ONE)).unwrap();
    assert_eq!(rows.len(), 1);
    assert!(rows[0].current && rows[0].sha256 == Digest::of(AFTER.as_bytes()));

    let document = rig.decide(ONE, Outcome::Edited).unwrap();
    rig.round();
    let edited = document.edited.clone().unwrap();
    assert_eq!(edited.files.len(), 1);
    assert_eq!(edited.files[0].before_sha256, Digest::of(BEFORE.as_bytes()));
    assert_eq!(
        document.artifacts[0].sha256,
        Digest::of(AFTER.as_bytes()),
        "the exact bytes that were approved"
    );
    assert_ne!(edited.manifest_sha256, document.manifest_sha256);

    // The agent's own file is as it left it.
    assert_eq!(text(&rig, "a.md"), BEFORE);
    assert_eq!(text(&rig, "approved/H-1/a.md"), AFTER);
    assert_eq!(text(&rig, "approved/H-1/b.md"), "stays\n");
    let record: ReleaseRecord =
        serde_json::from_str(&text(&rig, "approved/H-1/release.json")).unwrap();
    assert_eq!(
        record.manifest_digest(document.handoff_sha256),
        document.approved_manifest()
    );
    assert_eq!(record.manifest_sha256, document.approved_manifest());
    assert_eq!(record.edited_from, Some(document.manifest_sha256));

    let patch = text(&rig, "decision.patch");
    assert_eq!(patch, unified("a.md", BEFORE, AFTER));
    assert_eq!(Digest::of(patch.as_bytes()), edited.patch_sha256);
    let who = Caller::Person(maya());
    assert_eq!(rig.wait(rig.desk().patch(&who, ONE)).unwrap(), patch);
    assert!(text(&rig, "feedback.md").contains("`decision.patch`"));

    // What was kept for it is gone with the decision, and saying it again says the same.
    assert_eq!(rig.wait(rig.desk().edits(&maya(), ONE)).unwrap(), []);
    let answer = Answer {
        edits: vec![edit("a.md", AFTER)],
        ..rig.answer(ONE, Outcome::Edited)
    };
    let again = decide(&rig, answer.clone()).unwrap().decision().unwrap();
    assert_eq!(again, document);
    let other = Answer {
        edits: vec![edit("a.md", "third\n")],
        ..answer
    };
    assert!(matches!(
        decide(&rig, other),
        Err(DeskError::Conflict { .. })
    ));
    assert_eq!(rig.count("handoff.decided"), 1);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test plays the agent")]
fn the_patch_leads_from_one_file_to_the_other() {
    for (before, after) in [
        (BEFORE, AFTER),
        ("", "new\n"),
        ("gone\n", ""),
        ("a\r\nb\r\n", "a\nb\r\n"),
        ("x", "y"),
    ] {
        let folder = crate::testing::memory_folder();
        fs::create_dir(folder.path().join("in")).unwrap();
        let file = folder.path().join("in/a b.md");
        fs::write(&file, before).unwrap();
        fs::write(folder.path().join("p"), unified("in/a b.md", before, after)).unwrap();
        let told = std::process::Command::new("git")
            .args(["apply", "--whitespace=nowarn", "p"])
            .current_dir(folder.path())
            .env("GIT_CEILING_DIRECTORIES", folder.path())
            .output()
            .unwrap();
        assert!(told.status.success(), "{before:?} to {after:?}: {told:?}");
        let found = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(found, after, "{before:?}");
    }
}

#[test]
fn an_edit_of_bytes_that_moved_goes_nowhere() {
    let rig = waiting();
    keep(&rig, 1, "a.md", AFTER).unwrap();
    let shown = rig.answer(ONE, Outcome::Edited);
    rig.write("a.md", "the agent went on\n");
    rig.deliver("handoff.json", handoff("Write it", &["a.md", "b.md"]));
    let told = decide(&rig, shown);
    assert!(
        matches!(told, Err(DeskError::Stale { revision: 2, .. })),
        "{told:?}"
    );
    // The new revision is not approved with what was written for the old one.
    let rows = rig.wait(rig.desk().edits(&maya(), ONE)).unwrap();
    assert!(!rows[0].current);
    let told = rig.decide(ONE, Outcome::Edited);
    assert!(matches!(told, Err(DeskError::Invalid { .. })), "{told:?}");
    let told = keep(&rig, 1, "a.md", AFTER);
    assert!(matches!(told, Err(DeskError::Stale { .. })), "{told:?}");
    rig.decide(ONE, Outcome::Approved).unwrap();
    rig.round();
    assert_eq!(text(&rig, "approved/H-1/a.md"), "the agent went on\n");
    assert!(!rig.exists("decision.patch"));
}

#[test]
fn approving_while_an_edit_is_kept_says_so() {
    let rig = waiting();
    keep(&rig, 1, "a.md", AFTER).unwrap();
    let told = rig.decide(ONE, Outcome::Approved).unwrap_err();
    assert!(told.to_string().contains("You edited `a.md`"), "{told}");
    // Changed back is not changed.
    keep(&rig, 1, "a.md", BEFORE).unwrap();
    rig.decide(ONE, Outcome::Approved).unwrap();
}

#[test]
fn only_text_that_is_released_can_be_edited() {
    let rig = waiting();
    for (path, text) in [
        ("nowhere.md", "x"),
        ("../a.md", "x"),
        ("handoff.json", "{}"),
        ("a.md", "nul\0"),
        ("a.md", &"x".repeat(300 * 1024)),
    ] {
        let told = keep(&rig, 1, path, text);
        assert!(
            matches!(told, Err(DeskError::Invalid { .. })),
            "{path}: {told:?}"
        );
        let answer = Answer {
            edits: vec![edit(path, text)],
            ..rig.answer(ONE, Outcome::Edited)
        };
        let told = decide(&rig, answer);
        assert!(
            matches!(told, Err(DeskError::Invalid { .. })),
            "{path}: {told:?}"
        );
    }
    let twice = Answer {
        edits: vec![edit("a.md", "x"), edit("a.md", "y")],
        ..rig.answer(ONE, Outcome::Edited)
    };
    assert!(matches!(
        decide(&rig, twice),
        Err(DeskError::Invalid { .. })
    ));
    let unasked = Answer {
        edits: vec![edit("a.md", "x")],
        ..rig.answer(ONE, Outcome::Approved)
    };
    assert!(matches!(
        decide(&rig, unasked),
        Err(DeskError::Invalid { .. })
    ));
    assert_eq!(rig.count("handoff.decided"), 0);
}

#[test]
fn who_may_not_decide_edits_nothing_and_nobody_sees_the_edit_of_another() {
    let rig = waiting();
    keep(&rig, 1, "a.md", AFTER).unwrap();
    let sam = countersign_web::desk::Person {
        id: "local:sam".to_owned(),
        access: countersign_protocol::access::Access::everywhere(&[Role::Reviewer]),
        ..maya()
    };
    let told = rig.wait(rig.desk().keep_edit(&sam, ONE, 1, edit("a.md", "x")));
    assert!(matches!(told, Err(DeskError::MayNot { .. })), "{told:?}");
    assert_eq!(rig.wait(rig.desk().edits(&sam, ONE)).unwrap(), []);
    assert_eq!(
        rig.wait(rig.desk().edited(&sam, ONE, "a.md")).unwrap(),
        None
    );
}

#[test]
fn a_link_approves_nothing_whose_edit_its_person_keeps() {
    let rig = waiting();
    let card = rig.ledger().state().card(ONE).cloned().unwrap();
    let link = Link {
        message: "m-1".to_owned(),
        person: Recipient {
            id: maya().id,
            display: maya().display,
            email: None,
            address: None,
            zone: None,
        },
        handoff: ONE,
        revision: 1,
        manifest_sha256: card.newest().accepted.manifest_sha256,
        answer: LinkAnswer::Approve,
        made: rig.clock.now(),
        expires: rig.clock.now() + Duration::from_hours(1),
        alone: true,
        used: None,
    };
    let minted = mint([7; 32], &link);
    let kept = rig
        .desk()
        .keep(minted.change.0, minted.change.1, minted.change.2);
    rig.wait(kept).unwrap();
    keep(&rig, 1, "a.md", AFTER).unwrap();
    let answer = || {
        let desk = rig.desk();
        rig.wait(desk.answer_by_link(ONE, &minted.secret, Some(&maya()), None))
    };
    let told = answer();
    assert!(matches!(told, Err(LinkError::SignIn(_))), "{told:?}");
    rig.wait(rig.desk().drop_edit(&maya(), ONE, "a.md"))
        .unwrap();
    answer().unwrap();
    assert_eq!(rig.count("handoff.decided"), 1);
}
