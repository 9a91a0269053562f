//! What people and agents tell the desk. Each is one job of the ledger: it looks at the state that
//! all jobs before it lead to, so of two answers one is the first.

use std::sync::Arc;

use countersign_protocol::{
    Digest, HandoffId,
    access::Permission,
    decision::{ChangeRequest, Outcome},
    event::{Decided, Event},
    place::Place,
    principal::{Actor, Method, Verified},
    state::{HandoffState, NotAllowed},
    terms::Terms,
};
use countersign_web::desk::{Answer, Answered, Caller, DeskError, Person};

use jiff::{SignedDuration, Timestamp};

use super::{
    LedgerDesk,
    access::{actor, person_actor, sees_card},
    partial, unavailable,
    undo::{Ending, held_row},
    votes::on_terms,
};
use crate::{
    fault,
    ledger::{Card, Draft, State, TransactError, decision_document},
    scrub::Scrub,
    store::{Space, Value},
};

/// What an answer takes.
pub(super) fn needed(outcome: Outcome) -> Permission {
    match outcome {
        Outcome::ChangesRequested => Permission::RequestChanges,
        _ => Permission::Decide,
    }
}

/// The time within which the same form is sent again.
const RETRY_LIMIT: SignedDuration = SignedDuration::from_mins(10);
/// Longest comment, in characters.
const MOST_WORDS: usize = 20_000;
/// Most requests in one answer.
const MOST_REQUESTS: usize = 200;

/// What a job refused is told as it is; what the ledger could not do, as something to try again.
pub(super) fn refused(error: TransactError<DeskError>) -> DeskError {
    match error {
        TransactError::Refused(refused) => refused,
        error => unavailable(error),
    }
}

/// Refuses what the person `id` does once their account is disabled. A session or a link from before changes nothing.
pub(super) fn may_act(state: &State, id: &str) -> Result<(), DeskError> {
    if state.is_disabled(id) {
        let why = format!("The account {id} is disabled");
        return Err(DeskError::NotAllowed(why));
    }
    Ok(())
}

impl LedgerDesk {
    /// Returns the account by whose right `who` answers: for a guest, that of the host. The person at this machine
    /// needs none, except for a link in a mail.
    pub(super) fn account_behind(&self, who: &Person) -> Option<String> {
        let invited = self.accounts.outsider(&who.id);
        let id = invited.map_or_else(|| who.id.clone(), |invited| invited.by);
        let is_local = self.local.roster.is_local(&id) && who.method != Method::EmailLink;
        (!is_local).then_some(id)
    }

    /// Refuses an answer that the roles of `who` do not allow.
    pub(super) fn may_answer(
        &self,
        who: &Person,
        id: HandoffId,
        outcome: Outcome,
    ) -> Result<(), DeskError> {
        let needed = needed(outcome);
        self.check_card(&Caller::Person(who.clone()), id, needed)
    }

    /// Refuses to approve what the disk does not give back as it was sealed.
    async fn check_sealed_bytes(&self, id: HandoffId) -> Result<(), DeskError> {
        let Some(card) = self.ledger.state().card(id).cloned() else {
            return Ok(());
        };
        let scrub = Scrub::new(self.ledger.clone(), Arc::clone(&self.objects));
        let damaged = scrub.damaged_in(&card.newest().accepted.manifest).await;
        match damaged.map_err(|error| DeskError::Unavailable(error.to_string()))? {
            None => Ok(()),
            Some(file) => Err(DeskError::Conflict {
                id,
                why: format!(
                    "cannot be approved: {file} is damaged on the disk of the daemon. Ask for changes, so that the agent hands it over again"
                ),
            }),
        }
    }

