//! W7: durable locks over HTTP, of one client and of many at once, beside one durable commit of SQLite and, where they
//! are installed, beside etcd and Redis.

use std::{io, path::Path, time::Duration};

use rusqlite::{Connection, params};
use rustix::{buffer::spare_capacity, event::epoll, io::retry_on_intr};
use serde::{Deserialize, Serialize};

use super::{
    BenchError, Ratio, Spread, agent,
    daemon::Daemon,
    figures::{ratio, rounded},
    system,
    wire::Wire,
};
use crate::clock::SharedClock;

mod peers;

/// What is set against what.
const COMPARES: &str = "floor: one row inserted into SQLite and committed (WAL, synchronous=FULL), which one lock needs at the least; \
     ours: a lock taken over HTTP and recorded in the ledger, then released in the same way; \
     each client on its own path and over a connection that is kept; \
     where they are installed, etcd over HTTP (its lock, under a lease that each client has; and less than a lock, a key that is put if it is not there, \
     and its deletion) and Redis (SET NX, DEL, appendfsync always)";
/// Clients at the same time.
const CLIENTS: usize = 64;
/// Times the floor's median that taking a lock may have, of one client.
const SINGLE_GOAL: f64 = 2.0;
/// Times the pairs of etcd's lock that ours must have, of all clients.
const CROWD_GOAL: f64 = 5.0;
/// Samples of one kind in a row.
const ROW: usize = 10;
/// Pairs that are thrown away first.
const WARM_UP: usize = 20;

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Locks {
    /// What is set against what.
    pub compares: &'static str,
    /// Pairs of one client.
    pub samples: usize,
    /// One commit, in milliseconds.
    pub floor: Spread,
    /// To take a lock, of one client, in milliseconds.
    pub ours: Spread,
    /// Ours to the floor.
    pub ratio: Ratio,
    /// The ratio at the median that is aimed at.
    pub single_goal: f64,
    /// Clients at the same time.
    pub clients: usize,
    /// Pairs of all of them, in each system.
    pub pairs: usize,
    /// What two commits of SQLite after each other would give, in pairs per second.
    pub floor_rate: f64,
    /// Ours, in pairs per second.
    pub rate: f64,
    /// Other systems that are installed.
    pub peers: Vec<Peer>,
    /// Times the pairs of etcd's lock that are aimed at.
    pub crowd_goal: f64,
    /// Whether both goals were reached; `None` when there was no etcd to compare with.
    pub met: Option<bool>,
    /// Most memory of the daemon, in bytes.
    pub peak_memory: Option<u64>,
}

/// Another system.
#[derive(Clone, Debug, Serialize)]
pub struct Peer {
    /// Its program, and what was asked of it.
    pub name: &'static str,
    /// To take a lock, of one client, in milliseconds.
    pub single: Spread,
    /// Pairs per second of all clients.
    pub rate: f64,
    /// Ours to it.
    pub ratio: f64,
}

/// What a client does with the lock on its path, one after the other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Take,
    Free,
}

/// One client of one system.
trait Client {
    /// Its connection.
    fn wire(&self) -> &Wire;
    /// Sends what the step takes.
    fn ask(&mut self, step: Step) -> io::Result<()>;
    /// Reads the answer, which must be well.
    fn hear(&mut self, step: Step) -> io::Result<()>;
    /// The whole step.
    fn go(&mut self, step: Step) -> io::Result<()> {
        self.ask(step)?;
        self.hear(step)
    }
}

struct Ours {
    wire: Wire,
    path: String,
    id: String,
}

/// What is read of the answer of ours.
#[derive(Deserialize)]
struct Taken {
    id: String,
}

impl Client for Ours {
    fn wire(&self) -> &Wire {
        &self.wire
    }

