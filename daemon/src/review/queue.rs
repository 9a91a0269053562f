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
            let now = self.clock.now();
            let mut counts = QueueCounts::default();
            let mut seen = Vec::new();
            for card in state.cards().filter(|card| sees(who, &card.workspace)) {
                let here = self.view_of(card, who, now);
                match here {
                    QueueView::Turn => counts.turn += 1,
                    QueueView::Team => counts.team += 1,
                    QueueView::Snoozed => counts.snoozed += 1,
                    QueueView::Agents => counts.agents += 1,
                    QueueView::Decided => counts.decided += 1,
                }
                if here == view {
                    seen.push(card);
                }
            }
            let end = start.saturating_add(limit);
            let next_cursor = (seen.len() > end).then(|| end.to_string());
            let cards = match view {
                QueueView::Turn | QueueView::Team | QueueView::Snoozed => {
                    first(seen, end, |card| self.urgency(card, now))
                }
                QueueView::Agents | QueueView::Decided => {
                    first(seen, end, |card| (Reverse(last_change(card)), card.id))
                }
            };
            let rows = cards.into_iter().skip(start);
            let rows = rows
                .map(|card| self.growing_row(&state, card, who))
                .collect();
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

    /// The place of a card among those that are the turn of `who`, from 1, with how many there are, and the ones before
    /// and after it. Of a card that is not among them only the first that is, as the one after it.
    pub(super) fn neighbours(&self, state: &State, who: &Caller, id: HandoffId) -> Neighbours {
        let now = self.clock.now();
        let seen = state.waiting().filter(|card| {
            sees(who, &card.workspace) && self.view_of(card, who, now) == QueueView::Turn
        });
        let keys: Vec<Urgency> = seen.map(|card| self.urgency(card, now)).collect();
        // The number of the card is the last part of its key, so no two are alike.
        let Some(mine) = keys.iter().find(|key| key.4 == id) else {
            return (None, None, keys.iter().min().map(|key| key.4));
        };
        let before = || keys.iter().filter(|key| *key < mine);
        let after = keys.iter().filter(|key| *key > mine).min();
        (
            Some((before().count() + 1, keys.len())),
            before().max().map(|key| key.4),
            after.map(|key| key.4),
        )
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

/// The first `end` cards by `key`, in its order. Sorting all of thousands for a page of fifty takes long.
fn first<K: Ord>(cards: Vec<&Arc<Card>>, end: usize, key: impl Fn(&Card) -> K) -> Vec<&Arc<Card>> {
    let mut keyed: Vec<(K, &Arc<Card>)> = cards.into_iter().map(|card| (key(card), card)).collect();
    if keyed.len() > end {
        keyed.select_nth_unstable_by(end, |a, b| a.0.cmp(&b.0));
        keyed.truncate(end);
    }
    keyed.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    keyed.into_iter().map(|(_, card)| card).collect()
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
