//! The queue: which cards, in which order.

use std::{cmp::Reverse, sync::Arc};

use countersign_protocol::{HandoffId, state::HandoffState};
use countersign_web::desk::{Caller, DeskError, Queue, QueueCounts, QueueView};
use jiff::Timestamp;

use super::{LedgerDesk, access::sees, row::is_waiting, votes::has_voted};
use crate::{
    ledger::{Card, State},
    policy::Level,
};

/// Most rows on one page.
const MOST: usize = 200;

/// What sorts the cards that wait for a person: overdue ones, then by due time, risk and age.
type Urgency = (bool, Timestamp, Reverse<Level>, Timestamp, HandoffId);

impl LedgerDesk {
    pub(super) async fn queue_page(
        &self,
        who: &Caller,
        view: QueueView,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Queue, DeskError> {
        let start: usize = match cursor {
            None => 0,
            Some(text) => text.parse().map_err(|_| DeskError::Invalid {
                field: "cursor".to_owned(),
                message: "take the cursor from `next_cursor` of the page before".to_owned(),
            })?,
        };
        let limit = limit.clamp(1, MOST);
        let mut page = {
            let state = self.ledger.state();
            let now = self.clock.now();
            let mut counts = QueueCounts::default();
            for card in state.cards().filter(|card| sees(who, &card.workspace)) {
                match self.view_of(card, who, now) {
                    QueueView::Turn => counts.turn += 1,
                    QueueView::Team => counts.team += 1,
                    QueueView::Snoozed => counts.snoozed += 1,
                    QueueView::Agents => counts.agents += 1,
                    QueueView::Decided => counts.decided += 1,
                }
            }
            let cards = self.in_order(&state, who, view);
            let rows = cards
                .iter()
                .skip(start)
                .take(limit)
                .map(|card| self.row_of(card, who))
                .collect();
            let next_cursor = (cards.len() > start + limit).then(|| (start + limit).to_string());
            Queue {
                rows,
                counts,
                dead_letters: Vec::new(),
                next_cursor,
                locks: state
                    .locks()
                    .all()
                    .filter(|lock| lock.held.is_some() && sees(who, &lock.workspace))
                    .count(),
                seq: state.head.seq,
            }
        };
        page.dead_letters = self.refused_deliveries(who).await?;
        Ok(page)
    }

    /// The cards of a view, in order.
    pub(super) fn in_order(&self, state: &State, who: &Caller, view: QueueView) -> Vec<Arc<Card>> {
        let now = self.clock.now();
        let seen = state
            .cards()
            .filter(|card| sees(who, &card.workspace) && self.view_of(card, who, now) == view);
        let mut cards: Vec<Arc<Card>> = seen.cloned().collect();
        match view {
            QueueView::Turn | QueueView::Team | QueueView::Snoozed => {
                cards.sort_by_cached_key(|card| self.urgency(card, now));
            }
            QueueView::Agents | QueueView::Decided => {
                cards.sort_by_key(|card| Reverse(last_change(card)));
            }
        }
        cards
    }

    /// Where a card stands for who looks.
    fn view_of(&self, card: &Card, who: &Caller, now: Timestamp) -> QueueView {
        match card.state {
            _ if is_waiting(card) => {}
            HandoffState::ChangesRequested { .. }
            | HandoffState::WithAgent { .. }
            | HandoffState::Returned { .. } => return QueueView::Agents,
            _ => return QueueView::Decided,
        }
        let Caller::Person(person) = who else {
            return QueueView::Turn;
        };
        if card
            .snoozed
            .as_ref()
            .is_some_and(|snooze| snooze.until > now)
        {
            return QueueView::Snoozed;
        }
        if super::undo::is_held(card, who) {
            return QueueView::Team;
        }
        // With nobody configured everybody who signs in answers for everything.
        if self.policy.catalog().is_empty() {
            return QueueView::Turn;
        }
        if has_voted(card, &person.id) {
            return QueueView::Team;
        }
        if let Some(claim) = &card.claim {
            return if claim.person == person.id {
                QueueView::Turn
            } else {
                QueueView::Team
            };
        }
        let Some(routing) = &card.routing else {
            return QueueView::Turn;
        };
        let mine = routing
            .asked
            .iter()
            .any(|asked| !asked.target.starts_with("queue:") && asked.people.contains(&person.id));
        if mine {
            QueueView::Turn
        } else {
            QueueView::Team
        }
    }

    fn urgency(&self, card: &Card, now: Timestamp) -> Urgency {
        let newest = card.newest();
        let due = due_of(card).unwrap_or(Timestamp::MAX);
        // Where rules have looked they say it; to find the reasons anew for every card that waits takes long.
        let ruled = card.routing.as_ref();
        let ruled = ruled.and_then(|routing| Level::named(&routing.routed.risk));
        let level = ruled.unwrap_or_else(|| self.verdict(card).0.level);
        (due > now, due, Reverse(level), newest.at, card.id)
    }
}

/// When an answer is due: by the rule, else by the document.
pub(super) fn due_of(card: &Card) -> Option<Timestamp> {
    let routed = card.routing.as_ref().map(|routing| &routing.routed);
    routed
        .and_then(|routed| routed.due)
        .or(card.newest().accepted.due)
}

fn last_change(card: &Card) -> Timestamp {
    match card.state {
        HandoffState::Waiting { .. } => card.newest().at,
        HandoffState::ChangesRequested { at, .. }
        | HandoffState::WithAgent { at, .. }
        | HandoffState::Returned { at, .. }
        | HandoffState::Closed { at, .. } => at,
    }
}
