//! Everything the review page shows about one revision.

use std::{fmt::Write as _, sync::Arc};

use countersign_protocol::{
    HandoffId, contract,
    decision::{ChangeRequest, Outcome},
    dialect::{self, Format},
    event::Accepted,
    handoff::{Handoff, Trigger},
    transfer::Why,
};
use countersign_web::desk::{
    Base, Caller, Check, DeliveryRow, DeskError, EditsDesk, Effect, Files, RequestRow, Review,
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

use super::{
    LedgerDesk,
    access::visible_card,
    base, commands,
    origins::origins,
    partial, requests,
    row::is_waiting,
    timeline,
    votes::{effects_of, takes_many},
};
use crate::{
    ledger::{Card, CardDecision, Revision, decision_document},
    policy,
};

/// Largest document that is shown whole, in bytes.
pub(super) const SHOWN: u64 = contract::MAX_BYTES as u64;
/// So much of what a check said is shown, in bytes.
const SAID: u64 = 64 * 1024;

impl LedgerDesk {
    pub(super) async fn review_page(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: Option<u32>,
        base: Option<u32>,
    ) -> Result<Review, DeskError> {
        let (card, shown, base) = {
            let state = self.ledger.state();
            let card = visible_card(&state, who, id)?;
            let missing = |number| DeskError::NotFound(format!("{id} revision {number}"));
            let shown = match revision {
                None => Arc::clone(card.newest()),
                Some(number) => Arc::clone(card.revision(number).ok_or_else(|| missing(number))?),
            };
            let base = match base {
                Some(number) => base::numbered(&state, &card, who, number)?,
                None => base::fitting(&state, &card, who, shown.accepted.revision),
            };
            (card, shown, base)
        };
        let document = self.bytes(shown.accepted.manifest.document, SHOWN).await?;
        let document = document.and_then(|bytes| String::from_utf8(bytes).ok());
        let handoff = document.as_deref().and_then(parsed);
        let before = base.as_ref().map(|base| &base.revision);
        let files = self.compared(&shown, before).await?;
        let evidence = self.evidence(&card, &shown, handoff.as_ref()).await?;
        let said = (handoff.as_ref(), document);
        let base = base.map(|base| base.base);
        let mut review = self.assembled(who, &card, &shown, base, said, files);
        review.evidence = evidence;
        review.checks.extend(self.of_commands(&card, &shown).await?);
        if let Some(row) = review.row.partial.as_deref() {
            review.checks.push(partial::check(row));
            review.partial_end = self.end_of_partial(who, id, row.seen.through).await?;
        }
        (review.threads, review.drafts) = self.said(who, &card, &shown).await?;
        if let Caller::Person(person) = who {
            review.viewed = self.ticked(person, id).await?;
            // Agents get a result when a person let it pass.
            let result = self.held_result(&card, shown.accepted.revision).await?;
            review.result = result.map(Box::new);
            review.edits = EditsDesk::edits(self, person, id).await?;
        }
        Ok(review)
    }

    /// What the operator's checks found about a revision, with what they said.
    async fn of_commands(&self, card: &Card, shown: &Revision) -> Result<Vec<Check>, DeskError> {
        let accepted = &shown.accepted;
        let Some(checked) = card.checked(accepted.revision) else {
            let pending = accepted.checks.iter().map(|owed| Check {
                ok: !owed.on_failure.is_required(),
                verified: true,
                text: format!("The check {} is not over", owed.name),
                said: None,
            });
            return Ok(pending.collect());
        };
        let mut checks = Vec::with_capacity(checked.results.len());
        for result in &checked.results {
            let said = self.bytes(result.output_sha256, SAID).await?;
            let said = said.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            checks.push(Check {
                ok: result.passed(),
                verified: true,
                text: result.words(),
                said: said.filter(|text| !text.trim().is_empty()),
            });
        }
        Ok(checks)
    }

    fn assembled(
        &self,
        who: &Caller,
        card: &Card,
        shown: &Revision,
        base: Option<Base>,
        (handoff, document): (Option<&Handoff>, Option<String>),
        files: Files,
    ) -> Review {
        let accepted = &shown.accepted;
        let state = self.ledger.state();
        let current = is_waiting(card) && card.newest().accepted.revision == accepted.revision;
        let mut possible = if current && matches!(who, Caller::Person(_)) {
            answers(accepted, handoff, &requests::stated(handoff))
        } else {
            Vec::new()
        };
        if !possible.is_empty() && takes_many(card) {
            possible.push("abstain".to_owned());
        }
        let mut effects = effects_of(card);
        let steps = self.no_answer(card, &self.zone_of(who));
        let stop = card.stopped().filter(|_| current);
        let stop = stop.filter(|stop| stop.stopped.why.goes_on_when_approved());
        if let Some(approve) = effects.iter_mut().find(|effect| effect.answer == "approve")
            && let Some(stop) = stop
        {
            let to = &stop.stopped.to;
            let _ = match stop.stopped.why {
                Why::UnsureResult => {
                    write!(approve.text, " The result of {to} goes on to its receiver.")
                }
                _ => write!(approve.text, " Then {to} gets the task."),
            };
        }
        if let Some(none) = effects.iter_mut().find(|effect| effect.answer == "none")
            && let Some(steps) = steps
        {
            none.text = steps;
        }
        let effects = effects.into_iter();
        let (position, previous, next) = self.neighbours(&state, who, card.id);
        let decision = card.decision(accepted.revision);
        let lines = |pick: fn(&Handoff) -> &Vec<String>| {
            handoff
                .map(|handoff| pick(handoff).clone())
                .unwrap_or_default()
        };
        let allowed = |answer: &String| {
            let Some(outcome) = Outcome::of_answer(answer) else {
                return false;
            };
            if super::undo::is_held(card, who) {
                return false;
            }
            if answer == "edit" && super::edits::takes_edits(card).is_err() {
                return false;
            }
            let needed = commands::needed(outcome);
            who.may_on(needed, card.id, &card.workspace)
                && self.vote_counts(&state, card, who, outcome)
        };
        let answers: Vec<String> = possible
            .iter()
            .filter(|one| allowed(one))
            .cloned()
            .collect();
        // A reader who may not answer sees what others can; an abstention or an edit is nothing to count on.
        let told: Vec<&String> = if answers.is_empty() {
            let is_usual = |one: &&String| !matches!(one.as_str(), "abstain" | "edit");
            possible.iter().filter(is_usual).collect()
        } else {
            answers.iter().collect()
        };
        let offered =
            |answer: &str| (answer == "none" && current) || told.iter().any(|one| *one == answer);
        let effects: Vec<Effect> = effects
            .filter(|effect| offered(effect.answer))
            .map(|effect| Effect {
                answer: effect.answer.to_owned(),
                text: effect.text,
            })
            .collect();
        Review {
            approval: self.approval_of(&state, card),
            partial_end: None,
            result: None,
            terms: card
                .routing
                .as_ref()
                .map(|one| one.routed.terms)
                .unwrap_or_default(),
            reasons: self.reasons_of(card),
            requests: requests::stated(handoff),
            row: self.growing_row(&state, card, who),
            revision: accepted.revision,
            manifest_sha256: accepted.manifest_sha256,
            sender: policy::sender(&accepted.principal),
            ask: ask(accepted, handoff),
            summary: handoff
                .and_then(|handoff| handoff.summary.clone().or_else(|| handoff.reason.clone())),
            completed: lines(|handoff| &handoff.completed),
            remaining: lines(|handoff| &handoff.remaining),
            pitfalls: lines(|handoff| &handoff.pitfalls_hit),
            choices: lines(|handoff| &handoff.decisions),
            questions: lines(|handoff| &handoff.questions),
            effects,
            answers,
            observed: accepted.observed.clone(),
            checks: checks(accepted)
                .into_iter()
                .chain(policy_stop(card, accepted))
                .chain(kept_to(card, shown, self.clock.now()))
                .chain(super::lock_rows::written(&state, accepted))
                .collect(),
            evidence: Vec::new(),
            files,
            base,
            bases: base::choices(&state, card, who, accepted.revision),
            earlier_requests: earlier_requests(card, accepted.revision),
            timeline: timeline::timeline(&state, card, &|id| self.name_of(id)),
            care: self.care_of(card),
            threads: Vec::new(),
            drafts: Vec::new(),
            edits: Vec::new(),
            viewed: std::collections::BTreeSet::new(),
            facts: facts(accepted, handoff),
            warnings: accepted.warnings.clone(),
            decision: decision.and_then(|decision| decision_document(&state, card, decision)),
            delivered: decision.is_some_and(|decision| decision.delivered.is_some()),
            delivery: decision.and_then(|decision| delivery(card, decision)),
            position,
            previous,
            next,
            document,
        }
    }

    /// What happens when nobody answers: the steps of the ladder that are left, with their times in `zone`.
    fn no_answer(&self, card: &Card, zone: &TimeZone) -> Option<String> {
        let routing = card.routing.as_ref()?;
        let left = routing.routed.ladder.iter().skip(routing.taken.len());
        let steps: Vec<String> = left
            .map(|step| {
                let words = policy::words::step(step, &|id| self.name_of(id));
                let at = step.at.to_zoned(zone.clone());
                format!("{words} ({})", at.strftime("%Y-%m-%d %H:%M %Z"))
            })
            .collect();
        (!steps.is_empty())
            .then(|| format!("{}. It is never approved by timeout.", steps.join(". ")))
    }
}

pub(super) fn parsed(document: &str) -> Option<Handoff> {
    let format = if document.trim_start().starts_with('{') {
        Format::Json
    } else {
        Format::Yaml
    };
    let document = dialect::read(document.as_bytes(), format).ok()?;
    contract::read_accepted(&document)
}

/// The one sentence that the agent asks: its first request or question, else its task.
fn ask(accepted: &Accepted, handoff: Option<&Handoff>) -> String {
    let asked = handoff.and_then(|handoff| {
        let prompt = handoff
            .requests
            .iter()
            .find_map(|request| request.prompt.clone());
        prompt.or_else(|| handoff.questions.first().cloned())
    });
    asked.unwrap_or_else(|| match handoff.and_then(|handoff| handoff.task.clone()) {
        Some(task) if handoff.is_some_and(|handoff| handoff.title.is_some()) => task,
        _ => accepted.title.clone(),
    })
}

/// Returns the answers to the whole that make sense: asking for changes and rejecting always do; the others where each
/// request takes them.
fn answers(accepted: &Accepted, handoff: Option<&Handoff>, asked: &[RequestRow]) -> Vec<String> {
    if !accepted.violated.is_empty() {
        return vec!["approve".to_owned()];
    }
    let is_stated = asked.iter().any(|request| !request.allowed.is_empty());
    let takes = |outcome| asked.iter().all(|request| request.takes(outcome));
    let question = handoff.is_some_and(|handoff| {
        let kind =
            |request: &RequestRow| matches!(request.kind.as_deref(), Some("question" | "input"));
        !handoff.questions.is_empty() || asked.iter().any(kind)
    });
    let stopped = accepted.trigger == Trigger::Error || accepted.stalled.is_some();
    let has_files = accepted
        .manifest
        .entries
        .iter()
        .any(|entry| super::edits::could_be_edited(entry));
    // One value cannot answer several requests.
    let is_one_value = asked.len() == 1 || asked.iter().all(|one| one.response_schema.is_none());
    [
        ("approve", takes(Outcome::Approved)),
        ("edit", has_files && takes(Outcome::Edited)),
        ("changes", true),
        ("reject", true),
        (
            "respond",
            takes(Outcome::Responded) && is_one_value && (is_stated || question || stopped),
        ),
        ("ignore", takes(Outcome::Ignored) && is_stated),
    ]
    .into_iter()
    .filter(|(_, offered)| *offered)
    .map(|(answer, _)| answer.to_owned())
    .collect()
}

fn checks(accepted: &Accepted) -> Vec<Check> {
    let entries = &accepted.manifest.entries;
    let check = |ok: bool, text: String| Check {
        ok,
        verified: true,
        text,
        said: None,
    };
    let mut checks = vec![check(
        true,
        format!("Contract 1.0 holds, profile {}", accepted.profile.name()),
    )];
    match entries.len() {
        0 => {}
        1 => checks.push(check(true, "1 file sealed by digest".to_owned())),
        many => checks.push(check(true, format!("{many} files sealed by digest"))),
    }
    let not_kept = entries.iter().filter(|entry| !entry.kept).count();
    if not_kept > 0 {
        checks.push(check(
            false,
            format!("{not_kept} too large to keep; only the digest is sealed"),
        ));
    }
    let undeclared = entries.iter().filter(|entry| !entry.declared).count();
    if undeclared > 0 {
        checks.push(check(
            false,
            format!("{undeclared} came along without being named"),
        ));
    }
    match accepted.warnings.len() {
        0 => {}
        1 => checks.push(check(false, "1 warning about the document".to_owned())),
        many => checks.push(check(false, format!("{many} warnings about the document"))),
    }
    checks.extend(origins(accepted));
    checks
}

/// How the answer, or the time without one, keeps to the envelope that the agent stated.
fn kept_to(card: &Card, shown: &Revision, now: Timestamp) -> Vec<Check> {
    let accepted = &shown.accepted;
    let decided = card.decision(accepted.revision).map(|decision| decision.at);
    let Some(answered) = accepted.envelope.answered(shown.at, decided.unwrap_or(now)) else {
        return Vec::new();
    };
    let check = |ok: bool, text: String| Check {
        ok,
        verified: true,
        text,
        said: None,
    };
    let mut checks = Vec::new();
    if let (Some(budget), Some(ok)) = (answered.latency_budget_ms, answered.within_budget) {
        let budget = seconds(budget);
        let so_far = seconds(answered.latency_ms);
        let text = match decided {
            Some(_) => format!("Answered after {so_far}; the agent hoped for {budget}"),
            None => format!("Waits since {so_far}; the agent hopes for an answer within {budget}"),
        };
        checks.push(check(ok, text));
    }
    if let Some(over) = card.timed_out_at(accepted.revision) {
        let text = format!(
            "No answer until {over}: the agent no longer counts on one. Nothing was decided by that"
        );
        checks.push(check(false, text));
    }
    if let Some(format) = &accepted.envelope.expected_output_format {
        checks.push(check(true, format!("An answer in words must be {format}")));
    }
    checks
}

fn seconds(milliseconds: u64) -> String {
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        _ => format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100),
    }
}