    /// Takes an answer, at once or when its time to be taken back is over, with how `who` showed that it is them. Every
    /// door that answers ends here, so that each rule about answers holds at all of them. `spent` is written with it.
    pub(super) async fn record_answer(
        &self,
        who: &Person,
        id: HandoffId,
        answer: Answer,
        (ending, verified): (Ending, Option<Verified>),
        spent: Vec<Value>,
    ) -> Result<Answered, DeskError> {
        self.may_answer(who, id, answer.outcome)?;
        self.knows_reasons(id, &answer)?;
        let answer = self.answers_requests(id, answer).await?;
        self.takes_care(who, id, &answer).await?;
        if answer.outcome.is_approval() {
            self.check_sealed_bytes(id).await?;
        }
        let must_verify = self.must_verify(id, answer.outcome);
        let unsent = self.to_send(who, id).await?;
        let sealing = self.sealing(who, id, &answer).await;
        let edits = self.edit_keys(who, id).await?;
        let must_resolve = self.must_resolve(id);
        let own = answer.requests.len();
        let answer = checked(answer, unsent.requests)?;
        let actor = person_actor(who);
        let votes = self.votes();
        let is_held = matches!(ending, Ending::After(_));
        let (me, typed) = (who.id.clone(), answer.care.typed.clone());
        let account = self.account_behind(who);
        let decided = self.ledger.transact(move |state, now| {
            let card = state
                .card(id)
                .ok_or_else(|| DeskError::NotFound(id.to_string()))?;
            if let Some(account) = &account {
                may_act(state, account)?;
            }
            if let Some(seq) = same(state, card, &actor, &answer, own) {
                let known = Draft::nothing(Some(seq));
                return Ok(Draft { values: spent, ..known });
            }
            if ending.stands(card, &me, &answer)?.is_some() {
                return Ok(Draft::nothing(None));
            }
            says_enough(&answer)?;
            terms_hold(&answer, now)?;
            let newest = &card.newest().accepted;
            let moved = answer.revision != newest.revision
                || answer.manifest_sha256 != newest.manifest_sha256;
            if moved {
                return Err(DeskError::Stale {
                    id,
                    revision: newest.revision,
                    manifest_sha256: newest.manifest_sha256,
                    answered: answer.revision,
                });
            }
            if !newest.violated.is_empty() && answer.outcome != Outcome::Approved {
                return Err(DeskError::Invalid {
                    field: "outcome".to_owned(),
                    message: "what was changed is put right already, and nobody is asked for anything: say that you have seen it by approving".to_owned(),
                });
            }
            if answer.outcome == Outcome::Responded
                && let Some(words) = &answer.comment
                && let Err(message) = newest.envelope.check_output(words)
            {
                return Err(DeskError::Invalid {
                    field: "comment".to_owned(),
                    message,
                });
            }
            if let Err(why) = card.state.decided(answer.revision, answer.outcome, now) {
                return Err(DeskError::Conflict {
                    id,
                    why: conflict(card, why),
                });
            }
            if must_verify && verified.is_none() {
                return Err(DeskError::StepUp(id));
            }
            if let open @ 1.. = card.open_threads()
                && must_resolve
                && answer.outcome.is_approval()
            {
                let threads = if open == 1 { "thread" } else { "threads" };
                return Err(DeskError::Invalid {
                    field: "care".to_owned(),
                    message: format!("Resolve the {open} open {threads} first"),
                });
            }
            let partial = partial::answered(state, card, answer.outcome, answer.partial)?;
            let sealing = sealing?;
            let mut requests = answer.requests;
            for request in &mut requests {
                // What is not in the sealed work is asked all the same: a file that should be there.
                if let Some(path) = &request.path {
                    let entry = newest.manifest.get(path);
                    request.sha256 = request.sha256.or(entry.map(|entry| entry.sha256));
                }
            }
            let decided = Decided {
                handoff: id,
                revision: answer.revision,
                manifest_sha256: answer.manifest_sha256,
                outcome: answer.outcome,
                comment: answer.comment,
                reasons: answer.reasons,
                answers: answer.answers,
                requests,
                checked: answer.care.checked,
                edited: sealing.as_ref().map(|sealing| sealing.edited.clone()),
                verified,
                terms: answer.terms,
                partial,
            };
            let is_over = answer.outcome != Outcome::ChangesRequested;
            let held = ending.instead(&actor, &decided, typed, now)?;
            let facts = votes.facts(state, card, actor, decided, now)?;
            if let Some(held) = held {
                // All that goes with it stays with its person until then.
                return Ok(Draft::of(vec![held], None));
            }
            let mut draft = Draft::of(facts, None);
            draft.values.extend(spent);
            // What was sent is a draft no longer, in the same transaction.
            let sent = unsent.keys.into_iter();
            draft
                .values
                .extend(sent.map(|key| (Space::Draft, key, None)));
            draft.objects = sealing.map(|sealing| sealing.objects).unwrap_or_default();
            let edits = edits.into_iter().filter(|_| is_over);
            draft
                .values
                .extend(edits.map(|key| (Space::Edit, key, None)));
            Ok(draft)
        });
        let (known, entries) = decided.await.map_err(refused)?;
        fault::step(if is_held {
            "undo.held"
        } else {
            "decide.after_commit"
        });
        let recorded: Vec<u64> = match known {
            Some(seq) => vec![seq],
            None => entries.iter().map(|entry| entry.seq).collect(),
        };
        let state = self.ledger.state();
        let card = state.card(id).cloned();
        let held = card
            .as_ref()
            .and_then(|card| Some(held_row(card, card.held_by(&who.id)?, who)));
        if let Some(held) = held {
            return Ok(Answered::Held(Box::new(held)));
        }
        let document = card.as_ref().and_then(|card| {
            let mut decisions = card.decisions.iter();
            let decision = decisions.find(|decision| recorded.contains(&decision.seq))?;
            decision_document(&state, card, decision)
        });
        if let Some(document) = document {
            return Ok(Answered::Decided(Box::new(document)));
        }
        let counted = card.and_then(|card| self.approval_of(&state, &card));
        drop(state);
        counted
            .map(|approval| Answered::Counted(Box::new(approval)))
            .ok_or_else(|| DeskError::Unavailable(format!("the answer about {id} cannot be read")))
    }

