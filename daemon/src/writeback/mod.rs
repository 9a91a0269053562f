//! From the ledger back into folders: receipts, refusals, decisions, released work.
//!
//! It reads entries after the last one it finished, does what each asks for, and only then moves
//! its mark. Every step may be done twice and leaves the same files; so a decision made just before a crash still
//! reaches the agent. What cannot be done in one folder is owed to that folder, and done later in the
//! same order; the other folders do not wait for it.

mod acknowledgement;
mod decision;
mod destination;
mod errand;
mod owed;
mod package;
mod release;
mod standing;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use countersign_protocol::{
    Digest,
    chain::Body,
    check::Checked,
    event::{Accepted, Event, Location},
    names,
    principal::Actor,
    problem::Refusal,
    receipt::{ErrorsDocument, Receipt, ReceiptStatus},
};
use tokio::sync::{Mutex, watch};

use crate::{
    fault,
    fs::{Error, Objects},
    ledger::{Draft, Ledger, Recorded},
    store::{Space, StoreError},
    workspace::{
        AnswerError, Answers, Remembered, Workspace, Workspaces, Written, WrittenHere, json,
        package,
    },
};
use destination::{Destination, destinations};
use errand::{Errand, What};
use owed::{Owed, Place};

/// Entries done at a time.
const PAGE: usize = 256;
/// From so many files on, one sync of the file system is cheaper than one of each file.
const MANY: usize = 8;
/// A page waits this often and so long for a burst of deliveries to be over: they are accepted by the same
/// processors and the same disk that their receipts need.
const WAITS: usize = 20;
const WAIT: Duration = Duration::from_millis(10);
/// The name of the mark.
const MARK: &str = "writeback";
/// The mark lags behind by fewer entries than this, when none of them asks for anything: to pass over them again
/// costs less than a sync each.
const LAG: u64 = 1_000;

/// The stage. Clones share one turn.
#[derive(Clone, Debug)]
pub struct Writeback {
    workspaces: Arc<Workspaces>,
    ledger: Ledger,
    objects: Arc<Objects>,
    public_url: String,
    /// The newest entry when the program started: up to here the run before may have been interrupted.
    inherited: u64,
    /// New entries and owed ones are never done at the same time.
    turn: Arc<Mutex<()>>,
    progress: Arc<Progress>,
    behind: watch::Sender<u64>,
    /// Whether deliveries come faster than they are accepted.
    is_burst: IsBurst,
}

/// How far it is. No entry between the two asked for anything.
#[derive(Debug)]
struct Progress {
    /// The last entry that was answered or is owed; `u64::MAX` until the mark was read.
    done: AtomicU64,
    /// The mark.
    marked: AtomicU64,
}

impl Progress {
    fn set(&self, seq: u64) {
        self.marked.store(seq, Ordering::SeqCst);
        self.done.store(seq, Ordering::SeqCst);
    }
}

/// Asks whether deliveries come faster than they are accepted.
#[derive(Clone)]
struct IsBurst(Arc<dyn Fn() -> bool + Send + Sync>);

impl std::fmt::Debug for IsBurst {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("IsBurst").field(&(self.0)()).finish()
    }
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
    /// Sealed bytes are not there any more.
    #[error("the sealed bytes {0} are missing; nothing is released")]
    Missing(Digest),
    /// Some folders cannot be answered; the others were.
    #[error("{folders} cannot be answered and {are} tried again: {first}", folders = folders(*count), are = if *count == 1 { "is" } else { "are" })]
    Behind {
        /// How many.
        count: usize,
        /// Why the first one cannot.
        first: String,
    },
    /// The ledger does not take the facts.
    #[error("{0}")]
    Ledger(String),
}

impl From<AnswerError> for WritebackError {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::Fs(error) => Self::Fs(error),
            AnswerError::Store(error) => Self::Store(error),
        }
    }
}

fn folders(count: usize) -> String {
    match count {
        1 => "1 folder".to_owned(),
        count => format!("{count} folders"),
    }
}

