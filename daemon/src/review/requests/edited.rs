//! Changed actions: what a reviewer puts in the place of an action has the shape of what was asked.

use countersign_protocol::decision::{Outcome, RequestAnswer};
use countersign_web::desk::{ActionRow, RequestRow};
use serde_json::{Map, Value};

/// The names that arguments have in answers: ours, and that of agent-inbox and `LangChain`.
const ARGUMENTS: [&str; 2] = ["arguments", "args"];
/// The names that the name of the action has.
const NAMES: [&str; 2] = ["name", "action"];
/// The members of an answer of another tool that state an action.
const STATED: [&str; 4] = ["args", "edited_action", "arguments", "action"];

/// Checks what `answer` says about the action of `request`.
pub(super) fn check(request: &RequestRow, answer: &RequestAnswer) -> Result<(), String> {
    let changed = answer.edited.as_ref().filter(|value| !value.is_null());
    let Some(action) = &request.action else {
        return match (answer.outcome, changed) {
            (Outcome::Edited, None) => Err("say in `edited` what is changed".to_owned()),
            _ => Ok(()),
        };
    };
    match (answer.outcome, changed) {
        (Outcome::Edited, Some(changed)) => keeps_shape(action, changed),
        (Outcome::Edited, None) => {
            Err("say in `edited` with which arguments it may be done".to_owned())
        }
        (_, Some(changed)) if !is_same(action, changed) => {
            Err("other arguments are an answer `edit`".to_owned())
        }
        (Outcome::Approved, _) => {
            let mut stated = STATED.iter().filter_map(|name| answer.stated.get(*name));
            match stated.find(|value| !says_nothing_else(action, value)) {
                Some(_) => Err("other arguments are an answer `edit`".to_owned()),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Returns whether `value` is the action as it was asked, or only its arguments.
fn is_same(action: &ActionRow, value: &Value) -> bool {
    let fields = value.as_object();
    let arguments = fields.and_then(|fields| one_of(fields, ARGUMENTS));
    *value == action.arguments || arguments == Some(&action.arguments)
}

/// Returns whether a member of an approval states no other action than `action`.
fn says_nothing_else(action: &ActionRow, value: &Value) -> bool {
    let is_name = value.as_str() == Some(action.name.as_str());
    value.is_null() || is_name || is_same(action, value)
}

fn one_of<'a>(fields: &'a Map<String, Value>, names: [&str; 2]) -> Option<&'a Value> {
    names.iter().find_map(|name| fields.get(*name))
}

fn keeps_shape(action: &ActionRow, changed: &Value) -> Result<(), String> {
    let fields = changed
        .as_object()
        .ok_or("a changed action is an object with `name` and `arguments`")?;
    for names in [ARGUMENTS, NAMES] {
        if names.iter().all(|name| fields.contains_key(*name)) {
            return Err(format!("say either `{}` or `{}`", names[0], names[1]));
        }
    }
    if !one_of(fields, NAMES).is_some_and(Value::is_string) {
        return Err("a changed action needs its `name`".to_owned());
    }
    let arguments = one_of(fields, ARGUMENTS).ok_or("a changed action needs its `arguments`")?;
    // An action without arguments takes an object of them.
    let wanted = match &action.arguments {
        Value::Null => Shape::Object,
        asked => shape(asked),
    };
    let found = shape(arguments);
    if wanted == found {
        return Ok(());
    }
    Err(format!(
        "the arguments are {} as asked, and {} as changed",
        wanted.words(),
        found.words()
    ))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Object,
    List,
    Scalar(&'static str),
    /// JSON in a text, as function calls of `OpenAI` have it: true for an object, false for a list.
    JsonText(bool),
}

impl Shape {
    fn words(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::List => "a list",
            Self::Scalar(name) => name,
            Self::JsonText(true) => "an object in a text",
            Self::JsonText(false) => "a list in a text",
        }
    }
}

fn shape(value: &Value) -> Shape {
    match value {
        Value::Null => Shape::Scalar("null"),
        Value::Object(_) => Shape::Object,
        Value::Array(_) => Shape::List,
        Value::Bool(_) => Shape::Scalar("true or false"),
        Value::Number(_) => Shape::Scalar("a number"),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Value::Object(_)) => Shape::JsonText(true),
            Ok(Value::Array(_)) => Shape::JsonText(false),
            _ => Shape::Scalar("a text"),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verdict(
        asked: &Value,
        outcome: Outcome,
        edited: Value,
        stated: &Value,
    ) -> Result<(), String> {
        let request = RequestRow {
            action: Some(ActionRow {
                name: "send".to_owned(),
                arguments: asked.clone(),
                ..ActionRow::default()
            }),
            ..RequestRow::default()
        };
        let answer = RequestAnswer {
            request: None,
            outcome,
            comment: None,
            edited: Some(edited),
            value: None,
            stated: stated.as_object().cloned().unwrap_or_default(),
        };
        check(&request, &answer)
    }

    #[test]
    fn changed_arguments_keep_their_shape() {
        let action = |arguments: Value| json!({ "name": "send", "arguments": arguments });
        let text = |value: Value| json!(value.to_string());
        for (asked, good, bad) in [
            (json!({ "to": 1 }), json!({ "to": 2 }), json!([1])),
            (json!({ "to": 1 }), json!({}), Value::Null),
            (json!([1]), json!([2]), json!({ "to": 2 })),
            (json!(5), json!(6), json!("6")),
            (Value::Null, json!({ "to": 2 }), json!("x")),
            (
                text(json!({ "to": 1 })),
                text(json!({ "to": 2 })),
                json!({ "to": 2 }),
            ),
            (text(json!({ "to": 1 })), text(json!({})), json!("not json")),
        ] {
            let edit = |changed| verdict(&asked, Outcome::Edited, changed, &Value::Null);
            assert_eq!(edit(action(good.clone())), Ok(()), "{asked} {good}");
            assert!(edit(action(bad.clone())).is_err(), "{asked} {bad}");
        }
        let object = json!({ "to": 1 });
        for changed in [
            json!(null),
            json!([1]),
            json!({ "arguments": {} }),
            json!({ "name": "send" }),
            json!("send"),
            json!({ "name": "send", "arguments": {}, "args": {} }),
            json!({ "name": 7, "args": {} }),
        ] {
            let verdict = verdict(&object, Outcome::Edited, changed.clone(), &Value::Null);
            assert!(verdict.is_err(), "{changed}");
        }
    }

    #[test]
    fn approvals_carry_no_other_arguments() {
        let asked = json!({ "to": "ana" });
        let other = json!({ "to": "ben" });
        let approve = |edited, stated: Value| verdict(&asked, Outcome::Approved, edited, &stated);
        assert_eq!(approve(Value::Null, json!({})), Ok(()));
        assert_eq!(approve(asked.clone(), json!({ "args": null })), Ok(()));
        let same = json!({ "action": "send", "args": { "to": "ana" } });
        assert_eq!(approve(Value::Null, json!({ "args": same })), Ok(()));
        for (edited, stated) in [
            (other.clone(), json!({})),
            (
                Value::Null,
                json!({ "args": { "action": "send", "args": other } }),
            ),
            (
                Value::Null,
                json!({ "edited_action": { "name": "send", "args": other } }),
            ),
        ] {
            assert!(approve(edited, stated.clone()).is_err(), "{stated}");
        }
    }
}
