//! What people see of the queue, kept until the ledger moves, a deadline passes or their rights change: to look at
//! every card for the counts of each page takes long where there are thousands.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use countersign_protocol::{HandoffId, access::Access, query::question::Vocabulary};
use countersign_web::desk::{Person, QueueCounts, QueueView};
use jiff::Timestamp;

use crate::ledger::State;

/// The most people it is kept of; beyond that all are looked at anew.
const MOST: usize = 256;

/// What one person sees, at a place of the ledger.
#[derive(Debug)]
pub(super) struct Seen {
    seq: u64,
    /// It holds from then on, and before `until`.
    from: Timestamp,
    until: Timestamp,
    pub(super) counts: QueueCounts,
    views: [View; 5],
    /// Names in it, for questions.
    vocabulary: Mutex<Option<Arc<Vocabulary>>>,
}

#[derive(Debug, Default)]
struct View {
    ids: Vec<HandoffId>,
    sorted: OnceLock<Vec<HandoffId>>,
}

impl Seen {
    /// Nothing yet.
    pub(super) fn at(seq: u64, now: Timestamp) -> Self {
        Self {
            seq,
            from: now,
            until: Timestamp::MAX,
            counts: QueueCounts::default(),
            views: <[View; 5]>::default(),
            vocabulary: Mutex::default(),
        }
    }

    /// Adds a card.
    pub(super) fn add(&mut self, view: QueueView, id: HandoffId) {
        let count = match view {
            QueueView::Turn => &mut self.counts.turn,
            QueueView::Team => &mut self.counts.team,
            QueueView::Agents => &mut self.counts.agents,
            QueueView::Snoozed => &mut self.counts.snoozed,
            QueueView::Decided => &mut self.counts.decided,
        };
        *count += 1;
        self.views[view as usize].ids.push(id);
    }

    /// Notes moments at which a card stands elsewhere.
    pub(super) fn changes_at(&mut self, moments: impl Iterator<Item = Timestamp>) {
        let next = moments.filter(|at| *at > self.from).min();
        self.until = next.map_or(self.until, |at| at.min(self.until));
    }

    /// The cards of a view in the order that `order` finds, once.
    pub(super) fn sorted(
        &self,
        view: QueueView,
        order: impl FnOnce(&[HandoffId]) -> Vec<HandoffId>,
    ) -> &[HandoffId] {
        let view = &self.views[view as usize];
        view.sorted.get_or_init(|| order(&view.ids))
    }

    /// The names that `find` finds in it, once for the same `workspaces`.
    pub(super) fn vocabulary(
        &self,
        workspaces: &[String],
        find: impl FnOnce() -> Vocabulary,
    ) -> Arc<Vocabulary> {
        let mut held = self
            .vocabulary
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = held.as_ref().filter(|known| known.workspaces == workspaces);
        if let Some(known) = known {
            return Arc::clone(known);
        }
        let found = Arc::new(find());
        *held = Some(Arc::clone(&found));
        found
    }
}

/// What is kept, by person.
#[derive(Debug, Default)]
pub(super) struct Views(Mutex<HashMap<String, (Access, Arc<Seen>)>>);

impl Views {
    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Access, Arc<Seen>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `who` sees at the entry `seq`, where it is known and holds at `now`.
    pub(super) fn get(&self, who: &Person, seq: u64, now: Timestamp) -> Option<Arc<Seen>> {
        let held = self.held();
        let (access, seen) = held.get(&who.id)?;
        let holds = seen.seq == seq && seen.from <= now && now < seen.until;
        (holds && *access == who.access).then(|| Arc::clone(seen))
    }

    pub(super) fn keep(&self, who: &Person, seen: &Arc<Seen>) {
        let mut held = self.held();
        if held.len() >= MOST && !held.contains_key(&who.id) {
            held.clear();
        }
        held.insert(who.id.clone(), (who.access.clone(), Arc::clone(seen)));
    }
}

/// How many cards wait in each workspace, by its name.
pub(super) type Waiting = BTreeMap<String, usize>;

pub(super) fn waiting(state: &State) -> Waiting {
    let mut counts = Waiting::new();
    for card in state.waiting() {
        match counts.get_mut(&card.workspace) {
            Some(count) => *count += 1,
            None => {
                counts.insert(card.workspace.clone(), 1);
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests;
