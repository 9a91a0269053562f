//! Folders that were workspaces before: one that is empty now is away, most often because nothing is mounted on it.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    config::{Root, RootKind},
    fs::Dir,
    ledger::{Draft, Ledger},
    store::{Space, StoreError},
};

/// The folders that were served, with the names of their workspaces.
pub(super) struct KnownFolders {
    ledger: Ledger,
    known: Mutex<BTreeMap<PathBuf, String>>,
}

impl KnownFolders {
    /// Reads what earlier runs served.
    pub(super) async fn load(ledger: Ledger) -> Result<Self, StoreError> {
        let known = ledger.read(|store| store.values(Space::Served)).await?;
        let known = known.into_iter().map(|(path, name)| (path.into(), name));
        Ok(Self {
            ledger,
            known: Mutex::new(known.collect()),
        })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PathBuf, String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers that `path` is served as the workspace `name`.
    pub(super) fn remember(&self, path: &Path, name: &str) {
        let before = self.lock().insert(path.to_owned(), name.to_owned());
        let Some(key) = path.to_str().filter(|_| before.as_deref() != Some(name)) else {
            return;
        };
        let draft = Draft {
            values: vec![(Space::Served, key.to_owned(), Some(name.to_owned()))],
            ..Draft::nothing(())
        };
        // Only a start without the mount asks for it; what fails is written by the next start.
        self.ledger
            .submit(move |_, _| Ok::<_, Infallible>(draft), |_| {});
    }

    /// Says why `path` is not to be served now, when it was a workspace and is empty.
    pub(super) fn away(&self, path: &Path) -> Option<String> {
        let name = self.lock().get(path)?.clone();
        let listed = Dir::open(path).and_then(|dir| dir.list());
        let is_empty = listed.is_ok_and(|entries| entries.is_empty());
        is_empty.then(|| away(&name))
    }

    /// Says why nothing in `root` is to be served now, when it was itself a workspace and is none now.
    pub(super) fn lost(&self, root: &Root) -> Option<String> {
        if root.kind_now() == RootKind::Workspace {
            return None;
        }
        Some(away(self.lock().get(&root.path)?))
    }
}

fn away(name: &str) -> String {
    format!(
        "the workspace {name} was here and is away: is its file system mounted? If it is to begin anew, make it with `countersign init`"
    )
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the scene is set on the disk")]
mod tests {
    use super::*;
    use crate::testing::Rig;

    #[test]
    fn an_empty_folder_that_was_a_workspace_is_away() {
        let mut rig = Rig::new();
        let folder = tempfile::tempdir().unwrap();
        let root = Root {
            path: folder.path().to_owned(),
            kind: RootKind::Parent,
        };
        let load = |rig: &Rig| rig.wait(KnownFolders::load(rig.ledger().clone())).unwrap();
        let known = load(&rig);
        assert_eq!((known.away(&root.path), known.lost(&root)), (None, None));
        known.remember(&root.path, "reports");
        rig.wait(rig.ledger().read(|_| Ok(()))).unwrap();
        drop(known);

        rig.restart();
        let known = load(&rig);
        assert!(known.away(&root.path).unwrap().contains("reports"));
        // Something else beneath the mount: its folders are no workspaces.
        std::fs::create_dir(folder.path().join("other")).unwrap();
        assert_eq!(known.away(&root.path), None);
        assert!(known.lost(&root).unwrap().contains("mounted"));
        std::fs::write(folder.path().join("workspace.toml"), "").unwrap();
        assert_eq!(known.lost(&root), None, "it is mounted now");
    }
}
