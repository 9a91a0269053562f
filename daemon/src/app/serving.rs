//! The workspaces that are served: found, opened, watched.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use countersign_protocol::{
    Digest,
    event::Location,
    names,
    principal::Principal,
    receipt::Receipt,
    transfer::{AnswerReceipt, Mesh},
};
use countersign_web::desk::{DeskError, boundaries::WorkspaceBoundaries, transfer::Reread};

use crate::{
    catalog::Catalog,
    changes::Changes,
    clock::SharedClock,
    config::{self, Config, Format},
    contracts::Contracts,
    guard::Guard,
    intake::{Intake, SubmitError, Submitted, SubmittedAnswer},
    ledger::Ledger,
    locks::Locks,
    reconcile::Reconciler,
    review::{AnsweredHop, Delivered, Door, Pulse},
    search::Search,
    watch::{Hint, Mode, Root},
    workspace::{
        Account, Care, CheckCommand, CheckSettings, FILE_MODE, Settings, Workspace, Workspaces,
        protect,
    },
    writeback::Writeback,
};

use super::{
    claims::Claims,
    known_folders::KnownFolders,
    trials::{COUNTS_FOR, try_all},
    watchers::Watchers,
};

/// Hands a hint of the watcher to the intake, or to the search.
pub(super) fn take(
    intake: &Intake,
    search: &Search,
    guard: &Guard,
    locks: &Locks,
    changes: &Changes,
    (workspaces, writeback): (&Workspaces, &Writeback),
    hint: Hint,
) {
    match hint {
        Hint::Changed {
            workspace,
            path,
            is_over,
        } => {
            if path.starts_with(names::LOCKS) {
                locks.nudge();
            }
            changes.hint(&workspace, &path);
            search.changed(workspace, path, is_over);
        }
        Hint::Approved { workspace, path } => guard.hint(&workspace, &path),
        Hint::Listed { workspace, folder } => search.listed(workspace, folder),
        Hint::Scanned { workspace } => {
            changes.scanned(&workspace);
            search.walk(workspace);
        }
        Hint::Look {
            workspace,
            file,
            complete,
        } => intake.hint(&workspace, file, complete),
        Hint::Arrived { workspace, file } => intake.arrived(&workspace, file),
        Hint::Replaced { workspace } => match workspaces.reopen(&workspace) {
            Ok(()) => {
                intake.serve(&workspace);
                writeback.nudge();
            }
            Err(error) => tracing::warn!(%workspace, %error, "its new folder cannot be opened"),
        },
        Hint::Gone { workspace, file } => intake.hint(&workspace, file, false),
        Hint::Activity { workspace, folder } => {
            if let Some(folder) = folder.to_str() {
                intake.activity(&workspace, folder);
            }
        }
    }
}

