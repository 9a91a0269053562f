//! Work that goes from agent to agent, with nothing but files, over HTTP, and from the command line.

#![expect(
    clippy::disallowed_methods,
    reason = "agents write into the shared folder"
)]

mod examples;
mod killed;
mod people_first;
mod refusals;
mod shapes;
mod stakes;

use std::fs;

use countersign_tests::{
    agent::Delivery,
    bed::TestBed,
    http::Http,
    mesh::{Member, acknowledged, result},
    wait,
};
use serde_json::{Value, json};

/// Three agents: `a` begins and hands to the others, `b` hands to `c` and back.
const MESH: &str = r#"
[transfer]
acknowledge_within = "1h"

[[participant]]
id = "a"
start = true
hands_to = ["b", "c"]

[[participant]]
id = "b"
in_scope = "What comes second."
hands_to = ["a", "c"]
tools = ["pdf.extract"]

[[participant]]
id = "c"
max_bytes = "4kB"
needs = "10m"
clearance = "internal"
"#;

struct Mesh {
    bed: TestBed,
    a: Member,
    b: Member,
    c: Member,
}

impl Mesh {
    fn with(settings: &str) -> Self {
        let mut bed = TestBed::prepare();
        let workspace = bed.workspace();
        fs::write(workspace.join("workspace.toml"), settings).expect("the scene can be set");
        bed.up();
        let member = |name: &str| Member::new(name, &workspace);
        let (a, b, c) = (member("a"), member("b"), member("c"));
        Self { bed, a, b, c }
    }

    fn start() -> Self {
        Self::with(MESH)
    }

    fn state(&self, id: &str) -> String {
        let row = self
            .bed
            .http()
            .fetch(&format!("/api/v1/handoffs/{id}"))
            .json();
        row["state"].as_str().unwrap_or_default().to_owned()
    }

    fn becomes(&self, id: &str, state: &str) {
        let mut last = String::new();
        let seen = wait::within(wait::LIMIT, || {
            last = self.state(id);
            (last == state).then_some(())
        });
        assert!(seen.is_some(), "{id} is {last}, not {state}");
    }

    fn path(&self, id: &str) -> Value {
        self.bed
            .http()
            .fetch(&format!("/api/v1/handoffs/{id}/path"))
            .json()
    }
}

/// The refusal of a delivery: its code.
fn refused(delivery: &Delivery) -> String {
    let errors = delivery.errors();
    serde_json::to_value(errors.code)
        .expect("the scene can be set")
        .as_str()
        .expect("the scene can be set")
        .to_owned()
}

#[test]
fn a_task_goes_to_an_agent_by_file_and_its_result_comes_back() {
    let mesh = Mesh::start();
    let handed = mesh.a.hand(
        "work",
        &mesh
            .a
            .package("t-1", "b")
            .with("summary", "Sixty percent abroad.")
            .with(
                "expected_output",
                json!({"schema": {
                "type": "object", "required": ["score"],
                "properties": {"score": {"type": "number", "maximum": 10}}}}),
            )
            .file("filing.txt", "Revenue by market"),
    );
    let receipt = handed.receipt();
    assert_eq!(receipt.handoff_id.to_string(), "H-1");
    let transfer = mesh.b.takes("H-1.1");
    assert_eq!(transfer["from_agent"], "a");
    assert_eq!(transfer["gates"].as_array().unwrap().len(), 6);
    let sealed = mesh.b.folder().join("H-1.1/sealed");
    assert_eq!(
        fs::read_to_string(sealed.join("filing.txt")).unwrap(),
        "Revenue by market"
    );
    let document: Value =
        serde_json::from_slice(&fs::read(sealed.join("handoff.json")).unwrap()).unwrap();
    assert_eq!(document["summary"], "Sixty percent abroad.");
    acknowledged(&handed, "delivered");
    assert_eq!(mesh.state("H-1"), "with_agent");

    mesh.b.answers("H-1.1", &json!({"answer": "accept"}));
    mesh.b.was_heard("H-1.1", "accept");
    acknowledged(&handed, "accepted");
    mesh.b.answers(
        "H-1.1",
        &json!({"answer": "progress", "percent": 40, "note": "two of five"}),
    );
    let ack = acknowledged(&handed, "progress");
    assert_eq!(
        (&ack["percent"], &ack["note"]),
        (&json!(40), &json!("two of five"))
    );

    mesh.b.answers(
        "H-1.1",
        &json!({"answer": "complete", "result": {"score": 11}}),
    );
    let errors = mesh.b.was_refused("H-1.1");
    assert_eq!(errors["code"], "no-return");
    assert_eq!(errors["errors"][0]["pointer"], "/result/score");
    fs::write(mesh.b.folder().join("assessment.md"), "Brazil: high").unwrap();
    mesh.b.answers(
        "H-1.1",
        &json!({"answer": "complete", "result": {"score": 7}, "confidence": 0.9,
            "artifacts": ["assessment.md"]}),
    );
    let back = result(&handed);
    assert_eq!(back["result"], json!({"score": 7}));
    assert_eq!(back["confidence"], 0.9);
    let folder = mesh.bed.workspace().join(back["folder"].as_str().unwrap());
    assert_eq!(
        fs::read_to_string(folder.join("assessment.md")).unwrap(),
        "Brazil: high"
    );
    acknowledged(&handed, "completed");
    mesh.becomes("H-1", "completed");
    let path = mesh.path("H-1");
    assert_eq!(path["hops"][0]["state"], "completed");
    assert_eq!(path["holder"], Value::Null);
}

