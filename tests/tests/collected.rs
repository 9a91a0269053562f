//! kill -9 while the daemon lets go of bytes that nothing needs: what is needed stays, what is not goes.

use std::{collections::BTreeSet, thread, time::Duration};

use countersign::{clock::SystemClock, fault};
use countersign_protocol::{Digest, HandoffId, decision::Outcome, event::Event};
use countersign_tests::{
    agent::{Agent, Care, Package},
    bed::TestBed,
    evidence::Evidence,
    wait,
};
use serde_json::{Value, json};

const CRASH_AT: &str = "COUNTERSIGN_CRASH_AT";
const RETENTION: &str = "[retention]\nundecided = \"1s\"\norphans = \"1s\"\n";

/// A revision with a small file, which the database keeps, and two large ones, one of which no other revision has.
fn package(agent: &Agent, task: &str, number: u32) -> Package {
    let large = |what: &str| what.repeat(100_000 / what.len());
    agent
        .package(task)
        .with("task_id", task)
        .with("summary", format!("revision {number}"))
        .file("small.txt", format!("small {number} of {task}"))
        .file("large.bin", large(&format!("large {number} of {task};")))
        .file("same.bin", large(&format!("every revision of {task};")))
}

/// Three revisions of one card, of which nobody answers the first two, and three of another, of which the first is
/// sent back.
fn deliver_and_decide(bed: &TestBed) {
    let (agent, reviewer) = (bed.agent("ada"), bed.reviewer());
    for task in ["left", "answered"] {
        for number in 1..=3 {
            let delivery = agent
                .write(task, &package(&agent, task, number), Care::Rename)
                .expect("the workspace is writable");
            let id = delivery.receipt().handoff_id;
            wait::until("the revision", || {
                (reviewer.look(id).revision == number).then_some(())
            });
            if task == "answered" && number == 1 {
                reviewer.decide(id, Outcome::ChangesRequested, "again");
            }
        }
    }
    reviewer.decide(HandoffId(2), Outcome::Approved, "");
    wait::until("the answers", || reviewer.all_delivered().then_some(()));
}

/// Longer than a file must be old to go, which is counted in whole seconds.
const QUIET: Duration = Duration::from_secs(3);

/// Lets go until for a while nothing went. False when the daemon died of it.
fn collected(bed: &TestBed) -> bool {
    let clock = SystemClock::shared();
    let mut last = clock.monotonic();
    wait::until("nothing to be left", || {
        let body = json!({ "dry_run": false });
        let Ok(reply) = bed.http().post("/api/v1/store/collect", &body) else {
            return Some(false);
        };
        let went: Value = reply.json();
        let revisions = went["revisions"].as_array().map(Vec::len);
        if (revisions, &went["files"], &went["small"]) != (Some(0), &json!(0), &json!(0)) {
            last = clock.monotonic();
        }
        (clock.monotonic().saturating_sub(last) > QUIET).then_some(true)
    })
}

/// The digests that must be kept, and those that must be gone when everything is done.
fn needed(evidence: &Evidence) -> (BTreeSet<Digest>, BTreeSet<Digest>) {
    let forgotten: BTreeSet<(HandoffId, u32)> = evidence
        .bodies
        .iter()
        .filter_map(|body| match &body.event {
            Event::Forgotten { handoff, revision } => Some((*handoff, *revision)),
            _ => None,
        })
        .collect();
    let (mut needed, mut spent) = (BTreeSet::new(), BTreeSet::new());
    for accepted in evidence.accepted() {
        let digests = accepted.manifest.entries.iter().map(|entry| entry.sha256);
        if forgotten.contains(&(accepted.handoff, accepted.revision)) {
            spent.extend(digests);
        } else {
            needed.extend(digests);
        }
        needed.insert(accepted.manifest.document);
    }
    spent.retain(|digest| !needed.contains(digest));
    (needed, spent)
}

fn all_needed_is_there(evidence: &Evidence, case: &str) {
    for digest in needed(evidence).0 {
        let bytes = evidence.object(digest);
        let bytes = bytes.unwrap_or_else(|| panic!("{case}: {} is gone", digest.short()));
        assert_eq!(Digest::of(&bytes), digest, "{case}: other bytes");
    }
}

/// Whether the daemon came to die at `step`.
fn dies_at(step: &str, hit: u32) -> bool {
    let case = format!("{step}:{hit}");
    let mut bed = TestBed::prepare()
        .configured(RETENTION)
        .env(CRASH_AT, &case);
    bed.up();
    deliver_and_decide(&bed);
    let reached = !collected(&bed);
    if reached {
        assert!(
            bed.daemon().was_killed(),
            "{case}\n{}",
            bed.daemon().log_tail()
        );
        let evidence = Evidence::read(bed.data()).expect("the ledger can be read");
        all_needed_is_there(&evidence, &case);
        bed.launch.env.retain(|(name, _)| name != CRASH_AT);
        bed.up();
        assert!(collected(&bed), "{case}: it died again");
    }
    bed.down();
    let evidence = Evidence::read(bed.data()).expect("the ledger can be read");
    all_needed_is_there(&evidence, &case);
    let (_, spent) = needed(&evidence);
    assert!(
        spent.len() >= 6,
        "{case}: three revisions with two files of their own went"
    );
    for digest in spent {
        assert!(
            evidence.object(digest).is_none(),
            "{case}: {} is left",
            digest.short()
        );
    }
    reached
}

#[test]
fn kill_while_bytes_are_let_go_of_takes_nothing_that_is_needed() {
    let missed: Vec<&str> = thread::scope(|scope| {
        let cases = fault::COLLECT.iter().map(|step| {
            scope.spawn(move || {
                let reached = dies_at(step, 1);
                if reached {
                    dies_at(step, 2);
                }
                (!reached).then_some(*step)
            })
        });
        let cases: Vec<_> = cases.collect();
        let missed = cases.into_iter().filter_map(|case| case.join().unwrap());
        missed.collect()
    });
    assert!(missed.is_empty(), "nothing ever came to {missed:?}");
}
