//! `decision.json`: the answer.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    approval::VoteRecord,
    edit::Edited,
    envelope::Answered,
    id::{Digest, HandoffId},
    partial::PartialSeen,
    place::{Cell, Place, Region},
    principal::{Method, Verified},
    terms::Terms,
};

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Go on; the sealed bytes are released.
    Approved,
    /// Come back with another revision.
    ChangesRequested,
    /// Stop.
    Rejected,
    /// A question was answered; go on.
    Responded,
    /// A person changed the work and approved that.
    Edited,
    /// Nobody says yes or no; go on without it.
    Ignored,
    /// Somebody else answers.
    Rerouted,
    /// The deadline passed.
    Expired,
    /// The agent took it back.
    Cancelled,
    /// An agent brought it to an end.
    Completed,
    /// One of several declined to vote. Recorded as a vote, and never what becomes of a handoff.
    Abstained,
}

/// The answers of a person, as forms, commands and documents name them.
const ANSWERS: [(&str, Outcome); 7] = [
    ("approve", Outcome::Approved),
    ("edit", Outcome::Edited),
    ("changes", Outcome::ChangesRequested),
    ("reject", Outcome::Rejected),
    ("respond", Outcome::Responded),
    ("ignore", Outcome::Ignored),
    ("abstain", Outcome::Abstained),
];

impl Outcome {
    /// What a person decided who gave the answer of that name; `None` when there is no such answer.
    pub fn of_answer(name: &str) -> Option<Self> {
        let found = ANSWERS.into_iter().find(|(known, _)| *known == name);
        found.map(|(_, outcome)| outcome)
    }

    /// The name of the answer; `None` when no person gives it.
    pub fn answer(self) -> Option<&'static str> {
        let found = ANSWERS.into_iter().find(|(_, known)| *known == self);
        found.map(|(name, _)| name)
    }

    /// The exit code of `countersign wait` for it.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Approved | Self::Responded | Self::Edited | Self::Completed => 0,
            Self::ChangesRequested => 10,
            Self::Rejected => 11,
            Self::Rerouted | Self::Abstained => 8,
            // Nobody said yes: a script that goes on at 0 must not.
            Self::Expired | Self::Cancelled | Self::Ignored => 12,
        }
    }

    /// Whether it is a yes to the work, which is then released.
    pub fn is_approval(self) -> bool {
        matches!(self, Self::Approved | Self::Edited)
    }

    /// The word for people, as in "H-7 was {word}".
    pub fn word(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::ChangesRequested => "sent back for changes",
            Self::Rejected => "rejected",
            Self::Responded => "answered",
            Self::Edited => "edited and approved",
            Self::Ignored => "set aside",
            Self::Rerouted => "handed to somebody else",
            Self::Expired => "expired",
            Self::Cancelled => "withdrawn",
            Self::Completed => "completed",
            Self::Abstained => "left to others",
        }
    }
}

/// What was answered to one request of a handoff that asks several things.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RequestAnswer {
    /// Id of the request; absent where the answers stand in the order of the requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// What was decided about it.
    pub outcome: Outcome,
    /// Words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What the person put in the place of what was asked, such as an action with other arguments.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub edited: Option<Value>,
    /// The typed answer to a request with a `response_schema`, which it keeps.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub value: Option<Value>,
    /// What the tool that the answer was given with says beside it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub stated: Map<String, Value>,
}

/// A value that is there, `null` included.
fn some<'de, D: serde::Deserializer<'de>>(source: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(source).map(Some)
}

/// One thing said to the agent, about the whole, a file, or a part of one. Each opens a thread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeRequest {
    /// `q1`, `q2`, … within one decision.
    pub id: String,
    /// The file, relative to the folder of the handoff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Line in the new version of the file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The last line, when it is about several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// A cell of a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<Cell>,
    /// A region of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// Words of the file that it is about, as they stand there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// Digest of the bytes that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// The thread that it opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<u32>,
    /// What is asked.
    pub text: String,
}

