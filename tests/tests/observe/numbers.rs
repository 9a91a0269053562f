//! Numbers, as Prometheus reads them.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use countersign_tests::{http::Http, mesh::acknowledged, wait};
use serde_json::json;

use super::{MESH, scene};

/// Lets `promtool`, of Prometheus itself, read and judge `text`.
fn judged(text: &str) {
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool of the package prometheus is installed");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(text.as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}\n{text}");
}

/// The value of a series.
fn value(text: &str, series: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(series));
    line?.trim().parse().ok()
}

#[test]
fn promtool_accepts_the_numbers_and_they_say_what_happened() {
    let (mut bed, a, b) = scene("", MESH);
    bed.up();
    let read = || bed.http().fetch("/metrics").expect(200).text();
    judged(&read());
    a.hand("one", &a.agent.package("t-1").with("task_id", "t-1"))
        .receipt();
    let (code, _, err) = bed.run(&["approve", "H-1"]);
    assert_eq!(code, 0, "{err}");
    let handed = a.hand("two", &a.package("t-2", "b"));
    handed.receipt();
    b.takes("H-2.1");
    b.answers("H-2.1", &json!({"answer": "accept"}));
    acknowledged(&handed, "accepted");
    let refused = a.hand("three", &a.package("t-3", "nobody"));
    refused.errors();
    let text = wait::until("the delivery of the answer", || {
        let text = read();
        value(
            &text,
            "countersign_events_total{event=\"handoff.delivered\"}",
        )
        .map(|_| text)
    });
    judged(&text);
    for (series, expected) in [
        (
            "countersign_handoffs{state=\"approved\",workspace=\"work\"}",
            1.0,
        ),
        (
            "countersign_handoffs{state=\"with_agent\",workspace=\"work\"}",
            1.0,
        ),
        (
            "countersign_hops_open{stage=\"accepted\",workspace=\"work\"}",
            1.0,
        ),
        (
            "countersign_decisions_total{by=\"person\",outcome=\"approved\",workspace=\"work\"}",
            1.0,
        ),
        (
            "countersign_refusals_total{kind=\"route-not-allowed\",workspace=\"work\"}",
            1.0,
        ),
        (
            "countersign_hop_answers_total{answer=\"accept\",workspace=\"work\"}",
            1.0,
        ),
        (
            "countersign_dead_letters{kind=\"refused\",workspace=\"work\"}",
            1.0,
        ),
        (
            "countersign_workspace_watched{mode=\"watching\",workspace=\"work\"}",
            1.0,
        ),
        ("countersign_ready", 1.0),
        (
            "countersign_stage_duration_seconds_count{stage=\"seal\"}",
            2.0,
        ),
        (
            "countersign_stage_duration_seconds_count{stage=\"decide\"}",
            1.0,
        ),
    ] {
        assert_eq!(value(&text, series), Some(expected), "{series}\n{text}");
    }
    for name in [
        "ledger_commit_duration_seconds_count",
        "index_documents",
        "ledger_entries",
    ] {
        assert!(
            value(&text, &format!("countersign_{name}")).is_some_and(|it| it > 0.0),
            "{name}\n{text}"
        );
    }
}

#[test]
fn numbers_are_read_by_who_may() {
    let config = "[observe]\nmetrics_token = { env = \"METRICS\" }\n";
    let (bed, ..) = scene(config, "");
    let mut bed = bed.env("METRICS", "a long random word");
    bed.up();
    assert_eq!(bed.stranger().fetch("/metrics").status, 401);
    let url = bed.endpoint().url.clone();
    let with = |token: &str| Http::new(&url, Some(token)).fetch("/metrics").status;
    assert_eq!((with("a long random word"), with("another")), (200, 401));
    // It opens nothing else.
    let elsewhere = Http::new(&url, Some("a long random word")).fetch("/api/v1/handoffs");
    assert_eq!(elsewhere.status, 401);
    let made = bed.http().push(
        "/api/v1/tokens",
        &json!({"agent": "a", "workspaces": ["work"]}),
    );
    assert_eq!(with(made.json()["secret"].as_str().expect("a secret")), 403);
    bed = bed.configured("[observe]\nmetrics = \"loopback\"\n");
    bed.restart();
    assert_eq!(bed.stranger().fetch("/metrics").status, 200);
    let forwarded = [("x-forwarded-for", "203.0.113.7")];
    let by_proxy = bed.stranger().send("GET", "/metrics", &forwarded, &[]);
    assert_eq!(by_proxy.expect("an answer").status, 401);
}
