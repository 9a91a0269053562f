//! Spans over days and restarts, full lists of events, numbers that are counted once.

use std::{collections::BTreeSet, fs, time::Duration};

use countersign_protocol::{chain::Body, decision::Outcome, log::LogLine, trace::TraceParent};
use countersign_web::desk::UndoDesk as _;
use serde_json::json;

use super::{EventFiles, Meter, Readings, Span, ended};
use crate::{
    store::{Space, Store as _},
    testing::{Rig, maya},
};

/// The spans of everything in the ledger, in order.
fn spans(rig: &Rig) -> Vec<Span> {
    let entries = rig.stored().entries(0, usize::MAX).unwrap();
    let bodies = entries
        .iter()
        .map(|entry| serde_json::from_str::<Body>(&entry.body).unwrap());
    let state = rig.ledger().state();
    bodies.flat_map(|body| ended(&state, &body)).collect()
}

fn hand_over(rig: &Rig, words: &str, trace: Option<&str>) {
    let mut document = json!({
        "handoff_version": "1.0", "from_agent": "hermes", "task": "t", "task_id": "t-1", "summary": words,
    });
    if let Some(trace) = trace {
        document["trace"] = json!({ "traceparent": trace });
    }
    rig.deliver("handoff.json", document.to_string());
    rig.apply_policy();
    rig.round();
}

fn decide(rig: &Rig, outcome: Outcome) {
    rig.decide(rig.card().id, outcome).unwrap();
    rig.round();
}

#[test]
fn a_second_revision_goes_on_in_the_trace_of_the_first_unless_it_states_another() {
    let rig = Rig::new();
    hand_over(&rig, "one", None);
    decide(&rig, Outcome::ChangesRequested);
    hand_over(&rig, "two", None);
    let stated: TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        .parse()
        .unwrap();
    decide(&rig, Outcome::ChangesRequested);
    hand_over(&rig, "three", Some(&stated.to_string()));
    decide(&rig, Outcome::Approved);
    let all = spans(&rig);
    let whole: Vec<&Span> = all.iter().filter(|span| span.name == "handoff").collect();
    assert_eq!(whole.len(), 3);
    assert_eq!(whole[0].parent, None);
    assert_eq!(
        (whole[1].trace, whole[1].parent),
        (whole[0].trace, Some(whole[0].id))
    );
    assert_eq!(
        (whole[2].trace, whole[2].parent),
        (stated.trace, Some(stated.span))
    );
    // No span is there twice, and each is a part of its revision.
    let ids: BTreeSet<_> = all.iter().map(|span| span.id).collect();
    assert_eq!(ids.len(), all.len());
    for span in all.iter().filter(|span| span.name != "handoff") {
        assert!(
            whole.iter().any(|one| span.parent == Some(one.id)),
            "{span:?}"
        );
    }
}

#[test]
fn a_wait_of_days_is_one_span_with_the_same_id_after_every_restart() {
    let mut rig = Rig::new();
    hand_over(&rig, "one", None);
    let before = spans(&rig);
    rig.clock.advance(Duration::from_hours(72));
    rig.restart();
    assert_eq!(spans(&rig), before);
    decide(&rig, Outcome::Approved);
    let after = spans(&rig);
    assert_eq!(after[..before.len()], before[..]);
    let decide = after.iter().find(|span| span.name == "decide").unwrap();
    assert_eq!(decide.end.duration_since(decide.start).as_hours(), 72);
    rig.restart();
    assert_eq!(spans(&rig), after);
}

#[test]
fn a_full_list_of_events_goes_on_in_a_new_file_and_only_so_many_are_kept() {
    let mut rig = Rig::new();
    let files = |rig: &Rig| EventFiles::new(rig.ledger().clone(), rig.workspaces()).of_at_most(600);
    let mut list = files(&rig);
    for round in 0..24 {
        hand_over(&rig, &format!("words {round}"), None);
        rig.wait(list.run()).unwrap();
        if round % 5 == 0 {
            rig.restart();
            list = files(&rig);
        }
    }
    rig.wait(list.run()).unwrap();
    let mut names: Vec<String> = fs::read_dir(rig.path(".countersign"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("events"))
        .collect();
    names.sort();
    assert_eq!(names.len(), 9, "{names:?}");
    let text: String = names[..8]
        .iter()
        .chain([&names[8]])
        .map(|name| rig.text(&format!(".countersign/{name}")).unwrap())
        .collect();
    let lines: Vec<LogLine> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    assert_eq!(lines.last().unwrap().seq, rig.ledger().state().head.seq);
}

#[test]
fn a_list_that_somebody_removed_is_made_anew_and_its_mark_goes_on() {
    let rig = Rig::new();
    let list = EventFiles::new(rig.ledger().clone(), rig.workspaces()).lagging(4);
    let marked = || {
        let value = rig
            .ledger()
            .value(Space::Progress, "events".to_owned())
            .unwrap();
        value.map_or(0, |mark| mark.parse().unwrap())
    };
    hand_over(&rig, "one", None);
    rig.wait(list.run()).unwrap();
    let before: u64 = marked();
    // What it adds next is not synced yet when the file goes.
    hand_over(&rig, "two", None);
    rig.wait(list.clone().lagging(u64::MAX).run()).unwrap();
    #[expect(clippy::disallowed_methods, reason = "somebody else does it")]
    fs::remove_file(rig.path(".countersign/events.jsonl")).unwrap();
    assert!(rig.wait(list.run()).is_err());
    rig.wait(list.run()).unwrap();
    let head = rig.ledger().state().head.seq;
    let lines = rig.text(".countersign/events.jsonl").unwrap();
    let last: LogLine = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!((last.seq, marked()), (head, head));
    assert!(head > before);
}

#[test]
fn numbers_are_counted_once_however_many_ask() {
    let rig = Rig::new();
    let meter = Meter::new(rig.ledger().clone()).unwrap();
    hand_over(&rig, "one", None);
    decide(&rig, Outcome::Rejected);
    let read = || rig.wait(meter.render(&Readings::default())).unwrap();
    let first = read();
    rig.wait(meter.run()).unwrap();
    assert_eq!(read(), first);
    for line in [
        "countersign_decisions_total{by=\"person\",outcome=\"rejected\",workspace=\"w\"} 1",
        "countersign_events_total{event=\"handoff.accepted\"} 1",
        "countersign_handoffs{state=\"rejected\",workspace=\"w\"} 1",
        "countersign_stage_duration_seconds_count{stage=\"seal\"} 1",
    ] {
        assert!(first.contains(line), "{line}\n{first}");
    }
}

#[test]
fn an_answer_that_can_be_taken_back_is_in_no_list() {
    let rig = Rig::with(crate::workspace::Settings {
        undo: Some(std::time::Duration::from_secs(10)),
        ..crate::workspace::Settings::default()
    });
    hand_over(&rig, "words", None);
    let id = rig.card().id;
    let answer = rig.answer(id, Outcome::Approved);
    rig.wait(rig.desk().answer(&maya(), id, answer)).unwrap();
    assert_eq!(rig.count("answer.held"), 1);
    let list = EventFiles::new(rig.ledger().clone(), rig.workspaces());
    rig.wait(list.run()).unwrap();
    let text = rig.text(".countersign/events.jsonl").unwrap();
    assert!(text.contains("handoff.accepted") && !text.contains("answer."));
}
