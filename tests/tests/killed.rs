//! kill -9: at every named step, at random under load, and while the daemon comes back.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
    time::Duration,
};

use countersign::fault;
use countersign_protocol::{HandoffId, decision::Outcome};
use countersign_tests::{
    agent::{Agent, Care},
    bed::TestBed,
    evidence::Evidence,
    history::{History, Sent, SentResult},
    hook::Hook,
    http::NoReply,
    invariants::{self, Case},
    life::{Life, Manners},
    wait,
};

const CRASH_AT: &str = "COUNTERSIGN_CRASH_AT";

/// Stops the daemon and checks everything it left.
fn check(bed: &mut TestBed, history: &History) {
    bed.down();
    let evidence = Evidence::read(bed.data()).expect("the ledger can be read");
    let broken = invariants::broken(Case {
        evidence: &evidence,
        history,
        workspace: &bed.workspace(),
    });
    assert!(
        broken.is_empty(),
        "{}\n{}",
        broken.join("\n"),
        bed.keep().display()
    );
}

/// Two handoffs, one by each door and with files of both sizes, that are sent back, delivered again
/// and approved. Goes as far as the daemon lives.
fn story(bed: &TestBed, history: &mut History) -> Result<(), NoReply> {
    let reviewer = bed.reviewer();
    let agent = bed.agent("ada");
    let large = vec![b'x'; 100_000];
    for outcome in [Outcome::ChangesRequested, Outcome::Approved] {
        let again = format!("{outcome:?}");
        let package = agent
            .package("in place")
            .with("summary", again.clone())
            .sealed_file("small.txt", again.as_bytes())
            .sealed_file("large.bin", [large.as_slice(), again.as_bytes()].concat());
        deliver(history, &agent, &package, |agent| {
            agent.write("task", &package, Care::Rename)
        });
        // More files than are synced one by one, and an entry that is kept as what is new in it.
        let mut package = agent
            .package(&format!("dropped {again}"))
            .sealed_file("a.txt", "a");
        for number in 0..40 {
            let bytes = [large.as_slice(), number.to_string().as_bytes()].concat();
            package = package.sealed_file(&format!("large/{number}.bin"), bytes);
        }
        for number in 0..500 {
            let bytes = format!("{number}");
            package = package.sealed_file(&format!("small/{number}.txt"), bytes);
        }
        deliver(history, &agent, &package, |agent| {
            agent.drop_package(&format!("p-{again}"), &package, Care::Rename)
        });
        let mut answered = 0;
        while answered < 2 {
            wait::within(wait::LIMIT, || {
                let turn = reviewer.turn();
                turn.map_or(Some(()), |turn| (!turn.is_empty()).then_some(()))
            });
            history.look();
            for shown in reviewer.turn()? {
                let words = format!("{again} {}", shown.id);
                // The one that is delivered in place is edited before it is approved.
                let is_edited = shown.id == HandoffId(1) && outcome == Outcome::Approved;
                let (outcome, edits) = if is_edited {
                    (Outcome::Edited, vec![edit()])
                } else {
                    (outcome, Vec::new())
                };
                let result = match reviewer.answer_with(shown, outcome, &words, &edits) {
                    Ok(reply) if reply.status == 201 => {
                        SentResult::Recorded(Box::new(reply.read()))
                    }
                    Ok(reply) => SentResult::Refused(reply.status),
                    Err(NoReply(_)) => SentResult::Unknown,
                };
                let gone = matches!(result, SentResult::Unknown);
                history.answers.push(Sent {
                    shown,
                    outcome,
                    words,
                    result,
                });
                if gone {
                    return Err(NoReply("it was stopped".to_owned()));
                }
                answered += 1;
            }
        }
        history.look();
    }
    Ok(())
}

fn edit() -> serde_json::Value {
    serde_json::json!({ "path": "small.txt", "text": "as the reviewer wants it\n" })
}

fn deliver(
    history: &mut History,
    agent: &Agent,
    package: &countersign_tests::agent::Package,
    write: impl FnOnce(&Agent) -> std::io::Result<countersign_tests::agent::Delivery>,
) {
    history.writes(package);
    let delivery = write(agent).expect("the workspace is writable");
    history.delivers(delivery, true);
}

/// Every revision and every decision in the ledger reached the receiver, each under one id.
fn everything_was_told(bed: &TestBed, hook: &Hook, case: &str) {
    wait::until(&format!("{case}: every message to arrive"), || {
        let activity = bed.http().fetch("/api/v1/activity?limit=500").json();
        let rows = activity
            .as_array()
            .or(activity["items"].as_array())
            .cloned()
            .unwrap_or_default();
        let count = |event: &str| rows.iter().filter(|row| row["event"] == event).count();
        let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for got in hook.got() {
            let event: serde_json::Value = serde_json::from_slice(&got.body).ok()?;
            let kind = event["type"].as_str()?.to_owned();
            told.entry(kind)
                .or_default()
                .insert(got.headers.get("webhook-id")?.clone());
        }
        let ids = |kind: &str| told.get(kind).map_or(0, BTreeSet::len);
        let accepted = count("handoff.accepted");
        assert!(ids("handoff.accepted.v1") <= accepted, "{case}: {told:?}");
        (ids("handoff.accepted.v1") == accepted
            && ids("handoff.decided.v1") == count("handoff.decided"))
        .then_some(())
    });
}

