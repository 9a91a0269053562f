//! What an agent that is started through us may reach.
//!
//! All of it is given up by the process itself before it becomes the agent, needs no rights, and holds for
//! everything the agent starts. Three guards stand one behind the other: a view (`view.rs`) in which the rest is not there
//! at all, Landlock over files and TCP (`files.rs`), and a filter of system calls (`calls.rs`). What the kernel lacks is
//! named, never passed over.

mod calls;
mod files;
mod start;
mod system;
mod view;

use std::{
    io,
    path::{Path, PathBuf},
};

use countersign_protocol::names;
use landlock::RulesetStatus;
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use serde::{Deserialize, Serialize};

use self::{calls::Others, system::Granted};
pub use self::{files::missing, start::lacks_namespaces, system::around, view::View};

/// Devices that harm nobody, and the terminal that a process has.
const DEVICES: [&str; 6] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
];

/// What of the network may be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Network {
    /// All of it.
    Any,
    /// Nothing but sockets of this machine that are files.
    None,
    /// Connections by TCP to these ports, and no ports to listen at. UDP is not held back, since names are looked up by it.
    Ports(Vec<u16>),
}

/// What an agent may reach. What is not named cannot be opened, listed or made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// May be read and run, with all below.
    pub read: Vec<PathBuf>,
    /// May be changed in every way but for making devices.
    pub write: Vec<PathBuf>,
    /// Things may be moved into it, and nothing else.
    pub add: Vec<PathBuf>,
    /// Links by which the others are found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<PathBuf>,
    /// What of the network may be used.
    pub network: Network,
    /// A view in which nothing else is there; without it, Landlock and the filters alone hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<View>,
    /// What it may cost; without it, anything, and it has a session of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

/// What a command may cost, and each process that it starts (`setrlimit(2)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Address space, in bytes.
    pub memory: u64,
    /// Processor time, in seconds.
    pub processor_seconds: u64,
    /// The largest file that it may write, in bytes.
    pub file: u64,
}

/// Where an agent works.
#[derive(Clone, Debug)]
pub struct Site {
    /// The real path of the workspace.
    pub workspace: PathBuf,
    /// Its work area, relative to the workspace.
    pub work: PathBuf,
    /// Real paths of other workspaces, of the daemon's own folder and of secrets.
    pub hidden: Vec<PathBuf>,
}

impl Policy {
    /// What every agent gets at its site: its work area, its box, and to read the rest of the workspace and of the system.
    pub fn of_agent(site: &Site, agent: &str, network: Network) -> Self {
        let workspace = &site.workspace;
        let work = workspace.join(&site.work);
        let own = workspace.join(names::OWN_FOLDER);
        let inbox = workspace.join(names::INBOX);
        let mut policy = Self::of_system(&site.hidden);
        // The folder itself cannot be granted, or all of its rooms would be.
        let mut apart = vec![own.clone(), inbox.clone(), work.clone()];
        apart.extend(site.hidden.iter().cloned());
        policy.read.extend(around(workspace, &apart));
        policy.read.push(own.join("handoffs"));
        policy.read.push(own.join(names::INBOX).join(agent));
        policy.write.extend(around(&work, &site.hidden));
        // Requests for locks, by file.
        policy.write.push(workspace.join(names::LOCKS));
        policy.add.push(inbox.join(agent));
        policy.network = network;
        policy
    }

    /// To read and run what is of the system, but for `hidden`, and nothing else.
    pub fn of_system(hidden: &[PathBuf]) -> Self {
        let Granted { mut paths, links } = system::needed(hidden);
        paths.extend(std::env::current_exe());
        Self {
            read: paths,
            write: DEVICES.iter().map(PathBuf::from).collect(),
            add: Vec::new(),
            links,
            network: Network::None,
            view: None,
            limits: None,
        }
    }

    /// Lets what is at `path` be read, too, but for what is `hidden`.
    pub fn read_also(&mut self, path: &Path, hidden: &[PathBuf]) {
        let mut granted = Granted::default();
        granted.add(path, hidden);
        self.read.extend(granted.paths);
        self.links.extend(granted.links);
    }

    /// Lets what is at `path` be changed, too, but for what is `hidden`.
    pub fn write_also(&mut self, path: &Path, hidden: &[PathBuf]) {
        let mut granted = Granted::default();
        granted.add(path, hidden);
        self.write.extend(granted.paths);
        self.links.extend(granted.links);
    }

    /// Leaves what is shared with everybody, where the policy has a view. The process must have one thread; the next
    /// that it starts is the one to [`enter`](Self::enter).
    pub fn leave(&self) -> io::Result<()> {
        match self.view {
            Some(_) => view::leave(&self.network),
            None => Ok(()),
        }
    }

    /// Gives up everything that is not named, for this process and all that it becomes. Fails when the kernel
    /// refuses; what it merely lacks is said by [`missing`].
    pub fn enter(&self) -> io::Result<()> {
        keep_standard_streams();
        if let Some(limits) = &self.limits {
            limits.enter()?;
        }
        rustix::thread::set_no_new_privs(true)?;
        let others = match &self.view {
            Some(view) => {
                self.build(view)?;
                // What it starts could stop it by ptrace(2), and with it nobody would hear of the end.
                rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
                Others::Apart
            }
            None => Others::Visible,
        };
        if files::interface().is_some() {
            let status = files::fence(self).map_err(io::Error::other)?;
            if status == RulesetStatus::NotEnforced {
                return Err(io::Error::other("Landlock is there and does not hold"));
            }
        }
        calls::refuse(&self.network, others)?;
        if self.limits.is_some() {
            calls::keep_in_one_group()?;
        }
        Ok(())
    }
}

impl Limits {
    fn enter(&self) -> io::Result<()> {
        let limit = |resource, current, maximum| {
            let limit = Rlimit {
                current: Some(current),
                maximum: Some(maximum),
            };
            rustix::process::setrlimit(resource, limit)
        };
        limit(Resource::Core, 0, 0)?;
        limit(Resource::As, self.memory, self.memory)?;
        limit(Resource::Fsize, self.file, self.file)?;
        // The first second over it is a signal that tells, the next one ends what ignores it.
        let seconds = self.processor_seconds;
        limit(Resource::Cpu, seconds, seconds.saturating_add(1))?;
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        Ok(())
    }
}

#[expect(
    unsafe_code,
    reason = "no crate of ours has close_range(2); the call takes integers"
)]
fn keep_standard_streams() {
    // SAFETY: descriptors are only marked to be closed when the program is replaced.
    unsafe {
        libc::syscall(
            libc::SYS_close_range,
            3_u32,
            u32::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        );
    }
}
