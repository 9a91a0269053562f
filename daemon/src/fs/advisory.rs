//! The lock of the operating system on one file or folder.

use std::{fs::File, path::Path};

use super::Error;

/// Held until it is dropped or the process ends. It is advisory (flock(2)): it keeps off who asks for the same
/// kind of lock, on this machine, and nobody else.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock on what stands at `path`, alone or with others, without waiting. `None` while somebody
    /// else has it.
    pub fn try_take(path: &Path, exclusive: bool) -> Result<Option<Self>, Error> {
        let problem = |source| Error::new("lock", path, source);
        let file = open(path).map_err(problem)?;
        let taken = if exclusive {
            fs4::FileExt::try_lock(&file)
        } else {
            fs4::FileExt::try_lock_shared(&file)
        };
        match taken {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(fs4::TryLockError::WouldBlock) => Ok(None),
            Err(fs4::TryLockError::Error(source)) => Err(problem(source)),
        }
    }
}

/// For reading, since a folder can be had in no other way; but on a network file system the lock of a file
/// is one on its bytes, which asks for the right to write (flock(2), NOTES).
fn open(path: &Path) -> std::io::Result<File> {
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
}
