//! Where the document of a handoff is, and whether its answer got there.

use countersign_protocol::{
    HandoffId,
    chain::Body,
    event::{Event, Location},
};
use jiff::Timestamp;

use super::{Card, CardDecision, State};

/// Places of one document that are remembered. A copy beyond them replaces the oldest copy.
const MAX_PLACES: usize = 16;

/// An answer that stands in the agent's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The entry of the first delivery.
    pub seq: u64,
    /// Its time.
    pub at: Timestamp,
    /// The documents beside which the answer stands, when they are others than the one that was accepted.
    pub places: Vec<Location>,
}

/// An answer that could not be put beside its handoff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undelivered {
    /// The entry.
    pub seq: u64,
    /// When it was tried.
    pub at: Timestamp,
    /// The entry of the decision or withdrawal.
    pub answer: u64,
    /// Where the document was last seen.
    pub place: Location,
}

impl Card {
    /// Returns the places of the document of `revision`, the one where it was accepted first and the one where it
    /// was found last at the end.
    pub fn places(&self, revision: u32) -> Vec<&Location> {
        let Some(known) = self.revision(revision) else {
            return Vec::new();
        };
        let is_newest = revision == self.newest().accepted.revision;
        let found = self.found.iter().filter(|_| is_newest);
        std::iter::once(&known.accepted.at).chain(found).collect()
    }

    /// Returns the place where the document of `revision` was last seen.
    pub fn place(&self, revision: u32) -> Option<&Location> {
        self.places(revision).pop()
    }
}

impl CardDecision {
    /// Whether the answer was put beside the document at `place`, which was accepted at `accepted`.
    pub fn was_delivered_to(&self, place: &Location, accepted: &Location) -> bool {
        self.delivered.as_ref().is_some_and(|delivery| {
            let places = &delivery.places;
            places.contains(place) || places.is_empty() && place == accepted
        })
    }
}

impl State {
    /// Returns the cards whose answer could not be delivered.
    pub fn undelivered(&self) -> impl Iterator<Item = &std::sync::Arc<Card>> {
        self.undelivered.iter().filter_map(|id| self.card(*id))
    }

    /// Whether the answer of that card could not be delivered.
    pub fn is_undelivered(&self, id: HandoffId) -> bool {
        self.undelivered.contains(&id)
    }

    /// Returns the card of which a document was found in that folder after it was accepted elsewhere.
    pub fn card_found_in(&self, workspace: &str, folder: &str) -> Option<HandoffId> {
        let key = (workspace.to_owned(), folder.to_owned());
        self.found_in.get(&key).copied()
    }

    /// Folds a fact about the delivery of an answer.
    pub(super) fn folded_delivery(&mut self, body: &Body) {
        let (seq, now) = (body.seq, body.at);
        match &body.event {
            Event::Delivered {
                handoff,
                decision,
                at,
                ..
            } => self.change(*handoff, |card| {
                let newest = card.newest().accepted.at.clone();
                card.undelivered = card
                    .undelivered
                    .take()
                    .filter(|one| one.answer != *decision);
                let Some(known) = card.decisions.iter_mut().find(|one| one.seq == *decision) else {
                    return;
                };
                match &mut known.delivered {
                    Some(delivery) => {
                        if delivery.places.is_empty() {
                            delivery.places.push(newest);
                        }
                        delivery.places.extend(at.iter().cloned());
                    }
                    none => {
                        *none = Some(Delivery {
                            seq,
                            at: now,
                            places: at.clone(),
                        });
                    }
                }
            }),
            Event::Undelivered {
                handoff,
                decision,
                at,
                ..
            } => self.change(*handoff, |card| {
                card.undelivered = Some(Undelivered {
                    seq,
                    at: now,
                    answer: *decision,
                    place: at.clone(),
                });
            }),
            Event::Found {
                handoff,
                revision,
                at,
            } => {
                let key = (at.workspace.clone(), at.folder.clone());
                self.found_in.insert(key, *handoff);
                self.change(*handoff, |card| {
                    let accepted = &card.newest().accepted;
                    if accepted.revision != *revision {
                        return;
                    }
                    let is_first = accepted.at == *at;
                    card.found.retain(|known| known != at);
                    if !is_first {
                        if card.found.len() == MAX_PLACES {
                            card.found.remove(0);
                        }
                        card.found.push(at.clone());
                    }
                });
            }
            _ => {}
        }
    }
}