/// What is served, and how it fares.
pub(super) struct Serving {
    config: Config,
    clock: SharedClock,
    workspaces: Arc<Workspaces>,
    watchers: Mutex<Option<Watchers>>,
    reconciler: Reconciler,
    writeback: Writeback,
    intake: Intake,
    ledger: Ledger,
    refused: Mutex<HashMap<PathBuf, String>>,
    /// What holds agents back, and when it was tried.
    tried: Mutex<Option<(Duration, Vec<WorkspaceBoundaries>)>>,
    claims: Claims,
    known: KnownFolders,
    /// The folders that were there at the last look.
    folders: Mutex<Option<Vec<PathBuf>>>,
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Serving {
    pub(super) fn new(
        config: Config,
        clock: SharedClock,
        workspaces: Arc<Workspaces>,
        watchers: Watchers,
        reconciler: Reconciler,
        writeback: Writeback,
        (intake, ledger, known): (Intake, Ledger, KnownFolders),
    ) -> Self {
        Self {
            known,
            claims: Claims::new(&config.server.data_dir.value),
            config,
            clock,
            workspaces,
            watchers: Mutex::new(Some(watchers)),
            reconciler,
            writeback,
            intake,
            ledger,
            refused: Mutex::default(),
            tried: Mutex::default(),
            folders: Mutex::default(),
        }
    }

    pub(super) fn workspaces(&self) -> &Workspaces {
        &self.workspaces
    }

    /// Serves what is there and was not served yet; says whether there was anything.
    pub(super) fn discover(&self) -> bool {
        self.claims.keep(&self.workspaces);
        let folders = Some(self.config.folders());
        // What was refused may have been mended in place.
        if folders == *held(&self.folders) && held(&self.refused).is_empty() {
            return false;
        }
        let found = self.config.discover();
        let mut refused: HashMap<PathBuf, String> = found
            .refused
            .into_iter()
            .map(|(path, errors)| (path, errors.to_string()))
            .collect();
        let mut lost: Vec<&Path> = Vec::new();
        for root in &self.config.roots {
            if let Some(why) = self.known.lost(root) {
                lost.push(&root.path);
                refused.insert(root.path.clone(), why);
            }
        }
        let mut new = false;
        let accounts = accounts(&self.config);
        let catalog = Catalog::new(&self.config.policy);
        for one in found.workspaces {
            let name = one.name.value.as_str();
            if self.workspaces.get(name).is_some() {
                continue;
            }
            let path = one.path.value.clone();
            if path.parent().is_some_and(|parent| lost.contains(&parent)) {
                continue;
            }
            if let Some(why) = self.known.away(&path) {
                refused.insert(path, why);
                continue;
            }
            let boundary = self.config.boundary(name);
            let opened =
                settings(&self.config, &catalog, &one, &boundary, &accounts).and_then(|settings| {
                    let opened = Workspace::open(name, &path, settings);
                    let opened = opened.map_err(|error| error.to_string())?;
                    self.claims.take(&opened)?;
                    Ok(opened)
                });
            match opened {
                Ok(workspace) => {
                    // What a person has for themselves stays closed to agents.
                    let is_held = self.ledger.state().held_by(name).is_some();
                    if boundary.protect.value && !is_held {
                        protect_rooms(&workspace, &boundary, &accounts);
                    }
                    explain(&workspace);
                    let workspace = self.workspaces.add(workspace);
                    self.known.remember(&path, name);
                    self.writeback.nudge();
                    self.intake.serve(&workspace.name);
                    let root = Root {
                        workspace: Arc::clone(&workspace.name),
                        path,
                    };
                    if let Some(watchers) = &mut *held(&self.watchers)
                        && let Err(error) = watchers.add(root)
                    {
                        tracing::error!(%error, workspace = %workspace.name, "no thread watches it");
                    }
                    new = true;
                }
                Err(why) => drop(refused.insert(path, why)),
            }
        }
        let mut known = held(&self.refused);
        for (path, why) in &refused {
            if known.get(path) != Some(why) {
                tracing::warn!(folder = %path.display(), why, "a folder is not served");
            }
        }
        *known = refused;
        drop(known);
        *held(&self.folders) = folders;
        new
    }

    /// Who has what was to be served, where other daemons have all of it.
    pub(super) fn served_elsewhere(&self) -> Option<String> {
        let other = self.claims.other();
        other.filter(|_| self.workspaces.all().is_empty())
    }

    /// Reads what the workspaces say about themselves anew. What cannot be read leaves everything as it is.
    pub(super) fn read_anew(&self, wanted: &dyn Fn(&str) -> bool) -> Vec<Reread> {
        let found = self.config.discover();
        let accounts = accounts(&self.config);
        let catalog = Catalog::new(&self.config.policy);
        let mut all = Vec::new();
        let named = found.workspaces.iter();
        for one in named.filter(|one| wanted(one.name.value.as_str())) {
            let name = one.name.value.as_str();
            let Some(served) = self.workspaces.get(name) else {
                continue;
            };
            let boundary = self.config.boundary(name);
            let stated = settings(&self.config, &catalog, one, &boundary, &accounts);
            let changed = stated.and_then(|settings| {
                if settings == served.settings {
                    return Ok(false);
                }
                let anew = served.with_settings(settings);
                self.workspaces
                    .replace(anew.map_err(|error| error.to_string())?);
                // A handoff that was refused may be allowed now.
                self.intake.serve(name);
                tracing::info!(workspace = name, "its settings are read anew");
                Ok(true)
            });
            all.push(Reread {
                workspace: name.to_owned(),
                changed: changed.as_ref().is_ok_and(|changed| *changed),
                trouble: changed.err(),
            });
        }
        for (path, errors) in &found.refused {
            let served = self.workspaces.all();
            if let Some(one) = served
                .iter()
                .find(|one| one.path == *path && wanted(&one.name))
            {
                all.push(Reread {
                    workspace: one.name.to_string(),
                    changed: false,
                    trouble: Some(errors.to_string()),
                });
            }
        }
        all.sort_by(|a, b| a.workspace.cmp(&b.workspace));
        all
    }

    /// Full scans that ended, of all workspaces.
    pub(super) fn scans(&self) -> u64 {
        let watchers = held(&self.watchers);
        let status = watchers.as_ref().map(Watchers::status).unwrap_or_default();
        status.iter().map(|one| one.counts.scans).sum()
    }

    /// Folders that cannot be served, with the reason.
    pub(super) fn refused(&self) -> Vec<(PathBuf, String)> {
        held(&self.refused)
            .iter()
            .map(|(path, why)| (path.clone(), why.clone()))
            .collect()
    }

    pub(super) fn stop_watching(&self) {
        if let Some(watchers) = held(&self.watchers).take() {
            watchers.stop();
        }
    }
}

/// Sets owners and modes. What cannot be set is told here, and by `countersign doctor` after it tried.
fn protect_rooms(
    workspace: &Workspace,
    boundary: &config::Boundary,
    accounts: &[(String, Account)],
) {
    let agents = accounts
        .iter()
        .filter(|(agent, _)| boundary.admits(agent))
        .map(|(agent, account)| (agent.as_str(), *account));
    for error in protect(workspace.dir(), agents) {
        tracing::warn!(workspace = %workspace.name, %error, "a room is not protected");
    }
}

/// What `.countersign/` says to who opens it.
const EXPLANATION: &str = "\
This folder belongs to the daemon countersign. Agents and people may read it.

events.jsonl                    what happened here, one line each, in order
handoffs/H-1/decision.r1.json   the answer to revision 1 of H-1; feedback.md says the same in words
results/H-1.2/                  files that came back from the agent to whom H-1 was handed
inbox/<agent>/<package>/        receipts and answers for packages that were dropped into inbox/<agent>/
daemon.lock                     held by the daemon that serves this workspace, so that no other does
.countersign-probe-*            files that come and go, to see whether changes are noticed

Nothing here is needed to know what was decided: that stands in the ledger, in the state folder of the daemon.
";

/// Lets our folder in a workspace explain itself. A workspace that cannot be written is served all
/// the same: its answers will say what is wrong.
fn explain(workspace: &Workspace) {
    let name = Path::new("README.txt");
    let written = workspace.own().and_then(|own| {
        // An earlier run may have been interrupted here.
        own.remove_temporaries()?;
        match own.kind(name)? {
            Some(_) => Ok(()),
            None => own.publish(name, EXPLANATION.as_bytes(), FILE_MODE, false),
        }
    });
    if let Err(error) = written {
        tracing::warn!(%error, "the folder for answers cannot be written");
    }
}

/// The agents that have a user of their own.
fn accounts(config: &Config) -> Vec<(String, Account)> {
    let agents = config.policy.agents.iter();
    agents
        .filter_map(|one| {
            let user = &one.user.as_ref()?.value;
            let account = Account::find(user);
            if account.is_none() {
                tracing::warn!(agent = %one.id.value, user, "there is no such user");
            }
            Some((one.id.value.to_string(), account?))
        })
        .collect()
}

/// A participant is told of work by a webhook of the operator, and by no other address.
fn no_such_webhook(config: &Config, mesh: &Mesh) -> Result<(), String> {
    let known = |name: &str| {
        let mut webhooks = config.notify.webhooks.iter();
        webhooks.any(|one| one.name.value.as_str() == name && one.format.value == Format::Generic)
    };
    for one in &mesh.participants {
        if let Some(webhook) = one.webhook.as_deref().filter(|name| !known(name)) {
            return Err(format!(
                "the participant `{}` is told by the webhook `{webhook}`, and the configuration has no `[[webhook]]` of that name with `format = \"generic\"`",
                one.id
            ));
        }
    }
    Ok(())
}

/// What looks at a handoff in a workspace before anybody is asked.
fn checks(
    config: &Config,
    stated: &config::Workspace,
    contracts: &Contracts,
) -> Result<CheckSettings, String> {
    let known = config.checks.iter().map(|one| {
        let command = CheckCommand {
            command: one.command.value.clone(),
            on_failure: one.on_failure.value,
            time: one.time.value.0,
            memory: one.memory.value.0,
            output: one.output.value.0,
            read: one.read.value.clone(),
        };
        (one.name.value.to_string(), command)
    });
    let every = stated.checks.value.iter().map(ToString::to_string);
    let of_contracts = contracts.all().iter();
    let of_contracts = of_contracts.map(|one| (one.id(), one.checks.clone()));
    CheckSettings::new(known.collect(), every.collect(), of_contracts.collect())
}

fn settings(
    config: &Config,
    catalog: &Catalog,
    stated: &config::Workspace,
    boundary: &config::Boundary,
    accounts: &[(String, Account)],
) -> Result<Settings, String> {
    let transfers = &stated.transfers;
    let mesh = transfers.mesh();
    no_such_webhook(config, &mesh)?;
    let contracts = Contracts::of(stated)?;
    Ok(Settings {
        mesh: Arc::new(mesh),
        checks: Arc::new(checks(config, stated, &contracts)?),
        contracts: Arc::new(contracts),
        service: stated.service.stated(),
        class: stated.class.value.name().to_owned(),
        profile: stated.profile.value,
        confidence_floor: stated.confidence_floor.value,
        settle: stated.settle.value.0,
        keep_up_to: stated.keep_up_to.value.0,
        quota: match stated.quota.value {
            config::Limit::Off => None,
            config::Limit::At(size) => Some(size.0),
        },
        max_files: usize::try_from(stated.max_files.value).unwrap_or(usize::MAX),
        immutable: boundary.immutable.value,
        quarantine: boundary.quarantine.value.0,
        agents: boundary.agents.as_ref().map(|agents| {
            let names = agents.value.iter().map(ToString::to_string);
            names.collect()
        }),
        users: accounts
            .iter()
            .map(|(agent, account)| (agent.clone(), account.uid))
            .collect(),
        roles: Arc::new(catalog.roles()),
        fallback_names: Arc::new(catalog.fallback_names()),
        watches_results: config.policy.watches_results(),
        undo: stated.undo.value.window(),
        care: Care {
            resolve_threads: stated.resolve_threads.value,
            view_files: stated.view_files.as_ref().map(|one| one.value.name()),
            type_id: stated.type_id.as_ref().map(|one| one.value.name()),
            step_up: stated.step_up.as_ref().map(|one| one.value.name()),
            checklist: stated
                .checklist
                .as_ref()
                .map(|lines| lines.value.clone())
                .unwrap_or_default(),
        },
        owner: boundary.owner.as_ref().map(|owner| owner.value.to_string()),
        heartbeat: match stated.heartbeat.value {
            config::Heartbeat::Off => None,
            config::Heartbeat::After(span) => Some(span.0),
        },
    })
}

impl Pulse for Serving {
    fn read_anew(&self, wanted: &dyn Fn(&str) -> bool) -> Vec<Reread> {
        Self::read_anew(self, wanted)
    }

