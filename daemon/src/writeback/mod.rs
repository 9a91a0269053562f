//! From the ledger back into folders: receipts, refusals, decisions, released work.
//!
//! It reads entries after the last one it finished, does what each asks for, and only then moves
//! its mark. Every step may be done twice and leaves the same files; so a decision made just before a crash still
//! reaches the agent.

mod decision;
mod release;

use std::{collections::HashSet, convert::Infallible, sync::Arc};

use countersign_protocol::{
    Digest,
    chain::{Body, Entry},
    event::{Accepted, Event, Location},
    names,
    principal::Actor,
    receipt::{ErrorsDocument, Receipt, ReceiptStatus},
};

use crate::{
    fault,
    fs::{Error, Objects},
    ledger::{Draft, Ledger},
    store::{Space, StoreError},
    workspace::{Answers, Workspace, Workspaces, Written, json},
};

/// Entries done at a time.
const PAGE: usize = 256;
/// From so many files on, one sync of the file system is cheaper than one of each file.
const MANY: usize = 8;
/// The name of the mark.
const MARK: &str = "writeback";

/// The stage.
#[derive(Clone, Debug)]
pub struct Writeback {
    workspaces: Arc<Workspaces>,
    ledger: Ledger,
    objects: Arc<Objects>,
    public_url: String,
    /// The newest entry when the program started: up to here the run before may have been interrupted.
    inherited: u64,
}

/// Why it stopped before the newest entry. It goes on from there later.
#[derive(Debug, thiserror::Error)]
pub enum WritebackError {
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A folder cannot be written.
    #[error(transparent)]
    Fs(#[from] Error),
    /// The ledger does not take the facts.
    #[error("{0}")]
    Ledger(String),
}

/// What a page of entries led to.
#[derive(Default)]
struct Page {
    events: Vec<(Actor, Event)>,
    written: Vec<Written>,
    /// Workspaces whose files still need a sync.
    unsynced: HashSet<String>,
    /// Whether an earlier run may have left the files of this entry unfinished.
    inherited: bool,
}

impl Writeback {
    /// The stage.
    pub fn new(
        workspaces: Arc<Workspaces>,
        ledger: Ledger,
        objects: Arc<Objects>,
        public_url: String,
    ) -> Self {
        let inherited = ledger.state().head.seq;
        Self {
            workspaces,
            ledger,
            objects,
            public_url,
            inherited,
        }
    }

    /// Does everything that the ledger asks for and that is not done yet.
    pub async fn run(&self) -> Result<(), WritebackError> {
        loop {
            let mark = self
                .ledger
                .read(|store| store.value(Space::Progress, MARK))
                .await?;
            let mark = mark.and_then(|mark| mark.parse().ok()).unwrap_or(0);
            let entries = self
                .ledger
                .read(move |store| store.entries(mark, PAGE))
                .await?;
            let Some(last) = entries.last().map(|entry| entry.seq) else {
                return Ok(());
            };
            let me = self.clone();
            let page = tokio::task::spawn_blocking(move || me.page(&entries)).await;
            let page = page.map_err(|error| WritebackError::Ledger(error.to_string()))??;
            let mut values = page.written;
            values.push((Space::Progress, MARK.to_owned(), Some(last.to_string())));
            let delivered = !page.events.is_empty();
            if delivered {
                fault::step("writeback.before_delivered");
            }
            self.record(page.events, values).await?;
            if delivered {
                fault::step("writeback.after_delivered");
            }
        }
    }

    /// Does what was passed over while `workspace` was not served.
    pub async fn catch_up(&self, workspace: &str) -> Result<(), WritebackError> {
        let key = owed(workspace);
        let wanted = key.clone();
        if self
            .ledger
            .read(move |store| store.value(Space::Progress, &wanted))
            .await?
            .is_none()
        {
            return Ok(());
        }
        for seq in self.open_entries(workspace) {
            let entries = self
                .ledger
                .read(move |store| store.entries(seq - 1, 1))
                .await?;
            let me = self.clone();
            let page = tokio::task::spawn_blocking(move || me.page(&entries)).await;
            let page = page.map_err(|error| WritebackError::Ledger(error.to_string()))??;
            self.record(page.events, page.written).await?;
        }
        self.record(Vec::new(), vec![(Space::Progress, key, None)])
            .await
    }

    /// The entries that still ask for a file in the folders of `workspace`.
    fn open_entries(&self, workspace: &str) -> Vec<u64> {
        let state = self.ledger.state();
        let cards = state.cards().filter(|card| card.workspace == workspace);
        let mut open: Vec<u64> = cards
            .flat_map(|card| {
                let undelivered = card
                    .decisions
                    .iter()
                    .filter(|known| known.delivered.is_none());
                std::iter::once(card.newest().seq).chain(undelivered.map(|known| known.seq))
            })
            .collect();
        let dead = state
            .dead_letters()
            .filter(|dead| dead.location.workspace == workspace);
        open.extend(dead.map(|dead| dead.seq));
        open.sort_unstable();
        open
    }

    async fn record(
        &self,
        events: Vec<(Actor, Event)>,
        values: Vec<Written>,
    ) -> Result<(), WritebackError> {
        let draft = Draft {
            events,
            objects: Vec::new(),
            values,
            value: (),
        };
        let recorded = self
            .ledger
            .transact(move |_, _| Ok::<_, Infallible>(draft))
            .await;
        recorded
            .map(drop)
            .map_err(|error| WritebackError::Ledger(error.to_string()))
    }

