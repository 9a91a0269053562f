//! One daemon for one state folder.

use std::{
    fs::File,
    io::{Seek as _, Write as _},
    path::Path,
};

use super::{Error, advisory::Locked};

/// Held for as long as the daemon runs. The kernel lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct InstanceLock {
    _file: Locked,
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
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(problem)?;
        let Some(mut file) = Locked::take(file, true).map_err(problem)? else {
            let pid = std::fs::read_to_string(&path).unwrap_or_default();
            return Err(LockHeld::ByPid {
                pid: pid.trim().to_owned(),
            });
        };
        file.set_len(0).map_err(problem)?;
        file.rewind().map_err(problem)?;
        writeln!(file, "{}", std::process::id()).map_err(problem)?;
        Ok(Self { _file: file })
    }
}
