//! Files of ours that only grow: whole lines at the end, and nothing else.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::{fd::OwnedFd, unix::fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::{Mode, OFlags};

use super::{Dir, Error};

/// Bytes that are read at a time, from the end backwards.
const BACK: u64 = 64 * 1024;
/// The longest line that is looked for.
const LONGEST: u64 = 1024 * 1024;

/// A file to which lines are added. It is opened for each piece of work: a file that is held open for writing keeps
/// its file system from becoming read-only, and from going away.
#[derive(Debug)]
pub struct Lines {
    folder: OwnedFd,
    name: PathBuf,
    path: PathBuf,
    /// Device and number of the file that was looked at.
    file: (u64, u64),
    length: u64,
}

/// What a file of ours is opened with, wherever its name leads.
pub(super) const FLAGS: OFlags = OFlags::RDWR
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

impl Dir {
    /// Opens the file `name` in this folder to add lines to it; makes it if it is not there. `None` when what
    /// stands there is not a file of ours alone.
    pub fn lines(&self, name: &Path, mode: u32) -> Result<Option<Lines>, Error> {
        let path = self.path().join(name);
        let flags = FLAGS | OFlags::CREATE;
        let opened = rustix::fs::openat(self.fd(), name, flags, Mode::from_raw_mode(mode));
        let file = match opened {
            Ok(fd) => File::from(fd),
            Err(rustix::io::Errno::LOOP | rustix::io::Errno::ISDIR | rustix::io::Errno::NXIO) => {
                return Ok(None);
            }
            Err(source) => return Err(Error::new("open", path, source)),
        };
        let metadata = file
            .metadata()
            .map_err(|source| Error::new("look at", &path, source))?;
        let is_ours = metadata.is_file()
            && metadata.nlink() == 1
            && metadata.uid() == rustix::process::geteuid().as_raw();
        if !is_ours {
            return Ok(None);
        }
        let folder = rustix::io::fcntl_dupfd_cloexec(self.fd(), 0)
            .map_err(|source| Error::new("open", &path, source))?;
        Ok(Some(Lines {
            folder,
            name: name.to_owned(),
            path,
            file: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
        }))
    }
}

impl Lines {
    /// Its length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Opens it again; fails when another file, or one that somebody else wrote, has its name by now.
    fn open(&self) -> Result<File, Error> {
        let failed = |source: std::io::Error| Error::new("open", &self.path, source);
        let opened = rustix::fs::openat(&self.folder, &self.name, FLAGS, Mode::empty());
        let file = File::from(opened.map_err(|source| failed(source.into()))?);
        let metadata = file.metadata().map_err(failed)?;
        if (metadata.dev(), metadata.ino()) != self.file || metadata.len() != self.length {
            return Err(failed(std::io::Error::other("somebody else changed it")));
        }
        Ok(file)
    }

    /// The last whole line. What a crash left of one after it is cut off.
    pub fn last(&mut self) -> Result<Option<String>, Error> {
        let mut file = self.open()?;
        let failed = |source| Error::new("read", &self.path, source);
        let mut from = self.length;
        let mut tail = Vec::new();
        while from > 0 && self.length - from < LONGEST {
            let step = from.min(BACK);
            from -= step;
            let mut part = vec![0; usize::try_from(step).unwrap_or_default()];
            file.seek(SeekFrom::Start(from)).map_err(failed)?;
            file.read_exact(&mut part).map_err(failed)?;
            part.extend(tail);
            tail = part;
            if memchr::memchr_iter(b'\n', &tail).count() > 1 {
                break;
            }
        }
        let whole = tail
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let left_over = (tail.len() - whole) as u64;
        if left_over > 0 {
            self.length -= left_over;
            file.set_len(self.length)
                .map_err(|source| Error::new("cut", &self.path, source))?;
        }
        let lines = tail[..whole].strip_suffix(b"\n").unwrap_or_default();
        let last = lines.rsplit(|byte| *byte == b'\n').next();
        Ok(last
            .filter(|line| !line.is_empty())
            .map(|line| String::from_utf8_lossy(line).into_owned()))
    }

    /// Adds `lines`, each with its end.
    pub fn add(&mut self, lines: &[u8]) -> Result<(), Error> {
        let failed = |source| Error::new("add to", &self.path, source);
        let mut file = self.open()?;
        file.seek(SeekFrom::Start(self.length)).map_err(failed)?;
        file.write_all(lines).map_err(failed)?;
        self.length += lines.len() as u64;
        Ok(())
    }

    /// Makes what was added last.
    pub fn sync(&self) -> Result<(), Error> {
        self.open()?
            .sync_data()
            .map_err(|source| Error::new("sync", &self.path, source))
    }
}
