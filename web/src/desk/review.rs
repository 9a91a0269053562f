//! What a review page says of one revision: its files against a base, what each answer does, what was checked.

use std::collections::BTreeSet;

use countersign_protocol::{
    Digest, HandoffId,
    decision::{ChangeRequest, DecisionDocument},
    problem::Violation,
    provenance::{Observed, Provenance},
    terms::RuleTerms,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Approval, EvidenceRef, Files, HandoffRow, ReasonRow, RequestRow, edits, threads};

/// What one answer will do, by policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Effect {
    /// `approve`, `edit`, `changes`, `reject`, `respond` or `none`.
    pub answer: String,
    /// What then happens, one or two sentences.
    pub text: String,
}

/// The folders that an answer was put into, or the one that was gone when it was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryRow {
    /// True when the answer stands in `folders`; false when it could not be put there.
    pub delivered: bool,
    /// The folders, each with its workspace.
    pub folders: Vec<String>,
    /// When.
    pub at: Timestamp,
}

/// Something that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// False when it needs attention.
    pub ok: bool,
    /// True when the daemon checked it itself, false when the agent only says so.
    pub verified: bool,
    /// One line.
    pub text: String,
    /// What the command of a check said, as far as it was kept.
    #[serde(default)]
    pub said: Option<String>,
}

/// The result of an agent, which waits for the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldResult {
    /// The hop of the task, from 1.
    pub hop: u32,
    /// The agent.
    pub agent: String,
    /// What it says, as it was delivered.
    pub document: String,
    /// Its files.
    pub files: Vec<ResultFile>,
}

/// A file of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResultFile {
    /// Its path in the folder of the result.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// Digest of the bytes.
    pub sha256: Digest,
    /// The whole of a short text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// How a file differs from the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Not in the base.
    Added,
    /// Other bytes.
    Modified,
    /// The same bytes.
    Unchanged,
    /// Under another path in the base, with the same bytes or much of its text.
    Renamed,
    /// In the base only.
    Removed,
}

impl Change {
    /// In a word, for lists.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Modified => "modified",
            Self::Unchanged => "unchanged",
            Self::Renamed => "renamed",
            Self::Removed => "removed",
        }
    }
}

/// One file of the revision, or one that only the base has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileRow {
    /// Path relative to the folder of the handoff.
    pub path: String,
    /// Size in bytes; of the base for a removed one.
    pub size: u64,
    /// SHA-256; of the base for a removed one.
    pub sha256: Digest,
    /// Against the base.
    pub change: Change,
    /// False when the handoff does not name it.
    pub declared: bool,
    /// False when only the digest is kept.
    pub kept: bool,
    /// Whether the owner could run it.
    pub executable: bool,
    /// What the agent calls it.
    pub title: Option<String>,
    /// Path in the base, for a renamed one.
    pub from_path: Option<String>,
    /// How many percent both share, for a renamed one; 100 for the same bytes.
    pub percent: Option<u8>,
    /// How much the kernel told of who wrote it: `observed`, `partly` or `claimed`.
    #[serde(default)]
    #[schema(value_type = String)]
    pub provenance: Provenance,
}

impl FileRow {
    /// The path that the file has in the base.
    pub fn old_path(&self) -> &str {
        self.from_path.as_deref().unwrap_or(&self.path)
    }
}

/// A revision that can be compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Base {
    /// The revision; 0 for what the handoff that this one continues was last decided as.
    pub revision: u32,
    /// For example `your last decision (revision 2)`.
    pub label: String,
}

/// Something that happened to the handoff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimelineItem {
    /// When.
    pub at: Timestamp,
    /// `revision`, `checkpoint`, `silence`, `decision`, `comment`, `delivered`, `released`, `withdrawn`.
    pub kind: String,
    /// One line.
    pub title: String,
    /// More words.
    pub detail: Option<String>,
    /// The ledger entry.
    pub seq: u64,
}