#[test]
fn a_ping_pong_stops_before_it_runs_and_becomes_a_card_for_a_person() {
    let mesh = Mesh::start();
    let back = json!({"allowed": true});
    let work = json!({"market": "Brazil"});
    let first = mesh.a.package("t-1", "b").with("context", work.clone());
    let first = mesh
        .a
        .hand("work", &first.with("return_contract", back.clone()));
    first.receipt();
    mesh.b.takes("H-1.1");
    mesh.b.answers("H-1.1", &json!({"answer": "accept"}));
    acknowledged(&first, "accepted");
    // New words and no new work.
    let again = mesh
        .b
        .package("t-1", "a")
        .with("context", work)
        .with("reason", "not mine");
    let again = mesh.b.hand("work", &again);
    again.receipt();
    let ack = acknowledged(&again, "stopped");
    assert_eq!(ack["reason"], "no_progress");
    mesh.becomes("H-1", "waiting");
    assert!(mesh.a.packages().is_empty());
    let row = mesh.bed.http().fetch("/api/v1/handoffs/H-1").json();
    assert!(row["why"].as_str().unwrap().contains("circle"), "{row}");
    // With new work it passes.
    let new = mesh
        .b
        .package("t-1", "a")
        .with("context", json!({"market": "Brazil", "risk": 7}));
    let new = mesh.b.hand("more", &new);
    new.receipt();
    mesh.a.takes("H-1.2");
    acknowledged(&new, "delivered");
    assert_eq!(mesh.path("H-1")["hops"].as_array().unwrap().len(), 2);
}

#[test]
fn a_task_comes_back_only_with_a_return_contract() {
    let mesh = Mesh::start();
    let first = mesh.a.hand("work", &mesh.a.package("t-1", "b"));
    first.receipt();
    mesh.b.takes("H-1.1");
    // Before it took the task, it does not hold it.
    let early = mesh
        .b
        .package("t-1", "c")
        .with("completed", json!(["read"]));
    assert_eq!(refused(&mesh.b.hand("early", &early)), "held-elsewhere");
    mesh.b.answers("H-1.1", &json!({"answer": "accept"}));
    acknowledged(&first, "accepted");
    let back = mesh
        .b
        .package("t-1", "a")
        .with("completed", json!(["half"]));
    assert_eq!(refused(&mesh.b.hand("back", &back)), "circular-route");
    mesh.b
        .answers("H-1.1", &json!({"answer": "complete", "result": {"x": 1}}));
    assert_eq!(mesh.b.was_refused("H-1.1")["code"], "no-return");
    mesh.b.answers("H-1.1", &json!({"answer": "complete"}));
    acknowledged(&first, "completed");
    assert!(first.look::<Value>("handoff.result.json").is_none());
    // The same work again is known.
    let again = mesh.a.package("t-1", "b").with("reason", "once more");
    assert_eq!(refused(&mesh.a.hand("again", &again)), "already-done");
}

