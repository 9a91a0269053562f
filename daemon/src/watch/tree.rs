//! What is known of one workspace: its folders and its documents. It holds no file open.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::sight::{Place, Stamp};

/// A folder that was listed.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(crate) place: Place,
    pub(crate) stamp: Stamp,
    pub(crate) is_watched: bool,
    /// When the last sign of life from it was passed on.
    pub(crate) last_activity: Option<Duration>,
    /// The last full scan that saw it.
    pub(crate) seen_in: u64,
}

/// A document that was hinted.
#[derive(Clone, Copy, Debug)]
struct Document {
    stamp: Stamp,
    seen_in: u64,
}

/// Folders and documents by their path relative to the workspace; the workspace itself is the empty path.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) folders: BTreeMap<PathBuf, Folder>,
    documents: BTreeMap<PathBuf, Document>,
    /// The number of the full scan that runs or ran last.
    pub(crate) scan: u64,
}

impl Tree {
    /// Notes how the document looks now and says whether that is news.
    pub(crate) fn note_document(&mut self, relative: &Path, stamp: Stamp) -> bool {
        let seen_in = self.scan;
        if let Some(known) = self.documents.get_mut(relative) {
            known.seen_in = seen_in;
            return std::mem::replace(&mut known.stamp, stamp) != stamp;
        }
        self.documents
            .insert(relative.to_owned(), Document { stamp, seen_in });
        true
    }

    /// Whether the document was hinted and not forgotten since.
    pub(crate) fn knows_document(&self, relative: &Path) -> bool {
        self.documents.contains_key(relative)
    }

    /// Whether a document right in `folder` is known.
    pub(crate) fn has_document_in(&self, folder: &Path) -> bool {
        below(&self.documents, folder).any(|(path, _)| path.parent() == Some(folder))
    }

    /// Forgets the document and says whether it was known.
    pub(crate) fn forget_document(&mut self, relative: &Path) -> bool {
        self.documents.remove(relative).is_some()
    }

    /// The known documents at and below `relative`.
    pub(crate) fn documents_below(&self, relative: &Path) -> Vec<PathBuf> {
        below(&self.documents, relative)
            .map(|(path, _)| path.clone())
            .collect()
    }

    /// Forgets the folder and all folders below it; they are returned.
    pub(crate) fn forget_folders(&mut self, relative: &Path) -> Vec<PathBuf> {
        let gone: Vec<PathBuf> = below(&self.folders, relative)
            .map(|(path, _)| path.clone())
            .collect();
        for path in &gone {
            self.folders.remove(path);
        }
        gone
    }

    /// Documents and folders that the full scan which just ended did not come across.
    pub(crate) fn unseen(&self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let documents = self
            .documents
            .iter()
            .filter(|(_, document)| document.seen_in < self.scan)
            .map(|(path, _)| path.clone());
        let folders = self
            .folders
            .iter()
            .filter(|(_, folder)| folder.seen_in < self.scan)
            .map(|(path, _)| path.clone());
        (documents.collect(), folders.collect())
    }

    /// Notes that no folder is watched any more.
    pub(crate) fn drop_watches(&mut self) {
        for folder in self.folders.values_mut() {
            folder.is_watched = false;
        }
    }

    /// How many documents are known.
    pub(crate) fn document_count(&self) -> usize {
        self.documents.len()
    }
}

/// Paths compare part by part, so a folder and all below it stand side by side.
fn below<'a, V>(
    map: &'a BTreeMap<PathBuf, V>,
    top: &'a Path,
) -> impl Iterator<Item = (&'a PathBuf, &'a V)> {
    map.range::<Path, _>((Bound::Included(top), Bound::Unbounded))
        .take_while(move |(path, _)| path.starts_with(top))
}
