//! A release as it must stand on the disk, and how what stands there differs from it.
//!
//! One description serves all who need it: `writeback` makes a release, `guard` keeps it as it was made,
//! `countersign verify` and `countersign gate` look at it with nothing running. What is expected comes from the
//! record of the decision alone, never from the folder that is looked at.

mod compare;
mod freeze;
mod make;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use countersign_protocol::{
    Digest,
    release::{RELEASED, ReleaseRecord, mode_of},
};

pub use compare::{Checked, Strictness, compare, compare_file};
pub use freeze::freeze;
pub use make::{Sealed, is_made, make, set_aside};

/// Mode of a folder in a release.
pub const FOLDER: u32 = 0o755;

/// A file that must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Digest of its bytes.
    pub sha256: Digest,
    /// How many there are.
    pub size: u64,
    /// Its mode.
    pub mode: u32,
    /// The bytes themselves, of the two files that the daemon adds.
    pub bytes: Option<Vec<u8>>,
}

/// Everything that must be in the folder of a release, and nothing else may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The files by path relative to the folder.
    pub files: BTreeMap<PathBuf, Wanted>,
    /// The folders in it.
    pub folders: BTreeSet<PathBuf>,
}

impl Expected {
    /// What the release of `record` holds.
    pub fn of(record: &ReleaseRecord) -> Self {
        let mut files: BTreeMap<PathBuf, Wanted> = record
            .released()
            .map(|entry| {
                let wanted = Wanted {
                    sha256: entry.sha256,
                    size: entry.size,
                    mode: mode_of(entry),
                    bytes: None,
                };
                (PathBuf::from(&entry.path), wanted)
            })
            .collect();
        for (name, bytes) in [
            (record.sums_name(), record.sums().into_bytes()),
            (record.record_name(), crate::workspace::json(record)),
        ] {
            let wanted = Wanted {
                sha256: Digest::of(&bytes),
                size: bytes.len() as u64,
                mode: RELEASED,
                bytes: Some(bytes),
            };
            files.insert(PathBuf::from(name), wanted);
        }
        let parents = files.keys().flat_map(|path| path.ancestors().skip(1));
        let folders = parents
            .filter(|folder| !folder.as_os_str().is_empty())
            .map(Path::to_owned)
            .collect();
        Self { files, folders }
    }

    /// The part of it that is `path` or lies below it; all of it for the empty path.
    #[must_use]
    pub fn below(mut self, path: &Path) -> Self {
        self.files.retain(|file, _| file.starts_with(path));
        self.folders.retain(|folder| folder.starts_with(path));
        self
    }
}
