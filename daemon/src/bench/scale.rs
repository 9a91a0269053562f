//! W6 and W10: a workspace with very many files, from cold to ready and then at rest.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde::Serialize;

use super::{
    BenchError, agent,
    daemon::Daemon,
    figures::{median, ratio, rounded},
    process, system,
};
use crate::clock::SharedClock;

/// Files in one folder.
const IN_FOLDER: usize = 10;
/// Folders in one folder.
const BESIDE: usize = 100;
/// Changes that are noticed, to see what one costs.
const EVENTS: usize = 2_000;
/// How long a daemon may take to come to rest after changes.
const REST: Duration = Duration::from_secs(20);

/// W6: what was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Scale {
    /// What is set against what.
    pub compares: &'static str,
    /// Files in the workspace.
    pub files: usize,
    /// Folders in it.
    pub folders: usize,
    /// Seconds of the floor, each round.
    pub floor: Vec<f64>,
    /// Seconds from the start of the process until it is ready, each round.
    pub ours: Vec<f64>,
    /// The median of the ratios of the rounds.
    pub ratio: f64,
    /// The ratio that is aimed at.
    pub goal: f64,
    /// Most memory that the daemon has had, in bytes.
    pub peak_memory: Option<u64>,
    /// The most that is aimed at.
    pub memory_goal: u64,
    /// Microseconds of a core for one change of a file here.
    pub per_event: f64,
    /// The same in a workspace with one folder.
    pub per_event_small: f64,
    /// Whether ratio and memory were reached.
    pub met: bool,
}

/// W10: what was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Idle {
    /// What was measured.
    pub compares: &'static str,
    /// Files in the workspace.
    pub files: usize,
    /// Folders in it.
    pub folders: usize,
    /// Seconds that were looked at.
    pub seconds: f64,
    /// Milliseconds of a core in a minute.
    pub busy: f64,
    /// The most that is aimed at.
    pub goal: f64,
    /// Memory at the end, in bytes.
    pub memory: Option<u64>,
    /// The most that is aimed at.
    pub memory_goal: u64,
    /// Whether both were reached.
    pub met: bool,
}

const SCALE: &str = "floor: `find -printf` of path, size and time, to nowhere; ours: from the start of the \
     process until every folder is watched and listed; both with the names in the cache";
const IDLE: &str = "the processor time of all threads of the daemon while nothing changes, safety scans and \
     probes included";
const MIB: u64 = 1024 * 1024;

/// Makes the files; gives the folders.
fn tree(place: &Path, files: usize) -> Result<Vec<PathBuf>, BenchError> {
    let count = files.div_ceil(IN_FOLDER);
    let mut folders = Vec::with_capacity(count);
    for outer in 0..count.div_ceil(BESIDE) {
        let inside = (count - outer * BESIDE).min(BESIDE);
        let outer = place.join(format!("part-{outer:05}"));
        folders.extend(agent::folders(&outer, inside)?);
    }
    for (number, folder) in folders.iter().enumerate() {
        for file in 0..IN_FOLDER.min(files - number * IN_FOLDER) {
            agent::write(&folder.join(format!("file-{file}.txt")), b"words\n")?;
        }
    }
    Ok(folders)
}

/// Measures W6 in the folder `place`.
pub(super) fn scale(
    program: &Path,
    place: &Path,
    files: usize,
    rounds: usize,
    clock: &SharedClock,
) -> Result<Scale, BenchError> {
    let workspace = place.join("work");
    let folders = tree(&workspace, files)?;
    // Once for the cache of names, for both.
    find(&workspace, clock)?;
    let mut found = Scale {
        compares: SCALE,
        files,
        folders: folders.len(),
        floor: Vec::new(),
        ours: Vec::new(),
        ratio: 0.0,
        goal: 1.5,
        peak_memory: None,
        memory_goal: 150 * MIB,
        per_event: 0.0,
        per_event_small: 0.0,
        met: false,
    };
    let mut ratios = Vec::new();
    for round in 0..rounds {
        let floor = find(&workspace, clock)?.as_secs_f64();
        let start = clock.monotonic();
        let data = place.join(format!("data-{round}"));
        let daemon = Daemon::start(program, &workspace, data, clock)?;
        let ours = clock.monotonic().saturating_sub(start).as_secs_f64();
        if round + 1 == rounds {
            found.per_event = per_event(&daemon, &folders, clock)?;
        }
        found.peak_memory = found.peak_memory.max(daemon.peak_memory());
        daemon.end()?;
        ratios.push(ratio(ours, floor));
        found.floor.push(rounded(floor));
        found.ours.push(rounded(ours));
    }
    let small = place.join("small");
    let few = tree(&small, IN_FOLDER)?;
    let daemon = Daemon::start(program, &small, place.join("data-small"), clock)?;
    found.per_event_small = per_event(&daemon, &few, clock)?;
    daemon.end()?;
    found.ratio = median(ratios);
    found.met = found.ratio <= found.goal
        && found
            .peak_memory
            .is_some_and(|most| most <= found.memory_goal);
    Ok(found)
}

