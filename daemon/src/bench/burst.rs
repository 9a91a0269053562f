//! W2: many handoffs in many folders, as fast as one writer can write them.

use std::{
    path::{Path, PathBuf},
    sync::mpsc::channel,
    time::Duration,
};

use rusqlite::{Connection, params};
use serde::Serialize;

use super::{
    BenchError, agent,
    daemon::{self, Daemon},
    figures::{median, ratio, rounded},
    notices::Notices,
    system,
};
use crate::clock::SharedClock;

/// What is set against what.
const COMPARES: &str = "floor: inotify, read the file, SQLite (WAL, synchronous=FULL), up to 256 in a commit; \
     ours: accepted in the ledger of the daemon, which answers each with a receipt meanwhile; \
     both from the first write to the last commit";
/// Part of the floor's rate that is aimed at.
const GOAL: f64 = 0.5;
/// Handoffs in one folder.
const IN_FOLDER: usize = 10;
/// Handoffs that share one commit of the floor.
const GROUP: usize = 256;
/// When nothing new was recorded for this time, the rest counts as lost.
const PATIENCE: Duration = Duration::from_mins(1);

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Burst {
    /// What is set against what.
    pub compares: &'static str,
    /// Handoffs in each round.
    pub handoffs: usize,
    /// Folders in each round.
    pub folders: usize,
    /// All rounds.
    pub rounds: Vec<Round>,
    /// Handoffs per second: the median of the floor.
    pub floor: f64,
    /// Handoffs per second: the median of ours.
    pub ours: f64,
    /// The median of the ratios of the rounds.
    pub ratio: f64,
    /// The ratio that is aimed at.
    pub goal: f64,
    /// Whether it was reached, with every handoff of every round recorded.
    pub met: bool,
}

/// The floor and ours, one after the other.
#[derive(Clone, Debug, Serialize)]
pub struct Round {
    /// The floor.
    pub floor: Run,
    /// Ours.
    pub ours: Run,
    /// Rate of ours to that of the floor.
    pub ratio: f64,
    /// Seconds until every handoff also had its receipt.
    pub answered: Option<f64>,
    /// Most memory that the daemon has had, in bytes.
    pub peak_memory: Option<u64>,
}

/// One burst.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Run {
    /// Handoffs that were recorded.
    pub recorded: usize,
    /// Seconds that the writer took.
    pub written: f64,
    /// Seconds until the last one was recorded.
    pub seconds: f64,
    /// Recorded handoffs per second.
    pub rate: f64,
}

impl Run {
    fn new(recorded: usize, written: Duration, all: Duration) -> Self {
        let seconds = all.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a count of handoffs")]
        let rate = ratio(recorded as f64, seconds);
        Self {
            recorded,
            written: rounded(written.as_secs_f64()),
            seconds: rounded(seconds),
            rate,
        }
    }
}

impl Burst {
    /// Nothing measured yet, of `handoffs` in each round.
    pub(super) fn new(handoffs: usize) -> Self {
        Self {
            compares: COMPARES,
            handoffs,
            folders: handoffs.div_ceil(IN_FOLDER),
            rounds: Vec::new(),
            floor: 0.0,
            ours: 0.0,
            ratio: 0.0,
            goal: GOAL,
            met: false,
        }
    }

    /// Measures one more round in the folder `place`. Every other one begins with ours.
    pub(super) fn round(
        &mut self,
        program: &Path,
        place: &Path,
        clock: &SharedClock,
    ) -> Result<(), BenchError> {
        let floor = || floor(place, self.folders, self.handoffs, clock);
        let ours = || ours(program, place, self.folders, self.handoffs, clock);
        let (floor, ours) = if self.rounds.len().is_multiple_of(2) {
            let floor = floor()?;
            (floor, ours()?)
        } else {
            let ours = ours()?;
            (floor()?, ours)
        };
        let (ours, answered, peak_memory) = ours;
        self.rounds.push(Round {
            ratio: ratio(ours.rate, floor.rate),
            floor,
            ours,
            answered,
            peak_memory,
        });
        self.sum_up();
        Ok(())
    }

