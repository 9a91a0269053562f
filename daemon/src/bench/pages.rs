//! W8, the pages that people open all day: the queue of very many handoffs and the search, each on many
//! connections at once, beside a bare server that reads as many rows from SQLite and writes as many bytes.

use std::{
    fmt::Write as _,
    io::{self, BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, params};
use serde::Serialize;

use super::{
    BenchError, Spread, agent,
    browser::{Client, percent_encoded},
    daemon::{self, Daemon},
    figures::{percentile, ratio, rounded},
    system,
};
use crate::clock::SharedClock;

const COMPARES: &str = "floor: 50 rows of as many by an index of SQLite, written as HTML of as many bytes as the queue has, \
     by a bare server; ours: the queue and the search, signed in, with rights checked; all on 16 connections that are kept";
/// Connections at the same time.
const CONNECTIONS: usize = 16;
/// Rows of a page.
const ROWS: usize = 50;
/// The share of the rate of the floor that is aimed at for the queue.
const GOAL: f64 = 1.0 / 3.0;
/// The 95th percentiles that are aimed at, in milliseconds, for the queue and the search.
const GOALS: [f64; 2] = [10.0, 100.0];
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
    /// The search.
    pub search: Load,
    /// Rate of the queue to that of the floor.
    pub ratio: f64,
    /// The ratio that is aimed at.
    pub goal: f64,
    /// The 95th percentiles that are aimed at, for the queue and the search.
    pub goals: [f64; 2],
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
    let (address, cookie) = (daemon.address()?, daemon.sign_in()?);
    let load = |path: &str| crowd(address, &cookie, path, requests, clock);
    let search = format!("/search?q={}", percent_encoded("figures region 4711"));
    load("/queue")?;
    let queue = load("/queue")?;
    let search = load(&search)?;
    daemon.end()?;
    let bare = bare(&place.join("floor.db"), handoffs, queue.bytes)?;
    let floor = crowd(bare, "", "/", requests, clock)?;
    let ratio = ratio(queue.rate, floor.rate);
    Ok(Pages {
        compares: COMPARES,
        handoffs,
        connections: CONNECTIONS,
        met: ratio >= GOAL && queue.p95 <= GOALS[0] && search.p95 <= GOALS[1],
        ratio,
        goal: rounded(GOAL),
        goals: GOALS,
        floor,
        queue,
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

/// A server that reads 50 of `rows` rows and writes them into a page of `bytes` bytes, and knows nothing else.
fn bare(path: &Path, rows: usize, bytes: usize) -> Result<SocketAddr, BenchError> {
    fill(path, rows)?;
    let listening = system("listen on loopback");
    let listener = TcpListener::bind("127.0.0.1:0").map_err(listening)?;
    let address = listener
        .local_addr()
        .map_err(system("listen on loopback"))?;
    let path = path.to_owned();
    std::thread::Builder::new()
        .name("floor".to_owned())
        .spawn(move || {
            for stream in listener.incoming().take(CONNECTIONS).flatten() {
                let path = path.clone();
                // One that cannot be started is a reader that hears nothing, and says so.
                let _ = std::thread::Builder::new().spawn(move || serve(&stream, &path, bytes));
            }
        })
        .map_err(system("start a thread"))?;
    Ok(address)
}

fn fill(path: &Path, rows: usize) -> Result<(), BenchError> {
    let mut connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         CREATE TABLE card (id INTEGER PRIMARY KEY, due INTEGER NOT NULL, title TEXT NOT NULL, agent TEXT NOT NULL) STRICT;
         CREATE INDEX card_by_due ON card (due);",
    )?;
    let transaction = connection.transaction()?;
    for number in 0..rows {
        transaction.execute(
            "INSERT INTO card (due, title, agent) VALUES (?1, ?2, 'bench')",
            params![
                i64::try_from(number % 97).unwrap_or_default(),
                format!("Check the figures of region {number}")
            ],
        )?;
    }
    transaction.commit()?;
    Ok(())
}

fn serve(stream: &TcpStream, path: &PathBuf, bytes: usize) -> Result<(), BenchError> {
    let broken = || system("answer on loopback");
    stream.set_nodelay(true).map_err(broken())?;
    let mut input = BufReader::new(stream.try_clone().map_err(broken())?);
    let connection = Connection::open(path)?;
    let mut line = String::new();
    while input.read_line(&mut line).map_err(broken())? > 0 {
        if line == "\r\n" {
            let page = page(&connection, bytes)?;
            send(stream, &page).map_err(broken())?;
        }
        line.clear();
    }
    Ok(())
}

fn send(mut stream: &TcpStream, page: &str) -> io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", page.len());
    stream.write_all((head + page).as_bytes())
}

fn page(connection: &Connection, bytes: usize) -> Result<String, BenchError> {
    let mut page = String::with_capacity(bytes);
    let mut asked = connection
        .prepare_cached("SELECT id, due, title, agent FROM card ORDER BY due LIMIT 50")?;
    let mut rows = asked.query([])?;
    let filler = "x".repeat(bytes / ROWS);
    while let Some(row) = rows.next()? {
        let (id, due): (i64, i64) = (row.get(0)?, row.get(1)?);
        let (title, agent): (String, String) = (row.get(2)?, row.get(3)?);
        let start = page.len();
        // Writing to a text cannot fail.
        let _ = write!(
            page,
            "<tr><td>{id}</td><td>{due}</td><td>{title}</td><td>{agent}</td></tr>"
        );
        let left = (bytes / ROWS).saturating_sub(page.len() - start);
        page.push_str(&filler[..left]);
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn the_floor_answers_many_connections_with_as_many_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let address = bare(&folder.path().join("floor.db"), 200, 10_000).unwrap();
        let load = crowd(address, "", "/", 3, &SystemClock::shared()).unwrap();
        assert_eq!(load.bytes, 10_000);
    }
}
