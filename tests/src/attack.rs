//! Attacks on a workspace, by system calls, from a process of another user.
//!
//! The test program starts itself again as the agent: [`perform`] is what the child does, [`attack_by`] starts it.

#![expect(clippy::disallowed_methods, reason = "attackers do not use our door")]

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::{
        fs::{FileExt as _, PermissionsExt as _, chown, symlink},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Output},
};

use rustix::fs::{CWD, RenameFlags, renameat_with};

/// The user of the attacking agent.
pub const HERMES: u32 = 40_001;
/// The user of its neighbour.
pub const ARES: u32 = 40_002;

/// Names an attack for the child.
const VARIABLE: &str = "COUNTERSIGN_ATTACK";
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

    fn of_daemon(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}", self.pid)).join(name)
    }
}

fn write(path: &Path) -> io::Result<()> {
    File::options().write(true).open(path)?.write_at(b"X", 0)?;
    Ok(())
}

fn touch(path: &Path) -> io::Result<()> {
    File::options()
        .write(true)
        .create_new(true)
        .open(path)
        .map(drop)
}

fn listed(path: &Path) -> io::Result<()> {
    let found = fs::read_dir(path)?.count();
    // An empty folder gives nothing away.
    if found == 0 {
        Err(io::ErrorKind::NotFound.into())
    } else {
        Ok(())
    }
}

fn read(path: &Path) -> io::Result<()> {
    fs::read(path).map(drop)
}

fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