    fn sum_up(&mut self) {
        let of = |value: fn(&Round) -> f64| median(self.rounds.iter().map(value).collect());
        self.floor = of(|round| round.floor.rate);
        self.ours = of(|round| round.ours.rate);
        self.ratio = of(|round| round.ratio);
        let whole = self
            .rounds
            .iter()
            .all(|round| round.ours.recorded == self.handoffs);
        self.met = whole && self.ratio >= self.goal;
    }
}

fn floor(
    place: &Path,
    folders: usize,
    count: usize,
    clock: &SharedClock,
) -> Result<Run, BenchError> {
    let folders = agent::folders(&place.join("plain"), folders)?;
    let notices = Notices::of(&folders)?;
    let mut database = open(&place.join("floor.db"))?;
    let (done, end) = channel();
    let its_clock = clock.clone();
    std::thread::Builder::new()
        .name("floor".to_owned())
        .spawn(move || {
            let outcome = record(&notices, &mut database, count);
            // Who waits has given up when the channel is closed.
            let _ = done.send(outcome.map(|()| its_clock.monotonic()));
        })
        .map_err(system("start a thread"))?;
    let start = clock.monotonic();
    agent::burst(&folders, count)?;
    let written = clock.monotonic().saturating_sub(start);
    let end = end
        .recv_timeout(PATIENCE)
        .map_err(|_| BenchError::Floor(0))??;
    Ok(Run::new(count, written, end.saturating_sub(start)))
}

fn open(path: &Path) -> Result<Connection, BenchError> {
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         CREATE TABLE record (seq INTEGER PRIMARY KEY, path TEXT NOT NULL, bytes BLOB NOT NULL) STRICT;",
    )?;
    Ok(connection)
}

/// Records `count` handoffs; commits when no more are at hand, or when the group is full.
fn record(notices: &Notices, database: &mut Connection, count: usize) -> Result<(), BenchError> {
    let mut group: Vec<(String, Vec<u8>)> = Vec::new();
    let mut recorded = 0;
    notices.each(|path, more| {
        let bytes = std::fs::read(path).map_err(system("read a handoff"))?;
        group.push((path.display().to_string(), bytes));
        if group.len() < GROUP && more {
            return Ok(true);
        }
        let transaction = database.transaction()?;
        {
            let mut insert =
                transaction.prepare_cached("INSERT INTO record (path, bytes) VALUES (?1, ?2)")?;
            for (path, bytes) in group.drain(..) {
                insert.execute(params![path, bytes])?;
                recorded += 1;
            }
        }
        transaction.commit()?;
        Ok(recorded < count)
    })
}

fn ours(
    program: &Path,
    place: &Path,
    folders: usize,
    count: usize,
    clock: &SharedClock,
) -> Result<(Run, Option<f64>, Option<u64>), BenchError> {
    let workspace = place.join("workspace");
    let folders = agent::folders(&workspace, folders)?;
    let daemon = Daemon::start(program, &workspace, place.join("data"), clock)?;
    let news = daemon.news()?;
    daemon::first(&news)?;
    let start = clock.monotonic();
    let paths = agent::burst(&folders, count)?;
    let written = clock.monotonic().saturating_sub(start);
    let answered = answered(paths, clock).map(|at| rounded(at.saturating_sub(start).as_secs_f64()));
    let peak_memory = daemon.peak_memory();
    let heard: Vec<daemon::News> = news.try_iter().collect();
    let recorded = daemon.recorded()?;
    // Other entries come in between, so which one was the last is known only from the ledger.
    let last = recorded.last().copied().unwrap_or_default();
    let end = heard.iter().find(|(seq, _)| *seq >= last);
    let end = end.map_or_else(|| clock.monotonic(), |(_, at)| *at);
    let run = Run::new(recorded.len(), written, end.saturating_sub(start));
    Ok((run, answered, peak_memory))
}

/// Waits until each handoff has its receipt; `None` when one stays without.
fn answered(mut paths: Vec<PathBuf>, clock: &SharedClock) -> Option<Duration> {
    let patience = clock.monotonic() + PATIENCE;
    while let Some(path) = paths.last() {
        let name = path.file_name()?.to_str()?;
        let receipt = countersign_protocol::names::answers_for(name).receipt;
        if path.with_file_name(receipt).exists() {
            paths.pop();
        } else if clock.monotonic() > patience {
            return None;
        } else {
            agent::pause(Duration::from_millis(5));
        }
    }
    Some(clock.monotonic())
}
