//! Contracts that hold for everybody, results that must be sure, and work that comes back half done.

use std::fs;

use countersign_tests::{
    bed::TestBed,
    http::base64,
    mesh::{Member, acknowledged, result},
};
use serde_json::{Value, json};

use super::{MESH, Mesh, refused};

/// What a failed agent had, on its way back to `a` by the file of an answer or over HTTP.
fn comes_back_half_done(over_http: bool) {
    let mesh = Mesh::start();
    let handed = mesh.a.hand("work", &mesh.a.package("t-1", "b"));
    handed.receipt();
    mesh.b.takes("H-1.1");
    let half = json!({
        "answer_version": "1.0", "answer": "fail", "reason": "missing_tools", "note": "No rates after May.",
        "result": {"score": 7, "months": 5}, "artifacts": ["half.md"],
    });
    if over_http {
        let body = json!({
            "answer": half,
            "files": {"half.md": base64(b"January to May")},
        });
        let reply = mesh
            .bed
            .http()
            .push("/api/v1/handoffs/H-1/hops/1/answer", &body);
        assert_eq!(reply.json()["status"], "accepted", "{reply:?}");
    } else {
        fs::write(mesh.b.folder().join("half.md"), "January to May").expect("agents can write");
        mesh.b.answers("H-1.1", &half);
    }
    let back = result(&handed);
    assert_eq!(
        (&back["partial"], &back["result"], &back["note"]),
        (
            &json!(true),
            &json!({"score": 7, "months": 5}),
            &json!("No rates after May.")
        )
    );
    let folder = mesh
        .bed
        .workspace()
        .join(back["folder"].as_str().expect("a folder"));
    let half = fs::read_to_string(folder.join("half.md")).expect("a file");
    assert_eq!(half, "January to May");
    acknowledged(&handed, "stopped");
}

#[test]
fn what_a_failed_agent_had_reaches_the_sender_by_file() {
    comes_back_half_done(false);
}

#[test]
fn what_a_failed_agent_had_reaches_the_sender_over_http() {
    comes_back_half_done(true);
}

#[test]
fn what_was_half_done_stays_until_the_next_agent_has_more() {
    let mesh = Mesh::start();
    let fallback = json!({"action": "reroute", "to": "c", "after_seconds": 3_600});
    let package = mesh
        .a
        .package("t-1", "b")
        .with("fallback", fallback)
        .with("expected_output", "a number");
    let handed = mesh.a.hand("work", &package);
    handed.receipt();
    mesh.b.takes("H-1.1");
    mesh.b.answers(
        "H-1.1",
        &json!({"answer": "fail", "reason": "missing_tools", "result": 3}),
    );
    let back = result(&handed);
    assert_eq!(
        (&back["partial"], &back["result"]),
        (&json!(true), &json!(3))
    );
    mesh.c.takes("H-1.2");
    mesh.c
        .answers("H-1.2", &json!({"answer": "complete", "result": 7}));
    acknowledged(&handed, "completed");
    let back = result(&handed);
    assert_eq!(
        (&back["partial"], &back["result"]),
        (&Value::Null, &json!(7))
    );
}

/// A contract for what matters much.
const STAKES: &str = r#"
[[contract]]
name = "trade"
version = "1.0"
schema = "trade.json"
result_confidence = 0.8
"#;

fn with_contract(settings: &str) -> TestBed {
    let mut bed = TestBed::prepare();
    let workspace = bed.workspace();
    fs::write(workspace.join("workspace.toml"), settings).expect("the scene can be set");
    let schema = json!({
        "type": "object",
        "required": ["task_id", "from_agent", "context"],
        "properties": {"context": {"type": "object", "required": ["market"]}},
    });
    fs::write(workspace.join("trade.json"), schema.to_string()).expect("the scene can be set");
    bed.up();
    bed
}

#[test]
fn a_result_for_high_stakes_says_how_sure_it_is_and_is_sure_enough() {
    let bed = with_contract(&format!("{MESH}{STAKES}"));
    let workspace = bed.workspace();
    let (a, b) = (Member::new("a", &workspace), Member::new("b", &workspace));
    let package = a
        .package("t-1", "b")
        .with("contract", "trade@1.0")
        .with("context", json!({"market": "Brazil"}))
        .with("expected_output", "a number");
    let handed = a.hand("work", &package);
    handed.receipt();
    b.takes("H-1.1");
    // How well the task fits is said before, and seen by the sender.
    b.answers("H-1.1", &json!({"answer": "accept", "confidence": 0.7}));
    assert_eq!(acknowledged(&handed, "accepted")["confidence"], 0.7);
    b.answers("H-1.1", &json!({"answer": "complete", "result": 7}));
    let refusal = b.was_refused("H-1.1");
    assert_eq!(refusal["errors"][0]["code"], "confidence", "{refusal}");
    b.answers(
        "H-1.1",
        &json!({"answer": "complete", "result": 7, "confidence": 0.5}),
    );
    let refusal = countersign_tests::wait::until("the other refusal", || {
        let refusal = b.was_refused("H-1.1");
        (refusal["errors"][0]["code"] == "low_confidence").then_some(refusal)
    });
    assert!(
        refusal["errors"][0]["fix"]
            .as_str()
            .expect("a hint")
            .contains("`fail`")
    );
    b.answers(
        "H-1.1",
        &json!({"answer": "complete", "result": 7, "confidence": 0.9}),
    );
    acknowledged(&handed, "completed");
    assert_eq!(result(&handed)["confidence"], 0.9);
    let path = bed.http().fetch("/api/v1/handoffs/H-1/path").json();
    let hop = &path["hops"][0];
    assert_eq!(
        (&hop["fit"], &hop["confidence"]),
        (&json!(0.7), &json!(0.9))
    );
}

