//! A scene: a workspace, a daemon of our own on a port of its own, and everything gone afterwards.

#![expect(clippy::disallowed_methods, reason = "the scene is set on the disk")]

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    agent::Agent,
    http::Http,
    process::{Daemon, Endpoint, Launch},
    reviewer::Reviewer,
    wait,
};

/// The name of the workspace.
pub const WORKSPACE: &str = "work";

/// A scene with one workspace and one daemon.
#[derive(Debug)]
pub struct TestBed {
    /// Where everything is. Dropped last.
    pub home: PathBuf,
    /// What the daemon is started with.
    pub launch: Launch,
    daemon: Option<Daemon>,
    endpoint: Option<Endpoint>,
    temporary: Option<TempDir>,
}

impl TestBed {
    /// A scene whose daemon is ready.
    pub fn start() -> Self {
        let mut bed = Self::prepare();
        bed.up();
        bed
    }

    /// A scene without a daemon yet.
    pub fn prepare() -> Self {
        let temporary = tempfile::Builder::new()
            .prefix("countersign-bed-")
            .tempdir()
            .expect("there is a folder for temporary files");
        let mut bed = Self::at(temporary.path());
        bed.temporary = Some(temporary);
        bed
    }

    /// A scene in a folder that is somebody else's to remove.
    pub fn at(home: &Path) -> Self {
        let launch = Launch {
            roots: vec![home.join("root")],
            data_dir: home.join("data"),
            log: home.join("daemon.log"),
            ..Launch::default()
        };
        let bed = Self {
            home: home.to_owned(),
            launch,
            daemon: None,
            endpoint: None,
            temporary: None,
        };
        std::fs::create_dir_all(bed.workspace()).expect("the scene can be set");
        bed
    }

    /// Adds a variable to the daemon's environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.launch.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Lets the daemon be configured by a file.
    ///
    /// # Panics
    /// When the file cannot be written.
    #[must_use]
    pub fn configured(self, text: &str) -> Self {
        let file = self.home.join("countersign.toml");
        std::fs::write(&file, text).expect("the scene can be set");
        let file = file.display().to_string();
        self.env("COUNTERSIGN_CONFIG", &file)
            .env("HOOK_SECRET", crate::hook::SECRET)
    }

    /// The folder in which agents work.
    pub fn workspace(&self) -> PathBuf {
        self.launch.roots[0].join(WORKSPACE)
    }

    /// The daemon's own folder.
    pub fn data(&self) -> &Path {
        &self.launch.data_dir
    }

    /// Starts the daemon and waits until it is ready.
    pub fn up(&mut self) {
        self.start_daemon();
        self.comes_up()
            .unwrap_or_else(|why| panic!("the daemon: {why}"));
    }

    /// Starts the daemon without waiting.
    pub fn start_daemon(&mut self) -> &mut Daemon {
        self.down();
        self.daemon.insert(self.launch.start())
    }

    /// Waits until the started daemon is ready; the error says why it is not.
    pub fn comes_up(&mut self) -> Result<(), String> {
        self.endpoint = None;
        self.endpoint = Some(self.daemon().comes_up()?);
        Ok(())
    }

    /// Waits until the started daemon has said where it is; gives the address of its pages.
    pub fn says_where_it_is(&mut self) -> String {
        let daemon = self.daemon();
        wait::until("an address in its first words", || {
            assert!(daemon.ended().is_none(), "it ended:\n{}", daemon.log_tail());
            let log = daemon.log_tail();
            let line = log.lines().rfind(|line| line.contains("ready  web"))?;
            let address = line.split_whitespace().last()?;
            address.split("/start?").next().map(str::to_owned)
        })
    }

    /// kill -9, if it runs.
    pub fn down(&mut self) {
        self.endpoint = None;
        self.daemon = None;
    }

    /// kill -9 and start again.
    pub fn restart(&mut self) {
        self.up();
    }

    /// The running daemon.
    pub fn daemon(&mut self) -> &mut Daemon {
        self.daemon.as_mut().expect("the daemon was started")
    }

    /// Where the daemon is.
    pub fn endpoint(&self) -> &Endpoint {
        self.endpoint.as_ref().expect("the daemon is ready")
    }

    /// An agent in the workspace.
    pub fn agent(&self, name: &str) -> Agent {
        Agent::new(name, &self.workspace())
    }

    /// A client with the operator's token.
    pub fn http(&self) -> Http {
        let endpoint = self.endpoint();
        Http::new(&endpoint.url, Some(&endpoint.token))
    }

    /// A client without any token.
    pub fn stranger(&self) -> Http {
        Http::new(&self.endpoint().url, None)
    }

    /// A person.
    pub fn reviewer(&self) -> Reviewer {
        Reviewer { http: self.http() }
    }

    /// Spends a start link; gives the cookie of the session.
    pub fn sign_in(&self) -> String {
        let made = self
            .http()
            .push("/api/v1/start-links", &serde_json::json!({}));
        let link = made.expect(201).json()["url"].as_str().map(str::to_owned);
        let link = link.expect("a link");
        let (base, token) = link.split_once("/start").expect("a start link");
        let came_in = Http::new(base, None).fetch(&format!("/start{token}"));
        let cookie = came_in.header("set-cookie").expect("a cookie");
        cookie.split(';').next().unwrap_or_default().to_owned()
    }

    /// What the daemon says about itself.
    pub fn health(&self) -> Value {
        self.http().fetch("/api/v1/health").json()
    }

    /// What the daemon says is wrong, its own troubles and those of the workspaces.
    pub fn troubles(&self) -> Vec<String> {
        let health = self.health();
        let own = health["troubles"].as_array().into_iter().flatten();
        let workspaces = health["workspaces"].as_array().into_iter().flatten();
        own.cloned()
            .chain(workspaces.map(|workspace| workspace["trouble"].clone()))
            .filter_map(|trouble| Some(trouble.as_str()?.to_owned()))
            .collect()
    }

    /// Waits until a trouble is named that has `words` in it.
    pub fn trouble(&self, words: &str) {
        let named = || {
            self.troubles()
                .iter()
                .any(|trouble| trouble.contains(words))
        };
        let seen = wait::within(wait::LIMIT, || named().then_some(()));
        assert!(
            seen.is_some(),
            "no trouble has `{words}`: {:?}",
            self.troubles()
        );
    }

    /// Leaves the scene on the disk, to look at it; gives its folder.
    pub fn keep(&mut self) -> PathBuf {
        if let Some(temporary) = self.temporary.take() {
            let _ = temporary.keep();
        }
        self.home.clone()
    }

    /// Runs a command of the program against this daemon; gives exit code, output and errors.
    pub fn run(&self, args: &[&str]) -> (i32, String, String) {
        let output = self
            .launch
            .command(args)
            .current_dir(self.workspace())
            .output()
            .expect("the program starts");
        (
            output.status.code().unwrap_or(-1),
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    }
}