fn signal(scene: &Scene) -> io::Result<()> {
    let pid = i32::try_from(scene.pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let pid = pid.ok_or(io::ErrorKind::NotFound)?;
    Ok(rustix::process::test_kill_process(pid)?)
}

/// All attacks.
pub const ATTACKS: &[Attack] = &[
    attack("write into an approved file", Target::Release, |s| {
        write(&s.report())
    }),
    attack("empty an approved file", Target::Release, |s| {
        File::options()
            .write(true)
            .truncate(true)
            .open(s.report())
            .map(drop)
    }),
    attack("cut an approved file short", Target::Release, |s| {
        File::options().write(true).open(s.report())?.set_len(1)
    }),
    attack(
        "make an approved file writable, then write",
        Target::Release,
        |s| {
            fs::set_permissions(s.report(), fs::Permissions::from_mode(0o666))?;
            write(&s.report())
        },
    ),
    attack(
        "change the mode of an approved file",
        Target::Release,
        |s| fs::set_permissions(s.report(), fs::Permissions::from_mode(0o4555)),
    ),
    attack("take an approved file over", Target::Release, |s| {
        chown(s.report(), Some(HERMES), Some(HERMES))
    }),
    attack("remove an approved file", Target::Release, |s| {
        fs::remove_file(s.report())
    }),
    attack("move an approved file away", Target::Release, |s| {
        fs::rename(s.report(), s.area().join("stolen"))
    }),
    attack(
        "rename an approved file in its folder",
        Target::Release,
        |s| fs::rename(s.report(), s.folder().join("Report.md")),
    ),
    attack("move a file over an approved one", Target::Release, |s| {
        fs::rename(s.own()?, s.report())
    }),
    attack(
        "exchange an approved file for another",
        Target::Release,
        |s| exchange(&s.own()?, &s.report()),
    ),
    attack(
        "put a link in the place of an approved file",
        Target::Release,
        |s| {
            let link = s.area().join("link");
            symlink("/etc/hostname", &link)?;
            fs::rename(link, s.report())
        },
    ),
    attack("add a file to a release", Target::Release, |s| {
        touch(&s.folder().join("evil.sh"))
    }),
    attack("add a folder to a release", Target::Release, |s| {
        fs::create_dir(s.folder().join("evil"))
    }),
    attack("add a hard link to a release", Target::Release, |s| {
        fs::hard_link(s.own()?, s.folder().join("evil"))
    }),
    attack(
        "link an approved file elsewhere and write there",
        Target::Release,
        |s| {
            let elsewhere = s.area().join("same");
            fs::hard_link(s.report(), &elsewhere)?;
            fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o644))?;
            write(&elsewhere)
        },
    ),
    attack(
        "open an approved file again through /proc",
        Target::Release,
        |s| {
            use std::os::fd::AsRawFd as _;
            let opened = File::open(s.report())?;
            write(Path::new(&format!("/proc/self/fd/{}", opened.as_raw_fd())))
        },
    ),
    attack(
        "make the folder of a release writable",
        Target::Release,
        |s| fs::set_permissions(s.folder(), fs::Permissions::from_mode(0o777)),
    ),
    attack("forge the list of sums", Target::Release, |s| {
        fs::rename(s.own()?, s.folder().join("SHA256SUMS"))
    }),
    attack("remove a release", Target::Release, |s| {
        for one in fs::read_dir(s.folder())? {
            fs::remove_file(one?.path())?;
        }
        match fs::remove_dir(s.folder()) {
            // Its files were put right before the folder could go.
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            removed => removed,
        }
    }),
    attack("move a release away", Target::Release, |s| {
        fs::rename(s.folder(), s.area().join("stolen release"))
    }),
    attack("cover a release by a mount", Target::Release, |s| {
        let done = Command::new("/usr/bin/mount")
            .args(["--bind", "/tmp"])
            .arg(s.folder())
            .output()?;
        if done.status.success() {
            Ok(())
        } else {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }),
    attack("make a release up", Target::Approved, |s| {
        fs::create_dir(s.approved().join("H-777"))?;
        fs::write(s.approved().join("H-777/evil.sh"), "forged")
    }),
    attack("put a FIFO into approved/", Target::Approved, |s| {
        rustix::fs::mknodat(
            CWD,
            s.approved().join("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o666),
            0,
        )?;
        Ok(())
    }),
    attack(
        "put a folder in the place of approved/",
        Target::Approved,
        |s| {
            fs::rename(s.approved(), s.workspace.join("approved.old"))?;
            fs::create_dir(s.approved())
        },
    ),
    attack(
        "put a link in the place of approved/",
        Target::Approved,
        |s| {
            fs::rename(s.approved(), s.workspace.join("approved.older"))?;
            symlink("/tmp", s.approved())
        },
    ),
    attack("list whose boxes there are", Target::Inbox, |s| {
        listed(&s.workspace.join("inbox"))
    }),
    attack("list the box of another agent", Target::Inbox, |s| {
        listed(&s.inbox("ares"))
    }),
    attack("read what another agent delivered", Target::Inbox, |s| {
        read(&s.delivery())
    }),
    attack(
        "write into what another agent delivered",
        Target::Inbox,
        |s| write(&s.delivery()),
    ),
    attack("remove what another agent delivered", Target::Inbox, |s| {
        fs::remove_file(s.delivery())
    }),
    attack(
        "move away what another agent delivered",
        Target::Inbox,
        |s| fs::rename(s.delivery(), s.area().join("stolen delivery")),
    ),
    attack(
        "move a file over what another agent delivered",
        Target::Inbox,
        |s| fs::rename(s.own()?, s.delivery()),
    ),
    attack("add to the box of another agent", Target::Inbox, |s| {
        fs::rename(s.own()?, s.inbox("ares").join("planted"))
    }),
    attack("move the box of another agent away", Target::Inbox, |s| {
        fs::rename(s.inbox("ares"), s.area().join("stolen box"))
    }),
    attack(
        "put a link in the place of its own box",
        Target::Inbox,
        |s| {
            fs::rename(s.inbox("hermes"), s.workspace.join("inbox/hermes.old"))?;
            symlink("/etc", s.inbox("hermes"))
        },
    ),
    attack("forge a decision on record", Target::Record, |s| {
        let record = s.workspace.join(".countersign/handoffs").join(&s.release);
        fs::rename(s.own()?, record.join("decision.r1.json"))
    }),
    attack("remove what the daemon wrote", Target::Record, |s| {
        let record = s.workspace.join(".countersign/handoffs").join(&s.release);
        fs::remove_file(record.join("feedback.md"))
    }),
    attack("move the folder of the daemon away", Target::Record, |s| {
        fs::rename(s.workspace.join(".countersign"), s.workspace.join("gone"))?;
        fs::rename(s.workspace.join("gone"), s.workspace.join(".countersign"))
    }),
    attack("look into the quarantine", Target::Record, |s| {
        listed(&s.workspace.join(".countersign/quarantine"))
    }),
    attack("list another workspace", Target::Foreign, |s| {
        listed(&s.other)
    }),
    attack("read a file of another workspace", Target::Foreign, |s| {
        read(&s.other.join("secret.md"))
    }),
    attack("write into another workspace", Target::Foreign, |s| {
        touch(&s.other.join("planted"))
    }),
    attack("read the key of the operator", Target::Foreign, |s| {
        read(&s.data.join("daemon.json"))
    }),
    attack("read the ledger", Target::Foreign, |s| {
        read(&s.data.join("ledger.db"))
    }),
    attack("write into the ledger", Target::Foreign, |s| {
        write(&s.data.join("ledger.db"))
    }),
    attack("list the sealed files", Target::Foreign, |s| {
        listed(&s.data.join("objects"))
    }),
    attack("read the environment of the daemon", Target::Foreign, |s| {
        read(&s.of_daemon("environ"))
    }),
    attack(
        "reach through the root of the daemon",
        Target::Foreign,
        |s| {
            let below = s.data.strip_prefix("/").unwrap_or(&s.data);
            read(&s.of_daemon("root").join(below).join("daemon.json"))
        },
    ),
    attack("open what the daemon has open", Target::Foreign, |s| {
        {
            // That there are some can be seen; what they are cannot.
            let opened = fs::read_dir(s.of_daemon("fd"))?
                .flatten()
                .any(|one| File::open(one.path()).is_ok());
            if opened {
                Ok(())
            } else {
                Err(io::ErrorKind::PermissionDenied.into())
            }
        }
    }),
    attack("read the memory of the daemon", Target::Foreign, |s| {
        File::open(s.of_daemon("mem")).map(drop)
    }),
    attack("send a signal to the daemon", Target::Foreign, signal),
];

/// What came of an attack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The system said no, in its words.
    Refused(String),
    /// It was done.
    Done,
}