/// Tells the story to a daemon that dies at `step`, and checks what is left. False when it never
/// came to that step.
fn dies_at(step: &str, hit: u32) -> bool {
    let hook = Hook::kind();
    let mut bed = TestBed::prepare()
        .configured(&hook.section("ci", ""))
        .env(CRASH_AT, &format!("{step}:{hit}"));
    let life = Life::new(&bed.workspace(), 0, Manners::Careful);
    bed.start_daemon();
    if bed.comes_up().is_ok() {
        let reviewer = bed.reviewer();
        let told = story(&bed, &mut life.history()).is_ok();
        // What is written back may be what kills it, after the last answer.
        let survived = told
            && wait::until("the end of the story", || {
                life.history().look();
                let settled = life.history().unanswered().is_empty() && reviewer.all_delivered();
                let ended = bed.daemon().ended().is_some();
                (settled || ended).then_some(settled)
            });
        if survived {
            return false;
        }
    }
    assert!(
        bed.daemon().was_killed(),
        "{step}:{hit}\n{}",
        bed.daemon().log_tail()
    );
    bed.launch.env.retain(|(name, _)| name != CRASH_AT);
    bed.up();
    life.settles(&bed.reviewer())
        .unwrap_or_else(|why| panic!("{step}:{hit}: {why}"));
    everything_was_told(&bed, &hook, &format!("{step}:{hit}"));
    hook.stop();
    check(&mut bed, &life.history());
    true
}

#[test]
fn kill_at_every_named_step_loses_and_doubles_nothing() {
    // Those of the index are met in `search.rs`, where it is seen what is found afterwards, and those of the guard
    // in `boundaries/`: nobody attacks in this story, no workspace changes hands, and no rule watches a file (`watched.rs`).
    let elsewhere = |step: &str| {
        ["index.", "guard.", "ownership.", "changes."]
            .iter()
            .any(|rooms| step.starts_with(rooms))
    };
    let steps = fault::STEPS.iter().copied();
    let steps: Vec<&str> = steps.filter(|step| !elsewhere(step)).collect();
    let never_reached: Vec<&str> = thread::scope(|scope| {
        let halves: Vec<_> = steps
            .chunks(steps.len().div_ceil(2))
            .map(|steps| {
                scope.spawn(|| {
                    let missed = steps.iter().filter(|step| {
                        // The story may be too short for the later passes, never for the first.
                        let reached = dies_at(step, 1);
                        if reached && dies_at(step, 2) {
                            dies_at(step, 3);
                        }
                        !reached
                    });
                    missed.copied().collect::<Vec<_>>()
                })
            })
            .collect();
        halves
            .into_iter()
            .flat_map(|half| half.join().unwrap())
            .collect()
    });
    assert!(
        never_reached.is_empty(),
        "the story never meets {never_reached:?}"
    );
}

#[test]
fn random_kills_under_load_lose_and_double_nothing() {
    let seconds = std::env::var("COUNTERSIGN_KILL_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(8);
    let mut kills = 0;
    let mut seed = 7_000;
    let over = Deadline::after(Duration::from_secs(seconds));
    while !over.passed() {
        seed += 100;
        let mut bed = TestBed::prepare();
        let life = Life::new(&bed.workspace(), seed, Manners::Careful);
        let mut dice = life.dice();
        for _ in 0..20 {
            bed.up();
            life.settles(&bed.reviewer())
                .unwrap_or_else(|why| panic!("seed {seed}: {why}"));
            let goal = life.history().acknowledged() + dice.usize(1..20);
            let reviewer = bed.reviewer();
            life.goes_on(&reviewer, || {
                wait::within(Duration::from_millis(dice.u64(20..250)), || {
                    (life.history().acknowledged() >= goal).then_some(())
                });
                bed.down();
            });
            kills += 1;
        }
        bed.up();
        life.settles(&bed.reviewer())
            .unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        check(&mut bed, &life.history());
    }
    println!("killed {kills} times");
}

#[test]
fn kills_while_it_comes_back_change_nothing() {
    let mut bed = TestBed::start();
    let mut history = History::default();
    let mut crashed = bed.launch.clone();
    story(&bed, &mut history).map_err(|gone| gone.0).unwrap();
    let agent = bed.agent("ben");
    bed.down();
    let package = agent.package("while it was away").sealed_file("b.txt", "b");
    deliver(&mut history, &agent, &package, |agent| {
        agent.write("away", &package, Care::Rename)
    });
    for step in [
        "start.ledger_open",
        "start.before_scan",
        "ledger.before_commit",
        "ledger.after_commit",
        "publish.written",
    ] {
        crashed.env = vec![(CRASH_AT.to_owned(), format!("{step}:1"))];
        let mut daemon = crashed.start();
        assert!(daemon.was_killed(), "{step}\n{}", daemon.log_tail());
    }
    bed.up();
    let life = Life::new(&bed.workspace(), 0, Manners::Careful);
    *life.history() = history;
    life.settles(&bed.reviewer()).unwrap();
    check(&mut bed, &life.history());
}

/// The end of a run that lasts for a time rather than for a number of rounds.
struct Deadline(std::time::Instant);

impl Deadline {
    #[expect(
        clippy::disallowed_methods,
        reason = "the length of a run is a span of time"
    )]
    fn after(span: Duration) -> Self {
        Self(std::time::Instant::now() + span)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the length of a run is a span of time"
    )]
    fn passed(&self) -> bool {
        std::time::Instant::now() >= self.0
    }
}
