//! What an agent that is started through us may reach: files by Landlock, the network by Landlock and seccomp.
//!
//! All of it is given up by the process itself before it becomes the agent, needs no rights, and holds for
//! everything the agent starts. What the kernel lacks is named, never passed over.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use countersign_protocol::names;
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, NetPort,
    PathBeneath, PathFd, Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _,
    RulesetError, RulesetStatus, Scope,
};
use rustix::process::{Resource, Rlimit, Signal};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use serde::{Deserialize, Serialize};

/// The newest interface of Landlock whose rights are asked for.
const NEWEST: ABI = ABI::V6;

/// Where programs, libraries and the facts of the system are.
const SYSTEM: [&str; 14] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/opt",
    "/etc",
    "/nix/store",
    "/proc",
    "/sys",
    "/run/systemd/resolve",
    "/var/lib/ca-certificates",
    "/dev/fd",
];

/// Devices that harm nobody, and the terminal.
const DEVICES: [&str; 8] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/ptmx",
    "/dev/pts",
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
    /// What of the network may be used.
    pub network: Network,
    /// What it may cost; without it, anything, and it may start sessions of its own.
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
    /// Real paths of other workspaces and of the daemon's own folder.
    pub hidden: Vec<PathBuf>,
}

impl Policy {
    /// What every agent gets at its site: its work area, its box, and to read the rest of the workspace and of the system.
    pub fn of_agent(site: &Site, agent: &str, network: Network) -> Self {
        let workspace = &site.workspace;
        let work = workspace.join(&site.work);
        let own = workspace.join(names::OWN_FOLDER);
        let inbox = workspace.join(names::INBOX);
        let Self {
            mut read,
            mut write,
            ..
        } = Self::of_system(&site.hidden);
        // The folder itself cannot be granted, or all of its rooms would be.
        read.extend(around(
            workspace,
            &[own.clone(), inbox.clone(), work.clone()],
        ));
        read.push(own.join("handoffs"));
        read.push(own.join(names::INBOX).join(agent));
        write.push(work);
        // Requests for locks, by file.
        write.push(workspace.join(names::LOCKS));
        Self {
            read,
            write,
            add: vec![inbox.join(agent)],
            network,
            limits: None,
        }
    }

    /// To read and run what is of the system, but for `hidden`, and nothing else.
    pub fn of_system(hidden: &[PathBuf]) -> Self {
        let mut read: Vec<PathBuf> = SYSTEM
            .iter()
            .filter_map(|path| Path::new(path).canonicalize().ok())
            .flat_map(|path| around(&path, hidden))
            .collect();
        read.extend(std::env::current_exe());
        Self {
            read,
            write: DEVICES.iter().map(PathBuf::from).collect(),
            add: Vec::new(),
            network: Network::None,
            limits: None,
        }
    }
}

/// The newest interface of Landlock that this kernel has; `None` when it has none.
fn interface() -> Option<ABI> {
    let all = [ABI::V6, ABI::V5, ABI::V4, ABI::V3, ABI::V2, ABI::V1];
    all.into_iter().find(|abi| {
        // Made and thrown away: nothing is given up by that.
        let mut ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(*abi));
        if *abi >= ABI::V4 {
            ruleset = ruleset.and_then(|one| one.handle_access(AccessNet::from_all(*abi)));
        }
        if *abi >= ABI::V6 {
            ruleset = ruleset.and_then(|one| one.scope(Scope::from_all(*abi)));
        }
        ruleset.and_then(Ruleset::create).is_ok()
    })
}

/// What this kernel cannot enforce of `network` and of files, one sentence each; empty when it can all.
pub fn missing(network: &Network) -> Vec<&'static str> {
    lacks(interface(), network)
}

fn lacks(abi: Option<ABI>, network: &Network) -> Vec<&'static str> {
    let Some(abi) = abi else {
        return vec!["this kernel has no Landlock: files are not confined at all"];
    };
    let mut lacks = Vec::new();
    let mut need = |least: ABI, what: &'static str| {
        if abi < least {
            lacks.push(what);
        }
    };
    need(
        ABI::V2,
        "this kernel lets nothing be moved between folders, so nothing can be dropped into the inbox",
    );
    need(
        ABI::V3,
        "this kernel does not keep files from being cut short",
    );
    if matches!(network, Network::Ports(_)) {
        need(
            ABI::V4,
            "this kernel does not hold TCP connections back by port",
        );
    }
    need(
        ABI::V5,
        "this kernel does not hold commands to devices back",
    );
    need(
        ABI::V6,
        "this kernel does not hold signals and abstract sockets to other processes back",
    );
    lacks
}

