//! `{"decisions": [{"type": "approve" | "edit" | "reject" | "respond", …}]}`, in the order of the actions.

use serde_json::{Map, Value, json};

use super::{NoAnswer, take_text, wrong};
use crate::decision::{Outcome, RequestAnswer};

pub(super) fn read(foreign: &Value) -> Result<Vec<RequestAnswer>, NoAnswer> {
    let list = foreign
        .get("decisions")
        .and_then(Value::as_array)
        .ok_or_else(|| wrong("/decisions", "must be a list"))?;
    if foreign.as_object().is_some_and(|fields| fields.len() > 1) {
        return Err(wrong("", "must have `decisions` alone"));
    }
    list.iter()
        .enumerate()
        .map(|(at, one)| item(at, one))
        .collect()
}

fn item(at: usize, one: &Value) -> Result<RequestAnswer, NoAnswer> {
    let place = |name: &str| format!("/decisions/{at}{name}");
    let mut stated = one
        .as_object()
        .cloned()
        .ok_or_else(|| wrong(place(""), "must be an object"))?;
    let kind = take_text(&mut stated, "type").unwrap_or_default();
    let mut edited = None;
    let outcome = match kind.as_str() {
        "approve" => Outcome::Approved,
        "reject" => Outcome::Rejected,
        "respond" => Outcome::Responded,
        "edit" => {
            let action = stated.remove("edited_action").filter(Value::is_object);
            let wanted = || wrong(place("/edited_action"), "must be an object");
            edited = Some(action.ok_or_else(wanted)?);
            Outcome::Edited
        }
        _ => {
            return Err(wrong(
                place("/type"),
                "must be approve, edit, reject or respond",
            ));
        }
    };
    let speaks = matches!(outcome, Outcome::Rejected | Outcome::Responded);
    let comment = speaks.then(|| take_text(&mut stated, "message")).flatten();
    if outcome == Outcome::Responded && comment.is_none() {
        return Err(wrong(place("/message"), "must be text"));
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
    let decisions: Vec<Value> = answers.iter().map(written).collect();
    json!({ "decisions": decisions })
}

fn written(answer: &RequestAnswer) -> Value {
    let mut item: Map<String, Value> = answer.stated.clone();
    let kind = match answer.outcome {
        Outcome::Approved => "approve",
        Outcome::Edited => "edit",
        Outcome::Responded => "respond",
        _ => "reject",
    };
    item.insert("type".to_owned(), json!(kind));
    if let Some(action) = &answer.edited {
        let action = super::edited(action, "name", "args");
        item.insert("edited_action".to_owned(), action);
    }
    match (&answer.comment, kind) {
        (Some(words), "respond" | "reject") => {
            item.insert("message".to_owned(), json!(words));
        }
        (None, "respond") => {
            item.insert("message".to_owned(), json!(""));
        }
        _ => {}
    }
    Value::Object(item)
}
