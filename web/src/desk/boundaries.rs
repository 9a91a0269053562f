//! What holds agents back, and what approved work must be.

use async_trait::async_trait;
use countersign_protocol::{
    Digest, HandoffId, decision::DecisionDocument, release::ReleaseRecord, terms::Use,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Caller, DeskError, Person};

/// What was released for a handoff, and by which decision: all that is needed to check it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Release {
    /// The workspace.
    pub workspace: String,
    /// The list of files, as it stands in the release.
    pub record: ReleaseRecord,
    /// The decision.
    pub decision: DecisionDocument,
    /// The use of it, when it was good for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Use>,
}

/// That approved work is about to be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UseWish {
    /// Made by who uses it, 8 to 64 letters and digits: asking again with the same is the same use.
    pub use_id: String,
    /// Digest of the manifest that was checked.
    pub manifest_sha256: Digest,
}

/// What holds an agent back in a room, as far as it was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// The kernel, whatever the modes are.
    Kernel,
    /// Owners and modes of files.
    Modes,
    /// Nothing: what is done is found and put right, or does no harm.
    Detected,
    /// Nothing.
    Open,
    /// It could not be tried.
    NotTried,
}

impl Holds {
    /// The words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Kernel => "enforced by the kernel",
            Self::Modes => "enforced by file modes",
            Self::Detected => "only detected",
            Self::Open => "not held",
            Self::NotTried => "not tried",
        }
    }
}

/// How it is told that a box takes nothing.
pub const SHUT: &str = "nothing can be dropped into it";

/// One room of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoundaryRow {
    /// For example `approved/`.
    pub room: String,
    /// What agents may do there.
    pub promise: String,
    /// What holds one that only shares the folder.
    pub shared: Holds,
    /// What holds one that `countersign run` starts.
    pub run: Holds,
    /// What was possible, in words; empty when nothing was.
    pub detail: String,
}

/// One thing that holds agents back, and how far it goes here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MechanismRow {
    /// For example `access lists`.
    pub name: String,
    /// Who enforces it here.
    pub holds: Holds,
    /// What was found.
    pub detail: String,
}

/// What holds agents back in a workspace, as it was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkspaceBoundaries {
    /// The workspace.
    pub workspace: String,
    /// Its folder.
    pub path: String,
    /// The agent in whose place it was tried, and its user.
    pub tried_as: String,
    /// Agents that may hand over; empty for any.
    pub agents: Vec<String>,
    /// Who may answer; empty for everybody who signs in.
    pub people: Vec<String>,
    /// Whether the daemon sets owners and modes.
    pub protect: bool,
    /// The rooms.
    pub rows: Vec<BoundaryRow>,
    /// By what.
    pub mechanisms: Vec<MechanismRow>,
    /// Releases, and how many were found changed since they were made.
    pub releases: usize,
    /// The last violations, newest first, one line each.
    pub violations: Vec<String>,
}

/// What pages and API ask about boundaries.
#[async_trait]
pub trait BoundariesDesk: Send + Sync + 'static {
    /// What holds agents back in each workspace. It is tried anew when the last time is long ago.
    async fn boundaries(&self, who: &Person) -> Result<Vec<WorkspaceBoundaries>, DeskError>;
    /// What was released for a handoff.
    async fn released(&self, who: &Caller, id: HandoffId) -> Result<Release, DeskError>;
    /// Uses an approval that is good for one use. Who is answered with an error does not use it.
    async fn use_approval(
        &self,
        who: &Caller,
        id: HandoffId,
        wish: UseWish,
    ) -> Result<Use, DeskError>;
}
