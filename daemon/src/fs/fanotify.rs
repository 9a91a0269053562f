//! Word from the kernel of who changes files: fanotify(7), on whole file systems.
//!
//! It needs `CAP_SYS_ADMIN` and Linux 5.15, and a file system whose files have handles (ext4, XFS, Btrfs, tmpfs; not
//! overlayfs). Nothing is opened for an event: it names its file by handle, and its process by a descriptor that
//! can mean no other one.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd},
};

use super::Dir;

/// The size of `struct fanotify_event_metadata`.
const HEAD: usize = 24;
/// The size of the head of each record that follows, `struct fanotify_event_info_header`.
const RECORD: usize = 4;
/// A handle has at most so many bytes (`MAX_HANDLE_SZ`).
const HANDLE: usize = 128;

/// A file of this machine: its file system and its handle, which holds a generation, so that it is never that of a
/// later file with the same number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileId(Box<[u8]>);

impl FileId {
    /// That of an open file.
    pub fn of(file: &File) -> io::Result<Self> {
        let system = rustix::fs::fstatvfs(file)?.f_fsid;
        // Two numbers of 32 bits, the first in the lower half.
        let system = [system & u64::from(u32::MAX), system >> 32];
        let system = system.map(|part| u32::try_from(part).unwrap_or_default());
        let (kind, handle) = handle_of(file.as_fd())?;
        let mut bytes = Vec::with_capacity(12 + handle.len());
        bytes.extend(system.map(u32::to_ne_bytes).as_flattened());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(handle);
        Ok(Self(bytes.into()))
    }

    /// One that no file has.
    #[cfg(test)]
    pub(crate) fn invented(number: u32) -> Self {
        Self(Box::new(number.to_ne_bytes()))
    }
}

/// Something that was done to a file.
#[derive(Debug)]
pub struct Change {
    /// The file.
    pub file: FileId,
    /// The process that did it.
    pub pid: u32,
    /// The same, while it still runs.
    pub process: Option<OwnedFd>,
    /// True when it changed bytes; false when it closed the file and could have.
    pub wrote: bool,
}

/// What came since one asked.
#[derive(Debug, Default)]
pub struct Changes {
    /// In the order in which they happened.
    pub all: Vec<Change>,
    /// The kernel had more to tell than it kept.
    pub overrun: bool,
}

/// A group of fanotify.
#[derive(Debug)]
pub struct Fanotify {
    descriptor: OwnedFd,
}

