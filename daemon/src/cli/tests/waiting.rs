//! `wait`: the daemon, the file, and the exit codes.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{Bed, HANDOFF, decision, digest, problem, receipt, row, write};
use crate::clock::TestClock;

fn answer(revision: u32, state: &str, decision: Value) -> (u16, Value) {
    (
        200,
        json!({ "id": "H-7", "revision": revision, "state": state, "decision": decision }),
    )
}

/// The daemon answers `wait` and knows the row.
fn waiting(state: &'static str, decision: Value) -> Bed {
    Bed::with_daemon(move |asked| {
        if asked.line.contains("/wait?") {
            answer(1, state, decision.clone())
        } else {
            (200, row("H-7", 1))
        }
    })
}

#[test]
fn each_answer_has_its_exit_code() {
    for (outcome, exit) in [
        ("approved", 0),
        ("responded", 0),
        ("edited", 0),
        ("changes_requested", 10),
        ("rejected", 11),
        ("expired", 12),
        ("cancelled", 12),
        ("ignored", 12),
    ] {
        let bed = waiting("decided", decision("H-7", 1, outcome));
        let ran = bed.run(&["wait", "H-7", "--json"]);
        assert_eq!(ran.exit, exit, "{outcome}");
        let json = ran.json();
        assert_eq!(json["schema"], "countersign.cli.wait/1");
        assert_eq!(json["decision"]["outcome"], outcome);
        assert_eq!(json["handoff"]["id"], "H-7");
    }
    for state in ["superseded", "withdrawn"] {
        let ran = waiting(state, Value::Null).run(&["wait", "H-7"]);
        assert_eq!(
            (ran.exit, ran.out),
            (12, format!("H-7 revision 1 is {state}\n"))
        );
    }
}

#[test]
fn the_words_and_requests_of_the_answer_are_printed() {
    let bed = waiting("decided", decision("H-7", 1, "changes_requested"));
    let ran = bed.run(&["wait", "H-7"]);
    let words = "H-7 revision 1 was sent back for changes by Maya\nMention the break\n\
                 q1  a.md:3  Say so\n";
    assert_eq!((ran.out.as_str(), ran.err.as_str()), (words, ""));
}

#[test]
fn a_limit_ends_the_wait_and_zero_only_looks() {
    let bed = waiting("waiting", Value::Null);
    let ran = bed.run(&["wait", "H-7", "--timeout", "0"]);
    assert_eq!((ran.exit, ran.out.as_str()), (8, "H-7 is still waiting\n"));
    let asked = bed.asked();
    let asks: Vec<_> = asked.iter().filter(|a| a.line.contains("/wait?")).collect();
    assert_eq!(asks.len(), 1);
    assert!(asks[0].line.ends_with("timeout=0"), "{:?}", asks[0]);
    let ran = bed.run(&["wait", "H-7", "--timeout", "1s", "--json"]);
    assert_eq!(ran.exit, 8);
    assert_eq!(ran.json()["state"], "waiting");
}

#[test]
fn a_long_wait_says_so_unless_it_is_told_not_to() {
    // Each question hangs for as long as it may.
    let clock = TestClock::at(super::START.parse().unwrap());
    let time = Arc::clone(&clock);
    let mut bed = Bed::with_daemon(move |asked| {
        let (_, query) = asked.line.split_once("timeout=").unwrap_or_default();
        time.advance(Duration::from_secs(query.parse().unwrap_or_default()));
        if query.is_empty() {
            (200, row("H-7", 1))
        } else {
            answer(1, "waiting", Value::Null)
        }
    });
    bed.clock = clock;
    let ran = bed.run(&["wait", "H-7", "--timeout", "11m"]);
    assert_eq!(ran.err, "still waiting, 5m\nstill waiting, 10m\n");
    let ran = bed.run(&["wait", "H-7", "--timeout", "11m", "-q"]);
    assert_eq!((ran.exit, ran.err.as_str()), (8, ""));
}

#[test]
fn without_the_daemon_the_file_answers() {
    let bed = Bed::new();
    bed.write("team/job/handoff.json", HANDOFF);
    let receipt = receipt("H-7", 2, HANDOFF).to_string();
    bed.write("team/job/handoff.receipt.json", &receipt);
    // The answer to the revision before it is still there.
    let old = decision("H-7", 1, "changes_requested").to_string();
    bed.write("team/job/decision.json", &old);
    let file = bed.at("team/job/decision.json");
    let ran = bed.run_with(&["wait"], move |pause| {
        if pause == 5 {
            write(&file, &decision("H-7", 2, "rejected").to_string());
        }
    });
    assert_eq!(ran.exit, 11, "{ran:?}");
    let said = format!(
        "no daemon runs on this machine; watching for the decision in {}\n",
        bed.at("team/job").display()
    );
    assert_eq!(ran.err, said);
}

