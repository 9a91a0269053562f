//! Filters of system calls (`seccomp(2)`) for what neither Landlock nor namespaces hold.
//!
//! A deny list: an allow list would break compilers, browsers and the next C library. A filter sees numbers, not the
//! memory behind pointers; calls that have their flags in memory and an older form fail with `ENOSYS`, so that
//! libraries fall back to the older form.

use std::{collections::BTreeMap, io};

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, sock_filter,
};

use super::Network;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Bits of a mode that give whoever runs a file the user or the group of its owner (`inode(7)`).
const SET_ID: [u64; 2] = [0o4000, 0o2000];

/// Reach of other processes and of their shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Others {
    /// Same namespaces: filters must hold the agent back.
    Visible,
    /// Own PID and IPC namespaces.
    Apart,
}

/// Applies the filters to this process and its descendants.
pub(super) fn refuse(network: &Network, others: Others) -> io::Result<()> {
    let mut filters = vec![
        compile(never()?, libc::EPERM)?,
        compile(unreadable(), libc::ENOSYS)?,
        compile(sockets(network)?, libc::EACCES)?,
    ];
    if others == Others::Visible {
        filters.push(compile(by_number()?, libc::EPERM)?);
    }
    filters.extend(other_numbers());
    for filter in filters {
        seccompiler::apply_filter(&filter).map_err(io::Error::other)?;
    }
    Ok(())
}

/// Refuses to leave the process group, so that the group can be killed as a whole.
pub(super) fn keep_in_one_group() -> io::Result<()> {
    let refused = [libc::SYS_setsid, libc::SYS_setpgid].map(|call| (call, Vec::new()));
    let filter = compile(refused.into_iter().collect(), libc::EPERM)?;
    seccompiler::apply_filter(&filter).map_err(io::Error::other)
}

/// Compares the lower half of an argument.
fn argument(at: u8, compares: SeccompCmpOp, with: u64) -> io::Result<SeccompCondition> {
    // The kernel looks at the lower half of each of these, whatever is in the upper one (CVE-2019-10063).
    SeccompCondition::new(at, SeccompCmpArgLen::Dword, compares, with).map_err(io::Error::other)
}

/// Returns a rule that matches when all conditions do.
fn all(conditions: Vec<SeccompCondition>) -> io::Result<SeccompRule> {
    SeccompRule::new(conditions).map_err(io::Error::other)
}

fn is(at: u8, value: u64) -> io::Result<SeccompRule> {
    all(vec![argument(at, SeccompCmpOp::Eq, value)?])
}

fn is_not(at: u8, value: u64) -> io::Result<SeccompRule> {
    all(vec![argument(at, SeccompCmpOp::Ne, value)?])
}

/// Matches when `bit` is set.
fn has(at: u8, bit: u64) -> io::Result<SeccompRule> {
    all(vec![argument(at, SeccompCmpOp::MaskedEq(bit), bit)?])
}