    pub(super) async fn record_view(
        &self,
        who: &Person,
        id: HandoffId,
        revision: u32,
        manifest_sha256: Digest,
    ) -> Result<(), DeskError> {
        self.check_card(&Caller::Person(who.clone()), id, Permission::Read)?;
        let (actor, person) = (person_actor(who), who.id.clone());
        let recorded = self.ledger.transact(move |state, _| {
            let card = state
                .card(id)
                .ok_or_else(|| DeskError::NotFound(id.to_string()))?;
            if card.viewed.contains(&(person, revision)) {
                return Ok(Draft::nothing(()));
            }
            // A decision rests on what was seen, so only what there is can be seen.
            let is_real = card
                .revision(revision)
                .is_some_and(|known| known.accepted.manifest_sha256 == manifest_sha256);
            if !is_real {
                return Err(DeskError::NotFound(format!("{id} revision {revision}")));
            }
            Ok(Draft::of(
                vec![(
                    actor,
                    Event::Viewed {
                        handoff: id,
                        revision,
                        manifest_sha256,
                    },
                )],
                (),
            ))
        });
        recorded.await.map(drop).map_err(refused)
    }

    pub(super) async fn record_withdrawal(
        &self,
        who: &Caller,
        id: HandoffId,
        reason: Option<String>,
    ) -> Result<(), DeskError> {
        let reason = words("reason", reason)?;
        self.check_card(who, id, Permission::Withdraw)?;
        let (who, actor) = (who.clone(), actor(who));
        let recorded = self.ledger.transact(move |state, now| {
            let card = visible(state, &who, id)?;
            if let Caller::Agent(agent) = &who
                && agent.agent != card.newest().accepted.from_agent
            {
                let whose = &card.newest().accepted.from_agent;
                let why = format!(
                    "{id} is {whose}’s; a token of {} cannot take it back",
                    agent.agent
                );
                return Err(DeskError::NotAllowed(why));
            }
            let revision = card.state.revision();
            match card.state.decided(revision, Outcome::Cancelled, now) {
                Ok(_) => Ok(Draft::of(
                    vec![(
                        actor,
                        Event::Withdrawn {
                            handoff: id,
                            revision,
                            reason,
                        },
                    )],
                    (),
                )),
                // Taken back twice is taken back.
                Err(NotAllowed::Closed(Outcome::Cancelled)) => Ok(Draft::nothing(())),
                Err(why) => Err(DeskError::Conflict {
                    id,
                    why: conflict(card, why),
                }),
            }
        });
        recorded.await.map(drop).map_err(refused)
    }
}

