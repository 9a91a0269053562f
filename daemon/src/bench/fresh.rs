//! W5: how soon a file is found while many others change.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde::Serialize;

use super::{
    BenchError, Ratio, Spread, agent,
    browser::percent_encoded,
    corpus::{Corpus, Numbers},
    daemon::Daemon,
    indexing,
    raw::Raw,
    system,
};
use crate::clock::SharedClock;

/// Changes of other files in a second.
const CHANGES: usize = 1_000;
/// They come in so many lots a second.
const LOTS: usize = 50;
/// Files that change.
const CHANGING: usize = 5_000;
/// Between two looks.
const LOOK: Duration = Duration::from_millis(5);
/// After this time a file counts as lost.
const PATIENCE: Duration = Duration::from_mins(5);
/// The 99th percentile that is aimed at, in milliseconds.
const GOAL: f64 = 1_000.0;

const COMPARES: &str = "raw: a document added, committed, loaded and searched in raw Tantivy, nothing else \
     happening; ours: from a file's last byte until a search over HTTP finds its word, while 1,000 other files \
     are written in each second";

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Fresh {
    /// What is set against what.
    pub compares: &'static str,
    /// Files of the corpus.
    pub files: usize,
    /// Files that were looked for.
    pub samples: usize,
    /// Other files that were written in a second, as it came to be.
    pub changes: f64,
    /// Raw Tantivy, in milliseconds.
    pub raw: Spread,
    /// Ours, in milliseconds.
    pub ours: Spread,
    /// Ours to raw.
    pub ratio: Ratio,
    /// The 99th percentile that is aimed at, in milliseconds.
    pub goal: f64,
    /// Whether it was reached.
    pub met: bool,
}

/// Measures W5 with `samples` files over `corpus`, whose index is in `data` or is made there.
pub(super) fn measure(
    program: &Path,
    corpus: &Corpus,
    data: &Path,
    raw: &Raw,
    samples: usize,
    clock: &SharedClock,
) -> Result<Fresh, BenchError> {
    let raw = Spread::of(raw.freshness(samples, clock)?);
    let daemon = Daemon::start(program, &corpus.root, data.to_owned(), clock)?;
    indexing::complete(&daemon, clock)?;
    let folder = corpus.root.join("fresh");
    let noise = Noise::start(&corpus.root.join("noise"), clock)?;
    agent::folders(&folder, 1)?;
    let mut times = Vec::new();
    let mut numbers = Numbers::from(5);
    for number in 0..samples {
        // Not in step with the commits.
        agent::pause(Duration::from_millis(numbers.below(400) as u64));
        let word = format!("freshword{number}x");
        let file = folder.join(format!("0/{word}.txt"));
        agent::write(&file, format!("{word} stands here\n").as_bytes())?;
        times.push(until_found(&daemon, &word, clock)?);
    }
    let changes = noise.stop()?;
    daemon.end()?;
    let ours = Spread::of(times);
    Ok(Fresh {
        compares: COMPARES,
        files: corpus.files,
        samples,
        changes,
        ratio: Ratio::of(&ours, &raw),
        raw,
        goal: GOAL,
        met: ours.p99 <= GOAL,
        ours,
    })
}

/// How long it takes until a word of a file is found.
fn until_found(daemon: &Daemon, word: &str, clock: &SharedClock) -> Result<Duration, BenchError> {
    let start = clock.monotonic();
    let query = percent_encoded(&format!("content:{word}"));
    let path = format!("/api/v1/search?verbatim=true&limit=1&q={query}");
    while clock.monotonic().saturating_sub(start) < PATIENCE {
        if daemon.fetch(&path)?["total"] == 1 {
            return Ok(clock.monotonic().saturating_sub(start));
        }
        agent::pause(LOOK);
    }
    Err(BenchError::Daemon(format!("never found `{word}`")))
}

/// A writer that changes other files all the time.
struct Noise {
    is_over: Arc<AtomicBool>,
    written: Arc<AtomicUsize>,
    start: Duration,
    clock: SharedClock,
    thread: std::thread::JoinHandle<Result<(), crate::fs::Error>>,
}

impl Noise {
    fn start(folder: &Path, clock: &SharedClock) -> Result<Self, BenchError> {
        let folders: Vec<PathBuf> = agent::folders(folder, 50)?;
        let is_over = Arc::new(AtomicBool::new(false));
        let written = Arc::new(AtomicUsize::new(0));
        let (over, count) = (Arc::clone(&is_over), Arc::clone(&written));
        let its_clock = Arc::clone(clock);
        let start = clock.monotonic();
        let thread = std::thread::Builder::new()
            .name("noise".to_owned())
            .spawn(move || {
                let mut next = start;
                while !over.load(Ordering::Relaxed) {
                    for _ in 0..CHANGES / LOTS {
                        let number = count.fetch_add(1, Ordering::Relaxed);
                        let folder = &folders[number % folders.len()];
                        let file = folder.join(format!("{}.txt", number % CHANGING));
                        agent::write(&file, format!("change {number}\n").repeat(40).as_bytes())?;
                    }
                    next += Duration::from_secs(1) / u32::try_from(LOTS).unwrap_or(1);
                    agent::pause(next.saturating_sub(its_clock.monotonic()));
                }
                Ok(())
            })
            .map_err(system("start a thread"))?;
        Ok(Self {
            is_over,
            written,
            start,
            clock: Arc::clone(clock),
            thread,
        })
    }

    /// Ends it; gives how many files it wrote in a second.
    fn stop(self) -> Result<f64, BenchError> {
        self.is_over.store(true, Ordering::Relaxed);
        let lost = |_| system("write other files")(std::io::Error::other("the writer ended"));
        self.thread.join().map_err(lost)??;
        let seconds = self
            .clock
            .monotonic()
            .saturating_sub(self.start)
            .as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a count of files")]
        let written = self.written.load(Ordering::Relaxed) as f64;
        Ok(super::figures::ratio(written, seconds))
    }
}