#[test]
fn what_is_handed_on_comes_to_an_end_for_everybody() {
    let mesh = Mesh::start();
    let expected = json!({"schema": {"type": "object", "required": ["score"]}});
    let first = mesh.a.package("t-1", "b").with("expected_output", expected);
    let first = mesh.a.hand("work", &first);
    first.receipt();
    mesh.b.takes("H-1.1");
    mesh.b.answers("H-1.1", &json!({"answer": "accept"}));
    acknowledged(&first, "accepted");
    let second = mesh
        .b
        .package("t-1", "c")
        .with("completed", json!(["read"]));
    let second = mesh.b.hand("work", &second);
    assert_eq!(second.receipt().revision, 2);
    mesh.c.takes("H-1.2");
    acknowledged(&first, "handed_on");
    mesh.c
        .answers("H-1.2", &json!({"answer": "complete", "result": {}}));
    assert_eq!(mesh.c.was_refused("H-1.2")["code"], "no-return");
    mesh.c.answers(
        "H-1.2",
        &json!({"answer": "complete", "result": {"score": 3}}),
    );
    assert_eq!(result(&first)["result"], json!({"score": 3}));
    acknowledged(&first, "completed");
    acknowledged(&second, "completed");
    assert!(second.look::<Value>("handoff.result.json").is_none());
    mesh.becomes("H-1", "completed");
}

/// How an answer comes in.
#[derive(Clone, Copy, Debug)]
enum Way {
    File,
    Http,
    Cli,
}

/// What the sender is told after an answer, by name and reason.
struct Row {
    file: Value,
    cli: &'static [&'static str],
    status: &'static str,
    reason: Option<&'static str>,
    state: &'static str,
}

fn rows() -> Vec<Row> {
    let row = |file, cli, status, reason, state| Row {
        file,
        cli,
        status,
        reason,
        state,
    };
    let declined = |reason: &'static str, cli| {
        row(
            json!({"answer": "decline", "reason": reason, "note": "so"}),
            cli,
            "declined",
            Some(reason),
            "returned",
        )
    };
    vec![
        row(
            json!({"answer": "accept"}),
            &["accept"],
            "accepted",
            None,
            "with_agent",
        ),
        row(
            json!({"answer": "progress", "percent": 40}),
            &["progress", "--percent", "40"],
            "progress",
            None,
            "with_agent",
        ),
        row(
            json!({"answer": "complete"}),
            &["complete"],
            "completed",
            None,
            "completed",
        ),
        row(
            json!({"answer": "already_done", "original": "H-9"}),
            &["complete", "--already-done", "--original", "H-9"],
            "already_done",
            None,
            "completed",
        ),
        row(
            json!({"answer": "duplicate", "original": "H-9"}),
            &["decline", "--duplicate-of", "H-9"],
            "duplicate",
            None,
            "returned",
        ),
        row(
            json!({"answer": "queue", "retry_after_seconds": 600}),
            &["queue", "--after", "10m"],
            "queued",
            None,
            "with_agent",
        ),
        declined("missing_tools", &["decline", "--reason", "missing_tools"]),
        declined(
            "context_overflow",
            &["decline", "--reason", "context_overflow"],
        ),
        declined("out_of_scope", &["decline", "--reason", "out_of_scope"]),
        declined("bad_signature", &["decline", "--reason", "bad_signature"]),
        declined(
            "incomplete_context",
            &["decline", "--reason", "incomplete_context"],
        ),
        declined(
            "conflicting_task",
            &["decline", "--reason", "conflicting_task"],
        ),
        declined(
            "deadline_too_short",
            &["decline", "--reason", "deadline_too_short"],
        ),
        row(
            json!({"answer": "fail", "reason": "other"}),
            &["fail", "--reason", "other"],
            "stopped",
            Some("failed"),
            "waiting",
        ),
    ]
}

