//! The daemon that is measured: the program itself, in a process of its own.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    time::Duration,
};

use countersign_protocol::event::Event;

use super::{BenchError, agent, process, system};
use crate::{app::LEDGER_FILE, clock::SharedClock, endpoint::Endpoint, ledger, store::SqliteStore};

/// How long the daemon may take to start, and to end.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two looks at whether it is so far.
const LOOK: Duration = Duration::from_millis(10);

/// A running daemon. Dropping it ends it.
pub(super) struct Daemon {
    child: Child,
    data: PathBuf,
    endpoint: Endpoint,
    clock: SharedClock,
    http: ureq::Agent,
}

/// What the daemon reads at its start.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settings<'a> {
    /// The configuration of the operator.
    pub(super) daemon: &'a str,
    /// `workspace.toml`.
    pub(super) workspace: &'a str,
}

/// The number of the newest entry, and when it was known.
pub(super) type News = (u64, Duration);

impl Daemon {
    /// Starts `program` for the workspace in `workspace`, with its state in `data`, and waits until the
    /// first scan is done. Nothing of the user's configuration is read.
    pub(super) fn start(
        program: &Path,
        workspace: &Path,
        data: PathBuf,
        clock: &SharedClock,
    ) -> Result<Self, BenchError> {
        Self::configured(program, workspace, data, Settings::default(), clock)
    }

    /// The same with settings; the secret of its webhooks is in `HOOK_SECRET`.
    pub(super) fn configured(
        program: &Path,
        workspace: &Path,
        data: PathBuf,
        settings: Settings<'_>,
        clock: &SharedClock,
    ) -> Result<Self, BenchError> {
        let config = data.with_extension("toml");
        agent::write(&config, settings.daemon.as_bytes())?;
        let file = workspace.join(crate::config::WORKSPACE_FILE);
        agent::write(&file, settings.workspace.as_bytes())?;
        let child = Command::new(program)
            .args(["serve", "--json"])
            .arg(workspace)
            .arg("--data-dir")
            .arg(&data)
            .arg("--config")
            .arg(&config)
            .args(["--listen", "127.0.0.1:0"])
            .env_clear()
            .env("HOME", &data)
            .env("RUST_LOG", "error")
            .env("HOOK_SECRET", super::sink::SECRET)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(system("start the daemon"))?;
        let mut starting = Starting(Some(child));
        let until = clock.monotonic() + PATIENCE;
        let http = ureq::Agent::new_with_defaults();
        while clock.monotonic() < until {
            agent::pause(LOOK);
            if let Some(status) = starting.ended()? {
                return Err(BenchError::Daemon(format!("ended at its start: {status}")));
            }
            let Ok(Some(endpoint)) = Endpoint::read(&data) else {
                continue;
            };
            if http.get(format!("{}/readyz", endpoint.url)).call().is_ok()
                && let Some(child) = starting.0.take()
            {
                return Ok(Self {
                    child,
                    data,
                    endpoint,
                    clock: clock.clone(),
                    http,
                });
            }
        }
        Err(BenchError::Daemon("did not get ready".to_owned()))
    }

    /// Follows the stream of hints over one connection that stays open.
    pub(super) fn news(&self) -> Result<Receiver<News>, BenchError> {
        let address = self.endpoint.url.trim_start_matches("http://");
        let connect = system("follow the events of the daemon");
        let (stream, input) = ask(address, &self.endpoint.token).map_err(connect)?;
        let (sender, news) = channel();
        let clock = self.clock.clone();
        std::thread::Builder::new()
            .name("news".to_owned())
            .spawn(move || {
                follow(input, &clock, &sender);
                drop(stream);
            })
            .map_err(system("start a thread"))?;
        Ok(news)
    }

    /// Where it listens.
    pub(super) fn address(&self) -> Result<std::net::SocketAddr, BenchError> {
        let address = self.endpoint.url.trim_start_matches("http://").parse();
        address.map_err(|_| BenchError::Daemon("listens nowhere".to_owned()))
    }

    /// The token of the operator.
    pub(super) fn token(&self) -> &str {
        &self.endpoint.token
    }

    /// The JSON that it answers with.
    pub(super) fn fetch(&self, path: &str) -> Result<serde_json::Value, BenchError> {
        let failed = |error: ureq::Error| BenchError::Daemon(format!("does not answer: {error}"));
        let mut answer = self
            .http
            .get(format!("{}{path}", self.endpoint.url))
            .header("authorization", format!("Bearer {}", self.endpoint.token))
            .call()
            .map_err(failed)?;
        answer.body_mut().read_json().map_err(failed)
    }

    /// Signs a person in; gives the cookie.
    pub(super) fn sign_in(&self) -> Result<String, BenchError> {
        let failed = |error: ureq::Error| BenchError::Daemon(format!("lets nobody in: {error}"));
        let plain = ureq::Agent::config_builder().max_redirects(0).build();
        let http = ureq::Agent::new_with_config(plain);
        let mut made = http
            .post(format!("{}/api/v1/start-links", self.endpoint.url))
            .header("authorization", format!("Bearer {}", self.endpoint.token))
            .send_json(serde_json::json!({}))
            .map_err(failed)?;
        let link: serde_json::Value = made.body_mut().read_json().map_err(failed)?;
        let start = http.get(link["url"].as_str().unwrap_or_default());
        let started = start.call().map_err(failed)?;
        let cookie = started.headers().get("set-cookie");
        let cookie = cookie.and_then(|cookie| cookie.to_str().ok()?.split(';').next());
        let missing = || BenchError::Daemon("gave no cookie".to_owned());
        cookie.map(str::to_owned).ok_or_else(missing)
    }

