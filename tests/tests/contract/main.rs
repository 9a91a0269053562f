//! What the contract promises, kept by the running program.

#![expect(clippy::disallowed_methods, reason = "workspaces are set up here")]

mod readers;

use std::{
    collections::BTreeMap,
    fs,
    process::{Command, Stdio},
};

use countersign_protocol::{decision::Outcome, problem::ProblemKind};
use countersign_tests::{
    agent::{Agent, Care},
    bed::{TestBed, WORKSPACE},
    http::Http,
    wait,
};
use serde_json::{Value, json};

/// Everything the review page has to show.
fn review(bed: &TestBed, id: impl std::fmt::Display) -> Value {
    let path = format!("/api/v1/handoffs/{id}/review");
    bed.http().fetch(&path).expect(200).json()
}

fn dead_letters(bed: &TestBed) -> Vec<Value> {
    let list = bed.http().fetch("/api/v1/dead-letters").expect(200).json();
    let list = list.as_array().or_else(|| list["rows"].as_array()).cloned();
    list.unwrap_or_default()
}

#[test]
fn a_refused_file_is_listed_until_a_good_one_takes_its_place() {
    let bed = TestBed::start();
    let agent = bed.agent("hermes");
    let chat = b"Hi! I am done with the report, please have a look.";
    let refused = agent
        .write_as("q3", "handoff.json", chat, &BTreeMap::new(), Care::Rename)
        .unwrap();
    assert_eq!(refused.errors().code, ProblemKind::MalformedJson);
    let listed = dead_letters(&bed);
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0]["file"], "q3/handoff.json");
    assert_eq!(listed[0]["text"].as_str().unwrap().as_bytes(), chat);

    agent
        .write("q3", &agent.package("Report"), Care::Rename)
        .unwrap()
        .receipt();
    wait::until("an empty list", || {
        dead_letters(&bed).is_empty().then_some(())
    });
    wait::until("no errors file", || {
        refused.errors_now().is_none().then_some(())
    });
}

#[test]
fn session_context_and_unknown_fields_come_through_word_for_word() {
    let bed = TestBed::start();
    let agent = bed.agent("hermes");
    let package = agent
        .package("Continue the migration")
        .with("session_id", "s-7f3a")
        .with(
            "context",
            json!({ "node_version": "22.11.0", "nested": { "a": [1, 2.5, null] } }),
        )
        .with(
            "memory",
            json!([{ "key": "style", "value": "prefers tables", "version": 3 }]),
        )
        .with(
            "trace",
            json!({ "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" }),
        )
        .with("completed", vec!["schema", "dry run"])
        .with("remaining", vec!["backfill"])
        .with("x-own", json!({ "kept": true }));
    let receipt = agent.write("m", &package, Care::Rename).unwrap().receipt();
    let review = review(&bed, receipt.handoff_id);
    let kept: Value = serde_json::from_str(review["document"].as_str().unwrap()).unwrap();
    assert_eq!(kept, package.document);
    assert_eq!(review["completed"], json!(["schema", "dry run"]));
    assert_eq!(review["remaining"], json!(["backfill"]));
    assert!(
        review["facts"].to_string().contains("s-7f3a"),
        "{}",
        review["facts"]
    );
}

#[test]
fn the_envelope_of_a_request_is_measured_acted_on_and_held_against_the_answer() {
    let bed = TestBed::start();
    let agent = bed.agent("hermes");
    let package = agent
        .package("Rate the risk")
        .with("provider_id", "local-1")
        .with("adapter_version", "2.0.1")
        .with("latency_budget_ms", 1)
        .with("timeout_ms", 50)
        .with("expected_output_format", "application/json")
        .with("questions", vec!["How high is the risk?"]);
    let delivery = agent.write("m", &package, Care::Rename).unwrap();
    let id = delivery.receipt().handoff_id;
    let said = |words: &str| review(&bed, id)["checks"].to_string().contains(words);
    wait::until("the card to say that the time is over", || {
        said("the agent no longer counts on one").then_some(())
    });
    assert!(said("the agent hopes for an answer within 1 ms"));
    assert_eq!(
        bed.reviewer().row(id)["state"],
        "waiting",
        "nothing decided"
    );

    let reviewer = bed.reviewer();
    let shown = reviewer.look(id);
    let prose = reviewer.answer(shown, Outcome::Responded, "rather high");
    let refused = prose.unwrap();
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert!(refused.text().contains("application/json"));
    reviewer.decide(id, Outcome::Responded, "{\"risk\": 0.7}");
    let envelope = delivery.decision(1).envelope.expect("an envelope");
    assert_eq!(envelope.provider_id.as_deref(), Some("local-1"));
    assert_eq!(envelope.adapter_version.as_deref(), Some("2.0.1"));
    assert_eq!(envelope.within_budget, Some(false));
    assert!(envelope.latency_ms > 50 && envelope.timed_out);
    assert_eq!(
        envelope.expected_output_format.as_deref(),
        Some("application/json")
    );
    let facts = review(&bed, id)["facts"].to_string();
    assert!(facts.contains("local-1"), "{facts}");
}

