//! A folder held open, and what lies beneath it.

use std::{
    borrow::Borrow,
    ffi::{CStr, OsStr},
    fs::File,
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, ResolveFlags};

use super::{Error, Stamp};

/// No name beneath the root leads out of it, no link is followed, and no mount is entered: what an operator
/// mounts beneath a workspace is none of it (`docs/decisions/0040-mounts.md`).
const CONFINED: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_XDEV);

/// Bytes of entries of a folder that are read at once.
const ENTRIES: usize = 32 * 1024;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// FIFO, socket or device.
    Special,
}

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Path relative to the folder that was listed, `/` between parts.
    pub path: PathBuf,
    /// What it is.
    pub kind: FileKind,
}

/// The names in a folder, read piece by piece.
#[derive(Debug)]
pub struct Names<D> {
    dir: D,
    entries: rustix::fs::Dir,
}

impl<D: Borrow<Dir>> Iterator for Names<D> {
    type Item = Result<Listed, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let entry = match self.entries.next()? {
                Ok(entry) => entry,
                Err(source) => {
                    return Some(Err(Error::new("list", &self.dir.borrow().path, source)));
                }
            };
            if let Some(listed) = listed(self.dir.borrow(), entry.file_name(), entry.file_type()) {
                return Some(listed);
            }
        }
    }
}

/// An entry of `dir`. `None` for the folder itself and the one around it.
fn listed(
    dir: &Dir,
    name: &CStr,
    file_type: rustix::fs::FileType,
) -> Option<Result<Listed, Error>> {
    let name = name.to_bytes();
    if name == b"." || name == b".." {
        return None;
    }
    let path = PathBuf::from(OsStr::from_bytes(name));
    let kind = match file_type {
        rustix::fs::FileType::Unknown => dir
            .kind(&path)
            .map(|kind| kind.unwrap_or(FileKind::Special)),
        known => Ok(kind_of(known)),
    };
    Some(kind.map(|kind| Listed { path, kind }))
}

/// What a name stands for, whose it is, and what others may do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// What it is.
    pub kind: FileKind,
    /// Permissions and the bits that lend an identity, without the kind.
    pub mode: u32,
    /// The user that it belongs to.
    pub uid: u32,
    /// The group that it belongs to.
    pub gid: u32,
    /// How many names it has.
    pub links: u64,
    /// How it looks.
    pub stamp: Stamp,
}

