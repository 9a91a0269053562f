//! Attacks on the machine around a workspace, which only `countersign run` holds: other processes and users,
//! parts of the kernel, terminals, sockets and the network.

use std::{
    fs::{self, File, FileTimes},
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddrV4, TcpStream},
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::{
            ffi::OsStrExt as _,
            fs::{OpenOptionsExt as _, PermissionsExt as _},
            net::UnixStream,
        },
    },
    path::Path,
    time::SystemTime,
};

use rustix::{
    fs::inotify,
    net::{AddressFamily, SocketType},
    process::{Resource, Rlimit},
};

use super::{Attack, Scene, Target, attack};

/// A system call that no crate of ours has.
#[expect(
    unsafe_code,
    reason = "the calls are made as an attacker would make them"
)]
fn call(number: libc::c_long, arguments: [usize; 6]) -> io::Result<usize> {
    // SAFETY: pointers among the arguments lead to memory of the caller that lives until the call returns.
    let done = unsafe {
        libc::syscall(
            number,
            arguments[0],
            arguments[1],
            arguments[2],
            arguments[3],
            arguments[4],
            arguments[5],
        )
    };
    usize::try_from(done).map_err(|_| io::Error::last_os_error())
}

/// Bytes that a call may read from and write to.
fn place<const N: usize>(mut bytes: [u8; N]) -> (usize, Box<[u8; N]>) {
    bytes[N - 1] = 0;
    let place = Box::new(bytes);
    (place.as_ptr().addr(), place)
}

fn mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

fn watch(path: &Path) -> io::Result<()> {
    let watches = inotify::init(inotify::CreateFlags::CLOEXEC)?;
    inotify::add_watch(watches, path, inotify::WatchFlags::ALL_EVENTS)?;
    Ok(())
}

fn daemon(scene: &Scene) -> io::Result<usize> {
    usize::try_from(scene.pid).map_err(io::Error::other)
}

/// A file that is made to run as its owner must not be there afterwards with that mode.
fn set_id(scene: &Scene, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let path = scene.area().join("runs-as-owner");
    let _ = fs::remove_file(&path);
    make(&path)?;
    if path.symlink_metadata()?.permissions().mode() & 0o6000 == 0 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(())
}

fn socket(family: u16, kind: SocketType, protocol: i32) -> io::Result<OwnedFd> {
    // SOCK_CLOEXEC is not asked for: not every family knows it.
    let raw = [
        usize::from(family),
        usize::try_from(kind.as_raw()).unwrap_or_default(),
        usize::try_from(protocol).unwrap_or_default(),
        0,
        0,
        0,
    ];
    call(libc::SYS_socket, raw).map(owned)
}

#[expect(
    unsafe_code,
    reason = "the number comes from the call that was just made"
)]
fn owned(raw: usize) -> OwnedFd {
    use std::os::fd::FromRawFd as _;
    // SAFETY: the descriptor is new, and nobody else has it.
    unsafe { OwnedFd::from_raw_fd(i32::try_from(raw).unwrap_or(-1)) }
}

fn here(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)
}

/// Whether something at the other end answers.
fn answers(socket: OwnedFd) -> io::Result<()> {
    let mut stream = TcpStream::from(socket);
    stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n")?;
    let mut one = [0];
    stream.read_exact(&mut one)
}

fn connects(family: AddressFamily, protocol: i32, scene: &Scene) -> io::Result<()> {
    let socket = socket(family.as_raw(), SocketType::STREAM, protocol)?;
    if family == AddressFamily::INET6 {
        let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
        let at = std::net::SocketAddrV6::new(mapped, scene.port, 0, 0);
        rustix::net::connect(&socket, &at)?;
    } else {
        rustix::net::connect(&socket, &here(scene.port))?;
    }
    answers(socket)
}

const MPTCP: i32 = 262;
const SCTP: i32 = 132;

