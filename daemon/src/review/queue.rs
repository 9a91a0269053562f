//! The queue: which cards, in which order.

use std::{cmp::Reverse, sync::Arc};

use countersign_protocol::{HandoffId, state::HandoffState};
use countersign_web::desk::{Caller, DeskError, Frame, Queue, QueueView};
use jiff::Timestamp;

use super::{LedgerDesk, access::sees, row::is_waiting, seen::Seen, votes::has_voted};
use crate::{
    ledger::{Card, State},
    policy::Level,
};

/// Most rows on one page.
const MOST: usize = 200;

/// What sorts the cards that wait for a person: overdue ones, then by due time, risk and age.
type Urgency = (bool, Timestamp, Reverse<Level>, Timestamp, HandoffId);

/// Place and length, the card before, and the card after.
type Neighbours = (Option<(usize, usize)>, Option<HandoffId>, Option<HandoffId>);

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
            let seen = self.seen(&state, who);
            let ids = seen.sorted(view, |ids| self.in_order(&state, view, ids));
            let end = start.saturating_add(limit);
            let rows = ids.iter().take(end).skip(start);
            let cards = rows.filter_map(|id| state.card(*id));
            Queue {
                rows: cards
                    .map(|card| self.growing_row(&state, card, who))
                    .collect(),
                counts: seen.counts,
                dead_letters: Vec::new(),
                next_cursor: (ids.len() > end).then(|| end.to_string()),
                locks: locks(&state, who),
                seq: state.head.seq,
            }
        };
        page.dead_letters = self.refused_deliveries(who).await?;
        Ok(page)
    }

    /// What the frame of every page says.
    pub(super) fn frame_of(&self, who: &Caller) -> Frame {
        let state = self.ledger.state();
        let dead = state.dead_letters();
        Frame {
            turn: self.seen(&state, who).counts.turn,
            dead: dead
                .filter(|dead| sees(who, &dead.location.workspace))
                .count(),
            locks: locks(&state, who),
            seq: state.head.seq,
        }
    }

    /// The place of a card among those that are the turn of `who`, from 1, with how many there are, and the ones before
    /// and after it. Of a card that is not among them only the first that is, as the one after it.
    pub(super) fn neighbours(&self, state: &State, who: &Caller, id: HandoffId) -> Neighbours {
        let seen = self.seen(state, who);
        let view = QueueView::Turn;
        let ids = seen.sorted(view, |ids| self.in_order(state, view, ids));
        let Some(at) = ids.iter().position(|known| *known == id) else {
            return (None, None, ids.first().copied());
        };
        let before = at.checked_sub(1).and_then(|at| ids.get(at));
        (
            Some((at + 1, ids.len())),
            before.copied(),
            ids.get(at + 1).copied(),
        )
    }

    /// What `who` sees of the queue, as it was found before where that still holds.
    pub(super) fn seen(&self, state: &State, who: &Caller) -> Arc<Seen> {
        let now = self.clock.now();
        if let Caller::Person(person) = who
            && let Some(known) = self.views.get(person, state.head.seq, now)
        {
            return known;
        }
        let mut seen = Seen::at(state.head.seq, now);
        for card in state.cards().filter(|card| sees(who, &card.workspace)) {
            seen.add(self.view_of(card, who, now), card.id);
            if is_waiting(card) {
                let snoozed = card.snoozed.as_ref().map(|snooze| snooze.until);
                seen.changes_at(due_of(card).into_iter().chain(snoozed));
            }
        }
        let seen = Arc::new(seen);
        if let Caller::Person(person) = who {
            self.views.keep(person, &seen);
        }
        seen
    }

    /// The cards of a view in its order.
    fn in_order(&self, state: &State, view: QueueView, ids: &[HandoffId]) -> Vec<HandoffId> {
        let now = self.clock.now();
        let cards = ids.iter().filter_map(|id| state.card(*id));
        match view {
            QueueView::Turn | QueueView::Team | QueueView::Snoozed => {
                ordered(cards, |card| self.urgency(card, now))
            }
            QueueView::Agents | QueueView::Decided => {
                ordered(cards, |card| (Reverse(last_change(card)), card.id))
            }
        }
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
        let level = ruled.unwrap_or_else(|| self.verdict(card).level);
        (due > now, due, Reverse(level), newest.at, card.id)
    }
}

/// The numbers of `cards` by `key`, in its order.
fn ordered<'a, K: Ord>(
    cards: impl Iterator<Item = &'a Arc<Card>>,
    key: impl Fn(&Card) -> K,
) -> Vec<HandoffId> {
    let mut keyed: Vec<(K, HandoffId)> = cards.map(|card| (key(card), card.id)).collect();
    keyed.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    keyed.into_iter().map(|(_, id)| id).collect()
}

/// Locks that are held, of those that `who` sees.
fn locks(state: &State, who: &Caller) -> usize {
    let all = state.locks().all();
    all.filter(|lock| lock.held.is_some() && sees(who, &lock.workspace))
        .count()
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
