//! What the agent asks thing by thing, and the fields to answer so. Each field names the place of its request in the
//! list, which the digest in the form binds.

use std::collections::BTreeMap;

use countersign_protocol::decision::{Outcome, RequestAnswer};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    artifact::FileName,
    value_form::{TypedValue, ValueForm, ValueFormView},
    view::{Now, When},
};
use crate::{desk::RequestRow, render::visible::visible_json};

/// The value of the button that sends them all.
pub(super) const EACH: &str = "each";
/// What the names of the fields begin with; the place of the request follows.
pub(super) const FIELD: &str = "each.";
/// More requests than a handoff has.
const MOST: usize = 64;

/// The answers, with their words in the form.
const ANSWERS: [(&str, &str); 5] = [
    ("approve", "Approve"),
    ("edit", "Approve as changed"),
    ("reject", "Reject"),
    ("respond", "Answer"),
    ("ignore", "Set aside"),
];

/// What was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chosen(BTreeMap<usize, Said>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Said {
    answer: String,
    words: String,
    arguments: Option<String>,
    value: TypedValue,
}

impl Chosen {
    /// Takes the field `name`; `None` for one that the form does not have.
    pub(super) fn take(&mut self, name: &str, value: String) -> Option<()> {
        let (at, part) = name.strip_prefix(FIELD)?.split_once('.')?;
        let at = at.parse().ok().filter(|at| *at < MOST)?;
        let said = self.0.entry(at).or_default();
        match part {
            "answer" => said.answer = value,
            "words" => said.words = value,
            "arguments" => said.arguments = Some(value),
            "json" => said.value.json(value),
            field => {
                let at = field.strip_prefix("field.")?.parse().ok()?;
                said.value.field(at, value)?;
            }
        }
        Some(())
    }

    /// Whether something was chosen or said. What can be changed is there from the start.
    pub(super) fn is_begun(&self) -> bool {
        let mut said = self.0.values();
        said.any(|said| {
            !said.answer.is_empty() || !said.words.trim().is_empty() || said.value.is_begun()
        })
    }

    /// The answers to `requests`, in their order, or what is missing.
    pub(super) fn answers(&self, requests: &[RequestRow]) -> Result<Vec<RequestAnswer>, String> {
        let each = requests.iter().enumerate();
        each.map(|(at, request)| self.answer(at, request)).collect()
    }

    fn answer(&self, at: usize, request: &RequestRow) -> Result<RequestAnswer, String> {
        let id = &request.id;
        let said = self.0.get(&at).filter(|said| !said.answer.is_empty());
        let said = said.ok_or_else(|| format!("Answer `{id}` too, or the whole below"))?;
        let outcome = Outcome::of_answer(&said.answer);
        let offered = offered(request).any(|(value, _)| value == said.answer);
        let outcome = outcome
            .filter(|_| offered)
            .ok_or_else(|| format!("`{id}` has no such answer"))?;
        let comment = Some(said.words.trim().to_owned()).filter(|words| !words.is_empty());
        let value = said.value(request, outcome)?;
        if outcome == Outcome::Responded && comment.is_none() && value.is_none() {
            return Err(format!("Write the answer to `{id}`"));
        }
        let edited = (outcome == Outcome::Edited)
            .then(|| said.edited(request))
            .transpose()?;
        Ok(RequestAnswer {
            request: Some(id.clone()),
            outcome,
            comment,
            edited,
            value,
            stated: Map::new(),
        })
    }
}

impl Said {
    /// Returns the typed answer, where the request takes one.
    fn value(&self, request: &RequestRow, outcome: Outcome) -> Result<Option<Value>, String> {
        let goes_on = outcome.is_approval() || outcome == Outcome::Responded;
        let Some(schema) = request.response_schema.as_ref().filter(|_| goes_on) else {
            return Ok(None);
        };
        let value = ValueForm::of(schema).read(&self.value);
        value.map_err(|why| format!("`{}`: {why}", request.id))
    }

    /// The action with the arguments that stand in the form.
    fn edited(&self, request: &RequestRow) -> Result<Value, String> {
        let id = &request.id;
        let action = request.action.as_ref();
        let action = action.ok_or_else(|| format!("`{id}` names no action to change"))?;
        let text = self.arguments.as_deref().unwrap_or_default();
        let changed: Value = serde_json::from_str(text)
            .map_err(|error| format!("The arguments of `{id}` are no JSON: {error}"))?;
        let unpacked = unpacked(&action.arguments);
        if changed == *unpacked.as_ref().unwrap_or(&action.arguments) {
            return Err(format!(
                "The arguments of `{id}` are as they were: approve it"
            ));
        }
        // They go back as they came: JSON in a text.
        let arguments = match unpacked {
            Some(_) => Value::String(changed.to_string()),
            None => changed,
        };
        Ok(json!({ "name": action.name, "arguments": arguments }))
    }
}