pub(super) fn visible<'a>(
    state: &'a State,
    who: &Caller,
    id: HandoffId,
) -> Result<&'a Card, DeskError> {
    let card = state.card(id).filter(|card| sees_card(who, card));
    card.map(AsRef::as_ref)
        .ok_or_else(|| DeskError::NotFound(id.to_string()))
}

/// Returns the entry that says the same already: a second click, a retry. Any other answer is not the same.
/// Of its requests the `own` first ones came with it; the others were drafts, which are sent once.
fn same(state: &State, card: &Card, actor: &Actor, answer: &Answer, own: usize) -> Option<u64> {
    let Actor::Person { id: me, .. } = actor else {
        return None;
    };
    let Some(decision) = card.decision(answer.revision) else {
        let last = card.votes.iter().rfind(|vote| vote.person == *me)?;
        let voted = &last.voted;
        let same = voted.revision == answer.revision
            && voted.manifest_sha256 == answer.manifest_sha256
            && voted.outcome == answer.outcome
            && voted.comment == answer.comment
            && same_requests(&voted.requests, answer, own)
            && same_terms(voted.terms, (state, card), answer, last.at);
        return same.then_some(last.seq);
    };
    let known = &decision.decided;
    let same_person = matches!(&decision.actor, Actor::Person { id, .. } if id == me);
    let same_files = answer.edits.iter().all(|edit| {
        let sha256 = Digest::of(edit.text.as_bytes());
        let files = known.edited.iter().flat_map(|one| &one.files);
        files
            .into_iter()
            .any(|file| file.path == edit.path && file.sha256 == sha256)
    });
    let same = same_person
        && same_files
        && known.manifest_sha256 == answer.manifest_sha256
        && known.outcome == answer.outcome
        && known.comment == answer.comment
        && known.answers == answer.answers
        && same_requests(&known.requests, answer, own)
        && same_terms(known.terms, (state, card), answer, decision.at);
    same.then_some(decision.seq)
}

fn same_requests(known: &[ChangeRequest], answer: &Answer, own: usize) -> bool {
    let same_words = |(sent, again): (&ChangeRequest, &ChangeRequest)| {
        let place = |one: &ChangeRequest| Place {
            sha256: None,
            ..one.place()
        };
        (place(sent), &sent.text) == (place(again), &again.text)
    };
    own <= known.len() && known.iter().zip(&answer.requests[..own]).all(same_words)
}

/// Returns whether an approval on the terms of `answer`, given at the time of the known one, is on the `known` terms. A
/// form counts "for a day" from each click.
fn same_terms(
    known: Terms,
    (state, card): (&State, &Card),
    answer: &Answer,
    at: Timestamp,
) -> bool {
    let would_be = on_terms(state, card, answer.outcome, answer.terms, at);
    let same_end = match (known.valid_until, would_be.valid_until) {
        (Some(known), Some(again)) => again.duration_since(known).abs() <= RETRY_LIMIT,
        (known, again) => known == again,
    };
    same_end && known.single_use == would_be.single_use
}

