//! Going through a workspace a slice at a time, so that changes are seen to in between.
//!
//! A walk of a whole workspace may follow a scan of the watcher: it lists the folders that the scan has come to, each
//! after its watch was set, and at the end of the scan those that are left.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    fs::{Dir, Error, FileKind, Stamp, is_temporary},
    walk::{Purpose, Rules, is_skipped},
    workspace::Workspace,
};

/// A walk through a workspace, or through a folder of it.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) workspace: Arc<Workspace>,
    /// Its number; later walks have higher ones.
    pub(super) number: u32,
    /// Whether it goes through all of the workspace.
    pub(super) is_full: bool,
    /// Whether every folder could be listed.
    pub(super) is_whole: bool,
    /// Folders to list, with the rules of the folder around them.
    folders: HashMap<PathBuf, Arc<Rules>>,
}

/// A file that a walk came across.
#[derive(Debug)]
pub(super) struct Found {
    /// Relative to the workspace.
    pub(super) path: String,
    pub(super) stamp: Stamp,
}

impl Walk {
    /// Through all of `workspace`.
    pub(super) fn of(workspace: Arc<Workspace>, number: u32) -> Self {
        Self {
            workspace,
            number,
            is_full: true,
            is_whole: true,
            folders: HashMap::from([(PathBuf::new(), Arc::default())]),
        }
    }

    /// Through `folder` of `workspace`, around which `rules` hold.
    pub(super) fn of_folder(
        workspace: Arc<Workspace>,
        folder: PathBuf,
        rules: Arc<Rules>,
        number: u32,
    ) -> Self {
        Self {
            is_full: false,
            folders: HashMap::from([(folder, rules)]),
            ..Self::of(workspace, number)
        }
    }

    /// Lists any folder that is left. `None` when there is none.
    pub(super) fn next_folder(&mut self) -> Option<Vec<Found>> {
        let next = self.folders.keys().next()?.clone();
        self.folder(&next)
    }

    /// Lists this folder. `None` when it is not to be listed, or was.
    pub(super) fn folder(&mut self, folder: &Path) -> Option<Vec<Found>> {
        let (folder, around) = self.folders.remove_entry(folder)?;
        Some(self.list(&folder, &around).unwrap_or_else(|error| {
            if !error.is_not_found() && !error.is_mount() {
                tracing::debug!(%error, "a folder is left out of the index");
                self.is_whole = false;
            }
            Vec::new()
        }))
    }

    fn list(&mut self, path: &Path, around: &Arc<Rules>) -> Result<Vec<Found>, Error> {
        let folder: Dir = self.workspace.dir().folder(path)?;
        let listed = folder.list()?;
        let has_rules = listed
            .iter()
            .any(|one| one.path.as_os_str().as_encoded_bytes().ends_with(b"ignore"));
        let rules = if has_rules {
            around.inside(&folder, path)
        } else {
            Arc::clone(around)
        };
        let mut found = Vec::new();
        for listed in listed {
            let below = path.join(&listed.path);
            let is_folder = listed.kind == FileKind::Folder;
            if is_left_out(&below, is_folder, &rules) {
                continue;
            }
            match listed.kind {
                FileKind::Folder => {
                    self.folders.insert(below, Arc::clone(&rules));
                }
                FileKind::File => {
                    // A name that is no text cannot be asked for.
                    let Some(name) = below.to_str().map(str::to_owned) else {
                        continue;
                    };
                    if let Ok((FileKind::File, stamp)) = folder.look(&listed.path) {
                        found.push(Found { path: name, stamp });
                    }
                }
                FileKind::Link | FileKind::Special => {}
            }
        }
        Ok(found)
    }
}

fn is_left_out(path: &Path, is_folder: bool, rules: &Rules) -> bool {
    is_skipped(path) || is_temporary(path) || rules.leaves_out(path, is_folder, Purpose::Index)
}

/// The rules around paths of one workspace, each folder read once.
#[derive(Debug, Default)]
pub(super) struct Around {
    /// The rules inside a folder; none for one that is left out.
    folders: HashMap<PathBuf, Option<Arc<Rules>>>,
}

impl Around {
    /// The rules in the folder around `path`; `None` when `path` is left out.
    pub(super) fn rules(&mut self, root: &Dir, path: &Path, is_folder: bool) -> Option<Arc<Rules>> {
        let rules = self.inside(root, path.parent().unwrap_or(Path::new("")))?;
        (!is_left_out(path, is_folder, &rules)).then_some(rules)
    }

    fn inside(&mut self, root: &Dir, folder: &Path) -> Option<Arc<Rules>> {
        if let Some(known) = self.folders.get(folder) {
            return known.clone();
        }
        let around = match folder.parent() {
            Some(parent) => {
                let around = self.inside(root, parent);
                around.filter(|around| !is_left_out(folder, true, around))
            }
            None => Some(Arc::default()),
        };
        let inside = around.map(|around| match root.folder(folder) {
            Ok(dir) => around.inside(&dir, folder),
            Err(_) => around,
        });
        self.folders.insert(folder.to_owned(), inside.clone());
        inside
    }
}
