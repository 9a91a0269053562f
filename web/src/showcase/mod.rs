//! A desk in memory, for tests of pages and API and for looking at the pages. It starts with sample
//! work that has one of everything, or, for tests that count, with two small handoffs.

pub mod access;
mod asked;
pub mod boundaries;
mod card;
mod cards;
mod desk;
mod edits;
mod evidence;
mod growing;
pub(crate) mod insights;
pub mod locks;
pub(crate) mod messages;
pub(crate) mod mount;
pub mod observe;
pub mod outsiders;
pub mod ownership;
pub mod person_tokens;
mod preferences;
pub mod routing;
pub mod sample;
mod search;
#[cfg(test)]
pub(crate) mod small;
pub mod sso;
pub mod step_up;
pub(crate) mod threads;
pub mod transfer;
mod undo;
mod versions;
pub(crate) mod wishes;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use countersign_protocol::{Digest, HandoffId, access::Permission};
use tokio::sync::watch;

use crate::desk::{
    ActivityRow, Agent, Caller, DeadLetter, DeskError, Health, SavedSearch, TokenRow,
    locks::LockList,
    preferences::Preferences,
    routing::{Routing, Stranded},
};
use card::Card;

/// The secret of the session that is open at the start.
pub const SESSION: &str = "session-of-maya";
/// A start token that is taken every time.
pub const START_TOKEN: &str = "start-of-maya";

/// What the desk knows.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) cards: BTreeMap<u64, Card>,
    pub(crate) dead_letters: Vec<DeadLetter>,
    pub(crate) stranded: Vec<Stranded>,
    routings: BTreeMap<u64, Routing>,
    pub(crate) activity: Vec<ActivityRow>,
    pub(crate) sessions: BTreeSet<String>,
    /// Digests of the keys that pages of sessions showed first.
    pub(crate) page_keys: BTreeMap<String, Digest>,
    /// Start tokens that are taken once.
    pub(crate) start: BTreeSet<String>,
    pub(crate) bearers: BTreeMap<String, Caller>,
    pub(crate) tokens: Vec<TokenRow>,
    pub(crate) health: Health,
    searches: Vec<SavedSearch>,
    pub(crate) locks: LockList,
    preferences: Preferences,
    views: usize,
}

/// A desk in memory. Clones share it.
#[derive(Clone, Debug)]
pub struct Showcase {
    state: Arc<Mutex<State>>,
    head: watch::Sender<u64>,
}

impl Default for Showcase {
    fn default() -> Self {
        Self::new()
    }
}

impl Showcase {
    /// A desk with the sample work.
    pub fn new() -> Self {
        Self::with(State::new(cards::cards()), 100)
    }

    /// A desk on which nothing was ever laid.
    pub fn empty() -> Self {
        let mut state = State::new(Vec::new());
        state.dead_letters.clear();
        state.activity.clear();
        state.locks = LockList::default();
        Self::with(state, 100)
    }

    fn with(state: State, seq: u64) -> Self {
        Self {
            state: Arc::new(Mutex::new(state)),
            head: watch::Sender::new(seq),
        }
    }

    /// Everything it knows, to look at and to change.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Facts that were recorded.
    pub fn seq(&self) -> u64 {
        *self.head.borrow()
    }

    /// Records that something changed.
    pub(crate) fn moved(&self) {
        self.head.send_modify(|seq| *seq += 1);
    }

    fn record<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.moved();
        result
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// How often a page was noted as seen.
    pub fn views(&self) -> usize {
        self.lock().views
    }

    /// Hands over another revision with `path` changed to `bytes`.
    pub fn revise(&self, id: HandoffId, path: &str, bytes: &[u8]) {
        self.record(|state| {
            if let Some(card) = state.cards.get_mut(&id.0) {
                let mut files = card.revisions.last().cloned().unwrap_or_default();
                files.insert(path.to_owned(), (bytes.to_vec(), true));
                card.revisions.push(files);
                card.settle();
            }
        });
    }

    /// Puts the last answer into the agent's folder.
    pub fn deliver(&self, id: HandoffId) {
        self.record(|state| {
            if let Some(card) = state.cards.get_mut(&id.0) {
                card.delivered = true;
                card.settle();
            }
        });
    }
}

impl State {
    fn new(cards: Vec<Card>) -> Self {
        let agent = Agent {
            token: "t1".to_owned(),
            agent: "ledger-migrator".to_owned(),
            workspaces: vec!["billing-backfill".to_owned()],
        };
        Self {
            cards: cards
                .into_iter()
                .map(|card| (card.review.row.id.0, card))
                .collect(),
            dead_letters: sample::dead_letters(),
            stranded: Vec::new(),
            routings: BTreeMap::new(),
            page_keys: BTreeMap::new(),
            activity: sample::activity(),
            sessions: BTreeSet::from([SESSION.to_owned()]),
            start: BTreeSet::new(),
            bearers: BTreeMap::from([("agent".to_owned(), Caller::Agent(agent))]),
            tokens: Vec::new(),
            health: sample::health(),
            searches: Vec::new(),
            locks: locks::list(),
            preferences: Preferences::default(),
            views: 0,
        }
    }

    /// The card, when `who` may know of it.
    fn card(&mut self, who: &Caller, id: HandoffId) -> Result<&mut Card, DeskError> {
        self.cards
            .get_mut(&id.0)
            .filter(|card| sees(who, &card.review.row.workspace))
            .ok_or_else(|| DeskError::NotFound(id.to_string()))
    }

    fn seen_by<'s>(&'s self, who: &'s Caller) -> impl Iterator<Item = &'s Card> {
        let cards = self.cards.values();
        cards.filter(|card| sees(who, &card.review.row.workspace))
    }

    fn letters(&self, who: &Caller) -> Vec<DeadLetter> {
        let letters = self.dead_letters.iter();
        letters
            .filter(|letter| sees(who, &letter.workspace))
            .cloned()
            .collect()
    }
}

/// Whether `who` may know of `workspace`.
fn sees(who: &Caller, workspace: &str) -> bool {
    who.may(Permission::Read, Some(workspace))
}
