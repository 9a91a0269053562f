//! `[{"type": "accept" | "edit" | "response" | "ignore", "args": …}]`

use serde_json::{Map, Value, json};

use super::{NoAnswer, wrong};
use crate::decision::{Outcome, RequestAnswer};

pub(super) fn read(foreign: &Value) -> Result<Vec<RequestAnswer>, NoAnswer> {
    let list = foreign
        .as_array()
        .ok_or_else(|| wrong("", "must be a list"))?;
    list.iter()
        .enumerate()
        .map(|(at, one)| item(at, one))
        .collect()
}

fn item(at: usize, one: &Value) -> Result<RequestAnswer, NoAnswer> {
    let mut stated = one
        .as_object()
        .cloned()
        .ok_or_else(|| wrong(format!("/{at}"), "must be an object"))?;
    let kind = super::take_text(&mut stated, "type").unwrap_or_default();
    let (mut comment, mut edited) = (None, None);
    let outcome = match kind.as_str() {
        "accept" => Outcome::Approved,
        "ignore" => Outcome::Ignored,
        "response" => {
            comment = super::take_text(&mut stated, "args");
            Outcome::Responded
        }
        "edit" => {
            let args = stated.remove("args").filter(Value::is_object);
            edited = Some(args.ok_or_else(|| wrong(format!("/{at}/args"), "must be an object"))?);
            Outcome::Edited
        }
        _ => {
            let why = "must be accept, edit, response or ignore";
            return Err(wrong(format!("/{at}/type"), why));
        }
    };
    if outcome == Outcome::Responded && comment.is_none() {
        return Err(wrong(format!("/{at}/args"), "must be text"));
    }
    Ok(RequestAnswer {
        request: None,
        outcome,
        comment,
        edited,
        value: None,
        stated,
    })
}

pub(super) fn write(answers: &[RequestAnswer]) -> Value {
    answers.iter().map(written).collect()
}

fn written(answer: &RequestAnswer) -> Value {
    let words = || json!(answer.comment.clone().unwrap_or_default());
    let (kind, args) = match answer.outcome {
        Outcome::Approved => ("accept", None),
        Outcome::Edited => {
            let action = answer.edited.as_ref();
            (
                "edit",
                action.map(|action| super::edited(action, "action", "args")),
            )
        }
        Outcome::Responded | Outcome::ChangesRequested => ("response", Some(words())),
        // There is no word for a rejection; this one does nothing.
        _ => ("ignore", None),
    };
    let mut item: Map<String, Value> = answer.stated.clone();
    item.insert("type".to_owned(), json!(kind));
    if let Some(args) = args {
        item.insert("args".to_owned(), args);
    } else if answer.request.is_some() {
        item.entry("args").or_insert(Value::Null);
    }
    Value::Object(item)
}
