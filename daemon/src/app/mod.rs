//! Wiring and lifecycle: what is started in which order, and how it all ends.

mod claims;
mod courier;
mod demo;
mod error;
mod gauges;
mod known_folders;
mod listen;
mod memory;
mod own_host;
mod serving;
mod state;
mod trials;
mod watchers;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use countersign_protocol::Digest;
use countersign_web::{
    server::{self, Limits},
    settings::{MetricsFor, Settings as WebSettings},
    templates::Templates,
};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use demo::Demo;
pub use error::AppError;
pub use memory::hold_little;
pub(crate) use state::{LEDGER_FILE, OBJECTS, local_person};
pub(crate) use trials::try_all;

use crate::{
    accounts::{Accounts, Passwords, Terms},
    catalog::{Catalog, Roster},
    changes::Changes,
    checks::Checks,
    clock::SharedClock,
    config::{self, Config, Environment, Limit},
    egress::system_lookup,
    endpoint::{Endpoint, EndpointWorkspace},
    fault,
    guard::Guard,
    intake::Intake,
    ledger::Ledger,
    locks::Locks,
    outbox::{Around, Outbox},
    ownership::Custody,
    policy::Stage,
    process::ProcessTable,
    reconcile::Reconciler,
    review::{LedgerDesk, Local, OperatorKey, Pulse as _},
    scrub::{Scrub, ScrubError},
    search::{self, Search},
    sso::Sso,
    telemetry::{EventFiles, Exporter, Meter},
    timeout,
    versions::collect::{CollectError, Collected, Collector, Retention},
    workspace::Workspaces,
    writeback::Writeback,
};
use courier::Courier;
use gauges::Gauges;
use known_folders::KnownFolders;
use serving::{IntakeDoor, Serving};
use watchers::Watchers;

/// Threads that look at documents: sealing waits for the disk, so a few more than cores do not hurt.
const INTAKE_THREADS: usize = 4;
/// From so many documents on that wait or are under way, routing and answers give way to them.
const BURST: usize = 64;
/// How long they do at most, and how often it is looked whether the burst is over.
const BURST_WAITS: u32 = 20;
const BURST_WAIT: Duration = Duration::from_millis(25);
/// How often agents are looked at for silence.
const SILENCE: Duration = Duration::from_secs(1);
/// How often revisions are looked at whose checks could not be run.
const CHECKS: Duration = Duration::from_secs(1);
/// How often deadlines are looked at.
const POLICY: Duration = Duration::from_secs(1);
/// How often it is looked at whose time for an answer has passed.
const TIMEOUT: Duration = Duration::from_secs(1);
/// How often folders that hold workspaces are looked at for new ones.
const DISCOVERY: Duration = Duration::from_secs(1);
/// How often approved work that was left alone after a violation is looked at.
const GUARD: Duration = Duration::from_secs(1);
/// How often it is looked whether watched files have come to rest.
const CHANGES: Duration = Duration::from_millis(500);
/// How often offers, and files that wait for a new owner, are looked at without a hint.
const CUSTODY: Duration = Duration::from_secs(5);
/// How often bytes are looked for that nothing needs any more.
const COLLECTION: Duration = Duration::from_hours(1);
/// Interval of reading all sealed files, to see whether the disk still gives them back as they were.
const SCRUB: Duration = Duration::from_hours(24);
/// How often the search looks at the ledger without a hint.
const SEARCH: Duration = Duration::from_mins(1);
/// How often leases, and requests for locks, are looked at without a hint.
const LOCKS: Duration = Duration::from_secs(1);
/// How often it is looked which answers can no longer be taken back.
const HELD: Duration = Duration::from_millis(500);
/// How often entries are counted, sent to the collector, and added to the lists of events. Nobody waits for it, and
/// no hint hurries it: a handoff on its way has the disk to itself.
const TELEMETRY: Duration = Duration::from_secs(2);
/// Interval of looking whether answers that stand are still there.
const ANSWERS: Duration = Duration::from_hours(1);
/// How often answers are looked at without a hint.
const WRITEBACK: Duration = Duration::from_secs(10);

/// What is told once the daemon can be reached.
#[derive(Clone, Debug)]
pub struct Started {
    /// The address of the pages.
    pub url: String,
    /// A link that signs in once.
    pub start_link: String,
    /// Names and folders of the workspaces.
    pub workspaces: Vec<(String, PathBuf)>,
    /// Folders that cannot be served, with the reason.
    pub refused: Vec<(PathBuf, String)>,
}

