//! The folder in which a check finds what was handed over: copies of the sealed bytes, which nobody else writes.

use std::{
    io::Cursor,
    path::{Path, PathBuf},
};

use countersign_protocol::{Digest, event::Accepted, transfer::document_name};

use super::ChecksError;
use crate::{
    fs::{Dir, Error, Objects},
    ledger::Ledger,
};

/// Below the place: what was handed over, which a check may read.
const SEALED: &str = "sealed";
/// Below the place: what a check may write.
const SCRATCH: &str = "scratch";
const MODE: u32 = 0o700;

/// Gone with what is in it when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    parent: Dir,
    name: PathBuf,
    path: PathBuf,
    document: String,
    /// Files that are too large to be kept, so that no check can see them.
    not_kept: usize,
}

impl Place {
    /// Makes it in `parent`, with the document and all files of a revision.
    pub(super) fn make(
        parent: &Dir,
        accepted: &Accepted,
        objects: &Objects,
        ledger: &Ledger,
    ) -> Result<Self, ChecksError> {
        let name = PathBuf::from(format!("{}.{}", accepted.handoff, accepted.revision));
        parent.remove_own_folder(&name)?;
        let folder = parent.make_folder(&name, MODE)?;
        let entries = &accepted.manifest.entries;
        let place = Self {
            parent: parent.folder(Path::new(""))?,
            path: folder.path().to_owned(),
            name,
            document: document_name(accepted).to_owned(),
            not_kept: entries.iter().filter(|entry| !entry.kept).count(),
        };
        folder.make_folder(Path::new(SCRATCH), MODE)?;
        let sealed = folder.make_folder(Path::new(SEALED), MODE)?;
        let put = |path: &str, sha256: Digest, is_program: bool| -> Result<(), ChecksError> {
            let path = Path::new(path);
            let folder = match path.parent() {
                Some(above) if !above.as_os_str().is_empty() => sealed.make_folder(above, MODE)?,
                _ => sealed.folder(Path::new(""))?,
            };
            let name = path.file_name().map_or(path, Path::new);
            let mode = if is_program { 0o500 } else { 0o400 };
            let from: &mut dyn std::io::Read = if let Some(file) = objects.open_object(sha256)? {
                &mut { file }
            } else {
                let kept = ledger.object(sha256);
                let kept = kept.map_err(|error| ChecksError::Ledger(error.to_string()))?;
                let missing = || {
                    let gone = std::io::Error::other("the sealed bytes are missing");
                    Error::new("read", folder.path().join(name), gone)
                };
                &mut Cursor::new(kept.ok_or_else(missing)?)
            };
            folder.publish_copy(name, from, sha256, mode, false)?;
            Ok(())
        };
        for entry in entries.iter().filter(|entry| entry.kept) {
            put(&entry.path, entry.sha256, entry.executable)?;
        }
        if !entries.iter().any(|entry| entry.path == place.document) {
            put(&place.document, accepted.manifest.document, false)?;
        }
        Ok(place)
    }

    /// Why a check cannot see all of what was handed over.
    pub(super) fn lacks(&self) -> Option<String> {
        match self.not_kept {
            0 => None,
            1 => Some("1 file is too large to be kept".to_owned()),
            many => Some(format!("{many} files are too large to be kept")),
        }
    }

    /// What was handed over, to read.
    pub(super) fn sealed(&self) -> PathBuf {
        self.path.join(SEALED)
    }

    /// A folder to write in.
    pub(super) fn scratch(&self) -> PathBuf {
        self.path.join(SCRATCH)
    }

    /// The document.
    pub(super) fn document(&self) -> PathBuf {
        self.sealed().join(&self.document)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = self.parent.remove_own_folder(&self.name) {
            tracing::warn!(%error, "the folder of a check stays");
        }
    }
}

/// Removes what an interrupted run left in `dir`.
pub(super) fn clear(dir: &Dir) {
    let removed = dir.list().and_then(|listed| {
        listed
            .iter()
            .try_for_each(|one| dir.remove_own_folder(&one.path))
    });
    if let Err(error) = removed {
        tracing::warn!(%error, "the folder of a check stays");
    }
}
