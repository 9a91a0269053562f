//! A shared folder: its layout, its settings, and where answers go in it.

mod account;
mod admission;
mod answers;
mod checks;
mod rooms;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use countersign_protocol::{
    Digest,
    event::Location,
    handoff::Profile,
    names::{self, AnswerNames},
    transfer::Mesh,
};

pub use account::Account;
pub use answers::{AnswerError, Answers, Remembered, Written, json};
pub use checks::{CheckCommand, CheckSettings};
pub use rooms::{Opens, opens, own_box, protect};

use crate::{
    contracts::Contracts,
    fs::{Dir, Error},
};

/// Mode of folders that we make in a workspace.
pub const FOLDER_MODE: u32 = 0o755;
/// Mode of files that we write in a workspace.
pub const FILE_MODE: u32 = 0o644;

/// What an approval needs besides the will to approve.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Care {
    /// That all threads are resolved.
    pub resolve_threads: bool,
    /// From this risk on (`low`, `medium` or `high`), that all changed files were viewed.
    pub view_files: Option<&'static str>,
    /// From this risk on, that the number of the handoff is typed.
    pub type_id: Option<&'static str>,
    /// From this risk on, that who approves shows once more that it is them.
    pub step_up: Option<&'static str>,
    /// What is ticked off.
    pub checklist: Vec<String>,
}

/// What holds in one workspace.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Data class: `public`, `internal`, `confidential` or `restricted`.
    pub class: String,
    /// The least strict profile it accepts.
    pub profile: Profile,
    /// Stated confidence under which a person is always asked, 0 to 1.
    pub confidence_floor: f64,
    /// How long a file must be quiet where the kernel cannot tell who writes it.
    pub settle: Duration,
    /// Files above this size, in bytes, are hashed and not kept.
    pub keep_up_to: u64,
    /// Most bytes of all kept files, the same bytes once; without it, there is no limit.
    pub quota: Option<u64>,
    /// Most files in one handoff.
    pub max_files: usize,
    /// Whether released files get the immutable flag.
    pub immutable: bool,
    /// Most bytes of foreign files that are kept of what was found in approved work.
    pub quarantine: u64,
    /// The agents that may hand over; without it, any.
    pub agents: Option<Vec<String>>,
    /// The users of the operating system that agents run as, of those that have one of their own.
    pub users: BTreeMap<String, u32>,
    /// Who owns it, by id, as long as it was not given to somebody; without it, who runs the daemon.
    pub owner: Option<String>,
    /// Which agents hand to which.
    pub mesh: Arc<Mesh>,
    /// The contracts that are kept here.
    pub contracts: Arc<Contracts>,
    /// What looks at a handoff before anybody is asked.
    pub checks: Arc<CheckSettings>,
    /// What is promised to those who hand over, by name: `first_look`, `answer`, `acknowledge`, `complete`.
    pub service: Vec<(&'static str, Duration)>,
    /// The silence that is normal when a checkpoint does not say; without it, such silence means nothing.
    pub heartbeat: Option<Duration>,
    /// How long an answer can be taken back before it is given.
    pub undo: Option<Duration>,
    /// What an approval needs.
    pub care: Care,
    /// Roles that somebody holds, as `role_key` writes them, with the ids of the people who hold each.
    pub roles: Arc<BTreeMap<String, BTreeSet<String>>>,
    /// Names by which a fallback can mean somebody, e-mail addresses in lower case; empty where the reviewer of this
    /// machine answers for everything.
    pub fallback_names: Arc<BTreeSet<String>>,
    /// Whether a trigger of the operator may want a person to look at the result of an agent.
    pub watches_results: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            class: "internal".to_owned(),
            profile: Profile::Minimal,
            confidence_floor: 0.80,
            settle: Duration::from_millis(750),
            keep_up_to: 256 * 1024 * 1024,
            quota: None,
            max_files: 10_000,
            immutable: false,
            quarantine: 256_000_000,
            agents: None,
            users: BTreeMap::new(),
            owner: None,
            mesh: Arc::default(),
            contracts: Arc::default(),
            checks: Arc::default(),
            service: Vec::new(),
            heartbeat: Some(Duration::from_mins(5)),
            undo: None,
            care: Care::default(),
            roles: Arc::default(),
            fallback_names: Arc::default(),
            watches_results: false,
        }
    }
}

impl Settings {
    /// Returns whether `to`, as a fallback names it, is somebody here.
    pub fn knows_receiver(&self, to: &str) -> bool {
        let names = &self.fallback_names;
        let is_mail = || to.contains('@') && names.contains(&to.to_ascii_lowercase());
        names.contains(to) || is_mail()
    }

    /// Returns the confidence under which a person is asked about work of `contract`: the floor of that
    /// contract, else the floor of the workspace. Between 0 and 1.
    pub fn confidence_floor_of(&self, contract: Option<&str>) -> f64 {
        contract
            .and_then(|id| self.contracts.get(id)?.confidence_floor)
            .unwrap_or(self.confidence_floor)
    }
}

/// One shared folder, held open.
#[derive(Debug)]
pub struct Workspace {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is.
    pub path: PathBuf,
    /// What holds in it.
    pub settings: Settings,
    dir: Dir,
    written: Arc<Mutex<WrittenHere>>,
}