/// Runs the daemon until `shutdown`. `started` is called once, when it can be reached and the first
/// scan is under way.
pub async fn run(
    config: Config,
    clock: SharedClock,
    shutdown: CancellationToken,
    started: impl FnOnce(&Started),
) -> Result<(), AppError> {
    // A writer that meets our read lease makes the kernel send SIGIO, which would end the process.
    let _ignored = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::io())
        .map_err(AppError::Signal)?;
    let state = state::open(&config.server.data_dir.value, Arc::clone(&clock))?;
    fault::step("start.ledger_open");
    // After kill -9 it names the run before, whose key this one does not take.
    if let Err(error) = Endpoint::remove(&state.dir) {
        tracing::warn!(%error, "programs of this machine may take an earlier run for this one");
    }
    let (listener, other_family) = listen::bind(config.server.listen.value).await?;
    let address = listener.local_addr().map_err(|source| AppError::Listen {
        address: config.server.listen.value,
        source,
    })?;
    let public_url = match &config.server.public_url {
        Some(url) => url.value.as_str().trim_end_matches('/').to_owned(),
        None => format!("http://{address}"),
    };

    let mut web_settings = web_settings(&config, address, &clock)?;
    web_settings.device_key = own_host::device_key(&state.dir)?;
    web_settings.own_host = own_host::find(&config, &state.dir, address)?;

    let ledger = state.ledger.clone();
    let workspaces = Arc::new(Workspaces::default());
    let intake = Intake::new(
        Arc::clone(&workspaces),
        ledger.clone(),
        Arc::clone(&state.objects),
        Arc::clone(&clock),
        public_url.clone(),
        state::observer(&config, &clock),
    )
    .await?;
    intake.start(INTAKE_THREADS).map_err(AppError::Thread)?;
    let writeback = Writeback::new(
        Arc::clone(&workspaces),
        ledger.clone(),
        Arc::clone(&state.objects),
        public_url.clone(),
    );
    let catalog = Catalog::new(&config.policy);
    let person = state::local_person(&config, &catalog);
    let tasks = TaskTracker::new();
    let outbox = Outbox::start(
        Around {
            ledger: ledger.clone(),
            workspaces: Arc::clone(&workspaces),
            clock: Arc::clone(&clock),
            dice: Arc::new(state::dice),
            random: Arc::new(state::random),
            templates: web_settings.templates.clone(),
            home: public_url.clone(),
            catalog: catalog.clone(),
            roster: Roster::new(&config, catalog.clone(), &person.0),
            operator: person.clone(),
        },
        &Arc::new(config.notify.clone()),
        &Environment::of_process(),
        &tasks,
        &shutdown,
    )
    .await;
    let outbox = outbox.map_err(AppError::Start)?;
    let writeback = {
        let intake = intake.clone();
        writeback.giving_way(move || intake.backlog() > BURST)
    };
    let reconciler = Reconciler::new(shutdown.clone());
    let reader = state::reader(&config.server.data_dir.value, Arc::clone(&clock));
    let search = Search::start(
        &state.dir,
        Arc::clone(&workspaces),
        ledger.clone(),
        Arc::clone(&state.objects),
        Arc::clone(&reader),
        Arc::clone(&clock),
        search::Settings::default(),
    )?;
    let guard = Guard::new(
        Arc::clone(&workspaces),
        ledger.clone(),
        Arc::clone(&state.objects),
        Arc::clone(&clock),
    );
    let locks = Locks::new(ledger.clone(), Arc::clone(&workspaces), Arc::clone(&clock));
    let changes = Changes::new(
        Arc::clone(&workspaces),
        ledger.clone(),
        Arc::clone(&state.objects),
        Arc::clone(&clock),
        &catalog,
    );
    let watchers = {
        let (intake, search) = (intake.clone(), search.clone());
        let (guard, locks, changes) = (guard.clone(), locks.clone(), changes.clone());
        let (workspaces, writeback) = (Arc::clone(&workspaces), writeback.clone());
        Watchers::start(Arc::clone(&clock), move |hint| {
            let answers = (&*workspaces, &writeback);
            serving::take(&intake, &search, &guard, &locks, &changes, answers, hint);
        })
        .map_err(AppError::Thread)?
    };
    let serving = Arc::new(Serving::new(
        config.clone(),
        Arc::clone(&clock),
        Arc::clone(&workspaces),
        watchers,
        reconciler.clone(),
        writeback.clone(),
        (
            intake.clone(),
            ledger.clone(),
            KnownFolders::load(ledger.clone()).await?,
        ),
    ));

    let operator_key = OperatorKey::new(state::random_key()?);
    let stage = Stage::new(
        ledger.clone(),
        Arc::clone(&workspaces),
        Arc::clone(&state.objects),
        Arc::clone(&clock),
        catalog.clone(),
        person.0.clone(),
    );
    let accounts = Accounts::load(
        ledger.clone(),
        Arc::clone(&clock),
        Passwords::default(),
        Terms {
            invitation: config.auth.invitation.value.0,
            session: config.auth.session.value.0,
            idle: config.auth.idle.value.0,
        },
    )
    .await?;
    let sso = config.sso.as_ref().map(|stated| {
        let environment = Environment::of_process();
        let clock = Arc::clone(&clock);
        Sso::new(stated, &public_url, &environment, clock, &system_lookup())
    });
    let sso = sso.transpose().map_err(AppError::Start)?;
    let local = Local {
        outside: config.auth.outside.value.and_below(),
        sso,
        roster: Roster::new(&config, catalog, &person.0),
        id: person.0,
        display: person.1,
        operator_key: operator_key.clone(),
        public_url: public_url.clone(),
    };
    let door = Arc::new(IntakeDoor::new(intake.clone(), Arc::clone(&workspaces)));
    let pulse = Arc::clone(&serving);
    let collector = Collector::new(
        ledger.clone(),
        Arc::clone(&state.objects),
        Arc::clone(&clock),
        retention(&config),
    );
    let meter = Meter::new(ledger.clone()).map_err(AppError::Start)?;
    let gauges = Gauges {
        meter: meter.clone(),
        ledger: ledger.clone(),
        serving: Arc::clone(&serving),
        intake: intake.clone(),
        search: search.clone(),
        reconciler: reconciler.clone(),
        receivers: outbox.receivers(),
    };
    let desk = LedgerDesk::new(
        ledger.clone(),
        stage.clone(),
        Arc::clone(&workspaces),
        Arc::clone(&state.objects),
        Arc::clone(&clock),
        (local, accounts),
        (pulse, door),
        collector.clone(),
        reader,
        Arc::new(Courier(outbox)),
        search.clone(),
        locks.clone(),
        Arc::new(gauges),
    );
    let desk = Arc::new(desk.resolving(config.resolvers.clone()));

    spawn_hang_up(&serving, &tasks, &shutdown)?;

    fault::step("start.before_scan");
    serving.discover();
    if let Some(other) = serving.served_elsewhere() {
        return Err(AppError::ServedElsewhere(other));
    }
    let endpoint = Endpoint {
        url: format!("http://{address}"),
        pid: std::process::id(),
        token: operator_key.text(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        workspaces: Vec::new(),
    };
    // A full disk must not keep people from the pages.
    let noted = endpoint_with(&endpoint, &operator_key, &workspaces).write(&state.dir);
    if let Err(error) = &noted {
        tracing::error!(%error, "programs of this machine cannot find the daemon; it is tried again");
    }
    spawn_collector(&reconciler, &collector);
    spawn_telemetry(
        &reconciler,
        &config,
        &ledger,
        meter,
        &workspaces,
        &public_url,
    )?;
    spawn_tasks(
        &reconciler,
        &ledger,
        &intake,
        &writeback,
        &serving,
        (endpoint, noted.is_ok(), operator_key.clone()),
        &state,
    );
    let approved = guard.clone();
    reconciler.spawn("approved work", GUARD, guard.hints(), move || {
        let guard = approved.clone();
        async move { guard.run().await }
    });
    let watched = changes.clone();
    reconciler.spawn("watched files", CHANGES, changes.hints(), move || {
        let changes = watched.clone();
        async move { changes.run().await }
    });
    spawn_custody(
        &reconciler,
        &ledger,
        Custody::new(
            Arc::clone(&workspaces),
            ledger.clone(),
            Arc::clone(&state.objects),
            Arc::clone(&clock),
            stage.catalog().clone(),
        ),
    );
    let checks = Checks::new(
        ledger.clone(),
        Arc::clone(&workspaces),
        Arc::clone(&state.objects),
        Arc::clone(&clock),
        state::checks(&config)?,
        PathBuf::from("/proc/self/exe"),
        shutdown.clone(),
    );
    reconciler.spawn("checks", CHECKS, ledger.work(), move || {
        let checks = checks.clone();
        async move { checks.run().await }
    });
    let (policy, coming) = (stage.clone(), intake.clone());
    reconciler.spawn("policy", POLICY, ledger.work(), move || {
        let (policy, coming) = (policy.clone(), coming.clone());
        async move {
            pass(&coming).await;
            policy.run().await
        }
    });
    let (_, never) = watch::channel(0);
    let (asked, its_clock) = (ledger.clone(), Arc::clone(&clock));
    reconciler.spawn("timeout", TIMEOUT, never, move || {
        let (ledger, clock) = (asked.clone(), Arc::clone(&its_clock));
        async move { timeout::look(&ledger, &*clock).await }
    });

    spawn_held_answers(&reconciler, &desk, &serving);
    spawn_locks(&reconciler, &locks);

    let told = search.clone();
    reconciler.spawn("search", SEARCH, ledger.work(), move || {
        told.ledger_moved();
        std::future::ready(Ok::<_, String>(()))
    });

    let scrub = Scrub::new(ledger.clone(), Arc::clone(&state.objects));
    reconciler.spawn("scrub", SCRUB, watch::channel(0).1, move || {
        let scrub = scrub.clone();
        async move {
            let read = scrub.run().await?;
            tracing::debug!(read, "sealed files were read and compared");
            Ok::<_, ScrubError>(())
        }
    });
    spawn_rest(&reconciler, &ledger, &search, &serving);
    state::spawn_modes(&reconciler, &state.dir, operator_key);

    let link = desk
        .new_start_link()
        .map_err(|error| AppError::Start(error.to_string()))?;
    started(&Started {
        url: public_url,
        start_link: link,
        workspaces: workspaces
            .all()
            .iter()
            .map(|one| (one.name.to_string(), one.path.clone()))
            .collect(),
        refused: serving.refused(),
    });

    let router = countersign_web::router(desk, web_settings);
    let runtime = tokio::runtime::Handle::current();
    ledger.bring_by(move |ring| server::bring(&runtime, ring));
    let ended = tokio::spawn({
        let (ledger, shutdown) = (ledger.clone(), shutdown.clone());
        async move {
            ledger.ended().await;
            tracing::error!("the ledger ended by a defect; the daemon stops");
            shutdown.cancel();
        }
    });
    server::serve(
        (listener, other_family),
        router,
        limits(&config),
        shutdown.clone(),
    )
    .await;

    let is_defect = ended.is_finished();
    ended.abort();
    serving.stop_watching();
    intake.stop();
    reconciler.finished().await;
    tasks.close();
    tasks.wait().await;
    // It waits for a commit and for merges.
    let _ = tokio::task::spawn_blocking(move || search.stop()).await;
    // What was accepted while the tasks ended is answered at the next start.
    if let Err(error) = Endpoint::remove(&state.dir) {
        tracing::warn!(%error, "the note of how to reach the daemon stays");
    }
    if is_defect {
        return Err(AppError::Ended);
    }
    Ok(())
}

