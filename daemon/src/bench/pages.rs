//! W8, the pages that people open all day: the queue of very many handoffs and the search, each on many
//! connections at once, beside a bare server that reads as many rows from SQLite and renders them.

use std::{net::SocketAddr, path::Path, time::Duration};

use serde::Serialize;

use super::{
    BenchError, Spread, agent,
    browser::{Client, percent_encoded},
    daemon::{self, Daemon},
    figures::{percentile, ratio, rounded},
    indexing, system,
};
use crate::clock::SharedClock;

mod floor;

const COMPARES: &str = "floor: 50 rows of as many by an index of SQLite, rendered by the same engine of templates into a page of \
     as many bytes as the queue has, by a bare server with a thread for each connection; \
     ours: the queue, the review of one of them and the search, signed in, with rights checked; \
     all on 16 connections that are kept";
/// Connections at the same time.
const CONNECTIONS: usize = 16;
/// Rows of a page.
const ROWS: usize = 50;
/// The share of the rate of the floor that is aimed at for the queue.
const GOAL: f64 = 1.0 / 3.0;
/// The 95th percentiles that are aimed at, in milliseconds, for the queue, a review and the search.
const GOALS: [f64; 3] = [10.0, 50.0, 100.0];
/// Handoffs in a folder.
const IN_FOLDER: usize = 50;
/// After so long without news all was said.
const QUIET: Duration = Duration::from_secs(3);

/// One page, opened again and again.
#[derive(Clone, Debug, Serialize)]
pub struct Load {
    /// Bytes of the page.
    pub bytes: usize,
    /// Pages in a second.
    pub rate: f64,
    /// The time to the first byte, in milliseconds.
    pub spread: Spread,
    /// Its 95th percentile.
    pub p95: f64,
}

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Pages {
    /// What is set against what.
    pub compares: &'static str,
    /// Handoffs that wait.
    pub handoffs: usize,
    /// Connections at the same time.
    pub connections: usize,
    /// The bare server.
    pub floor: Load,
    /// The queue.
    pub queue: Load,
    /// The review of one of the handoffs.
    pub review: Load,
    /// The search.
    pub search: Load,
    /// Rate of the queue to that of the floor.
    pub ratio: f64,
    /// The ratio that is aimed at.
    pub goal: f64,
    /// The 95th percentiles that are aimed at, for the queue, the review and the search.
    pub goals: [f64; 3],
    /// Whether all of it was reached.
    pub met: bool,
}

/// Measures `requests` of each connection over `handoffs` that wait, in the folder `place`.
pub(super) fn measure(
    program: &Path,
    place: &Path,
    handoffs: usize,
    requests: usize,
    clock: &SharedClock,
) -> Result<Pages, BenchError> {
    let workspace = place.join("workspace");
    let folders = agent::folders(&workspace, handoffs.div_ceil(IN_FOLDER))?;
    let daemon = Daemon::start(program, &workspace, place.join("data"), clock)?;
    let news = daemon.news()?;
    let newest = daemon::first(&news)?;
    agent::burst(&folders, handoffs)?;
    daemon::settled(&news, newest, QUIET);
    // What the index still has to do is not the pages' work.
    indexing::at_rest(&daemon, QUIET, clock)?;
    let (address, cookie) = (daemon.address()?, daemon.sign_in()?);
    let load = |path: &str| crowd(address, &cookie, path, requests, clock);
    let search = format!("/search?q={}", percent_encoded("figures region 4711"));
    load("/queue")?;
    let queue = load("/queue")?;
    let review = load("/h/H-1")?;
    let search = load(&search)?;
    daemon.end()?;
    let bare = floor::start(&place.join("floor.db"), handoffs, queue.bytes)?;
    let floor = crowd(bare, "", "/", requests, clock)?;
    let ratio = ratio(queue.rate, floor.rate);
    Ok(Pages {
        compares: COMPARES,
        handoffs,
        connections: CONNECTIONS,
        met: ratio >= GOAL
            && queue.p95 <= GOALS[0]
            && review.p95 <= GOALS[1]
            && search.p95 <= GOALS[2],
        ratio,
        goal: rounded(GOAL),
        goals: GOALS,
        floor,
        queue,
        review,
        search,
    })
}

/// The same page on many connections at once.
fn crowd(
    address: SocketAddr,
    cookie: &str,
    path: &str,
    requests: usize,
    clock: &SharedClock,
) -> Result<Load, BenchError> {
    let begun = clock.monotonic();
    let readers: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let mut reader = Client::new(address, cookie.to_owned(), clock)?;
            let path = path.to_owned();
            std::thread::Builder::new()
                .name("reader".to_owned())
                .spawn(move || (0..requests).map(|_| reader.get(&path)).collect())
                .map_err(system("start a thread"))
        })
        .collect::<Result<_, _>>()?;
    let (mut times, mut bytes) = (Vec::new(), 0);
    for reader in readers {
        let lost = || BenchError::Daemon("lost a reader".to_owned());
        let read: Result<Vec<(Duration, usize)>, BenchError> = reader.join().map_err(|_| lost())?;
        for (time, length) in read? {
            times.push(time);
            bytes = bytes.max(length);
        }
    }
    let took = clock.monotonic().saturating_sub(begun).as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a count of pages")]
    let pages = times.len() as f64;
    Ok(Load {
        bytes,
        rate: ratio(pages, took),
        p95: percentile(&times, 95),
        spread: Spread::of(times),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn the_floor_answers_many_connections_with_as_many_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let address = floor::start(&folder.path().join("floor.db"), 200, 40_000).unwrap();
        let load = crowd(address, "", "/", 3, &SystemClock::shared()).unwrap();
        assert_eq!(load.bytes, 40_000);
    }
}
