//! The requests of a handoff, and answers to them one by one. Every door that answers passes here: pages, API,
//! command line, links in mails, words of other tools, batches, edits, guests, and answers whose undo window is over.

mod edited;

use countersign_protocol::{
    HandoffId,
    decision::{Outcome, RequestAnswer},
    dialect::answers::together,
    handoff::{Handoff, Request},
};
use countersign_web::desk::{ActionRow, Answer, DeskError, RequestRow};
use serde_json::{Map, Value};

use super::{LedgerDesk, page, votes::takes_many};
use crate::contracts::check_response;

/// The largest answers to all requests together, in bytes of JSON.
const MAX_ANSWER_BYTES: usize = 256 * 1024;
/// The largest document of a handoff.
const MAX_DOCUMENT_BYTES: u64 = countersign_protocol::contract::MAX_BYTES as u64;

/// Returns what the agent asks, in its order.
pub(super) fn stated(handoff: Option<&Handoff>) -> Vec<RequestRow> {
    let requests = handoff.into_iter().flat_map(|handoff| &handoff.requests);
    requests.map(row).collect()
}

fn row(request: &Request) -> RequestRow {
    let mut other = request.stated.clone();
    let mut take = |name: &str| other.shift_remove(name);
    let action = take("action").and_then(|action| match action {
        Value::Object(mut fields) => {
            let name = fields.shift_remove("name")?.as_str()?.to_owned();
            let arguments = fields.shift_remove("arguments").unwrap_or_default();
            Some(ActionRow {
                name,
                arguments,
                other: fields,
            })
        }
        _ => None,
    });
    let paths = take("artifacts");
    let paths = paths.as_ref().and_then(Value::as_array);
    let artifacts = paths
        .into_iter()
        .flatten()
        .filter_map(|path| path.as_str().map(str::to_owned))
        .collect();
    let expires = take("expires_at");
    let expires = expires.as_ref().and_then(Value::as_str);
    RequestRow {
        id: request.id.clone(),
        kind: request.kind.clone(),
        prompt: request.prompt.clone(),
        action,
        allowed: request.allowed.clone(),
        response_schema: take("response_schema"),
        expires_at: expires.and_then(|text| text.parse().ok()),
        artifacts,
        other,
    }
}

fn invalid(field: &str, message: impl Into<String>) -> DeskError {
    DeskError::Invalid {
        field: field.to_owned(),
        message: message.into(),
    }
}

fn wrong(message: impl Into<String>) -> DeskError {
    invalid("answers", message)
}

impl LedgerDesk {
    /// Returns `answer` with its answers in the order of the requests, or what is wrong with them: each request has
    /// exactly one answer, of those that it takes.
    pub(super) async fn answers_requests(
        &self,
        id: HandoffId,
        answer: Answer,
    ) -> Result<Answer, DeskError> {
        let (document, many) = {
            let state = self.ledger.state();
            let Some(card) = state.card(id) else {
                return Err(DeskError::NotFound(id.to_string()));
            };
            let revision = card.revision(answer.revision);
            let document = revision.map(|one| one.accepted.manifest.document);
            (document, takes_many(card))
        };
        // Of a revision that there is not, nothing is asked; the job that records says so.
        let Some(document) = document else {
            return Ok(answer);
        };
        let bytes = self.bytes(document, MAX_DOCUMENT_BYTES).await?;
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        let asked = stated(text.as_deref().and_then(page::parsed).as_ref());
        if answer.answers.is_empty() {
            return as_whole(id, &asked, answer);
        }
        // A value that was taken from the words of the whole comes back with the undo window.
        let is_whole = answer.answers.len() == 1 && answer.outcome == Outcome::Responded;
        if many && !is_whole {
            let why = "several people decide here, so that it is decided as a whole";
            return Err(wrong(why));
        }
        let answers = ordered(id, &asked, answer.answers)?;
        let answer = Answer { answers, ..answer };
        agrees(&answer)?;
        let mut answers = Vec::with_capacity(answer.answers.len());
        for (at, one) in answer.answers.iter().enumerate() {
            answers.push(match asked.get(at) {
                Some(request) => fitting(request, one)?,
                None => one.clone(),
            });
        }
        Ok(Answer { answers, ..answer })
    }
}

/// Checks an answer to the whole, which is the answer to each request.
fn as_whole(id: HandoffId, asked: &[RequestRow], answer: Answer) -> Result<Answer, DeskError> {
    let outcome = answer.outcome;
    // To send it back or to stop it is always possible.
    let is_open =
        !(outcome.is_approval() || matches!(outcome, Outcome::Responded | Outcome::Ignored));
    if is_open {
        return Ok(answer);
    }
    if let Some(request) = asked.iter().find(|one| !one.takes(outcome)) {
        let word = outcome.answer().unwrap_or_default();
        return Err(invalid(
            "outcome",
            format!(
                "`{}` of {id} takes no `{word}`, only {}; answer it by itself, or the whole otherwise",
                request.id,
                request.taken()
            ),
        ));
    }
    let wants_value = |one: &&RequestRow| one.response_schema.is_some();
    if outcome != Outcome::Responded || !asked.iter().any(|one| wants_value(&one)) {
        return Ok(answer);
    }
    let [only] = asked else {
        let ids: Vec<_> = asked
            .iter()
            .filter(wants_value)
            .map(|one| format!("`{}`", one.id))
            .collect();
        let why = format!(
            "{} of {id} asks for a value; answer the requests one by one",
            ids.join(", ")
        );
        return Err(invalid("outcome", why));
    };
    let one = RequestAnswer {
        request: Some(only.id.clone()),
        outcome,
        comment: answer.comment.clone(),
        edited: None,
        value: None,
        stated: Map::new(),
    };
    let answers = vec![fitting(only, &one)?];
    Ok(Answer { answers, ..answer })
}

