//! A small desk in memory, for tests of pages and API.
//!
//! Two workspaces with one handoff each, a person, and an agent for each workspace. It keeps the rules
//! that the pages rely on: a decision fits one revision, an agent sees its own, a link works once.

mod ask;
mod desk;
mod scene;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub(crate) use ask::{Ask, Told};
use axum::Router;
use countersign_protocol::{HandoffId, decision::DecisionDocument};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::{
    Settings,
    desk::{Caller, Comment, DeadLetter, DeskError, TokenRow},
};

/// A link that was not used yet.
pub(crate) const START: &str = "start-token";
/// The secret of a session of Maya.
pub(crate) const SESSION: &str = "session-of-maya";
/// The operator token; it stands for Maya as well.
pub(crate) const OPERATOR: &str = "operator-token";
/// The token of the agent of the workspace `alpha`, where H-1 is.
pub(crate) const ALPHA: &str = "token-alpha";
/// The token of the agent of the workspace `beta`, where H-2 is.
pub(crate) const BETA: &str = "token-beta";
/// The port of [`MemoryDesk::router`].
pub(crate) const PORT: u16 = 7420;

/// One file of a card.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
}

/// One handoff.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    pub(crate) id: HandoffId,
    pub(crate) workspace: String,
    pub(crate) title: String,
    /// The files of each revision, the first one first.
    pub(crate) revisions: Vec<Vec<File>>,
    pub(crate) decision: Option<DecisionDocument>,
    pub(crate) withdrawn: bool,
    pub(crate) comments: Vec<Comment>,
}

/// What the desk knows.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) cards: Vec<Card>,
    pub(crate) sessions: BTreeSet<String>,
    pub(crate) start: BTreeSet<String>,
    pub(crate) tokens: Vec<TokenRow>,
    pub(crate) dead_letters: Vec<DeadLetter>,
    pub(crate) ready: bool,
    /// Facts that were recorded.
    pub(crate) seq: u64,
}

/// The desk.
#[derive(Clone)]
pub(crate) struct MemoryDesk {
    world: Arc<Mutex<World>>,
    head: watch::Sender<u64>,
}

impl MemoryDesk {
    /// The desk with its scene.
    pub(crate) fn new() -> Self {
        let world = scene::world();
        Self {
            head: watch::Sender::new(world.seq),
            world: Arc::new(Mutex::new(world)),
        }
    }

    /// Everything it knows, to look at and to change.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that is served, on this desk.
    pub(crate) fn router(&self) -> Router {
        self.router_with(settings())
    }

    /// The same with other settings.
    pub(crate) fn router_with(&self, settings: Settings) -> Router {
        crate::router(Arc::new(self.clone()), settings)
    }

    /// Records a fact that `change` makes.
    pub(crate) fn record<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world();
        let result = change(&mut world);
        world.seq += 1;
        self.head.send_replace(world.seq);
        result
    }
}

impl World {
    /// The card, when `who` may know of it.
    pub(crate) fn card(&mut self, who: &Caller, id: HandoffId) -> Result<&mut Card, DeskError> {
        self.cards
            .iter_mut()
            .find(|card| card.id == id && sees(who, &card.workspace))
            .ok_or_else(|| DeskError::NotFound(id.to_string()))
    }
}

/// Whether `who` may know of `workspace`.
pub(crate) fn sees(who: &Caller, workspace: &str) -> bool {
    match who {
        Caller::Person(_) => true,
        Caller::Agent(agent) => agent.workspaces.iter().any(|name| name == workspace),
    }
}

/// The time in the scene.
pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// Settings of a daemon that only this machine reaches.
pub(crate) fn settings() -> Settings {
    Settings::local(PORT, Arc::new(|| NOW))
}