/// Returns the calls that are refused in all cases.
fn never() -> io::Result<Rules> {
    let mut rules: Rules = [
        // Keyrings are shared by all processes of a session and of a user (keyrings(7)).
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        // Makes sockets and opens files past every filter.
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        // Watches of whole file systems by handle, and files by handle.
        libc::SYS_fanotify_init,
        libc::SYS_open_by_handle_at,
        // Parts of the kernel through which others were taken over.
        libc::SYS_userfaultfd,
        libc::SYS_perf_event_open,
        libc::SYS_bpf,
        // Other namespaces, other roots, other mounts.
        libc::SYS_setns,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_fsopen,
        libc::SYS_fsmount,
        libc::SYS_open_tree,
        libc::SYS_move_mount,
        libc::SYS_mount_setattr,
        // The log of the kernel.
        libc::SYS_syslog,
        // The machine; refused to all but the superuser in any case.
        libc::SYS_kexec_load,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_swapon,
        libc::SYS_swapoff,
        libc::SYS_reboot,
        libc::SYS_acct,
        libc::SYS_quotactl,
        libc::SYS_settimeofday,
        libc::SYS_clock_settime,
        libc::SYS_adjtimex,
        libc::SYS_clock_adjtime,
    ]
    .into_iter()
    .map(|call| (call, Vec::new()))
    .collect();
    // A new user namespace gives rights inside it, over parts of the kernel that few have looked at; the others
    // are what those rights are for.
    let spaces = [
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWCGROUP,
    ];
    for call in [libc::SYS_unshare, libc::SYS_clone] {
        let made = spaces.into_iter().map(|space| has(0, unsigned(space)?));
        rules.insert(call, made.collect::<io::Result<_>>()?);
    }
    // Words typed into a terminal, or pasted on a console, by a program (CVE-2017-5226, CVE-2023-28100).
    let typed = [libc::TIOCSTI, libc::TIOCLINUX, libc::TIOCCONS]
        .into_iter()
        .map(|command| is(1, command))
        .collect::<io::Result<_>>()?;
    rules.insert(libc::SYS_ioctl, typed);
    set_id(&mut rules)?;
    Ok(rules)
}

/// Refuses modes with set-user-ID or set-group-ID: another user who runs such a file runs it as the owner, outside of
/// the sandbox.
fn set_id(rules: &mut Rules) -> io::Result<()> {
    let by_mode = [
        (libc::SYS_fchmod, 1),
        (libc::SYS_fchmodat, 2),
        (libc::SYS_fchmodat2, 2),
        (libc::SYS_mkdirat, 2),
        (libc::SYS_mknodat, 2),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_chmod, 1),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_mkdir, 1),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_mknod, 1),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_creat, 1),
    ];
    for (call, at) in by_mode {
        let bits = SET_ID.into_iter().map(|bit| has(at, bit));
        rules.insert(call, bits.collect::<io::Result<_>>()?);
    }
    let by_flags = [
        (libc::SYS_openat, 2),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_open, 1),
    ];
    for (call, flags) in by_flags {
        // Without these the mode is whatever was in the register.
        let makes = [libc::O_CREAT, libc::O_TMPFILE & !libc::O_DIRECTORY];
        let mut all_of = Vec::new();
        for makes in makes {
            let makes = unsigned(makes)?;
            for bit in SET_ID {
                all_of.push(all(vec![
                    argument(flags, SeccompCmpOp::MaskedEq(makes), makes)?,
                    argument(flags + 1, SeccompCmpOp::MaskedEq(bit), bit)?,
                ])?);
            }
        }
        rules.insert(call, all_of);
    }
    Ok(())
}

/// Returns the calls with flags in memory that have an older form with flags in registers.
fn unreadable() -> Rules {
    [libc::SYS_clone3, libc::SYS_openat2]
        .into_iter()
        .map(|call| (call, Vec::new()))
        .collect()
}

/// Returns the calls that name another process, or shared memory, by number.
fn by_number() -> io::Result<Rules> {
    let mut rules = Rules::new();
    let of_another = [
        (libc::SYS_prlimit64, 0),
        (libc::SYS_sched_setaffinity, 0),
        (libc::SYS_sched_setscheduler, 0),
        (libc::SYS_sched_setparam, 0),
        (libc::SYS_sched_setattr, 0),
        (libc::SYS_migrate_pages, 0),
        (libc::SYS_move_pages, 0),
    ];
    for (call, at) in of_another {
        rules.insert(call, vec![is_not(at, 0)?]);
    }
    // A process or a group by number, or all of a user.
    let user = unsigned(libc::PRIO_USER.cast_signed())?;
    rules.insert(libc::SYS_setpriority, vec![is_not(1, 0)?, is(0, user)?]);
    rules.insert(libc::SYS_ioprio_set, vec![is_not(1, 0)?, is(0, 3)?]);
    // Memory, queues and semaphores that other processes have, by numbers that can be guessed (sysvipc(7)).
    let shared = [
        libc::SYS_shmget,
        libc::SYS_shmat,
        libc::SYS_shmctl,
        libc::SYS_msgget,
        libc::SYS_msgsnd,
        libc::SYS_msgrcv,
        libc::SYS_msgctl,
        libc::SYS_semget,
        libc::SYS_semop,
        libc::SYS_semtimedop,
        libc::SYS_semctl,
        libc::SYS_mq_open,
        libc::SYS_mq_unlink,
    ];
    rules.extend(shared.map(|call| (call, Vec::new())));
    Ok(rules)
}