/// What was written into a workspace since it was opened, by key: the digest, or that it was removed.
/// It is ahead of what the store remembers, which learns of it in the next commit.
pub type WrittenHere = HashMap<String, Option<Digest>>;

impl Workspace {
    /// Opens the folder at `path`.
    pub fn open(name: &str, path: &Path, settings: Settings) -> Result<Self, Error> {
        Ok(Self {
            name: name.into(),
            path: path.to_owned(),
            settings,
            dir: Dir::open(path)?,
            written: Arc::default(),
        })
    }

    /// The same folder, in which something else holds from now on.
    pub fn with_settings(&self, settings: Settings) -> Result<Self, Error> {
        Ok(Self {
            name: Arc::clone(&self.name),
            path: self.path.clone(),
            settings,
            dir: self.dir.folder(Path::new(""))?,
            written: Arc::clone(&self.written),
        })
    }

    /// The right to write answers here, one at a time: who looks at what stands in the place of an answer
    /// and then replaces it must not meet another who does the same.
    pub fn answering(&self) -> MutexGuard<'_, WrittenHere> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the folder that was opened is still the one at its path. One that was moved, removed
    /// or covered by a mount says nothing about what agents removed.
    pub fn is_there(&self) -> bool {
        let opened = self.dir.place().ok();
        opened.is_some()
            && !self.dir.is_deleted()
            && Dir::open(&self.path).and_then(|now| now.place()).ok() == opened
    }

    /// The folder itself.
    pub fn dir(&self) -> &Dir {
        &self.dir
    }

    /// The folder of the daemon in it.
    pub fn own(&self) -> Result<Dir, Error> {
        self.dir
            .make_folder(Path::new(names::OWN_FOLDER), FOLDER_MODE)
    }

    /// Where `file`, a path relative to the workspace, is. `None` for names that are not UTF-8,
    /// since answers and pages could not name them.
    pub fn locate(&self, file: &Path) -> Option<Location> {
        Some(Location {
            workspace: self.name.to_string(),
            folder: file.parent()?.to_str()?.to_owned(),
            file: file.file_name()?.to_str()?.to_owned(),
        })
    }

    /// The folder that answers to `at` go to, and their names in it. A dropped package is answered
    /// in a mirror of the inbox, since agents cannot read what they dropped.
    pub fn answers(&self, at: &Location) -> Result<(Dir, AnswerNames), Error> {
        let names = names::answers_for(&at.file);
        let folder = match package(&at.folder) {
            Some(package) => {
                let mirror = Path::new(names::OWN_FOLDER)
                    .join(names::INBOX)
                    .join(package.agent)
                    .join(package.name);
                self.dir.make_folder(&mirror, FOLDER_MODE)?
            }
            None => self.dir.folder(Path::new(&at.folder))?,
        };
        Ok((folder, names))
    }
}

/// A finished folder that an agent dropped into the inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Package<'a> {
    /// The agent whose inbox it is.
    pub agent: &'a str,
    /// The name of the folder.
    pub name: &'a str,
}

/// The package that `folder` is, when it is one: `inbox/<agent>/<name>`.
pub fn package(folder: &str) -> Option<Package<'_>> {
    let (agent, name) = folder
        .strip_prefix(names::INBOX)?
        .strip_prefix('/')?
        .split_once('/')?;
    (!agent.is_empty() && !name.is_empty() && !name.contains('/'))
        .then_some(Package { agent, name })
}

/// The workspaces that are served. More may come while the daemon runs.
#[derive(Debug, Default)]
pub struct Workspaces {
    by_name: RwLock<BTreeMap<Arc<str>, Arc<Workspace>>>,
}

impl Workspaces {
    /// Adds one; the first of a name stays.
    pub fn add(&self, workspace: Workspace) -> Arc<Workspace> {
        let mut all = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        let workspace = Arc::new(workspace);
        Arc::clone(all.entry(Arc::clone(&workspace.name)).or_insert(workspace))
    }

    /// Puts `workspace` in the place of the one of its name; who has that one at hand finishes with it.
    pub fn replace(&self, workspace: Workspace) {
        let mut all = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(Arc::clone(&workspace.name), Arc::new(workspace));
    }

    /// Opens the folder of a workspace again: another one was put in its place.
    pub fn reopen(&self, name: &str) -> Result<(), Error> {
        if let Some(known) = self.get(name) {
            let settings = known.settings.clone();
            self.replace(Workspace::open(name, &known.path, settings)?);
        }
        Ok(())
    }

    /// Serves the one of that name no longer.
    #[cfg(test)]
    pub(crate) fn remove(&self, name: &str) {
        let mut all = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        all.remove(name);
    }

    /// The one of that name.
    pub fn get(&self, name: &str) -> Option<Arc<Workspace>> {
        self.by_name
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    /// All of them, by name.
    pub fn all(&self) -> Vec<Arc<Workspace>> {
        self.by_name
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_folder_right_below_an_agents_inbox_is_a_package() {
        assert_eq!(
            package("inbox/writer/q3"),
            Some(Package {
                agent: "writer",
                name: "q3"
            })
        );
        for other in [
            "",
            "inbox",
            "inbox/writer",
            "inbox/writer/",
            "inbox//q3",
            "inbox/writer/q3/deep",
            "inboxes/a/b",
        ] {
            assert_eq!(package(other), None, "{other}");
        }
    }
}
