//! The sealed list of what was handed over. Its digest is what a decision binds to.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::id::Digest;

/// One file, as it was sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ManifestEntry {
    /// Path relative to the folder of the handoff, `/` between parts.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of the bytes.
    pub sha256: Digest,
    /// Whether the owner could run it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub executable: bool,
    /// Whether the handoff names it. A package folder may hold more than it says.
    pub declared: bool,
    /// Whether the bytes are kept. Above the workspace's limit only the digest is.
    pub kept: bool,
    /// What the agent says the file is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// What the agent calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// Everything that one revision handed over: the document and its files, sorted by path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Digest of the handoff document, byte for byte as it was delivered.
    pub document: Digest,
    /// The files, sorted by path, each path once. Revisions share what is the same in them.
    pub entries: Vec<Arc<ManifestEntry>>,
}

impl Manifest {
    /// A manifest with its entries in order.
    pub fn new(document: Digest, mut entries: Vec<ManifestEntry>) -> Self {
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        let entries = entries.into_iter().map(Arc::new).collect();
        Self { document, entries }
    }

    /// Takes over from `before` each entry that is the same there, so that both need the memory of one.
    pub fn share(&mut self, before: &Self) {
        let mut known = before.entries.iter().peekable();
        for entry in &mut self.entries {
            while known.next_if(|one| one.path < entry.path).is_some() {}
            if let Some(same) = known.next_if(|one| *one == entry) {
                *entry = Arc::clone(same);
            }
        }
    }

    /// The digest that decisions bind to: every byte, path, size, run bit and whether it was named.
    /// Lengths come before their text, so that no two lists run into each other.
    pub fn digest(&self) -> Digest {
        let mut hash = Sha256::new();
        hash.update(b"countersign-manifest-v1\0");
        hash.update(self.document.0);
        for entry in &self.entries {
            hash.update((entry.path.len() as u64).to_be_bytes());
            hash.update(entry.path.as_bytes());
            hash.update(entry.size.to_be_bytes());
            hash.update([u8::from(entry.executable) | u8::from(entry.declared) << 1]);
            hash.update(entry.sha256.0);
        }
        Digest(hash.finalize().into())
    }

    /// The entry of that path.
    pub fn get(&self, path: &str) -> Option<&ManifestEntry> {
        self.entries
            .binary_search_by(|entry| entry.path.as_str().cmp(path))
            .ok()
            .map(|at| &*self.entries[at])
    }

    /// The files, each by itself.
    pub fn files(&self) -> Vec<ManifestEntry> {
        let entries = self.entries.iter();
        entries.map(|entry| ManifestEntry::clone(entry)).collect()
    }

    /// The sum of all sizes, in bytes.
    pub fn total_size(&self) -> u64 {
        self.entries.iter().map(|entry| entry.size).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, bytes: &[u8]) -> ManifestEntry {
        ManifestEntry {
            path: path.to_owned(),
            size: bytes.len() as u64,
            sha256: Digest::of(bytes),
            executable: false,
            declared: true,
            kept: true,
            role: None,
            title: None,
        }
    }

    fn first(manifest: &mut Manifest) -> &mut ManifestEntry {
        Arc::make_mut(&mut manifest.entries[0])
    }

    #[test]
    fn what_is_the_same_in_two_revisions_is_shared() {
        let base = Manifest::new(
            Digest::of(b"doc"),
            vec![entry("a", b"1"), entry("b", b"2"), entry("d", b"4")],
        );
        let next = Manifest::new(
            Digest::of(b"doc"),
            vec![entry("b", b"2"), entry("c", b"3"), entry("d", b"5")],
        );
        let mut shared = next.clone();
        shared.share(&base);
        assert_eq!(shared, next);
        let is_shared = |at: usize, of: usize| Arc::ptr_eq(&shared.entries[at], &base.entries[of]);
        assert!(is_shared(0, 1));
        assert!(!is_shared(2, 2));
    }

    #[test]
    fn the_digest_moves_with_everything_a_reviewer_relies_on() {
        let base = Manifest::new(Digest::of(b"doc"), vec![entry("b", b"2"), entry("a", b"1")]);
        assert_eq!(base.entries[0].path, "a");
        assert_eq!(base.get("b").unwrap().sha256, Digest::of(b"2"));
        let change = |edit: fn(&mut Manifest)| {
            let mut other = base.clone();
            edit(&mut other);
            other.digest()
        };
        let digests = [
            base.digest(),
            change(|m| m.document = Digest::of(b"other")),
            change(|m| first(m).path = "c".to_owned()),
            change(|m| first(m).size = 9),
            change(|m| first(m).executable = true),
            change(|m| first(m).declared = false),
            change(|m| first(m).sha256 = Digest::of(b"x")),
            change(|m| drop(m.entries.pop())),
        ];
        for (at, one) in digests.iter().enumerate() {
            assert!(!digests[at + 1..].contains(one), "{at}");
        }
    }

    #[test]
    fn what_is_only_said_does_not_move_the_digest() {
        let base = Manifest::new(Digest::of(b"doc"), vec![entry("a", b"1")]);
        let mut other = base.clone();
        first(&mut other).title = Some("Report".to_owned());
        first(&mut other).kept = false;
        assert_eq!(base.digest(), other.digest());
    }
}