    fn boundaries(&self) -> Vec<WorkspaceBoundaries> {
        let now = self.clock.monotonic();
        let mut tried = held(&self.tried);
        if let Some((at, found)) = &*tried
            && now.saturating_sub(*at) < COUNTS_FOR
        {
            return found.clone();
        }
        let served = self.workspaces.all();
        let served: Vec<(String, PathBuf)> = served
            .iter()
            .map(|one| (one.name.to_string(), one.path.clone()))
            .collect();
        let found = try_all(&self.config, &served);
        *tried = Some((now, found.clone()));
        found
    }

    fn ready(&self) -> bool {
        held(&self.watchers)
            .as_ref()
            .is_some_and(|watchers| watchers.are_running() && watchers.ready())
            && self.intake.trouble().is_none()
    }

    fn troubles(&self) -> Vec<String> {
        let mut troubles: Vec<String> = self
            .reconciler
            .failing()
            .into_iter()
            .map(|(task, why)| format!("{task} is behind: {why}"))
            .collect();
        if !held(&self.watchers)
            .as_ref()
            .is_some_and(Watchers::are_running)
        {
            troubles.push("not every folder is watched any more; restart the daemon".to_owned());
        }
        troubles.extend(
            self.refused()
                .into_iter()
                .map(|(path, why)| format!("{} is not served: {why}", path.display())),
        );
        troubles.extend(self.claims.troubles(&self.workspaces));
        troubles.extend(self.intake.trouble());
        troubles
    }

