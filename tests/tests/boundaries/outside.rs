//! What lies around a workspace on a machine, for agents that look for a way out.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            ffi::OsStrExt as _,
            fs::PermissionsExt as _,
            net::{SocketAddr, UnixListener},
        },
    },
    path::PathBuf,
};

use tempfile::TempDir;

use super::{HERMES, Setting, is_root, own};

/// All of it is there as long as this is.
pub(crate) struct Outside {
    pub(crate) folder: PathBuf,
    pub(crate) shared: Shared,
    listens: TcpListener,
    _sockets: [UnixListener; 2],
    _kept: TempDir,
}

impl Outside {
    /// It belongs to the user of whom the agents of `setting` are.
    pub(crate) fn open(setting: Setting) -> Self {
        let kept = tempfile::tempdir().unwrap();
        let folder = kept.path().canonicalize().unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.join("secret"), "a secret\n").unwrap();
        let socket = folder.join("open.sock");
        let by_file = UnixListener::bind(&socket).unwrap();
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o777)).unwrap();
        let name = SocketAddr::from_abstract_name(folder.as_os_str().as_bytes()).unwrap();
        let by_name = UnixListener::bind_addr(&name).unwrap();
        if is_root() && !setting.is_other_user() {
            own(&folder, HERMES);
        }
        let shared = Shared::make();
        fs::write(shared.file(), "shared").unwrap();
        fs::set_permissions(shared.file(), fs::Permissions::from_mode(0o666)).unwrap();
        let listens = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let answering = listens.try_clone().unwrap();
        std::thread::spawn(move || {
            use std::io::Write as _;
            for mut stream in answering.incoming().flatten() {
                let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n");
            }
        });
        Self {
            folder,
            shared,
            listens,
            _sockets: [by_file, by_name],
            _kept: kept,
        }
    }

    /// The port at which somebody listens.
    pub(crate) fn port(&self) -> u16 {
        self.listens.local_addr().unwrap().port()
    }
}

/// Memory that any process of this machine may share by its key (`shmget(2)`).
pub(crate) struct Shared {
    pub(crate) key: i32,
    id: i32,
}

impl Shared {
    /// Memory with a name (`shm_overview(7)`) beside it.
    fn file(&self) -> PathBuf {
        format!("/dev/shm/countersign-{}", self.key).into()
    }

    #[expect(
        unsafe_code,
        reason = "no crate of ours has shmget(2); it takes integers"
    )]
    fn make() -> Self {
        let key = i32::try_from(std::process::id()).unwrap() + 0x10_0000;
        for key in key.. {
            // SAFETY: nothing is attached; the memory is only made.
            let id = unsafe { libc::shmget(key, 4096, libc::IPC_CREAT | libc::IPC_EXCL | 0o666) };
            if id >= 0 {
                return Self { key, id };
            }
        }
        unreachable!("a key is free")
    }
}

impl Drop for Shared {
    #[expect(
        unsafe_code,
        reason = "no crate of ours has shmctl(2); it takes integers"
    )]
    fn drop(&mut self) {
        let _ = fs::remove_file(self.file());
        // SAFETY: `IPC_RMID` does not look at the third argument.
        unsafe { libc::shmctl(self.id, libc::IPC_RMID, std::ptr::null_mut()) };
    }
}
