//! Answers that can be taken back. While that is so they are facts that only the people at the desk know of; at
//! the end of the time the answer is given as any other is, with every check made anew.

use std::{convert::Infallible, time::Duration};

use async_trait::async_trait;
use countersign_protocol::{
    HandoffId,
    event::{Decided, Event, Held},
    handoff::Profile,
    principal::{Actor, Verified},
};
use countersign_web::desk::{
    Answer, Answered, Caller, Care, DeskError, Person,
    undo::{CameBackRow, HeldRow, UndoDesk},
};
use jiff::Timestamp;

use super::{
    LedgerDesk,
    access::{person_actor, visible_card},
    commands::refused,
    unavailable,
    votes::takes_many,
};
use crate::{
    fault,
    ledger::{Card, Draft, HeldAnswer},
    policy,
};

/// When an answer is given.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    /// At once.
    Now,
    /// After that time, unless its person takes it back.
    After(Duration),
    /// Now that its time is over, and only as it was.
    Due(Box<HeldAnswer>),
}

impl Ending {
    /// Whether an answer of the person is taken; `Some` says that there is nothing to record.
    pub(super) fn stands(
        &self,
        card: &Card,
        person: &str,
        answer: &Answer,
    ) -> Result<Option<()>, DeskError> {
        match (self, card.held_by(person)) {
            (Self::Due(due), Some(one)) if one.seq == due.seq => Ok(None),
            // It was taken back in this very moment.
            (Self::Due(_), _) => Ok(Some(())),
            (_, None) => Ok(None),
            (_, Some(one)) if says(&one.held.decided, answer) => Ok(Some(())),
            (_, Some(_)) => Err(DeskError::Conflict {
                id: card.id,
                why: "has an answer of yours that can still be taken back; do that first"
                    .to_owned(),
            }),
        }
    }

    /// What is recorded instead of the answer, when it is not given now.
    pub(super) fn instead(
        &self,
        actor: &Actor,
        decided: &Decided,
        typed: Option<String>,
        now: Timestamp,
    ) -> Result<Option<(Actor, Event)>, DeskError> {
        match self {
            Self::After(window) => {
                let held = Held {
                    decided: decided.clone(),
                    typed,
                    until: now + *window,
                };
                Ok(Some((actor.clone(), Event::AnswerHeld(Box::new(held)))))
            }
            Self::Due(due) if due.held.decided != *decided => Err(DeskError::Overtaken(
                "your comments or edited files are others than when you answered".to_owned(),
            )),
            Self::Now | Self::Due(_) => Ok(None),
        }
    }
}

/// Whether it is the same answer: a second click, a retry.
fn says(decided: &Decided, answer: &Answer) -> bool {
    decided.revision == answer.revision
        && decided.manifest_sha256 == answer.manifest_sha256
        && decided.outcome == answer.outcome
        && decided.comment == answer.comment
        && decided.answers == answer.answers
        && decided.terms.single_use == answer.terms.single_use
        && decided.terms.valid_until.is_some() == answer.terms.valid_until.is_some()
}

/// What a person sees of an answer that can be taken back.
pub(super) fn held_row(card: &Card, one: &HeldAnswer, who: &Person) -> HeldRow {
    HeldRow {
        outcome: one.held.decided.outcome,
        by: one.actor.name().to_owned(),
        mine: one.person == who.id,
        vote: takes_many(card),
        comment: one.held.decided.comment.clone(),
        until: one.held.until,
    }
}

/// The answer to a card that can be taken back, one's own first.
pub(super) fn held(card: &Card, who: &Caller) -> Option<HeldRow> {
    let Caller::Person(person) = who else {
        return None;
    };
    let one = card.held_by(&person.id).or(card.held.first())?;
    Some(held_row(card, one, person))
}

/// What a person answered to a card last, when it was not given.
pub(super) fn came_back(card: &Card, who: &Caller) -> Option<CameBackRow> {
    let Caller::Person(person) = who else {
        return None;
    };
    let one = card.came_back_to(&person.id)?;
    Some(CameBackRow {
        outcome: one.answer.held.decided.outcome,
        revision: one.answer.held.decided.revision,
        comment: one.answer.held.decided.comment.clone(),
        why: one.why.clone(),
        at: one.at,
    })
}

/// Whether a person has an answer to a card that can still be taken back.
pub(super) fn is_held(card: &Card, who: &Caller) -> bool {
    matches!(who, Caller::Person(person) if card.held_by(&person.id).is_some())
}

impl LedgerDesk {
    /// How long an answer to a card can be taken back. What was decided about restricted or regulated work stands.
    fn window(&self, card: &Card) -> Option<Duration> {
        let accepted = &card.newest().accepted;
        let workspace = self.workspaces.get(&card.workspace)?;
        let settings = &workspace.settings;
        let is_strict = policy::class_of(accepted, &settings.class) == "restricted"
            || accepted.profile == Profile::Regulated;
        settings.undo.filter(|_| !is_strict)
    }