/// Returns where the answer of `decision` stands, or could not be put.
fn delivery(card: &Card, decision: &CardDecision) -> Option<DeliveryRow> {
    if let Some(known) = &decision.delivered {
        let accepted = &card.revision(decision.decided.revision)?.accepted;
        let places = match known.places.as_slice() {
            [] => std::slice::from_ref(&accepted.at),
            places => places,
        };
        return Some(DeliveryRow {
            delivered: true,
            folders: places.iter().map(timeline::folder).collect(),
            at: known.at,
        });
    }
    let failed = card.undelivered.as_ref()?;
    (failed.answer == decision.seq).then(|| DeliveryRow {
        delivered: false,
        folders: vec![timeline::folder(&failed.place)],
        at: failed.at,
    })
}

fn earlier_requests(card: &Card, shown: u32) -> Vec<ChangeRequest> {
    let earlier = card.decisions.iter().rfind(|decision| {
        decision.decided.revision < shown && decision.decided.outcome == Outcome::ChangesRequested
    });
    let Some(decision) = earlier else {
        return Vec::new();
    };
    let decided = &decision.decided;
    let whole = decided.comment.iter().map(|comment| ChangeRequest {
        id: "note".to_owned(),
        text: comment.clone(),
        ..ChangeRequest::default()
    });
    let requests = decided.requests.iter().map(|request| ChangeRequest {
        thread: card.thread_of(decision.seq, &request.id),
        ..request.clone()
    });
    whole.chain(requests).collect()
}

