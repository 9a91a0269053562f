//! What stood at some moment: the newest revisions of then, with the keys of their files in the index.

use std::{collections::HashMap, sync::Arc};

use countersign_protocol::{HandoffId, manifest::ManifestEntry, names};
use jiff::Timestamp;
use rustc_hash::{FxHashMap, FxHashSet};

use super::schema::{key_of_file, key_of_version};
use crate::ledger::Revision;

/// A file as it stood.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a> {
    /// Its workspace.
    pub workspace: &'a Arc<str>,
    /// What handed it over the last time before that moment.
    pub revision: &'a Revision,
    /// What was sealed of it.
    pub entry: &'a ManifestEntry,
}

impl Version<'_> {
    /// Its path in the workspace.
    pub fn path(&self) -> String {
        names::joined(&self.revision.accepted.at.folder, &self.entry.path)
    }

    /// When it was handed over.
    pub fn at(&self) -> Timestamp {
        self.revision.at
    }
}

/// The keys of a file and of the version of it that stood.
#[derive(Clone, Copy, Debug)]
struct Keys {
    file: u64,
    version: u64,
}

/// A revision, with the keys of each of its files.
#[derive(Debug)]
struct Part {
    workspace: Arc<str>,
    revision: Arc<Revision>,
    keys: Vec<Keys>,
}

impl Part {
    /// Takes over the keys of what is the same in the part of `before`, since they are digests: of very many files
    /// few differ between two questions.
    fn new(workspace: Arc<str>, revision: Arc<Revision>, before: Option<&Self>) -> Self {
        let folder = revision.accepted.at.folder.as_str();
        let known = before.into_iter().flat_map(|part| {
            let entries = part.revision.accepted.manifest.entries.iter();
            entries.zip(&part.keys)
        });
        let mut known = known.peekable();
        let entries = revision.accepted.manifest.entries.iter();
        let keys = entries.map(|entry| {
            while known.next_if(|(one, _)| one.path < entry.path).is_some() {}
            if let Some((_, keys)) = known.next_if(|(one, _)| Arc::ptr_eq(one, entry)) {
                return *keys;
            }
            let path = names::joined(folder, &entry.path);
            Keys {
                file: key_of_file(&workspace, &path),
                version: key_of_version(&workspace, &path, entry.sha256),
            }
        });
        let keys = keys.collect();
        Self {
            workspace,
            revision,
            keys,
        }
    }

    /// Whether equal paths in the manifests of both mean the same file.
    fn is_beside(&self, workspace: &str, revision: &Revision) -> bool {
        *self.workspace == *workspace
            && self.revision.accepted.at.folder == revision.accepted.at.folder
    }
}

/// The files that stood at some moment.
#[derive(Debug, Default)]
pub struct Standing {
    parts: Vec<Part>,
    /// Part and entry of each version, by its key.
    places: FxHashMap<u64, (usize, usize)>,
    forgotten: usize,
}

impl Standing {
    /// What stood of `newest`: the newest revision of each card with its workspace, oldest first. Of a file that
    /// several of them have, the last one stood. `forgotten` is how many revisions have lost their content so far: what
    /// is kept of them in the index goes with the next one. What `before` has in common is not made again.
    pub(super) fn new(
        newest: Vec<(Arc<str>, Arc<Revision>)>,
        forgotten: usize,
        before: Option<&Self>,
    ) -> Self {
        let known = before.into_iter().flat_map(|before| &before.parts);
        let known: HashMap<HandoffId, &Part> = known
            .map(|part| (part.revision.accepted.handoff, part))
            .collect();
        let parts = newest.into_iter().map(|(workspace, revision)| {
            let beside = known.get(&revision.accepted.handoff).copied();
            let beside = beside.filter(|part| part.is_beside(&workspace, &revision));
            Part::new(workspace, revision, beside)
        });
        let parts: Vec<Part> = parts.collect();
        let files = parts.iter().map(|part| part.keys.len()).sum();
        let mut places = FxHashMap::with_capacity_and_hasher(files, rustc_hash::FxBuildHasher);
        let mut seen = FxHashSet::with_capacity_and_hasher(files, rustc_hash::FxBuildHasher);
        for (at, part) in parts.iter().enumerate().rev() {
            let entries = part.revision.accepted.manifest.entries.iter();
            for (place, (entry, keys)) in entries.zip(&part.keys).enumerate() {
                if seen.insert(keys.file) && entry.kept && !part.revision.is_forgotten {
                    places.insert(keys.version, (at, place));
                }
            }
        }
        Self {
            parts,
            places,
            forgotten,
        }
    }

    /// How many there are whose content is still kept.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether nothing stood.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The version with that key.
    pub fn get(&self, key: u64) -> Option<Version<'_>> {
        self.places.get(&key).map(|place| self.at(*place))
    }

    /// The versions with their keys, in no order.
    pub(super) fn versions(&self) -> impl Iterator<Item = (u64, Version<'_>)> {
        self.places
            .iter()
            .map(|(key, place)| (*key, self.at(*place)))
    }

    fn at(&self, (part, entry): (usize, usize)) -> Version<'_> {
        let part = &self.parts[part];
        Version {
            workspace: &part.workspace,
            revision: &part.revision,
            entry: &part.revision.accepted.manifest.entries[entry],
        }
    }

    /// The key of the file whose version that is.
    pub(super) fn file(&self, key: u64) -> Option<u64> {
        let (part, entry) = self.places.get(&key)?;
        Some(self.parts[*part].keys[*entry].file)
    }

    /// What the index notes of how much was let go of.
    pub(super) fn payload(&self) -> String {
        format!("forgotten {}", self.forgotten)
    }
}