/// Lets a burst of deliveries pass, at most for half a second: to be accepted comes before all that follows.
async fn pass(intake: &Intake) {
    for _ in 0..BURST_WAITS {
        if intake.backlog() <= BURST {
            return;
        }
        tokio::time::sleep(BURST_WAIT).await;
    }
}

fn retention(config: &Config) -> Retention {
    Retention {
        undecided: match config.retention.undecided.value {
            Limit::Off => None,
            Limit::At(span) => Some(span.0),
        },
        orphans: config.retention.orphans.value.0,
    }
}

/// Gives memory back to the system when there is nothing to do.
fn spawn_rest(reconciler: &Reconciler, ledger: &Ledger, search: &Search, serving: &Arc<Serving>) {
    let (_, never) = watch::channel(0);
    let (ledger, search, serving) = (ledger.clone(), search.clone(), Arc::clone(serving));
    let rest = Arc::new(Mutex::new(memory::Rest::default()));
    reconciler.spawn("memory", memory::LOOK, never, move || {
        let index = search.status();
        let seq = ledger.state().head.seq;
        let mark = (seq, index.documents, index.done, serving.scans());
        let mut held = rest.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = held.begins(mark);
        async move {
            if begins {
                tokio::task::spawn_blocking(memory::give_back).await?;
            }
            Ok::<_, tokio::task::JoinError>(())
        }
    });
}

