//! A rig for tests: ledger, workspace, intake, writeback and desk on a temporary folder, without
//! threads to wait for and with a clock that the test moves.
//!
//! The verbs of an agent change the folder as an agent would; the verbs of the daemon do one round of
//! its work. [`Rig::restart`] drops all that the daemon held in memory and opens it again.

mod agent;
mod model;
mod people;
mod skip;
mod stand_ins;
mod work;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use countersign_protocol::{
    HandoffId,
    access::{Access, Role},
    chain::Body,
    decision::{DecisionDocument, Outcome},
    dialect::Format,
    event::{AccountChange, Event},
    principal::{Actor, Method, Principal},
    receipt::Receipt,
};
use countersign_web::desk::{
    AccessDesk as _, Answer, Caller, Care, Desk as _, DeskError, Person,
    access::{NewAccount, Visitor},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{
    accounts::{Accounts, Passwords, Terms},
    catalog::{Catalog, Roster},
    clock::{Clock as _, SharedClock, TestClock},
    config::Config,
    extract,
    fs::Objects,
    intake::{Intake, SubmitError, Submitted},
    ledger::{Card, Draft, Ledger, State},
    locks::Locks,
    policy::Stage,
    review::{LedgerDesk, Local},
    search::{self, Search},
    store::{MemoryStore, Store as _},
    versions::collect::{Collector, Retention},
    workspace::{Settings, Workspace, Workspaces},
    writeback::Writeback,
};

pub(crate) use agent::handoff;
pub(crate) use people::{catalog, config};
pub(crate) use skip::skip;
pub(crate) use stand_ins::{DeadProcesses, SharedStore};
pub(crate) use work::{accepted, entry};

/// The password of those who sign in.
pub(crate) const PASSWORD: &str = "correct horse battery";
/// The name of the workspace.
pub(crate) const WORKSPACE: &str = "w";

/// What the daemon holds in memory.
struct Parts {
    ledger: Ledger,
    objects: Arc<Objects>,
    workspaces: Arc<Workspaces>,
    intake: Intake,
    writeback: Writeback,
    desk: Arc<LedgerDesk>,
    policy: Stage,
    locks: Locks,
}

pub(crate) struct Rig {
    runtime: Runtime,
    pub(crate) clock: Arc<TestClock>,
    folder: TempDir,
    store: Arc<Mutex<MemoryStore>>,
    settings: Settings,
    has_leases: bool,
    catalog: Catalog,
    roster: Option<Box<Config>>,
    parts: Option<Parts>,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let mut rig = Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            clock: TestClock::at("2026-03-02T09:00:00Z".parse().unwrap()),
            folder: memory_folder(),
            store: Arc::default(),
            settings,
            has_leases: true,
            catalog: Catalog::default(),
            roster: None,
            parts: None,
        };
        rig.make_folder("");
        rig.start();
        rig
    }

    fn start(&mut self) {
        let clock: SharedClock = self.clock.clone();
        let store = Box::new(SharedStore(Arc::clone(&self.store)));
        let ledger = Ledger::open(store, Arc::clone(&clock)).unwrap();
        let objects = Arc::new(Objects::open(&self.folder.path().join("objects")).unwrap());
        let workspaces = Arc::new(Workspaces::default());
        let url = "http://127.0.0.1:1".to_owned();
        let intake = Intake::new(
            Arc::clone(&workspaces),
            ledger.clone(),
            Arc::clone(&objects),
            Arc::clone(&clock),
            url.clone(),
            None,
        );
        let mut intake = self.runtime.block_on(intake).unwrap();
        if !self.has_leases {
            intake = intake.without_leases();
        }
        let writeback = Writeback::new(
            Arc::clone(&workspaces),
            ledger.clone(),
            Arc::clone(&objects),
            url.clone(),
        );
        let collector = Collector::new(
            ledger.clone(),
            Arc::clone(&objects),
            Arc::clone(&clock),
            Retention {
                undecided: None,
                orphans: Duration::ZERO,
            },
        );
        let policy = Stage::new(
            ledger.clone(),
            Arc::clone(&workspaces),
            Arc::clone(&objects),
            Arc::clone(&clock),
            self.catalog.clone(),
            "local:maya".to_owned(),
        );
        let accounts = Accounts::load(
            ledger.clone(),
            Arc::clone(&clock),
            Passwords::little(),
            Terms {
                invitation: Duration::from_hours(7 * 24),
                session: Duration::from_hours(12),
                idle: Duration::from_hours(4),
            },
        );
        let accounts = self.runtime.block_on(accounts).unwrap();
        let local = Local {
            outside: vec!["public", "internal", "confidential"],
            id: "local:maya".to_owned(),
            display: "Maya".to_owned(),
            roster: self.roster(),
            sso: None,
            operator_key: crate::review::OperatorKey::new("operator".to_owned()),
            public_url: url,
        };
        let nobody = extract::Program::at("/nowhere/countersign");
        let limits = extract::Limits::default();
        let reader = extract::Extractor::new(nobody, limits, None, Arc::clone(&clock));
        let reader = Arc::new(reader);
        let state = crate::fs::Dir::open(self.folder.path()).unwrap();
        let search = Search::start(
            &state,
            Arc::clone(&workspaces),
            ledger.clone(),
            Arc::clone(&objects),
            Arc::clone(&reader),
            Arc::clone(&clock),
            search::Settings {
                commit: Duration::ZERO,
            },
        );
        let locks = Locks::new(ledger.clone(), Arc::clone(&workspaces), Arc::clone(&clock));
        let desk = LedgerDesk::new(
            ledger.clone(),
            policy.clone(),
            Arc::clone(&workspaces),
            Arc::clone(&objects),
            clock,
            (local, accounts),
            (Arc::new(stand_ins::Steady), Arc::new(stand_ins::ClosedDoor)),
            collector,
            reader,
            Arc::new(stand_ins::NoCourier),
            search.unwrap(),
            locks.clone(),
            Arc::new(stand_ins::NoGauges),
        );
        let desk = Arc::new(desk);
        self.parts = Some(Parts {
            ledger,
            objects,
            workspaces,
            intake,
            writeback,
            desk,
            policy,
            locks,
        });
        self.serve();
    }

    /// Who may do what: by the configuration of a test, else everybody everything.
    fn roster(&self) -> Roster {
        match &self.roster {
            Some(config) => Roster::new(config, self.catalog.clone(), "local:maya"),
            None => Roster::of_nobody(self.catalog.clone(), "local:maya"),
        }
    }

    /// Opens the workspace and serves it.
    pub(crate) fn serve(&self) {
        let opened = Workspace::open(WORKSPACE, &self.path(""), self.settings.clone()).unwrap();
        self.parts().workspaces.add(opened);
    }

    /// What kill -9 and a start do: only the disk and the store remain.
    pub(crate) fn restart(&mut self) {
        self.parts = None;
        self.start();
    }

    /// The same on a file system that does not say who writes.
    pub(crate) fn without_leases(&mut self) {
        self.has_leases = false;
        self.restart();
    }

    /// As [`Rig::restart`], but the workspace is not served yet.
    pub(crate) fn restart_without_workspace(&mut self) {
        self.restart();
        self.parts().workspaces.remove(WORKSPACE);
    }

    fn parts(&self) -> &Parts {
        self.parts.as_ref().unwrap()
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.parts().ledger
    }

    pub(crate) fn objects(&self) -> &Arc<Objects> {
        &self.parts().objects
    }

    pub(crate) fn intake(&self) -> &Intake {
        &self.parts().intake
    }

    pub(crate) fn writeback(&self) -> &Writeback {
        &self.parts().writeback
    }

    pub(crate) fn locks(&self) -> &Locks {
        &self.parts().locks
    }

    pub(crate) fn policy(&self) -> &Stage {
        &self.parts().policy
    }

    pub(crate) fn clock_now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// One look of policy at what waits.
    pub(crate) fn apply_policy(&self) {
        self.wait(self.policy().run()).unwrap();
    }

    /// The same daemon with the rules of `text`.
    pub(crate) fn with_policy(&mut self, text: &str) {
        self.catalog = catalog(text);
        self.restart();
    }

    /// The same daemon with the people and roles of `text`.
    pub(crate) fn with_roles(&mut self, text: &str) {
        let config = people::config(text);
        self.catalog = Catalog::new(&config.policy);
        self.roster = Some(Box::new(config));
        self.restart();
    }

    /// Makes an account, sets its password, and gives the secret of the session.
    pub(crate) fn signed_in(&self, id: &str) -> String {
        let new = NewAccount {
            id: id.to_owned(),
            name: None,
        };
        let invitation = self.wait(self.desk().add_account(&maya(), new)).unwrap();
        let (_, token) = invitation.link.split_once("?t=").unwrap();
        let from = Visitor::default();
        let accepted = self.desk().accept_invitation(token, PASSWORD, from);
        self.wait(accepted).unwrap().secret
    }

    /// Records that an account was disabled, or enabled again.
    pub(crate) fn change_account(&self, id: &str, change: AccountChange) {
        let event = Event::Account {
            account: id.to_owned(),
            change,
        };
        let draft = Draft::of(vec![(Actor::Daemon, event)], ());
        let job = move |_: &State, _| Ok::<_, std::convert::Infallible>(draft);
        self.wait(self.ledger().transact(job)).unwrap();
    }

    pub(crate) fn desk(&self) -> &Arc<LedgerDesk> {
        &self.parts().desk
    }

    pub(crate) fn workspaces(&self) -> Arc<Workspaces> {
        Arc::clone(&self.parts().workspaces)
    }

    /// The time, in seconds since 1970, as text.
    pub(crate) fn clock_seconds(&self) -> String {
        self.clock.now().as_second().to_string()
    }

    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// The path of `name` in the workspace.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(WORKSPACE).join(name)
    }

    /// The path of `name` beside the workspace.
    pub(crate) fn outside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn stored(&self) -> MutexGuard<'_, MemoryStore> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at all that is due, and at what that brings about, until nothing is due any more.
    pub(crate) fn settle(&self) {
        loop {
            let mut looked = false;
            while self.intake().step() {
                looked = true;
            }
            // An empty job is done only after the jobs before it.
            let barrier = self
                .ledger()
                .transact(|_, _| Ok::<_, std::convert::Infallible>(Draft::nothing(())));
            self.wait(barrier).unwrap();
            if !looked {
                return;
            }
        }
    }

    /// One round: the intake, then the answers.
    pub(crate) fn round(&self) {
        self.settle();
        self.wait(self.writeback().run()).unwrap();
    }

    /// Hints at `name` as the watcher does when it cannot say more.
    pub(crate) fn hint(&self, name: &str) {
        self.intake().hint(WORKSPACE, name.into(), false);
    }

    /// Hints at `name` and does a round.
    pub(crate) fn look(&self, name: &str) {
        self.hint(name);
        self.round();
    }

    /// Everything in the ledger.
    pub(crate) fn events(&self) -> Vec<Event> {
        let entries = self.stored().entries(0, usize::MAX).unwrap();
        entries
            .iter()
            .map(|entry| serde_json::from_str::<Body>(&entry.body).unwrap().event)
            .collect()
    }

    /// How many events of this name are in the ledger.
    pub(crate) fn count(&self, name: &str) -> usize {
        let events = self.events();
        events.iter().filter(|event| event.name() == name).count()
    }

    pub(crate) fn cards(&self) -> Vec<Arc<Card>> {
        self.ledger().state().cards().cloned().collect()
    }

    /// The only card there is.
    pub(crate) fn card(&self) -> Arc<Card> {
        let cards = self.cards();
        assert_eq!(cards.len(), 1, "{cards:#?}");
        Arc::clone(&cards[0])
    }

    /// The codes of the violations of the only dead letter.
    pub(crate) fn dead(&self) -> Vec<(String, String)> {
        let state = self.ledger().state();
        let all: Vec<_> = state.dead_letters().collect();
        assert_eq!(all.len(), 1, "{all:#?}");
        let told = |one: &countersign_protocol::problem::Violation| {
            (one.code.clone(), one.pointer.clone())
        };
        all[0].violations.iter().map(told).collect()
    }

    pub(crate) fn dead_letters(&self) -> usize {
        self.ledger().state().dead_letters().count()
    }

    /// What a person at the desk answers to the newest revision of a card.
    pub(crate) fn answer(&self, id: HandoffId, outcome: Outcome) -> Answer {
        let card = self.ledger().state().card(id).cloned().unwrap();
        Answer {
            revision: card.newest().accepted.revision,
            manifest_sha256: card.newest().accepted.manifest_sha256,
            outcome,
            comment: (outcome != Outcome::Approved).then(|| "because".to_owned()),
            answers: Vec::new(),
            reasons: Vec::new(),
            requests: Vec::new(),
            edits: Vec::new(),
            terms: countersign_protocol::terms::Terms::default(),
            care: Care::default(),
            partial: None,
        }
    }

    pub(crate) fn decide(
        &self,
        id: HandoffId,
        outcome: Outcome,
    ) -> Result<DecisionDocument, DeskError> {
        let answer = self.answer(id, outcome);
        let answered = self.wait(self.desk().decide(&maya(), id, answer))?;
        Ok(answered.decision().expect("one answer is enough"))
    }

    /// What an agent sends over HTTP.
    pub(crate) fn submit(
        &self,
        folder: &str,
        document: &str,
        files: &[(&str, &[u8])],
    ) -> Result<Receipt, SubmitError> {
        self.submit_as(Principal::Operator, folder, document, files)
    }

    /// The same by somebody.
    pub(crate) fn submit_as(
        &self,
        principal: Principal,
        folder: &str,
        document: &str,
        files: &[(&str, &[u8])],
    ) -> Result<Receipt, SubmitError> {
        let files: BTreeMap<String, Vec<u8>> = files
            .iter()
            .map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec()))
            .collect();
        let submitted = Submitted {
            folder: folder.to_owned(),
            document: document.as_bytes().to_vec(),
            format: Format::Json,
            files,
            principal,
            traceparent: None,
        };
        let workspace = self.parts().workspaces.get(WORKSPACE).unwrap();
        self.wait(self.intake().submit(workspace, submitted))
    }
}

/// A temporary folder, in memory where the machine has such a place: the rig asks what is written and
/// in which order, and leaves disks to the suites of whole programs.
pub(crate) fn memory_folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// The person at the desk.
pub(crate) fn maya() -> Person {
    Person {
        id: "local:maya".to_owned(),
        display: "Maya".to_owned(),
        method: Method::Web,
        access: everything(),
    }
}

/// What the person at the desk may do.
pub(crate) fn everything() -> Access {
    Access::everywhere(&[Role::Operator, Role::Approver])
}