    fn ask(&mut self, step: Step) -> io::Result<()> {
        let path = &self.path;
        match step {
            Step::Take => {
                let body =
                    format!(r#"{{"workspace":"workspace","path":"{path}","agent":"bench"}}"#);
                self.wire.ask("POST", "/api/v1/locks", &body)
            }
            Step::Free => {
                let path = format!("/api/v1/locks/{}", self.id);
                self.wire.ask("DELETE", &path, "")
            }
        }
    }

    fn hear(&mut self, step: Step) -> io::Result<()> {
        match (step, self.wire.answer()?) {
            (Step::Take, (201, bytes)) => {
                self.id = serde_json::from_slice::<Taken>(&bytes)?.id;
                Ok(())
            }
            (Step::Free, (204, _)) => Ok(()),
            (_, (status, bytes)) => Err(refused(status, &bytes)),
        }
    }
}

fn refused(status: u16, answer: &[u8]) -> io::Error {
    io::Error::other(format!("{status} {}", String::from_utf8_lossy(answer)))
}

/// Measures `count` pairs of one client and about as many of each of the crowd's, in the folder `place`.
pub(super) fn measure(
    program: &Path,
    place: &Path,
    count: usize,
    clock: &SharedClock,
) -> Result<Locks, BenchError> {
    let workspace = place.join("workspace");
    agent::folders(&workspace, 1)?;
    let daemon = Daemon::start(program, &workspace, place.join("data"), clock)?;
    let (address, token) = (daemon.address()?, daemon.token().to_owned());
    let connect = |number: usize| -> io::Result<Ours> {
        Ok(Ours {
            wire: Wire::to(address, Some(&token))?,
            path: format!("part-{number}/"),
            id: String::new(),
        })
    };
    let database = open(&place.join("floor.db"))?;
    let mut one = connect(0).map_err(system("connect on loopback"))?;
    let (mut commits, mut taken) = (Vec::new(), Vec::new());
    for _ in (0..count + WARM_UP).step_by(ROW) {
        for _ in 0..ROW {
            let begun = clock.monotonic();
            commit(&database)?;
            commits.push(clock.monotonic().saturating_sub(begun));
        }
        taken.extend(pairs(&mut one, ROW, clock)?);
    }
    drop(one);
    let each = count.div_ceil(4).max(1);
    let rate = crowd(connect, each, clock)?;
    let peak_memory = daemon.peak_memory();
    daemon.end()?;
    let floor = Spread::of(commits.split_off(WARM_UP.min(commits.len())));
    let ours = Spread::of(taken.split_off(WARM_UP.min(taken.len())));
    let asked = peers::Asked {
        count,
        each,
        ours: rate,
    };
    let (etcd, key) = peers::etcd(place, asked, clock)?.unzip();
    let times_etcd = etcd.as_ref().map(|etcd| etcd.ratio);
    let redis = peers::redis(place, asked, clock)?;
    let ratios = Ratio::of(&ours, &floor);
    Ok(Locks {
        compares: COMPARES,
        samples: count,
        ratio: ratios,
        single_goal: SINGLE_GOAL,
        clients: CLIENTS,
        pairs: each * CLIENTS,
        floor_rate: if floor.p50 > 0.0 {
            rounded(500.0 / floor.p50)
        } else {
            0.0
        },
        rate,
        crowd_goal: CROWD_GOAL,
        met: times_etcd.map(|times| ratios.p50 <= SINGLE_GOAL && times >= CROWD_GOAL),
        floor,
        ours,
        peers: etcd.into_iter().chain(key).chain(redis).collect(),
        peak_memory,
    })
}

fn open(path: &Path) -> Result<Connection, BenchError> {
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         CREATE TABLE lock (seq INTEGER PRIMARY KEY, path TEXT NOT NULL) STRICT;",
    )?;
    Ok(connection)
}

fn commit(database: &Connection) -> Result<(), BenchError> {
    let mut insert = database.prepare_cached("INSERT INTO lock (path) VALUES (?1)")?;
    insert.execute(params!["part-0/"])?;
    Ok(())
}

/// Takes and frees `count` times; gives how long each taking took.
fn pairs(
    client: &mut impl Client,
    count: usize,
    clock: &SharedClock,
) -> Result<Vec<Duration>, BenchError> {
    let mut times = Vec::new();
    for _ in 0..count {
        let begun = clock.monotonic();
        client.go(Step::Take).map_err(system("take a lock"))?;
        times.push(clock.monotonic().saturating_sub(begun));
        client.go(Step::Free).map_err(system("free a lock"))?;
    }
    Ok(times)
}

/// Pairs per second of all clients, each of which does `each`. One thread is all of them, so that what asks takes
/// as little as it can of the cores that what answers runs on.
fn crowd<C: Client>(
    connect: impl Fn(usize) -> io::Result<C>,
    each: usize,
    clock: &SharedClock,
) -> Result<f64, BenchError> {
    let mut clients: Vec<C> = (1..=CLIENTS)
        .map(connect)
        .collect::<io::Result<_>>()
        .map_err(system("connect on loopback"))?;
    let begun = clock.monotonic();
    drive(&mut clients, each).map_err(system("take and free locks"))?;
    let spent = clock.monotonic().saturating_sub(begun);
    #[expect(clippy::cast_precision_loss, reason = "a few thousand pairs")]
    let pairs = (CLIENTS * each) as f64;
    Ok(rounded(pairs / spent.as_secs_f64().max(1e-9)))
}

/// Lets each client do `each` pairs: it asks again as soon as it has heard.
fn drive<C: Client>(clients: &mut [C], each: usize) -> io::Result<()> {
    // What each of them waits for, and how often it will still let go.
    let mut left: Vec<(Step, usize)> = clients.iter().map(|_| (Step::Take, each)).collect();
    let heard = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    for (number, client) in (0..).zip(&mut *clients) {
        let which = epoll::EventData::new_u64(number);
        epoll::add(&heard, client.wire(), which, epoll::EventFlags::IN)?;
        client.ask(Step::Take)?;
    }
    let mut events = Vec::with_capacity(clients.len());
    while left.iter().any(|(_, pairs)| *pairs > 0) {
        events.clear();
        retry_on_intr(|| epoll::wait(&heard, spare_capacity(&mut events), None))?;
        for event in &events {
            let number = usize::try_from(event.data.u64()).unwrap_or_default();
            let (client, (step, pairs)) = (&mut clients[number], &mut left[number]);
            client.hear(*step)?;
            *step = match *step {
                Step::Take => Step::Free,
                Step::Free => {
                    *pairs -= 1;
                    Step::Take
                }
            };
            if *pairs > 0 {
                client.ask(*step)?;
            }
        }
    }
    Ok(())
}
