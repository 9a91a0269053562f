//! Measures what is promised of speed, each workload beside its floor in the same run.
//!
//! A floor does the same work with nothing around it, on the same disk, in turn with the daemon: disks
//! and neighbours change from minute to minute, so only the ratio of the two says anything. A
//! benchmark never fails on time; it says what it saw. See `docs/performance.md`.

mod agent;
mod browser;
mod burst;
mod corpus;
mod daemon;
mod fanout;
mod figures;
mod fresh;
mod indexing;
mod locks;
mod machine;
mod moments;
mod notices;
mod pages;
mod process;
mod query;
mod raw;
mod receiver;
mod relay;
mod review;
mod scale;
mod scratch;
mod sink;
mod trigger;
mod wire;

use std::{io, path::PathBuf, time::Duration};

use serde::Serialize;

pub use burst::{Burst, Round, Run};
pub use fanout::{Channel, Fanout};
pub use figures::{Ratio, Spread};
pub use fresh::Fresh;
pub use indexing::Indexing;
pub use locks::{Locks, Peer};
pub use machine::Machine;
pub use moments::Moments;
pub use pages::{Load, Pages};
pub use query::Query;
pub use relay::Relay;
pub use review::Review;
pub use scale::{Idle, Scale};
pub use trigger::Trigger;

use crate::{clock::SharedClock, fs, ledger::OpenError, store::StoreError};

/// Pages of W8 that one reader opens.
const PAGES: usize = 200;

