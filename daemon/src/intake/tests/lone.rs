//! What is looked at by the thread that hears of it, and what is left to the workers.

use std::convert::Infallible;

use crate::{
    ledger::Draft,
    testing::{Rig, WORKSPACE, handoff},
};

/// `name` was renamed into its place, and whatever was recorded for it at once is on the disk. No worker runs.
fn arrives(rig: &Rig, name: &str) {
    rig.intake().arrived(WORKSPACE, name.into());
    let nothing = |_: &_, _| Ok::<_, Infallible>(Draft::nothing(()));
    rig.wait(rig.ledger().transact(nothing)).unwrap();
}

#[test]
fn a_small_handoff_that_comes_alone_is_accepted_by_who_hears_of_it() {
    let rig = Rig::new();
    rig.write("run/report.md", "the report");
    rig.write("run/handoff.json", handoff("Write it", &["report.md"]));
    arrives(&rig, "run/handoff.json");
    assert_eq!(rig.card().newest().accepted.at.folder, "run");
    assert_eq!(rig.intake().backlog(), 0);
}

#[test]
fn what_comes_soon_after_another_waits_for_a_worker() {
    let rig = Rig::new();
    for folder in ["a", "b"] {
        rig.write(&format!("{folder}/handoff.json"), handoff(folder, &[]));
        arrives(&rig, &format!("{folder}/handoff.json"));
    }
    assert_eq!((rig.cards().len(), rig.intake().backlog()), (1, 1));
    rig.settle();
    assert_eq!(rig.cards().len(), 2);
}

#[test]
fn nothing_is_looked_at_beside_the_workers() {
    let rig = Rig::new();
    rig.write("a/handoff.json", handoff("a", &[]));
    rig.write("b/handoff.json", handoff("b", &[]));
    rig.hint("a/handoff.json");
    arrives(&rig, "b/handoff.json");
    assert_eq!((rig.cards().len(), rig.intake().backlog()), (0, 2));
}

#[test]
fn large_files_and_many_files_and_other_documents_wait_for_a_worker() {
    let rig = Rig::new();
    rig.write("large/report.md", "x".repeat(64 * 1024 + 1));
    rig.write("large/handoff.json", handoff("a", &["report.md"]));
    arrives(&rig, "large/handoff.json");
    assert_eq!((rig.cards().len(), rig.intake().backlog()), (0, 1));

    let rig = Rig::new();
    let names: Vec<String> = (0..9).map(|number| format!("{number}.md")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for name in &names {
        rig.write(&format!("many/{name}"), "x");
    }
    rig.write("many/handoff.json", handoff("a", &names));
    arrives(&rig, "many/handoff.json");
    assert_eq!((rig.cards().len(), rig.intake().backlog()), (0, 1));
    rig.settle();
    assert_eq!(rig.cards().len(), 1);

    let rig = Rig::new();
    rig.write("run/checkpoint.json", "{}");
    arrives(&rig, "run/checkpoint.json");
    assert_eq!(rig.intake().backlog(), 1);
}

#[test]
fn what_is_missing_is_refused_at_once_too() {
    let rig = Rig::new();
    rig.write("run/handoff.json", handoff("Write it", &["gone.md"]));
    arrives(&rig, "run/handoff.json");
    rig.settle();
    assert_eq!(rig.dead_letters(), 1);
}