    /// The most memory that its process has had, in bytes (`VmHWM`, `proc_pid_status(5)`).
    pub(super) fn peak_memory(&self) -> Option<u64> {
        process::memory(self.pid(), "VmHWM")
    }

    /// The number of its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it in order, checks the chain it left, and counts the handoffs that it has accepted.
    pub(super) fn end(self) -> Result<usize, BenchError> {
        self.recorded().map(|entries| entries.len())
    }

    /// The same, as the numbers of their entries.
    pub(super) fn recorded(mut self) -> Result<Vec<u64>, BenchError> {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::TERM)
            .map_err(system("end the daemon"))?;
        let until = self.clock.monotonic() + PATIENCE;
        while self
            .child
            .try_wait()
            .map_err(system("wait for the daemon"))?
            .is_none()
        {
            if self.clock.monotonic() > until {
                return Err(BenchError::Daemon("did not end when asked to".to_owned()));
            }
            agent::pause(LOOK);
        }
        let mut store = SqliteStore::open(&self.data.join(LEDGER_FILE))?;
        let mut accepted = Vec::new();
        ledger::verify(&mut store, |body, _| {
            if matches!(body.event, Event::Accepted(_)) {
                accepted.push(body.seq);
            }
        })?;
        Ok(accepted)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It has ended already, unless the run broke off.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A daemon that may not come up; ended with its owner.
struct Starting(Option<Child>);

impl Starting {
    fn ended(&mut self) -> Result<Option<std::process::ExitStatus>, BenchError> {
        match &mut self.0 {
            Some(child) => child.try_wait().map_err(system("wait for the daemon")),
            None => Ok(None),
        }
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Asks for the stream of events, with no more around it than the sender of the floor has.
fn ask(address: &str, token: &str) -> io::Result<(TcpStream, BufReader<TcpStream>)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET /api/v1/events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut input = BufReader::new(stream.try_clone()?);
    let mut status = String::new();
    input.read_line(&mut status)?;
    if status.starts_with("HTTP/1.1 200 ") {
        Ok((stream, input))
    } else {
        Err(io::Error::other(status.trim().to_owned()))
    }
}

/// Reads events until the stream ends; of each only the id counts.
fn follow(input: impl io::BufRead, clock: &SharedClock, news: &Sender<News>) {
    for line in input.lines() {
        let Ok(line) = line else { return };
        let seq = line
            .strip_prefix("id:")
            .and_then(|id| id.trim().parse().ok());
        if let Some(seq) = seq
            && news.send((seq, clock.monotonic())).is_err()
        {
            return;
        }
    }
}

/// The number of the newest entry at the start of the stream.
pub(super) fn first(news: &Receiver<News>) -> Result<u64, BenchError> {
    news.recv_timeout(PATIENCE)
        .map(|(seq, _)| seq)
        .map_err(|_| BenchError::Daemon("tells no news".to_owned()))
}

/// Waits until `news` says that entry `wanted` is there, and gives the moment at which that was
/// known; `None` when nothing at all was heard for `patience`.
pub(super) fn until(news: &Receiver<News>, wanted: u64, patience: Duration) -> Option<Duration> {
    loop {
        match news.recv_timeout(patience) {
            Ok((seq, at)) if seq >= wanted => return Some(at),
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
        }
    }
}

/// The newest entry that `news` told of, once nothing is heard for `quiet`; at least `newest`. One handoff
/// makes more entries than its acceptance, and those of the one before are not about the next.
pub(super) fn settled(news: &Receiver<News>, mut newest: u64, quiet: Duration) -> u64 {
    while let Ok((seq, _)) = news.recv_timeout(quiet) {
        newest = newest.max(seq);
    }
    newest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn late_news_of_one_handoff_are_not_taken_for_those_of_the_next() {
        let clock = SystemClock::shared();
        let (sender, news) = channel();
        for seq in [4, 5] {
            sender.send((seq, clock.monotonic())).unwrap();
        }
        assert_eq!(settled(&news, 3, Duration::ZERO), 5);
        assert_eq!(settled(&news, 5, Duration::ZERO), 5);
        sender.send((6, clock.monotonic())).unwrap();
        assert!(until(&news, 6, Duration::ZERO).is_some());
    }

    #[test]
    fn the_ids_of_the_stream_are_followed() {
        let stream = "id: 7\nevent: changed\ndata: {\"seq\":7}\n\n: ping\n\nid: 9\n\n";
        let (sender, news) = channel();
        follow(stream.as_bytes(), &SystemClock::shared(), &sender);
        drop(sender);
        assert!(until(&news, 8, Duration::ZERO).is_some());
        assert_eq!(until(&news, 10, Duration::ZERO), None);
    }
}
