//! What people and agents say about the work, and how far a person has read it.

use async_trait::async_trait;
use countersign_protocol::{Digest, HandoffId, place::Place};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Caller, DeskError, Person};

/// Words in a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Comment {
    /// By whom.
    pub by: String,
    /// True for an agent.
    pub agent: bool,
    /// When.
    pub at: Timestamp,
    /// The words; plain text.
    pub text: String,
}

/// What became of a place in the revision that is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is there, with the same content.
    #[default]
    Here,
    /// The file is there, and the place in it is no longer what it was.
    Changed,
    /// The file is not there.
    Gone,
}

/// Where a place is in the revision that is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Landing {
    /// What became of it.
    pub standing: Standing,
    /// The file there.
    pub path: Option<String>,
    /// The first line there; where it changed, the line that now stands in its place.
    pub line: Option<u32>,
    /// The last line there.
    pub end_line: Option<u32>,
}

/// A thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ThreadRow {
    /// Its number within the handoff.
    pub thread: u32,
    /// The revision that it is about.
    pub revision: u32,
    /// Where it is in that revision.
    pub place: Place,
    /// Where it is in the revision that is shown.
    pub now: Landing,
    /// The id of the request that opened it, when a decision did.
    pub request: Option<String>,
    /// Who holds it for done, and since when.
    pub resolved: Option<(String, Timestamp)>,
    /// The words, oldest first.
    pub comments: Vec<Comment>,
}

/// A comment that is sent with the next answer of the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DraftRow {
    /// Names it.
    pub draft: String,
    /// The revision that it is about.
    pub revision: u32,
    /// Where it is in that revision.
    pub place: Place,
    /// Where it is in the revision that is shown.
    pub now: Landing,
    /// The words.
    pub text: String,
}

/// Words about a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The revision; the newest when none is named.
    pub revision: Option<u32>,
    /// Where; its digest is filled in.
    pub place: Place,
    /// The words.
    pub text: String,
}

/// Saying something without deciding.
#[async_trait]
pub trait ThreadsDesk: Send + Sync + 'static {
    /// Opens a thread; gives its number.
    async fn say(&self, who: &Caller, id: HandoffId, remark: Remark) -> Result<u32, DeskError>;
    /// Goes on with a thread.
    async fn reply(
        &self,
        who: &Caller,
        id: HandoffId,
        thread: u32,
        text: String,
    ) -> Result<(), DeskError>;
    /// Holds a thread for done, or no longer.
    async fn resolve(
        &self,
        who: &Person,
        id: HandoffId,
        thread: u32,
        resolved: bool,
    ) -> Result<(), DeskError>;
    /// Keeps a comment until the next answer of this person, in the place of `draft` when one is named;
    /// gives its name.
    async fn keep_draft(
        &self,
        who: &Person,
        id: HandoffId,
        draft: Option<&str>,
        remark: Remark,
    ) -> Result<String, DeskError>;
    /// How many drafts would go with an answer of this person.
    async fn unsent(&self, who: &Person, id: HandoffId) -> Result<usize, DeskError>;
    /// Throws a draft away.
    async fn drop_draft(&self, who: &Person, id: HandoffId, draft: &str) -> Result<(), DeskError>;
    /// Notes whether this person has viewed the file with these bytes.
    async fn tick(
        &self,
        who: &Person,
        id: HandoffId,
        sha256: Digest,
        viewed: bool,
    ) -> Result<(), DeskError>;
}
