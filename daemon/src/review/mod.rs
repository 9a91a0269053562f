//! The desk: what pages and API see of the daemon, and the one place where a decision is recorded.

mod access;
mod accounts;
mod activity;
mod base;
mod boundaries;
mod care;
mod commands;
mod compared;
mod content;
#[cfg(test)]
mod disabled;
mod edits;
mod evidence;
mod files;
mod held_result;
mod insights;
mod landing;
mod latest;
mod lock_rows;
mod locks;
mod messages;
mod mount;
mod observe;
mod operator_key;
mod origins;
mod outsiders;
mod ownership;
mod page;
mod partial;
mod people;
mod person_tokens;
mod preferences;
mod queue;
mod quotes;
mod reasons;
mod requests;
mod routing;
mod row;
mod seams;
mod search;
mod seen;
mod service;
mod sso;
mod step_up;
#[cfg(test)]
mod tests;
mod threads;
mod timeline;
mod tokens;
mod transfer;
mod undo;
mod uses;
mod versions;
mod votes;
mod wait;
mod wishes;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use countersign_protocol::{
    Digest, HandoffId, access::Permission, dialect::Format, event::Location, receipt::Receipt,
};
use countersign_web::desk::{
    ActivityRow, Answer, Answered, Caller, ChainReport, DeadLetter, Desk, DeskError, Frame,
    HandoffRow, Health, NewToken, Person, Queue, QueueView, Review, Submission, TokenRow,
    WaitAnswer, WorkspaceRow,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::{Semaphore, watch};

use self::latest::Latest;
use crate::{
    accounts::Accounts,
    clock::{Jump, SharedClock},
    config::Resolver,
    extract::Extractor,
    fs::Objects,
    ledger::{Ledger, State, TransactError},
    locks::Locks,
    policy::Stage,
    scrub::Scrub,
    search::Search,
    versions::collect::Collector,
    workspace::Workspaces,
};
pub use messages::Courier;
pub use operator_key::OperatorKey;
pub use seams::{AnsweredHop, Delivered, Door, Gauges, Local, Pulse};

/// Archives that are written at a time.
const ARCHIVES: usize = 8;

/// The desk of a running daemon.
pub struct LedgerDesk {
    ledger: Ledger,
    workspaces: Arc<Workspaces>,
    objects: Arc<Objects>,
    clock: SharedClock,
    local: Local,
    accounts: Accounts,
    pulse: Arc<dyn Pulse>,
    door: Arc<dyn Door>,
    collector: Collector,
    /// Places for archives that are being written: each holds a thread.
    archives: Arc<Semaphore>,
    /// The turn of agents that search.
    agents_ask: Semaphore,
    policy: Stage,
    /// Reads the files of agents, in a child.
    reader: Arc<Extractor>,
    courier: Arc<dyn Courier>,
    search: Search,
    locks: Locks,
    gauges: Arc<dyn Gauges>,
    /// What references to evidence lead to.
    resolvers: Arc<[Resolver]>,
    /// Comparisons of many files.
    kept: compared::kept::Kept,
    views: seen::Views,
    waiting: Latest<seen::Waiting>,
    homes: Latest<search::homes::Folders>,
}

impl std::fmt::Debug for LedgerDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LedgerDesk")
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

impl LedgerDesk {
    /// The desk over `ledger`.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is another part of the daemon, and only the wiring names them"
    )]
    pub fn new(
        ledger: Ledger,
        policy: Stage,
        workspaces: Arc<Workspaces>,
        objects: Arc<Objects>,
        clock: SharedClock,
        (local, accounts): (Local, Accounts),
        (pulse, door): (Arc<dyn Pulse>, Arc<dyn Door>),
        collector: Collector,
        reader: Arc<Extractor>,
        courier: Arc<dyn Courier>,
        search: Search,
        locks: Locks,
        gauges: Arc<dyn Gauges>,
    ) -> Self {
        Self {
            ledger,
            workspaces,
            objects,
            clock,
            local,
            accounts,
            pulse,
            door,
            collector,
            archives: Arc::new(Semaphore::new(ARCHIVES)),
            agents_ask: Semaphore::new(1),
            policy,
            reader,
            courier,
            search,
            locks,
            gauges,
            resolvers: Arc::default(),
            kept: compared::kept::Kept::default(),
            views: seen::Views::default(),
            waiting: Latest::default(),
            homes: Latest::default(),
        }
    }

    /// The same with what references to evidence lead to.
    #[must_use]
    pub fn resolving(mut self, resolvers: Vec<Resolver>) -> Self {
        self.resolvers = resolvers.into();
        self
    }
}

