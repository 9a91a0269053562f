//! `{"reviewId": …, "reviewResult": {"response": "approved" | …, "respondingUser": …, "data": …}, …}`

use serde_json::{Map, Value, json};

use super::{NoAnswer, Told, take_text, wrong};
use crate::decision::{Outcome, RequestAnswer};

const RESULT: &str = "reviewResult";

pub(super) fn read(foreign: &Value) -> Result<RequestAnswer, NoAnswer> {
    let mut stated = foreign
        .as_object()
        .cloned()
        .ok_or_else(|| wrong("", "must be an object"))?;
    let result = stated.get_mut(RESULT).and_then(Value::as_object_mut);
    let result = result.ok_or_else(|| wrong("/reviewResult", "must be an object"))?;
    let known = match result.get("response").and_then(Value::as_str) {
        Some("approved") => Some(Outcome::Approved),
        Some("rejected") => Some(Outcome::Rejected),
        Some(_) => None,
        None => return Err(wrong("/reviewResult/response", "must be text")),
    };
    // A word of the form's own, such as the label of a button, is an answer in words.
    if known.is_some() {
        result.remove("response");
    }
    let comment = take_text(result, "response");
    let edited = result.remove("data");
    Ok(RequestAnswer {
        request: take_text(&mut stated, "reviewId"),
        outcome: known.unwrap_or(Outcome::Responded),
        comment,
        edited,
        value: None,
        stated,
    })
}

pub(super) fn write(told: &Told<'_>, answers: &[RequestAnswer]) -> Value {
    let is_theirs = |one: &&RequestAnswer| one.stated.contains_key(RESULT);
    let theirs = answers.first().filter(is_theirs);
    let Some(answer) = theirs else {
        return ours(told, answers);
    };
    let mut review = answer.stated.clone();
    if let Some(id) = &answer.request {
        review.insert("reviewId".to_owned(), json!(id));
    }
    if let Some(result) = review.get_mut(RESULT).and_then(Value::as_object_mut) {
        result.insert(
            "response".to_owned(),
            json!(response(answer.outcome, answer)),
        );
        if let Some(data) = &answer.edited {
            result.insert("data".to_owned(), data.clone());
        }
    }
    Value::Object(review)
}

/// A review that began here.
fn ours(told: &Told<'_>, answers: &[RequestAnswer]) -> Value {
    let mut result = Map::new();
    let outcome = super::together(answers);
    let word = answers.first().map(|one| response(outcome, one));
    result.insert("response".to_owned(), json!(word));
    result.insert("respondingUser".to_owned(), json!(told.by));
    result.insert("respondedAt".to_owned(), json!(told.at));
    if let Some(words) = told.comment {
        result.insert("comment".to_owned(), json!(words));
    }
    json!({ "event": "review.completed", RESULT: result })
}

fn response(outcome: Outcome, answer: &RequestAnswer) -> &str {
    match outcome {
        Outcome::Approved | Outcome::Edited => "approved",
        // Words of a person never stand where the tool would read them as a yes.
        Outcome::Responded => match answer.comment.as_deref() {
            Some("approved" | "rejected") | None => "responded",
            Some(words) if answer.stated.contains_key(RESULT) => words,
            Some(_) => "responded",
        },
        _ => "rejected",
    }
}