fn told_alike(way: Way) {
    let mesh = Mesh::start();
    let token = |agent: &str| {
        let body = json!({"agent": agent, "workspaces": ["work"]});
        let made = mesh.bed.http().push("/api/v1/tokens", &body).json();
        made["secret"]
            .as_str()
            .expect("the scene can be set")
            .to_owned()
    };
    let own = Http::new(&mesh.bed.endpoint().url, Some(&token("b")));
    let other = Http::new(&mesh.bed.endpoint().url, Some(&token("c")));
    for (number, row) in rows().into_iter().enumerate() {
        let id = number + 1;
        let name = format!("H-{id}.1");
        let handed = mesh.a.hand(
            &format!("work{id}"),
            &mesh.a.package(&format!("t-{id}"), "b"),
        );
        handed.receipt();
        mesh.b.takes(&name);
        let url = format!("/api/v1/handoffs/H-{id}/hops/1/answer");
        match way {
            Way::File => mesh.b.answers(&name, &row.file),
            Way::Http => {
                let mut answer = row.file.clone();
                answer["answer_version"] = json!("1.0");
                let body = json!({ "answer": answer });
                let refused = other.push(&url, &body);
                assert_eq!(refused.status, 422, "{refused:?}");
                let first = own.push(&url, &body);
                assert_eq!(first.json()["status"], "accepted", "{first:?}");
                // Said again, it is known.
                assert_eq!(own.push(&url, &body).json()["status"], "duplicate");
            }
            Way::Cli => {
                let mut args = row.cli.to_vec();
                args.insert(1, &name);
                let (code, out, err) = mesh.bed.run(&args);
                assert_eq!(code, 0, "{args:?}: {out}{err}");
                let (code, _, _) = mesh.bed.run(&args);
                assert_eq!(code, 0, "{args:?} again");
            }
        }
        let ack = acknowledged(&handed, row.status);
        if let Some(reason) = row.reason {
            assert_eq!(ack["reason"], reason, "{name} by {way:?}");
        }
        if let Some(original) = row.file.get("original") {
            assert_eq!(&ack["original"], original);
        }
        mesh.becomes(&format!("H-{id}"), row.state);
    }
}

#[test]
fn every_answer_by_file_has_its_word_for_the_sender() {
    told_alike(Way::File);
}

#[test]
fn every_answer_over_http_has_its_word_for_the_sender() {
    told_alike(Way::Http);
}

#[test]
fn every_answer_from_the_command_line_has_its_word_for_the_sender() {
    told_alike(Way::Cli);
}

#[test]
fn a_retry_of_the_sender_is_a_duplicate_with_the_original_number() {
    let mesh = Mesh::start();
    let package = mesh.a.package("t-1", "b");
    mesh.a.hand("one", &package).receipt();
    mesh.b.takes("H-1.1");
    let again = mesh.a.hand("two", &package).receipt();
    assert_eq!(serde_json::to_value(again.status).unwrap(), "duplicate");
    assert_eq!(again.handoff_id.to_string(), "H-1");
    assert_eq!(mesh.b.packages(), ["H-1.1"]);
}

