//! Putting approved work right: what is foreign is taken out, what is missing comes from the sealed bytes.

use std::{
    io::{Cursor, Read},
    path::{Path, PathBuf},
};

use countersign_protocol::{
    Digest, HandoffId, names,
    release::{Difference, DifferenceKind, Taken},
};

use super::{GuardError, Inner, Room, look::ours, quarantine::Quarantine};
use crate::{
    fs::{Dir, Error, FileKind, damaged, digest_of},
    release::{Expected, FOLDER, Sealed, Wanted, freeze, make},
    store::StoreError,
    workspace::{FOLDER_MODE, Workspace},
};

impl Sealed for Inner {
    type Error = GuardError;

    fn open(&self, sha256: Digest) -> Result<Box<dyn Read>, GuardError> {
        if let Some(file) = self.objects.open_object(sha256)? {
            return Ok(Box::new(file));
        }
        match self.ledger.object(sha256) {
            Ok(Some(bytes)) => Ok(Box::new(Cursor::new(bytes))),
            Ok(None) => Err(GuardError::Missing(sha256)),
            Err(StoreError::Rotten(_)) => {
                Err(Error::new("read", "the sealed bytes", damaged(sha256)).into())
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Inner {
    /// Puts a room right that has these differences; gives what was taken out.
    pub(super) fn restore(
        &self,
        room: &Room,
        workspace: &Workspace,
        found: Vec<Difference>,
        violation: u64,
    ) -> Result<Vec<Taken>, GuardError> {
        let _alone = workspace.answering();
        if Self::is_away(workspace) {
            return Ok(Vec::new());
        }
        let quarantine = Quarantine::open(workspace, violation)?;
        let mut work = Restoring {
            inner: self,
            quarantine,
            taken: Vec::new(),
        };
        match room.1 {
            None => work.approved(workspace, &found)?,
            Some(id) => {
                if let Some(expected) = self.expected(id) {
                    work.release(workspace, id, &expected, &found)?;
                }
            }
        }
        if room.1.is_none() {
            self.hint_releases(&room.0);
        }
        Ok(work.taken)
    }

    /// After `approved/` itself was put right, so must be what is in it.
    fn hint_releases(&self, workspace: &str) {
        let mut rooms = self.rooms();
        for (room, known) in rooms.iter_mut().filter(|(room, _)| room.0 == workspace) {
            known.is_hinted |= room.1.is_some();
        }
        drop(rooms);
        self.news.send_modify(|count| *count += 1);
    }
}

struct Restoring<'a> {
    inner: &'a Inner,
    quarantine: Quarantine,
    taken: Vec<Taken>,
}

impl Restoring<'_> {
    fn take(&mut self, from: &Dir, name: &Path, shown: &Path) -> Result<(), GuardError> {
        let taken = self.quarantine.take(from, name, shown)?;
        self.taken.extend(taken);
        Ok(())
    }

    /// Puts `approved/` itself right.
    fn approved(&mut self, workspace: &Workspace, found: &[Difference]) -> Result<(), GuardError> {
        let root = workspace.dir();
        let name = Path::new(names::APPROVED);
        for one in found.iter().filter(|one| one.path == ".") {
            if one.kind == DifferenceKind::Mode {
                root.folder(name)?.set_mode(FOLDER)?;
            } else if one.kind != DifferenceKind::Missing {
                self.take(root, name, Path::new("."))?;
            }
        }
        let approved = root.make_folder(name, FOLDER_MODE)?;
        for one in found.iter().filter(|one| one.kind == DifferenceKind::Extra) {
            let name = name_of(&approved, &one.path)?;
            if let Some(name) = name {
                self.take(&approved, &name, &name)?;
            }
        }
        Ok(())
    }

    /// Puts a release right.
    fn release(
        &mut self,
        workspace: &Workspace,
        id: HandoffId,
        expected: &Expected,
        found: &[Difference],
    ) -> Result<(), GuardError> {
        let approved = workspace
            .dir()
            .make_folder(Path::new(names::APPROVED), FOLDER_MODE)?;
        let name = id.to_string();
        let place = Path::new(&name);
        let itself = found.iter().find(|one| one.path == ".");
        if let Some(itself) = itself.filter(|one| one.kind != DifferenceKind::Mode) {
            if itself.kind != DifferenceKind::Missing {
                self.take(&approved, place, Path::new("."))?;
            }
            make(&approved, &name, expected, self.inner)?;
        } else {
            let folder = approved.folder(place)?;
            // Immutable files cannot be put right either.
            let _ = freeze(&folder, expected, false);
            folder.set_mode(FOLDER)?;
            self.inside(&folder, expected, found)?;
        }
        if workspace.settings.immutable {
            let _ = freeze(&approved.folder(place)?, expected, true);
        }
        Ok(())
    }

    fn inside(
        &mut self,
        folder: &Dir,
        expected: &Expected,
        found: &[Difference],
    ) -> Result<(), GuardError> {
        for one in found {
            let path = PathBuf::from(&one.path);
            let is_folder = expected.folders.contains(&path);
            let stays = match one.kind {
                DifferenceKind::Missing => true,
                DifferenceKind::Mode => is_folder,
                _ => false,
            };
            // Files that are expected are exchanged below, so that their names never lead nowhere.
            if path.as_os_str() == "." || stays || expected.files.contains_key(&path) {
                continue;
            }
            let parent = path.parent().unwrap_or(Path::new(""));
            // One whose folder was taken out is gone with it.
            let Ok(parent) = folder.folder(parent) else {
                continue;
            };
            let shown = path.file_name().unwrap_or_default().to_string_lossy();
            if let Some(name) = name_of(&parent, &shown)? {
                self.take(&parent, &name, &path)?;
            }
        }
        for inner in &expected.folders {
            folder.make_folder(inner, FOLDER)?.set_mode(FOLDER)?;
        }
        for (path, wanted) in &expected.files {
            let is_named = found.iter().any(|one| Path::new(&one.path) == path);
            if is_named || folder.attributes(path)?.is_none() {
                self.file(folder, path, wanted)?;
            }
        }
        Ok(())
    }

    /// Exchanges a file for a fresh copy; takes out what stood there, unless that was ours.
    fn file(&mut self, folder: &Dir, path: &Path, wanted: &Wanted) -> Result<(), GuardError> {
        let parent = folder.folder(path.parent().unwrap_or(Path::new("")))?;
        let name = path.file_name().map_or(path, Path::new);
        let mut bytes = self.inner.bytes_of(wanted)?;
        let replaced = parent.replace_by_copy(name, &mut *bytes, wanted.sha256, wanted.mode)?;
        crate::fault::step("guard.exchanged");
        let Some(replaced) = replaced else {
            return Ok(());
        };
        let is_ours = parent.attributes(&replaced)?.is_some_and(|found| {
            let is_file = found.kind == FileKind::File && found.uid == ours();
            is_file
                && parent.open_file(&replaced).is_ok_and(|mut file| {
                    digest_of(&mut file).is_ok_and(|found| found == wanted.sha256)
                })
        });
        if is_ours {
            parent.remove_own_file(&replaced)?;
            return Ok(());
        }
        self.take(&parent, &replaced, path)
    }
}

/// The name in `folder` that is shown as `shown`: what is not UTF-8 is shown with marks in it.
fn name_of(folder: &Dir, shown: &str) -> Result<Option<PathBuf>, GuardError> {
    if folder.attributes(Path::new(shown))?.is_some() {
        return Ok(Some(PathBuf::from(shown)));
    }
    let listed = folder.list()?;
    let mut found = listed.into_iter().map(|one| one.path);
    Ok(found.find(|path| path.to_string_lossy() == shown))
}
