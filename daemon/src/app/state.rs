//! The state folder: opened once, by one daemon, on a disk of this machine.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::Engine as _;

use super::{
    AppError,
    own_host::{DEVICE_KEY_FILE, OWN_HOST_FILE},
};
use crate::{
    catalog::Catalog,
    clock::SharedClock,
    config::Config,
    endpoint::{ENDPOINT_FILE, START_LINK_FILE},
    extract::{self, Cache, Extractor, Program},
    fs::{Dir, InstanceLock, Objects, remote_mount},
    ledger::Ledger,
    provenance::Observer,
    reconcile::Reconciler,
    review::OperatorKey,
    store::SqliteStore,
};

/// Name of the database.
pub(crate) const LEDGER_FILE: &str = "ledger.db";
/// Name of its log.
const LOG_FILE: &str = "ledger.db-wal";
/// Name of the folder of kept bytes.
pub(crate) const OBJECTS: &str = "objects";

/// Name of the folder in which checks find what was handed over.
const CHECKS: &str = "checks";

/// Name of the folder of what was read from files.
const CACHE: &str = "cache";
/// Most bytes in it.
const CACHED: u64 = 512 << 20;

/// What the daemon holds while it runs.
pub(super) struct StateFolder {
    pub(super) dir: Arc<Dir>,
    pub(super) ledger: Ledger,
    pub(super) objects: Arc<Objects>,
    _lock: InstanceLock,
}

/// Opens the folder at `path`, makes it when there is none, and checks what is in it.
pub(super) fn open(path: &Path, clock: SharedClock) -> Result<StateFolder, AppError> {
    let dir = Dir::create(path, 0o700)?;
    if let Some(kind) = remote_mount(path) {
        return Err(AppError::UnfitStateFolder {
            path: path.to_owned(),
            kind,
        });
    }
    let lock = InstanceLock::take(path)?;
    dir.remove_temporaries()?;
    let database = path.join(LEDGER_FILE);
    // Bytes without the facts about them: the database was lost, moved or emptied, and a new one in its
    // place would forget every decision.
    let name = Path::new(LEDGER_FILE);
    let is_empty = dir.kind(name)?.is_none() || dir.stamp(name)?.size == 0;
    if is_empty && dir.kind(Path::new(OBJECTS))?.is_some() {
        return Err(AppError::LedgerMissing { path: database });
    }
    let log = Path::new(LOG_FILE);
    if dir.kind(log)?.is_none() {
        // The engine throws away the log of a database that is not there yet.
        drop(SqliteStore::open(&database)?);
        // The engine makes its files with the modes of everybody's.
        dir.close_to_others(is_own)?;
        if let Err(error) = dir.publish_zeros(log, SqliteStore::EMPTY_LOG, 0o600) {
            // Only slower, and a disk that is full will say so in other ways.
            tracing::warn!(%error, "no room is set aside for the log of the database");
        }
    }
    let store = SqliteStore::open(&database)?;
    let ledger = Ledger::open(Box::new(store), clock)?;
    let objects = Objects::open(&path.join(OBJECTS))?;
    close(&dir)?;
    dir.sync()?;
    Ok(StateFolder {
        dir: Arc::new(dir),
        ledger,
        objects: Arc::new(objects),
        _lock: lock,
    })
}

/// Interval of looking at the modes of the state folder.
const MODES: std::time::Duration = std::time::Duration::from_secs(5);

/// What else of the state folder is ours.
const OWN: [&str; 8] = [
    "instance.lock",
    ENDPOINT_FILE,
    OBJECTS,
    CHECKS,
    CACHE,
    OWN_HOST_FILE,
    DEVICE_KEY_FILE,
    START_LINK_FILE,
];

/// Checks whether `name` in the state folder is ours.
fn is_own(name: &Path) -> bool {
    let name = name.to_string_lossy();
    name.starts_with(LEDGER_FILE) || OWN.contains(&&*name)
}

/// Takes the permissions of other users off the state folder and our files in it.
fn close(dir: &Dir) -> Result<Vec<String>, crate::fs::Error> {
    let opened = dir.close_to_others(is_own)?;
    if !opened.is_empty() {
        tracing::warn!(
            files = opened.join(", "),
            "other users could open the state folder; their permissions were taken off"
        );
    }
    Ok(opened)
}

/// Keeps the state folder closed to other users: a process of the daemon's own user can change its modes. The
/// operator's key is another one after it stood open.
pub(super) fn spawn_modes(reconciler: &Reconciler, dir: &Arc<Dir>, key: OperatorKey) {
    let dir = Arc::clone(dir);
    let (_, never) = tokio::sync::watch::channel(0);
    reconciler.spawn("state folder", MODES, never, move || {
        let (dir, key) = (Arc::clone(&dir), key.clone());
        async move {
            let closed = tokio::task::spawn_blocking(move || close(&dir)).await;
            let opened = closed
                .map_err(|error| error.to_string())?
                .map_err(|error| error.to_string())?;
            if opened.iter().any(|name| name == ENDPOINT_FILE) {
                key.replace(random_key().map_err(|error| error.to_string())?);
                tracing::warn!("the key of the command line stood open, so it is another one now");
            }
            Ok::<_, String>(())
        }
    });
}

/// The folder in which checks find what was handed over, and what none of them may reach.
pub(super) fn checks(config: &Config) -> Result<(Dir, Vec<PathBuf>), AppError> {
    let data_dir = &config.server.data_dir.value;
    let dir = Dir::create(&data_dir.join(CHECKS), 0o700)?;
    let file = config.file.as_ref().map(|file| &file.value);
    let hidden = file.into_iter().chain([data_dir]);
    let hidden = hidden.filter_map(|path| path.canonicalize().ok());
    Ok((dir, hidden.collect()))
}

/// The reader of agents' files, which remembers what it read in the state folder at `path` while the
/// disk lets it.
pub(super) fn reader(path: &Path, clock: SharedClock) -> Arc<Extractor> {
    let cache = Cache::open(&path.join(CACHE), CACHED)
        .inspect_err(|error| tracing::warn!(%error, "what is read from files is not remembered"))
        .ok();
    let limits = extract::Limits::default();
    Arc::new(Extractor::new(Program::own(), limits, cache, clock))
}

/// Who listens to the kernel for writers, where that is asked for and allowed.
pub(super) fn observer(config: &Config, clock: &SharedClock) -> Option<Observer> {
    if !config.observe.writers.value {
        return None;
    }
    Observer::start(Arc::clone(clock))
        .inspect_err(|error| {
            tracing::warn!(%error, "who writes files is not heard; provenance is what agents claim");
        })
        .ok()
}

/// A number from 0 to 1, to spread what would otherwise happen all at once.
pub(super) fn dice() -> f64 {
    f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX)
}

/// 256 bits of randomness.
pub(super) fn random() -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes)
}

/// 256 bits of randomness as text.
pub(super) fn random_key() -> Result<String, AppError> {
    let bytes =
        random().ok_or_else(|| AppError::Start("the system gives no randomness".to_owned()))?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

/// Id and display name of the person who reviews at this machine: somebody of the catalogue when the
/// name is theirs, else a name of this machine.
pub(crate) fn local_person(config: &Config, catalog: &Catalog) -> (String, String) {
    let display = config.auth.reviewer.value.clone();
    if let Some(person) = catalog.find(&display) {
        return (person.id.value.to_string(), person.name.value.clone());
    }
    let id = display
        .to_lowercase()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(".");
    (format!("local:{id}"), display)
}
