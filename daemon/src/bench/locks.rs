//! W7: durable locks over HTTP, of one client and of many at once, beside one durable commit of SQLite and, where they
//! are installed, beside etcd and Redis.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Barrier,
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rusqlite::{Connection, params};
use serde::Serialize;

use super::{
    BenchError, Ratio, Spread, agent,
    daemon::Daemon,
    figures::{ratio, rounded},
    system,
    wire::Wire,
};
use crate::clock::SharedClock;

/// What is set against what.
const COMPARES: &str = "floor: one row inserted into SQLite and committed (WAL, synchronous=FULL), which one lock needs at the least; \
     ours: a lock taken over HTTP and recorded in the ledger, then released in the same way; \
     each client on its own path and over a connection that is kept; \
     etcd (a transaction that puts a key if it is not there, and its deletion, as JSON over HTTP) and Redis (SET NX, DEL, appendfsync always) where they are installed";
/// Clients at the same time.
const CLIENTS: usize = 64;
/// Times the floor's median that taking a lock may have, of one client.
const SINGLE_GOAL: f64 = 2.0;
/// Times the pairs of etcd that ours must have, of all clients.
const CROWD_GOAL: f64 = 5.0;
/// Samples of one kind in a row.
const ROW: usize = 10;
/// Pairs that are thrown away first.
const WARM_UP: usize = 20;
/// How long another server may take to start.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at whether it has.
const LOOK: Duration = Duration::from_millis(50);

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
    /// Times the pairs of etcd that are aimed at.
    pub crowd_goal: f64,
    /// Whether both goals were reached; `None` when there was no etcd to compare with.
    pub met: Option<bool>,
    /// Most memory of the daemon, in bytes.
    pub peak_memory: Option<u64>,
}

/// Another system.
#[derive(Clone, Debug, Serialize)]
pub struct Peer {
    /// Its program.
    pub name: &'static str,
    /// To take a lock, of one client, in milliseconds.
    pub single: Spread,
    /// Pairs per second of all clients.
    pub rate: f64,
    /// Ours to it.
    pub ratio: f64,
}

/// One client of one system.
trait Client: Send {
    /// Takes the lock on the path of this client.
    fn take(&mut self) -> io::Result<()>;
    /// Lets go of it.
    fn free(&mut self) -> io::Result<()>;
}

struct Ours {
    wire: Wire,
    path: String,
    id: String,
}

impl Client for Ours {
    fn take(&mut self) -> io::Result<()> {
        let path = &self.path;
        let body = format!(r#"{{"workspace":"workspace","path":"{path}","agent":"bench"}}"#);
        let (status, bytes) = self.wire.http("POST", "/api/v1/locks", &body)?;
        let row: serde_json::Value = serde_json::from_slice(&bytes)?;
        match (status, row["id"].as_str()) {
            (201, Some(id)) => id.clone_into(&mut self.id),
            _ => return Err(io::Error::other(format!("{status} {row}"))),
        }
        Ok(())
    }

    fn free(&mut self) -> io::Result<()> {
        let path = format!("/api/v1/locks/{}", self.id);
        match self.wire.http("DELETE", &path, "")? {
            (204, _) => Ok(()),
            (status, _) => Err(io::Error::other(status.to_string())),
        }
    }
}

struct Etcd {
    wire: Wire,
    key: String,
}

impl Client for Etcd {
    fn take(&mut self) -> io::Result<()> {
        let key = &self.key;
        let body = format!(
            r#"{{"compare":[{{"key":"{key}","target":"VERSION","version":"0","result":"EQUAL"}}],"success":[{{"requestPut":{{"key":"{key}","value":"{key}"}}}}]}}"#
        );
        let (status, bytes) = self.wire.http("POST", "/v3/kv/txn", &body)?;
        let answer: serde_json::Value = serde_json::from_slice(&bytes)?;
        match (status, answer["succeeded"].as_bool()) {
            (200, Some(true)) => Ok(()),
            _ => Err(io::Error::other(format!("{status} {answer}"))),
        }
    }

    fn free(&mut self) -> io::Result<()> {
        let body = format!(r#"{{"key":"{}"}}"#, self.key);
        match self.wire.http("POST", "/v3/kv/deleterange", &body)? {
            (200, _) => Ok(()),
            (status, _) => Err(io::Error::other(status.to_string())),
        }
    }
}

struct Redis {
    wire: Wire,
    key: String,
}

impl Client for Redis {
    fn take(&mut self) -> io::Result<()> {
        match self
            .wire
            .redis(&["SET", &self.key, "1", "NX", "PX", "600000"])?
            .as_str()
        {
            "+OK" => Ok(()),
            other => Err(io::Error::other(other.to_owned())),
        }
    }

