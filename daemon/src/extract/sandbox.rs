//! What a child gives up before it reads the first byte of a file.
//!
//! Memory, processor time and descriptors are limited by the kernel (`setrlimit(2)`), and so is that no
//! file grows. Landlock takes the file system and TCP away, a seccomp filter takes sockets, new processes,
//! new programs and, from a reader, the opening of files away. Where a kernel lacks one of the two, the
//! other and the limits still hold.

use std::{collections::BTreeMap, io, path::Path};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, PathBeneath, PathFd,
    Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus, Scope,
};
use rustix::process::{Resource, Rlimit, Signal};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use serde::Serialize;

/// What guards a child besides the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Guards {
    /// No file system and no TCP, by Landlock.
    pub landlock: bool,
    /// No sockets, no new processes and no new programs, by seccomp.
    pub seccomp: bool,
}

/// What a child may still do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freedom {
    /// Read its standard input, write its answer.
    None,
    /// Also become a program of this machine, which may read programs, libraries and fonts.
    Program,
}

/// The newest interface of Landlock whose rights are asked for; an older kernel gives what it has.
const LANDLOCK: ABI = ABI::V6;

/// Where programs, libraries and fonts are.
const SYSTEM: [&str; 8] = [
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/var/cache/fontconfig",
    "/nix/store",
];

/// Gives everything up that `freedom` does not need, for this process and all that it becomes.
pub(super) fn enter(memory: u64, processor_seconds: u64, freedom: Freedom) -> io::Result<Guards> {
    let limit = |resource, most| {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        rustix::process::setrlimit(resource, limit)
    };
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Nofile, 32)?;
    limit(Resource::As, memory)?;
    // The first second over it is a signal that tells, the next one ends what ignores it.
    rustix::process::setrlimit(
        Resource::Cpu,
        Rlimit {
            current: Some(processor_seconds),
            maximum: Some(processor_seconds + 1),
        },
    )?;
    // Counts all processes of the user, so nothing more can be started; the superuser is held by the filter.
    limit(Resource::Nproc, 0)?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    rustix::thread::set_no_new_privs(true)?;
    Ok(Guards {
        landlock: fence(freedom).unwrap_or(false),
        seccomp: apply(freedom),
    })
}

fn fence(freedom: Freedom) -> Result<bool, landlock::RulesetError> {
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(AccessNet::from_all(LANDLOCK))?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?;
    if freedom == Freedom::Program {
        for path in SYSTEM.iter().filter(|path| Path::new(path).exists()) {
            let Ok(fd) = PathFd::new(path) else { continue };
            let mut rights = AccessFs::from_read(LANDLOCK);
            if Path::new(path).is_file() {
                rights &= AccessFs::from_file(LANDLOCK);
            }
            ruleset = ruleset.add_rule(PathBeneath::new(fd, rights))?;
        }
    }
    let status = ruleset.restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

/// Applies all filters; says whether all of them hold.
fn apply(freedom: Freedom) -> bool {
    let filters = [filter(freedom), threads_by_the_old_call()];
    let apply = |filter: Option<BpfProgram>| {
        filter.is_some_and(|program| seccompiler::apply_filter(&program).is_ok())
    };
    filters.into_iter().all(apply)
}

/// Refuses system calls that no reader of files needs. Other calls are left alone: a list of allowed
/// ones would break with the next C library.
fn filter(freedom: Freedom) -> Option<BpfProgram> {
    let mut refused = vec![
        libc::SYS_socket,
        libc::SYS_socketpair,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_kill,
        libc::SYS_tkill,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_bpf,
        libc::SYS_io_uring_setup,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_mount,
        libc::SYS_memfd_create,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_fork,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_vfork,
    ];
    if freedom == Freedom::None {
        refused.extend([
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_openat,
            libc::SYS_openat2,
            libc::SYS_open_by_handle_at,
            #[cfg(target_arch = "x86_64")]
            libc::SYS_open,
            #[cfg(target_arch = "x86_64")]
            libc::SYS_creat,
        ]);
    }
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        refused.into_iter().map(|call| (call, Vec::new())).collect();
    rules.insert(libc::SYS_clone, vec![no_thread()?]);
    compile(rules, libc::EPERM)
}

/// A new process is one that does not share the thread group (`clone(2)`).
fn no_thread() -> Option<SeccompRule> {
    let thread = u64::try_from(libc::CLONE_THREAD).ok()?;
    let is_none = SeccompCondition::new(
        0,
        SeccompCmpArgLen::Qword,
        SeccompCmpOp::MaskedEq(thread),
        0,
    );
    SeccompRule::new(vec![is_none.ok()?]).ok()
}

/// `clone3(2)` has its flags in memory, where no filter looks. The C library takes the older call when this
/// one is not there.
fn threads_by_the_old_call() -> Option<BpfProgram> {
    let rules = [(libc::SYS_clone3, Vec::new())];
    compile(rules.into_iter().collect(), libc::ENOSYS)
}

fn compile(rules: BTreeMap<i64, Vec<SeccompRule>>, error: i32) -> Option<BpfProgram> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).ok()?;
    let error = SeccompAction::Errno(u32::try_from(error).ok()?);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, error, arch);
    filter.ok()?.try_into().ok()
}

/// Which guards this kernel has, found without giving anything up.
pub fn guards() -> Guards {
    let landlock = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))
        .and_then(Ruleset::create)
        .is_ok();
    Guards {
        landlock,
        seccomp: filter(Freedom::None).is_some()
            && Path::new("/proc/sys/kernel/seccomp/actions_avail").exists(),
    }
}
