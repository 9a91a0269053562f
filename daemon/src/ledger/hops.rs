//! Which hops ask for something, so that nobody looks through all that are open.

use std::collections::{BTreeSet, HashMap};

use countersign_protocol::{HandoffId, state::HandoffState};
use jiff::Timestamp;

use super::{Card, Hop, HopStage, State};

/// What one card asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Asks {
    /// When something is due of its open hop.
    due: Option<Timestamp>,
    /// To whom its open hop is offered.
    offer: Option<(String, String)>,
}

/// The hops of all cards that ask for something.
#[derive(Clone, Debug, Default)]
pub(super) struct Hops {
    /// Cards whose last hop came to nothing.
    lost: BTreeSet<HandoffId>,
    due: BTreeSet<(Timestamp, HandoffId)>,
    /// By workspace and receiver.
    offers: BTreeSet<(String, String, HandoffId)>,
    known: HashMap<HandoffId, Asks>,
}

impl Hop {
    /// When the next thing is due: a reminder, or the end of its time.
    pub fn next_due(&self) -> Option<Timestamp> {
        let sent = usize::try_from(self.reminders).unwrap_or(usize::MAX);
        let reminder = self.offered.remind_at.get(sent).copied();
        let reminder = reminder.filter(|_| self.stage == HopStage::Offered);
        [self.deadline(), reminder].into_iter().flatten().min()
    }
}

impl Card {
    /// Whether its last hop came to nothing, and nobody has seen to that.
    pub fn is_lost(&self) -> bool {
        let HandoffState::WithAgent { hop, .. } = self.state else {
            return false;
        };
        self.hop(hop).is_some_and(|hop| hop.stage.is_lost())
    }

    /// The hop whose receiver is expected to say something.
    pub fn open_hop(&self) -> Option<&Hop> {
        let is_with_agent = matches!(self.state, HandoffState::WithAgent { .. });
        let open = self.hops.iter().rfind(|hop| hop.stage.is_open());
        open.filter(|_| is_with_agent)
    }
}

impl Hops {
    pub(super) fn index(&mut self, card: &Card) {
        let id = card.id;
        if card.is_lost() {
            self.lost.insert(id);
        } else {
            self.lost.remove(&id);
        }
        let open = card.open_hop();
        let asks = Asks {
            due: open.and_then(Hop::next_due),
            offer: open
                .filter(|hop| hop.stage != HopStage::Accepted)
                .map(|hop| (card.workspace.clone(), hop.offered.to.clone())),
        };
        let before = if asks == Asks::default() {
            self.known.remove(&id)
        } else {
            self.known.insert(id, asks.clone())
        };
        let before = before.unwrap_or_default();
        if before == asks {
            return;
        }
        if let Some(due) = before.due {
            self.due.remove(&(due, id));
        }
        if let Some((workspace, to)) = before.offer {
            self.offers.remove(&(workspace, to, id));
        }
        self.due.extend(asks.due.map(|due| (due, id)));
        let offer = asks.offer.map(|(workspace, to)| (workspace, to, id));
        self.offers.extend(offer);
    }
}

impl State {
    /// The cards whose last hop came to nothing, oldest first.
    pub fn lost_hops(&self) -> impl Iterator<Item = &std::sync::Arc<Card>> {
        self.hops.lost.iter().filter_map(|id| self.card(*id))
    }

    /// The cards of whose open hop something is due at `now`.
    pub fn hops_due(&self, now: Timestamp) -> impl Iterator<Item = &std::sync::Arc<Card>> {
        let due = self.hops.due.iter().take_while(move |(at, _)| *at <= now);
        due.filter_map(|(_, id)| self.card(*id))
    }

    /// The cards of a workspace whose open hop is offered to `agent`, by that name, oldest first.
    pub fn offered_to(
        &self,
        workspace: &str,
        agent: &str,
    ) -> impl Iterator<Item = &std::sync::Arc<Card>> {
        let from = (workspace.to_owned(), agent.to_owned(), HandoffId(0));
        let (workspace, agent) = (from.0.clone(), from.1.clone());
        let offers = self.hops.offers.range(from..);
        offers
            .take_while(move |(of, to, _)| *of == workspace && *to == agent)
            .filter_map(|(_, _, id)| self.card(*id))
    }
}