/// In the child: performs the attack that the environment names. Returns at once in every other process.
pub fn perform() {
    let Ok(text) = std::env::var(VARIABLE) else {
        return;
    };
    let mut parts = text.split('\n');
    let mut part = || parts.next().unwrap_or_default().to_owned();
    let number: usize = part().parse().unwrap_or(usize::MAX);
    let scene = Scene {
        workspace: part().into(),
        release: part(),
        other: part().into(),
        data: part().into(),
        pid: part().parse().unwrap_or_default(),
    };
    let attack = ATTACKS.get(number).expect("the attack is in the list");
    let said = match (attack.act)(&scene) {
        Ok(()) => "done".to_owned(),
        Err(error) => error.to_string(),
    };
    // The harness of tests may have said something on the same line.
    let _ = writeln!(io::stdout(), "\n{OUTCOME}{said}");
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
pub fn attack_by(mut command: Command, number: usize, scene: &Scene) -> Outcome {
    let text = format!(
        "{number}\n{}\n{}\n{}\n{}\n{}",
        scene.workspace.display(),
        scene.release,
        scene.other.display(),
        scene.data.display(),
        scene.pid
    );
    let output = command
        .args(["--exact", "attacker", "--nocapture"])
        .env(VARIABLE, text)
        .output()
        .expect("the attacker starts");
    outcome(&output)
}

fn outcome(output: &Output) -> Outcome {
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().find_map(|line| line.strip_prefix(OUTCOME));
    match line {
        Some("done") => Outcome::Done,
        Some(error) => Outcome::Refused(error.to_owned()),
        None => panic!(
            "the attacker said nothing: {said}\n{}",
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}
