//! W1: how long it takes from the rename of a handoff until somebody on loopback is told that it is on
//! the disk.

use std::{
    fs::File,
    io::Write as _,
    ops::Range,
    path::{Path, PathBuf},
    sync::mpsc::Receiver,
    thread::JoinHandle,
    time::Duration,
};

use serde::Serialize;

use super::{
    BenchError, Ratio, Spread, agent,
    daemon::{self, Daemon, Settings},
    notices::Notices,
    receiver::{self, Poster},
    sink, system,
};
use crate::clock::SharedClock;

/// What is set against what.
const COMPARES: &str = "floor: inotify, read the file, append 1 KB to a log and fsync it, POST to a receiver on loopback; \
     ours: the daemon takes the handoff and its artifact in and commits it to the ledger, then the event `changed` reaches a client on loopback; \
     webhook: the same handoff, until the signed message of it was received; \
     all over a connection that is kept, from just before the rename";
/// Times the floor's median and 99th percentile that ours may have.
const GOAL: f64 = 2.0;
/// Samples of one kind in a row.
pub(super) const ROW: usize = 10;
/// Samples of each kind that are thrown away first.
pub(super) const WARM_UP: usize = 20;
/// Between two samples, in which ours says nothing: handoffs come one at a time here.
pub(super) const PAUSE: Duration = Duration::from_millis(10);
/// After this time a handoff counts as lost.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// A record of the floor, in bytes.
const RECORD: usize = 1024;

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Trigger {
    /// What is set against what.
    pub compares: &'static str,
    /// Handoffs of each kind.
    pub samples: usize,
    /// Handoffs of ours that are in the ledger, warm-up not counted.
    pub recorded: usize,
    /// The floor, in milliseconds.
    pub floor: Spread,
    /// Ours, in milliseconds.
    pub ours: Spread,
    /// Until the signed message of the same handoffs was received, in milliseconds.
    pub webhook: Spread,
    /// Ours to the floor.
    pub ratio: Ratio,
    /// The message to the floor.
    pub webhook_ratio: Ratio,
    /// The ratio of p50 and of p99 that is aimed at.
    pub goal: f64,
    /// Whether it was reached, with every handoff recorded.
    pub met: bool,
    /// Most memory that the daemon has had, in bytes.
    pub peak_memory: Option<u64>,
}

/// Handoffs ready to be renamed into their folders.
pub(super) struct Staged {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Staged {
    /// One handoff for each of `count` folders below `root`, its artifact in place already.
    pub(super) fn new(root: &Path, staging: &Path, count: usize) -> Result<Self, BenchError> {
        Self::of(root, staging, count, agent::handoff_with_artifact)
    }

    /// The same with the documents that `handoff` makes.
    pub(super) fn of(
        root: &Path,
        staging: &Path,
        count: usize,
        handoff: impl Fn(usize) -> Vec<u8>,
    ) -> Result<Self, BenchError> {
        let folders = agent::folders(root, count)?;
        crate::fs::Dir::create(staging, 0o755)?;
        let mut files = Vec::new();
        for (number, folder) in folders.iter().enumerate() {
            agent::write(&folder.join("result.md"), &agent::artifact(number))?;
            let file = staging.join(number.to_string());
            agent::write(&file, &handoff(number))?;
            files.push(file);
        }
        Ok(Self { folders, files })
    }