impl Fanotify {
    /// A group that hears of nothing yet. Fails without the right to it, and on older kernels.
    #[expect(
        unsafe_code,
        reason = "rustix has no fanotify; the call takes two integers and gives a descriptor"
    )]
    pub fn new() -> io::Result<Self> {
        let flags = libc::FAN_CLASS_NOTIF
            | libc::FAN_CLOEXEC
            | libc::FAN_NONBLOCK
            | libc::FAN_UNLIMITED_QUEUE
            | libc::FAN_REPORT_FID
            | libc::FAN_REPORT_PIDFD;
        // SAFETY: no memory is passed.
        let descriptor = unsafe { libc::fanotify_init(flags, 0) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just made it for us, and nobody else knows of it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(Self { descriptor })
    }

    /// Hears of each file of the file system that `folder` is on, from now on.
    #[expect(
        unsafe_code,
        reason = "rustix has no fanotify; the path is a literal that ends with a zero"
    )]
    pub fn hear(&self, folder: &Dir) -> io::Result<()> {
        // SAFETY: both descriptors are open as long as they are borrowed, and the path lives for ever.
        let done = unsafe {
            libc::fanotify_mark(
                self.descriptor.as_raw_fd(),
                libc::FAN_MARK_ADD | libc::FAN_MARK_FILESYSTEM,
                libc::FAN_MODIFY | libc::FAN_CLOSE_WRITE,
                folder.as_fd().as_raw_fd(),
                c".".as_ptr(),
            )
        };
        if done == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// All that happened until now and was not given before. Does not wait.
    pub fn changes(&self) -> io::Result<Changes> {
        let mut found = Changes::default();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match rustix::io::read(&self.descriptor, &mut buffer) {
                Ok(0) | Err(rustix::io::Errno::AGAIN) => return Ok(found),
                Ok(read) => parse(&buffer[..read], &mut found),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for Fanotify {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// Reads a buffer of events, each followed by its records, as fanotify(7) lays them out.
#[expect(
    unsafe_code,
    reason = "the kernel hands over descriptors as numbers in the buffer"
)]
fn parse(mut bytes: &[u8], found: &mut Changes) {
    while let Some(length) = number::<4>(bytes, 0).map(|length| u32::from_ne_bytes(length) as usize)
    {
        let Some(event) = bytes.get(..length).filter(|event| event.len() >= HEAD) else {
            return;
        };
        bytes = &bytes[length..];
        let mask = number(event, 8).map_or(0, u64::from_ne_bytes);
        let pid = number(event, 20).map_or(0, u32::from_ne_bytes);
        let (mut file, mut process) = (None, None);
        let mut records = &event[HEAD..];
        while let Some(size) = number(records, 2).map(|size| u16::from_ne_bytes(size) as usize) {
            let Some(record) = records.get(..size).filter(|record| record.len() >= RECORD) else {
                break;
            };
            records = &records[size..];
            let body = &record[RECORD..];
            match record[0] {
                libc::FAN_EVENT_INFO_TYPE_FID => file = file_of(body),
                libc::FAN_EVENT_INFO_TYPE_PIDFD => {
                    process = number(body, 0)
                        .map(i32::from_ne_bytes)
                        .filter(|number| *number >= 0)
                        // SAFETY: the kernel has just made it for whoever reads the event, and nobody else has.
                        .map(|number| unsafe { OwnedFd::from_raw_fd(number) });
                }
                _ => {}
            }
        }
        found.overrun |= mask & libc::FAN_Q_OVERFLOW != 0;
        found.all.extend(file.map(|file| Change {
            file,
            pid,
            process,
            wrote: mask & libc::FAN_MODIFY != 0,
        }));
    }
}

/// The file that the record of a handle names: the id of the file system, the size of the handle, its kind, its bytes.
fn file_of(record: &[u8]) -> Option<FileId> {
    let size = u32::from_ne_bytes(number(record, 8)?) as usize;
    let handle = record.get(16..16 + size)?;
    Some(FileId(
        [&record[..8], &record[12..16], handle].concat().into(),
    ))
}

/// `N` bytes from `at` on.
fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

/// `struct file_handle` with room for any handle.
#[repr(C)]
struct Handle {
    size: u32,
    kind: i32,
    bytes: [u8; HANDLE],
}

/// Kind and bytes of the handle of an open file (`name_to_handle_at(2)`).
#[expect(
    unsafe_code,
    reason = "rustix has no name_to_handle_at; the buffer is as large as it says"
)]
fn handle_of(file: BorrowedFd<'_>) -> io::Result<(i32, Vec<u8>)> {
    let mut handle = Handle {
        size: u32::try_from(HANDLE).unwrap_or_default(),
        kind: 0,
        bytes: [0; HANDLE],
    };
    let mut mount = 0;
    // SAFETY: the buffer starts as the kernel's structure does and has room for as many bytes as `size` says; the
    // path is a literal that ends with a zero.
    let done = unsafe {
        libc::name_to_handle_at(
            file.as_raw_fd(),
            c"".as_ptr(),
            (&raw mut handle).cast(),
            &raw mut mount,
            libc::AT_EMPTY_PATH,
        )
    };
    if done != 0 {
        return Err(io::Error::last_os_error());
    }
    let bytes = handle.bytes.get(..handle.size as usize);
    Ok((handle.kind, bytes.unwrap_or_default().to_vec()))
}
