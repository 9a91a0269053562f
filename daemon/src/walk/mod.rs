//! Walking a workspace, with rules for what is left out.
//!
//! Three things decide, the first that has an opinion wins: `.countersignignore` and, for the index only,
//! `.gitignore`, each from the folder itself up to the workspace, in the syntax of gitignore(5); then the
//! names of folders that tools fill and nobody reads ([`MACHINE_MADE`]), and folders with a
//! `CACHEDIR.TAG` (bford.info/cachedir).
//!
//! **Rules hide nothing that was handed over.** What a handoff names is sealed and indexed by what the
//! ledger says, without a walk; and `watch` lists folders that are left out all the same, only without
//! watches, so a `handoff.json` in one is found by the next scan. `.gitignore` says nothing about documents at all,
//! since `out/` and `dist/` are where agents put their work.

mod layout;
mod rules;
#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "the tests play the agents, who do not use our door"
)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

pub use layout::is_skipped;
pub use rules::{MACHINE_MADE, Purpose, Rules, is_own_rules};

use crate::fs::{Dir, Error, FileKind, Listed};

/// A regular file that the walk came across.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Path relative to the workspace.
    pub path: PathBuf,
}

/// The regular files of a workspace that the rules leave in, folder by folder, each folder in the order
/// of its names. No link is followed, and one folder at a time is in memory. An error is about one folder;
/// the walk goes on behind it.
#[derive(Debug)]
pub struct Walk<'a> {
    root: &'a Dir,
    purpose: Purpose,
    /// Folders to list, with the rules of the folder around them.
    waiting: Vec<(PathBuf, Arc<Rules>)>,
    folder: PathBuf,
    files: std::vec::IntoIter<Listed>,
    folders: u64,
}

impl<'a> Walk<'a> {
    /// A walk over `root`, a workspace.
    pub fn new(root: &'a Dir, purpose: Purpose) -> Self {
        Self::below(root, Path::new(""), purpose)
    }

    /// A walk over the folder `start` of the workspace `root`. Rules of the folders around it hold, too.
    pub fn below(root: &'a Dir, start: &Path, purpose: Purpose) -> Self {
        let mut rules = Arc::new(Rules::default());
        let mut around = PathBuf::new();
        for part in start.components() {
            rules = root
                .folder(&around)
                .map_or_else(|_| Arc::clone(&rules), |dir| rules.inside(&dir, &around));
            around.push(part);
        }
        Self {
            root,
            purpose,
            waiting: vec![(start.to_owned(), rules)],
            folder: PathBuf::new(),
            files: Vec::new().into_iter(),
            folders: 0,
        }
    }

    /// How many folders were listed so far.
    pub fn folders(&self) -> u64 {
        self.folders
    }

    /// Lists the next folder.
    fn list(&mut self, folder: PathBuf, around: &Arc<Rules>) -> Result<(), Error> {
        let dir = match self.root.folder(&folder) {
            // One that went away meanwhile, or became a link, holds nothing; a mount is none of the workspace.
            Err(error) if error.is_not_found() || error.is_mount() => return Ok(()),
            other => other?,
        };
        let mut listed = dir.list()?;
        self.folders += 1;
        if is_cache(&dir, &listed) {
            return Ok(());
        }
        let has_rules = listed.iter().any(|one| rules::is_rule_file(&one.path));
        let rules = if has_rules {
            around.inside(&dir, &folder)
        } else {
            Arc::clone(around)
        };
        listed.retain(|one| {
            let path = folder.join(&one.path);
            let is_folder = one.kind == FileKind::Folder;
            !is_skipped(&path) && !rules.leaves_out(&path, is_folder, self.purpose)
        });
        listed.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let (folders, files): (Vec<_>, Vec<_>) = listed
            .into_iter()
            .filter(|one| matches!(one.kind, FileKind::Folder | FileKind::File))
            .partition(|one| one.kind == FileKind::Folder);
        let inner = folders.into_iter().rev();
        self.waiting
            .extend(inner.map(|one| (folder.join(&one.path), Arc::clone(&rules))));
        self.folder = folder;
        self.files = files.into_iter();
        Ok(())
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Found, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(file) = self.files.next() {
                let path = self.folder.join(&file.path);
                return Some(Ok(Found { path }));
            }
            let (folder, rules) = self.waiting.pop()?;
            if let Err(error) = self.list(folder, &rules) {
                return Some(Err(error));
            }
        }
    }
}

/// The first line of a file that marks a folder as a cache.
const CACHE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";

fn is_cache(dir: &Dir, listed: &[Listed]) -> bool {
    let tag = Path::new("CACHEDIR.TAG");
    listed
        .iter()
        .any(|one| one.path == tag && one.kind == FileKind::File)
        && rules::read(dir, tag).is_some_and(|bytes| bytes.starts_with(CACHE))
}