    fn watching(&self, workspace: &str) -> (String, Option<String>) {
        let status = held(&self.watchers)
            .as_ref()
            .map(Watchers::status)
            .unwrap_or_default();
        let Some(status) = status
            .into_iter()
            .find(|status| &*status.workspace == workspace)
        else {
            return (
                "offline".to_owned(),
                Some("it is not watched yet".to_owned()),
            );
        };
        let unseen = status
            .trouble
            .first()
            .map(|trouble| format!("{}: {}", trouble.folder.display(), trouble.why));
        match status.mode {
            Mode::Watching => ("watching".to_owned(), unseen),
            Mode::Scanning { why } => ("scanning".to_owned(), Some(why)),
            Mode::Offline { why } => ("offline".to_owned(), Some(why)),
        }
    }
}

/// The way from the desk into the intake.
pub(super) struct IntakeDoor {
    intake: Intake,
    workspaces: Arc<Workspaces>,
}

impl IntakeDoor {
    pub(super) fn new(intake: Intake, workspaces: Arc<Workspaces>) -> Self {
        Self { intake, workspaces }
    }
}

fn told(error: SubmitError) -> DeskError {
    match error {
        SubmitError::Refused(refusal) => DeskError::Refused(refusal),
        SubmitError::Unavailable(why) => DeskError::Unavailable(why),
    }
}

impl IntakeDoor {
    fn served(&self, name: &str) -> Result<Arc<Workspace>, DeskError> {
        let found = self.workspaces.get(name);
        found.ok_or_else(|| DeskError::NotFound(format!("the workspace `{name}`")))
    }
}

#[async_trait]
impl Door for IntakeDoor {
    async fn submit(&self, delivery: Delivered) -> Result<Receipt, DeskError> {
        let Delivered {
            workspace,
            folder,
            document,
            format,
            files,
            principal,
            traceparent,
        } = delivery;
        let found = self.served(&workspace)?;
        self.intake
            .submit(
                found,
                Submitted {
                    folder,
                    document,
                    format,
                    files,
                    principal,
                    traceparent,
                },
            )
            .await
            .map_err(told)
    }

    async fn answer(&self, answer: AnsweredHop) -> Result<AnswerReceipt, DeskError> {
        let AnsweredHop {
            workspace,
            id,
            hop,
            agent,
            document,
            files,
            principal,
        } = answer;
        let found = self.served(&workspace)?;
        let answer = SubmittedAnswer {
            id,
            hop,
            agent,
            document,
            files,
            principal,
        };
        self.intake.answer(found, answer).await.map_err(told)
    }

    fn look_again(&self, at: &Location) {
        let file = Path::new(&at.folder).join(&at.file);
        self.intake.hint(&at.workspace, file, true);
    }

    async fn checkpoint(
        &self,
        at: Location,
        bytes: Vec<u8>,
        principal: Principal,
    ) -> Result<Digest, DeskError> {
        self.intake
            .keep_checkpoint(at, bytes, principal)
            .await
            .map_err(told)
    }
}