/// What the agent states about itself and its work, for the side of the page.
fn facts(accepted: &Accepted, handoff: Option<&Handoff>) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut fact = |label: &str, value: Option<String>| {
        facts.extend(
            value
                .filter(|value| !value.is_empty())
                .map(|value| (label.to_owned(), value)),
        );
    };
    let text = |pointer: &str| {
        let value = handoff?.document.pointer(pointer)?;
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    };
    fact(
        "Model",
        join([
            text("/provenance/model/provider"),
            text("/provenance/model/model"),
        ]),
    );
    fact(
        "Adapter",
        join([
            text("/provenance/model/adapter"),
            text("/provenance/model/adapter_version"),
        ]),
    );
    fact("Why this model", text("/provenance/model/rationale"));
    fact(
        "Under policies",
        handoff.and_then(|handoff| list(handoff.document.pointer("/provenance/model/policy")?)),
    );
    let routes = handoff.and_then(|handoff| handoff.document.pointer("/provenance/routes"));
    for route in routes.and_then(Value::as_array).into_iter().flatten() {
        fact("Tried", tried(route));
    }
    fact(
        "Provider",
        join([
            accepted.envelope.provider_id.clone(),
            accepted
                .envelope
                .adapter_version
                .as_ref()
                .map(|version| format!("adapter {version}")),
        ]),
    );
    fact("Session", accepted.session_id.clone());
    fact("Task id", accepted.task_id.clone());
    fact("Its own id", accepted.agent_handoff_id.clone());
    let party = |at: &str| {
        let field = |name: &str| text(&format!("{at}/{name}"));
        join([
            field("id"),
            field("name"),
            field("kind"),
            field("version"),
            field("provider"),
            field("model"),
            field("session_id").map(|id| format!("session {id}")),
        ])
    };
    fact("Calls itself", party("/from_agent"));
    fact(
        "For",
        party("/to_agent").or_else(|| accepted.to_agent.clone()),
    );
    fact("Written at", text("/created_at"));
    fact(
        "Regulatory reference",
        text("/regulatory_reference").or_else(|| {
            handoff.and_then(|handoff| list(handoff.document.pointer("/regulatory_reference")?))
        }),
    );
    fact(
        "Confidence rests on",
        handoff.and_then(|handoff| handoff.confidence.as_ref()?.basis.clone()),
    );
    fact("Represents", text("/scope/represents"));
    fact(
        "Excludes",
        handoff.and_then(|handoff| list(handoff.document.pointer("/scope/excludes")?)),
    );
    fact(
        "Read",
        handoff.and_then(|handoff| list(handoff.document.pointer("/provenance/inputs")?)),
    );
    fact(
        "Tools",
        handoff.and_then(|handoff| list(handoff.document.pointer("/provenance/tools")?)),
    );
    fact(
        "Used",
        join([
            text("/provenance/usage/input_tokens").map(|count| format!("{count} tokens in")),
            text("/provenance/usage/output_tokens").map(|count| format!("{count} tokens out")),
            text("/provenance/usage/cost/amount"),
            text("/provenance/usage/cost/currency"),
        ]),
    );
    fact(
        "Expected back",
        text("/expected_output/description").or_else(|| text("/expected_output")),
    );
    fact(
        "Fallback",
        text("/fallback").or_else(|| join([text("/fallback/action"), text("/fallback/reason")])),
    );
    fact("Classification", text("/classification"));
    fact("Written as", Some(accepted.dialect.clone()));
    facts
}