/// Everything the review page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Review {
    /// The facts of the row. `revision` is the newest one.
    pub row: HandoffRow,
    /// The revision that is shown.
    pub revision: u32,
    /// Manifest digest of the shown revision.
    pub manifest_sha256: Digest,
    /// How the sender is known, one line, for example `file owner uid 1000`.
    pub sender: String,
    /// What is asked, one sentence, from the agent.
    pub ask: String,
    /// The agent's summary, plain text.
    pub summary: Option<String>,
    /// Steps done, by the agent.
    pub completed: Vec<String>,
    /// Steps left, by the agent.
    pub remaining: Vec<String>,
    /// Traps met, by the agent.
    pub pitfalls: Vec<String>,
    /// Choices made, by the agent.
    pub choices: Vec<String>,
    /// Open questions of the agent, with the ids that the answer gives back.
    pub questions: Vec<String>,
    /// What each answer does, by policy; always with `none`.
    pub effects: Vec<Effect>,
    /// Answers that can be given now: of `approve`, `edit`, `changes`, `reject`, `respond`. Empty when closed.
    pub answers: Vec<String>,
    /// What was checked.
    pub checks: Vec<Check>,
    /// The evidence that the agent refers to, as `evidence_refs`, and where it leads.
    #[serde(default)]
    pub evidence: Vec<EvidenceRef>,
    /// Who was seen writing the files; absent when nobody listened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub observed: Option<Box<Observed>>,
    /// The files of the shown revision and what the base had more, sorted by path.
    #[schema(value_type = Vec<FileRow>)]
    pub files: Files,
    /// What they are compared with.
    pub base: Option<Base>,
    /// What else they could be compared with.
    pub bases: Vec<Base>,
    /// What was asked in the last round.
    pub earlier_requests: Vec<ChangeRequest>,
    /// Newest first.
    pub timeline: Vec<TimelineItem>,
    /// What an approval needs.
    #[serde(default)]
    pub care: CareNeeded,
    /// What was said about the work, oldest first.
    #[serde(default)]
    pub threads: Vec<threads::ThreadRow>,
    /// What this person wrote and did not send yet, oldest first.
    #[serde(default)]
    pub drafts: Vec<threads::DraftRow>,
    /// Files that this person changed and did not approve yet, by path.
    #[serde(default)]
    pub edits: Vec<edits::EditRow>,
    /// Digests of the files that this person has viewed, of any revision.
    #[serde(default)]
    pub viewed: BTreeSet<Digest>,
    /// Stated facts for the side: label and value, plain text.
    pub facts: Vec<(String, String)>,
    /// What was accepted all the same.
    pub warnings: Vec<Violation>,
    /// The decision about the shown revision.
    pub decision: Option<DecisionDocument>,
    /// True once the answer stands in the agent's folder.
    pub delivered: bool,
    /// Where the answer stands and since when, or where it could not be put.
    #[serde(default)]
    pub delivery: Option<DeliveryRow>,
    /// Place in the queue, from 1, and its length; absent when not waiting.
    pub position: Option<(usize, usize)>,
    /// The handoff before it in the queue.
    pub previous: Option<HandoffId>,
    /// The handoff after it in the queue.
    pub next: Option<HandoffId>,
    /// The handoff document as it was delivered, when it is text.
    pub document: Option<String>,
    /// The end of the result that grows beside it, as far as it is there without a gap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial_end: Option<String>,
    /// The result of an agent that an approval lets pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<HeldResult>)]
    pub result: Option<Box<HeldResult>>,
    /// What it takes to decide and how far it has come, where one answer is not enough.
    #[serde(default)]
    pub approval: Option<Approval>,
    /// On what terms every approval of it holds, by its rule.
    #[serde(default, skip_serializing_if = "RuleTerms::is_open")]
    pub terms: RuleTerms,
    /// Words that are kept ready for answers to it.
    #[serde(default)]
    pub reasons: Vec<ReasonRow>,
    /// The requests of the handoff, in their order.
    #[serde(default)]
    pub requests: Vec<RequestRow>,
}

/// What an approval needs besides the will to approve.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CareNeeded {
    /// That all threads are resolved.
    pub resolve_threads: bool,
    /// That all changed files were viewed.
    pub view_files: bool,
    /// That the number of the handoff is typed.
    pub type_id: bool,
    /// That who approves shows once more that it is them, which only the pages ask.
    #[serde(default)]
    pub step_up: bool,
    /// What is ticked off, one line each.
    pub checklist: Vec<String>,
}
