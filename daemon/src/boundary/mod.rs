//! What of the boundaries of a workspace holds on this machine, found by trying: a child becomes the agent as far
//! as our rights go and attempts what it must not be able to do, once as anybody who shares the folder and once as
//! `countersign run` starts it.

mod attempts;

use std::{
    collections::BTreeSet,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use countersign_protocol::names;
use countersign_web::desk::boundaries::{BoundaryRow, Holds};

pub use attempts::{Breach, Ground, Room, attempt};

use crate::{
    confine::{Network, Policy, Site, missing},
    fs::{Dir, Error, FileKind, PrivateFolder, TEMPORARY},
    workspace::Account,
};

/// What is tried, and for whom.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The real path of the workspace.
    pub workspace: PathBuf,
    /// The agent.
    pub agent: String,
    /// The user that it runs as, when that is another one and we may become it.
    pub account: Option<Account>,
    /// The daemon's own folder.
    pub data: PathBuf,
    /// Other workspaces.
    pub others: Vec<PathBuf>,
}

/// The rooms with what is promised of each, in the order of the page.
const PROMISES: [(Room, &str, &str); 6] = [
    (
        Room::Inbox,
        "inbox/",
        "boxes of other agents are out of reach",
    ),
    (
        Room::Box,
        "inbox/ own box",
        "adds only: nothing is listed, read, replaced or removed",
    ),
    (Room::Approved, "approved/", "reads only"),
    (Room::Own, ".countersign/", "reads only"),
    (Room::Daemon, "state of the daemon", "is invisible"),
    (Room::Others, "other workspaces", "are invisible"),
];

impl Trial {
    /// Tries; gives a row for each room.
    pub fn run(&self) -> Result<Vec<BoundaryRow>, Error> {
        let root = Dir::open(&self.workspace)?;
        let bait = Bait::lay(&root, self)?;
        let ground = self.ground(&root, &bait);
        let plain = self.child(&ground, false);
        bait.renew(&root, self)?;
        let confined = if missing(&Network::Any).is_empty() {
            self.child(&ground, true)
        } else {
            Err("this kernel cannot confine it".to_owned())
        };
        Ok(PROMISES
            .iter()
            .map(|(room, name, promise)| {
                let shared = verdict(*room, &plain, Holds::Modes);
                let run = verdict(*room, &confined, Holds::Kernel);
                let details: BTreeSet<String> = [&plain, &confined]
                    .into_iter()
                    .map(|one| words(*room, one))
                    .filter(|text| !text.is_empty())
                    .collect();
                BoundaryRow {
                    room: (*name).to_owned(),
                    promise: (*promise).to_owned(),
                    shared,
                    run,
                    detail: details.into_iter().collect::<Vec<_>>().join("; "),
                }
            })
            .collect())
    }

    fn ground(&self, root: &Dir, bait: &Bait) -> Ground {
        let inbox = self.workspace.join(names::INBOX);
        let boxes = root
            .folder(Path::new(names::INBOX))
            .and_then(|inbox| inbox.list())
            .unwrap_or_default();
        Ground {
            workspace: self.workspace.clone(),
            agent: self.agent.clone(),
            scratch: self.workspace.join(&bait.scratch),
            bait: self.workspace.join(names::APPROVED).join(&bait.release),
            dropped: bait.dropped.clone(),
            boxes: boxes
                .into_iter()
                .filter(|one| one.kind == FileKind::Folder)
                .filter(|one| one.path != Path::new(&self.agent))
                .map(|one| inbox.join(one.path))
                .collect(),
            data: self.data.clone(),
            others: self.others.clone(),
        }
    }

