//! What a confined child cannot do, tried by itself: only in programs that are built for tests.

use std::{fs::File, io, net::TcpStream, os::unix::net::UnixDatagram, process::Command};

use serde::{Deserialize, Serialize};

/// Something that a child must not do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Attempt {
    /// Read a file of this machine.
    Open(String),
    /// Make a folder.
    MakeFolder(String),
    /// Remove a file.
    Remove(String),
    /// Connect to an address.
    Connect(String),
    /// Make a socket that needs no address.
    Socket,
    /// Become two processes.
    Fork,
    /// Start a program.
    Start(String),
    /// Send a signal to the parent.
    Signal,
    /// Take so many bytes of memory.
    Memory(usize),
    /// Take processor time for ever.
    Spin,
    /// Start a thread, which readers may do.
    Thread,
}

impl Attempt {
    /// Tries it; says what came of it.
    pub(super) fn make(self) -> String {
        match self.tried() {
            Ok(()) => "done".to_owned(),
            Err(error) => format!("refused: {error}"),
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "it tries what the rest of the program does not do"
    )]
    fn tried(self) -> io::Result<()> {
        match self {
            Self::Open(path) => File::open(path).map(drop),
            Self::MakeFolder(path) => std::fs::create_dir(path),
            Self::Remove(path) => std::fs::remove_file(path),
            Self::Connect(address) => TcpStream::connect(address).map(drop),
            Self::Socket => UnixDatagram::unbound().map(drop),
            Self::Fork => fork(),
            Self::Start(program) => Command::new(program).spawn()?.wait().map(drop),
            Self::Signal => {
                let parent = rustix::process::getppid().ok_or(io::ErrorKind::NotFound)?;
                Ok(rustix::process::test_kill_process(parent)?)
            }
            Self::Memory(bytes) => {
                let mut taken: Vec<u8> = Vec::new();
                taken.try_reserve_exact(bytes).map_err(io::Error::other)?;
                taken.resize(bytes, 1);
                Ok(())
            }
            Self::Spin => loop {
                std::hint::spin_loop();
            },
            Self::Thread => {
                let thread = std::thread::Builder::new().spawn(|| ())?;
                thread.join().map_err(|_| io::Error::other("it panicked"))
            }
        }
    }
}

#[expect(
    unsafe_code,
    reason = "the system call has no safe wrapper; the child ends at once"
)]
fn fork() -> io::Result<()> {
    // SAFETY: this process has one thread here, and the child calls nothing but `_exit`.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: it does not return.
        0 => unsafe { libc::_exit(0) },
        _ => Ok(()),
    }
}