/// Returns the rules of sockets: families, and with ports all ways of TCP past Landlock.
fn sockets(network: &Network) -> io::Result<Rules> {
    let mut families = vec![libc::AF_UNIX];
    if *network != Network::None {
        // Names are looked up with the help of AF_NETLINK, too (getifaddrs(3)).
        families.extend([libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK]);
    }
    let others = families
        .into_iter()
        .map(|family| argument(0, SeccompCmpOp::Ne, unsigned(family)?))
        .collect::<io::Result<_>>()?;
    let mut made = vec![all(others)?];
    let mut rules = Rules::new();
    if matches!(network, Network::Ports(_)) {
        // Landlock looks at plain TCP alone: Multipath TCP, SCTP and their kin go past it.
        let known = [0, libc::IPPROTO_TCP, libc::IPPROTO_UDP];
        for family in [libc::AF_INET, libc::AF_INET6] {
            let mut conditions = vec![argument(0, SeccompCmpOp::Eq, unsigned(family)?)?];
            for protocol in known {
                conditions.push(argument(2, SeccompCmpOp::Ne, unsigned(protocol)?)?);
            }
            made.push(all(conditions)?);
        }
        // A connection that is made by sending; Landlock looks at connect(2).
        let fast_open = unsigned(libc::MSG_FASTOPEN)?;
        rules.insert(libc::SYS_sendto, vec![has(3, fast_open)?]);
        rules.insert(libc::SYS_sendmsg, vec![has(2, fast_open)?]);
        rules.insert(libc::SYS_sendmmsg, vec![has(3, fast_open)?]);
        let tcp = unsigned(libc::IPPROTO_TCP)?;
        let options = [libc::TCP_FASTOPEN, libc::TCP_FASTOPEN_CONNECT];
        let options = options.into_iter().map(|option| {
            all(vec![
                argument(1, SeccompCmpOp::Eq, tcp)?,
                argument(2, SeccompCmpOp::Eq, unsigned(option)?)?,
            ])
        });
        rules.insert(libc::SYS_setsockopt, options.collect::<io::Result<_>>()?);
        // A socket that listens without an address gets a port from the kernel, and Landlock is not asked.
        rules.insert(libc::SYS_listen, Vec::new());
    }
    rules.insert(libc::SYS_socket, made);
    Ok(rules)
}

/// Refuses the x32 ABI of x86-64, a second set of numbers for the same calls.
fn other_numbers() -> Option<BpfProgram> {
    const X32: u32 = 0x4000_0000;
    let step = |code: u32, jt, jf, k| sock_filter {
        code: u16::try_from(code).unwrap_or_default(),
        jt,
        jf,
        k,
    };
    let error = u32::try_from(libc::ENOSYS).ok()? & libc::SECCOMP_RET_DATA;
    cfg!(target_arch = "x86_64").then(|| {
        vec![
            step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
            step(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 1, X32),
            step(
                libc::BPF_RET | libc::BPF_K,
                0,
                0,
                libc::SECCOMP_RET_ERRNO | error,
            ),
            step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
        ]
    })
}

fn unsigned(value: i32) -> io::Result<u64> {
    u64::try_from(value).map_err(io::Error::other)
}

fn compile(rules: Rules, error: i32) -> io::Result<BpfProgram> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?;
    let error = SeccompAction::Errno(u32::try_from(error).map_err(io::Error::other)?);
    SeccompFilter::new(rules, SeccompAction::Allow, error, arch)
        .and_then(TryInto::try_into)
        .map_err(io::Error::other)
}
