//! Who owns a workspace, as the entries tell.

use std::sync::Arc;

use countersign_protocol::{
    Digest,
    chain::Body,
    event::Event,
    lock::Lock,
    ownership::{OwnershipOffer, Settlement},
    principal::Actor,
};
use jiff::Timestamp;

use super::State;

/// How a workspace changed hands.
#[derive(Clone, Debug, Default)]
pub struct Ownership {
    /// Who was given it last: id and name. That person stays its owner when agents work in it again.
    pub owner: Option<(String, String)>,
    /// What was offered and not answered yet.
    pub offer: Option<Offer>,
    /// How it changed hands last.
    pub turn: Option<Handover>,
    /// Whose the files were before the first person had it; until agents have it back.
    pub listing: Option<Digest>,
}

/// An offer that waits for an answer.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Its entry.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who offers.
    pub by: Actor,
    /// What.
    pub terms: OwnershipOffer,
}

/// A change of hands.
#[derive(Clone, Debug)]
pub struct Handover {
    /// Its entry.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The person who has it now, by id; none for agents.
    pub person: Option<String>,
    /// What became of the files, once that is done.
    pub settled: Option<Settlement>,
}

impl Ownership {
    /// The person who has it for themselves, with the name: agents may only read then.
    pub fn held_by(&self) -> Option<(&str, &str)> {
        let turn = self.turn.as_ref()?;
        let (id, display) = self.owner.as_ref()?;
        turn.person.as_ref().map(|_| (&**id, &**display))
    }

    /// The change of hands whose files still wait.
    pub fn unsettled(&self) -> Option<&Handover> {
        self.turn.as_ref().filter(|turn| turn.settled.is_none())
    }
}

impl State {
    /// How a workspace changed hands, if it ever did.
    pub fn ownership(&self, workspace: &str) -> Option<&Arc<Ownership>> {
        self.ownerships.get(workspace)
    }

    /// All of them, by workspace.
    pub fn ownerships(&self) -> impl Iterator<Item = (&str, &Arc<Ownership>)> {
        self.ownerships.iter().map(|(name, one)| (&**name, one))
    }

    /// The person, by name, who has a workspace for themselves.
    pub fn held_by(&self, workspace: &str) -> Option<&str> {
        let held = self.ownerships.get(workspace)?.held_by()?;
        Some(held.1)
    }

    /// The locks of agents in a workspace, held and waited for.
    pub fn locks_of_agents(&self, workspace: &str) -> impl Iterator<Item = &Arc<Lock>> {
        let all = self
            .locks
            .held(workspace)
            .chain(self.locks.waiting(workspace));
        all.filter(|lock| matches!(lock.owner, Actor::Agent { .. }))
    }

    pub(super) fn changes_hands(&mut self, body: &Body) {
        let Some(workspace) = body.event.owned() else {
            return;
        };
        let known = self.ownerships.entry(workspace.to_owned()).or_default();
        let known = Arc::make_mut(known);
        let turn = |person| Handover {
            seq: body.seq,
            at: body.at,
            person,
            settled: None,
        };
        match &body.event {
            Event::OwnershipOffered(terms) => {
                known.offer = Some(Offer {
                    seq: body.seq,
                    at: body.at,
                    by: body.actor.clone(),
                    terms: (**terms).clone(),
                });
            }
            Event::OwnershipAccepted { offer, .. } => {
                if let Some(offer) = known.offer.take_if(|known| known.seq == *offer) {
                    let OwnershipOffer { to, display, .. } = offer.terms;
                    known.turn = Some(turn(Some(to.clone())));
                    known.owner = Some((to, display));
                }
            }
            Event::OwnershipDeclined { offer, .. }
            | Event::OwnershipWithdrawn { offer, .. }
            | Event::OwnershipExpired { offer, .. } => {
                known.offer.take_if(|known| known.seq == *offer);
            }
            Event::OwnershipReturned { .. } => known.turn = Some(turn(None)),
            Event::FilesListed { listing, .. } => {
                known.listing = Some(*listing);
                self.held.add(workspace, *listing, 0);
            }
            Event::FilesGiven(given) => {
                let turn = known.turn.as_mut().filter(|turn| turn.seq == given.turn);
                if let Some(turn) = turn {
                    turn.settled = Some(given.settlement.clone());
                    // Whose the files were is of use until they are theirs again.
                    if turn.person.is_none() {
                        known.listing = None;
                    }
                }
            }
            _ => {}
        }
    }
}
