//! The canonical handoff: what every dialect is normalised to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    decision::Outcome,
    envelope::Envelope,
    id::Digest,
    partial::Partials,
    problem::{ProblemKind, Refusal},
};

/// How strict the contract is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Version, agent and task.
    #[default]
    Minimal,
    /// Also what a receiver needs to take over with confidence.
    Contract,
    /// Also what a regulator asks for.
    Regulated,
}

impl Profile {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Contract => "contract",
            Self::Regulated => "regulated",
        }
    }
}

/// Why the agent stops here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The work is done.
    #[default]
    Completion,
    /// The agent is not sure enough.
    Confidence,
    /// The next step cannot be undone.
    CriticalAction,
    /// The agent cannot go on.
    Error,
    /// The topic needs a person.
    Sensitive,
    /// A rule says so.
    Policy,
    /// The session is over.
    SessionEnd,
    /// Somebody asked for it.
    Manual,
}

/// How far the work is, by the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Going on.
    InProgress,
    /// Done.
    Completed,
    /// Waits for something.
    Blocked,
    /// Gave up.
    Failed,
    /// No longer wanted.
    Cancelled,
}

/// An agent, person, queue or service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Its id.
    pub id: String,
    /// What else is stated: kind, name, `session_id`, provider, model, version.
    #[serde(flatten)]
    pub stated: Map<String, Value>,
}

/// A file that is handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Relative to the folder of the handoff.
    pub path: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Stated media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Stated digest; must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// Stated size in bytes; must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// What the agent calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

impl Artifact {
    /// Holds what is stated against the file as it is. `at` is its place in `artifacts`.
    pub fn check(&self, at: usize, size: u64, sha256: Digest) -> Result<(), Refusal> {
        let path = &self.path;
        let differs = |code: &str, message: String| {
            let fix = "finish the file before the handoff, or correct what the handoff says of it";
            let refusal = Refusal::new(ProblemKind::DigestMismatch, code, message, fix);
            Err(refusal.at(format!("/artifacts/{at}/{code}")))
        };
        match (self.size, self.sha256) {
            (Some(stated), _) if stated != size => {
                differs("size", format!("`{path}` has {size} bytes, not {stated}"))
            }
            (_, Some(stated)) if stated != sha256 => differs(
                "sha256",
                format!("`{path}` has SHA-256 {sha256}, not {stated}"),
            ),
            _ => Ok(()),
        }
    }
}

/// Stated confidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confidence {
    /// 0 to 1.
    pub value: f64,
    /// What it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
    /// Under which the agent itself wants a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
}

/// What is asked of the reviewer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Its id, given back in the answer.
    pub id: String,
    /// `review`, `approve_action`, `question` or `input`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Answers that make sense to the agent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
    /// Everything else as stated: action, `response_schema`, `expires_at`, artifacts.
    #[serde(flatten)]
    pub stated: Map<String, Value>,
}

/// The fields of a request that say which answers it takes.
#[derive(Clone, Copy, Debug)]
pub struct RequestTerms<'a> {
    /// The only answers that it takes; all when empty.
    pub allowed: &'a [String],
    /// Its kind.
    pub kind: Option<&'a str>,
    /// Whether it has a `response_schema`.
    pub has_schema: bool,
}

impl RequestTerms<'_> {
    /// Returns whether `outcome` is an answer that the request takes.
    ///
    /// ```
    /// use countersign_protocol::{decision::Outcome, handoff::RequestTerms};
    ///
    /// let allowed = ["reject".to_owned()];
    /// let terms = RequestTerms { allowed: &allowed, kind: None, has_schema: false };
    /// assert!(!terms.take(Outcome::Approved));
    /// ```
    pub fn take(self, outcome: Outcome) -> bool {
        if !self.allowed.is_empty() {
            let word = outcome.answer();
            return word.is_some_and(|word| self.allowed.iter().any(|one| one == word));
        }
        // A yes is no answer to a question that wants a value.
        let wants_value = self.has_schema && matches!(self.kind, Some("question" | "input"));
        !(outcome.is_approval() && wants_value)
    }
}

/// The canonical handoff. Everything in it is a claim of the agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Handoff {
    /// For example `1.0`.
    pub version: String,
    /// The stricter of what the file asks for and the workspace wants.
    pub profile: Profile,
    /// Sender.
    pub from_agent: Party,
    /// Wanted receiver.
    pub to_agent: Option<Party>,
    /// Its own id.
    pub handoff_id: Option<String>,
    /// Retries carry the same one.
    pub idempotency_key: Option<String>,
    /// Its own count.
    pub revision: Option<u32>,
    /// When it says it was made.
    pub created_at: Option<Timestamp>,
    /// Its session.
    pub session_id: Option<String>,
    /// Stable id of the task.
    pub task_id: Option<String>,
    /// The task in words.
    pub task: Option<String>,
    /// One line.
    pub title: Option<String>,
    /// How far it is.
    pub status: Option<Status>,
    /// Why it stops here.
    pub trigger: Option<Trigger>,
    /// Why, in words.
    pub reason: Option<String>,
    /// What was done, in words.
    pub summary: Option<String>,
    /// Steps done.
    pub completed: Vec<String>,
    /// Steps left.
    pub remaining: Vec<String>,
    /// Choices made.
    pub decisions: Vec<String>,
    /// Traps met.
    pub pitfalls_hit: Vec<String>,
    /// Open questions.
    pub questions: Vec<String>,
    /// Free context.
    pub context: Map<String, Value>,
    /// How sure it is.
    pub confidence: Option<Confidence>,
    /// When an answer is due.
    pub deadline: Option<Timestamp>,
    /// The same as a span from receipt, in seconds.
    pub timeout_seconds: Option<u64>,
    /// The envelope of the request.
    pub envelope: Envelope,
    /// The result that grows beside it.
    pub partials: Option<Partials>,
    /// Files.
    pub artifacts: Vec<Artifact>,
    /// Path of the checkpoint that goes with it.
    pub checkpoint: Option<String>,
    /// What is asked.
    pub requests: Vec<Request>,
    /// `public`, `internal`, `confidential` or `restricted`.
    pub classification: Option<String>,
    /// The whole document in canonical form, unknown fields included.
    pub document: Value,
}

impl Handoff {
    /// One line for lists: the title, else the first line of the task, else the task id.
    pub fn headline(&self) -> String {
        let text = self
            .title
            .as_deref()
            .or(self.task.as_deref())
            .or(self.task_id.as_deref())
            .unwrap_or_default();
        let line = text
            .lines()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default()
            .trim();
        match line.char_indices().nth(200) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line.to_owned(),
        }
    }

    /// What makes two deliveries the same subject within a workspace.
    pub fn subject(&self) -> String {
        match (&self.task_id, &self.task) {
            (Some(id), _) => format!("id:{id}"),
            (None, Some(task)) => format!("task:{}", Digest::of(task.trim().as_bytes())),
            (None, None) => String::new(),
        }
    }

    /// Why the agent stops here: what it says, else what its status says.
    pub fn effective_trigger(&self) -> Trigger {
        self.trigger.unwrap_or(match self.status {
            Some(Status::Failed | Status::Blocked) => Trigger::Error,
            Some(Status::InProgress) => Trigger::SessionEnd,
            _ => Trigger::Completion,
        })
    }
}
