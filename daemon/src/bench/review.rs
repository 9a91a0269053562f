//! W8, the review page at scale: how long until the first byte of the page of a handoff with very many
//! files, alone and with many readers who page through it, and what that costs in memory.

use std::{net::SocketAddr, path::Path, time::Duration};

use serde::Serialize;

use super::{
    BenchError, Ratio, Spread, agent,
    browser::{Client, bare},
    daemon::{self, Daemon},
    figures::percentile,
    system,
};
use crate::clock::SharedClock;

/// What is set against what.
const COMPARES: &str = "floor: as many bytes as the page has, from memory, by a bare server on loopback; \
     ours: the review page, signed in, with the files of one page read and compared; \
     both over connections that are kept, from the request to the first byte of the answer";
/// Readers at the same time.
const READERS: usize = 50;
/// Files on a page, as the address of the next page counts them.
const PAGE: usize = 50;
/// The 95th percentile in milliseconds that is aimed at, for one reader.
const GOAL: f64 = 100.0;
/// Requests that are thrown away first.
const WARM_UP: usize = 5;
/// Files in a folder.
const FOLDER: usize = 250;
/// After this time a handoff counts as lost.
const PATIENCE: Duration = Duration::from_mins(5);

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Review {
    /// What is set against what.
    pub compares: &'static str,
    /// Files of the handoff.
    pub files: usize,
    /// Bytes of the page.
    pub page: usize,
    /// The floor, in milliseconds.
    pub floor: Spread,
    /// One reader, in milliseconds.
    pub ours: Spread,
    /// One reader to the floor.
    pub ratio: Ratio,
    /// The 95th percentile of one reader, in milliseconds.
    pub p95: f64,
    /// The one that is aimed at.
    pub goal: f64,
    /// Whether it was reached.
    pub met: bool,
    /// Readers at the same time.
    pub readers: usize,
    /// Each of them, in milliseconds.
    pub crowd: Spread,
    /// Most memory of the daemon before the readers came, in bytes.
    pub memory_before: Option<u64>,
    /// Most memory of the daemon after them, in bytes.
    pub memory_after: Option<u64>,
}

/// Measures `requests` of one reader and as many of each of the crowd's, for a handoff of `files` files,
/// in the folder `place`.
pub(super) fn measure(
    program: &Path,
    place: &Path,
    files: usize,
    requests: usize,
    clock: &SharedClock,
) -> Result<Review, BenchError> {
    let workspace = place.join("workspace");
    // A package hands over all that is in it; a document names a thousand files at most.
    let staged = workspace.join(".staging/big");
    agent::many_files(&staged, files, FOLDER)?;
    agent::write(&staged.join("handoff.json"), &agent::handoff(0))?;
    let inbox = workspace.join("inbox/bench");
    crate::fs::Dir::create(&inbox, 0o755)?;
    let daemon = Daemon::start(program, &workspace, place.join("data"), clock)?;
    let news = daemon.news()?;
    let newest = daemon::first(&news)?;
    agent::rename(&staged, &inbox.join("big"))?;
    if daemon::until(&news, newest + 1, PATIENCE).is_none() {
        return Err(BenchError::Daemon("did not take the handoff".to_owned()));
    }
    let address = daemon.address()?;
    let cookie = daemon.sign_in()?;
    let mut reader = Client::new(address, cookie.clone(), clock)?;
    let mut page = 0;
    let mut times = Vec::new();
    for number in 0..requests + WARM_UP {
        let (time, bytes) = reader.get(&path(files, number))?;
        times.push(time);
        page = page.max(bytes);
    }
    let ours = times.split_off(WARM_UP);
    let memory_before = daemon.peak_memory();
    let bare = bare(page)?;
    let mut reader = Client::new(bare, String::new(), clock)?;
    let mut times = Vec::new();
    for _ in 0..requests + WARM_UP {
        times.push(reader.get("/")?.0);
    }
    let floor = Spread::of(times.split_off(WARM_UP));
    let crowd = crowd(address, &cookie, files, requests.div_ceil(5), clock)?;
    let memory_after = daemon.peak_memory();
    daemon.end()?;
    let p95 = percentile(&ours, 95);
    let ours = Spread::of(ours);
    Ok(Review {
        compares: COMPARES,
        files,
        page,
        ratio: Ratio::of(&ours, &floor),
        floor,
        ours,
        p95,
        goal: GOAL,
        met: p95 <= GOAL,
        readers: READERS,
        crowd,
        memory_before,
        memory_after,
    })
}

/// The pages of the handoff, one after the other.
fn path(files: usize, number: usize) -> String {
    let from = number * PAGE % files.max(1);
    format!("/h/H-1?revision=1&files={from}")
}

/// Many readers at once, each on a connection of its own and from another page on.
fn crowd(
    address: SocketAddr,
    cookie: &str,
    files: usize,
    requests: usize,
    clock: &SharedClock,
) -> Result<Spread, BenchError> {
    let readers: Vec<_> = (0..READERS)
        .map(|number| {
            let mut reader = Client::new(address, cookie.to_owned(), clock)?;
            std::thread::Builder::new()
                .name("reader".to_owned())
                .spawn(move || {
                    let paths = (0..requests).map(|step| path(files, number * 7 + step));
                    paths.map(|path| Ok(reader.get(&path)?.0)).collect()
                })
                .map_err(system("start a thread"))
        })
        .collect::<Result<_, _>>()?;
    let mut times = Vec::new();
    for reader in readers {
        let lost = || BenchError::Daemon("lost a reader".to_owned());
        let read: Result<Vec<Duration>, BenchError> = reader.join().map_err(|_| lost())?;
        times.extend(read?);
    }
    Ok(Spread::of(times))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn the_floor_answers_one_request_after_the_other() {
        let address = bare(1_000).unwrap();
        let mut client = Client::new(address, String::new(), &SystemClock::shared()).unwrap();
        for _ in 0..3 {
            assert_eq!(client.get("/").unwrap().1, 1_000);
        }
        assert_eq!(path(100, 3), "/h/H-1?revision=1&files=50");
    }
}