/// A failure of the ledger, for a caller who can only try again.
fn unavailable<E: std::fmt::Display>(error: TransactError<E>) -> DeskError {
    DeskError::Unavailable(format!("not recorded, nothing was changed: {error}"))
}

#[async_trait]
impl Desk for LedgerDesk {
    async fn queue(
        &self,
        who: &Caller,
        view: QueueView,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Queue, DeskError> {
        self.queue_page(who, view, cursor, limit).await
    }

    async fn frame(&self, who: &Caller) -> Result<Frame, DeskError> {
        Ok(self.frame_of(who))
    }

    async fn row(&self, who: &Caller, id: HandoffId) -> Result<HandoffRow, DeskError> {
        let state = self.ledger.state();
        let card = access::visible_card(&state, who, id)?;
        Ok(self.growing_row(&state, &card, who))
    }

    async fn review(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: Option<u32>,
        base: Option<u32>,
    ) -> Result<Review, DeskError> {
        self.review_page(who, id, revision, base).await
    }

    async fn dead_letters(&self, who: &Caller) -> Result<Vec<DeadLetter>, DeskError> {
        self.refused_deliveries(who).await
    }

    async fn activity(
        &self,
        who: &Caller,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ActivityRow>, DeskError> {
        self.recent(who, before, limit).await
    }

    async fn wait(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: Option<u32>,
        timeout: Duration,
    ) -> Result<WaitAnswer, DeskError> {
        self.wait_for(who, id, revision, timeout).await
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.ledger.head()
    }

    async fn health(&self) -> Health {
        let mut troubles = self.pulse.troubles();
        troubles.extend(
            self.ledger
                .trouble()
                .map(|trouble| format!("the ledger cannot be written: {trouble}")),
        );
        troubles.extend(clock_troubles(&self.ledger.state(), self.clock.now()));
        troubles.extend(Scrub::new(self.ledger.clone(), Arc::clone(&self.objects)).trouble());
        // Asked before the state is held: the watcher may wait for the state itself.
        let all: Vec<_> = self
            .workspaces
            .all()
            .into_iter()
            .map(|workspace| {
                let watching = self.pulse.watching(&workspace.name);
                (workspace, watching)
            })
            .collect();
        let is_ready = self.pulse.ready() && self.ledger.trouble().is_none();
        let state = self.ledger.state();
        let waiting = self.waiting.at(&state, seen::waiting);
        let workspaces = all.into_iter().map(|(workspace, (mode, trouble))| {
            let here = |name: &str| name == &*workspace.name;
            let waiting = waiting.get(&*workspace.name).copied().unwrap_or_default();
            let dead_letters = state
                .dead_letters()
                .filter(|dead| here(&dead.location.workspace))
                .count();
            let path = workspace.path.display().to_string();
            WorkspaceRow {
                name: workspace.name.to_string(),
                path,
                mode,
                trouble,
                waiting,
                dead_letters,
            }
        });
        Health {
            ready: is_ready,
            troubles,
            head: state.head,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            workspaces: workspaces.collect(),
        }
    }

    async fn verify_chain(&self, who: &Person) -> Result<ChainReport, DeskError> {
        who.check(Permission::Verify, None)?;
        let checked = self.ledger.check().await;
        let (head, broken) = checked.map_err(|error| DeskError::Unavailable(error.to_string()))?;
        let damaged = self.objects.damaged();
        Ok(ChainReport {
            ok: broken.is_none() && damaged.is_empty(),
            entries: head.seq,
            head,
            damaged,
            problem: broken.map(|broken| broken.to_string()),
        })
    }

    async fn viewed(
        &self,
        who: &Person,
        id: HandoffId,
        revision: u32,
        manifest: Digest,
    ) -> Result<(), DeskError> {
        self.record_view(who, id, revision, manifest).await
    }

    async fn decide(
        &self,
        who: &Person,
        id: HandoffId,
        answer: Answer,
    ) -> Result<Answered, DeskError> {
        self.record_answer(who, id, answer, (undo::Ending::Now, None), Vec::new())
            .await
    }

    async fn withdraw(
        &self,
        who: &Caller,
        id: HandoffId,
        reason: Option<String>,
    ) -> Result<(), DeskError> {
        self.record_withdrawal(who, id, reason).await
    }

    async fn submit(&self, who: &Caller, submission: Submission) -> Result<Receipt, DeskError> {
        self.check_workspace(who, &submission.workspace, Permission::Submit)?;
        let Submission {
            workspace,
            folder,
            document,
            yaml,
            files,
            traceparent,
        } = submission;
        let format = if yaml { Format::Yaml } else { Format::Json };
        let principal = access::principal(who);
        let document = document.into_bytes();
        self.door
            .submit(Delivered {
                workspace,
                folder,
                document,
                format,
                files,
                principal,
                traceparent,
            })
            .await
    }

    async fn checkpoint(
        &self,
        who: &Caller,
        workspace: &str,
        folder: &str,
        document: Value,
    ) -> Result<Digest, DeskError> {
        self.check_workspace(who, workspace, Permission::Submit)?;
        let at = Location {
            workspace: workspace.to_owned(),
            folder: folder.to_owned(),
            file: countersign_protocol::names::CHECKPOINT.to_owned(),
        };
        let bytes = serde_json::to_vec_pretty(&document).unwrap_or_default();
        self.door
            .checkpoint(at, bytes, access::principal(who))
            .await
    }

    async fn create_token(
        &self,
        who: &Person,
        token: NewToken,
    ) -> Result<(TokenRow, String), DeskError> {
        self.make_token(who, token).await
    }

    async fn tokens(&self, who: &Person) -> Result<Vec<TokenRow>, DeskError> {
        self.check_anywhere(&Caller::Person(who.clone()), Permission::Tokens)?;
        let state = self.ledger.state();
        let managed = state.tokens().filter(|token| tokens::manages(who, token));
        Ok(managed.map(tokens::row).collect())
    }

    async fn revoke_token(&self, who: &Person, id: &str) -> Result<(), DeskError> {
        self.take_token_back(who, id).await
    }
}

/// Time for which a jump of the clock is told.
const JUMP_SHOWN: SignedDuration = SignedDuration::from_hours(24);
/// Most that the newest entry is ahead of the clock without being told: corrections of the clock are no trouble.
const MAX_AHEAD: SignedDuration = SignedDuration::from_secs(60);

/// That the clock of the machine was wrong, and what it left behind.
fn clock_troubles(state: &State, now: Timestamp) -> Vec<String> {
    let mut troubles = Vec::new();
    if let Some((at, jump)) = state.clock_jumped
        && now.duration_since(at).abs() < JUMP_SHOWN
    {
        let Jump { expected, found } = jump;
        troubles.push(format!(
            "the clock of this machine showed {found:.0} instead of {expected:.0}; look whether its time service runs"
        ));
    }
    if let Some(last) = state.last_time
        && last.duration_since(now) > MAX_AHEAD
    {
        troubles.push(format!(
            "the newest entry is of {last:.0} and the clock shows {now:.0}: entries have the time of the newest one until the clock has reached it"
        ));
    }
    troubles
}
