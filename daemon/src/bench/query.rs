//! W4: queries over HTTP, each beside raw Tantivy in process or beside a scan of every file.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use serde::Serialize;

use super::{
    BenchError, Spread,
    browser::{Client, percent_encoded},
    corpus::{self, Corpus, PHRASE, RARE_WORD},
    daemon::Daemon,
    figures::ratio,
    indexing, process, raw,
    raw::Raw,
    system,
};
use crate::clock::SharedClock;

/// Requests that are thrown away first.
const WARM_UP: usize = 5;
/// Rounds of a scan of every file.
const SCANS: usize = 3;
/// Threads of it.
const SCANNERS: usize = 2;
/// The 99th percentile in milliseconds that is aimed at for words, paths and phrases.
const GOAL: f64 = 10.0;
/// How many times faster than a scan substrings and patterns are to be.
const FASTER: f64 = 10.0;

const COMPARES: &str = "ours: from the request to the first byte of the JSON answer with its lines, over a \
     connection that is kept; raw: the same words asked of raw Tantivy in process, with ten documents read; \
     scan: every file read and matched by the same engine on two threads";

/// One kind of query.
#[derive(Clone, Debug, Serialize)]
pub struct Kind {
    /// Which.
    pub name: &'static str,
    /// The query.
    pub query: String,
    /// How much it finds.
    pub total: u64,
    /// Ours, in milliseconds.
    pub ours: Spread,
    /// Raw Tantivy in process, in milliseconds, where it can answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<Spread>,
    /// A scan of every file, in milliseconds, where the answer is confirmed by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scan: Option<Spread>,
    /// How many times faster than the scan, at the median.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faster: Option<f64>,
    /// Whether its goal was reached.
    pub met: bool,
}

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Query {
    /// What is set against what.
    pub compares: &'static str,
    /// Files of the corpus.
    pub files: usize,
    /// Requests of each kind.
    pub requests: usize,
    /// The 99th percentile of words, paths and phrases that is aimed at, in milliseconds.
    pub goal: f64,
    /// How many times faster than a scan the others are to be.
    pub faster_goal: f64,
    /// The kinds.
    pub kinds: Vec<Kind>,
    /// Memory of the daemon at the end, in bytes.
    pub memory: Option<u64>,
    /// Whether all goals were reached.
    pub met: bool,
}

/// Measures W4 over `corpus`, whose index is in `data` or is made there.
pub(super) fn measure(
    program: &Path,
    corpus: &Corpus,
    data: &Path,
    raw: &Raw,
    requests: usize,
    clock: &SharedClock,
) -> Result<Query, BenchError> {
    let daemon = Daemon::start(program, &corpus.root, data.to_owned(), clock)?;
    indexing::complete(&daemon, clock)?;
    let mut client = Client::new(daemon.address()?, daemon.sign_in()?, clock)?;
    let common = corpus::common_word();
    let part = &RARE_WORD[2..RARE_WORD.len() - 1];
    let asked = [
        ("rare word", RARE_WORD.to_owned(), Some(RARE_WORD), None),
        ("common word", common.clone(), Some(common.as_str()), None),
        ("path", "path:part000/**/*.rs".to_owned(), None, None),
        ("phrase", format!("\"{PHRASE}\""), Some(PHRASE), None),
        (
            "substring",
            format!("\"{part}\""),
            None,
            Some(part.to_owned()),
        ),
        (
            "pattern",
            r"/tapir\s+sl[a-e]+ps \w+ trees/".to_owned(),
            None,
            Some(r"tapir\s+sl[a-e]+ps \w+ trees".to_owned()),
        ),
    ];
    let mut kinds = Vec::new();
    for (name, query, words, pattern) in asked {
        let path = format!(
            "/api/v1/search?verbatim=true&limit=20&q={}",
            percent_encoded(&query)
        );
        let total = daemon.fetch(&path)?["total"].as_u64().unwrap_or_default();
        let mut times = Vec::new();
        for _ in 0..requests + WARM_UP {
            times.push(client.get(&path)?.0);
        }
        let ours = Spread::of(times.split_off(WARM_UP));
        let raw = match words {
            Some(words) => Some(Spread::of(raw.search(words, requests, clock)?)),
            None => None,
        };
        let scan = match &pattern {
            Some(pattern) => Some(Spread::of(scan(corpus, pattern, clock)?)),
            None => None,
        };
        let faster = scan.map(|scan| ratio(scan.p50, ours.p50));
        kinds.push(Kind {
            name,
            query,
            total,
            met: total > 0 && faster.map_or(ours.p99 <= GOAL, |faster| faster >= FASTER),
            ours,
            raw,
            scan,
            faster,
        });
    }
    let memory = process::memory(daemon.pid(), "VmRSS");
    daemon.end()?;
    Ok(Query {
        compares: COMPARES,
        files: corpus.files,
        requests,
        goal: GOAL,
        faster_goal: FASTER,
        met: kinds.iter().all(|kind| kind.met),
        kinds,
        memory,
    })
}

/// How long it takes to look into every file, a few times.
fn scan(corpus: &Corpus, pattern: &str, clock: &SharedClock) -> Result<Vec<Duration>, BenchError> {
    let pattern = regex::RegexBuilder::new(pattern)
        .case_insensitive(true)
        .build()
        .map_err(|error| system("read a pattern")(std::io::Error::other(error)))?;
    let paths: Vec<PathBuf> = corpus.paths().collect();
    let mut times = Vec::new();
    for _ in 0..SCANS {
        let start = clock.monotonic();
        let next = AtomicUsize::new(0);
        let work = || -> Result<usize, BenchError> {
            let mut found = 0;
            while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                found += usize::from(pattern.is_match(&raw::read(path)?));
            }
            Ok(found)
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..SCANNERS).map(|_| scope.spawn(work)).collect();
            let mut found = work()?;
            for other in others {
                found += other.join().unwrap_or(Ok(0))?;
            }
            Ok::<_, BenchError>(found)
        })?;
        times.push(clock.monotonic().saturating_sub(start));
    }
    Ok(times)
}
