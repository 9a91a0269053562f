//! Bytes that rot are found, not shown, not approved, and put right by whoever brings them again.
#![expect(clippy::disallowed_methods, reason = "the scene is set on the disk")]

use std::{
    io::{Seek as _, SeekFrom, Write as _},
    sync::Arc,
};

use countersign_protocol::{Digest, HandoffId, decision::Outcome};
use countersign_web::desk::{Caller, ContentDesk as _, Desk as _};

use super::Scrub;
use crate::{
    store::{Batch, Store as _},
    testing::{Rig, handoff, maya},
};

const ONE: HandoffId = HandoffId(1);
const SMALL: &[u8] = b"pay 10 to Ann\n";

fn rig(bytes: &[u8]) -> Rig {
    let rig = Rig::new();
    rig.write("run/a.txt", bytes);
    rig.deliver("run/handoff.json", handoff("Pay it", &["a.txt"]));
    rig
}

/// Turns a byte of what is kept, as a disk does.
fn rot(rig: &Rig, bytes: &[u8]) {
    let sha256 = Digest::of(bytes);
    let text = sha256.to_string();
    let object = rig.outside("objects").join(&text[..2]).join(&text[2..]);
    let mut rotten = bytes.to_vec();
    rotten[4] ^= 1;
    if !object.exists() {
        let batch = Batch {
            objects: vec![(sha256, rotten)],
            ..Batch::default()
        };
        return rig.stored().append(&batch).unwrap();
    }
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&object, mode).unwrap();
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .open(&object)
        .unwrap();
    file.seek(SeekFrom::Start(4)).unwrap();
    file.write_all(&rotten[4..5]).unwrap();
}

fn scrub(rig: &Rig) -> Scrub {
    Scrub::new(rig.ledger().clone(), Arc::clone(rig.objects()))
}

#[test]
fn rotten_bytes_are_not_shown_and_not_approved() {
    for bytes in [SMALL.to_vec(), SMALL.repeat(9_000)] {
        let mut rig = rig(&bytes);
        rot(&rig, &bytes);
        rig.restart();
        let who = Caller::Person(maya());
        let opened = rig.wait(rig.desk().open(&who, ONE, 1, "a.txt"));
        let why = opened.map(|_| ()).unwrap_err().to_string();
        assert!(why.contains("damaged"), "{why}");
        let why = rig.decide(ONE, Outcome::Approved).unwrap_err().to_string();
        assert!(why.contains("`a.txt` is damaged"), "{why}");
        assert!(
            scrub(&rig)
                .trouble()
                .unwrap()
                .starts_with("1 sealed file is")
        );
        let report = rig.wait(rig.desk().verify_chain(&maya())).unwrap();
        assert!(!report.ok && report.problem.is_none(), "{report:?}");

        // The way on: the agent hands the same bytes over again.
        rig.decide(ONE, Outcome::ChangesRequested).unwrap();
        rig.round();
        rig.deliver("run/handoff.json", handoff("Pay it now", &["a.txt"]));
        rig.wait(scrub(&rig).run()).unwrap();
        assert_eq!(scrub(&rig).trouble(), None);
        rig.decide(HandoffId(2), Outcome::Approved).unwrap();
        rig.round();
        assert!(rig.exists("approved/H-2/a.txt"));
    }
}

#[test]
fn what_nobody_asked_for_is_found_too() {
    for bytes in [SMALL.to_vec(), SMALL.repeat(9_000)] {
        let mut rig = rig(&bytes);
        rot(&rig, &bytes);
        rig.restart();
        assert_eq!(scrub(&rig).trouble(), None, "nothing was read yet");
        rig.wait(scrub(&rig).run()).unwrap();
        assert!(
            scrub(&rig)
                .trouble()
                .unwrap()
                .contains(&Digest::of(&bytes).to_string())
        );
    }
}

#[test]
fn a_rotten_document_is_not_approved() {
    let mut rig = rig(SMALL);
    rot(&rig, handoff("Pay it", &["a.txt"]).as_bytes());
    rig.restart();
    let why = rig.decide(ONE, Outcome::Approved).unwrap_err().to_string();
    assert!(why.contains("the handoff document is damaged"), "{why}");
    rig.decide(ONE, Outcome::ChangesRequested).unwrap();
}
