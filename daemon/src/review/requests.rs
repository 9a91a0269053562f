//! The requests of a handoff, and answers to them one by one.

use countersign_protocol::{
    HandoffId,
    decision::{Outcome, RequestAnswer},
    handoff::{Handoff, Request},
};
use countersign_web::desk::{ActionRow, Answer, Desk as _, DeskError, Person, RequestRow};
use serde_json::Value;

use super::{LedgerDesk, votes::takes_many};

/// The most bytes of all of them together, as JSON.
const MOST_BYTES: usize = 256 * 1024;

/// What the agent asks, in its order.
pub(super) fn stated(handoff: Option<&Handoff>) -> Vec<RequestRow> {
    let requests = handoff.into_iter().flat_map(|handoff| &handoff.requests);
    requests.map(row).collect()
}

fn row(request: &Request) -> RequestRow {
    let stated = &request.stated;
    let action = stated.get("action").and_then(|action| {
        Some(ActionRow {
            name: action.get("name")?.as_str()?.to_owned(),
            arguments: action.get("arguments").cloned().unwrap_or_default(),
        })
    });
    let paths = stated.get("artifacts").and_then(Value::as_array);
    let expires = stated.get("expires_at").and_then(Value::as_str);
    RequestRow {
        id: request.id.clone(),
        kind: request.kind.clone(),
        prompt: request.prompt.clone(),
        action,
        allowed: request.allowed.clone(),
        expires_at: expires.and_then(|text| text.parse().ok()),
        artifacts: paths
            .into_iter()
            .flatten()
            .filter_map(|path| path.as_str().map(str::to_owned))
            .collect(),
    }
}

fn invalid(message: impl Into<String>) -> DeskError {
    DeskError::Invalid {
        field: "answers".to_owned(),
        message: message.into(),
    }
}

impl LedgerDesk {
    /// Refuses answers to requests that there are not, or that say something else than the answer to the whole.
    pub(super) async fn knows_requests(
        &self,
        who: &Person,
        id: HandoffId,
        answer: &Answer,
    ) -> Result<(), DeskError> {
        if answer.answers.is_empty() {
            return Ok(());
        }
        fits(answer)?;
        let many = self
            .ledger
            .state()
            .card(id)
            .is_some_and(|card| takes_many(card));
        if many {
            let why = "several people decide here, so that it is decided as a whole";
            return Err(invalid(why));
        }
        let caller = countersign_web::desk::Caller::Person(who.clone());
        let asked = self.review(&caller, id, None, None).await?.requests;
        let named = answer.answers.iter().filter_map(|one| one.request.as_ref());
        for name in named {
            if !asked.iter().any(|one| one.id == *name) {
                return Err(invalid(format!("{id} has no request `{name}`")));
            }
        }
        if answer.answers.len() > asked.len().max(1) {
            return Err(invalid(format!(
                "{id} has {} requests, and {} are answered",
                asked.len(),
                answer.answers.len()
            )));
        }
        Ok(())
    }
}

fn fits(answer: &Answer) -> Result<(), DeskError> {
    let all = &answer.answers;
    let known =
        |one: &RequestAnswer| one.outcome.answer().is_some() && one.outcome != Outcome::Abstained;
    if !all.iter().all(known) {
        return Err(invalid(
            "a request is approved, edited, rejected, responded, ignored or sent back",
        ));
    }
    // What is released is the handoff, not a request of it.
    let approves = |one: &RequestAnswer| one.outcome.is_approval();
    if answer.outcome.is_approval() && !all.iter().all(approves) {
        return Err(invalid(
            "the whole is not approved while one of its requests is not",
        ));
    }
    let size = serde_json::to_vec(all).map_or(usize::MAX, |text| text.len());
    if size > MOST_BYTES {
        return Err(invalid(format!(
            "at most {MOST_BYTES} bytes of answers fit here"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