    /// Where the handoffs go.
    pub(super) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// Renames handoff `number` to its place; gives the moment just before.
    pub(super) fn hand_over(
        &self,
        number: usize,
        clock: &SharedClock,
    ) -> Result<Duration, BenchError> {
        let target = self.folders[number].join("handoff.json");
        let start = clock.monotonic();
        agent::rename(&self.files[number], &target)?;
        Ok(start)
    }
}

/// Measures `count` handoffs of each kind, in turn, in the folder `place`.
pub(super) fn measure(
    program: &Path,
    place: &Path,
    count: usize,
    clock: &SharedClock,
) -> Result<Trigger, BenchError> {
    let all = count + WARM_UP;
    let plain = Staged::new(&place.join("plain"), &place.join("plain-staged"), all)?;
    let workspace = place.join("workspace");
    let ours = Staged::new(&workspace, &place.join("staged"), all)?;
    let mut floor = Floor::start(&plain.folders, &place.join("log"), all, clock)?;
    let (address, messages) = sink::webhooks(clock)?;
    let rules = format!(
        "[[webhook]]\nname = \"bench\"\nurl = \"http://{address}/\"\nsecret = {{ env = \"HOOK_SECRET\" }}\n\
         allow_private = true\nevents = [\"accepted\"]\n"
    );
    let data = place.join("data");
    let settings = Settings {
        daemon: &rules,
        ..Settings::default()
    };
    let daemon = Daemon::configured(program, &workspace, data, settings, clock)?;
    let news = daemon.news()?;
    let mut newest = daemon::first(&news)?;

    let (mut floor_times, mut our_times) = (Vec::new(), Vec::new());
    let mut message_times = Vec::new();
    for start in (0..all).step_by(ROW) {
        let row = start..(start + ROW).min(all);
        floor = floor.row(&plain, row.clone(), clock, &mut floor_times)?;
        for number in row {
            newest = daemon::settled(&news, newest, PAUSE);
            let begun = ours.hand_over(number, clock)?;
            if let Some(told) = daemon::until(&news, newest + 1, PATIENCE) {
                our_times.push(told.saturating_sub(begun));
            }
            if let Ok(arrival) = messages.recv_timeout(PATIENCE) {
                message_times.push(arrival.at.saturating_sub(begun));
            }
        }
    }
    floor.end()?;
    let peak_memory = daemon.peak_memory();
    let accepted = daemon.end()?;
    let (floor, ours) = (
        Spread::of(floor_times.split_off(WARM_UP.min(floor_times.len()))),
        Spread::of(our_times.split_off(WARM_UP.min(our_times.len()))),
    );
    let webhook = Spread::of(message_times.split_off(WARM_UP.min(message_times.len())));
    let ratio = Ratio::of(&ours, &floor);
    let webhook_ratio = Ratio::of(&webhook, &floor);
    Ok(Trigger {
        compares: COMPARES,
        samples: count,
        recorded: accepted.saturating_sub(WARM_UP),
        floor,
        ours,
        webhook,
        ratio,
        webhook_ratio,
        goal: GOAL,
        met: accepted == all && ratio.p50 <= GOAL && ratio.p99 <= GOAL,
        peak_memory,
    })
}

/// The floor at work.
pub(super) struct Floor {
    arrivals: Receiver<Duration>,
    thread: JoinHandle<Result<(), BenchError>>,
}

impl Floor {
    /// Starts it for `count` handoffs in `folders`.
    pub(super) fn start(
        folders: &[PathBuf],
        log: &Path,
        count: usize,
        clock: &SharedClock,
    ) -> Result<Self, BenchError> {
        let notices = Notices::of(folders)?;
        let (address, arrivals) = receiver::start(clock.clone())?;
        let poster = Poster::to(address).map_err(system("connect on loopback"))?;
        let log = File::options()
            .append(true)
            .create(true)
            .open(log)
            .map_err(system("open the log of the floor"))?;
        let thread = std::thread::Builder::new()
            .name("floor".to_owned())
            .spawn(move || work(&notices, log, poster, count))
            .map_err(system("start a thread"))?;
        Ok(Self { arrivals, thread })
    }

    /// Hands `row` of `plain` over, one at a time, and adds to `times` how long each took to be told.
    pub(super) fn row(
        self,
        plain: &Staged,
        row: Range<usize>,
        clock: &SharedClock,
        times: &mut Vec<Duration>,
    ) -> Result<Self, BenchError> {
        for number in row {
            agent::pause(PAUSE);
            let begun = plain.hand_over(number, clock)?;
            let Ok(arrived) = self.arrivals.recv_timeout(PATIENCE) else {
                self.end()?;
                return Err(BenchError::Floor(number));
            };
            times.push(arrived.saturating_sub(begun));
        }
        Ok(self)
    }

    /// Waits for its end, and gives the reason if it was not the last handoff.
    pub(super) fn end(self) -> Result<(), BenchError> {
        self.thread.join().unwrap_or(Err(BenchError::Floor(0)))
    }
}

fn work(
    notices: &Notices,
    mut log: File,
    mut poster: Poster,
    mut left: usize,
) -> Result<(), BenchError> {
    notices.each(|path, _| {
        let mut record = std::fs::read(path).map_err(system("read a handoff"))?;
        record.resize(RECORD, b' ');
        log.write_all(&record)
            .and_then(|()| log.sync_all())
            .map_err(system("write the log of the floor"))?;
        poster.post(&record).map_err(system("post a notice"))?;
        left -= 1;
        Ok(left > 0)
    })
}
