//! Asking the kernel whether anybody is still writing a file.

use std::{fs::File, os::fd::AsRawFd};

/// What the kernel says about writers of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writers {
    /// No descriptor, mapping or hard link is open for writing.
    None,
    /// Somebody has it open for writing.
    Some,
    /// It does not say: not our file, no `CAP_LEASE`, or a file system without leases.
    Unknown,
}

/// Tries to take a read lease (fcntl(2), `F_SETLEASE`) and gives it back at once. The kernel refuses
/// it with `EAGAIN` exactly while a writer exists. The process must not die of `SIGIO`, which a
/// writer that comes in between would send; the program ignores that signal from the start.
pub fn writers(file: &File) -> Writers {
    match set_lease(file, libc::F_RDLCK) {
        Ok(()) => {
            let _ = set_lease(file, libc::F_UNLCK);
            Writers::None
        }
        Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => Writers::Some,
        Err(_) => Writers::Unknown,
    }
}

#[expect(
    unsafe_code,
    reason = "rustix has no F_SETLEASE; the call takes two integers and no pointer"
)]
fn set_lease(file: &File, kind: i32) -> std::io::Result<()> {
    // SAFETY: the descriptor is open for as long as `file` is borrowed, and no memory is passed.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, kind) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}