fn conflict(card: &Card, why: NotAllowed) -> String {
    let by = card
        .decisions
        .last()
        .map_or("the agent", |decision| decision.actor.name());
    match (&card.state, why) {
        (
            HandoffState::Closed {
                outcome: Outcome::Cancelled,
                ..
            },
            _,
        ) => "was withdrawn".to_owned(),
        (HandoffState::Closed { outcome, .. }, _) => {
            format!("was already {} by {by}", outcome.word())
        }
        (HandoffState::ChangesRequested { .. }, _) => {
            format!("was already sent back for changes by {by}")
        }
        (HandoffState::WithAgent { .. }, _) => {
            let to = card.hops.last().map_or("an agent", |hop| &hop.offered.to);
            format!("is with {to}")
        }
        (HandoffState::Returned { .. }, _) => "is with its sender again".to_owned(),
        (HandoffState::Waiting { .. }, why) => why.to_string(),
    }
}

/// The answer with its words in order and what was `unsent` so far, or what is missing.
fn checked(answer: Answer, unsent: Vec<ChangeRequest>) -> Result<Answer, DeskError> {
    let invalid = |field: &str, message: &str| DeskError::Invalid {
        field: field.to_owned(),
        message: message.to_owned(),
    };
    let comment = words("comment", answer.comment)?;
    if answer.requests.len() > MOST_REQUESTS {
        return Err(invalid(
            "requests",
            &format!("at most {MOST_REQUESTS} requests fit into one answer"),
        ));
    }
    let mut requests = Vec::new();
    for (request, number) in answer.requests.into_iter().chain(unsent).zip(1..) {
        let text = words("requests", Some(request.text.clone()))?
            .ok_or_else(|| invalid("requests", "say what is asked, or take the request out"))?;
        let mut place = request.place();
        place.path = place.path.filter(|path| !path.is_empty());
        place.check().map_err(|why| invalid("requests", why))?;
        requests.push(ChangeRequest {
            id: format!("q{number}"),
            ..ChangeRequest::at(place, text)
        });
    }
    Ok(Answer {
        comment,
        requests,
        ..answer
    })
}

/// What an answer of that kind must say. Asked after it is known that the answer was not given before, when its
/// drafts were sent already.
fn says_enough(answer: &Answer) -> Result<(), DeskError> {
    let invalid = |field: &str, message: &str| {
        Err(DeskError::Invalid {
            field: field.to_owned(),
            message: message.to_owned(),
        })
    };
    let silent = answer.comment.is_none();
    let has_value = answer.answers.iter().any(|one| one.value.is_some());
    match answer.outcome {
        Outcome::ChangesRequested if silent && answer.requests.is_empty() => {
            invalid("comment", "say what should change")
        }
        Outcome::Rejected if silent => invalid("comment", "say why you reject it"),
        Outcome::Responded if silent && !has_value => invalid("comment", "write your answer"),
        Outcome::Approved
        | Outcome::Edited
        | Outcome::ChangesRequested
        | Outcome::Rejected
        | Outcome::Responded
        | Outcome::Ignored
        | Outcome::Abstained => Ok(()),
        _ => invalid(
            "outcome",
            "answer with approved, edited, changes_requested, rejected, responded, ignored or abstained",
        ),
    }
}

/// Refuses terms that no approval can have.
fn terms_hold(answer: &Answer, now: Timestamp) -> Result<(), DeskError> {
    let ended = answer.terms.valid_until.is_some_and(|until| until <= now);
    let message = if answer.terms.is_open() {
        return Ok(());
    } else if !answer.outcome.is_approval() {
        "only an approval has terms"
    } else if ended {
        "an approval cannot end before it is given"
    } else {
        return Ok(());
    };
    Err(DeskError::Invalid {
        field: "terms".to_owned(),
        message: message.to_owned(),
    })
}

/// Words without white space around them; `None` when nothing is left.
pub(super) fn words(field: &str, text: Option<String>) -> Result<Option<String>, DeskError> {
    let Some(text) = text else { return Ok(None) };
    // Browsers send CRLF for every line end in a form (HTML, 4.10.21.4).
    let text = text.replace("\r\n", "\n").trim().to_owned();
    if text.chars().count() > MOST_WORDS {
        let message = format!("at most {MOST_WORDS} characters fit here");
        return Err(DeskError::Invalid {
            field: field.to_owned(),
            message,
        });
    }
    Ok((!text.is_empty()).then_some(text))
}
