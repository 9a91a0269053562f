//! Going through a workspace a slice at a time, so that changes are seen to in between.
//!
//! A walk of a whole workspace may follow a scan of the watcher: it lists the folders that the scan has come to, each
//! after its watch was set, and at the end of the scan those that are left.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{known, schema::key_of_file};
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
    pub(super) key: u64,
    /// The stamp as the index notes it.
    pub(super) noted: u64,
}

impl Found {
    pub(super) fn new(workspace: &str, path: String, stamp: Stamp) -> Self {
        Self {
            key: key_of_file(workspace, &path),
            noted: known::of_file(&stamp),
            path,
            stamp,
        }
    }
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

    /// Takes a folder that is left, to be listed. `None` when there is none.
    pub(super) fn any_folder(&mut self) -> Option<Folder> {
        let next = self.folders.keys().next()?.clone();
        self.folder(&next)
    }

    /// Takes this folder. `None` when it is not to be listed, or was.
    pub(super) fn folder(&mut self, folder: &Path) -> Option<Folder> {
        let (path, around) = self.folders.remove_entry(folder)?;
        Some(Folder { path, around })
    }

    /// Takes note of what a folder had, and gives its files.
    pub(super) fn add(&mut self, listed: Result<Listed, Error>) -> Vec<Found> {
        match listed {
            Ok(listed) => {
                let rules = listed.rules;
                let folders = listed.folders.into_iter();
                self.folders
                    .extend(folders.map(|path| (path, Arc::clone(&rules))));
                listed.files
            }
            Err(error) => {
                if !error.is_not_found() && !error.is_mount() {
                    tracing::debug!(%error, "a folder is left out of the index");
                    self.is_whole = false;
                }
                Vec::new()
            }
        }
    }

    /// Lists the next folder that is left. `None` when there is none.
    pub(super) fn next_folder(&mut self) -> Option<Vec<Found>> {
        let folder = self.any_folder()?;
        let listed = folder.list(&self.workspace);
        Some(self.add(listed))
    }
}

/// A folder that a walk comes to.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    around: Arc<Rules>,
}

/// What is in a folder.
#[derive(Debug)]
pub(super) struct Listed {
    files: Vec<Found>,
    folders: Vec<PathBuf>,
    /// What holds in it.
    rules: Arc<Rules>,
}

impl Folder {
    /// Lists it and looks at its files.
    pub(super) fn list(&self, workspace: &Workspace) -> Result<Listed, Error> {
        let path = self.path.as_path();
        let folder: Dir = workspace.dir().folder(path)?;
        let names = folder.list()?;
        let has_rules = names
            .iter()
            .any(|one| one.path.as_os_str().as_encoded_bytes().ends_with(b"ignore"));
        let rules = if has_rules {
            self.around.inside(&folder, path)
        } else {
            Arc::clone(&self.around)
        };
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for one in names {
            let below = joined(path, &one.path);
            if is_left_out(&below, one.kind == FileKind::Folder, &rules) {
                continue;
            }
            match one.kind {
                FileKind::Folder => folders.push(below),
                FileKind::File => {
                    // A name that is no text cannot be asked for.
                    let Ok(name) = below.into_os_string().into_string() else {
                        continue;
                    };
                    if let Ok((FileKind::File, stamp)) = folder.look(&one.path) {
                        files.push(Found::new(&workspace.name, name, stamp));
                    }
                }
                FileKind::Link | FileKind::Special => {}
            }
        }
        Ok(Listed {
            files,
            folders,
            rules,
        })
    }
}

/// One path of both, in memory that is taken once: a walk makes very many.
fn joined(folder: &Path, name: &Path) -> PathBuf {
    let mut path = PathBuf::with_capacity(folder.as_os_str().len() + 1 + name.as_os_str().len());
    path.push(folder);
    path.push(name);
    path
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