    fn page(&self, entries: &[Entry]) -> Result<Page, WritebackError> {
        let mut page = Page::default();
        let durable = entries.len() < MANY;
        for entry in entries {
            page.inherited = entry.seq <= self.inherited;
            let body: Body = serde_json::from_str(&entry.body)
                .map_err(|error| WritebackError::Ledger(format!("entry {}: {error}", entry.seq)))?;
            let place = match &body.event {
                Event::Accepted(accepted) => accepted.at.workspace.clone(),
                Event::Refused { at, .. } => at.workspace.clone(),
                Event::Decided(decided) => match self.ledger.state().card(decided.handoff) {
                    Some(card) => card.workspace.clone(),
                    None => continue,
                },
                _ => continue,
            };
            // One that is not served now gets its answers when it is served again.
            let Some(workspace) = self.workspaces.get(&place) else {
                page.written
                    .push((Space::Progress, owed(&place), Some("1".to_owned())));
                continue;
            };
            if page.inherited
                && let Some(at) = self.place_of(&body.event)
                && let Some(answers) = folder(&workspace, &at)?
            {
                answers.remove_left_over()?;
            }
            match &body.event {
                Event::Accepted(accepted) => {
                    self.receipt(&workspace, accepted, body.at, durable, &mut page)?;
                }
                Event::Refused {
                    at,
                    sha256,
                    kind,
                    violations,
                } => {
                    let refusal = countersign_protocol::problem::Refusal {
                        kind: *kind,
                        violations: violations.clone(),
                    };
                    let errors = ErrorsDocument::new(&refusal, &at.file, *sha256, body.at);
                    let name = names::answers_for(&at.file).errors;
                    self.answer(&workspace, at, &name, &json(&errors), durable, &mut page)?;
                }
                Event::Decided(decided) => {
                    self.decision(&workspace, entry, &body, decided, &mut page)?;
                }
                _ => {}
            }
            if !durable {
                page.unsynced.insert(place);
            }
        }
        for name in &page.unsynced {
            if let Some(workspace) = self.workspaces.get(name) {
                workspace.dir().sync_file_system()?;
            }
        }
        Ok(page)
    }

    /// Where the answer to an event goes.
    fn place_of(&self, event: &Event) -> Option<Location> {
        match event {
            Event::Accepted(accepted) => Some(accepted.at.clone()),
            Event::Refused { at, .. } => Some(at.clone()),
            Event::Decided(decided) => {
                let state = self.ledger.state();
                let revision = state.card(decided.handoff)?.revision(decided.revision)?;
                Some(revision.accepted.at.clone())
            }
            _ => None,
        }
    }

    /// The receipt next to the handoff; what an earlier refusal or decision left there is cleared.
    fn receipt(
        &self,
        workspace: &Workspace,
        accepted: &Accepted,
        at: jiff::Timestamp,
        durable: bool,
        page: &mut Page,
    ) -> Result<(), WritebackError> {
        let superseded = {
            let state = self.ledger.state();
            state
                .card(accepted.handoff)
                .is_some_and(|card| card.newest().accepted.revision > accepted.revision)
        };
        if superseded {
            return Ok(());
        }
        let receipt = json(&Receipt::of(
            accepted,
            at,
            ReceiptStatus::Accepted,
            &self.public_url,
        ));
        fault::step("writeback.before_receipt");
        let names = names::answers_for(&accepted.at.file);
        let Some(answers) = folder(workspace, &accepted.at)? else {
            return Ok(());
        };
        for stale in [&names.errors, &names.decision, &names.feedback] {
            let known = self.known(&answers, stale, page)?;
            page.written.extend(answers.remove(stale, known)?);
        }
        self.write(&answers, &names.receipt, &receipt, durable, page)?;
        fault::step("writeback.after_receipt");
        Ok(())
    }

    fn answer(
        &self,
        workspace: &Workspace,
        at: &Location,
        name: &str,
        bytes: &[u8],
        durable: bool,
        page: &mut Page,
    ) -> Result<(), WritebackError> {
        match folder(workspace, at)? {
            Some(answers) => self.write(&answers, name, bytes, durable, page),
            None => Ok(()),
        }
    }

    fn write(
        &self,
        answers: &Answers,
        name: &str,
        bytes: &[u8],
        durable: bool,
        page: &mut Page,
    ) -> Result<(), WritebackError> {
        if page.inherited {
            answers.remove_left_over()?;
        }
        let known = self.known(answers, name, page)?;
        page.written
            .push(answers.write(name, bytes, known, durable)?);
        Ok(())
    }

    /// The digest of what we last wrote as `name`, this page included.
    fn known(
        &self,
        answers: &Answers,
        name: &str,
        page: &Page,
    ) -> Result<Option<Digest>, WritebackError> {
        let key = answers.key(name);
        let newest = page
            .written
            .iter()
            .rev()
            .find(|(_, known, _)| *known == key);
        let known = match newest {
            Some((_, _, digest)) => digest.clone(),
            None => self.ledger.value(Space::Written, key)?,
        };
        Ok(known.and_then(|digest| digest.parse().ok()))
    }
}

/// The name of the note that answers in `workspace` were passed over.
fn owed(workspace: &str) -> String {
    format!("{MARK} owes {workspace}")
}

/// The folder for answers to `at`. An agent may have removed its folder: then there is nobody to
/// answer to in it, and the copy under `.countersign/` remains.
fn folder(workspace: &Workspace, at: &Location) -> Result<Option<Answers>, Error> {
    match Answers::to(workspace, at) {
        Ok(answers) => Ok(Some(answers)),
        Err(error) if error.is_not_found() || is_link(&error) => {
            tracing::warn!(%error, "the folder of a handoff is gone; its answer stays under .countersign");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn is_link(error: &Error) -> bool {
    matches!(error.source.raw_os_error(), Some(libc::ELOOP | libc::EXDEV))
}