/// What a page of entries led to.
#[derive(Default)]
struct Page {
    events: Vec<(Actor, Event)>,
    written: Vec<Written>,
    /// Workspaces whose files still need a sync, with the places and entries they are of.
    unsynced: HashMap<String, Vec<(Place, u64)>>,
    /// Why places could not be answered.
    failed: Vec<String>,
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
            turn: Arc::default(),
            progress: Arc::new(Progress {
                done: AtomicU64::new(u64::MAX),
                marked: AtomicU64::new(0),
            }),
            behind: watch::Sender::new(0),
            is_burst: IsBurst(Arc::new(|| false)),
        }
    }

    /// The stage, giving way for a moment while `is_burst` says that deliveries come faster than they
    /// are accepted.
    #[must_use]
    pub fn giving_way(mut self, is_burst: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.is_burst = IsBurst(Arc::new(is_burst));
        self
    }

    /// Answers every new entry. A folder that cannot be answered holds nobody else up: from then on it
    /// is owed its answers, in order, and [`Writeback::catch_up`] gives them.
    pub async fn run(&self) -> Result<(), WritebackError> {
        loop {
            for _ in 0..WAITS {
                if !(self.is_burst.0)() {
                    break;
                }
                tokio::time::sleep(WAIT).await;
            }
            let _turn = self.turn.lock().await;
            let mark = self.mark().await?;
            let entries = self.ledger.entries(mark, PAGE).await?;
            let Some(last) = entries.last().map(|entry| entry.body.seq) else {
                return Ok(());
            };
            let is_idle = entries
                .iter()
                .all(|entry| self.errands(&entry.body).is_empty());
            if is_idle && last - self.progress.marked.load(Ordering::SeqCst) < LAG {
                self.progress.done.store(last, Ordering::SeqCst);
                continue;
            }
            let mut owed = self.owed().await?;
            let me = self.clone();
            let done = tokio::task::spawn_blocking(move || {
                let durable = entries.len() < MANY;
                me.page(&entries, &mut owed, durable)
            });
            let page = done
                .await
                .map_err(|error| WritebackError::Ledger(error.to_string()))??;
            let is_behind = !page.failed.is_empty();
            self.record(
                page,
                Some((Space::Progress, MARK.to_owned(), Some(last.to_string()))),
            )
            .await?;
            self.progress.set(last);
            if is_behind {
                self.nudge();
            }
        }
    }

    /// The last entry that was answered or is owed.
    async fn mark(&self) -> Result<u64, WritebackError> {
        let done = self.progress.done.load(Ordering::SeqCst);
        if done != u64::MAX {
            return Ok(done);
        }
        let mark = self
            .ledger
            .read(|store| store.value(Space::Progress, MARK))
            .await?;
        let mark = mark.and_then(|mark| mark.parse().ok()).unwrap_or(0);
        self.progress.set(mark);
        Ok(mark)
    }

    async fn record(&self, page: Page, progress: Option<Written>) -> Result<(), WritebackError> {
        let delivered = !page.events.is_empty();
        if delivered {
            fault::step("writeback.before_delivered");
        }
        let mut values = page.written;
        values.extend(progress);
        let draft = Draft {
            events: page.events,
            objects: Vec::new(),
            values,
            value: (),
        };
        let recorded = self
            .ledger
            .transact(move |_, _| Ok::<_, Infallible>(draft))
            .await;
        recorded.map_err(|error| WritebackError::Ledger(error.to_string()))?;
        if delivered {
            fault::step("writeback.after_delivered");
        }
        Ok(())
    }

    /// Answers `entries` but for the places that are owed older answers. A place that fails is owed from
    /// then on.
    fn page(
        &self,
        entries: &[Arc<Recorded>],
        owed: &mut Owed,
        durable: bool,
    ) -> Result<Page, WritebackError> {
        let mut page = Page::default();
        for body in entries.iter().map(|entry| &entry.body) {
            page.inherited = body.seq <= self.inherited;
            let errands = self.errands(body);
            for errand in &errands {
                self.run_errand(errand, body, durable, owed, &mut page)?;
            }
            let places = errands.iter().map(Place::of);
            page.written
                .extend(places.filter_map(|place| owed.advance(&place, body.seq)));
        }
        for (name, places) in std::mem::take(&mut page.unsynced) {
            let synced = self
                .workspaces
                .get(&name)
                .map_or(Ok(()), |workspace| workspace.dir().sync_file_system());
            if let Err(error) = synced {
                tracing::warn!(workspace = name, %error, "answers may not last and are written again");
                page.failed.push(format!("{name}: {error}"));
                for (place, seq) in places {
                    page.written.push(owed.stop(place, seq));
                }
            }
        }
        Ok(page)
    }

    /// Does one errand of an entry, unless its place is owed older ones.
    fn run_errand(
        &self,
        errand: &Errand,
        body: &Body,
        durable: bool,
        owed: &mut Owed,
        page: &mut Page,
    ) -> Result<(), WritebackError> {
        let place = Place::of(errand);
        if owed.is_done(&place, body.seq) {
            return Ok(());
        }
        let failed = match self.workspaces.get(&place.workspace) {
            // One that is not served now gets its answers when it is served again.
            None => None,
            Some(workspace) => match self.entry(&workspace, errand, body, durable, page) {
                Ok(()) => {
                    if !durable {
                        let name = place.workspace.clone();
                        let unsynced = page.unsynced.entry(name).or_default();
                        unsynced.push((place, body.seq));
                    }
                    return Ok(());
                }
                Err(error @ (WritebackError::Fs(_) | WritebackError::Missing(_))) => {
                    tracing::warn!(entry = body.seq, %error, "a folder cannot be answered");
                    Some(format!("{place}: {error}"))
                }
                Err(error) => return Err(error),
            },
        };
        page.failed.extend(failed);
        page.written.push(owed.stop(place, body.seq));
        Ok(())
    }

    fn entry(
        &self,
        workspace: &Workspace,
        errand: &Errand,
        body: &Body,
        durable: bool,
        page: &mut Page,
    ) -> Result<(), WritebackError> {
        if errand.what != What::Answer {
            return self.hop_errand(workspace, errand, body, durable, page);
        }
        if page.inherited
            && let Some(answers) = folder(workspace, &errand.at)?
        {
            let _alone = workspace.answering();
            answers.remove_left_over()?;
        }
        match &body.event {
            // A card that the daemon made itself.
            Event::Accepted(accepted) if !accepted.violated.is_empty() => Ok(()),
            Event::Accepted(accepted) => self.receipt(workspace, accepted, body.at, durable, page),
            Event::Checked(checked) => self.checked_receipt(workspace, checked, durable, page),
            Event::Refused {
                at,
                sha256,
                kind,
                violations,
            } => {
                let refusal = Refusal {
                    kind: *kind,
                    violations: violations.clone(),
                };
                let errors = json(&ErrorsDocument::new(&refusal, &at.file, *sha256, body.at));
                let name = names::answers_for(&at.file).errors;
                let Some(answers) = folder(workspace, at)? else {
                    return Ok(());
                };
                let mut here = workspace.answering();
                self.write(&answers, &mut here, &name, &errors, durable, page)
            }
            Event::RefusedGone { at } => {
                let name = names::answers_for(&at.file).errors;
                let Some(answers) = folder(workspace, at)? else {
                    return Ok(());
                };
                let mut here = workspace.answering();
                self.clear(&answers, &mut here, &name, page)
            }
            Event::Decided(decided) => self.decision(workspace, (body.seq, body.at), decided, page),
            Event::Found {
                handoff,
                revision,
                at,
            } => self.found(workspace, body, (*handoff, *revision, at), page),
            Event::Withdrawn { handoff, .. } => {
                self.withdrawal(workspace, body.seq, *handoff, page)
            }
            _ => Ok(()),
        }
    }

    /// The receipt next to the handoff; what an earlier refusal or decision left there is cleared. Once the handoff, or
    /// one that came after it, was answered, what stands there may be that answer, and stays.
    fn receipt(
        &self,
        workspace: &Workspace,
        accepted: &Accepted,
        at: jiff::Timestamp,
        durable: bool,
        page: &mut Page,
    ) -> Result<(), WritebackError> {
        let Some(receipt) = self.receipt_of(accepted, at) else {
            return Ok(());
        };
        fault::step("writeback.before_receipt");
        let names = names::answers_for(&accepted.at.file);
        let Some(answers) = folder(workspace, &accepted.at)? else {
            return Ok(());
        };
        let is_answered = self.is_answered(workspace, accepted)?;
        let mut here = workspace.answering();
        let stale = [&names.decision, &names.feedback, &names.patch];
        let stale = stale.into_iter().filter(|_| !is_answered);
        for stale in stale.chain([&names.errors, &names.ack, &names.result]) {
            self.clear(&answers, &mut here, stale, page)?;
        }
        self.write(&answers, &mut here, &names.receipt, &receipt, durable, page)?;
        fault::step("writeback.after_receipt");
        Ok(())
    }

    /// The receipt once more, with what the checks found.
    fn checked_receipt(
        &self,
        workspace: &Workspace,
        checked: &Checked,
        durable: bool,
        page: &mut Page,
    ) -> Result<(), WritebackError> {
        let Some(card) = self.ledger.state().card(checked.handoff).cloned() else {
            return Ok(());
        };
        let Some(revision) = card.revision(checked.revision) else {
            return Ok(());
        };
        let Some(receipt) = self.receipt_of(&revision.accepted, revision.at) else {
            return Ok(());
        };
        let mut here = workspace.answering();
        for Destination { at, answers } in destinations(workspace, &card, checked.revision)? {
            let name = names::answers_for(&at.file).receipt;
            self.write(&answers, &mut here, &name, &receipt, durable, page)?;
        }
        Ok(())
    }

    /// The bytes of a receipt, as the state is now; `None` when a newer revision has its own.
    fn receipt_of(&self, accepted: &Accepted, at: jiff::Timestamp) -> Option<Vec<u8>> {
        let state = self.ledger.state();
        let card = state.card(accepted.handoff);
        if card.is_some_and(|card| card.newest().accepted.revision > accepted.revision) {
            return None;
        }
        let checked = card.and_then(|card| card.checked(accepted.revision));
        let receipt = Receipt::of(accepted, at, ReceiptStatus::Accepted, &self.public_url);
        Some(json(&receipt.with_checks(accepted, checked)))
    }

    fn write(
        &self,
        answers: &Answers,
        here: &mut WrittenHere,
        name: &str,
        bytes: &[u8],
        durable: bool,
        page: &mut Page,
    ) -> Result<(), WritebackError> {
        let written =
            self.remembering(|remembered| answers.write(here, name, bytes, remembered, durable))?;
        page.written.push(written);
        Ok(())
    }

    fn clear(
        &self,
        answers: &Answers,
        here: &mut WrittenHere,
        name: &str,
        page: &mut Page,
    ) -> Result<(), WritebackError> {
        let removed = self.remembering(|remembered| answers.remove(here, name, remembered))?;
        page.written.extend(removed);
        Ok(())
    }

    /// Runs `work` with what the ledger remembers of the files that we wrote.
    fn remembering<T>(&self, work: impl FnOnce(Remembered<'_>) -> T) -> T {
        let last = |key| self.ledger.value(Space::Written, key);
        let wrote = |digest| self.ledger.wrote(digest);
        work(Remembered {
            last: &last,
            wrote: &wrote,
        })
    }
}

/// The folder for answers to `at`. An agent may have removed its folder: then there is nobody to
/// answer to in it, and the copy under `.countersign/` remains.
fn folder(workspace: &Workspace, at: &Location) -> Result<Option<Answers>, Error> {
    match Answers::to(workspace, at) {
        Ok(answers) => Ok(Some(answers)),
        // The mirror of the inbox is ours to make.
        Err(error)
            if package(&at.folder).is_none() && (error.is_not_found() || is_link(&error)) =>
        {
            tracing::warn!(%error, "the folder of a handoff is gone; its answer stays under .countersign");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn is_link(error: &Error) -> bool {
    matches!(error.source.raw_os_error(), Some(libc::ELOOP | libc::EXDEV))
}
