//! A running `countersign serve`.

use std::{
    fs::File,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use serde::Deserialize;

use crate::{http::Http, program, wait};

/// `daemon.json`: how programs of this machine find the daemon.
#[derive(Clone, Debug, Deserialize)]
pub struct Endpoint {
    /// Where it listens.
    pub url: String,
    /// Its process.
    pub pid: u32,
    /// The operator's bearer token.
    pub token: String,
}

/// What a daemon is started with.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// Folders to serve.
    pub roots: Vec<PathBuf>,
    /// Its own folder.
    pub data_dir: PathBuf,
    /// Where its log goes.
    pub log: PathBuf,
    /// The port on the loopback address; 0 for a free one.
    pub port: u16,
    /// Its environment on top of ours; variables of the program in ours are taken away.
    pub env: Vec<(String, String)>,
    /// A program that starts it, for example `prlimit`, with arguments.
    pub wrapper: Vec<String>,
}

impl Launch {
    /// Any command of the program, in a clean environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let program = program::path();
        let mut command = match self.wrapper.split_first() {
            Some((wrapper, rest)) => {
                let mut command = Command::new(wrapper);
                command.args(rest).arg(program);
                command
            }
            None => Command::new(program),
        };
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("COUNTERSIGN_") {
                command.env_remove(name);
            }
        }
        command
            .args(args)
            .env("COUNTERSIGN_DATA_DIR", &self.data_dir)
            .env("COUNTERSIGN_REVIEWER", "Robin Reviewer")
            .env("NO_COLOR", "1")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Starts `serve` without waiting for anything.
    pub fn start(&self) -> Daemon {
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .expect("the log can be written");
        let mut command = self.command(&["serve"]);
        command
            .args(&self.roots)
            .args(["--listen", &format!("127.0.0.1:{}", self.port)])
            .arg("--data-dir")
            .arg(&self.data_dir)
            .stdout(log.try_clone().expect("a second descriptor"))
            .stderr(log);
        let child = command.spawn().expect("the program starts");
        Daemon {
            child,
            data_dir: self.data_dir.clone(),
            log: self.log.clone(),
        }
    }
}

/// A started daemon; killed when dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    data_dir: PathBuf,
    log: PathBuf,
}

impl Daemon {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its endpoint, once the file names this very process.
    pub fn endpoint(&self) -> Option<Endpoint> {
        endpoint(&self.data_dir).filter(|endpoint| endpoint.pid == self.pid())
    }

    /// Waits until it is ready. The error is the end of its log when it ended or hangs instead.
    pub fn comes_up(&mut self) -> Result<Endpoint, String> {
        let ready = wait::within(wait::LIMIT, || {
            if let Some(status) = self.ended() {
                return Some(Err(format!("it ended at its start ({status})")));
            }
            let endpoint = self.endpoint()?;
            let reply = Http::new(&endpoint.url, None).get("/readyz").ok()?;
            (reply.status == 200).then_some(Ok(endpoint))
        });
        ready
            .unwrap_or_else(|| Err("it does not become ready".to_owned()))
            .map_err(|why| format!("{why}:\n{}", self.log_tail()))
    }

    /// Waits until it is ready.
    pub fn ready(&mut self) -> Endpoint {
        self.comes_up()
            .unwrap_or_else(|why| panic!("the daemon: {why}"))
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is our child")
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        wait::until("the end of the daemon", || self.ended())
    }

    /// Whether it was stopped by kill -9.
    pub fn was_killed(&mut self) -> bool {
        self.wait().signal() == Some(9)
    }

    /// kill -9, and waits until it is gone.
    pub fn kill(&mut self) {
        // Fails only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Stops every thread of it where it stands, until it is killed.
    pub fn freeze(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::STOP);
        let tasks = format!("/proc/{}/task", self.pid());
        wait::until("every thread to stop", || {
            let threads = std::fs::read_dir(&tasks).into_iter().flatten().flatten();
            let stopped = threads.into_iter().all(|thread| {
                let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
                // Behind the name, which may hold anything: the state.
                stat.rsplit_once(") ")
                    .is_none_or(|(_, rest)| !rest.starts_with(['R', 'S', 'D']))
            });
            stopped.then_some(())
        });
    }

    /// Asks it to stop, as Ctrl-C or a service manager does, and waits.
    pub fn stop(&mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        self.wait()
    }

    /// Asks it to read its settings anew, as `systemctl reload` does.
    pub fn hang_up(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::HUP);
    }

    /// The end of what it said.
    pub fn log_tail(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What `daemon.json` says, when it is there.
pub fn endpoint(data_dir: &Path) -> Option<Endpoint> {
    serde_json::from_slice(&std::fs::read(data_dir.join("daemon.json")).ok()?).ok()
}
