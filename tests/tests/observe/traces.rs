//! Spans, as a collector gets them.

use std::collections::BTreeSet;

use countersign_tests::{
    collector::{Collector, Seen},
    hook::Hook,
    mesh::acknowledged,
    wait,
};
use serde_json::json;

use super::{MESH, scene};

/// The span of the agent, as it states it.
const STATED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Every step of a handoff to a person.
const STEPS: [&str; 10] = [
    "watch", "settle", "validate", "seal", "record", "route", "notify", "review", "decide",
    "deliver",
];

#[test]
fn all_spans_of_one_handoff_reach_a_collector_also_over_a_restart() {
    let collector = Collector::start();
    let hook = Hook::kind();
    let config = collector.section() + &hook.section("ci", "events = [\"accepted\"]");
    let (mut bed, a, _) = scene(&config, "");
    bed.up();
    let package = a
        .agent
        .package("t-1")
        .with("task_id", "t-1")
        .with("trace", json!({ "traceparent": STATED }))
        .file("report.md", "Sixty percent abroad");
    let handed = a.hand("work", &package);
    let receipt = handed.receipt();
    let root = receipt
        .traceparent
        .expect("the receipt names the span")
        .span
        .to_string();
    let of = |span: &Seen| span.trace == "4bf92f3577b34da6a3ce929d0e0e4736";
    collector.span("notify", of);
    // The daemon is killed while a person is waited for, which may take days.
    bed.restart();
    let shown = bed.reviewer().turn().expect("an answer").remove(0);
    let (id, seen) = (
        shown.id,
        json!({"revision": 1, "manifest_sha256": shown.manifest_sha256}),
    );
    let viewed = bed
        .http()
        .push(&format!("/api/v1/handoffs/{id}/viewed"), &seen);
    assert!(viewed.status == 204 || viewed.status == 404, "{viewed:?}");
    let (code, _, err) = bed.run(&["show", "H-1"]);
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = bed.run(&["approve", "H-1"]);
    assert_eq!(code, 0, "{err}");
    let whole = collector.span("handoff", of);
    assert_eq!(
        (whole.id.as_str(), whole.parent.as_str()),
        (root.as_str(), "00f067aa0ba902b7")
    );
    assert_eq!(whole.attributes["countersign.outcome"], "approved");
    collector.span("deliver", of);
    let spans: Vec<Seen> = collector.spans().into_iter().filter(of).collect();
    let names: BTreeSet<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    for step in STEPS.iter().filter(|step| **step != "review") {
        assert!(names.contains(step), "no `{step}` in {names:?}");
    }
    for span in spans.iter().filter(|span| span.name != "handoff") {
        assert_eq!(span.parent, root, "{}", span.name);
        assert!(span.start <= span.end, "{span:?}");
    }
    // The steps of the file follow each other within the whole.
    let way = ["watch", "settle", "validate", "seal", "record"];
    let find = |name: &str| {
        spans
            .iter()
            .find(|span| span.name == name)
            .expect("it came")
    };
    for pair in way.windows(2) {
        assert_eq!(find(pair[0]).end, find(pair[1]).start, "{pair:?}");
    }
    assert_eq!(find("watch").start, whole.start);
    let notified = hook.got();
    assert_eq!(
        notified[0].headers["traceparent"],
        format!("00-{}-{}-01", whole.trace, find("notify").id)
    );
    hook.stop();
}

#[test]
fn a_trace_goes_on_from_agent_to_agent() {
    let collector = Collector::start();
    let (mut bed, a, b) = scene(&collector.section(), MESH);
    bed.up();
    let handed = a.hand("work", &a.package("t-1", "b"));
    let receipt = handed.receipt();
    let transfer = b.takes("H-1.1");
    let parent = transfer["traceparent"].as_str().expect("a trace parent");
    let root = receipt.traceparent.expect("the receipt names the span");
    assert!(parent.contains(&root.trace.to_string()), "{parent}");
    b.answers("H-1.1", &json!({"answer": "accept"}));
    acknowledged(&handed, "accepted");
    b.answers("H-1.1", &json!({"answer": "complete"}));
    acknowledged(&handed, "completed");
    let hop = collector.span("hop", |_| true);
    assert_eq!(
        (
            hop.parent.clone(),
            format!("00-{}-{}-01", hop.trace, hop.id)
        ),
        (root.span.to_string(), parent.to_owned())
    );
    assert_eq!(hop.attributes["countersign.to"], "b");
    for name in ["deliver", "acknowledge", "work"] {
        let span = collector.span(name, |_| true);
        assert_eq!(span.parent, hop.id, "{name}");
    }
    let whole = collector.span("handoff", |_| true);
    assert_eq!(
        (
            whole.id,
            whole.parent.as_str(),
            whole.attributes["countersign.outcome"].as_str()
        ),
        (root.span.to_string(), "", "completed")
    );
}

#[test]
fn what_a_collector_missed_is_sent_when_it_is_back_and_once() {
    let first = Collector::start();
    let port = first.port;
    let (mut bed, a, _) = scene(&first.section(), "");
    bed.up();
    let package = |id: &str| a.agent.package(id).with("task_id", id);
    a.hand("one", &package("t-1")).receipt();
    first.span("seal", |_| true);
    drop(first);
    a.hand("two", &package("t-2")).receipt();
    bed.trouble("spans is behind");
    bed.restart();
    let second = Collector::at(port);
    second.span("seal", |span| {
        span.attributes["countersign.handoff"] == "H-2"
    });
    wait::until("the daemon to be well again", || {
        bed.troubles().is_empty().then_some(())
    });
    let ids: Vec<String> = second.spans().into_iter().map(|span| span.id).collect();
    let once: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(ids.len(), once.len());
    assert!(
        second
            .spans()
            .iter()
            .all(|span| span.attributes["countersign.handoff"] == "H-2")
    );
}

#[test]
fn a_crash_between_a_collector_and_the_mark_sends_the_same_spans_again() {
    let collector = Collector::start();
    let (bed, a, _) = scene(&collector.section(), "");
    let mut bed = bed.env("COUNTERSIGN_CRASH_AT", "otlp.after_sent:1");
    bed.up();
    let package = a.agent.package("t-1").with("task_id", "t-1");
    a.hand("one", &package).receipt();
    let first = collector.span("seal", |_| true);
    assert!(bed.daemon().was_killed());
    bed.launch
        .env
        .retain(|(name, _)| name != "COUNTERSIGN_CRASH_AT");
    bed.restart();
    let again = || {
        let spans = collector.spans().into_iter();
        let same: Vec<Seen> = spans.filter(|span| *span == first).collect();
        (same.len() == 2).then_some(())
    };
    wait::until("the same span", again);
    let (code, _, err) = bed.run(&["approve", "H-1"]);
    assert_eq!(code, 0, "{err}");
    collector.span("handoff", |_| true);
    let seals = collector.spans().into_iter();
    assert_eq!(seals.filter(|span| span.name == "seal").count(), 2);
}
