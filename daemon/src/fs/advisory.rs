//! The lock of the operating system on one file or folder.

use std::{
    fs::File,
    io,
    ops::{Deref, DerefMut},
    path::Path,
};

use super::Error;

/// Held until it is dropped or the process ends. It is advisory (flock(2)): it keeps off who asks for the same
/// kind of lock, on this machine, and nobody else.
#[derive(Debug)]
pub struct FileLock {
    _file: Locked,
}

impl FileLock {
    /// Takes the lock on what stands at `path`, alone or with others, without waiting. `None` while somebody
    /// else has it.
    pub fn try_take(path: &Path, exclusive: bool) -> Result<Option<Self>, Error> {
        let problem = |source| Error::new("lock", path, source);
        let file = open(path).map_err(problem)?;
        let taken = Locked::take(file, exclusive).map_err(problem)?;
        Ok(taken.map(|file| Self { _file: file }))
    }
}

/// An open file with the lock on it, which is let go of when this is dropped.
///
/// To close the file would not be enough: a child that was forked meanwhile has it open, too, until it executes
/// its program, and the lock is held until the last of them is closed (flock(2)). Nobody could take it again
/// for that moment.
#[derive(Debug)]
pub(super) struct Locked(File);

impl Locked {
    /// Takes the lock on `file`, alone or with others, without waiting. `None` while somebody else has it.
    pub(super) fn take(file: File, exclusive: bool) -> io::Result<Option<Self>> {
        let taken = if exclusive {
            fs4::FileExt::try_lock(&file)
        } else {
            fs4::FileExt::try_lock_shared(&file)
        };
        match taken {
            Ok(()) => Ok(Some(Self(file))),
            Err(fs4::TryLockError::WouldBlock) => Ok(None),
            Err(fs4::TryLockError::Error(source)) => Err(source),
        }
    }
}

impl Deref for Locked {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl DerefMut for Locked {
    fn deref_mut(&mut self) -> &mut File {
        &mut self.0
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Where it fails, closing the file does it.
        let _ = fs4::FileExt::unlock(&self.0);
    }
}

/// For reading, since a folder can be had in no other way; but on a network file system the lock of a file
/// is one on its bytes, which asks for the right to write (flock(2), NOTES).
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let options = |write: bool| {
        let mut options = File::options();
        // A FIFO must not make us wait, and nobody may put a link in the place of the file.
        let flags = libc::O_NONBLOCK | libc::O_NOFOLLOW | libc::O_NOCTTY;
        options.read(true).write(write).custom_flags(flags);
        options
    };
    options(true)
        .open(path)
        .or_else(|_| options(false).open(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_it_alone_or_several_share_it_on_files_and_folders() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        File::create_new(&file).unwrap();
        for path in [file.as_path(), folder.path()] {
            let one = FileLock::try_take(path, true).unwrap().unwrap();
            assert!(FileLock::try_take(path, true).unwrap().is_none());
            assert!(FileLock::try_take(path, false).unwrap().is_none());
            drop(one);
            let reader = FileLock::try_take(path, false).unwrap().unwrap();
            let other = FileLock::try_take(path, false).unwrap().unwrap();
            assert!(FileLock::try_take(path, true).unwrap().is_none());
            drop((reader, other));
            assert!(FileLock::try_take(path, true).unwrap().is_some());
        }
        assert!(FileLock::try_take(&folder.path().join("none"), true).is_err());
    }

    #[test]
    fn a_child_that_has_not_executed_yet_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let one = File::open(folder.path()).unwrap();
        // What fork(2) leaves in a child: another descriptor of the same open file.
        let _of_the_child = one.try_clone().unwrap();
        let one = Locked::take(one, true).unwrap().unwrap();
        drop(one);
        assert!(FileLock::try_take(folder.path(), true).unwrap().is_some());
    }
}