/// Lets go of bytes now and then. What an interrupted run left is what the next one finds.
fn spawn_collector(reconciler: &Reconciler, collector: &Collector) {
    let (_, never) = watch::channel(0);
    let collector = collector.clone();
    reconciler.spawn("collection", COLLECTION, never, move || {
        let collector = collector.clone();
        async move {
            let collected = collector.run().await?;
            if collected != Collected::default() {
                let (files, small) = (collected.files, collected.small);
                let (bytes, revisions) = (collected.bytes, collected.revisions.len());
                tracing::info!(revisions, files, bytes, small, "bytes were let go of");
            }
            Ok::<_, CollectError>(())
        }
    });
}

/// Reads the workspaces anew on SIGHUP.
fn spawn_hang_up(
    serving: &Arc<Serving>,
    tasks: &TaskTracker,
    shutdown: &CancellationToken,
) -> Result<(), AppError> {
    let kind = tokio::signal::unix::SignalKind::hangup();
    let mut hang_up = tokio::signal::unix::signal(kind).map_err(AppError::Signal)?;
    let (serving, shutdown) = (Arc::clone(serving), shutdown.clone());
    tasks.spawn(async move {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                heard = hang_up.recv() => if heard.is_none() { return },
            }
            let serving = Arc::clone(&serving);
            let read = tokio::task::spawn_blocking(move || serving.read_anew(&|_| true)).await;
            for one in read.unwrap_or_default() {
                if let Some(why) = one.trouble {
                    tracing::warn!(
                        workspace = one.workspace,
                        why,
                        "its settings stay as they were"
                    );
                }
            }
        }
    });
    Ok(())
}

