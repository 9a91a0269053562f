//! One daemon for one state folder.

use std::{
    fs::File,
    io::{Read as _, Seek as _, Write as _},
    path::Path,
};

use super::Error;

/// Held for as long as the daemon runs. The kernel lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct InstanceLock {
    _file: File,
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
    /// Takes the lock in `folder`.
    pub fn take(folder: &Path) -> Result<Self, LockHeld> {
        let path = folder.join("instance.lock");
        let problem = |source| Error::new("lock", &path, source);
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(problem)?;
        match fs4::FileExt::try_lock(&file) {
            Ok(()) => {}
            Err(fs4::TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let _ = file.read_to_string(&mut pid);
                return Err(LockHeld::ByPid {
                    pid: pid.trim().to_owned(),
                });
            }
            Err(fs4::TryLockError::Error(source)) => return Err(problem(source).into()),
        }
        file.set_len(0).map_err(problem)?;
        file.rewind().map_err(problem)?;
        writeln!(file, "{}", std::process::id()).map_err(problem)?;
        Ok(Self { _file: file })
    }
}
