//! A folder that is gone afterwards.

use std::path::{Path, PathBuf};

use crate::fs::{Dir, Error};

/// Removes what is in it when it is dropped.
pub(super) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// A new folder in `dir`, which is made if need be.
    pub(super) fn new(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(format!("countersign-bench-{}", std::process::id()));
        Dir::create(&path, 0o700)?;
        // Watchers name real paths.
        let path = path.canonicalize().unwrap_or(path);
        Ok(Self { path })
    }

    /// A folder in it.
    pub(super) fn folder(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        Dir::create(&path, 0o700)?;
        Ok(path)
    }

    /// Removes a folder in it. What stays goes with the whole.
    #[expect(
        clippy::disallowed_methods,
        reason = "the folder was made by this run and nobody else uses it"
    )]
    pub(super) fn clear(&self, folder: &Path) {
        if folder.starts_with(&self.path) {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.clear(&self.path);
    }
}
