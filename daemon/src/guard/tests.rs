//! Approved work is kept as it was approved, whatever happens to it.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests play the agents, who do not use our door"
)]

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    sync::Arc,
    time::Duration,
};

use countersign_protocol::{
    HandoffId,
    decision::Outcome,
    event::Event,
    release::{DifferenceKind, Restored, Violated},
};

use countersign_web::desk::{Desk as _, DeskError};

use super::Guard;
use crate::{
    testing::{Rig, handoff, maya},
    workspace::Settings,
};

const ONE: HandoffId = HandoffId(1);
const REPORT: &str = "approved/H-1/report.md";

/// A workspace with one release.
fn released(settings: Settings) -> (Rig, Guard) {
    let rig = Rig::with(settings);
    rig.write("run/report.md", "the report");
    rig.write("run/bin/tool.sh", "#!/bin/sh\n");
    rig.deliver(
        "run/handoff.json",
        handoff("Release it", &["report.md", "bin/tool.sh"]),
    );
    rig.decide(ONE, Outcome::Approved).unwrap();
    rig.round();
    let guard = guard(&rig);
    (rig, guard)
}

fn guard(rig: &Rig) -> Guard {
    Guard::new(
        rig.workspaces(),
        rig.ledger().clone(),
        Arc::clone(rig.objects()),
        rig.clock.clone(),
    )
}

/// Looks at everything, once `approved/` itself is right also at what is in it.
fn sweep(rig: &Rig, guard: &Guard) {
    for _ in 0..3 {
        rig.clock.advance(Duration::from_secs(31));
        rig.wait(guard.run()).unwrap();
    }
}

fn violations(rig: &Rig) -> Vec<Violated> {
    let events = rig.events();
    let found = events.into_iter().filter_map(|event| match event {
        Event::Violated(violated) => Some(*violated),
        _ => None,
    });
    found.collect()
}

fn restored(rig: &Rig) -> Vec<Restored> {
    let events = rig.events();
    let found = events.into_iter().filter_map(|event| match event {
        Event::Restored(restored) => Some(*restored),
        _ => None,
    });
    found.collect()
}

/// An agent with the rights of the daemon, which no mode can stop.
fn overwrite(path: &Path, text: &str) {
    if path.exists() {
        fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    }
    fs::write(path, text).unwrap();
}

fn is_as_approved(rig: &Rig) {
    assert_eq!(rig.text(REPORT).as_deref(), Some("the report"));
    let mode = rig.path(REPORT).metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o444);
    let tool = rig.path("approved/H-1/bin/tool.sh");
    assert_eq!(fs::read_to_string(tool).unwrap(), "#!/bin/sh\n");
    let mut names: Vec<String> = fs::read_dir(rig.path("approved"))
        .unwrap()
        .map(|one| one.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["H-1"]);
    let inside = fs::read_dir(rig.path("approved/H-1")).unwrap().count();
    assert_eq!(inside, 4, "report, bin, and the two lists");
}

#[test]
fn work_that_nobody_touched_is_left_as_it_is() {
    let (rig, guard) = released(Settings::default());
    sweep(&rig, &guard);
    assert_eq!(violations(&rig), []);
    assert_eq!(rig.cards().len(), 1);
}

/// What is done to approved work, and what is said to have been found.
type Case = (&'static str, fn(&Path), &'static [DifferenceKind]);

