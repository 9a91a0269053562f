//! The examples as they are shipped, with agents that use nothing but files, and their contracts.

#![expect(
    clippy::disallowed_methods,
    reason = "agents write into the shared folder"
)]

use std::{fs, path::Path, process::Command};

use countersign_tests::{agent::Care, bed::TestBed, mesh::Member};
use serde_json::{Value, json};

use super::refused;

/// Runs agents of `workspace-example/mesh`, shell scripts that use nothing but files, until all have ended.
fn play(example: &str, scripts: &[(&str, &[(&str, &str)])]) -> TestBed {
    let mut bed = TestBed::prepare();
    let from = concat!(env!("CARGO_MANIFEST_DIR"), "/../workspace-example/mesh/");
    let workspace = bed.workspace();
    let copied = Command::new("cp")
        .arg("-r")
        .arg(format!("{from}{example}/."))
        .arg(&workspace)
        .status();
    assert!(copied.expect("the scene can be set").success());
    bed.up();
    run(&workspace, scripts);
    bed
}

/// Runs `scripts` of the example in `workspace` at the same time until all have ended.
fn run(workspace: &Path, scripts: &[(&str, &[(&str, &str)])]) {
    let started: Vec<_> = scripts
        .iter()
        .map(|(script, env)| {
            let mut command = Command::new("sh");
            command.arg(workspace.join(script)).arg(workspace);
            command.envs(env.iter().copied());
            (script, command.spawn().expect("the scene can be set"))
        })
        .collect();
    for (script, mut child) in started {
        assert!(
            child.wait().expect("the scene can be set").success(),
            "{script}"
        );
    }
}

#[test]
fn the_research_example_ends_with_an_assessment_and_a_report_for_a_person() {
    let scripts: &[(&str, &[(&str, &str)])] = &[
        ("risk.sh", &[("TASKS", "2")]),
        ("analyzer.sh", &[]),
        ("credit.sh", &[]),
    ];
    let bed = play("research", scripts);
    let http = bed.http();
    let rows = http.fetch("/api/v1/handoffs?view=turn").json();
    let titles: Vec<&str> = rows["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["title"].as_str())
        .collect();
    assert_eq!(titles, ["Report on the investment risks of ACME Corp"]);
    let result: Value = serde_json::from_slice(
        &fs::read(
            bed.workspace()
                .join("agents/sec_filing_analyzer/acme/handoff.result.json"),
        )
        .unwrap(),
    )
    .unwrap();
    assert_eq!(result["result"]["currency_risk_score"], 7.5);
    assert_eq!(result["agent"], "international_risk_assessor");
    let meshes = http.fetch("/api/v1/routes").json();
    for route in meshes[0]["routes"].as_array().unwrap() {
        assert_eq!(
            (&route["completed"], &route["open"]),
            (&json!(1), &json!(0)),
            "{route}"
        );
    }
    // The way back is closed to handoffs.
    let risk = Member::new("international_risk_assessor", &bed.workspace());
    let back = risk.hand("back", &risk.package("acme-10k", "sec_filing_analyzer"));
    assert_eq!(refused(&back), "route-not-allowed");
}

#[test]
fn the_incident_example_is_taken_byte_for_byte_and_ends_with_a_person() {
    // A daemon that has had other work: the numbers of the example are whatever they are.
    let bed = play("incident", &[]);
    let workspace = bed.workspace();
    let earlier = bed.agent("correlation").package("Earlier work");
    bed.agent("correlation")
        .write("earlier", &earlier, Care::Rename)
        .unwrap()
        .receipt();
    run(
        &workspace,
        &[("correlation.sh", &[]), ("investigation.sh", &[])],
    );
    let payload = fs::read(workspace.join("payload.json")).unwrap();
    let sealed = workspace.join("agents/investigation/H-2.1/sealed/handoff.json");
    assert_eq!(fs::read(sealed).unwrap(), payload);
    let transfer: Value = serde_json::from_slice(
        &fs::read(workspace.join("agents/investigation/H-2.1/transfer.json")).unwrap(),
    )
    .unwrap();
    assert_eq!(transfer["contract"], "correlation-to-investigation@1.0");
    assert_eq!(transfer["confidence"], 0.74);
    let row = bed.http().fetch("/api/v1/handoffs/H-2").json();
    assert_eq!(
        (&row["state"], &row["revision"]),
        (&json!("waiting"), &json!(2)),
        "{row}"
    );
    assert_eq!(row["title"], "Root cause of inc-2026-04-17-0042");
    let path = bed.http().fetch("/api/v1/handoffs/H-2/path").json();
    assert_eq!(path["hops"][0]["to"], "investigation");
}

#[test]
fn a_contract_names_every_field_that_is_missing_and_what_nobody_needs() {
    let bed = play("research", &[]);
    let workspace = bed.workspace();
    let sec = Member::new("sec_filing_analyzer", &workspace);
    let bare = sec
        .package("t-1", "international_risk_assessor")
        .with("contract", "peer-handoff@1.0");
    let errors = sec.hand("work", &bare).errors();
    let told: Vec<&str> = errors
        .errors
        .iter()
        .map(|error| error.message.as_str())
        .collect();
    for field in [
        "summary",
        "confidence",
        "reason",
        "expected_output",
        "timeout_seconds",
    ] {
        assert!(
            told.iter()
                .any(|text| text.contains(&format!("\"{field}\""))),
            "{field}: {told:?}"
        );
    }
    let (code, out, _) = bed.run(&["contract", "ls"]);
    assert_eq!((code, out.lines().count()), (0, 1), "{out}");
    let (code, out, _) = bed.run(&[
        "contract",
        "prompt",
        "peer-handoff",
        "--agent",
        "credit_analyst",
    ]);
    assert_eq!(code, 0);
    for words in [
        "`summary` (required)",
        "You may hand to: international_risk_assessor.",
        "Debt structure",
    ] {
        assert!(out.contains(words), "{words}: {out}");
    }
    let full = bare
        .with("task", "Assess the currency exposure")
        .with("summary", "Sixty percent abroad.")
        .with("confidence", 0.8)
        .with("reason", "Outside my domain.")
        .with("timeout_seconds", 600)
        .with("expected_output", json!({}))
        .with("everything_else", "just in case");
    fs::write(workspace.join("full.json"), full.text()).unwrap();
    let (code, out, err) = bed.run(&["contract", "check", "full.json", "--json"]);
    assert_eq!(code, 0, "{err}");
    let checked: Value = serde_json::from_str(&out).unwrap();
    let warned: Vec<_> = checked["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["code"], &one["pointer"]))
        .collect();
    assert!(
        warned.contains(&(&json!("over_packed"), &json!("/everything_else"))),
        "{warned:?}"
    );
    let (code, _, err) = bed.run(&[
        "contract",
        "check",
        "full.json",
        "--contract",
        "peer-handoff@2.0",
    ]);
    assert_ne!(code, 0);
    assert!(err.contains("peer-handoff@1.0"), "{err}");
}
