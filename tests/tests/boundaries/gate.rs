//! `verify` and `gate`: what is let through, and how often.

use std::{fs, os::unix::fs::PermissionsExt as _};

use countersign::fault;
use countersign_tests::{bed::TestBed, wait};
use serde_json::Value;

use crate::{Setting::SameUser, Theatre};

#[test]
fn files_are_verified_and_gated_with_the_daemon_there_and_away() {
    let mut theatre = Theatre::open(SameUser);
    let id = theatre.release();
    let release = format!("approved/{id}");
    let report = format!("{release}/report.md");
    let verify = |bed: &TestBed, path: &str| bed.run(&["verify", path, "--json"]);
    let gate = |bed: &TestBed, path: &str| bed.run(&["gate", path, "--", "cat", "{}"]);
    let voucher = |bed: &TestBed| {
        let (exit, said, errors) = verify(bed, &release);
        assert_eq!(exit, 0, "{said}{errors}");
        let said: Value = serde_json::from_str(&said).unwrap();
        said["releases"][0]["vouched_by"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(voucher(&theatre.bed), "daemon");
    assert_eq!(
        gate(&theatre.bed, &report),
        (0, "the report\n".to_owned(), String::new())
    );
    theatre.bed.down();
    assert_eq!(voucher(&theatre.bed), "ledger");
    let file = theatre.bed.workspace().join(&report);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(verify(&theatre.bed, &report).0, 3, "one bit of the mode");
    assert_eq!(gate(&theatre.bed, &report).0, 3);
    fs::write(&file, "the repOrt\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    assert_eq!(verify(&theatre.bed, &release).0, 3, "one byte");
    let (exit, said, _) = gate(&theatre.bed, &report);
    assert_eq!((exit, said.as_str()), (3, ""), "nothing was started");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&file, "the report\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    // Where not even the ledger can be read, the record speaks, and says that it is only that.
    let elsewhere = theatre.bed.home.join("no data");
    theatre.bed.launch.env.push((
        "COUNTERSIGN_DATA_DIR".to_owned(),
        elsewhere.display().to_string(),
    ));
    assert_eq!(voucher(&theatre.bed), "record");
    assert_eq!(
        theatre.bed.run(&["verify", &release, "--require-ledger"]).0,
        7
    );
    assert_eq!(gate(&theatre.bed, &report).0, 7);
    let (exit, said, _) = theatre.bed.run(&[
        "gate",
        "--trust-record",
        &release,
        "--",
        "cat",
        "{}/report.md",
    ]);
    assert_eq!((exit, said.as_str()), (0, "the report\n"));
}

#[test]
fn what_is_approved_for_one_use_or_for_a_time_passes_the_gate_no_longer() {
    let mut theatre = Theatre::open(SameUser);
    let gate = |bed: &TestBed, path: &str| bed.run(&["gate", path, "--", "cat", "{}"]);
    let id = theatre.release_with(&["--once"]);
    let report = format!("approved/{id}/report.md");
    let verify = |bed: &TestBed, path: &str| bed.run(&["verify", path, "--json"]);
    assert_eq!(verify(&theatre.bed, &report).0, 0);
    // Who would not be counted is not let through.
    theatre.bed.down();
    let (exit, said, _) = gate(&theatre.bed, &report);
    assert_eq!((exit, said.as_str()), (7, ""), "nobody counts");
    theatre.bed.up();
    let (exit, said, errors) = gate(&theatre.bed, &report);
    assert_eq!((exit, said.as_str()), (0, "the report\n"), "{errors}");
    theatre.bed.restart();
    let (exit, said, errors) = gate(&theatre.bed, &report);
    assert_eq!((exit, said.as_str()), (3, ""), "it was used");
    assert!(errors.contains("good for one use"), "{errors}");
    let (exit, said, _) = verify(&theatre.bed, &report);
    assert_eq!(exit, 3);
    assert!(said.contains("good for one use"), "{said}");

    let id = theatre.release_with(&["--valid-for", "3s"]);
    let report = format!("approved/{id}/report.md");
    let (exit, said) = wait::until("the end of the approval", || {
        let (exit, said, _) = verify(&theatre.bed, &report);
        (exit != 0).then_some((exit, said))
    });
    assert_eq!(exit, 3);
    assert!(said.contains("the approval ended at"), "{said}");
    assert_eq!(gate(&theatre.bed, &report).0, 3);
    // Of all releases of a workspace it is told; no byte of them is other than it was.
    let (exit, said, _) = verify(&theatre.bed, "approved");
    assert_eq!(exit, 0, "{said}");
}

#[test]
fn kill_9_while_a_use_is_counted_counts_it_once_and_the_gate_goes_on() {
    for step in fault::USES {
        let mut theatre = Theatre::open(SameUser);
        let id = theatre.release_with(&["--once"]);
        let report = format!("approved/{id}/report.md");
        let dies = ("COUNTERSIGN_CRASH_AT".to_owned(), format!("{step}:1"));
        theatre.bed.launch.env.push(dies);
        theatre.bed.restart();
        theatre.bed.launch.env.pop();
        let mut gate = theatre
            .bed
            .launch
            .command(&["gate", &report, "--", "cat", "{}"]);
        gate.current_dir(theatre.bed.workspace());
        let gate = std::thread::spawn(move || gate.output().unwrap());
        wait::until("the end of the daemon", || {
            theatre.bed.daemon().ended().map(|_| ())
        });
        assert!(theatre.bed.daemon().was_killed(), "{step}");
        theatre.bed.up();
        let told = gate.join().unwrap();
        let errors = String::from_utf8_lossy(&told.stderr);
        assert_eq!(told.stdout, b"the report\n", "{step}: {errors}");
        assert_eq!(theatre.events("artifact.used").len(), 1, "{step}");
        assert_eq!(theatre.bed.run(&["gate", &report, "--", "true", "{}"]).0, 3);
    }
}