/// Why a person is asked instead of an agent, as a line among the checks.
fn policy_stop(card: &Card, accepted: &Accepted) -> Option<Check> {
    let stop = &card.stopped()?.stopped;
    let text = match stop.why {
        Why::UnsureResult => format!("{}; it goes on when it is approved", stop.text),
        why if why.goes_on_when_approved() => {
            format!(
                "{} gets it when it is approved. Why not before: {}",
                stop.to, stop.text
            )
        }
        _ => return None,
    };
    (stop.revision == accepted.revision).then_some(Check {
        ok: false,
        verified: true,
        text,
        said: None,
    })
}

/// A provider that the agent tried: which, what came of it, and why it was chosen.
fn tried(route: &Value) -> Option<String> {
    let text = |name: &str| route.get(name)?.as_str().map(str::to_owned);
    let named = join([text("provider"), text("model"), text("outcome")])?;
    Some(match text("rationale") {
        Some(why) => format!("{named}: {why}"),
        None => named,
    })
}

fn join<const N: usize>(parts: [Option<String>; N]) -> Option<String> {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn list(value: &Value) -> Option<String> {
    let names = value.as_array()?.iter().filter_map(|item| match item {
        Value::String(text) => Some(text.clone()),
        Value::Object(fields) => ["name", "uri"]
            .iter()
            .find_map(|key| fields.get(*key)?.as_str().map(str::to_owned)),
        _ => None,
    });
    let names: Vec<String> = names.collect();
    Some(names.join(", "))
}