pub(super) const ATTACKS: &[Attack] = &[
    attack(
        "see that the folder of the daemon is there",
        Target::Machine,
        |s| fs::metadata(&s.data).map(drop),
    ),
    attack(
        "see that another workspace is there",
        Target::Machine,
        |s| fs::metadata(&s.other).map(drop),
    ),
    attack(
        "open the folder of the daemon for others",
        Target::Machine,
        |s| mode(&s.data, 0o755),
    ),
    attack(
        "open the key of the operator for others",
        Target::Machine,
        |s| mode(&s.data.join("daemon.json"), 0o644),
    ),
    attack("open another workspace for others", Target::Machine, |s| {
        mode(&s.other, 0o777)
    }),
    attack(
        "change the times of another workspace",
        Target::Machine,
        |s| {
            let now = FileTimes::new().set_modified(SystemTime::now());
            File::open(&s.other)?.set_times(now)
        },
    ),
    attack(
        "put an attribute on another workspace",
        Target::Machine,
        |s| {
            let flags = rustix::fs::XattrFlags::empty();
            Ok(rustix::fs::setxattr(&s.other, "user.mark", b"x", flags)?)
        },
    ),
    attack(
        "open what the daemon wrote for others",
        Target::Machine,
        |s| mode(&s.workspace.join(".countersign"), 0o777),
    ),
    attack(
        "open the box of another agent for others",
        Target::Machine,
        |s| mode(&s.inbox("ares"), 0o777),
    ),
    attack("watch another workspace", Target::Machine, |s| {
        watch(&s.other)
    }),
    attack("watch the folder of the daemon", Target::Machine, |s| {
        watch(&s.data)
    }),
    attack("watch a whole file system", Target::Machine, |_| {
        call(libc::SYS_fanotify_init, [0; 6]).map(drop)
    }),
    attack("open a file by its handle", Target::Machine, |s| {
        let (at, _kept) = place([8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let root = File::open(s.area())?;
        let root = usize::try_from(root.as_raw_fd()).unwrap_or_default();
        call(libc::SYS_open_by_handle_at, [root, at, 0, 0, 0, 0]).map(drop)
    }),
    attack("limit what the daemon may use", Target::Machine, |s| {
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        let before = rustix::process::prlimit(s.daemon(), Resource::Core, none)?;
        // What worked is taken back, or the daemon would be another one for the next attack.
        rustix::process::prlimit(s.daemon(), Resource::Core, before)?;
        Ok(())
    }),
    attack("slow the daemon down", Target::Machine, |s| {
        Ok(rustix::process::setpriority_process(s.daemon(), 19)?)
    }),
    attack("bind the daemon to a processor", Target::Machine, |s| {
        let (at, _kept) = place([1, 0, 0, 0, 0, 0, 0, 0]);
        call(libc::SYS_sched_setaffinity, [daemon(s)?, 8, at, 0, 0, 0]).map(drop)
    }),
    attack("put the reads of the daemon last", Target::Machine, |s| {
        call(libc::SYS_ioprio_set, [1, daemon(s)?, 3 << 13, 0, 0, 0]).map(drop)
    }),
    attack(
        "take hold of the daemon by a descriptor",
        Target::Machine,
        |s| {
            let pid = s.daemon().ok_or(io::ErrorKind::NotFound)?;
            let held = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())?;
            rustix::process::pidfd_send_signal(held, rustix::process::Signal::CONT)?;
            Ok(())
        },
    ),
    attack("see which processes there are", Target::Machine, |s| {
        fs::metadata(format!("/proc/{}", s.pid)).map(drop)
    }),
    attack("trace the process that watches it", Target::Machine, |_| {
        const ATTACH: usize = 16;
        let parent = rustix::process::getppid()
            .map_or(0, |pid| pid.as_raw_nonzero().get().unsigned_abs() as usize);
        call(libc::SYS_ptrace, [ATTACH, parent, 0, 0, 0, 0]).map(drop)
    }),
    attack(
        "share memory with a process outside",
        Target::Machine,
        |s| {
            let key = usize::try_from(s.shared).unwrap_or_default();
            call(libc::SYS_shmget, [key, 0, 0, 0, 0, 0]).map(drop)
        },
    ),
    attack("read the keyring of the session", Target::Machine, |_| {
        const DESCRIBE: usize = 6;
        const SESSION: usize = (-3_isize).cast_unsigned();
        call(libc::SYS_keyctl, [DESCRIBE, SESSION, 0, 0, 0, 0]).map(drop)
    }),
    attack(
        "make calls past every filter by io_uring",
        Target::Machine,
        |_| {
            let (at, _kept) = place([0; 120]);
            call(libc::SYS_io_uring_setup, [1, at, 0, 0, 0, 0]).map(drop)
        },
    ),
    attack("handle faults of memory itself", Target::Machine, |_| {
        call(libc::SYS_userfaultfd, [1, 0, 0, 0, 0, 0]).map(drop)
    }),
    attack("count events of the machine", Target::Machine, |_| {
        let (at, _kept) = place([0; 128]);
        call(
            libc::SYS_perf_event_open,
            [at, 0, usize::MAX, usize::MAX, 0, 0],
        )
        .map(drop)
    }),
    attack("load a program into the kernel", Target::Machine, |_| {
        let (at, _kept) = place([0; 128]);
        call(libc::SYS_bpf, [0, at, 128, 0, 0, 0]).map(drop)
    }),
    attack("make a user namespace", Target::Machine, |_| {
        let flags = usize::try_from(libc::CLONE_NEWUSER).unwrap_or_default();
        call(libc::SYS_unshare, [flags, 0, 0, 0, 0, 0]).map(drop)
    }),
    attack("mount something", Target::Machine, |s| {
        let area = s.area();
        Ok(rustix::mount::mount_bind(&area, &area)?)
    }),
    attack("read the log of the kernel", Target::Machine, |_| {
        let (at, _kept) = place([0; 4096]);
        call(libc::SYS_syslog, [3, at, 4096, 0, 0, 0]).map(drop)
    }),
    attack("type into a terminal", Target::Machine, |_| {
        let (at, _kept) = place([b'x', 0]);
        let sti = usize::try_from(libc::TIOCSTI).unwrap_or_default();
        // Without the filter: no terminal, ENOTTY. That it would work at one is tried in `terminals`.
        match call(libc::SYS_ioctl, [0, sti, at, 0, 0, 0]) {
            Err(error) if error.raw_os_error() == Some(libc::ENOTTY) => Ok(()),
            other => other.map(drop),
        }
    }),
    attack(
        "type into a terminal, with other bits set",
        Target::Machine,
        |_| {
            let (at, _kept) = place([b'x', 0]);
            let sti = usize::try_from(libc::TIOCSTI).unwrap_or_default() | (1 << 32);
            match call(libc::SYS_ioctl, [0, sti, at, 0, 0, 0]) {
                Err(error) if error.raw_os_error() == Some(libc::ENOTTY) => Ok(()),
                other => other.map(drop),
            }
        },
    ),
    attack("make a file run as its owner", Target::Machine, |s| {
        set_id(s, |path| {
            File::create(path)?;
            mode(path, 0o4755)
        })
    }),
    attack(
        "make a new file that runs as its owner",
        Target::Machine,
        |s| {
            set_id(s, |path| {
                let mut options = File::options();
                options.write(true).create_new(true).mode(0o4755);
                options.open(path).map(drop)
            })
        },
    ),
    attack("the same by a newer call", Target::Machine, |s| {
        set_id(s, |path| {
            let flags = rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY;
            let mode = rustix::fs::Mode::from_raw_mode(0o4755);
            let resolve = rustix::fs::ResolveFlags::empty();
            rustix::fs::openat2(rustix::fs::CWD, path, flags, mode, resolve)?;
            Ok(())
        })
    }),
    attack(
        "make a file run as its group, by a descriptor",
        Target::Machine,
        |s| {
            set_id(s, |path| {
                let file = File::create(path)?;
                file.set_permissions(fs::Permissions::from_mode(0o2755))
            })
        },
    ),
    attack("read the passwords of the system", Target::Machine, |_| {
        File::open("/etc/shadow").map(drop)
    }),
    attack(
        "read a secret that the configuration names",
        Target::Machine,
        |s| File::open(s.outside.join("secret")).map(drop),
    ),
    attack(
        "read the environment of whoever started it",
        Target::Machine,
        |_| match std::env::var_os("COUNTERSIGN_OUTSIDE_SECRET") {
            Some(_) => Ok(()),
            None => Err(io::ErrorKind::NotFound.into()),
        },
    ),
    attack("talk to a socket that is a file", Target::Machine, |s| {
        UnixStream::connect(s.outside.join("open.sock")).map(drop)
    }),
    attack(
        "list folders for temporary files of others",
        Target::Machine,
        |_| fs::read_dir("/tmp").map(drop),
    ),
    attack("look into shared memory of others", Target::Machine, |s| {
        let name = format!("/dev/shm/countersign-{}", s.shared);
        File::open(name).map(drop)
    }),
    attack("connect to another port", Target::Network, |s| {
        connects(AddressFamily::INET, 0, s)
    }),
    attack("connect to another port by IPv6", Target::Network, |s| {
        connects(AddressFamily::INET6, 0, s)
    }),
    attack("connect by Multipath TCP", Target::Network, |s| {
        connects(AddressFamily::INET, MPTCP, s)
    }),
    attack("connect by Multipath TCP and IPv6", Target::Network, |s| {
        connects(AddressFamily::INET6, MPTCP, s)
    }),
    attack("connect by sending (TCP Fast Open)", Target::Network, |s| {
        let socket = socket(2, SocketType::STREAM, 0)?;
        let (at, _kept) = place(*b"GET / HTTP/1.0\r\n\r\n\0");
        let to = here(s.port);
        let mut raw = [0; 16];
        raw[0] = 2;
        raw[2..4].copy_from_slice(&to.port().to_be_bytes());
        raw[4..8].copy_from_slice(&to.ip().octets());
        let address = Box::new(raw);
        let fd = usize::try_from(socket.as_raw_fd()).unwrap_or_default();
        let flag = usize::try_from(libc::MSG_FASTOPEN).unwrap_or_default();
        let arguments = [fd, at, 18, flag, address.as_ptr().addr(), 16];
        call(libc::SYS_sendto, arguments).map(drop)
    }),
    attack("listen by Multipath TCP", Target::Network, |_| {
        let socket = socket(2, SocketType::STREAM, MPTCP)?;
        rustix::net::bind(&socket, &here(0))?;
        Ok(rustix::net::listen(&socket, 1)?)
    }),
    attack("listen at a port", Target::Network, |_| {
        std::net::TcpListener::bind(here(0)).map(drop)
    }),
    attack("listen without asking for a port", Target::Network, |_| {
        let socket = socket(2, SocketType::STREAM, 0)?;
        Ok(rustix::net::listen(&socket, 1)?)
    }),
    attack("use SCTP", Target::Network, |_| {
        socket(2, SocketType::STREAM, SCTP).map(drop)
    }),
    attack(
        "talk to the host of a virtual machine",
        Target::Network,
        |_| socket(40, SocketType::STREAM, 0).map(drop),
    ),
    attack(
        "talk to a socket with an abstract name",
        Target::Network,
        |s| {
            use std::os::linux::net::SocketAddrExt as _;
            let name = s.outside.as_os_str().as_bytes();
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            UnixStream::connect_addr(&address).map(drop)
        },
    ),
];
