//! One handoff from the agent's write to the file it gets back.

use std::{
    process::{Command, Stdio},
    thread,
};

use countersign_protocol::{
    Digest, HandoffId,
    decision::{DecisionDocument, Outcome},
    receipt::{Receipt, ReceiptStatus},
};
use countersign_tests::{
    agent::Care,
    bed::{TestBed, WORKSPACE},
    evidence::Evidence,
    http::{Reply, base64},
    repo, wait,
};
use serde_json::json;

#[test]
fn a_file_goes_in_and_a_decision_comes_out() {
    let bed = TestBed::start();
    let agent = bed.agent("hermes");
    let package = agent
        .package("Draft the Q3 risk summary")
        .file("report.md", "# Risks\n");
    let delivery = agent.write("q3", &package, Care::Plain).unwrap();
    let receipt = delivery.receipt();
    assert_eq!(receipt.status, ReceiptStatus::Accepted);
    assert_eq!((receipt.revision, receipt.files), (1, 1));

    let row = bed.reviewer().row(receipt.handoff_id);
    assert_eq!(row["title"], "Draft the Q3 risk summary");
    assert_eq!(row["agent"], "hermes");
    assert_eq!(row["workspace"], WORKSPACE);
    assert_eq!(row["state"], "waiting");

    let decided = bed
        .reviewer()
        .decide(receipt.handoff_id, Outcome::Approved, "");
    let decision = delivery.decision(1);
    assert_eq!(decision, decided);
    assert_eq!(decision.manifest_sha256, receipt.manifest_sha256);
    assert_eq!(decision.artifacts[0].sha256, Digest::of(b"# Risks\n"));

    let folder = bed
        .workspace()
        .join(decision.released_to.expect("it was approved"));
    let released = wait::until("the released file", || {
        std::fs::read(folder.join("report.md")).ok()
    });
    assert_eq!(released, b"# Risks\n");
    let checked = Command::new("sha256sum")
        .args(["--check", "--strict", "SHA256SUMS"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
}

#[test]
fn a_shell_script_with_echo_mv_and_sleep_does_a_whole_round() {
    let bed = TestBed::start();
    let folder = bed.workspace().join("q3");
    #[expect(clippy::disallowed_methods, reason = "outside of the program")]
    std::fs::create_dir(&folder).unwrap();
    let script = Command::new(repo::root().join("tests/scripts/files-only.sh"))
        .current_dir(&folder)
        // Nothing but the three: the shell has the rest built in.
        .env("PATH", three_commands(&bed))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let reviewer = bed.reviewer();
    let card = |revision: u32| {
        wait::until(&format!("revision {revision}"), || {
            let turn = reviewer.turn().unwrap();
            turn.into_iter().find(|shown| shown.revision == revision)
        })
    };
    let first = card(1);
    reviewer.decide(first.id, Outcome::ChangesRequested, "Say what it costs");
    let second = card(2);
    assert_eq!(second.id, first.id, "the second draft is on the same card");
    reviewer.decide(second.id, Outcome::Approved, "");
    let output = script.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "asked for changes\napproved\n"
    );
}

/// A folder with links to the only commands that an agent needs.
fn three_commands(bed: &TestBed) -> std::path::PathBuf {
    let bin = bed.home.join("bin");
    #[expect(clippy::disallowed_methods, reason = "outside of the program")]
    std::fs::create_dir(&bin).expect("a folder");
    for name in ["echo", "mv", "sleep"] {
        let path = ["/bin", "/usr/bin"]
            .iter()
            .map(|folder| std::path::Path::new(folder).join(name))
            .find(|path| path.exists())
            .expect("the command is there");
        std::os::unix::fs::symlink(path, bin.join(name)).expect("a link");
    }
    bin
}

#[test]
fn a_thousand_deliveries_of_one_handoff_are_one_card() {
    let mut bed = TestBed::start();
    let agent = bed.agent("hermes");
    let package = agent
        .package("Draft the Q3 risk summary")
        .with("idempotency_key", "q3-risk-1")
        .file("report.md", "# Risks\n");
    let text = String::from_utf8(package.text()).unwrap();
    let http = bed.http();
    // Over HTTP a handoff belongs to a folder that is there.
    #[expect(clippy::disallowed_methods, reason = "outside of the program")]
    std::fs::create_dir(bed.workspace().join("q3")).unwrap();
    let over_http = json!({
        "folder": "q3", "document": text, "files": { "report.md": base64(b"# Risks\n") },
    });
    let receipts: Vec<Receipt> = thread::scope(|scope| {
        let threads: Vec<_> = (0..10)
            .map(|thread| {
                let (agent, package, http, over_http) = (&agent, &package, &http, &over_http);
                scope.spawn(move || {
                    let mut receipts = Vec::new();
                    for round in 0..50 {
                        let name = format!("p{thread}-{round}");
                        let dropped = if round % 2 == 0 {
                            agent.drop_package(&name, package, Care::Rename)
                        } else {
                            agent.write(&format!("in-place/{name}"), package, Care::Rename)
                        };
                        let path = format!("/api/v1/workspaces/{WORKSPACE}/handoffs");
                        let reply = http.push(&path, over_http);
                        assert!(matches!(reply.status, 200 | 201), "{}", reply.text());
                        receipts.push(reply.read::<Receipt>());
                        receipts.push(dropped.unwrap().receipt());
                    }
                    receipts
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(receipts.len(), 1_000);
    let accepted = receipts
        .iter()
        .filter(|receipt| receipt.status == ReceiptStatus::Accepted);
    assert_eq!(accepted.count(), 1, "one receipt says accepted");
    for receipt in &receipts {
        assert_eq!((receipt.handoff_id, receipt.revision), (HandoffId(1), 1));
    }
    assert_eq!(bed.reviewer().turn().unwrap().len(), 1);
    bed.down();
    assert_eq!(Evidence::read(bed.data()).unwrap().accepted().count(), 1);
}

#[test]
fn a_decision_about_bytes_that_moved_is_refused() {
    let bed = TestBed::start();
    let (agent, reviewer) = (bed.agent("hermes"), bed.reviewer());
    let first = agent.package("Draft").file("report.md", "one");
    let id = agent
        .write("q3", &first, Care::Rename)
        .unwrap()
        .receipt()
        .handoff_id;
    let shown = reviewer.look(id);
    let second = agent
        .package("Draft")
        .file("report.md", "two")
        .with("summary", "again");
    agent.write("q3", &second, Care::Rename).unwrap().receipt();

    let stale = reviewer
        .answer(shown, Outcome::Approved, "")
        .unwrap()
        .expect(409);
    assert_eq!(
        stale.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(stale.json()["revision"], 2, "{}", stale.text());
    let mut other_bytes = reviewer.look(id);
    other_bytes.manifest_sha256 = shown.manifest_sha256;
    assert_eq!(
        reviewer
            .answer(other_bytes, Outcome::Approved, "")
            .unwrap()
            .status,
        409
    );
    assert_eq!(reviewer.row(id)["state"], "waiting");
    reviewer.decide(id, Outcome::Approved, "");
    let again = reviewer
        .answer(reviewer.look(id), Outcome::Rejected, "no")
        .unwrap();
    assert_eq!(again.status, 409, "it is decided");
}

#[test]
fn of_many_answers_at_once_one_wins() {
    let mut bed = TestBed::start();
    let agent = bed.agent("hermes");
    let id = agent
        .write("q3", &agent.package("Draft"), Care::Rename)
        .unwrap()
        .receipt()
        .handoff_id;
    let reviewer = bed.reviewer();
    let shown = reviewer.look(id);
    let replies: Vec<Reply> = thread::scope(|scope| {
        let answers: Vec<_> = (0..32)
            .map(|number| {
                let outcome = [Outcome::Approved, Outcome::Rejected][number % 2];
                let reviewer = &reviewer;
                let words = format!("mine is {number}");
                scope.spawn(move || reviewer.answer(shown, outcome, &words).unwrap())
            })
            .collect();
        answers
            .into_iter()
            .map(|answer| answer.join().unwrap())
            .collect()
    });
    let (won, lost): (Vec<&Reply>, Vec<&Reply>) =
        replies.iter().partition(|reply| reply.status == 201);
    assert_eq!((won.len(), lost.len()), (1, 31));
    assert!(lost.iter().all(|reply| reply.status == 409), "{lost:?}");
    // The same answer once more, as a double click sends it, is the same answer.
    let decision: DecisionDocument = won[0].read();
    let words = decision.comment.clone().unwrap();
    let again = reviewer
        .answer(shown, decision.outcome, &words)
        .unwrap()
        .expect(201);
    assert_eq!(again.read::<DecisionDocument>(), decision);
    bed.down();
    assert_eq!(Evidence::read(bed.data()).unwrap().decided().count(), 1);
}

#[test]
fn an_agent_never_decides() {
    let bed = TestBed::start();
    let made = bed
        .http()
        .push(
            "/api/v1/tokens",
            &json!({ "agent": "hermes", "workspaces": [WORKSPACE] }),
        )
        .expect(201)
        .json();
    let secret = made["secret"]
        .as_str()
        .or(made["token"].as_str())
        .expect("a secret")
        .to_owned();
    let agent = bed.agent("hermes");
    let id = agent
        .write("q3", &agent.package("Draft"), Care::Rename)
        .unwrap()
        .receipt()
        .handoff_id;
    let shown = bed.reviewer().look(id);
    let as_agent = countersign_tests::reviewer::Reviewer {
        http: countersign_tests::http::Http::new(&bed.endpoint().url, Some(&secret)),
    };
    assert_eq!(
        as_agent
            .answer(shown, Outcome::Approved, "")
            .unwrap()
            .status,
        403
    );
    let as_nobody = countersign_tests::reviewer::Reviewer {
        http: bed.stranger(),
    };
    assert_eq!(
        as_nobody
            .answer(shown, Outcome::Approved, "")
            .unwrap()
            .status,
        401
    );
    assert_eq!(bed.reviewer().row(id)["state"], "waiting");
}

#[test]
fn everything_is_still_there_after_a_restart() {
    let mut bed = TestBed::start();
    let agent = bed.agent("hermes");
    let delivery = agent
        .write(
            "q3",
            &agent.package("Draft").file("report.md", "one"),
            Care::Rename,
        )
        .unwrap();
    let receipt = delivery.receipt();
    bed.reviewer()
        .decide(receipt.handoff_id, Outcome::ChangesRequested, "Shorter");
    delivery.decision(1);
    // The file comes first, its record a moment later.
    let before = wait::until("a record of the delivery", || {
        let row = bed.reviewer().row(receipt.handoff_id);
        (row["decided"]["delivered"] == true).then_some(row)
    });
    bed.restart();
    assert_eq!(bed.reviewer().row(receipt.handoff_id), before);
    assert_eq!(delivery.receipt_now(), Some(receipt));
    let (code, output, errors) = bed.run(&["audit", "verify"]);
    assert_eq!(code, 0, "{output}{errors}");
}

#[test]
fn what_was_written_while_the_daemon_was_away_is_found() {
    let mut bed = TestBed::prepare();
    let agent = bed.agent("hermes");
    let in_place = agent
        .write("a/b/c", &agent.package("Deep"), Care::Plain)
        .unwrap();
    let dropped = agent
        .drop_package("p1", &agent.package("Dropped"), Care::Rename)
        .unwrap();
    bed.up();
    assert_ne!(in_place.receipt().handoff_id, dropped.receipt().handoff_id);
}

#[test]
fn wait_tells_by_its_exit_code() {
    let bed = TestBed::start();
    let agent = bed.agent("hermes");
    for (outcome, words, code) in [
        (Outcome::Approved, "", 0),
        (Outcome::ChangesRequested, "Shorter", 10),
        (Outcome::Rejected, "No", 11),
    ] {
        let folder = format!("{outcome:?}");
        let receipt = agent
            .write(&folder, &agent.package(&folder), Care::Rename)
            .unwrap()
            .receipt();
        let id = receipt.handoff_id.to_string();
        assert_eq!(
            bed.run(&["wait", &id, "--timeout", "0"]).0,
            8,
            "still pending"
        );
        bed.reviewer().decide(receipt.handoff_id, outcome, words);
        let (found, output, errors) = bed.run(&["wait", &id]);
        assert_eq!(found, code, "{output}{errors}");
    }
}
