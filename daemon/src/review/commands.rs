//! What people and agents tell the desk. Each is one job of the ledger: it looks at the state that
//! all jobs before it lead to, so of two answers one is the first.

use countersign_protocol::{
    Digest, HandoffId,
    decision::{ChangeRequest, DecisionDocument, Outcome},
    event::{Decided, Event},
    principal::Actor,
    state::{HandoffState, NotAllowed},
};
use countersign_web::desk::{Answer, Caller, DeskError, Person};

use super::{
    LedgerDesk,
    access::{actor, person_actor, sees},
    unavailable,
};
use crate::{
    fault,
    ledger::{Card, Draft, State, TransactError, decision_document},
    store::Space,
};

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

impl LedgerDesk {
    pub(super) async fn record_decision(
        &self,
        who: &Person,
        id: HandoffId,
        answer: Answer,
    ) -> Result<DecisionDocument, DeskError> {
        self.may_answer(who, id)?;
        let unsent = self.to_send(who, id).await?;
        let own = answer.requests.len();
        let answer = checked(answer, unsent.requests)?;
        let actor = person_actor(who);
        let decided = self.ledger.transact(move |state, now| {
            let card = state
                .card(id)
                .ok_or_else(|| DeskError::NotFound(id.to_string()))?;
            if let Some(seq) = same_answer(card, &actor, &answer, own) {
                return Ok(Draft::nothing(Some(seq)));
            }
            says_enough(&answer)?;
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
            let mut requests = answer.requests;
            for (request, thread) in requests.iter_mut().zip(card.next_thread()..) {
                request.thread = Some(thread);
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
                requests,
            };
            let mut draft = Draft::of(vec![(actor, Event::Decided(Box::new(decided)))], None);
            // What was sent is a draft no longer, in the same transaction.
            let sent = unsent.keys.into_iter();
            draft
                .values
                .extend(sent.map(|key| (Space::Draft, key, None)));
            Ok(draft)
        });
        let (known, entries) = decided.await.map_err(refused)?;
        fault::step("decide.after_commit");
        let seq = known.or_else(|| entries.first().map(|entry| entry.seq));
        let state = self.ledger.state();
        let document = state.card(id).and_then(|card| {
            let decision = card
                .decisions
                .iter()
                .find(|decision| Some(decision.seq) == seq)?;
            decision_document(&state, card, decision)
        });
        document.ok_or_else(|| {
            DeskError::Unavailable(format!("the decision about {id} cannot be read"))
        })
    }

    pub(super) async fn record_view(
        &self,
        who: &Person,
        id: HandoffId,
        revision: u32,
        manifest_sha256: Digest,
    ) -> Result<(), DeskError> {
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
    let card = state.card(id).filter(|card| sees(who, &card.workspace));
    card.map(AsRef::as_ref)
        .ok_or_else(|| DeskError::NotFound(id.to_string()))
}

/// The decision that says the same already: a second click, a retry.
/// Of its requests the `own` first ones came with it; the others were drafts, which are sent once.
fn same_answer(card: &Card, actor: &Actor, answer: &Answer, own: usize) -> Option<u64> {
    let decision = card.decision(answer.revision)?;
    let Decided {
        manifest_sha256,
        outcome,
        comment,
        requests,
        ..
    } = &decision.decided;
    let same_words = |(sent, again): (&ChangeRequest, &ChangeRequest)| {
        (&sent.path, sent.line, &sent.text) == (&again.path, again.line, &again.text)
    };
    let same_person = matches!((actor, &decision.actor), (Actor::Person { id: a, .. }, Actor::Person { id: b, .. }) if a == b);
    let same = *manifest_sha256 == answer.manifest_sha256
        && *outcome == answer.outcome
        && *comment == answer.comment
        && own <= requests.len()
        && requests.iter().zip(&answer.requests[..own]).all(same_words);
    (same_person && same).then_some(decision.seq)
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
    match answer.outcome {
        Outcome::ChangesRequested if silent && answer.requests.is_empty() => {
            invalid("comment", "say what should change")
        }
        Outcome::Rejected if silent => invalid("comment", "say why you reject it"),
        Outcome::Responded if silent => invalid("comment", "write your answer"),
        Outcome::Approved | Outcome::ChangesRequested | Outcome::Rejected | Outcome::Responded => {
            Ok(())
        }
        _ => invalid(
            "outcome",
            "answer with approved, changes_requested, rejected or responded",
        ),
    }
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
