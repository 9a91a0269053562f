//! One daemon for one state folder, and for one workspace.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use rustix::{
    fd::AsFd as _,
    fs::{AtFlags, Mode, OFlags},
};

use super::{Dir, Error, advisory::Locked};

/// Name of the lock file of a state folder.
const INSTANCE_LOCK: &str = "instance.lock";
/// Most bytes that are read of what a holder wrote.
const MAX_HOLDER_BYTES: u64 = 1024;

/// Held for as long as the daemon runs. The kernel lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct InstanceLock {
    file: Locked,
}

/// Why the lock was not had.
#[derive(Debug, thiserror::Error)]
pub enum LockHeld {
    /// Another daemon has it.
    #[error("another daemon (pid {pid}) already runs with this state folder")]
    ByPid {
        /// What the other one wrote into the file.
        pid: String,
    },
    /// The file could not be had at all.
    #[error(transparent)]
    Fs(#[from] Error),
}

impl InstanceLock {
    /// Takes the lock of the state folder at `folder`.
    pub fn take(folder: &Path) -> Result<Self, LockHeld> {
        let dir = Dir::open(folder)?;
        let pid = std::process::id().to_string();
        Self::take_in(&dir, Path::new(INSTANCE_LOCK), &pid)
    }

    /// Takes the lock on the file `name` in `dir`, and writes `holder` into it for whoever asks next. Only this user can
    /// open the file, or agents could keep the daemon out.
    pub fn take_in(dir: &Dir, name: &Path, holder: &str) -> Result<Self, LockHeld> {
        let problem = |source| Error::new("lock", dir.path().join(name), source);
        loop {
            // A file that is open for writing would keep the file system from being mounted read-only.
            let file = open(dir, name, OFlags::RDONLY).map_err(problem)?;
            let taken = match Locked::take(file, true) {
                // On a network file system the lock asks for the right to write (flock(2), NOTES).
                Err(error) if error.raw_os_error() == Some(libc::EBADF) => {
                    Locked::take(open(dir, name, OFlags::RDWR).map_err(problem)?, true)
                }
                taken => taken,
            };
            let Some(file) = taken.map_err(problem)? else {
                return Err(LockHeld::ByPid {
                    pid: holder_in(dir, name),
                });
            };
            // Somebody may have removed it between the two steps; then the lock is on a file that nobody else finds.
            if !is_at(&file, dir, name) {
                continue;
            }
            let mut said = open(dir, name, OFlags::WRONLY).map_err(problem)?;
            said.set_len(0).map_err(problem)?;
            writeln!(said, "{holder}").map_err(problem)?;
            return Ok(Self { file });
        }
    }

    /// Checks whether the file that is locked is still `name` in `dir`, where another daemon would look.
    pub fn is_at(&self, dir: &Dir, name: &Path) -> bool {
        is_at(&self.file, dir, name)
    }
}

fn open(dir: &Dir, name: &Path, access: OFlags) -> std::io::Result<File> {
    let flags = access | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(dir.as_fd(), name, flags, Mode::RUSR | Mode::WUSR);
    Ok(File::from(opened?))
}

fn is_at(file: &File, dir: &Dir, name: &Path) -> bool {
    let there = rustix::fs::statat(dir.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW);
    let held = file.metadata();
    matches!((there, held), (Ok(there), Ok(held)) if (there.st_dev, there.st_ino) == (held.dev(), held.ino()))
}

fn holder_in(dir: &Dir, name: &Path) -> String {
    let mut text = String::new();
    if let Ok(file) = dir.open_file(name) {
        // What cannot be read names nobody.
        let _ = file.take(MAX_HOLDER_BYTES).read_to_string(&mut text);
    }
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time_who_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let dir = Dir::open(folder.path()).unwrap();
        let name = Path::new("daemon.lock");
        let take = |holder: &str| InstanceLock::take_in(&dir, name, holder);
        let first = take("the first").unwrap();
        let refused = take("the second").unwrap_err();
        assert!(matches!(refused, LockHeld::ByPid { pid } if pid == "the first"));
        drop(first);
        assert!(take("the second").unwrap().is_at(&dir, name));
    }

    #[test]
    fn a_removed_file_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let dir = Dir::open(folder.path()).unwrap();
        let name = Path::new("daemon.lock");
        let first = InstanceLock::take_in(&dir, name, "the first").unwrap();
        dir.remove_own_file(name).unwrap();
        assert!(!first.is_at(&dir, name));
        let second = InstanceLock::take_in(&dir, name, "the second").unwrap();
        assert!(second.is_at(&dir, name) && !first.is_at(&dir, name));
    }
}