#[test]
fn every_change_is_found_put_right_kept_and_told() {
    use DifferenceKind::*;
    let cases: [Case; 10] = [
        (
            "other bytes",
            |at| overwrite(&at.join("H-1/report.md"), "forged"),
            &[Changed, Mode],
        ),
        (
            "emptied",
            |at| overwrite(&at.join("H-1/report.md"), ""),
            &[Changed, Mode],
        ),
        (
            "made writable",
            |at| {
                let report = at.join("H-1/report.md");
                fs::set_permissions(report, Permissions::from_mode(0o666)).unwrap();
            },
            &[Mode],
        ),
        (
            "removed",
            |at| fs::remove_file(at.join("H-1/report.md")).unwrap(),
            &[Missing],
        ),
        (
            "added",
            |at| fs::write(at.join("H-1/bin/evil.sh"), "forged").unwrap(),
            &[Extra],
        ),
        (
            "replaced by a link",
            |at| {
                fs::remove_file(at.join("H-1/report.md")).unwrap();
                symlink("/etc/passwd", at.join("H-1/report.md")).unwrap();
            },
            &[Replaced],
        ),
        (
            "replaced by a folder",
            |at| {
                fs::remove_file(at.join("H-1/report.md")).unwrap();
                fs::create_dir(at.join("H-1/report.md")).unwrap();
                fs::write(at.join("H-1/report.md/forged"), "forged").unwrap();
            },
            &[Replaced],
        ),
        (
            "all removed",
            |at| fs::remove_dir_all(at.join("H-1")).unwrap(),
            &[Missing],
        ),
        (
            "a stray",
            |at| fs::create_dir(at.join("H-77")).unwrap(),
            &[Extra],
        ),
        (
            "approved itself replaced",
            |at| {
                fs::rename(at, at.with_file_name("approved.old")).unwrap();
                symlink("approved.old", at).unwrap();
            },
            &[Replaced],
        ),
    ];
    for (name, attack, expects) in cases {
        let (rig, guard) = released(Settings::default());
        sweep(&rig, &guard);
        attack(&rig.path("approved"));
        sweep(&rig, &guard);
        is_as_approved(&rig);
        let found = violations(&rig);
        let kinds: Vec<_> = found[0].found.iter().map(|one| one.kind).collect();
        assert_eq!(kinds, expects, "{name}");
        assert_eq!(restored(&rig).len(), found.len(), "{name}");
        let card = rig.cards().pop().unwrap();
        assert_eq!(card.newest().accepted.from_agent, "countersign", "{name}");
        assert!(card.newest().accepted.title.contains("approved"), "{name}");
        let before = rig.events().len();
        sweep(&rig, &guard);
        assert_eq!(rig.events().len(), before, "{name}: it is over");
    }
}

#[test]
fn what_was_foreign_is_kept_once_and_only_the_daemon_can_look_at_it() {
    let (rig, guard) = released(Settings::default());
    for _ in 0..3 {
        overwrite(&rig.path(REPORT), "forged");
        sweep(&rig, &guard);
    }
    let quarantine = rig.path(".countersign/quarantine");
    let mode = quarantine.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o700);
    let kept: Vec<_> = fs::read_dir(&quarantine).unwrap().collect();
    assert_eq!(kept.len(), 1, "the same bytes are kept once");
    for restored in restored(&rig) {
        let at = restored.taken[0].kept_at.as_ref().unwrap();
        assert_eq!(rig.text(at).as_deref(), Some("forged"));
        assert_eq!(restored.taken[0].path, "report.md");
    }
}

#[test]
fn an_attack_that_goes_on_is_one_card_and_takes_no_more_than_the_quota() {
    let settings = Settings {
        quarantine: 1_000,
        ..Settings::default()
    };
    let (rig, guard) = released(settings);
    for round in 0..60 {
        overwrite(&rig.path(REPORT), &format!("{round:0100}"));
        guard.hint("w", Path::new(REPORT));
        rig.clock.advance(Duration::from_secs(1));
        rig.wait(guard.run()).unwrap();
    }
    let count = rig.count("artifact.violation");
    assert!((3..=12).contains(&count), "{count} in a minute");
    assert_eq!(rig.cards().len(), 2, "the release and one card about it");
    sweep(&rig, &guard);
    is_as_approved(&rig);
    let kept = fs::read_dir(rig.path(".countersign/quarantine")).unwrap();
    let bytes: u64 = kept.map(|one| one.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes <= 1_000, "{bytes}");
}