#[test]
fn the_fields_about_providers_are_known() {
    let bed = TestBed::start();
    let agent = bed.agent("hermes");
    let package = agent
        .package("Answer the customer")
        .with("capabilities_required", vec!["tool_use", "streaming"])
        .with(
            "privacy",
            json!({ "modes": ["no_training"], "regions": ["eu"] }),
        )
        .with("latency_budget_ms", 1_500)
        .with("timeout_seconds", 30)
        .with(
            "provenance",
            json!({ "model": { "provider": "local-1", "adapter": "chat", "adapter_version": "2.0.1" } }),
        )
        .with("expected_output", json!({ "media_type": "text/markdown" }));
    let receipt = agent.write("p", &package, Care::Rename).unwrap().receipt();
    let warned: Vec<(&str, &str)> = receipt
        .warnings
        .iter()
        .map(|warning| (warning.code.as_str(), warning.pointer.as_str()))
        .collect();
    // Every name is known, and those without an effect here are named.
    assert_eq!(
        warned,
        [
            ("no_effect", "/privacy"),
            ("no_effect", "/capabilities_required")
        ]
    );
}

#[test]
fn the_baseline_yaml_goes_in_as_it_was_published() {
    let bed = TestBed::start();
    let yaml = r#"handoff_version: "1.0"
task_id: "build-spfx-webpart-42"
from_agent: "hermes-main"
to_agent: "hermes-worker-3"
status: "in_progress"
completed:
  - "Scaffolded web part structure"
remaining:
  - "Write component logic"
context:
  node_version: "22.11.0"
pitfalls_hit:
  - "SCSS alias: @fluentui needs explicit path in config/sass.json"
decisions:
  - "Used React hooks instead of class components"
"#;
    let agent = bed.agent("hermes-main");
    let delivery = agent
        .write_as(
            "build",
            "handoff.yaml",
            yaml.as_bytes(),
            &BTreeMap::new(),
            Care::Rename,
        )
        .unwrap();
    let receipt = delivery.receipt();
    let review = review(&bed, receipt.handoff_id);
    assert_eq!(review["row"]["trigger"], "session_end");
    assert_eq!(review["remaining"], json!(["Write component logic"]));
    assert!(
        review["pitfalls"][0]
            .as_str()
            .unwrap()
            .starts_with("SCSS alias")
    );
    assert_eq!(review["choices"].as_array().unwrap().len(), 1);
}

#[test]
fn an_agent_that_dies_becomes_a_card_that_says_where_it_stopped() {
    let bed = TestBed::start();
    let mut agent = Command::new("sleep")
        .arg("600")
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let folder = bed.workspace().join("migration");
    for step in 1..=2 {
        let checkpoint = json!({
            "checkpoint_version": "1.0", "task_id": "migration-7", "from_agent": "hermes",
            "step": step, "steps": 4, "title": format!("Step {step} of 4"), "pid": agent.id(),
            "completed": vec!["schema"; step], "remaining": ["backfill"],
        });
        let text = checkpoint.to_string();
        countersign_tests::agent::put(
            &folder.join("checkpoint.json"),
            text.as_bytes(),
            Care::Rename,
        )
        .unwrap();
        wait::until("the checkpoint to be kept", || {
            let activity = bed.http().fetch("/api/v1/activity?limit=50").text();
            (activity.matches("checkpoint.saved").count() == step).then_some(())
        });
    }
    assert_eq!(bed.reviewer().turn().unwrap(), [], "it is at work");
    agent.kill().unwrap();
    agent.wait().unwrap();
    let card = wait::until("a card for the agent", || {
        bed.reviewer().turn().unwrap().first().copied()
    });
    let shown = review(&bed, card.id);
    assert_eq!(shown["row"]["stalled"], true);
    assert_eq!(shown["row"]["agent"], "hermes");
    assert_eq!(shown["remaining"], json!(["backfill"]));
    assert!(
        shown["timeline"].to_string().contains("Step 2 of 4"),
        "{}",
        shown["timeline"]
    );

    // Whoever goes on reads where from.
    let words = "Go on from there";
    let decision = bed
        .reviewer()
        .decide(card.id, Outcome::ChangesRequested, words);
    assert_eq!(decision.resume.from_checkpoint, Some(2));
    let other = bed.agent("hermes-2");
    let package = other.package("Migrate").with("task_id", "migration-7");
    let finished = other.write("migration", &package, Care::Rename).unwrap();
    let id = finished.receipt().handoff_id;
    bed.reviewer().decide(id, Outcome::Approved, "");
    assert_eq!(finished.decision(1).outcome, Outcome::Approved);
}

