//! W3: an index of very many files, from nothing and again.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Serialize;
use serde_json::Value;

use super::{
    BenchError, agent,
    corpus::Corpus,
    daemon::Daemon,
    figures::{ratio, rounded},
    raw::Raw,
    scale, system,
};
use crate::clock::SharedClock;

/// How long an index may take.
const PATIENCE: Duration = Duration::from_hours(1);
/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(20);
const LEAST_LOOK: Duration = Duration::from_millis(2);
const MIB: u64 = 1024 * 1024;

const COMPARES: &str = "floor: every file read once; raw: Tantivy with two threads and 400 MB, paths and words \
     alone; ours: from the start of the daemon until the index is complete, with change detection, hashes, \
     levels and sealed state; again: from its start over the same tree until it knows that nothing changed, \
     beside `find -printf`";

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Indexing {
    /// What is set against what.
    pub compares: &'static str,
    /// Files of the corpus.
    pub files: usize,
    /// Bytes of it.
    pub bytes: u64,
    /// Seconds to read every file.
    pub floor: f64,
    /// Seconds of raw Tantivy.
    pub raw: f64,
    /// Seconds of ours.
    pub ours: f64,
    /// Ours to raw Tantivy.
    pub ratio: f64,
    /// The ratio that is aimed at.
    pub goal: f64,
    /// Most memory of the daemon, in bytes.
    pub peak_memory: Option<u64>,
    /// The most that is aimed at.
    pub memory_goal: u64,
    /// Bytes of the index on the disk.
    pub index: u64,
    /// Seconds of `find -printf`.
    pub find: f64,
    /// Seconds of a start over an unchanged tree.
    pub again: f64,
    /// The one to the other.
    pub again_ratio: f64,
    /// The ratio that is aimed at.
    pub again_goal: f64,
    /// Whether all of it was reached.
    pub met: bool,
}

/// Measures W3 over `corpus`; leaves the state of the daemon in `data`.
pub(super) fn measure(
    program: &Path,
    corpus: &Corpus,
    data: &Path,
    raw: &Raw,
    clock: &SharedClock,
) -> Result<Indexing, BenchError> {
    // Once for the cache, for all.
    read_all(corpus)?;
    let start = clock.monotonic();
    read_all(corpus)?;
    let floor = clock.monotonic().saturating_sub(start);
    let raw = raw.fill(corpus, clock)?;
    let start = clock.monotonic();
    let daemon = Daemon::start(program, &corpus.root, data.to_owned(), clock)?;
    let index = complete(&daemon, clock)?;
    let ours = clock.monotonic().saturating_sub(start);
    let peak_memory = daemon.peak_memory();
    daemon.end()?;
    let find = scale::find(&corpus.root, clock)?;
    let start = clock.monotonic();
    let daemon = Daemon::start(program, &corpus.root, data.to_owned(), clock)?;
    complete(&daemon, clock)?;
    let again = clock.monotonic().saturating_sub(start);
    daemon.end()?;
    let seconds = |time: Duration| rounded(time.as_secs_f64());
    let (goal, memory_goal, again_goal) = (1.25, 400 * MIB, 1.5);
    let ratio_of = |one: Duration, other: Duration| ratio(one.as_secs_f64(), other.as_secs_f64());
    let (to_raw, to_find) = (ratio_of(ours, raw), ratio_of(again, find));
    Ok(Indexing {
        compares: COMPARES,
        files: corpus.files,
        bytes: corpus.bytes,
        floor: seconds(floor),
        raw: seconds(raw),
        ours: seconds(ours),
        ratio: to_raw,
        goal,
        peak_memory,
        memory_goal,
        index,
        find: seconds(find),
        again: seconds(again),
        again_ratio: to_find,
        again_goal,
        met: to_raw <= goal
            && to_find <= again_goal
            && peak_memory.is_some_and(|peak| peak <= memory_goal),
    })
}

/// Waits until the index is complete; gives its size in bytes.
pub(super) fn complete(daemon: &Daemon, clock: &SharedClock) -> Result<u64, BenchError> {
    let is_there = |_: &Value, _| true;
    reached(daemon, is_there, clock)
}

/// The same, and until nothing about it has changed for `quiet`: no document comes and no segments are merged.
pub(super) fn at_rest(
    daemon: &Daemon,
    quiet: Duration,
    clock: &SharedClock,
) -> Result<u64, BenchError> {
    let mut last = (Value::Null, clock.monotonic());
    let is_at_rest = |status: &Value, now| {
        if *status != last.0 {
            last = (status.clone(), now);
        }
        now.saturating_sub(last.1) >= quiet
    };
    reached(daemon, is_at_rest, clock)
}

fn reached(
    daemon: &Daemon,
    mut is_so: impl FnMut(&Value, Duration) -> bool,
    clock: &SharedClock,
) -> Result<u64, BenchError> {
    let begun = clock.monotonic();
    let spent = || clock.monotonic().saturating_sub(begun);
    while spent() < PATIENCE {
        let status = daemon.fetch("/api/v1/search/index")?;
        if status["state"] == "ready" && is_so(&status, clock.monotonic()) {
            return Ok(status["bytes"].as_u64().unwrap_or_default());
        }
        // What is over soon is seen to within some hundredths, and what takes long is not disturbed.
        agent::pause((spent() / 20).clamp(LEAST_LOOK, LOOK));
    }
    Err(BenchError::Daemon("did not complete its index".to_owned()))
}

fn read_all(corpus: &Corpus) -> Result<(), BenchError> {
    let mut bytes = Vec::new();
    for path in corpus.paths() {
        read(path, &mut bytes).map_err(system("read the corpus"))?;
    }
    Ok(())
}

fn read(path: PathBuf, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    bytes.clear();
    std::fs::File::open(path)?.read_to_end(bytes).map(drop)
}
