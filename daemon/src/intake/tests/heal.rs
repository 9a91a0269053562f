//! Dead letters: listed while they stand, gone once they are mended or removed.

use std::time::Duration;

use crate::testing::{Rig, WORKSPACE, handoff};

#[test]
fn a_refusal_is_recorded_once_and_healed_by_a_better_file() {
    let rig = Rig::new();
    rig.deliver("handoff.json", "{}");
    rig.look("handoff.json");
    rig.deliver("handoff.json", "{}");
    assert_eq!(rig.count("handoff.refused"), 1);
    rig.deliver("handoff.json", handoff("Write it", &[]));
    assert_eq!((rig.dead_letters(), rig.cards().len()), (0, 1));
    assert!(!rig.exists("handoff.errors.json"));
}

#[test]
fn a_refused_file_that_is_removed_leaves_the_list() {
    let rig = Rig::new();
    rig.deliver("handoff.json", "{}");
    rig.remove("handoff.json");
    rig.look("handoff.json");
    rig.look("handoff.json");
    assert_eq!(rig.dead_letters(), 0);
    assert_eq!(rig.count("handoff.refused_gone"), 1);
    assert!(!rig.exists("handoff.errors.json"));
}

#[test]
fn a_refused_file_that_was_removed_while_the_daemon_was_away_leaves_the_list() {
    let mut rig = Rig::new();
    rig.deliver("handoff.json", "{}");
    rig.deliver("kept/handoff.json", "{}");
    rig.remove("handoff.json");
    rig.restart();
    rig.intake().serve(WORKSPACE);
    rig.round();
    assert_eq!(rig.dead_letters(), 1);
    assert!(!rig.exists("handoff.errors.json"));
    assert!(rig.exists("kept/handoff.errors.json"));
}

#[test]
fn a_workspace_that_is_away_says_nothing_about_what_was_removed() {
    let rig = Rig::new();
    rig.deliver("handoff.json", "{}");
    std::os::unix::fs::symlink("w", rig.outside("keep")).unwrap();
    rename_outside(&rig, WORKSPACE, "elsewhere");
    rig.hint("handoff.json");
    rig.settle();
    assert_eq!(rig.dead_letters(), 1);
    rename_outside(&rig, "elsewhere", WORKSPACE);
    rig.clock.advance(Duration::from_mins(2));
    rig.round();
    assert_eq!(rig.dead_letters(), 1);
    rig.remove("handoff.json");
    rig.look("handoff.json");
    assert_eq!(rig.dead_letters(), 0);
}

fn rename_outside(rig: &Rig, from: &str, to: &str) {
    rustix::fs::rename(rig.outside(from), rig.outside(to)).unwrap();
}

#[test]
fn a_missing_file_that_arrives_heals_its_handoff_at_the_sign_of_life() {
    let mut rig = Rig::new();
    rig.deliver("run/handoff.json", handoff("Write it", &["late.md"]));
    assert_eq!(rig.dead_letters(), 1);
    // Also across a restart: what may heal is not remembered as seen.
    rig.restart();
    rig.write("run/late.md", "words");
    rig.intake().activity(WORKSPACE, "run");
    rig.round();
    assert_eq!((rig.dead_letters(), rig.cards().len()), (0, 1));
    assert!(!rig.exists("run/handoff.errors.json"));
}

#[test]
fn without_a_sign_of_life_it_is_looked_at_again_after_a_minute() {
    let rig = Rig::new();
    rig.deliver("run/handoff.json", handoff("Write it", &["late.md"]));
    rig.write("run/late.md", "words");
    rig.round();
    assert_eq!(rig.cards().len(), 0);
    rig.clock.advance(Duration::from_mins(1));
    rig.round();
    assert_eq!(rig.cards().len(), 1);
}

#[test]
fn a_refusal_survives_a_restart_and_is_not_doubled() {
    let mut rig = Rig::new();
    rig.deliver("handoff.json", "{}");
    rig.deliver("run/handoff.json", handoff("Write it", &["late.md"]));
    for _ in 0..3 {
        rig.restart();
        rig.look("handoff.json");
        rig.look("run/handoff.json");
    }
    assert_eq!(rig.dead_letters(), 2);
    assert_eq!(rig.count("handoff.refused"), 2);
}