/// Counts, sends spans, and writes the lists of events.
fn spawn_telemetry(
    reconciler: &Reconciler,
    config: &Config,
    ledger: &Ledger,
    meter: Meter,
    workspaces: &Arc<Workspaces>,
    public_url: &str,
) -> Result<(), AppError> {
    let (_, never) = watch::channel(0);
    let otlp = config.observe.otlp.as_ref();
    let way = otlp
        .map(|otlp| otlp.way(&Environment::of_process()))
        .transpose()
        .map_err(|why| AppError::Start(format!("`[observe.otlp]`: {why}")))?;
    let exporter = Exporter::new(ledger.clone(), meter.clone(), way, public_url)
        .map_err(|why| AppError::Start(format!("`[observe.otlp]`: {why}")))?;
    reconciler.spawn("numbers", TELEMETRY, never.clone(), move || {
        let meter = meter.clone();
        async move { meter.run().await }
    });
    reconciler.spawn("spans", TELEMETRY, never.clone(), move || {
        let exporter = exporter.clone();
        async move { exporter.run().await }
    });
    if config.observe.events.value {
        let files = EventFiles::new(ledger.clone(), Arc::clone(workspaces));
        reconciler.spawn("events", TELEMETRY, never, move || {
            let files = files.clone();
            async move { files.run().await }
        });
    }
    Ok(())
}

/// Lets files follow the ownership of their workspace.
fn spawn_custody(reconciler: &Reconciler, ledger: &Ledger, custody: Custody) {
    reconciler.spawn("ownership", CUSTODY, ledger.work(), move || {
        let custody = custody.clone();
        async move { custody.run().await }
    });
}

/// Gives answers that can no longer be taken back. Before the first scan nobody knows whether the work is still what was
/// answered.
fn spawn_held_answers(reconciler: &Reconciler, desk: &Arc<LedgerDesk>, serving: &Arc<Serving>) {
    let (_, never) = watch::channel(0);
    let (desk, scan) = (Arc::clone(desk), Arc::clone(serving));
    reconciler.spawn("held answers", HELD, never, move || {
        let (desk, is_ready) = (Arc::clone(&desk), scan.ready());
        async move {
            if is_ready {
                desk.give_held_answers().await
            } else {
                Ok(())
            }
        }
    });
}

/// Ends leases, and answers requests by file. A folder that cannot be answered must not keep a lock from ending.
fn spawn_locks(reconciler: &Reconciler, locks: &Locks) {
    let leases = locks.clone();
    reconciler.spawn("locks", LOCKS, locks.nudges(), move || {
        let locks = leases.clone();
        async move { locks.run().await }
    });
    let files = locks.clone();
    reconciler.spawn("locks by file", LOCKS, locks.nudges(), move || {
        let locks = files.clone();
        async move { locks.look_at_files().await }
    });
}

fn limits(config: &Config) -> Limits {
    let process = Limits::of_process();
    let stated = usize::try_from(config.limits.connections.value).unwrap_or(usize::MAX);
    Limits {
        connections: process.connections.min(stated),
        per_address: usize::try_from(config.limits.connections_per_address.value)
            .unwrap_or(usize::MAX),
        exempt: config.server.trusted_proxies.value.clone(),
        ..process
    }
}

