//! Trace parents as others write them, and spans that follow from facts.

use super::*;

const STATED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn a_trace_parent_round_trips_and_later_versions_are_read() {
    let stated: TraceParent = STATED.parse().unwrap();
    assert_eq!(stated.to_string(), STATED);
    assert_eq!(
        serde_json::from_str::<TraceParent>(&format!("\"{STATED}\"")).unwrap(),
        stated
    );
    // Not sampled is a wish of the sender; what happened to a handoff is told all the same.
    for other in [
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes-later",
    ] {
        assert_eq!(other.parse(), Ok(stated), "{other}");
    }
}

#[test]
fn what_is_no_trace_parent_is_refused() {
    for bad in [
        "",
        "00",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "+0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-+1",
    ] {
        assert_eq!(bad.parse::<TraceParent>(), Err(BadTraceParent), "{bad}");
    }
}

#[test]
fn spans_follow_from_the_facts_and_differ() {
    let at = Timestamp::UNIX_EPOCH;
    let begun = |id| TraceContext::begun(HandoffId(id), Digest::of(b"manifest"), at);
    assert_eq!(begun(1), begun(1));
    assert_ne!(begun(1), begun(2));
    let trace = begun(1);
    let mut spans = vec![
        trace.revision(HandoffId(1), 1),
        trace.revision(HandoffId(1), 2),
        trace.revision(HandoffId(2), 1),
        trace.hop(HandoffId(1), 1),
        trace.span("seal", HandoffId(1), 1),
        begun(2).revision(HandoffId(1), 1),
    ];
    let count = spans.len();
    spans.sort();
    spans.dedup();
    assert_eq!(spans.len(), count);
    let parent = trace.at(trace.hop(HandoffId(1), 1));
    assert_eq!(parent.to_string().parse(), Ok(parent));
}