    fn child(&self, ground: &Ground, is_confined: bool) -> Result<Vec<Breach>, String> {
        fn text(error: impl std::fmt::Display) -> String {
            error.to_string()
        }
        const OWN: &str = "/proc/self/exe";
        let job = serde_json::to_string(ground).map_err(text)?;
        let folder;
        let mut command = if is_confined {
            let mut hidden = self.others.clone();
            hidden.push(self.data.clone());
            let site = Site {
                workspace: self.workspace.clone(),
                work: ground
                    .scratch
                    .strip_prefix(&self.workspace)
                    .unwrap_or(Path::new(TEMPORARY))
                    .to_owned(),
                hidden,
            };
            let mut policy = Policy::of_agent(&site, &self.agent, Network::Any);
            let owner = self.account.map(|account| account.uid);
            folder = PrivateFolder::make("countersign-view", owner).map_err(text)?;
            // Without namespaces it is tried as an agent would be started there; that they lack is said elsewhere.
            let _ = policy.view_of(&self.workspace, folder.path(), self.account);
            policy.command(std::env::current_exe().map_err(text)?, self.account)
        } else {
            let mut command = Command::new(OWN);
            if let Some(account) = self.account {
                command.uid(account.uid).gid(account.gid);
            }
            command
        };
        command
            .args(["try-boundary", &job])
            .env_clear()
            .current_dir(&self.workspace)
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        let output = command.output().map_err(text)?;
        serde_json::from_slice(&output.stdout).map_err(|_| {
            let said = String::from_utf8_lossy(&output.stderr);
            format!("it could not be tried: {}", said.trim())
        })
    }
}

/// What holds in a room by what was tried.
fn verdict(room: Room, tried: &Result<Vec<Breach>, String>, held: Holds) -> Holds {
    match tried {
        Err(_) => Holds::NotTried,
        Ok(breaches) if breaches.iter().all(|breach| breach.room != room) => held,
        Ok(_) => match room {
            // Found by the guard, or made harmless by the copy that was sealed.
            Room::Approved | Room::Box => Holds::Detected,
            _ => Holds::Open,
        },
    }
}

fn words(room: Room, tried: &Result<Vec<Breach>, String>) -> String {
    match tried {
        Err(why) => why.clone(),
        Ok(breaches) => {
            let mine = breaches.iter().filter(|breach| breach.room == room);
            let words: BTreeSet<&str> = mine.map(|breach| breach.what.as_str()).collect();
            words.into_iter().collect::<Vec<_>>().join(", ")
        }
    }
}

/// What is laid out to be attacked; gone when this is dropped.
struct Bait {
    root: Dir,
    agent: String,
    release: PathBuf,
    scratch: PathBuf,
    dropped: String,
}

impl Bait {
    fn lay(root: &Dir, trial: &Trial) -> Result<Self, Error> {
        let approved = root.make_folder(Path::new(names::APPROVED), 0o755)?;
        // Called like a release that is being made, so that nobody takes it for a foreign one.
        let (folder, release) = approved.stage_folder("H-0-trial")?;
        folder.publish(Path::new("bait"), b"bait\n", 0o444, false)?;
        let random = release.to_string_lossy();
        let random = random.rsplit('-').next().unwrap_or_default().to_owned();
        let scratch = PathBuf::from(format!("{TEMPORARY}trial-{random}"));
        let bait = Self {
            root: root.folder(Path::new(""))?,
            agent: trial.agent.clone(),
            release,
            scratch,
            dropped: format!(".countersign-trial-{random}"),
        };
        let made = root.make_folder(&bait.scratch, 0o700)?;
        if let Some(account) = trial.account {
            made.give_to(account.uid, account.gid)?;
        }
        // Where the daemon protects its rooms, the box is there already.
        let _ = root.make_folder(&Path::new(names::INBOX).join(&trial.agent), 0o755);
        Ok(bait)
    }

    /// Puts back what the first try may have taken.
    fn renew(&self, root: &Dir, trial: &Trial) -> Result<(), Error> {
        self.clear();
        let folder = root.make_folder(&Path::new(names::APPROVED).join(&self.release), 0o755)?;
        folder.publish(Path::new("bait"), b"bait\n", 0o444, false)?;
        let made = root.make_folder(&self.scratch, 0o700)?;
        if let Some(account) = trial.account {
            made.give_to(account.uid, account.gid)?;
        }
        Ok(())
    }

    fn clear(&self) {
        let remove = |folder: &Path, name: &Path| {
            let done = self
                .root
                .folder(folder)
                .and_then(|dir| match dir.kind(name)? {
                    Some(FileKind::Folder) => dir.remove_own_folder(name),
                    _ => dir.remove_own_file(name),
                });
            if let Err(error) = done {
                tracing::debug!(%error, "what was laid out for a trial stays");
            }
        };
        remove(Path::new(names::APPROVED), &self.release);
        remove(Path::new(""), &self.scratch);
        let own_box = Path::new(names::INBOX).join(&self.agent);
        remove(&own_box, Path::new(&self.dropped));
    }
}

impl Drop for Bait {
    fn drop(&mut self) {
        self.clear();
    }
}