fn web_settings(
    config: &Config,
    address: SocketAddr,
    clock: &SharedClock,
) -> Result<WebSettings, AppError> {
    let clock = Arc::clone(clock);
    let mut settings = WebSettings {
        public_url: config
            .server
            .public_url
            .as_ref()
            .and_then(|url| url.value.as_str().parse().ok()),
        trusted_proxies: config.server.trusted_proxies.value.clone(),
        proxy_user: config.auth.proxy_user.as_ref().map(|one| one.value.clone()),
        streams: limits(config).streams(),
        max_delivery: usize::try_from(config.limits.delivery.value.0).unwrap_or(usize::MAX),
        metrics: match config.observe.metrics.value {
            config::MetricsFor::SignedIn => MetricsFor::SignedIn,
            config::MetricsFor::Loopback => MetricsFor::Loopback,
        },
        metrics_token: metrics_token(config)?,
        ..WebSettings::local(address.port(), Arc::new(move || clock.now()))
    };
    if let Some(folder) = &config.server.templates {
        settings.templates = Templates::load(Some(folder.value.clone()))
            .map_err(|error| AppError::Start(error.to_string()))?;
    }
    Ok(settings)
}

fn metrics_token(config: &Config) -> Result<Option<Digest>, AppError> {
    let Some(token) = &config.observe.metrics_token else {
        return Ok(None);
    };
    let token = token.value.read(&Environment::of_process());
    let token = token.map_err(|why| AppError::Start(format!("`observe.metrics_token`: {why}")))?;
    Ok(Some(Digest::of(token.reveal().as_bytes())))
}

fn endpoint_with(endpoint: &Endpoint, key: &OperatorKey, workspaces: &Workspaces) -> Endpoint {
    let known = |one: &Arc<crate::workspace::Workspace>| EndpointWorkspace {
        name: one.name.to_string(),
        path: one.path.display().to_string(),
    };
    Endpoint {
        token: key.text(),
        workspaces: workspaces.all().iter().map(known).collect(),
        ..endpoint.clone()
    }
}

fn spawn_tasks(
    reconciler: &Reconciler,
    ledger: &Ledger,
    intake: &Intake,
    writeback: &Writeback,
    serving: &Arc<Serving>,
    (endpoint, noted, key): (Endpoint, bool, OperatorKey),
    state: &state::StateFolder,
) {
    let newest = writeback.clone();
    reconciler.spawn("writeback", WRITEBACK, ledger.work(), move || {
        let writeback = newest.clone();
        async move { writeback.run().await }
    });
    let behind = writeback.clone();
    reconciler.spawn("owed writeback", WRITEBACK, behind.nudges(), move || {
        let writeback = behind.clone();
        async move { writeback.catch_up().await }
    });
    let (_, never) = watch::channel(0);
    let standing = writeback.clone();
    reconciler.spawn("answers", ANSWERS, never.clone(), move || {
        let standing = standing.clone();
        async move { standing.look_at_answers().await }
    });
    let intake = intake.clone();
    let scan = Arc::clone(serving);
    reconciler.spawn("silence", SILENCE, never.clone(), move || {
        let (intake, scan) = (intake.clone(), Arc::clone(&scan));
        async move {
            // Before the first scan nobody knows what agents wrote while the daemon was away.
            if !scan.ready() {
                return Ok::<_, String>(());
            }
            intake.look_for_silence(&ProcessTable).await;
            Ok::<_, String>(())
        }
    });
    let (serving, dir) = (Arc::clone(serving), Arc::clone(&state.dir));
    let noted = Arc::new(Mutex::new(noted.then(|| endpoint.token.clone())));
    reconciler.spawn("discovery", DISCOVERY, never, move || {
        let (serving, dir, endpoint) = (Arc::clone(&serving), Arc::clone(&dir), endpoint.clone());
        let (noted, key) = (Arc::clone(&noted), key.clone());
        async move {
            let is_new = serving.discover();
            let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
            // The key is another one after somebody else could have read it.
            if is_new || *noted != Some(key.text()) {
                *noted = None;
                let endpoint = endpoint_with(&endpoint, &key, serving.workspaces());
                endpoint.write(&dir).map_err(|error| error.to_string())?;
                *noted = Some(endpoint.token);
            }
            Ok::<_, String>(())
        }
    });
}