/// Returns one answer for each of `asked`, in their order. Either all answers name their request or none does.
fn ordered(
    id: HandoffId,
    asked: &[RequestRow],
    answers: Vec<RequestAnswer>,
) -> Result<Vec<RequestAnswer>, DeskError> {
    let is_asked = |name: &String| asked.iter().any(|one| one.id == *name);
    let mut names = answers.iter().filter_map(|one| one.request.as_ref());
    if let Some(name) = names.find(|name| !is_asked(name)) {
        return Err(wrong(format!("{id} has no request `{name}`")));
    }
    let (wanted, given) = (asked.len().max(1), answers.len());
    if wanted != given {
        return Err(wrong(format!(
            "{id} has {} requests, and {given} are answered; each needs an answer of its own",
            asked.len()
        )));
    }
    let named = answers.iter().filter(|one| one.request.is_some()).count();
    if named == 0 {
        return Ok(answers);
    }
    if named < given {
        return Err(wrong("name the request of each answer, or of none"));
    }
    let mut left = answers;
    let mut ordered = Vec::with_capacity(given);
    for request in asked {
        let at = left
            .iter()
            .position(|one| one.request.as_ref() == Some(&request.id));
        let at = at.ok_or_else(|| wrong(format!("`{}` is not answered", request.id)))?;
        ordered.push(left.remove(at));
    }
    Ok(ordered)
}

/// Checks that the answers, and the one to the whole, say the same.
fn agrees(answer: &Answer) -> Result<(), DeskError> {
    let all = &answer.answers;
    let known =
        |one: &RequestAnswer| one.outcome.answer().is_some() && one.outcome != Outcome::Abstained;
    if !all.iter().all(known) {
        return Err(wrong(
            "a request is approved, edited, rejected, responded, ignored or sent back",
        ));
    }
    // What is released is the handoff, not a request of it.
    let approves = |one: &RequestAnswer| one.outcome.is_approval();
    if answer.outcome.is_approval() && !all.iter().all(approves) {
        return Err(wrong(
            "the whole is not approved while one of its requests is not",
        ));
    }
    let together = together(all);
    let is_stricter = matches!(
        answer.outcome,
        Outcome::Rejected | Outcome::ChangesRequested
    );
    let is_same =
        answer.outcome == together || (answer.outcome.is_approval() && together.is_approval());
    if !is_same && !is_stricter {
        let word = together.answer().unwrap_or_default();
        return Err(wrong(format!(
            "these answers together are `{word}`, and the whole says something else"
        )));
    }
    let size = serde_json::to_vec(all).map_or(usize::MAX, |text| text.len());
    if size > MAX_ANSWER_BYTES {
        return Err(wrong(format!(
            "at most {MAX_ANSWER_BYTES} bytes of answers fit here"
        )));
    }
    Ok(())
}

/// Returns the answer to `request` with its value, or why the request does not take it.
fn fitting(request: &RequestRow, answer: &RequestAnswer) -> Result<RequestAnswer, DeskError> {
    let id = &request.id;
    if !request.takes(answer.outcome) {
        let word = answer.outcome.answer().unwrap_or_default();
        let taken = request.taken();
        return Err(wrong(format!("`{id}` takes no `{word}`, only {taken}")));
    }
    edited::check(request, answer).map_err(|why| wrong(format!("`{id}`: {why}")))?;
    let value = value(request, answer).map_err(|why| wrong(format!("`{id}`: {why}")))?;
    Ok(RequestAnswer {
        value,
        ..answer.clone()
    })
}

/// Returns the typed value of an answer. Where none is given, the words of the answer are read as one.
fn value(request: &RequestRow, answer: &RequestAnswer) -> Result<Option<Value>, String> {
    let Some(schema) = &request.response_schema else {
        return match &answer.value {
            Some(_) => Err("it asks for no value; answer in words".to_owned()),
            None => Ok(None),
        };
    };
    let goes_on = answer.outcome.is_approval() || answer.outcome == Outcome::Responded;
    // Tools that send a form back have its values where a changed action would be.
    let form = answer.edited.as_ref();
    let form = form.filter(|value| request.action.is_none() && !value.is_null());
    match answer.value.as_ref().or(form) {
        Some(_) if !goes_on => {
            Err("only an answer that lets the agent go on has a value".to_owned())
        }
        Some(value) => checked(schema, value),
        None if answer.outcome == Outcome::Responded => {
            let words = answer.comment.as_deref().unwrap_or_default().trim();
            let text = Value::String(words.to_owned());
            let parsed: Option<Value> = serde_json::from_str(words).ok();
            // `12` is a number where the schema takes one, else text.
            match parsed.map(|value| checked(schema, &value)) {
                Some(Ok(value)) => Ok(value),
                Some(Err(why)) => checked(schema, &text).map_err(|_| why),
                None => checked(schema, &text),
            }
        }
        None => Ok(None),
    }
}

fn checked(schema: &Value, value: &Value) -> Result<Option<Value>, String> {
    check_response(schema, value)
        .map(|()| Some(value.clone()))
        .map_err(|why| format!("the value does not keep the schema of the agent: {why}"))
}

#[cfg(test)]
mod tests;