/// Returns the object or list in a text of JSON, as function calls of some tools have their arguments.
fn unpacked(arguments: &Value) -> Option<Value> {
    let value: Value = serde_json::from_str(arguments.as_str()?).ok()?;
    (value.is_object() || value.is_array()).then_some(value)
}

fn offered(request: &RequestRow) -> impl Iterator<Item = (&'static str, &'static str)> {
    ANSWERS.into_iter().filter(move |(value, _)| {
        let outcome = Outcome::of_answer(value);
        outcome.is_some_and(|outcome| request.offers(outcome))
    })
}

/// The requests on the page.
#[derive(Debug, Serialize)]
pub(super) struct EachView {
    items: Vec<ItemView>,
    /// Whether they can be answered one by one.
    open: bool,
    /// What is missing.
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct ItemView {
    at: usize,
    id: String,
    prompt: Option<String>,
    kind: &'static str,
    /// The name of the action and its arguments.
    action: Option<(String, String)>,
    until: Option<When>,
    artifacts: Vec<FileName>,
    /// Value, word, and whether it was chosen.
    answers: Vec<(&'static str, &'static str, bool)>,
    words: String,
    /// The arguments where they can be changed, as typed.
    arguments: Option<String>,
    /// The form for the value that the agent wants.
    value: Option<ValueFormView>,
    /// What else the agent stated with the request and its action, as JSON.
    other: String,
}

impl EachView {
    /// Absent where the one sentence that the agent asks says all of it.
    pub(super) fn new(
        requests: &[RequestRow],
        chosen: &Chosen,
        open: bool,
        error: Option<String>,
        now: Now<'_>,
    ) -> Option<Self> {
        let is_more = |one: &RequestRow| {
            one.action.is_some() || one.response_schema.is_some() || !one.other.is_empty()
        };
        let says_more = requests.len() > 1 || requests.iter().any(is_more);
        let items = requests.iter().enumerate();
        says_more.then(|| Self {
            items: items
                .map(|(at, request)| ItemView::new(at, request, chosen.0.get(&at), now))
                .collect(),
            open,
            error,
        })
    }
}

/// Returns what the agent stated beside the fields that are shown, so that nothing is approved unseen.
fn other(request: &RequestRow) -> String {
    let of_action = request.action.iter().flat_map(|action| &action.other);
    let all: Map<String, Value> = of_action
        .map(|(name, value)| (format!("action.{name}"), value.clone()))
        .chain(request.other.clone())
        .collect();
    if all.is_empty() {
        return String::new();
    }
    visible_json(&format!("{:#}", Value::Object(all)))
}

impl ItemView {
    fn new(at: usize, request: &RequestRow, said: Option<&Said>, now: Now<'_>) -> Self {
        let chosen = said.map_or("", |said| said.answer.as_str());
        let answers: Vec<_> = offered(request)
            .map(|(value, word)| (value, word, value == chosen))
            .collect();
        let action = request.action.as_ref().map(|action| {
            let unpacked = unpacked(&action.arguments);
            let arguments = match unpacked.as_ref().unwrap_or(&action.arguments) {
                Value::Null => String::new(),
                arguments => visible_json(&format!("{arguments:#}")),
            };
            (action.name.clone(), arguments)
        });
        let arguments = answers.iter().any(|(value, ..)| *value == "edit").then(|| {
            let typed = said.and_then(|said| said.arguments.clone());
            let stated = || action.as_ref().map(|(_, arguments)| arguments.clone());
            typed.or_else(stated).unwrap_or_default()
        });
        Self {
            at,
            id: request.id.clone(),
            prompt: request.prompt.clone(),
            kind: match request.kind.as_deref() {
                Some("approve_action") => "action",
                Some("question") => "question",
                Some("input") => "input",
                _ => "request",
            },
            action,
            until: request.expires_at.map(|at| When::new(at, now)),
            artifacts: request
                .artifacts
                .iter()
                .map(|path| FileName::new(path))
                .collect(),
            answers,
            words: said.map(|said| said.words.clone()).unwrap_or_default(),
            arguments,
            value: request.response_schema.as_ref().map(|schema| {
                let nothing = TypedValue::default();
                ValueFormView::new(schema, said.map_or(&nothing, |said| &said.value))
            }),
            other: other(request),
        }
    }
}

#[cfg(test)]
mod tests;
