//! Answers that can still be taken back, and those that came back, as the entries tell.

use countersign_protocol::{
    HandoffId,
    chain::Body,
    event::{Event, Held},
    principal::Actor,
};
use jiff::Timestamp;

use super::{Card, State};

/// An answer that is given when its time is over, with the entry that recorded it.
#[derive(Clone, Debug)]
pub struct HeldAnswer {
    /// Its entry.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who, as the decision will name them.
    pub actor: Actor,
    /// Id of the person.
    pub person: String,
    /// What.
    pub held: Held,
}

/// An answer that was not given.
#[derive(Clone, Debug)]
pub struct CameBack {
    /// When it came back.
    pub at: Timestamp,
    /// The answer.
    pub answer: HeldAnswer,
    /// Why it could not be given; absent when its person took it back.
    pub why: Option<String>,
}

impl Card {
    /// The answer of a person that can still be taken back.
    pub fn held_by(&self, person: &str) -> Option<&HeldAnswer> {
        self.held.iter().find(|one| one.person == person)
    }

    /// The last answer of a person, when it was not given and no other followed.
    pub fn came_back_to(&self, person: &str) -> Option<&CameBack> {
        self.came_back
            .iter()
            .find(|one| one.answer.person == person)
    }

    /// A person answered: what they said before is over.
    pub(super) fn answered_by(&mut self, actor: &Actor) {
        if let Actor::Person { id, .. } = actor {
            self.held.retain(|one| one.person != *id);
            self.came_back.retain(|one| one.answer.person != *id);
        }
    }

    fn comes_back(&mut self, seq: u64, at: Timestamp, why: Option<String>) {
        let Some(place) = self.held.iter().position(|one| one.seq == seq) else {
            return;
        };
        let answer = self.held.remove(place);
        self.came_back.push(CameBack { at, answer, why });
    }
}

impl State {
    /// Folds in an entry about an answer that can be taken back.
    pub(super) fn held_or_not(&mut self, body: &Body) {
        let Some(id) = body.event.handoff() else {
            return;
        };
        let (seq, at) = (body.seq, body.at);
        self.change(id, |card| match &body.event {
            Event::AnswerHeld(held) => {
                if let Actor::Person { id, .. } = &body.actor {
                    card.answered_by(&body.actor);
                    card.held.push(HeldAnswer {
                        seq,
                        at,
                        actor: body.actor.clone(),
                        person: id.clone(),
                        held: (**held).clone(),
                    });
                }
            }
            Event::AnswerUndone { held, .. } => card.comes_back(*held, at, None),
            Event::AnswerLapsed { held, why, .. } => card.comes_back(*held, at, Some(why.clone())),
            _ => {}
        });
    }

    /// The answers that can be taken back or are due, in the order in which they are.
    pub fn held_answers(&self) -> Vec<(HandoffId, HeldAnswer)> {
        let cards = self.held_cards.iter().filter_map(|id| self.card(*id));
        let mut all: Vec<_> = cards
            .flat_map(|card| card.held.iter().map(|one| (card.id, one.clone())))
            .collect();
        all.sort_by_key(|(_, one)| (one.held.until, one.seq));
        all
    }
}
