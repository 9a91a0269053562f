//! Acts on policy: says who is asked about what waits, and takes the steps that are due.
//!
//! What is to be done is read from the ledger alone, so a run that was interrupted is simply done
//! again: a card that has no routing gets one, and a step counts only as the next of its ladder.

mod clocks;
mod hops;
mod line;
mod sealed;
#[cfg(test)]
mod tests;
mod vacancies;

use std::{
    collections::{BTreeSet, HashMap},
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
};

use countersign_protocol::{
    Digest, HandoffId, event::Event, principal::Actor, state::HandoffState,
};
use jiff::Timestamp;
use tokio::sync::OnceCell;

use self::{clocks::Clocks, hops::Scene, line::Line};
use super::{Asking, Plan, deadline, plan, routing::Owners, trigger::Chance, work::Work};
use crate::{
    catalog::Catalog,
    clock::{Jump, SharedClock},
    fault,
    fs::Objects,
    ledger::{Card, Draft, Ledger, TransactError},
    scrub::Scrub,
    store::StoreError,
    workspace::Workspaces,
};

/// Cards that are routed in one transaction.
const TOGETHER: usize = 64;

/// Why a run came to nothing. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The ledger could not be read.
    #[error("the ledger cannot be read: {0}")]
    Store(#[from] StoreError),
    /// Nothing was recorded.
    #[error("not recorded: {0}")]
    Ledger(String),
}

impl From<TransactError<Infallible>> for StageError {
    fn from(error: TransactError<Infallible>) -> Self {
        Self::Ledger(error.to_string())
    }
}

/// The stage. Clones share it.
#[derive(Clone, Debug)]
pub struct Stage {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    ledger: Ledger,
    workspaces: Arc<Workspaces>,
    objects: Arc<Objects>,
    clock: SharedClock,
    catalog: Catalog,
    operator: String,
    policy_sha256: Digest,
    clocks: Mutex<Clocks>,
    /// The disabled accounts for whose work others are asked already; `None` after a start.
    covered: Mutex<Option<BTreeSet<String>>>,
    /// The hash of the first entry: agents do not know it, and a replay of the ledger has the same.
    salt: OnceCell<Digest>,
}