#[test]
fn ten_agents_keep_one_format_wherever_it_is_checked() {
    let names: Vec<String> = (0..10).map(|number| format!("agent-{number}")).collect();
    let mut settings = STAKES.to_owned();
    for (at, name) in names.iter().enumerate() {
        let next = &names[(at + 1) % names.len()];
        let routes = format!("hands_to = [\"{next}\"]\naccepts = [\"trade\"]\n");
        settings.push_str("[[participant]]\nid = \"");
        settings.push_str(name);
        settings.push_str("\"\n");
        settings.push_str(&routes);
    }
    let bed = with_contract(&settings);
    let workspace = bed.workspace();
    for (at, name) in names.iter().enumerate() {
        let next = &names[(at + 1) % names.len()];
        let agent = Member::new(name, &workspace);
        let task = format!("t-{at}");
        let package = |contract: &str, context: Value| {
            agent
                .package(&task, next)
                .with("contract", contract)
                .with("context", context)
        };
        // The registry refuses what the command refuses, whoever writes it.
        let bad = package("trade@1.0", json!({"price": 3}));
        let file = format!("agents/{name}/draft.json");
        fs::create_dir_all(agent.folder()).expect("agents can write");
        fs::write(workspace.join(&file), bad.text()).expect("agents can write");
        let (code, out, err) = bed.run(&["contract", "check", &file]);
        assert_ne!(code, 0, "{out}");
        assert!(format!("{out}{err}").contains("market"), "{out}{err}");
        assert_eq!(refused(&agent.hand("bad", &bad)), "invalid-contract");
        let old = package("trade@2.0", json!({"market": "Brazil"}));
        assert_eq!(refused(&agent.hand("old", &old)), "contract-refused");
        let good = package("trade@1", json!({"market": "Brazil"}));
        fs::write(workspace.join(&file), good.text()).expect("agents can write");
        let (code, out, err) = bed.run(&["contract", "check", &file]);
        assert_eq!(code, 0, "{out}{err}");
        let handed = agent.hand("good", &good);
        let id = handed.receipt().handoff_id;
        let receiver = Member::new(next, &workspace);
        // The receiver checks what it got by itself before it takes it.
        let hop = format!("{id}.1");
        let transfer = receiver.takes(&hop);
        assert_eq!(transfer["contract"], "trade@1.0");
        let folder = receiver.folder().join(&hop);
        let sums = std::process::Command::new("sha256sum")
            .args(["--check", "--quiet", "SHA256SUMS"])
            .current_dir(&folder)
            .status()
            .expect("the tool of the distribution");
        assert!(sums.success());
        let document = format!(
            "agents/{next}/{hop}/sealed/{}",
            transfer["document"].as_str().expect("its name")
        );
        let (code, out, err) =
            bed.run(&["contract", "check", &document, "--contract", "trade@1.0"]);
        assert_eq!(code, 0, "{out}{err}");
        receiver.answers(&hop, &json!({"answer": "accept"}));
        acknowledged(&handed, "accepted");
    }
}

#[test]
fn a_hang_up_reads_the_workspaces_anew() {
    let mut mesh = Mesh::start();
    let to_c = |mesh: &Mesh, work: &str| mesh.b.hand(work, &mesh.b.package(work, "c"));
    assert_eq!(refused(&to_c(&mesh, "early")), "route-not-allowed");
    let open = MESH.replace("id = \"b\"\n", "id = \"b\"\nstart = true\n");
    fs::write(mesh.bed.workspace().join("workspace.toml"), open).expect("the scene can be set");
    mesh.bed.daemon().hang_up();
    // A signal is not answered: what it does is seen by what is allowed.
    let mut tries = 0;
    countersign_tests::wait::until("the new routes", || {
        tries += 1;
        let handed = to_c(&mesh, &format!("try-{tries}"));
        countersign_tests::wait::until("an answer", || {
            handed
                .receipt_now()
                .map(|_| true)
                .or_else(|| handed.errors_now().map(|_| false))
        })
        .then_some(())
    });
    assert!(mesh.bed.daemon().ended().is_none());
}