#[test]
fn work_is_waited_for_and_given_to_its_receiver_only() {
    let mesh = Mesh::start();
    let (code, _, _) = mesh.bed.run(&["next", "--agent", "b"]);
    assert_eq!(code, 8);
    mesh.a.hand("work", &mesh.a.package("t-1", "b")).receipt();
    let (code, out, err) = mesh.bed.run(&["next", "--agent", "b", "--wait", "30s"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("H-1.1") && out.contains("agents/b/H-1.1"),
        "{out}"
    );
    let (code, _, _) = mesh.bed.run(&["next", "--agent", "c"]);
    assert_eq!(code, 8);
    let body = json!({"agent": "c", "workspaces": ["work"]});
    let made = mesh.bed.http().push("/api/v1/tokens", &body).json();
    let other = Http::new(&mesh.bed.endpoint().url, made["secret"].as_str());
    assert_eq!(other.fetch("/api/v1/agents/b/next").status, 403);
    assert_eq!(
        other.fetch("/api/v1/agents/c/next").json()["work"],
        Value::Null
    );
}

#[test]
fn routes_are_listed_with_what_is_under_way() {
    let mesh = Mesh::start();
    mesh.a.hand("work", &mesh.a.package("t-1", "b")).receipt();
    mesh.b.takes("H-1.1");
    let (code, out, _) = mesh.bed.run(&["routes"]);
    assert_eq!(code, 0);
    assert_eq!(out.lines().count(), 4, "{out}");
    assert!(out.contains("a\tb\t1\t0\t0\tWhat comes second."), "{out}");
    let (code, out, _) = mesh.bed.run(&["path", "H-1", "--json"]);
    assert_eq!(code, 0);
    let path: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(path["hops"][0]["to"], "b");
}

#[test]
fn silence_follows_the_fallback_and_then_a_person() {
    let settings = MESH.replace("\"1h\"", "\"1s\"");
    let mesh = Mesh::with(&settings);
    let to_c = json!({"action": "reroute", "to": "c", "after_seconds": 1});
    let first = mesh
        .a
        .hand("one", &mesh.a.package("t-1", "b").with("fallback", to_c));
    first.receipt();
    mesh.c.takes("H-1.2");
    assert_eq!(mesh.path("H-1")["hops"][0]["state"], "timed_out");
    // Nobody else is named: a person.
    let second = mesh.a.hand("two", &mesh.a.package("t-2", "b"));
    second.receipt();
    let ack = acknowledged(&second, "stopped");
    assert_eq!(ack["reason"], "timed_out");
    mesh.becomes("H-2", "waiting");
    // Too late.
    mesh.b.takes("H-2.1");
    mesh.b.answers("H-2.1", &json!({"answer": "accept"}));
    assert_eq!(mesh.b.was_refused("H-2.1")["code"], "not-open");
}

#[test]
fn a_person_approves_each_hop_where_the_workspace_says_so() {
    let settings = MESH.replace("[transfer]", "[transfer]\nmode = \"reviewed\"");
    let mesh = Mesh::with(&settings);
    let handed = mesh.a.hand("work", &mesh.a.package("t-1", "b"));
    handed.receipt();
    assert_eq!(acknowledged(&handed, "stopped")["reason"], "reviewed");
    assert!(mesh.b.packages().is_empty());
    let (code, _, err) = mesh.bed.run(&["approve", "H-1"]);
    assert_eq!(code, 0, "{err}");
    mesh.b.takes("H-1.1");
    mesh.b.answers("H-1.1", &json!({"answer": "complete"}));
    mesh.becomes("H-1", "completed");
}

#[test]
fn others_hear_what_they_may_see() {
    let settings = MESH.replace("[transfer]", "[transfer]\nshare_context = true")
        + "\n[[participant]]\nid = \"d\"\nhears = false\n";
    let mesh = Mesh::with(&settings);
    let secret = mesh
        .a
        .package("t-1", "b")
        .with("classification", "confidential")
        .with("summary", "the margin");
    mesh.a.hand("one", &secret).receipt();
    let open = mesh.a.package("t-2", "b").with("summary", "the weather");
    mesh.a.hand("two", &open).receipt();
    let heard = |member: &Member| -> Vec<Value> {
        let folder = member.folder().join("context");
        let mut names: Vec<_> = fs::read_dir(folder)
            .map(|all| all.filter_map(|one| Some(one.ok()?.path())).collect())
            .unwrap_or_default();
        names.retain(|path| path.extension().is_some_and(|end| end == "json"));
        names.sort();
        let read = |path| serde_json::from_slice(&fs::read(path).ok()?).ok();
        names.into_iter().filter_map(read).collect()
    };
    let two = |member: &Member| {
        wait::until("two turns", || {
            Some(heard(member)).filter(|turns| turns.len() == 2)
        })
    };
    let by_b = two(&mesh.b);
    assert_eq!(by_b[0]["said"]["summary"], "the margin");
    let by_c = two(&mesh.c);
    assert_eq!(
        (&by_c[0]["withheld"], &by_c[0]["said"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(by_c[1]["said"]["summary"], "the weather");
    let d = Member::new("d", &mesh.bed.workspace());
    assert!(heard(&d).is_empty() && heard(&mesh.a).is_empty());
}

#[test]
fn a_rule_hands_to_an_agent_when_its_condition_holds() {
    let rules = "[[person]]\nid = \"maya\"\n[[agent]]\nid = \"b\"\n[[route]]\nname = \"abroad\"\n\
        when = \"has(handoff.context.abroad) && handoff.context.abroad > 30.0\"\nto = [\"agent:b\", \"person:maya\"]\n";
    let mut bed = TestBed::prepare().configured(rules);
    let workspace = bed.workspace();
    fs::write(workspace.join("workspace.toml"), MESH).unwrap();
    bed.up();
    let a = Member::new("a", &workspace);
    let b = Member::new("b", &workspace);
    let package = |id: &str, abroad: u64| {
        let package = a.agent.package(id).with("task_id", id);
        package.with("context", json!({ "abroad": abroad }))
    };
    a.hand("some", &package("t-1", 20)).receipt();
    a.hand("most", &package("t-2", 60)).receipt();
    b.takes("H-2.1");
    let row = |id: &str| bed.http().fetch(&format!("/api/v1/handoffs/{id}")).json();
    assert_eq!(row("H-1")["state"], "waiting");
    let path = bed.http().fetch("/api/v1/handoffs/H-2/path").json();
    assert_eq!(path["hops"][0]["by"], "rule abroad");
}