impl Stage {
    /// A stage that asks the people of `catalog`, and `operator` where nobody else can.
    pub fn new(
        ledger: Ledger,
        workspaces: Arc<Workspaces>,
        objects: Arc<Objects>,
        clock: SharedClock,
        catalog: Catalog,
        operator: String,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                policy_sha256: catalog.policy().rules_sha256(),
                ledger,
                workspaces,
                objects,
                clock,
                catalog,
                operator,
                clocks: Mutex::default(),
                covered: Mutex::default(),
                salt: OnceCell::new(),
            }),
        }
    }

    /// Who there is to ask.
    pub fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    /// Returns those who can be asked at `now`, without people whose account is `disabled`.
    pub fn asking<'a>(&'a self, now: Timestamp, disabled: &'a BTreeSet<String>) -> Asking<'a> {
        Asking {
            catalog: &self.inner.catalog,
            operator: &self.inner.operator,
            now,
            disabled,
        }
    }

    /// Routes what nobody is asked about yet, and takes the steps that are due.
    pub async fn run(&self) -> Result<(), StageError> {
        let may_step = self.look_at_clocks().await?;
        self.go_on().await?;
        while self.route_some().await? {}
        self.fill_vacancies().await?;
        if may_step {
            self.reschedule().await?;
            self.step().await?;
            self.look_at_hops().await?;
        }
        Ok(())
    }

    /// Records a jump of the clock. False while it is not known whether a jump is to stay.
    async fn look_at_clocks(&self) -> Result<bool, StageError> {
        let clock = &self.inner.clock;
        let (wall, passed) = (clock.now(), clock.since_boot());
        let look = {
            let mut clocks = self
                .inner
                .clocks
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            clocks.look(wall, passed)
        };
        let seen = look.jumped_from.map(|expected| Jump {
            expected,
            found: wall,
        });
        // One that was not followed, and one that was.
        let jumps = [clock.take_jump(), seen];
        let jumps = jumps.into_iter().flatten().map(|jump| {
            let Jump { expected, found } = jump;
            (Actor::Daemon, Event::ClockJumped { expected, found })
        });
        let jumps: Vec<_> = jumps.collect();
        if !jumps.is_empty() {
            self.record(jumps).await?;
        }
        Ok(look.is_trusted)
    }

    async fn record(&self, events: Vec<(Actor, Event)>) -> Result<(), StageError> {
        let draft = Draft::of(events, ());
        self.inner
            .ledger
            .transact(move |_, _| Ok::<_, Infallible>(draft))
            .await?;
        Ok(())
    }

    /// Routes some cards; says whether there were any.
    async fn route_some(&self) -> Result<bool, StageError> {
        let cards: Vec<Arc<Card>> = {
            let state = self.inner.ledger.state();
            state.unrouted().take(TOGETHER).cloned().collect()
        };
        if cards.is_empty() {
            return Ok(false);
        }
        let works = self.works_of(&cards).await?;
        let planned = self.plans(&cards, works, self.inner.clock.now()).await?;
        let mut plans = Vec::with_capacity(cards.len());
        for (card, (plan, work)) in cards.into_iter().zip(planned) {
            let settings = self.settings_of(&card);
            let is_free = card.stopped().is_none()
                && plan.progress.is_none()
                && !work.failed.iter().any(|(_, holds)| *holds);
            let goes_on = is_free && !settings.mesh.is_empty() && Line::of(&plan.routed).is_some();
            plans.push((card.id, plan, goes_on.then_some((work, settings))));
        }
        self.inner
            .ledger
            .transact(move |state, now| {
                let mut events = Vec::new();
                for (id, plan, hop) in plans {
                    let Some(card) = state.card(id) else { continue };
                    let revision = plan.routed.revision;
                    // Somebody may have answered, or the agent come back, meanwhile.
                    if card.state == (HandoffState::Waiting { revision }) && card.routing.is_none()
                    {
                        let manifest = card.newest().accepted.manifest_sha256;
                        let hop = hop.as_ref().and_then(|(work, settings)| {
                            let line = Line::of(&plan.routed)?;
                            let scene = Scene {
                                state,
                                card,
                                work,
                                hold: plan.hold.as_deref(),
                                settings,
                                now,
                            };
                            let event = scene.by_rule(&line);
                            let rule = plan.routed.rule.clone();
                            Some((Actor::Policy { rule }, event))
                        });
                        events.extend(plan.events(manifest));
                        events.extend(hop);
                    }
                }
                Ok::<_, Infallible>(Draft::of(events, ()))
            })
            .await?;
        fault::step("policy.after_routed");
        Ok(true)
    }

    /// What policy finds about the newest revision of `card`. Records nothing.
    pub async fn plan(&self, card: &Arc<Card>, now: Timestamp) -> Result<Plan, StageError> {
        let work = self.work_of(card).await?;
        let card = Arc::clone(card);
        let mut plans = self.plans(&[card], vec![work], now).await?;
        let missing = || StageError::Ledger("no plan was made".to_owned());
        plans.pop().map(|(plan, _)| plan).ok_or_else(missing)
    }

    /// The same for several cards with their work, which is given back.
    async fn plans(
        &self,
        cards: &[Arc<Card>],
        works: Vec<Work>,
        now: Timestamp,
    ) -> Result<Vec<(Plan, Work)>, StageError> {
        let salt = *self.inner.salt.get_or_try_init(|| self.salt()).await?;
        let mut owners: HashMap<String, Option<Owners>> = HashMap::new();
        for card in cards {
            if !owners.contains_key(&card.workspace) {
                let found = self.owners_of(&card.workspace).await;
                owners.insert(card.workspace.clone(), found);
            }
        }
        let me = self.clone();
        let disabled = self.inner.ledger.state().disabled_accounts().clone();
        let workspaces: Vec<String> = cards.iter().map(|card| card.workspace.clone()).collect();
        let policy = move || {
            let each = works.into_iter().zip(workspaces).map(|(work, workspace)| {
                let plan = plan(
                    me.inner.catalog.policy(),
                    me.inner.policy_sha256,
                    &work,
                    owners.get(&workspace).and_then(Option::as_ref),
                    Chance(salt),
                    &me.asking(now, &disabled),
                );
                (plan, work)
            });
            each.collect()
        };
        // Conditions and patterns take processor time; other tasks go on.
        let planned = tokio::task::spawn_blocking(policy).await;
        let planned: Vec<(Plan, Work)> =
            planned.map_err(|error| StageError::Ledger(error.to_string()))?;
        self.held_back(cards, planned).await
    }

    /// Lets nothing pass without a person whose sealed bytes are damaged.
    async fn held_back(
        &self,
        cards: &[Arc<Card>],
        mut planned: Vec<(Plan, Work)>,
    ) -> Result<Vec<(Plan, Work)>, StageError> {
        let scrub = Scrub::new(self.inner.ledger.clone(), Arc::clone(&self.inner.objects));
        for (card, (plan, _)) in cards.iter().zip(&mut planned) {
            if plan.progress.is_none() {
                continue;
            }
            let damaged = scrub.damaged_in(&card.newest().accepted.manifest).await;
            if let Some(file) = damaged.map_err(|error| StageError::Ledger(error.to_string()))? {
                plan.progress = None;
                plan.doubts
                    .push(format!("{file} is damaged on the disk of the daemon"));
            }
        }
        Ok(planned)
    }

    /// Asked only when there is a card, and so a first entry.
    async fn salt(&self) -> Result<Digest, StoreError> {
        let first = self.inner.ledger.entries(0, 1).await?;
        Ok(first.first().map_or(Digest::ZERO, |entry| entry.hash))
    }

    /// Counts deadlines anew that were set by a clock that ran ahead.
    async fn reschedule(&self) -> Result<(), StageError> {
        let now = self.inner.clock.now();
        let events: Vec<(Actor, Event)> = {
            let state = self.inner.ledger.state();
            let cards = state
                .waiting()
                .filter_map(|card| deadline::rescheduled(card, now));
            cards.map(|event| (Actor::Daemon, event)).collect()
        };
        if events.is_empty() {
            return Ok(());
        }
        self.record(events).await
    }

    /// Takes every step that is due, at most one of each card.
    async fn step(&self) -> Result<(), StageError> {
        let now = self.inner.clock.now();
        let due: Vec<HandoffId> = {
            let state = self.inner.ledger.state();
            let cards = state
                .waiting()
                .filter(|card| deadline::next(card, now).is_some_and(|(_, at)| at <= now));
            cards.map(|card| card.id).collect()
        };
        if due.is_empty() {
            return Ok(());
        }
        let me = self.clone();
        self.inner
            .ledger
            .transact(move |state, _| {
                let asking = me.asking(now, state.disabled_accounts());
                let waiting = due
                    .iter()
                    .filter_map(|id| state.card(*id))
                    .filter(|card| matches!(card.state, HandoffState::Waiting { .. }));
                let events = waiting.filter_map(|card| deadline::step(card, &asking));
                Ok::<_, Infallible>(Draft::of(events.flatten().collect(), ()))
            })
            .await?;
        Ok(())
    }
}
