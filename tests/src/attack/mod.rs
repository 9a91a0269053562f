//! Attacks on a workspace, by system calls, from a process of another user.
//!
//! The test program starts itself again as the agent: [`perform`] is what the child does, [`attack_by`] starts it.

#![expect(clippy::disallowed_methods, reason = "attackers do not use our door")]

mod machine;
mod workspace;

use std::{
    fs,
    io::{self, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The user of the attacking agent.
pub const HERMES: u32 = 40_001;
/// The user of its neighbour.
pub const ARES: u32 = 40_002;

/// Names attacks for the child.
pub const VARIABLE: &str = "COUNTERSIGN_ATTACK";
/// What the child says last.
const OUTCOME: &str = "OUTCOME ";

/// Where the attacked things are.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The workspace.
    pub workspace: PathBuf,
    /// The release that is attacked, for example `H-3`.
    pub release: String,
    /// Another workspace.
    pub other: PathBuf,
    /// The daemon's own folder.
    pub data: PathBuf,
    /// The daemon.
    pub pid: u32,
    /// A port of this machine at which somebody listens.
    pub port: u16,
    /// The key of memory that an outside process shares (`shmget(2)`).
    pub shared: i32,
    /// A folder outside, with a listening socket `open.sock` that anybody may open, and a `secret` that the
    /// configuration names.
    pub outside: PathBuf,
}

/// What an attack is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A release.
    Release,
    /// `approved/` itself.
    Approved,
    /// A box in the inbox.
    Inbox,
    /// What the daemon wrote for agents.
    Record,
    /// Another workspace, the daemon and its folder.
    Foreign,
    /// The machine: other processes, parts of the kernel, sockets. Only `countersign run` holds it.
    Machine,
    /// The network, of which `--network` grants one port at which nobody listens.
    Network,
}

/// One attack.
#[derive(Clone, Copy, Debug)]
pub struct Attack {
    /// What it does, in words.
    pub name: &'static str,
    /// What it is about.
    pub target: Target,
    act: fn(&Scene) -> io::Result<()>,
}

const fn attack(name: &'static str, target: Target, act: fn(&Scene) -> io::Result<()>) -> Attack {
    Attack { name, target, act }
}

impl Scene {
    fn approved(&self) -> PathBuf {
        self.workspace.join("approved")
    }

    fn folder(&self) -> PathBuf {
        self.approved().join(&self.release)
    }

    fn report(&self) -> PathBuf {
        self.folder().join("report.md")
    }

    /// The attacker's own work area.
    fn area(&self) -> PathBuf {
        self.workspace.join("hermes")
    }

    fn inbox(&self, agent: &str) -> PathBuf {
        self.workspace.join("inbox").join(agent)
    }

    /// A file that its neighbour left in its box.
    fn delivery(&self) -> PathBuf {
        self.inbox("ares").join("delivery.txt")
    }

    /// A file of its own to put somewhere.
    fn own(&self) -> io::Result<PathBuf> {
        let path = self.area().join("forged");
        // An earlier attack may have left something else under this name.
        let _ = fs::remove_file(&path);
        fs::write(&path, "forged\n")?;
        Ok(path)
    }

    fn daemon(&self) -> Option<rustix::process::Pid> {
        rustix::process::Pid::from_raw(i32::try_from(self.pid).ok()?)
    }

    fn of_daemon(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}", self.pid)).join(name)
    }
}

/// All attacks.
pub fn attacks() -> Vec<Attack> {
    [workspace::ATTACKS, machine::ATTACKS].concat()
}

/// What came of an attack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The system said no, in its words.
    Refused(String),
    /// It was done.
    Done,
}

/// In the child: performs the attacks that the environment names. Returns at once in every other process.
pub fn perform() {
    let Ok(text) = std::env::var(VARIABLE) else {
        return;
    };
    let mut parts = text.split('\n');
    let mut part = || parts.next().unwrap_or_default().to_owned();
    let numbers = part();
    let scene = Scene {
        workspace: part().into(),
        release: part(),
        other: part().into(),
        data: part().into(),
        pid: part().parse().unwrap_or_default(),
        port: part().parse().unwrap_or_default(),
        shared: part().parse().unwrap_or_default(),
        outside: part().into(),
    };
    let all = attacks();
    for number in numbers.split(',') {
        let number: usize = number.parse().unwrap_or(usize::MAX);
        let attack = all.get(number).expect("the attack is in the list");
        let said = match (attack.act)(&scene) {
            Ok(()) => "done".to_owned(),
            Err(error) => error.to_string(),
        };
        // The harness of tests may have said something on the same line.
        let _ = writeln!(io::stdout(), "\n{OUTCOME}{said}");
    }
}

/// A process of the user `HERMES` that only shares the folder.
pub fn neighbour(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.uid(HERMES).gid(HERMES).current_dir("/");
    command
}

/// Lets `command`, which starts this test program, perform attack `number` on `scene`.
///
/// # Panics
/// When it cannot be started or says nothing.
pub fn attack_by(command: Command, number: usize, scene: &Scene) -> Outcome {
    attacks_by(command, &[number], scene).remove(0)
}

/// The same with several attacks, one after the other in one process.
///
/// # Panics
/// When it cannot be started, or does not say what came of each.
pub fn attacks_by(mut command: Command, numbers: &[usize], scene: &Scene) -> Vec<Outcome> {
    let list: Vec<String> = numbers.iter().map(usize::to_string).collect();
    let text = [
        list.join(","),
        scene.workspace.display().to_string(),
        scene.release.clone(),
        scene.other.display().to_string(),
        scene.data.display().to_string(),
        scene.pid.to_string(),
        scene.port.to_string(),
        scene.shared.to_string(),
        scene.outside.display().to_string(),
    ];
    let output = command
        .args(["--exact", "attacker", "--nocapture"])
        .env(VARIABLE, text.join("\n"))
        .output()
        .expect("the attacker starts");
    let found = outcomes(&output);
    assert_eq!(
        found.len(),
        numbers.len(),
        "the attacker said too little: {}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    found
}

fn outcomes(output: &Output) -> Vec<Outcome> {
    let said = String::from_utf8_lossy(&output.stdout);
    let lines = said.lines().filter_map(|line| line.strip_prefix(OUTCOME));
    lines
        .map(|line| match line {
            "done" => Outcome::Done,
            error => Outcome::Refused(error.to_owned()),
        })
        .collect()
}
