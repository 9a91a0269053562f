//! What a person changed before approving.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    id::Digest,
    manifest::{Manifest, ManifestEntry},
};

/// A file that a person changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Edit {
    /// Path relative to the folder of the handoff.
    pub path: String,
    /// SHA-256 of the bytes that the agent handed over.
    pub before_sha256: Digest,
    /// SHA-256 of the bytes that were approved.
    pub sha256: Digest,
    /// How many of these there are.
    pub size: u64,
}

/// What a person made of a revision before approving it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Edited {
    /// The files, sorted by path; at least one.
    pub files: Vec<Edit>,
    /// Digest of the manifest with these files in it: what was approved and is released.
    pub manifest_sha256: Digest,
    /// SHA-256 of the unified patch that leads from the agent's files to these.
    pub patch_sha256: Digest,
}

impl Edited {
    /// What `files` make of `manifest`, with that patch.
    pub fn new(manifest: &Manifest, mut files: Vec<Edit>, patch_sha256: Digest) -> Self {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let mut edited = Self {
            files,
            manifest_sha256: Digest::ZERO,
            patch_sha256,
        };
        let entries = edited.entries(manifest);
        edited.manifest_sha256 = Manifest::new(manifest.document, entries).digest();
        edited
    }

    /// The entries of `manifest` with the changed files in the place of the agent's.
    pub fn entries(&self, manifest: &Manifest) -> Vec<ManifestEntry> {
        let edited = |entry: &Arc<ManifestEntry>| {
            let mut entry = ManifestEntry::clone(entry);
            if let Some(edit) = self.files.iter().find(|edit| edit.path == entry.path) {
                entry.sha256 = edit.sha256;
                entry.size = edit.size;
            }
            entry
        };
        manifest.entries.iter().map(edited).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_takes_the_place_of_one_file_and_moves_the_digest() {
        let entry = |path: &str| ManifestEntry {
            path: path.to_owned(),
            size: 3,
            sha256: Digest::of(path.as_bytes()),
            executable: path == "a",
            declared: true,
            kept: true,
            role: None,
            title: Some("said".to_owned()),
        };
        let manifest = Manifest::new(Digest::of(b"document"), vec![entry("a"), entry("b")]);
        let edit = |text: &[u8]| Edit {
            path: "a".to_owned(),
            before_sha256: Digest::of(b"a"),
            sha256: Digest::of(text),
            size: text.len() as u64,
        };
        let edited = Edited::new(&manifest, vec![edit(b"other")], Digest::ZERO);
        let entries = edited.entries(&manifest);
        assert_eq!(
            (entries[0].size, entries[0].sha256),
            (5, Digest::of(b"other"))
        );
        assert!(entries[0].executable);
        assert_eq!(entries[1], *manifest.entries[1]);
        assert_ne!(edited.manifest_sha256, manifest.digest());
        let again = Edited::new(&manifest, vec![edit(b"third")], Digest::ZERO);
        assert_ne!(edited.manifest_sha256, again.manifest_sha256);
    }
}