    /// Gives the answers whose time to be taken back is over. One that cannot be given comes back to its person.
    pub async fn give_held_answers(&self) -> Result<(), DeskError> {
        let now = self.clock.now();
        let mut all = self.ledger.state().held_answers();
        all.retain(|(_, one)| one.held.until <= now);
        let mut failed = Ok(());
        for (id, due) in all {
            fault::step("undo.due");
            let given = match self.give(id, &due).await {
                // The disk is full, say; it is tried again.
                Err(error @ DeskError::Unavailable(_)) => Err(error),
                Err(error) => self.comes_back(id, due.seq, why(id, &error)).await,
                Ok(()) => Ok(()),
            };
            fault::step("undo.given");
            failed = failed.and(given);
        }
        failed
    }

    /// Gives an answer, with every check made anew: who its person is and what they may do now, too.
    async fn give(&self, id: HandoffId, due: &HeldAnswer) -> Result<(), DeskError> {
        let Actor::Person {
            id: person,
            display,
            method,
        } = &due.actor
        else {
            return Ok(());
        };
        if self.accounts.name(person).is_some() && !self.accounts.is_usable(person) {
            let why = format!("The account of {display} was disabled");
            return Err(DeskError::NotAllowed(why));
        }
        let who = self.person(person, display, *method);
        let Held { decided, typed, .. } = &due.held;
        let answer = Answer {
            revision: decided.revision,
            manifest_sha256: decided.manifest_sha256,
            outcome: decided.outcome,
            comment: decided.comment.clone(),
            reasons: decided.reasons.clone(),
            answers: decided.answers.clone(),
            requests: Vec::new(),
            edits: Vec::new(),
            terms: decided.terms,
            care: Care {
                typed: typed.clone(),
                checked: decided.checked.clone(),
            },
            partial: decided.partial.as_ref().map(|seen| seen.through),
        };
        // How they showed that it is them belongs to the answer, and was checked with it.
        let verified = decided.verified.clone();
        let ending = Ending::Due(Box::new(due.clone()));
        let done = self.record_answer(&who, id, answer, (ending, verified), Vec::new());
        done.await.map(drop)
    }

    /// Takes an answer of a person at the desk, who showed that it is them as `verified` says.
    pub(super) async fn answer_at_desk(
        &self,
        who: &Person,
        id: HandoffId,
        answer: Answer,
        verified: Option<Verified>,
    ) -> Result<Answered, DeskError> {
        let card = visible_card(&self.ledger.state(), &Caller::Person(who.clone()), id)?;
        let ending = self.window(&card).map_or(Ending::Now, Ending::After);
        self.record_answer(who, id, answer, (ending, verified), Vec::new())
            .await
    }

    async fn comes_back(
        &self,
        handoff: HandoffId,
        held: u64,
        why: String,
    ) -> Result<(), DeskError> {
        let recorded = self.ledger.transact(move |state, _| {
            let card = state.card(handoff);
            let stands = card.is_some_and(|card| card.held.iter().any(|one| one.seq == held));
            let event = Event::AnswerLapsed { handoff, held, why };
            let facts = stands.then_some((Actor::Daemon, event));
            Ok::<_, Infallible>(Draft::of(facts.into_iter().collect(), ()))
        });
        recorded.await.map(drop).map_err(unavailable)
    }
}

/// Why an answer was not given, for its person.
fn why(id: HandoffId, error: &DeskError) -> String {
    match error {
        DeskError::Stale { revision, .. } => format!("revision {revision} arrived"),
        DeskError::Conflict { why, .. } => format!("{id} {why}"),
        other => other.to_string(),
    }
}

#[async_trait]
impl UndoDesk for LedgerDesk {
    async fn answer(
        &self,
        who: &Person,
        id: HandoffId,
        answer: Answer,
    ) -> Result<Answered, DeskError> {
        self.answer_at_desk(who, id, answer, None).await
    }

    async fn undo(&self, who: &Person, id: HandoffId) -> Result<(), DeskError> {
        visible_card(&self.ledger.state(), &Caller::Person(who.clone()), id)?;
        let (actor, person) = (person_actor(who), who.id.clone());
        let recorded = self.ledger.transact(move |state, _| {
            let card = state
                .card(id)
                .ok_or_else(|| DeskError::NotFound(id.to_string()))?;
            if let Some(one) = card.held_by(&person) {
                let event = Event::AnswerUndone {
                    handoff: id,
                    held: one.seq,
                };
                return Ok(Draft::of(vec![(actor, event)], ()));
            }
            // Taken back twice is taken back.
            match card.came_back_to(&person) {
                Some(_) => Ok(Draft::nothing(())),
                None => Err(DeskError::Conflict {
                    id,
                    why: "has no answer of yours that could be taken back; it was given already"
                        .to_owned(),
                }),
            }
        });
        recorded.await.map_err(refused)?;
        fault::step("undo.taken_back");
        Ok(())
    }
}

#[cfg(test)]
mod tests;
