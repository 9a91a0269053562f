//! Checks: commands of the operator that look at what was handed over before anybody is asked or it goes on.
//!
//! Which checks are owed is part of the fact that accepts a revision; what they found is one fact for all of
//! them. Between the two nothing is kept, so a run that was interrupted is simply done again.

mod place;
mod run;

use std::{collections::HashSet, convert::Infallible, path::PathBuf, sync::Arc};

use countersign_protocol::{
    Digest, HandoffId,
    check::{CheckResult, Checked, Ended, OnFailure, Owed},
    decision::Outcome,
    event::{Accepted, Decided, Event},
    principal::Actor,
    state::HandoffState,
    terms::Terms,
    transfer::{Stopped, Why},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::{place::Place, run::Run};
use crate::{
    clock::SharedClock,
    fault,
    fs::{Dir, Error, Objects},
    ledger::{Card, Draft, Ledger, State},
    workspace::Workspaces,
};

/// Revisions that are checked at a time.
const TOGETHER: usize = 2;
/// So much of what a check said goes into an answer to the agent, in characters.
const QUOTED: usize = 2_000;

/// Why a revision could not be checked. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum ChecksError {
    /// A place for the files could not be made.
    #[error(transparent)]
    Fs(#[from] Error),
    /// Nothing was recorded.
    #[error("not recorded: {0}")]
    Ledger(String),
}

/// What the checks of one revision found, with what they said.
struct Found {
    checked: Checked,
    said: Vec<Vec<u8>>,
}

/// The stage. Clones share it.
#[derive(Clone, Debug)]
pub struct Checks {
    ledger: Ledger,
    workspaces: Arc<Workspaces>,
    objects: Arc<Objects>,
    clock: SharedClock,
    /// Where places are made: ours alone.
    dir: Arc<Dir>,
    /// What must stay hidden from a check beside what is served: real paths.
    hidden: Vec<PathBuf>,
    /// The program that confines: our own.
    program: PathBuf,
    shutdown: CancellationToken,
}

impl Checks {
    /// A stage that works in `dir`, a folder of ours, which is emptied, and lets no check reach what is `hidden`,
    /// nor what is served. `program` is a `countersign`.
    pub fn new(
        ledger: Ledger,
        workspaces: Arc<Workspaces>,
        objects: Arc<Objects>,
        clock: SharedClock,
        (dir, hidden): (Dir, Vec<PathBuf>),
        program: PathBuf,
        shutdown: CancellationToken,
    ) -> Self {
        place::clear(&dir);
        Self {
            ledger,
            workspaces,
            objects,
            clock,
            dir: Arc::new(dir),
            hidden,
            program,
            shutdown,
        }
    }

    /// Checks every revision that waits for it, a few at a time.
    pub async fn run(&self) -> Result<(), ChecksError> {
        let mut running = JoinSet::new();
        let mut failed = Ok(());
        // What failed is tried again in the next run, not in this one.
        let mut seen = HashSet::new();
        loop {
            while running.len() < TOGETHER {
                let Some(card) = self.next(&mut seen) else {
                    break;
                };
                let me = self.clone();
                running.spawn(async move { me.one(&card).await });
            }
            match running.join_next().await {
                None => return failed,
                Some(Ok(done)) => failed = failed.and(done),
                Some(Err(error)) => {
                    failed = failed.and(Err(ChecksError::Ledger(error.to_string())));
                }
            }
        }
    }

    fn next(&self, seen: &mut HashSet<(HandoffId, u32)>) -> Option<Arc<Card>> {
        if self.shutdown.is_cancelled() {
            return None;
        }
        let state = self.ledger.state();
        let mut cards = state.unchecked();
        let card = cards.find(|card| seen.insert((card.id, card.newest().accepted.revision)));
        card.cloned()
    }

    async fn one(&self, card: &Card) -> Result<(), ChecksError> {
        let accepted = card.newest().accepted.clone();
        let me = self.clone();
        let found = tokio::task::spawn_blocking(move || me.check(&accepted))
            .await
            .map_err(|error| ChecksError::Ledger(error.to_string()))??;
        // The daemon ends: it is done again at the next start.
        let Some(found) = found else { return Ok(()) };
        fault::step("checks.before_record");
        self.record(found).await?;
        fault::step("checks.after_record");
        Ok(())
    }

    /// Runs all checks of a revision; `None` when the daemon ends meanwhile.
    fn check(&self, accepted: &Accepted) -> Result<Option<Found>, ChecksError> {
        let place = Place::make(&self.dir, accepted, &self.objects, &self.ledger)?;
        let mut results = Vec::new();
        let mut said = Vec::new();
        for owed in &accepted.checks {
            fault::step("checks.before_run");
            let Some((result, output)) = self.one_check(accepted, owed, &place) else {
                return Ok(None);
            };
            results.push(result);
            said.push(output);
        }
        Ok(Some(Found {
            checked: Checked {
                handoff: accepted.handoff,
                revision: accepted.revision,
                manifest_sha256: accepted.manifest_sha256,
                results,
            },
            said,
        }))
    }

    fn one_check(
        &self,
        accepted: &Accepted,
        owed: &Owed,
        place: &Place,
    ) -> Option<(CheckResult, Vec<u8>)> {
        let workspace = self.workspaces.get(&accepted.at.workspace);
        let command = workspace
            .as_ref()
            .and_then(|one| one.settings.checks.find(&owed.name).cloned());
        let begun = self.clock.monotonic();
        let (ended, output) = match (command, place.lacks()) {
            (None, _) => {
                let why = "the configuration has no check of that name any more".to_owned();
                (Ended::NotRun { why }, Vec::new())
            }
            (_, Some(why)) => (Ended::NotRun { why }, Vec::new()),
            (Some(command), None) => {
                let run = Run {
                    program: &self.program,
                    command: &command,
                    place,
                    accepted,
                    hidden: self.all_hidden(),
                    clock: &self.clock,
                    shutdown: &self.shutdown,
                };
                run.to_its_end()?
            }
        };
        let took = self.clock.monotonic().saturating_sub(begun);
        let result = CheckResult {
            name: owed.name.clone(),
            on_failure: owed.on_failure,
            ended,
            milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            output_sha256: Digest::of(&output),
            output_bytes: output.len() as u64,
        };
        Some((result, output))
    }

    fn all_hidden(&self) -> Vec<PathBuf> {
        let served = self.workspaces.all();
        let served = served.iter().map(|workspace| workspace.path.clone());
        self.hidden.iter().cloned().chain(served).collect()
    }

    async fn record(&self, found: Found) -> Result<(), ChecksError> {
        let recorded = self.ledger.transact(move |state, _| {
            let is_known = state
                .card(found.checked.handoff)
                .is_none_or(|card| card.checked(found.checked.revision).is_some());
            let draft = if is_known {
                Draft::nothing(())
            } else {
                let events = follow(state, &found);
                let each = found.checked.results.iter().zip(&found.said);
                let objects = each.map(|(result, said)| (result.output_sha256, said.clone()));
                Draft {
                    objects: objects.collect(),
                    ..Draft::of(events, ())
                }
            };
            Ok::<_, Infallible>(draft)
        });
        recorded
            .await
            .map_err(|error| ChecksError::Ledger(error.to_string()))?;
        Ok(())
    }
}

/// The facts to record: what was found, and what follows from it.
fn follow(state: &State, found: &Found) -> Vec<(Actor, Event)> {
    let checked = &found.checked;
    let mut events = vec![(Actor::Daemon, Event::Checked(Box::new(checked.clone())))];
    let Some(card) = state.card(checked.handoff) else {
        return events;
    };
    let revision = checked.revision;
    // Somebody may have answered meanwhile, or the agent come back.
    if card.state != (HandoffState::Waiting { revision }) {
        return events;
    }
    let each = checked.results.iter().zip(&found.said);
    let mut refuses = each
        .clone()
        .filter(|(result, _)| result.holds() && result.on_failure == OnFailure::Refuse);
    if let Some((result, said)) = refuses.next() {
        let decided = Decided {
            handoff: checked.handoff,
            revision,
            manifest_sha256: checked.manifest_sha256,
            outcome: Outcome::ChangesRequested,
            comment: Some(words(result, said)),
            requests: Vec::new(),
            checked: Vec::new(),
            answers: Vec::new(),
            reasons: Vec::new(),
            edited: None,
            verified: None,
            terms: Terms::default(),
            partial: None,
        };
        let rule = format!("check {}", result.name);
        events.push((Actor::Policy { rule }, Event::Decided(Box::new(decided))));
        return events;
    }
    let held = checked.results.iter().find(|result| result.holds());
    if let (Some(result), Some(to)) = (held, card.owed_hop()) {
        let stopped = Stopped {
            handoff: checked.handoff,
            revision,
            why: Why::CheckFailed,
            text: result.words(),
            to: to.to_owned(),
            work_sha256: Digest::ZERO,
        };
        events.push((Actor::Daemon, Event::HopStopped(Box::new(stopped))));
    }
    events
}

/// What an agent is told whose work did not pass.
fn words(result: &CheckResult, said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let text = text.trim();
    let from = text
        .char_indices()
        .rev()
        .nth(QUOTED)
        .map_or(0, |(at, _)| at);
    let quoted = &text[from..];
    match quoted {
        "" => format!("{}.", result.words()),
        quoted => format!("{}. It said:\n\n{quoted}", result.words()),
    }
}
