//! What was read, kept by digest, so that a preview opens at once the second time.
//!
//! Derived data: the folder may be removed at any time. A file is written whole or not at all, without
//! a sync; what a power cut leaves broken does not parse and is read anew.

use std::{
    collections::HashMap,
    io::Read as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use countersign_protocol::Digest;

use super::View;
use crate::fs::{Dir, Error, FileKind};

/// Part of every name: a newer reader does not find what an older one kept, which then ages out.
const VERSION: u32 = 2;

/// The folder of what was read.
#[derive(Debug)]
pub struct Cache {
    folder: Dir,
    most: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    bytes: u64,
    uses: u64,
    /// Size and last use of each file.
    files: HashMap<String, (u64, u64)>,
}

/// Where the content of a file is kept. The name of the file matters only by its ending.
pub(super) fn content_key(sha256: Digest, name: &str) -> String {
    let ending: String = name
        .rsplit_once('.')
        .map_or("", |(_, ending)| ending)
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(8)
        .collect();
    format!("{sha256}-{VERSION}-{}.json", ending.to_ascii_lowercase())
}

/// Where a picture of a file is kept.
pub(super) fn picture_key(sha256: Digest, view: View, side: u32) -> String {
    let view = match view {
        View::Image => "image".to_owned(),
        View::Page(page) => format!("page{page}"),
        View::Output(output) => format!("output{output}"),
    };
    format!("{sha256}-{VERSION}-{view}-{side}.png")
}

impl Cache {
    /// Opens or makes the folder `path`, which holds at most `most` bytes.
    pub fn open(path: &Path, most: u64) -> Result<Self, Error> {
        let folder = Dir::create(path, 0o700)?;
        folder.remove_temporaries()?;
        let mut found = Vec::new();
        for listed in folder.list()? {
            if listed.kind == FileKind::File
                && let Some(name) = listed.path.to_str()
                && let Ok(stamp) = folder.stamp(&listed.path)
            {
                found.push((stamp.modified, name.to_owned(), stamp.size));
            }
        }
        found.sort();
        let mut state = State::default();
        for (_, name, size) in found {
            state.uses += 1;
            state.bytes += size;
            state.files.insert(name, (size, state.uses));
        }
        let cache = Self {
            folder,
            most,
            state: Mutex::new(state),
        };
        cache.shrink();
        Ok(cache)
    }

    pub(super) fn get(&self, key: &str) -> Option<Vec<u8>> {
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.uses += 1;
            let uses = state.uses;
            state.files.get_mut(key)?.1 = uses;
        }
        let mut bytes = Vec::new();
        let mut file = self.folder.open_file(Path::new(key)).ok()?;
        file.read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Keeps `bytes`. That it cannot is no trouble for anybody.
    pub(super) fn put(&self, key: &str, bytes: &[u8]) {
        let size = bytes.len() as u64;
        // One file must not push everything else out.
        if size > self.most / 8 {
            return;
        }
        if let Err(error) = self
            .folder
            .publish(&PathBuf::from(key), bytes, 0o600, false)
        {
            tracing::debug!(%error, "what was read is not kept");
            return;
        }
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.uses += 1;
            let entry = (size, state.uses);
            let before = state.files.insert(key.to_owned(), entry);
            state.bytes = state.bytes + size - before.map_or(0, |(size, _)| size);
        }
        self.shrink();
    }

    /// Removes what was not used for longest, until the rest fits.
    fn shrink(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.bytes <= self.most {
            return;
        }
        let mut by_use: Vec<(u64, String)> = state
            .files
            .iter()
            .map(|(name, (_, used))| (*used, name.clone()))
            .collect();
        by_use.sort_unstable();
        for (_, name) in by_use {
            // A little more than needed, so that the next file does not sort the list again.
            if state.bytes <= self.most - self.most / 16 {
                break;
            }
            if self.folder.remove_own_file(Path::new(&name)).is_err() {
                break;
            }
            if let Some((size, _)) = state.files.remove(&name) {
                state.bytes -= size;
            }
        }
    }

    /// How many bytes are kept.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        let cache = Cache::open(&path, 1000).unwrap();
        for key in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
            cache.put(key, &[0; 100]);
        }
        assert!(cache.get("a").is_some());
        cache.put("j", &[0; 100]);
        assert_eq!(cache.bytes(), 1000);
        cache.put("k", &[0; 100]);
        assert!(cache.bytes() <= 1000);
        assert!(cache.get("a").is_some(), "used a moment ago");
        assert!(cache.get("b").is_none());
        // Another run finds the same, and a larger file than it takes is not kept.
        let bytes = cache.bytes();
        drop(cache);
        let cache = Cache::open(&path, 1000).unwrap();
        assert_eq!(cache.bytes(), bytes);
        cache.put("large", &[0; 126]);
        assert!(cache.get("large").is_none());
        cache.put("a", &[1; 50]);
        assert_eq!(cache.get("a").unwrap(), [1; 50]);
        assert_eq!(cache.bytes(), bytes - 50);
    }

    #[test]
    fn a_smaller_limit_shrinks_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), 10_000).unwrap();
        for n in 0..20 {
            cache.put(&format!("{n}"), &[0; 100]);
        }
        drop(cache);
        assert!(Cache::open(folder.path(), 1000).unwrap().bytes() <= 1000);
    }

    #[test]
    fn keys_are_plain_names() {
        let sha256 = Digest::of(b"x");
        assert!(content_key(sha256, "a/../b.J/S").ends_with("-js.json"));
        assert!(content_key(sha256, "a").ends_with("-.json"));
        assert_ne!(
            picture_key(sha256, View::Page(1), 640),
            picture_key(sha256, View::Page(16), 40)
        );
    }
}
