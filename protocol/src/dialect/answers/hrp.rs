//! The event with which a review ends in the Human Review Protocol 1.0 (sections 4 and 8):
//! `{"subject": "governance.review.approved", "payload": {"event_id": …, "reviewer": …, "intent": …}}`
//!
//! An event answers one other event; several requests get as many events.

use serde_json::{Map, Value, json};

use super::{NoAnswer, Told, take_text, wrong};
use crate::decision::{Outcome, RequestAnswer};

const PAYLOAD: &str = "payload";
const SUBJECTS: [(&str, Outcome); 3] = [
    ("governance.review.approved", Outcome::Approved),
    ("governance.review.rejected", Outcome::Rejected),
    ("governance.review.timed_out", Outcome::Expired),
];

pub(super) fn read(foreign: &Value) -> Result<Vec<RequestAnswer>, NoAnswer> {
    let Some(list) = foreign.as_array() else {
        return Ok(vec![event(foreign, "")?]);
    };
    if list.len() == 1 {
        return Err(wrong("", "must be one event, or a list of several"));
    }
    let each = list.iter().enumerate();
    each.map(|(at, one)| event(one, &format!("/{at}")))
        .collect()
}

fn event(foreign: &Value, place: &str) -> Result<RequestAnswer, NoAnswer> {
    let mut stated = foreign
        .as_object()
        .cloned()
        .ok_or_else(|| wrong(place, "must be an object"))?;
    let subject = take_text(&mut stated, "subject").unwrap_or_default();
    let known = SUBJECTS.into_iter().find(|(name, _)| *name == subject);
    let (_, outcome) = known.ok_or_else(|| {
        let why = "must be governance.review.approved, .rejected or .timed_out";
        wrong(format!("{place}/subject"), why)
    })?;
    let payload = stated.get_mut(PAYLOAD).and_then(Value::as_object_mut);
    let payload =
        payload.ok_or_else(|| wrong(format!("{place}/{PAYLOAD}"), "must be an object"))?;
    let missing = |name: &str| wrong(format!("{place}/{PAYLOAD}/{name}"), "must be text");
    let comment = take_text(payload, "intent");
    if outcome != Outcome::Expired {
        let by = payload.get("reviewer").and_then(|one| one.get("user_id"));
        if !by.is_some_and(Value::is_string) {
            return Err(missing("reviewer/user_id"));
        }
        // Whoever reviews says why, in words of their own.
        if comment
            .as_deref()
            .is_none_or(|words| words.trim().is_empty())
        {
            return Err(missing("intent"));
        }
    }
    let request = take_text(payload, "event_id").ok_or_else(|| missing("event_id"))?;
    Ok(RequestAnswer {
        request: Some(request),
        outcome,
        comment,
        edited: None,
        value: None,
        stated,
    })
}

pub(super) fn write(told: &Told<'_>, answers: &[RequestAnswer]) -> Value {
    match answers {
        [only] => written(told, only),
        several => several.iter().map(|one| written(told, one)).collect(),
    }
}

fn written(told: &Told<'_>, answer: &RequestAnswer) -> Value {
    let mut event = answer.stated.clone();
    let theirs = event.remove(PAYLOAD);
    let mut payload = match theirs {
        Some(Value::Object(payload)) => payload,
        _ => ours(told, answer.outcome),
    };
    if let Some(id) = &answer.request {
        payload.insert("event_id".to_owned(), json!(id));
    }
    if let Some(words) = &answer.comment {
        payload.insert("intent".to_owned(), json!(words));
    }
    event.insert("subject".to_owned(), json!(subject(answer.outcome)));
    event.insert(PAYLOAD.to_owned(), Value::Object(payload));
    Value::Object(event)
}

/// What the protocol asks of a review that began here.
fn ours(told: &Told<'_>, outcome: Outcome) -> Map<String, Value> {
    let mut payload = Map::new();
    if outcome != Outcome::Expired {
        let reviewer = json!({ "user_id": told.by, "method": "in_app" });
        payload.insert("reviewer".to_owned(), reviewer);
        // The protocol has this one name for the moment of either answer.
        payload.insert("approved_at".to_owned(), json!(told.at));
    }
    payload
}

/// What is neither yes nor silence forbids the effects until somebody asks anew: so does another action than the one
/// that was asked for, which the event cannot carry.
fn subject(outcome: Outcome) -> &'static str {
    let known = match outcome {
        Outcome::Approved | Outcome::Expired => outcome,
        _ => Outcome::Rejected,
    };
    let found = SUBJECTS.into_iter().find(|(_, one)| *one == known);
    found.map_or("", |(name, _)| name)
}