impl ChangeRequest {
    /// Words at a place.
    pub fn at(place: Place, text: String) -> Self {
        let Place {
            path,
            sha256,
            line,
            end_line,
            cell,
            region,
            quote,
        } = place;
        Self {
            path,
            line,
            end_line,
            cell,
            region,
            quote,
            sha256,
            text,
            ..Self::default()
        }
    }

    /// Where it is.
    pub fn place(&self) -> Place {
        Place {
            path: self.path.clone(),
            sha256: self.sha256,
            line: self.line,
            end_line: self.end_line,
            cell: self.cell.clone(),
            region: self.region,
            quote: self.quote.clone(),
        }
    }
}

/// A thread that was open before the decision, as it stood then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenThread {
    /// Its number within the handoff.
    pub thread: u32,
    /// The revision that it is about.
    pub revision: u32,
    /// Where it is.
    pub place: Place,
    /// What was said, oldest first.
    pub said: Vec<Said>,
}

/// Words in a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Said {
    /// The name for people.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The words.
    pub text: String,
}

/// The bytes that were approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DecidedArtifact {
    /// Path relative to the folder of the handoff.
    pub path: String,
    /// SHA-256 of the bytes.
    pub sha256: Digest,
}

/// The person who decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DecidedBy {
    /// Stable id.
    pub principal: String,
    /// The name for people.
    pub display: String,
    /// The way they answered.
    pub method: Method,
    /// How they showed that it is them, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
}

/// How the sender goes on, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Resume {
    /// The dialect of the handoff.
    pub dialect: String,
    /// The last checkpoint the daemon knows, to continue from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_checkpoint: Option<u64>,
    /// The answer in the sender's own shape; null where the canonical one is its own.
    pub payload: Value,
}

/// Where the decision stands in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogReference {
    /// Sequence number of the entry.
    pub index: u64,
    /// Hash of the entry.
    pub hash: Digest,
}

/// `decision.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DecisionDocument {
    /// `1.0`.
    pub decision_version: String,
    /// The number of the card.
    pub handoff_id: HandoffId,
    /// The id that the agent gave it, given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_handoff_id: Option<String>,
    /// The task, given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// The revision that was decided.
    pub revision: u32,
    /// Digest of the handoff document that was decided.
    pub handoff_sha256: Digest,
    /// Digest of the manifest that was decided.
    pub manifest_sha256: Digest,
    /// What was decided.
    pub outcome: Outcome,
    /// When.
    pub decided_at: Timestamp,
    /// By whom.
    pub decided_by: DecidedBy,
    /// Who voted, oldest first, where it took more than one person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub votes: Vec<VoteRecord>,
    /// The words that came with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Names of the reasons that were chosen; their words stand in the comment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// What was answered to each request, where that was said one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<RequestAnswer>,
    /// What is asked, one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<ChangeRequest>,
    /// Threads of the handoff that were open before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub threads: Vec<OpenThread>,
    /// The exact bytes that were decided; where a person changed a file, that version.
    pub artifacts: Vec<DecidedArtifact>,
    /// Folder of the released files, relative to the workspace; only when approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_to: Option<String>,
    /// What the person changed before approving; the patch stands beside this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<Edited>,
    /// On what terms the approval holds; absent when it holds as long as the bytes stay as they are.
    #[serde(default, skip_serializing_if = "Terms::is_open")]
    pub terms: Terms,
    /// How the answer kept to the envelope of the request; absent where none was stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<Answered>,
    /// How much of a growing result it is about; absent where the handoff has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<PartialSeen>,
    /// How to go on.
    pub resume: Resume,
    /// Where it stands in the ledger.
    pub log: LogReference,
}

impl DecisionDocument {
    /// Digest of the manifest that was approved: the one that was decided about, with what the person changed.
    pub fn approved_manifest(&self) -> Digest {
        let edited = self.edited.as_ref();
        edited.map_or(self.manifest_sha256, |edited| edited.manifest_sha256)
    }
}