#[test]
fn a_second_release_that_is_hit_comes_onto_the_open_card() {
    let (rig, guard) = released(Settings::default());
    rig.write("two/b.md", "two");
    rig.deliver("two/handoff.json", handoff("Another", &["b.md"]));
    rig.decide(HandoffId(2), Outcome::Approved).unwrap();
    rig.round();
    overwrite(&rig.path(REPORT), "forged");
    sweep(&rig, &guard);
    overwrite(&rig.path("approved/H-2/b.md"), "forged");
    sweep(&rig, &guard);
    let card = rig.cards().pop().unwrap();
    let accepted = &card.newest().accepted;
    assert_eq!(accepted.revision, 2);
    assert_eq!(accepted.violated, ["approved/H-1", "approved/H-2"]);
    // Once somebody saw it, the next one is a card of its own.
    rig.decide(card.id, Outcome::Approved).unwrap();
    rig.round();
    overwrite(&rig.path(REPORT), "forged again");
    sweep(&rig, &guard);
    assert_eq!(rig.cards().len(), 4);
    assert!(!rig.exists("handoff.receipt.json"), "nobody is answered");
}

#[test]
fn what_happened_while_the_daemon_was_away_is_found_at_its_start() {
    let (mut rig, _) = released(Settings::default());
    overwrite(&rig.path(REPORT), "forged");
    rig.restart();
    let guard = guard(&rig);
    sweep(&rig, &guard);
    is_as_approved(&rig);
    assert_eq!(rig.count("artifact.restored"), 1);
}

#[test]
fn a_violation_that_was_recorded_before_a_crash_is_put_right_once_and_not_told_twice() {
    let (mut rig, guard_before) = released(Settings::default());
    overwrite(&rig.path(REPORT), "forged");
    let found = rig.wait(async {
        let workspace = rig.workspaces().get("w").unwrap();
        let room = ("w".to_owned(), Some(ONE));
        let inner = Arc::clone(&guard_before.inner);
        let its = room.clone();
        let found = super::blocking(move || inner.look(&its, &workspace))
            .await
            .unwrap();
        guard_before.inner.violated(&room, &found).await.unwrap();
        found
    });
    assert_eq!(found.len(), 2);
    drop(guard_before);
    rig.restart();
    let guard = guard(&rig);
    sweep(&rig, &guard);
    is_as_approved(&rig);
    assert_eq!(rig.count("artifact.violation"), 1);
    assert_eq!(rig.count("artifact.restored"), 1);
    assert_eq!(rig.cards().len(), 2);
}

#[test]
fn another_folder_in_the_place_of_approved_is_noticed_at_the_first_hint() {
    let (rig, guard) = released(Settings::default());
    sweep(&rig, &guard);
    fs::rename(rig.path("approved"), rig.path("gone")).unwrap();
    fs::create_dir(rig.path("approved")).unwrap();
    guard.hint("w", Path::new("approved"));
    rig.wait(guard.run()).unwrap();
    is_as_approved(&rig);
}

#[test]
fn a_workspace_where_nothing_was_released_is_left_alone() {
    let rig = Rig::new();
    rig.write("approved/notes.md", "somebody's");
    let guard = guard(&rig);
    sweep(&rig, &guard);
    assert_eq!(violations(&rig), []);
    assert_eq!(rig.text("approved/notes.md").as_deref(), Some("somebody's"));
}

#[test]
fn a_card_about_changed_work_can_only_be_seen() {
    let (rig, guard) = released(Settings::default());
    fs::remove_file(rig.path(REPORT)).unwrap();
    sweep(&rig, &guard);
    let card = rig.cards().last().unwrap().id;
    assert_ne!(card, ONE);
    for outcome in [
        Outcome::ChangesRequested,
        Outcome::Rejected,
        Outcome::Responded,
    ] {
        let mut answer = rig.answer(card, outcome);
        answer.comment = Some("Why?".to_owned());
        let told = rig.wait(rig.desk().decide(&maya(), card, answer));
        assert!(matches!(told, Err(DeskError::Invalid { .. })), "{told:?}");
    }
    rig.decide(card, Outcome::Approved).unwrap();
}