#[test]
fn everything_that_happened_can_be_read_at_once() {
    let bed = TestBed::start();
    let agent = bed.agent("hermes");
    let delivery = agent
        .write(
            "q3",
            &agent.package("Report").file("report.md", "one"),
            Care::Rename,
        )
        .unwrap();
    let id = delivery.receipt().handoff_id;
    let path = format!("/api/v1/handoffs/{id}/comments");
    bed.http()
        .push(&path, &json!({ "text": "Who checks the figures?" }))
        .expect(201)
        .text();
    bed.reviewer()
        .decide(id, Outcome::ChangesRequested, "Name the quarter");
    delivery.decision(1);
    let again = agent
        .package("Report")
        .with("summary", "named")
        .file("report.md", "two");
    let delivery = agent.write("q3", &again, Care::Rename).unwrap();
    delivery.receipt();
    bed.reviewer().decide(id, Outcome::Approved, "Good");
    delivery.decision(2);

    let shown = review(&bed, id);
    for words in ["Name the quarter", "Good", "Revision 1", "Revision 2"] {
        assert!(
            shown["timeline"].to_string().contains(words),
            "{words}: {}",
            shown["timeline"]
        );
    }
    assert_eq!(
        shown["threads"][0]["comments"][0]["text"],
        "Who checks the figures?"
    );
    let diff = bed
        .http()
        .fetch(&format!("/api/v1/handoffs/{id}/diff?from=1&to=2"))
        .expect(200)
        .text();
    assert!(diff.contains("-one") && diff.contains("+two"), "{diff}");
    let first = bed.http().fetch(&format!(
        "/api/v1/handoffs/{id}/revisions/1/files/report.md"
    ));
    assert_eq!(first.expect(200).body, b"one");
}

#[test]
fn each_task_has_a_workspace_of_its_own() {
    let bed = TestBed::start();
    // One that is made while the daemon runs is served too.
    let second = bed.launch.roots[0].join("second");
    fs::create_dir(&second).unwrap();
    let (here, there) = (bed.agent("hermes"), Agent::new("iris", &second));
    let ours = here
        .write("q3", &here.package("Ours"), Care::Rename)
        .unwrap()
        .receipt();
    let theirs = there
        .write("q3", &there.package("Theirs"), Care::Rename)
        .unwrap()
        .receipt();
    assert_eq!(bed.reviewer().row(theirs.handoff_id)["workspace"], "second");

    let token = json!({ "agent": "hermes", "workspaces": [WORKSPACE] });
    let made = bed.http().push("/api/v1/tokens", &token).expect(201).json();
    let agent = Http::new(&bed.endpoint().url, made["secret"].as_str());
    let look = |id| agent.fetch(&format!("/api/v1/handoffs/{id}")).status;
    assert_eq!((look(ours.handoff_id), look(theirs.handoff_id)), (200, 404));
}

#[test]
fn a_workspace_may_ask_for_scope_and_all_the_contract_has() {
    let bed = TestBed::prepare();
    fs::write(
        bed.workspace().join("workspace.toml"),
        "profile = \"contract\"\n",
    )
    .unwrap();
    let mut bed = bed;
    bed.up();
    let agent = bed.agent("hermes");
    let errors = agent
        .write("q3", &agent.package("Report"), Care::Rename)
        .unwrap()
        .errors();
    assert_eq!(errors.code, ProblemKind::ProfileRequired);
    let full = agent
        .package("Report")
        .with("summary", "Done")
        .with("confidence", 0.9)
        .with("reason", "Finished")
        .with("expected_output", "A released report")
        .with(
            "scope",
            json!({ "represents": "The figures of Q3", "excludes": ["forecast"] }),
        )
        .with("provenance", json!({ "sources": ["ledger"] }))
        .with(
            "fallback",
            "escalate_to_oncall_if_not_progressed_within_300s",
        )
        .with("timeout_seconds", 300);
    let receipt = agent.write("q3", &full, Care::Rename).unwrap().receipt();
    assert_eq!(receipt.profile, "contract");
    let facts = &review(&bed, receipt.handoff_id)["facts"];
    let fact = |name: &str, value: &str| {
        let facts = facts.as_array().unwrap();
        facts.contains(&json!([name, value]))
    };
    assert!(fact("Represents", "The figures of Q3"), "{facts}");
    assert!(fact("Excludes", "forecast"), "{facts}");
}

#[test]
fn schema_and_validator_are_served_and_printed() {
    let bed = TestBed::start();
    let served = bed
        .http()
        .fetch("/api/v1/schema/handoff")
        .expect(200)
        .json();
    let (code, printed, _) = bed.run(&["schema", "handoff"]);
    assert_eq!(code, 0);
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), served);
    let agent = bed.agent("hermes");
    let good = agent.package("Report").text();
    let check = |body: &[u8]| {
        bed.http()
            .send("POST", "/api/v1/validate", &[], body)
            .unwrap()
    };
    assert_eq!(check(&good).expect(200).json()["valid"], true);
    let bad = check(br#"{"handoff_version":"1.0","from_agent":"hermes","task":7}"#).expect(422);
    assert_eq!(bad.json()["errors"][0]["pointer"], "/task");
    assert_eq!(
        bed.reviewer().turn().unwrap(),
        [],
        "checking hands nothing over"
    );
}