    fn free(&mut self) -> io::Result<()> {
        match self.wire.redis(&["DEL", &self.key])?.as_str() {
            ":1" => Ok(()),
            other => Err(io::Error::other(other.to_owned())),
        }
    }
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
    let mut peers = Vec::new();
    peers.extend(etcd(place, count, each, rate, clock)?);
    peers.extend(redis(place, count, each, rate, clock)?);
    let ratios = Ratio::of(&ours, &floor);
    let etcd = peers.iter().find(|peer| peer.name == "etcd");
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
        met: etcd.map(|etcd| ratios.p50 <= SINGLE_GOAL && etcd.ratio >= CROWD_GOAL),
        floor,
        ours,
        peers,
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
        client.take().map_err(system("take a lock"))?;
        times.push(clock.monotonic().saturating_sub(begun));
        client.free().map_err(system("free a lock"))?;
    }
    Ok(times)
}

/// Pairs per second of all clients, each of which does `each`.
fn crowd<C: Client>(
    connect: impl Fn(usize) -> io::Result<C>,
    each: usize,
    clock: &SharedClock,
) -> Result<f64, BenchError> {
    let clients: Vec<C> = (1..=CLIENTS)
        .map(connect)
        .collect::<io::Result<_>>()
        .map_err(system("connect on loopback"))?;
    let start = Barrier::new(CLIENTS + 1);
    let spent = std::thread::scope(|scope| {
        let threads: Vec<_> = clients
            .into_iter()
            .map(|mut client| {
                let (start, clock) = (&start, clock);
                scope.spawn(move || {
                    start.wait();
                    pairs(&mut client, each, clock)
                })
            })
            .collect();
        start.wait();
        let begun = clock.monotonic();
        let mut outcome = Ok(());
        for thread in threads {
            let done = thread.join().unwrap_or(Err(BenchError::Floor(0)));
            outcome = outcome.and(done.map(drop));
        }
        outcome.map(|()| clock.monotonic().saturating_sub(begun))
    })?;
    #[expect(clippy::cast_precision_loss, reason = "a few thousand pairs")]
    let pairs = (CLIENTS * each) as f64;
    Ok(rounded(pairs / spent.as_secs_f64().max(1e-9)))
}

/// A server that is ended with its owner.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// Starts `command`, if there is such a program, and waits until `is_up`.
fn start(
    command: &mut Command,
    clock: &SharedClock,
    is_up: impl Fn() -> io::Result<bool>,
) -> Result<Option<Server>, BenchError> {
    let spawned = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let server = match spawned {
        Ok(child) => Server(child),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(system("start another server")(error)),
    };
    let until = clock.monotonic() + PATIENCE;
    while clock.monotonic() < until {
        if matches!(is_up(), Ok(true)) {
            return Ok(Some(server));
        }
        agent::pause(LOOK);
    }
    let slow = io::Error::other("it did not answer in time");
    Err(system("start another server")(slow))
}

fn peer<C: Client>(
    name: &'static str,
    connect: impl Fn(usize) -> io::Result<C>,
    (count, each): (usize, usize),
    ours: f64,
    clock: &SharedClock,
) -> Result<Peer, BenchError> {
    let mut one = connect(0).map_err(system("connect on loopback"))?;
    let mut single = pairs(&mut one, count + WARM_UP, clock)?;
    let rate = crowd(connect, each, clock)?;
    Ok(Peer {
        name,
        single: Spread::of(single.split_off(WARM_UP)),
        rate,
        ratio: ratio(ours, rate),
    })
}

fn etcd(
    place: &Path,
    count: usize,
    each: usize,
    ours: f64,
    clock: &SharedClock,
) -> Result<Option<Peer>, BenchError> {
    let address = free_address().map_err(system("listen on loopback"))?;
    let peers = free_address().map_err(system("listen on loopback"))?;
    let (url, peer_url) = (format!("http://{address}"), format!("http://{peers}"));
    let mut command = Command::new("etcd");
    command
        .arg("--data-dir")
        .arg(place.join("etcd"))
        .args([
            "--listen-client-urls",
            &url,
            "--advertise-client-urls",
            &url,
        ])
        .args([
            "--listen-peer-urls",
            &peer_url,
            "--initial-advertise-peer-urls",
            &peer_url,
        ])
        .args(["--initial-cluster", &format!("default={peer_url}")])
        .args(["--log-level", "error"]);
    let is_up = || Ok(Wire::to(address, None)?.http("GET", "/health", "")?.0 == 200);
    let Some(server) = start(&mut command, clock, is_up)? else {
        return Ok(None);
    };
    let connect = |number: usize| -> io::Result<Etcd> {
        Ok(Etcd {
            wire: Wire::to(address, None)?,
            key: BASE64_STANDARD.encode(format!("part-{number}")),
        })
    };
    let seen = peer("etcd", connect, (count, each), ours, clock);
    drop(server);
    seen.map(Some)
}

fn redis(
    place: &Path,
    count: usize,
    each: usize,
    ours: f64,
    clock: &SharedClock,
) -> Result<Option<Peer>, BenchError> {
    let address = free_address().map_err(system("listen on loopback"))?;
    let folder = place.join("redis");
    crate::fs::Dir::create(&folder, 0o700)?;
    let mut command = Command::new("redis-server");
    command
        .args(["--port", &address.port().to_string(), "--bind", "127.0.0.1"])
        .args([
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
            "--save",
            "",
            "--dir",
        ])
        .arg(&folder);
    let is_up = || Ok(Wire::to(address, None)?.redis(&["PING"])? == "+PONG");
    let Some(server) = start(&mut command, clock, is_up)? else {
        return Ok(None);
    };
    let connect = |number: usize| -> io::Result<Redis> {
        Ok(Redis {
            wire: Wire::to(address, None)?,
            key: format!("part-{number}"),
        })
    };
    let seen = peer("redis", connect, (count, each), ours, clock);
    drop(server);
    seen.map(Some)
}
