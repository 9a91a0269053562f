//! Other systems that keep locks, where they are installed: etcd and Redis, each a server of its own on loopback.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::json;

use super::{Client, Peer, Spread, Step, WARM_UP, agent, crowd, pairs, ratio, refused, system};
use crate::{
    bench::{BenchError, wire::Wire},
    clock::SharedClock,
};

/// How long another server may take to start.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at whether it has.
const LOOK: Duration = Duration::from_millis(50);

/// What is asked of a peer: pairs of one client, pairs of each of the crowd, and what ours did with as many.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub(super) count: usize,
    pub(super) each: usize,
    pub(super) ours: f64,
}

/// The answer of etcd's gateway, which must be well.
fn told(wire: &mut Wire) -> io::Result<serde_json::Value> {
    match wire.answer()? {
        (200, bytes) => Ok(serde_json::from_slice(&bytes)?),
        (status, bytes) => Err(refused(status, &bytes)),
    }
}

fn ask(wire: &mut Wire, path: &str, body: &serde_json::Value) -> io::Result<()> {
    wire.ask("POST", path, &body.to_string())
}

fn text(answer: &serde_json::Value, name: &str) -> io::Result<String> {
    let found = answer[name].as_str().map(str::to_owned);
    found.ok_or_else(|| io::Error::other(format!("no {name} in {answer}")))
}

/// The lock service of etcd (`v3lock`): waiting in order, held by the lease of this client, which is granted once.
struct EtcdLock {
    wire: Wire,
    name: String,
    lease: String,
    key: String,
}

impl EtcdLock {
    fn new(address: SocketAddr, number: usize) -> io::Result<Self> {
        let mut wire = Wire::to(address, None)?;
        ask(&mut wire, "/v3/lease/grant", &json!({ "TTL": "600" }))?;
        let granted = told(&mut wire)?;
        Ok(Self {
            wire,
            name: BASE64_STANDARD.encode(format!("part-{number}")),
            lease: text(&granted, "ID")?,
            key: String::new(),
        })
    }
}

impl Client for EtcdLock {
    fn wire(&self) -> &Wire {
        &self.wire
    }

    fn ask(&mut self, step: Step) -> io::Result<()> {
        let (path, body) = match step {
            Step::Take => (
                "/v3/lock/lock",
                json!({ "name": self.name, "lease": self.lease }),
            ),
            Step::Free => ("/v3/lock/unlock", json!({ "key": self.key })),
        };
        ask(&mut self.wire, path, &body)
    }

    fn hear(&mut self, step: Step) -> io::Result<()> {
        let answer = told(&mut self.wire)?;
        if step == Step::Take {
            self.key = text(&answer, "key")?;
        }
        Ok(())
    }
}

/// The least that etcd can be asked for: a key that is put if it is not there, and taken away. Nobody waits in order, and
/// what a client that has died held stays held.
struct EtcdKey {
    wire: Wire,
    key: String,
}

impl Client for EtcdKey {
    fn wire(&self) -> &Wire {
        &self.wire
    }

    fn ask(&mut self, step: Step) -> io::Result<()> {
        let key = &self.key;
        let (path, body) = match step {
            Step::Take => (
                "/v3/kv/txn",
                json!({
                    "compare": [{ "key": key, "target": "VERSION", "version": "0", "result": "EQUAL" }],
                    "success": [{ "requestPut": { "key": key, "value": key } }],
                }),
            ),
            Step::Free => ("/v3/kv/deleterange", json!({ "key": key })),
        };
        ask(&mut self.wire, path, &body)
    }

    fn hear(&mut self, step: Step) -> io::Result<()> {
        let answer = told(&mut self.wire)?;
        if step == Step::Free || answer["succeeded"] == true {
            Ok(())
        } else {
            Err(io::Error::other(answer.to_string()))
        }
    }
}

struct Redis {
    wire: Wire,
    key: String,
}

impl Client for Redis {
    fn wire(&self) -> &Wire {
        &self.wire
    }

    fn ask(&mut self, step: Step) -> io::Result<()> {
        match step {
            Step::Take => self
                .wire
                .command(&["SET", &self.key, "1", "NX", "PX", "600000"]),
            Step::Free => self.wire.command(&["DEL", &self.key]),
        }
    }

    fn hear(&mut self, step: Step) -> io::Result<()> {
        match (step, self.wire.line()?.as_str()) {
            (Step::Take, "+OK") | (Step::Free, ":1") => Ok(()),
            (_, other) => Err(io::Error::other(other.to_owned())),
        }
    }
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
    Asked { count, each, ours }: Asked,
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

/// etcd, as a lock and as a key; nothing where it is not installed.
pub(super) fn etcd(
    place: &Path,
    asked: Asked,
    clock: &SharedClock,
) -> Result<Option<(Peer, Peer)>, BenchError> {
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
    let key = |number: usize| -> io::Result<EtcdKey> {
        Ok(EtcdKey {
            wire: Wire::to(address, None)?,
            key: BASE64_STANDARD.encode(format!("key-{number}")),
        })
    };
    let lock = |number| EtcdLock::new(address, number);
    let seen = peer("etcd, its lock", lock, asked, clock)
        .and_then(|lock| Ok((lock, peer("etcd, a key", key, asked, clock)?)));
    drop(server);
    seen.map(Some)
}

/// Redis, synced at each command; nothing where it is not installed.
pub(super) fn redis(
    place: &Path,
    asked: Asked,
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
    let is_up = || {
        let mut wire = Wire::to(address, None)?;
        wire.command(&["PING"])?;
        Ok(wire.line()? == "+PONG")
    };
    let Some(server) = start(&mut command, clock, is_up)? else {
        return Ok(None);
    };
    let connect = |number: usize| -> io::Result<Redis> {
        Ok(Redis {
            wire: Wire::to(address, None)?,
            key: format!("part-{number}"),
        })
    };
    let seen = peer("redis", connect, asked, clock);
    drop(server);
    seen.map(Some)
}
