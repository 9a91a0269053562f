//! Which cards ask for something, so that nobody looks through all of them.

use std::{collections::BTreeSet, sync::Arc};

use countersign_protocol::{HandoffId, state::HandoffState};

use super::{Card, State};

impl State {
    /// Updates the sets of cards that ask for something, after the card `id` changed.
    pub(super) fn index(&mut self, id: HandoffId) {
        if let Some(card) = self.cards.get(&id) {
            let has = |set: &mut BTreeSet<HandoffId>, is_in: bool| {
                if is_in {
                    set.insert(id);
                } else {
                    set.remove(&id);
                }
            };
            has(
                &mut self.waiting,
                matches!(card.state, HandoffState::Waiting { .. }),
            );
            has(
                &mut self.with_agents,
                matches!(card.state, HandoffState::WithAgent { .. }),
            );
            has(
                &mut self.unrouted,
                matches!(card.state, HandoffState::Waiting { .. })
                    && card.routing.is_none()
                    && !card.is_unchecked()
                    && card.owed_hop().is_none(),
            );
            has(&mut self.held_cards, !card.held.is_empty());
            has(&mut self.undelivered, card.undelivered.is_some());
            has(&mut self.unchecked, card.is_unchecked());
            has(
                &mut self.owed_hops,
                card.owed_hop().is_some() && !card.is_unchecked(),
            );
            has(&mut self.approved_hops, card.approved_stop().is_some());
            has(&mut self.owed_results, card.owed_result().is_some());
            self.hops.index(card);
            self.index_reading(id);
        }
    }

    /// The cards that wait for a person, oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = &Arc<Card>> {
        self.waiting.iter().filter_map(|id| self.cards.get(id))
    }

    /// Of these, the cards that policy has not looked at, oldest first.
    pub fn unrouted(&self) -> impl Iterator<Item = &Arc<Card>> {
        self.unrouted.iter().filter_map(|id| self.cards.get(id))
    }

    /// The cards whose checks are not over, oldest first.
    pub fn unchecked(&self) -> impl Iterator<Item = &Arc<Card>> {
        self.unchecked.iter().filter_map(|id| self.cards.get(id))
    }

    /// The cards that go to an agent now that their checks are over.
    pub fn owed_hops(&self) -> impl Iterator<Item = &Arc<Card>> {
        self.owed_hops.iter().filter_map(|id| self.cards.get(id))
    }

    /// The cards of which a result waits for policy, oldest first.
    pub fn owed_results(&self) -> impl Iterator<Item = &Arc<Card>> {
        self.owed_results.iter().filter_map(|id| self.cards.get(id))
    }
}