/// Measures W10 in the folder `place`, for that long.
pub(super) fn idle(
    program: &Path,
    place: &Path,
    files: usize,
    span: Duration,
    clock: &SharedClock,
) -> Result<Idle, BenchError> {
    let workspace = place.join("work");
    let folders = tree(&workspace, files)?;
    let daemon = Daemon::start(program, &workspace, place.join("data"), clock)?;
    come_to_rest(&daemon, clock)?;
    let (start, before) = (clock.monotonic(), busy(&daemon)?);
    agent::pause(span);
    let seconds = clock.monotonic().saturating_sub(start).as_secs_f64();
    let used = busy(&daemon)?.saturating_sub(before).as_secs_f64() * 1_000.0;
    let memory = process::memory(daemon.pid(), "VmRSS");
    daemon.end()?;
    let (goal, memory_goal) = (300.0, 80 * MIB);
    let per_minute = rounded(used / seconds * 60.0);
    Ok(Idle {
        compares: IDLE,
        files,
        folders: folders.len(),
        seconds: rounded(seconds),
        busy: per_minute,
        goal,
        memory,
        memory_goal,
        met: per_minute <= goal && memory.is_some_and(|memory| memory <= memory_goal),
    })
}

/// How long `find` takes to print all that is in `folder`.
pub(super) fn find(folder: &Path, clock: &SharedClock) -> Result<Duration, BenchError> {
    let start = clock.monotonic();
    let status = Command::new("find")
        .arg(folder)
        .args(["-printf", "%p %s %T@\\n"])
        .stdout(Stdio::null())
        .status()
        .map_err(system("run `find`"))?;
    if !status.success() {
        let failed = std::io::Error::other(status.to_string());
        return Err(system("run `find`")(failed));
    }
    Ok(clock.monotonic().saturating_sub(start))
}

/// Microseconds of a core for one change of a file that is no document.
fn per_event(daemon: &Daemon, folders: &[PathBuf], clock: &SharedClock) -> Result<f64, BenchError> {
    come_to_rest(daemon, clock)?;
    let before = busy(daemon)?;
    for number in 0..EVENTS {
        let folder = &folders[number % folders.len().min(100)];
        agent::write(&folder.join("changed.txt"), number.to_string().as_bytes())?;
    }
    come_to_rest(daemon, clock)?;
    let used = busy(daemon)?.saturating_sub(before).as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a count of events")]
    let each = used * 1_000_000.0 / EVENTS as f64;
    Ok(rounded(each))
}

/// Waits until the daemon has done nothing to speak of for a second.
fn come_to_rest(daemon: &Daemon, clock: &SharedClock) -> Result<(), BenchError> {
    let until = clock.monotonic() + REST;
    let mut before = busy(daemon)?;
    while clock.monotonic() < until {
        agent::pause(Duration::from_secs(1));
        let now = busy(daemon)?;
        if now.saturating_sub(before) < Duration::from_millis(20) {
            break;
        }
        before = now;
    }
    Ok(())
}

fn busy(daemon: &Daemon) -> Result<Duration, BenchError> {
    process::busy(daemon.pid())
        .ok_or_else(|| BenchError::Daemon("ended while it was looked at".to_owned()))
}