/// A folder held open. All names are resolved beneath it.
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    path: PathBuf,
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Dir {
    /// Opens the folder at `path`. The last part of the path must not be a link.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let fd = rustix::fs::openat(CWD, path, flags, Mode::empty())
            .map_err(|source| Error::new("open the folder", path, source))?;
        Ok(Self {
            fd,
            path: path.to_owned(),
        })
    }

    /// Makes the folder at `path` with its parents, if need be, so that they last, and opens it.
    pub fn create(path: &Path, mode: u32) -> Result<Self, Error> {
        use std::os::unix::fs::DirBuilderExt as _;
        let missing: Vec<&Path> = path
            .ancestors()
            .take_while(|one| !one.as_os_str().is_empty() && !one.exists())
            .collect();
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(path)
            .map_err(|source| Error::new("make the folder", path, source))?;
        for made in missing.into_iter().rev() {
            let parent = made
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty());
            let parent = parent.unwrap_or(Path::new("."));
            File::open(parent)
                .and_then(|parent| parent.sync_all())
                .map_err(|source| Error::new("sync the folder", parent, source))?;
        }
        Self::open(path)
    }

    /// Where it was opened; for messages only, since folders move.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    fn resolve(&self, name: &Path, flags: OFlags, mode: Mode) -> rustix::io::Result<OwnedFd> {
        let name = if name.as_os_str().is_empty() {
            Path::new(".")
        } else {
            name
        };
        loop {
            match rustix::fs::openat2(&self.fd, name, flags | OFlags::CLOEXEC, mode, CONFINED) {
                // A rename raced with the look-up (openat2(2)); look again.
                Err(rustix::io::Errno::AGAIN) => {}
                Err(rustix::io::Errno::NOSYS) => return self.step_by_step(name, flags, mode),
                other => return other,
            }
        }
    }

    /// Fallback of [`resolve`](Self::resolve) without `openat2(2)`, as in the sandbox of `countersign run`: opens each
    /// folder from the one before and refuses links and other file systems.
    fn step_by_step(&self, name: &Path, flags: OFlags, mode: Mode) -> rustix::io::Result<OwnedFd> {
        use std::path::Component;

        let on = |fd: &OwnedFd| rustix::fs::fstat(fd).map(|found| found.st_dev);
        let device = on(&self.fd)?;
        let mut here = rustix::io::fcntl_dupfd_cloexec(&self.fd, 0)?;
        let mut parts = name.components().peekable();
        while let Some(part) = parts.next() {
            // A step upwards could lead out, if the folder was moved meanwhile.
            if !matches!(part, Component::Normal(_) | Component::CurDir) {
                return Err(rustix::io::Errno::XDEV);
            }
            let is_last = parts.peek().is_none();
            let how = if is_last {
                flags
            } else {
                OFlags::PATH | OFlags::DIRECTORY
            };
            let how = how | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let opened = rustix::fs::openat(&here, part.as_os_str(), how, mode);
            let is_link = || {
                let found = rustix::fs::statat(&here, part.as_os_str(), AtFlags::SYMLINK_NOFOLLOW);
                found.is_ok_and(|found| FileType::from_raw_mode(found.st_mode).is_symlink())
            };
            here = match opened {
                // With O_DIRECTORY a link is "no folder", and with O_PATH it is opened itself.
                Err(rustix::io::Errno::NOTDIR) if is_link() => return Err(rustix::io::Errno::LOOP),
                Ok(_) if how.contains(OFlags::PATH) && is_link() => {
                    return Err(rustix::io::Errno::LOOP);
                }
                other => other?,
            };
            if on(&here)? != device {
                return Err(rustix::io::Errno::XDEV);
            }
        }
        Ok(here)
    }

    /// Opens the folder `name` beneath this one.
    pub fn folder(&self, name: &Path) -> Result<Self, Error> {
        let path = self.path.join(name);
        let fd = self
            // Without O_NOFOLLOW, which would call a link "not a folder" and so nothing at all: a link
            // is refused as one (ELOOP).
            .resolve(name, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())
            .map_err(|source| Error::new("open the folder", &path, source))?;
        Ok(Self { fd, path })
    }

    /// Opens the folder `name` beneath this one; makes it and its parents if need be.
    pub fn make_folder(&self, name: &Path, mode: u32) -> Result<Self, Error> {
        match self.folder(name) {
            Err(error) if error.is_not_found() => {}
            other => return other,
        }
        let mut here = self.folder(Path::new(""))?;
        for part in name.components() {
            let part = Path::new(part.as_os_str());
            match rustix::fs::mkdirat(&here.fd, part, Mode::from_raw_mode(mode)) {
                Ok(()) => here.sync()?,
                Err(rustix::io::Errno::EXIST) => {}
                Err(source) => {
                    return Err(Error::new("make the folder", here.path.join(part), source));
                }
            }
            here = here.folder(part)?;
        }
        Ok(here)
    }

    /// Opens the file `name` beneath this folder for reading. Never blocks on a FIFO, never follows
    /// a link. The caller must look at what it got: it may be a device.
    pub fn open_file(&self, name: &Path) -> Result<File, Error> {
        self.resolve(
            name,
            OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY,
            Mode::empty(),
        )
        .map(File::from)
        .map_err(|source| Error::new("open", self.path.join(name), source))
    }

    /// Returns the mode of what is at `path`, without opening it; `None` when it cannot be looked at. Links on the way
    /// are followed, so it says nothing about where `path` leads.
    pub fn mode_of(&self, path: &Path) -> Option<u32> {
        let found = rustix::fs::statat(&self.fd, path, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some(found.st_mode & 0o7777)
    }

    /// What `name` is, without opening it. `None` when there is no such name.
    pub fn kind(&self, name: &Path) -> Result<Option<FileKind>, Error> {
        let parent = match name.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => match self.folder(parent) {
                Ok(parent) => Some(parent),
                Err(error) if error.is_not_found() => return Ok(None),
                Err(error) => return Err(error),
            },
            _ => None,
        };
        let Some(last) = name.file_name() else {
            return Ok(Some(FileKind::Folder));
        };
        let parent = parent.as_ref().unwrap_or(self);
        match rustix::fs::statat(&parent.fd, last, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(kind_of(rustix::fs::FileType::from_raw_mode(
                stat.st_mode,
            )))),
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => Ok(None),
            Err(source) => Err(Error::new("look at", self.path.join(name), source)),
        }
    }

    /// Returns the path that the link `name` holds. Links on the way to it are not followed.
    pub fn read_link(&self, name: &Path) -> Result<PathBuf, Error> {
        let read = self
            .resolve(name, OFlags::PATH | OFlags::NOFOLLOW, Mode::empty())
            .and_then(|link| rustix::fs::readlinkat(&link, c"", Vec::new()));
        read.map(|target| PathBuf::from(OsStr::from_bytes(target.to_bytes())))
            .map_err(|source| Error::new("read the link", self.path.join(name), source))
    }

    /// How `name` looks now. It is not opened, so nothing blocks or changes.
    pub fn stamp(&self, name: &Path) -> Result<Stamp, Error> {
        let metadata = self
            .resolve(name, OFlags::PATH | OFlags::NOFOLLOW, Mode::empty())
            .map_err(io::Error::from)
            .and_then(|fd| File::from(fd).metadata());
        metadata
            .map(|metadata| Stamp::of(&metadata))
            .map_err(|source| Error::new("look at", self.path.join(name), source))
    }

    /// What `name`, a name in this very folder, stands for and how it looks now, in one call of the kernel.
    pub fn look(&self, name: &Path) -> Result<(FileKind, Stamp), Error> {
        let stat = rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|source| Error::new("look at", self.path.join(name), source))?;
        let kind = kind_of(rustix::fs::FileType::from_raw_mode(stat.st_mode));
        Ok((kind, Stamp::of_stat(&stat)))
    }

    /// The same of a path beneath this folder. `None` when there is none.
    pub fn look_beneath(&self, path: &Path) -> Result<Option<(FileKind, Stamp)>, Error> {
        let found = self
            .resolve(path, OFlags::PATH | OFlags::NOFOLLOW, Mode::empty())
            .and_then(rustix::fs::fstat);
        match found {
            Ok(stat) => {
                let kind = kind_of(rustix::fs::FileType::from_raw_mode(stat.st_mode));
                Ok(Some((kind, Stamp::of_stat(&stat))))
            }
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => Ok(None),
            Err(source) => Err(Error::new("look at", self.path.join(path), source)),
        }
    }

    /// What `name` is, whose, and with which mode; for the empty name, of this folder itself. `None` when there
    /// is none. It is not opened, and no link is followed.
    pub fn attributes(&self, name: &Path) -> Result<Option<Attributes>, Error> {
        let found = self
            .resolve(name, OFlags::PATH | OFlags::NOFOLLOW, Mode::empty())
            .and_then(rustix::fs::fstat);
        match found {
            Ok(stat) => Ok(Some(Attributes {
                kind: kind_of(rustix::fs::FileType::from_raw_mode(stat.st_mode)),
                mode: stat.st_mode & 0o7777,
                uid: stat.st_uid,
                gid: stat.st_gid,
                links: stat.st_nlink,
                stamp: Stamp::of_stat(&stat),
            })),
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => Ok(None),
            Err(source) => Err(Error::new("look at", self.path.join(name), source)),
        }
    }

    /// Sets the mode of this folder, which is ours.
    pub fn set_mode(&self, mode: u32) -> Result<(), Error> {
        rustix::fs::fchmod(&self.fd, Mode::from_raw_mode(mode))
            .map_err(|source| Error::new("set the mode of", &self.path, source))
    }

    /// Takes the permissions of group and others off this folder and off what has a name that `is_own`; returns the
    /// names that were open, with `.` for the folder itself.
    pub fn close_to_others(&self, is_own: impl Fn(&Path) -> bool) -> Result<Vec<String>, Error> {
        const OTHERS: u32 = 0o077;
        let failed = |source| Error::new("change the mode in", &self.path, source);
        let mut opened = Vec::new();
        let own = rustix::fs::fstat(&self.fd).map_err(failed)?.st_mode & 0o7777;
        if own & OTHERS != 0 {
            rustix::fs::fchmod(&self.fd, Mode::from_raw_mode(own & !OTHERS)).map_err(failed)?;
            opened.push(".".to_owned());
        }
        for listed in self.list()? {
            let name = listed.path.as_path();
            let is_plain = matches!(listed.kind, FileKind::File | FileKind::Folder);
            if !is_plain || !is_own(name) {
                continue;
            }
            let mode = match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(found) => found.st_mode & 0o7777,
                Err(rustix::io::Errno::NOENT) => continue,
                Err(error) => return Err(failed(error)),
            };
            if mode & OTHERS != 0 {
                let closed = Mode::from_raw_mode(mode & !OTHERS);
                rustix::fs::chmodat(&self.fd, name, closed, AtFlags::empty()).map_err(failed)?;
                opened.push(name.display().to_string());
            }
        }
        Ok(opened)
    }

    /// Makes this folder ours, which only the superuser can do.
    pub fn take_over(&self) -> Result<(), Error> {
        let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
        rustix::fs::fchown(&self.fd, Some(user), Some(group))
            .map_err(|source| Error::new("take over", &self.path, source))
    }

    /// Gives this folder to a group. Without rights we can only name one of our own.
    pub fn give_to_group(&self, gid: u32) -> Result<(), Error> {
        rustix::fs::fchown(&self.fd, None, Some(rustix::fs::Gid::from_raw(gid)))
            .map_err(|source| Error::new("give away", &self.path, source))
    }

    /// Gives this folder, which we made, to another user; only the superuser can.
    pub fn give_to(&self, uid: u32, gid: u32) -> Result<(), Error> {
        let (user, group) = (
            rustix::fs::Uid::from_raw(uid),
            rustix::fs::Gid::from_raw(gid),
        );
        rustix::fs::fchown(&self.fd, Some(user), Some(group))
            .map_err(|source| Error::new("give away", &self.path, source))
    }

    /// Sets or takes off the immutable flag of `name`, a file or folder of ours; of this folder for the empty name.
    pub fn set_immutable(&self, name: &Path, on: bool) -> Result<(), Error> {
        use rustix::fs::IFlags;
        let failed = |source| Error::new("set the flags of", self.path.join(name), source);
        let fd = self
            .resolve(
                name,
                OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW,
                Mode::empty(),
            )
            .map_err(failed)?;
        let flags = rustix::fs::ioctl_getflags(&fd).map_err(failed)?;
        let wanted = if on {
            flags | IFlags::IMMUTABLE
        } else {
            flags - IFlags::IMMUTABLE
        };
        if wanted == flags {
            return Ok(());
        }
        rustix::fs::ioctl_setflags(&fd, wanted).map_err(failed)
    }

    /// The names in `dir`, in no order, without holding all of them.
    pub fn names<D: Borrow<Self>>(dir: D) -> Result<Names<D>, Error> {
        let here = dir.borrow();
        let entries = rustix::fs::Dir::read_from(&here.fd)
            .map_err(|source| Error::new("list", &here.path, source))?;
        Ok(Names { dir, entries })
    }

    /// The names in this folder, in no order. Unlike [`names`](Self::names) it takes no memory for each entry but its name.
    pub fn list(&self) -> Result<Vec<Listed>, Error> {
        let failed = |source| Error::new("list", &self.path, source);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        // Another open of it, which begins with its first name however often it was listed.
        let here = rustix::fs::openat(&self.fd, c".", flags, Mode::empty()).map_err(failed)?;
        let mut buffer = Vec::with_capacity(ENTRIES);
        let mut entries = RawDir::new(here, buffer.spare_capacity_mut());
        let mut names = Vec::new();
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(failed)?;
            if let Some(listed) = listed(self, entry.file_name(), entry.file_type()) {
                names.push(listed?);
            }
        }
        Ok(names)
    }

    /// Everything beneath this folder that is no folder, sorted, links and devices included;
    /// stops with `None` above `limit` names.
    pub fn list_deep(&self, limit: usize) -> Result<Option<Vec<Listed>>, Error> {
        let mut found = Vec::new();
        let mut seen = 0;
        let mut open = vec![PathBuf::new()];
        while let Some(folder) = open.pop() {
            for listed in self.folder(&folder)?.list()? {
                seen += 1;
                if seen > limit {
                    return Ok(None);
                }
                let path = folder.join(&listed.path);
                match listed.kind {
                    FileKind::Folder => open.push(path),
                    kind => found.push(Listed { path, kind }),
                }
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Some(found))
    }

    /// Makes names in this folder survive a power cut.
    pub fn sync(&self) -> Result<(), Error> {
        if crate::fault::broken("no-dir-fsync") {
            return Ok(());
        }
        rustix::fs::fsync(&self.fd)
            .map_err(|source| Error::new("sync the folder", &self.path, source))
    }

    /// Makes everything on the file system of this folder survive a power cut.
    pub fn sync_file_system(&self) -> Result<(), Error> {
        if crate::fault::broken("no-dir-fsync") || crate::fault::broken("no-file-fsync") {
            return Ok(());
        }
        rustix::fs::syncfs(&self.fd).map_err(|source| Error::new("sync", &self.path, source))
    }

    /// Renames within this folder, never over another name, and makes it last.
    pub fn rename_new(&self, from: &Path, to: &Path) -> Result<(), Error> {
        rustix::fs::renameat_with(
            &self.fd,
            from,
            &self.fd,
            to,
            rustix::fs::RenameFlags::NOREPLACE,
        )
        .map_err(|source| Error::new("rename", self.path.join(from), source))?;
        self.sync()
    }

    /// Removes a file that we wrote. That it is already gone is fine.
    pub fn remove_own_file(&self, name: &Path) -> Result<(), Error> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(source) => Err(Error::new("remove", self.path.join(name), source)),
        }
    }

    /// Whether the folder was removed since it was opened. Another one may have its inode by now.
    pub fn is_deleted(&self) -> bool {
        rustix::fs::fstat(&self.fd).is_ok_and(|stat| stat.st_nlink == 0)
    }

    /// Device and inode: what tells this folder from another one at the same path.
    pub fn place(&self) -> Result<(u64, u64), Error> {
        let stat = rustix::fs::fstat(&self.fd)
            .map_err(|source| Error::new("look at", &self.path, source))?;
        Ok((stat.st_dev, stat.st_ino))
    }
}

fn kind_of(kind: rustix::fs::FileType) -> FileKind {
    match kind {
        rustix::fs::FileType::RegularFile => FileKind::File,
        rustix::fs::FileType::Directory => FileKind::Folder,
        rustix::fs::FileType::Symlink => FileKind::Link,
        _ => FileKind::Special,
    }
}
