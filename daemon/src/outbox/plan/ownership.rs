//! A workspace is offered, and what came of it.

use countersign_protocol::{
    chain::Body, event::Event, ownership::OwnershipOffer, principal::Actor,
};

use super::{Pace, Story, Told};
use crate::{config::Kind, message::Notice};

/// An offer, and who made it.
pub(in crate::outbox) struct Offered {
    pub(in crate::outbox) by: Actor,
    pub(in crate::outbox) terms: OwnershipOffer,
}

impl Offered {
    /// The offer that an entry makes.
    pub(in crate::outbox) fn of(body: Body) -> Option<Self> {
        match body.event {
            Event::OwnershipOffered(terms) => Some(Self {
                by: body.actor,
                terms: *terms,
            }),
            _ => None,
        }
    }
}

/// The entry of the offer that an event ends.
pub(in crate::outbox) fn ends(event: &Event) -> Option<u64> {
    match event {
        Event::OwnershipAccepted { offer, .. }
        | Event::OwnershipDeclined { offer, .. }
        | Event::OwnershipWithdrawn { offer, .. }
        | Event::OwnershipExpired { offer, .. } => Some(*offer),
        _ => None,
    }
}

impl Story<'_> {
    /// `ended` is the offer that the event ends.
    pub(super) fn changes_hands(&self, event: &Event, ended: Option<&Offered>) -> Option<Told> {
        let (kind, terms) = match (event, ended) {
            (Event::OwnershipOffered(terms), _) => (Kind::OwnershipOffered, &**terms),
            (Event::OwnershipAccepted { .. }, Some(offer)) => {
                (Kind::OwnershipAccepted, &offer.terms)
            }
            (Event::OwnershipDeclined { .. }, Some(offer)) => {
                (Kind::OwnershipDeclined, &offer.terms)
            }
            (Event::OwnershipWithdrawn { .. }, Some(offer)) => {
                (Kind::OwnershipWithdrawn, &offer.terms)
            }
            (Event::OwnershipExpired { .. }, Some(offer)) => (Kind::OwnershipExpired, &offer.terms),
            _ => return None,
        };
        let is_asked = kind == Kind::OwnershipOffered;
        let notice = Notice {
            class: self.settings(&terms.workspace).class,
            workspace: terms.workspace.clone(),
            to: Some(terms.display.clone()),
            due: is_asked.then_some(terms.expires),
            offer: Some(ended_or(event, self.seq)),
            ..Notice::default()
        };
        let offeree = terms.to.clone();
        let people = match kind {
            Kind::OwnershipOffered | Kind::OwnershipWithdrawn => vec![offeree],
            Kind::OwnershipExpired => vec![offeree, self.who_offered(terms, ended?)],
            _ => vec![self.who_offered(terms, ended?)],
        };
        Some(Told::new(kind, notice).to(people.into_iter().collect(), Pace::Step))
    }

    /// The person who made the offer; for an agent, who answers for the workspace.
    fn who_offered(&self, terms: &OwnershipOffer, offer: &Offered) -> String {
        if let Actor::Person { id, .. } = &offer.by {
            return id.clone();
        }
        let owner = self.settings(&terms.workspace).owner;
        owner.unwrap_or_else(|| self.around.operator.0.clone())
    }
}

fn ended_or(event: &Event, own: u64) -> u64 {
    ends(event).unwrap_or(own)
}
