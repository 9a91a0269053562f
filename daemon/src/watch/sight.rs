//! What the kernel says of a path. Nothing is opened, so nothing blocks on a pipe and no event is raised.

use std::io;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Statx, StatxFlags, statx};

use crate::fs::Dir;

/// Which folder this is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) device: (u32, u32),
    pub(crate) inode: u64,
    /// The mount it is seen through. A bind mount has the device of its source, but not its mount.
    pub(crate) mount: u64,
    /// When it was made, where the file system says so: an inode may be used again at once.
    pub(crate) born: (i64, u32),
}

impl Place {
    /// Whether this is the same folder, even if its file system was mounted anew.
    pub(crate) fn is_same_folder(self, other: Self) -> bool {
        self.device == other.device && self.inode == other.inode && self.born == other.born
    }
}

/// What changes when a file changes: identity, size, and both times to the nanosecond. The time of
/// change is in it because an agent cannot set that one back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: (u32, u32),
    inode: u64,
    size: u64,
    modified: (i64, u32),
    changed: (i64, u32),
}

/// One look at a path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight {
    pub(crate) place: Place,
    pub(crate) stamp: Stamp,
    pub(crate) is_folder: bool,
}

/// Looks at `path` itself: a link is seen as a link.
pub(crate) fn look(path: &Path) -> io::Result<Sight> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    Ok(sight(&statx(CWD, path, flags, wanted())?))
}

/// Looks at an open folder.
pub(crate) fn look_at(dir: &Dir) -> io::Result<Sight> {
    Ok(sight(&statx(dir, "", AtFlags::EMPTY_PATH, wanted())?))
}

/// Looks at what `path` leads to. Only for the root, whose path is the operator's choice.
pub(crate) fn look_through(path: &Path) -> io::Result<Sight> {
    Ok(sight(&statx(CWD, path, AtFlags::empty(), wanted())?))
}

/// Whether the error says that nothing is there, rather than that it could not be seen.
pub(crate) fn says_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn wanted() -> StatxFlags {
    StatxFlags::BASIC_STATS | StatxFlags::MNT_ID | StatxFlags::BTIME
}

fn sight(found: &Statx) -> Sight {
    let device = (found.stx_dev_major, found.stx_dev_minor);
    Sight {
        place: Place {
            device,
            inode: found.stx_ino,
            mount: found.stx_mnt_id,
            born: (found.stx_btime.tv_sec, found.stx_btime.tv_nsec),
        },
        stamp: Stamp {
            device,
            inode: found.stx_ino,
            size: found.stx_size,
            modified: (found.stx_mtime.tv_sec, found.stx_mtime.tv_nsec),
            changed: (found.stx_ctime.tv_sec, found.stx_ctime.tv_nsec),
        },
        is_folder: FileType::from_raw_mode(found.stx_mode.into()) == FileType::Directory,
    }
}