#[test]
fn a_decision_about_another_card_is_not_for_us() {
    let bed = Bed::new();
    bed.write("team/job/handoff.json", HANDOFF);
    let receipt = receipt("H-7", 1, HANDOFF).to_string();
    bed.write("team/job/handoff.receipt.json", &receipt);
    let other = decision("H-6", 1, "approved").to_string();
    bed.write("team/job/decision.json", &other);
    let ran = bed.run(&["wait", "-q", "--timeout", "10s"]);
    assert_eq!(ran.exit, 8, "{ran:?}");
}

#[test]
fn a_pinned_revision_is_over_when_a_later_one_is_decided() {
    let bed = Bed::new();
    bed.write("team/job/handoff.json", HANDOFF);
    let receipt = receipt("H-7", 2, HANDOFF).to_string();
    bed.write("team/job/handoff.receipt.json", &receipt);
    let later = decision("H-7", 2, "approved").to_string();
    bed.write("team/job/decision.json", &later);
    let ran = bed.run(&["wait", "-q", "--revision", "1"]);
    assert_eq!(
        (ran.exit, ran.out.as_str()),
        (12, "H-7 revision 1 is superseded\n")
    );
}

#[test]
fn a_receipt_for_older_bytes_is_not_waited_on() {
    let bed = waiting("decided", decision("H-7", 1, "approved"));
    bed.write("team/job/handoff.json", HANDOFF);
    let old = receipt("H-6", 1, "{}").to_string();
    bed.write("team/job/handoff.receipt.json", &old);
    let file = bed.at("team/job/handoff.receipt.json");
    let ran = bed.run_with(&["wait", "--json"], move |pause| {
        if pause == 3 {
            write(&file, &receipt("H-7", 1, HANDOFF).to_string());
        }
    });
    assert_eq!(ran.exit, 0);
    assert_eq!(ran.json()["handoff"]["id"], "H-7");
    let asked = bed.asked();
    assert!(asked.iter().all(|asked| !asked.line.contains("H-6")));
}

#[test]
fn a_refusal_in_the_folder_ends_the_wait() {
    let bed = Bed::new();
    bed.write("team/job/handoff.json", HANDOFF);
    let errors = json!({
        "schema": "handoff.errors/1", "type": "urn:countersign:problem:missing-artifact",
        "code": "missing-artifact", "title": "A file that the handoff names is missing",
        "status": 422, "file": "handoff.json", "handoff_sha256": digest(HANDOFF),
        "valid": false, "at": super::START, "supported": ["1.0"],
        "errors": [{ "code": "missing_artifact", "pointer": "/artifacts/0", "line": 1,
                     "column": 77, "message": "is not there", "fix": "Write it." }],
        "next": "Fix handoff.json and save it again.",
    });
    bed.write("team/job/handoff.errors.json", &errors.to_string());
    let ran = bed.run(&["wait"]);
    assert_eq!(ran.exit, 3);
    assert!(
        ran.err
            .contains("error: /artifacts/0 is not there\n --> handoff.json:1:77\n")
    );
    assert_eq!(bed.run(&["wait", "--json"]).json(), errors);
}

#[test]
fn a_daemon_that_stops_meanwhile_is_asked_again() {
    let calls = std::sync::atomic::AtomicU32::new(0);
    let bed = Bed::with_daemon(move |asked| {
        if !asked.line.contains("/wait?") {
            return (200, row("H-7", 1));
        }
        match calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => problem(503, "The daemon is stopping."),
            _ => answer(1, "decided", decision("H-7", 1, "approved")),
        }
    });
    let ran = bed.run(&["wait", "H-7"]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert!(
        ran.err.starts_with("The daemon is stopping; watching"),
        "{}",
        ran.err
    );
    assert_eq!(ran.err.lines().count(), 1);
}

#[test]
fn nothing_to_wait_for_is_said() {
    let bed = Bed::new();
    let ran = bed.run(&["wait"]);
    assert_eq!(ran.exit, 5);
    assert!(
        ran.err
            .contains("hint: hand over with `countersign submit`")
    );
    assert_eq!(bed.run(&["wait", "H-7"]).exit, 7);
    assert_eq!(bed.run(&["wait", "H-7", "--timeout", "soon"]).exit, 2);
}