/// What to measure, how often and where.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program that is started as the daemon.
    pub program: PathBuf,
    /// A folder on the file system to measure.
    pub dir: PathBuf,
    /// Handoffs of W1, if it is wanted.
    pub trigger: Option<usize>,
    /// Handoffs of W2 in each round, if it is wanted.
    pub burst: Option<usize>,
    /// Rounds of W2 and W6.
    pub rounds: usize,
    /// Pairs of one client of W7, if it is wanted.
    pub locks: Option<usize>,
    /// Handoffs of W11, if it is wanted.
    pub relay: Option<usize>,
    /// Files and revisions of W12, if it is wanted.
    pub moments: Option<(usize, usize)>,
    /// Files of the handoff of W8, if it is wanted.
    pub review: Option<usize>,
    /// Messages of W9 by each channel, if it is wanted.
    pub fanout: Option<usize>,
    /// Files of the corpus of W3, W4 and W5.
    pub corpus: usize,
    /// Whether W3 is wanted.
    pub indexing: bool,
    /// Requests of each kind of W4, if it is wanted.
    pub query: Option<usize>,
    /// Files that W5 looks for, if it is wanted.
    pub fresh: Option<usize>,
    /// Files of W6, if it is wanted.
    pub scale: Option<usize>,
    /// Files of W10 and how long to look, if it is wanted.
    pub idle: Option<(usize, Duration)>,
}

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// On what it was seen.
    pub machine: Machine,
    /// W1: from the rename to the news on loopback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub w1: Option<Trigger>,
    /// W2: many handoffs at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub w2: Option<Burst>,
    /// W3: an index of very many files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub w3: Option<Indexing>,
    /// W4: queries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub w4: Option<Query>,
    /// W5: how soon a file is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub w5: Option<Fresh>,
    /// W7: durable locks over HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub w7: Option<Locks>,
    /// W11: from agent to agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub w11: Option<Relay>,
    /// W12: a workspace as it stood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub w12: Option<Moments>,
    /// W8: the review page of a handoff with very many files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub w8: Option<Review>,
    /// W8: the queue of very many handoffs, and the search.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub w8_pages: Option<Pages>,
    /// W9: very many messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub w9: Option<Fanout>,
    /// W6: from the start to ready over very many files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub w6: Option<Scale>,
    /// W10: very many files and nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub w10: Option<Idle>,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A folder or file of the benchmark.
    #[error(transparent)]
    Fs(#[from] fs::Error),
    /// Anything else of the system.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// The database of a floor.
    #[error("the database of the floor failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// The template of a floor.
    #[error("the template of the floor failed: {0}")]
    Template(#[from] minijinja::Error),
    /// The ledger of the daemon, read after it ended.
    #[error(transparent)]
    Ledger(#[from] OpenError),
    /// The store below it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The daemon.
    #[error("the daemon {0}")]
    Daemon(String),
    /// The floor, after so many handoffs.
    #[error("the floor lost a handoff after the first {0}")]
    Floor(usize),
}

/// For `map_err`: the failure of `what`.
fn system<E: Into<io::Error>>(what: &'static str) -> impl FnOnce(E) -> BenchError {
    move |source| BenchError::System {
        what,
        source: source.into(),
    }
}

/// Measures what `plan` asks for; tells `progress` what begins.
pub fn run(
    plan: &Plan,
    clock: &SharedClock,
    mut progress: impl FnMut(&str),
) -> Result<Report, BenchError> {
    let scratch = scratch::Scratch::new(&plan.dir)?;
    let mut report = Report {
        machine: Machine::look(&plan.dir),
        w1: None,
        w2: None,
        w3: None,
        w4: None,
        w5: None,
        w7: None,
        w11: None,
        w12: None,
        w8: None,
        w8_pages: None,
        w9: None,
        w6: None,
        w10: None,
    };
    if let Some(count) = plan.trigger {
        progress(&format!("W1: {count} handoffs, one at a time"));
        let place = scratch.folder("w1")?;
        report.w1 = Some(trigger::measure(&plan.program, &place, count, clock)?);
    }
    if let Some(count) = plan.burst {
        let mut burst = Burst::new(count);
        for round in 1..=plan.rounds {
            progress(&format!(
                "W2: {count} handoffs at once, round {round} of {}",
                plan.rounds
            ));
            let place = scratch.folder(&format!("w2-{round}"))?;
            burst.round(&plan.program, &place, clock)?;
            scratch.clear(&place);
        }
        report.w2 = Some(burst);
    }
    if plan.indexing || plan.query.is_some() || plan.fresh.is_some() {
        search(plan, &scratch, clock, &mut progress, &mut report)?;
    }
    if let Some(count) = plan.locks {
        progress(&format!("W7: {count} locks of one client, then of many"));
        let place = scratch.folder("w7")?;
        report.w7 = Some(locks::measure(&plan.program, &place, count, clock)?);
        scratch.clear(&place);
    }
    if let Some(count) = plan.relay {
        progress(&format!("W11: {count} handoffs from agent to agent"));
        let place = scratch.folder("w11")?;
        report.w11 = Some(relay::measure(&plan.program, &place, count, clock)?);
        scratch.clear(&place);
    }
    if let Some((files, revisions)) = plan.moments {
        progress(&format!("W12: {revisions} revisions of {files} files"));
        let place = scratch.folder("w12")?;
        let many = (files, revisions);
        report.w12 = Some(moments::measure(&plan.program, &place, many, clock)?);
        scratch.clear(&place);
    }
    if let Some(files) = plan.review {
        progress(&format!(
            "W8: the review page of a handoff of {files} files"
        ));
        let place = scratch.folder("w8")?;
        let seen = review::measure(&plan.program, &place, files, PAGES, clock)?;
        report.w8 = Some(seen);
        progress(&format!(
            "W8: the queue of {files} handoffs, and the search"
        ));
        let place = scratch.folder("w8-pages")?;
        let seen = pages::measure(&plan.program, &place, files, PAGES, clock)?;
        report.w8_pages = Some(seen);
        scratch.clear(&place);
    }
    if let Some(count) = plan.fanout {
        progress(&format!("W9: {count} messages by webhook, and by mail"));
        let place = scratch.folder("w9")?;
        report.w9 = Some(fanout::measure(&plan.program, &place, count, clock)?);
        scratch.clear(&place);
    }
    if let Some(files) = plan.scale {
        progress(&format!("W6: {files} files"));
        let place = scratch.folder("w6")?;
        let found = scale::scale(&plan.program, &place, files, plan.rounds, clock)?;
        report.w6 = Some(found);
        scratch.clear(&place);
    }
    if let Some((files, span)) = plan.idle {
        progress(&format!(
            "W10: {files} files at rest for {} s",
            span.as_secs()
        ));
        let place = scratch.folder("w10")?;
        report.w10 = Some(scale::idle(&plan.program, &place, files, span, clock)?);
        scratch.clear(&place);
    }
    report.machine.look_again();
    Ok(report)
}

/// W3, W4 and W5: one corpus, and the index that the first of them made.
fn search(
    plan: &Plan,
    scratch: &scratch::Scratch,
    clock: &SharedClock,
    progress: &mut impl FnMut(&str),
    report: &mut Report,
) -> Result<(), BenchError> {
    let (program, place) = (&plan.program, scratch.folder("search")?);
    progress(&format!("W3 to W5: a corpus of {} files", plan.corpus));
    let corpus = corpus::make(&place.join("work"), plan.corpus)?;
    let data = place.join("data");
    let peer = raw::Raw::create(&place.join("raw"))?;
    if plan.indexing {
        progress("W3: an index of all of it");
        let found = indexing::measure(program, &corpus, &data, &peer, clock)?;
        report.w3 = Some(found);
    } else if plan.query.is_some() {
        peer.fill(&corpus, clock)?;
    }
    if let Some(requests) = plan.query {
        progress(&format!("W4: {requests} requests of each kind"));
        let found = query::measure(program, &corpus, &data, &peer, requests, clock)?;
        report.w4 = Some(found);
    }
    if let Some(samples) = plan.fresh {
        progress(&format!("W5: {samples} files while others change"));
        let found = fresh::measure(program, &corpus, &data, &peer, samples, clock)?;
        report.w5 = Some(found);
    }
    scratch.clear(&place);
    Ok(())
}
