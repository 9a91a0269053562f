//! What a release is: the files that a decision put into `approved/`, and how they differ from it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    edit::Edited,
    event::Accepted,
    id::{Digest, HandoffId},
    manifest::{Manifest, ManifestEntry},
};

/// The list that `sha256sum -c` accepts.
const SUMS: &str = "SHA256SUMS";
/// What was released, by which decision.
const RECORD: &str = "release.json";

/// Mode of a released file.
pub const RELEASED: u32 = 0o444;
/// Mode of a released file that can be run.
pub const RELEASED_PROGRAM: u32 = 0o555;

/// `release.json`: what was released, by which decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseRecord {
    /// `1.0`.
    pub release_version: String,
    /// The card.
    pub handoff_id: HandoffId,
    /// The approved revision.
    pub revision: u32,
    /// Digest of the manifest that was approved: of the list below.
    pub manifest_sha256: Digest,
    /// Digest of the manifest that the agent handed over, where a person changed files of it before approving.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_from: Option<Digest>,
    /// When it was approved.
    pub approved_at: Timestamp,
    /// The whole manifest, also what was not released.
    pub files: Vec<ManifestEntry>,
}

impl ReleaseRecord {
    /// The record of the release of `accepted` as it was `edited`, approved at that time.
    pub fn of(accepted: &Accepted, edited: Option<&Edited>, approved_at: Timestamp) -> Self {
        let manifest = &accepted.manifest;
        Self {
            release_version: "1.0".to_owned(),
            handoff_id: accepted.handoff,
            revision: accepted.revision,
            manifest_sha256: edited
                .map_or(accepted.manifest_sha256, |edited| edited.manifest_sha256),
            edited_from: edited.map(|_| accepted.manifest_sha256),
            approved_at,
            files: edited.map_or_else(|| manifest.files(), |edited| edited.entries(manifest)),
        }
    }

    /// The files that are released: those that the handoff names and whose bytes are kept.
    pub fn released(&self) -> impl Iterator<Item = &ManifestEntry> {
        self.files
            .iter()
            .filter(|entry| entry.declared && entry.kept)
    }

    /// The digest of the manifest that the record lists, for a handoff document of that digest. A record
    /// that tells the truth gives its own `manifest_sha256`.
    pub fn manifest_digest(&self, document: Digest) -> Digest {
        Manifest::new(document, self.files.clone()).digest()
    }

    /// The list that `sha256sum -c` accepts.
    pub fn sums(&self) -> String {
        let lines: Vec<String> = self
            .released()
            .map(|entry| format!("{}  {}\n", entry.sha256, entry.path))
            .collect();
        lines.concat()
    }

    /// The name of that list; no released file has it.
    pub fn sums_name(&self) -> String {
        self.free(SUMS)
    }

    /// The name of the record itself; no released file has it.
    pub fn record_name(&self) -> String {
        self.free(RECORD)
    }

    fn free(&self, name: &str) -> String {
        let mut free = name.to_owned();
        while self.files.iter().any(|entry| entry.path == free) {
            free.insert(0, '_');
        }
        free
    }
}

/// The mode that a released file has.
pub fn mode_of(entry: &ManifestEntry) -> u32 {
    if entry.executable {
        RELEASED_PROGRAM
    } else {
        RELEASED
    }
}

/// How something in a release is not what was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// It has other bytes.
    Changed,
    /// It has another mode.
    Mode,
    /// It belongs to another user, who may change it.
    Owner,
    /// It is not there.
    Missing,
    /// It was not released.
    Extra,
    /// A link, a folder, a FIFO, a socket or a device stands in its place.
    Replaced,
    /// It cannot be read, so nobody can say.
    Unreadable,
}

impl DifferenceKind {
    /// The word for people, as in "`a.txt` {word}".
    pub fn word(self) -> &'static str {
        match self {
            Self::Changed => "has other bytes",
            Self::Mode => "has another mode",
            Self::Owner => "belongs to somebody else",
            Self::Missing => "is missing",
            Self::Extra => "was not released",
            Self::Replaced => "was replaced by something that is no file",
            Self::Unreadable => "cannot be read",
        }
    }
}

/// One thing in a release that is not what was approved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Difference {
    /// Where, relative to the folder of the release; `.` for the folder itself.
    pub path: String,
    /// How.
    pub kind: DifferenceKind,
    /// What was found and what should be there, in words.
    pub detail: String,
    /// Digest of the bytes that were found, when they could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
}

/// Approved work was found to be other than approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violated {
    /// The workspace.
    pub workspace: String,
    /// The handoff whose release it is; absent when it is about `approved/` itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handoff: Option<HandoffId>,
    /// The folder, relative to the workspace.
    pub folder: String,
    /// What was found, at most [`MOST_NAMED`] of it.
    pub found: Vec<Difference>,
    /// How much more there was.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: usize,
}

/// So many differences are named in one fact.
pub const MOST_NAMED: usize = 50;

/// Approved work is as approved again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// The workspace.
    pub workspace: String,
    /// The handoff whose release it is; absent when it is about `approved/` itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handoff: Option<HandoffId>,
    /// The entry of the violation.
    pub violation: u64,
    /// What was taken out.
    pub taken: Vec<Taken>,
}

/// Something foreign that was taken out of approved work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Where it was, relative to the folder.
    pub path: String,
    /// Where it lies now, relative to the workspace; absent when the quarantine had no room for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_at: Option<String>,
    /// Digest of its bytes, when it is a file that could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// How many bytes it has, with all that is in it.
    pub size: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, declared: bool) -> ManifestEntry {
        ManifestEntry {
            path: path.to_owned(),
            size: 1,
            sha256: Digest::of(path.as_bytes()),
            executable: path == "run.sh",
            declared,
            kept: true,
            role: None,
            title: None,
        }
    }

    fn record(files: Vec<ManifestEntry>) -> ReleaseRecord {
        let manifest = Manifest::new(Digest::of(b"document"), files);
        ReleaseRecord {
            release_version: "1.0".to_owned(),
            handoff_id: HandoffId(1),
            revision: 1,
            manifest_sha256: manifest.digest(),
            edited_from: None,
            approved_at: Timestamp::UNIX_EPOCH,
            files: manifest.files(),
        }
    }

    #[test]
    fn what_was_not_named_is_not_released_and_no_name_is_taken_twice() {
        let record = record(vec![
            entry("SHA256SUMS", true),
            entry("hidden.txt", false),
            entry("run.sh", true),
        ]);
        let released: Vec<&str> = record.released().map(|one| one.path.as_str()).collect();
        assert_eq!(released, ["SHA256SUMS", "run.sh"]);
        assert_eq!(record.sums_name(), "_SHA256SUMS");
        assert_eq!(record.record_name(), "release.json");
        assert_eq!(record.sums().lines().count(), 2);
        assert_eq!(mode_of(&record.files[2]), 0o555);
    }

    #[test]
    fn a_record_that_was_edited_gives_another_digest() {
        let mut record = record(vec![entry("a", true), entry("b", true)]);
        let document = Digest::of(b"document");
        assert_eq!(record.manifest_digest(document), record.manifest_sha256);
        record.files[1].sha256 = Digest::of(b"evil");
        assert_ne!(record.manifest_digest(document), record.manifest_sha256);
    }
}
