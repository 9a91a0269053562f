//! A workspace has one daemon.

use std::fs;

use countersign_tests::{agent::Care, bed::TestBed, wait};

#[test]
fn a_second_daemon_leaves_a_workspace_alone() {
    let mut first = TestBed::start();
    let mut second = TestBed::prepare();
    // With nothing else to serve it does not start at all.
    let own = std::mem::replace(&mut second.launch.roots, first.launch.roots.clone());
    second.start_daemon();
    let refused = second.comes_up().unwrap_err();
    assert!(
        refused.contains("another daemon serves it: process "),
        "{refused}"
    );
    second.launch.roots.extend(own);
    fs::rename(
        second.launch.roots[1].join("work"),
        second.launch.roots[1].join("other"),
    )
    .unwrap();
    second.up();
    second.trouble("another daemon serves it: process ");
    let pid = first.endpoint().pid.to_string();
    assert!(second.troubles().concat().contains(&pid));
    let agent = first.agent("hermes");
    let package = agent.package("Read it").file("notes.txt", "One.\n");
    let delivery = agent.write("one", &package, Care::Rename).unwrap();
    let id = delivery.receipt().handoff_id;
    assert!(
        second
            .http()
            .get(&format!("/api/v1/handoffs/{id}"))
            .unwrap()
            .status
            == 404
    );
    // Without its lock file the first one still has it.
    let lock = first.workspace().join(".countersign/daemon.lock");
    fs::remove_file(&lock).unwrap();
    wait::until("the lock file", || lock.exists().then_some(()));
    assert!(!second.troubles().is_empty());
    // When the first one is killed, the second goes on.
    first.daemon().kill();
    wait::until("the second daemon to serve it", || {
        second.troubles().is_empty().then_some(())
    });
}