impl Policy {
    /// Gives up everything that is not named, for this process and all that it becomes. Fails when the kernel
    /// refuses; what it merely lacks is said by [`missing`].
    pub fn enter(&self) -> io::Result<()> {
        keep_standard_streams();
        if let Some(limits) = &self.limits {
            limits.enter()?;
        }
        rustix::thread::set_no_new_privs(true)?;
        if interface().is_some() {
            let status = self.fence().map_err(io::Error::other)?;
            if status == RulesetStatus::NotEnforced {
                return Err(io::Error::other("Landlock is there and does not hold"));
            }
        }
        if let Some(filter) = filter(&self.network) {
            seccompiler::apply_filter(&filter).map_err(io::Error::other)?;
        }
        if self.limits.is_some() {
            let filter = in_one_group()
                .ok_or_else(|| io::Error::other("no filter of system calls can be made"))?;
            seccompiler::apply_filter(&filter).map_err(io::Error::other)?;
        }
        Ok(())
    }

    fn fence(&self) -> Result<RulesetStatus, RulesetError> {
        let mut ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(NEWEST))?;
        if matches!(self.network, Network::Ports(_)) {
            ruleset = ruleset.handle_access(AccessNet::from_all(NEWEST))?;
        }
        let mut ruleset = ruleset.scope(Scope::from_all(NEWEST))?.create()?;
        let all = AccessFs::from_all(NEWEST) & !(AccessFs::MakeChar | AccessFs::MakeBlock);
        for path in &self.read {
            ruleset = allow(ruleset, path, AccessFs::from_read(NEWEST))?;
        }
        for path in &self.write {
            ruleset = allow(ruleset, path, all)?;
        }
        for path in &self.add {
            let add = AccessFs::MakeReg | AccessFs::MakeDir | AccessFs::Refer;
            ruleset = allow(ruleset, path, add)?;
        }
        if let Network::Ports(ports) = &self.network {
            for port in ports {
                ruleset = ruleset.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
            }
        }
        Ok(ruleset.restrict_self()?.ruleset)
    }
}

/// Allows `rights` at `path`, when it is there.
fn allow(
    ruleset: RulesetCreated,
    path: &Path,
    mut rights: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    let Ok(fd) = PathFd::new(path) else {
        return Ok(ruleset);
    };
    if !path.is_dir() {
        rights &= AccessFs::from_file(NEWEST);
    }
    ruleset.add_rule(PathBeneath::new(fd, rights))
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

/// Lets no process leave the group that it was started in, so that the group can be ended as a whole.
fn in_one_group() -> Option<BpfProgram> {
    let refused = [libc::SYS_setsid, libc::SYS_setpgid].map(|call| (call, Vec::new()));
    compile(refused.into_iter().collect(), libc::EPERM)
}

fn compile(rules: BTreeMap<i64, Vec<SeccompRule>>, error: i32) -> Option<BpfProgram> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).ok()?;
    let error = SeccompAction::Errno(u32::try_from(error).ok()?);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, error, arch);
    filter.ok()?.try_into().ok()
}

/// Without a network, no socket but those that are files. `io_uring(7)` makes sockets past every filter.
fn filter(network: &Network) -> Option<BpfProgram> {
    if *network != Network::None {
        return None;
    }
    let other = SeccompCondition::new(
        0,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::Ne,
        u64::try_from(libc::AF_UNIX).ok()?,
    )
    .ok()?;
    let rules = [
        (libc::SYS_socket, vec![SeccompRule::new(vec![other]).ok()?]),
        (libc::SYS_io_uring_setup, Vec::new()),
    ];
    compile(rules.into_iter().collect(), libc::EACCES)
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

/// `path` without `hidden`: itself where nothing hidden is in it, else what is in it, as deep as need be.
/// Landlock can only allow, so what must stay hidden is gone around.
pub fn around(path: &Path, hidden: &[PathBuf]) -> Vec<PathBuf> {
    if hidden.iter().any(|one| path.starts_with(one)) {
        return Vec::new();
    }
    if !hidden.iter().any(|one| one.starts_with(path)) {
        return vec![path.to_owned()];
    }
    let Ok(entries) = std::fs::read_dir(path) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink()))
        .flat_map(|entry| around(&entry.path(), hidden))
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_kernel_is_named_for_all_that_it_lacks() {
        assert_eq!(lacks(Some(ABI::V6), &Network::Ports(vec![443])), [""; 0]);
        assert_eq!(lacks(None, &Network::Any).len(), 1);
        let oldest = lacks(Some(ABI::V1), &Network::Ports(vec![443]));
        assert_eq!(oldest.len(), 5);
        assert_eq!(lacks(Some(ABI::V3), &Network::None).len(), 2);
        assert_eq!(lacks(Some(ABI::V3), &Network::Ports(Vec::new())).len(), 3);
    }

    #[test]
    fn what_is_hidden_is_gone_around() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["a/b/secret", "a/b/open", "a/c", "d"] {
            crate::fs::Dir::create(&at(name), 0o755).unwrap();
        }
        let hidden = [at("a/b/secret")];
        assert_eq!(
            around(folder.path(), &hidden),
            [at("a/b/open"), at("a/c"), at("d")]
        );
        assert_eq!(around(&at("d"), &hidden), [at("d")]);
        assert!(around(&at("a/b/secret"), &hidden).is_empty());
        assert!(around(&at("a/b/secret/deep"), &hidden).is_empty());
    }
}
