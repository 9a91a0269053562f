//! Versions of what was handed over, and what changed between two moments.

use async_trait::async_trait;
use countersign_protocol::{Digest, HandoffId, anchor::Anchor, changes::FileChange};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use utoipa::ToSchema;

use super::{Caller, DeskError, Person};

/// A question about what changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangedQuestion {
    /// The workspace; all that the caller may see when none is named.
    pub workspace: Option<String>,
    /// One card; then paths are relative to its folder, and its workspace is the one.
    pub handoff: Option<HandoffId>,
    /// From when on; for a person without it, their last decision, and without that, the start.
    pub from: Option<Anchor>,
    /// Until when; now when none is named.
    pub to: Option<Anchor>,
    /// Whether what changed on the way and came back is listed, too.
    pub restored: bool,
}

/// A moment of the ledger: after that entry, before the next one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MomentRow {
    /// The entry; 0 for before the first.
    pub seq: u64,
    /// Its time, where it is known.
    pub at: Option<Timestamp>,
    /// What was asked for, in the form that can be asked for again, for example `@build:318`.
    pub anchor: String,
    /// What it is, for example `build 318, marked by ci`.
    pub label: String,
    /// The newest revision at that moment, for a question about one card; 0 for none.
    pub revision: Option<u32>,
}

/// From when to when one workspace was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangedSpan {
    /// The workspace.
    pub workspace: String,
    /// The older moment.
    pub from: MomentRow,
    /// The newer one.
    pub to: MomentRow,
}

/// A path that changed. It cites the entry that changed it last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangedRow {
    /// The workspace.
    pub workspace: String,
    /// Folder of the handoff in it, empty for the workspace itself.
    pub folder: String,
    /// Path relative to that folder.
    pub path: String,
    /// How it changed.
    pub change: FileChange,
    /// What it was called before; with a slash in front, relative to the workspace.
    pub from_path: Option<String>,
    /// How many percent both share, for a renamed one; 100 for the same bytes.
    pub percent: Option<u8>,
    /// Size in bytes, before.
    pub size_before: Option<u64>,
    /// Size in bytes, after.
    pub size: Option<u64>,
    /// SHA-256, before.
    pub sha256_before: Option<Digest>,
    /// SHA-256, after.
    pub sha256: Option<Digest>,
    /// The card that changed it last.
    pub handoff: HandoffId,
    /// The revision that did.
    pub revision: u32,
    /// Its stated agent.
    pub agent: String,
    /// When.
    pub at: Timestamp,
    /// The ledger entry.
    pub seq: u64,
}

/// What changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Changed {
    /// What was looked at.
    pub spans: Vec<ChangedSpan>,
    /// Workspaces in which the anchor names nothing, with the reason.
    pub left_out: Vec<String>,
    /// What changed, by workspace, folder and path.
    pub rows: Vec<ChangedRow>,
    /// Files that were changed on the way and are what they were. They are in `rows` only when asked for.
    pub restored: usize,
}

/// One version of a card's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionRow {
    /// `revision`, `checkpoint` or `decision`.
    pub kind: String,
    /// How to name it, for example `@rev:2`.
    pub anchor: String,
    /// One line.
    pub title: String,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The ledger entry.
    pub seq: u64,
    /// The revision whose files it is; 0 when there was none yet.
    pub revision: u32,
    /// Digest of the tree: of the manifest, or of the checkpoint document.
    pub sha256: Digest,
    /// Number of files.
    pub files: usize,
    /// Size of all files, in bytes.
    pub size: u64,
    /// Whether the bytes can still be had.
    pub kept: bool,
}

/// The form of an archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveFormat {
    /// Deflated.
    #[default]
    Zip,
    /// Not compressed.
    Tar,
}

impl ArchiveFormat {
    /// The end of its name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Tar => "tar",
        }
    }
}

/// An archive that is being written.
#[derive(Debug)]
pub struct Archive {
    /// Its name, for example `H-1-r2.zip`.
    pub name: String,
    /// Its bytes, a piece at a time. Who stops to read stops the writing.
    pub pieces: mpsc::Receiver<std::io::Result<Vec<u8>>>,
}

/// A revision whose bytes are no longer kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ForgottenRow {
    /// The card.
    pub handoff: HandoffId,
    /// The revision.
    pub revision: u32,
}

/// What was let go of, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CollectedRow {
    /// Whether nothing was done.
    pub dry_run: bool,
    /// Revisions whose bytes are no longer kept.
    pub revisions: Vec<ForgottenRow>,
    /// Files of the object folder that were removed.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Small files of the database that were removed.
    pub small: u64,
}

/// A moment to give a name to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMark {
    /// The workspace.
    pub workspace: String,
    /// What it is, for example `build`.
    pub kind: String,
    /// Which one, for example `318`.
    pub value: Option<String>,
    /// More words.
    pub note: Option<String>,
}

/// A moment that has a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MarkRow {
    /// The workspace.
    pub workspace: String,
    /// What it is.
    pub kind: String,
    /// Which one.
    pub value: Option<String>,
    /// More words.
    pub note: Option<String>,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The ledger entry that it names.
    pub seq: u64,
    /// How to name it, for example `@build:318`.
    pub anchor: String,
}

/// What the daemon knows of versions.
#[async_trait]
pub trait VersionsDesk: Send + Sync + 'static {
    /// What changed between two moments. The same question about the same entries has the same answer.
    async fn changed(&self, who: &Caller, question: ChangedQuestion) -> Result<Changed, DeskError>;
    /// The moment that `anchor` stands for, seen from a card.
    async fn moment(
        &self,
        who: &Caller,
        id: HandoffId,
        anchor: &Anchor,
    ) -> Result<MomentRow, DeskError>;
    /// All versions of a card, newest first.
    async fn versions(&self, who: &Caller, id: HandoffId) -> Result<Vec<VersionRow>, DeskError>;
    /// All files of a revision as one archive, the same bytes every time.
    async fn archive(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: u32,
        format: ArchiveFormat,
    ) -> Result<Archive, DeskError>;
    /// All files of a workspace as they had last been handed over at the moment `at`, as one archive, the same
    /// bytes every time.
    async fn snapshot(
        &self,
        who: &Caller,
        workspace: &str,
        at: &Anchor,
        format: ArchiveFormat,
    ) -> Result<Archive, DeskError>;
    /// Lets go of sealed bytes that nothing needs any more, or says which.
    async fn collect(&self, who: &Person, dry_run: bool) -> Result<CollectedRow, DeskError>;
    /// Gives the present moment of a workspace a name.
    async fn mark(&self, who: &Caller, mark: NewMark) -> Result<MarkRow, DeskError>;
    /// The marks of a workspace, or of all that the caller may see; newest first.
    async fn marks(&self, who: &Caller, workspace: Option<&str>)
    -> Result<Vec<MarkRow>, DeskError>;
}
