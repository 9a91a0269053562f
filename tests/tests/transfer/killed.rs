//! kill -9 at every named step of a hop.

#![expect(
    clippy::disallowed_methods,
    reason = "agents write into the shared folder"
)]

use std::fs;

use countersign_tests::{bed::TestBed, mesh::Member, wait};
use serde_json::{Value, json};

use super::MESH;

/// Waits for what `look` gives, and starts the daemon again when it has died.
fn outlives<T>(bed: &mut TestBed, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    wait::until(what, || {
        if bed.daemon().ended().is_some() {
            assert!(bed.daemon().was_killed(), "{}", bed.daemon().log_tail());
            bed.launch
                .env
                .retain(|(name, _)| name != "COUNTERSIGN_CRASH_AT");
            bed.up();
        }
        look()
    })
}

/// One task that is declined, goes to another agent by its fallback, and comes back: told to a daemon that
/// dies at `step`. False when it never came to that step.
fn dies_at(step: &str, hit: u32) -> bool {
    let mut bed = TestBed::prepare().env("COUNTERSIGN_CRASH_AT", &format!("{step}:{hit}"));
    let workspace = bed.workspace();
    fs::write(workspace.join("workspace.toml"), MESH).expect("the scene can be set");
    let member = |name: &str| Member::new(name, &workspace);
    let (a, b, c) = (member("a"), member("b"), member("c"));
    bed.start_daemon();
    if bed.comes_up().is_err() {
        bed.up();
    }
    let fallback = json!({"action": "reroute", "to": "c", "after_seconds": 3_600});
    let package = a
        .package("t-1", "b")
        .with("fallback", fallback)
        .with("expected_output", "a word");
    let handed = a.hand("work", &package.file("filing.txt", "Revenue"));
    outlives(&mut bed, "a package for b", || b.package_now("H-1.1"));
    b.answers(
        "H-1.1",
        &json!({"answer": "decline", "reason": "out_of_scope"}),
    );
    outlives(&mut bed, "a package for c", || c.package_now("H-1.2"));
    c.answers("H-1.2", &json!({"answer": "complete", "result": "seven"}));
    outlives(&mut bed, "the result", || {
        let back = handed.look::<Value>("handoff.result.json")?;
        let ack = handed.look::<Value>("handoff.ack.json")?;
        (back["result"] == "seven" && ack["status"] == "completed").then_some(())
    });
    outlives(&mut bed, "the receipt of the answer", || {
        c.heard_now("H-1.2")
    });
    let reached = !bed
        .launch
        .env
        .iter()
        .any(|(name, _)| name == "COUNTERSIGN_CRASH_AT");
    let case = format!("{step}:{hit}");
    assert_eq!(
        (b.packages(), c.packages()),
        (vec!["H-1.1".to_owned()], vec!["H-1.2".to_owned()]),
        "{case}"
    );
    for member in [&b, &c] {
        for entry in fs::read_dir(member.folder()).expect("the scene can be set") {
            let name = entry
                .expect("the scene can be set")
                .file_name()
                .into_string()
                .expect("the scene can be set");
            assert!(
                !name.contains("tmp") && !name.contains("found"),
                "{case}: {name}"
            );
        }
    }
    bed.restart();
    let activity = bed.http().fetch("/api/v1/activity?limit=200").json();
    let rows = activity
        .as_array()
        .or(activity["items"].as_array())
        .expect("the scene can be set")
        .clone();
    let count = |event: &str| rows.iter().filter(|row| row["event"] == event).count();
    for (event, times) in [
        ("handoff.accepted", 1),
        ("transfer.offered", 2),
        ("transfer.delivered", 2),
        ("transfer.declined", 1),
        ("transfer.completed", 1),
    ] {
        assert_eq!(count(event), times, "{case}: {event}");
    }
    reached
}

#[test]
fn kill_at_every_named_step_of_a_hop_loses_and_doubles_nothing() {
    let missed: Vec<&str> = countersign::fault::HOPS
        .iter()
        .filter(|step| {
            let reached = dies_at(step, 1);
            if reached {
                dies_at(step, 2);
            }
            !reached
        })
        .copied()
        .collect();
    assert!(missed.is_empty(), "the story never meets {missed:?}");
}
