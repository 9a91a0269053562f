//! What pages and API need from the daemon. `web` knows the daemon only through this.

pub mod access;
pub mod approval;
pub mod boundaries;
mod content;
pub mod edits;
mod error;
mod evidence;
mod files;
pub mod insights;
pub mod locks;
pub mod messages;
pub mod mount;
pub mod observe;
pub mod outsiders;
pub mod ownership;
mod partial;
pub mod people;
pub mod person_tokens;
pub mod preferences;
mod reasons;
mod requests;
mod review;
pub mod routing;
mod search;
pub mod service;
pub mod sso;
pub mod step_up;
pub mod threads;
pub mod transfer;
pub mod undo;
pub mod versions;
pub mod wishes;

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use countersign_protocol::{
    Digest, HandoffId,
    access::{Access, Permission, Permissions},
    chain::Head,
    decision::{ChangeRequest, DecisionDocument, Outcome, RequestAnswer},
    handoff::Trigger,
    principal::Method,
    problem::{ProblemKind, Violation},
    receipt::Receipt,
    terms::Terms,
    trace::TraceParent,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;
use utoipa::ToSchema;

pub use access::AccessDesk;
pub use approval::{Answered, Approval};
pub use boundaries::BoundariesDesk;
pub use content::{ContentDesk, FileBytes, OpenFile, PictureOf, ReadAt, SealedFile};
pub use edits::EditsDesk;
pub use error::DeskError;
pub use evidence::{EvidenceRef, Resolution};
pub use files::Files;
pub use insights::InsightsDesk;
pub use locks::LocksDesk;
pub use messages::{LinkError, LinkView, MessageRow, MessagesDesk, ReceiverRow, TestResult};
pub use mount::MountDesk;
pub use observe::ObserveDesk;
pub use outsiders::OutsidersDesk;
pub use ownership::OwnershipDesk;
pub use partial::{ChunkBytes, PartialRow};
pub use people::PeopleDesk;
pub use person_tokens::PersonTokensDesk;
pub use preferences::PreferencesDesk;
pub use reasons::{ReasonRow, worded};
pub use requests::{ActionRow, RequestRow};
pub use review::{
    Base, CareNeeded, Change, Check, DeliveryRow, Effect, FileRow, HeldResult, ResultFile, Review,
    TimelineItem,
};
pub use routing::RoutingDesk;
pub use search::{
    Changes, Completion, Counted, Facet, Hit, HitError, IndexStatus, MatchedLine, Partial, ReadAs,
    Relaxed, SavedSearch, SearchAnswer, SearchDesk, SearchError, SearchRequest, StoodAt, Unmatched,
};
pub use service::ServiceDesk;
pub use sso::SsoDesk;
pub use step_up::StepUpDesk;
pub use threads::ThreadsDesk;
pub use transfer::TransferDesk;
pub use undo::UndoDesk;
pub use versions::VersionsDesk;
pub use wishes::WishesDesk;

/// A person who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Stable id, for example `local:maya`.
    pub id: String,
    /// The name for others.
    pub display: String,
    /// How they came in.
    pub method: Method,
    /// What they may do.
    pub access: Access,
}

/// An agent that showed a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Public id of the token.
    pub token: String,
    /// The agent it speaks for.
    pub agent: String,
    /// The workspaces it reaches.
    pub workspaces: Vec<String>,
}

/// Who calls the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// May do what its roles allow.
    Person(Person),
    /// May deliver to and read its own workspaces; never decides.
    Agent(Agent),
}

impl Person {
    /// Refuses what the roles of this person do not allow in `workspace`; without one, for what belongs to none.
    pub fn check(&self, permission: Permission, workspace: Option<&str>) -> Result<(), DeskError> {
        let grant = self.access.grant(workspace);
        if grant.may.contains(permission) {
            return Ok(());
        }
        Err(DeskError::MayNot {
            permission,
            workspace: workspace.map(str::to_owned),
            roles: grant.roles.clone(),
        })
    }
}

impl Caller {
    /// Refuses what the caller may not do about the card `id`, which is in `workspace`.
    pub fn check_on(
        &self,
        permission: Permission,
        id: HandoffId,
        workspace: &str,
    ) -> Result<(), DeskError> {
        let Self::Person(person) = self else {
            return self.check(permission, Some(workspace));
        };
        let grant = person.access.grant_on(id, workspace);
        if grant.may.contains(permission) {
            return Ok(());
        }
        Err(DeskError::MayNot {
            permission,
            workspace: Some(workspace.to_owned()),
            roles: grant.roles.clone(),
        })
    }

    /// Whether the caller may do it about the card `id`, which is in `workspace`.
    pub fn may_on(&self, permission: Permission, id: HandoffId, workspace: &str) -> bool {
        self.check_on(permission, id, workspace).is_ok()
    }
}

impl Caller {
    /// Whether the caller may do it in `workspace`; without one, for what belongs to none.
    pub fn may(&self, permission: Permission, workspace: Option<&str>) -> bool {
        self.check(permission, workspace).is_ok()
    }

    /// Refuses what the caller may not do.
    pub fn check(&self, permission: Permission, workspace: Option<&str>) -> Result<(), DeskError> {
        match self {
            Self::Person(person) => person.check(permission, workspace),
            Self::Agent(agent) => {
                let reaches = |name| agent.workspaces.iter().any(|known| known == name);
                if workspace.is_some_and(reaches) && Permissions::of_agents().contains(permission) {
                    return Ok(());
                }
                Err(DeskError::MayNot {
                    permission,
                    workspace: workspace.map(str::to_owned),
                    roles: vec!["agent".to_owned()],
                })
            }
        }
    }
}

/// A new session: the secret goes into the cookie.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// 256 bits, URL-safe.
    pub secret: String,
    /// How long the cookie lives.
    pub lifetime: Duration,
}

/// How careful to be, set by policy and never by the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskLevel {
    /// A dot.
    Low,
    /// A diamond.
    Medium,
    /// A triangle.
    High,
}

/// Risk with the rules that set it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Risk {
    /// The level.
    pub level: RiskLevel,
    /// One line for each rule that fired.
    pub reasons: Vec<String>,
}

/// One row of the queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HandoffRow {
    /// The card.
    pub id: HandoffId,
    /// The newest revision.
    pub revision: u32,
    /// One line.
    pub title: String,
    /// Why a person is asked, one line, by policy.
    pub why: String,
    /// The stated agent.
    pub agent: String,
    /// The workspace.
    pub workspace: String,
    /// The folder in it, empty for the workspace itself.
    pub folder: String,
    /// `waiting`, `changes_requested`, `approved`, `rejected`, `responded`, `withdrawn`.
    pub state: String,
    /// Why the agent stopped.
    pub trigger: Trigger,
    /// Risk by policy.
    pub risk: Risk,
    /// Stated confidence.
    pub confidence: Option<f64>,
    /// The floor of the workspace.
    pub floor: f64,
    /// Data class: `public`, `internal`, `confidential`, `restricted`.
    pub class: String,
    /// Number of sealed files.
    pub files: usize,
    /// True when there is a newer revision than the last one this person decided.
    pub changed_since_my_review: bool,
    /// When the newest revision was accepted.
    pub handed_over_at: Timestamp,
    /// When an answer is due.
    pub due_at: Option<Timestamp>,
    /// Manifest digest of the newest revision.
    pub manifest_sha256: Digest,
    /// The last decision, when there is one.
    pub decided: Option<DecidedRow>,
    /// True when the daemon made the card because the agent fell silent.
    pub stalled: bool,
    /// Who took it.
    #[serde(default)]
    pub claimed_by: Option<String>,
    /// Who else opened the newest revision a short while ago.
    #[serde(default)]
    pub looking: Option<String>,
    /// Threads that nobody holds for done.
    #[serde(default)]
    pub open_threads: usize,
    /// An answer that can still be taken back; for people only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<undo::HeldRow>,
    /// The last answer of who asks, when it was not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub came_back: Option<undo::CameBackRow>,
    /// The result that grows beside the newest revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<Box<PartialRow>>,
}

/// The last decision of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DecidedRow {
    /// The answer.
    pub outcome: Outcome,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// About which revision.
    pub revision: u32,
    /// True once the answer stands in the agent's folder.
    pub delivered: bool,
    /// True when it could not be put there, since the folder is gone.
    #[serde(default)]
    pub undelivered: bool,
}

/// Which part of the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QueueView {
    /// Waits for a person.
    #[default]
    Turn,
    /// Waits for others: asked of a queue, of somebody else, or taken by somebody else.
    Team,
    /// Sent back; waits for the agent.
    Agents,
    /// Put off.
    Snoozed,
    /// Decided for good.
    Decided,
}

/// What the frame of every page says of the work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Handoffs that need this person.
    pub turn: usize,
    /// Deliveries that could not be read.
    pub dead: usize,
    /// Locks that are held.
    pub locks: usize,
    /// The ledger entry that it shows.
    pub seq: u64,
}

/// A page of the queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Queue {
    /// The rows, in order: overdue, due time, risk, age; decided ones newest first.
    pub rows: Vec<HandoffRow>,
    /// How many rows there are in each view, whatever page is shown.
    pub counts: QueueCounts,
    /// Refused deliveries that nobody has fixed yet, newest first.
    pub dead_letters: Vec<DeadLetter>,
    /// To get the next page.
    pub next_cursor: Option<String>,
    /// Locks that are held.
    #[serde(default)]
    pub locks: usize,
    /// The ledger entry that this page shows.
    pub seq: u64,
}

/// Rows in each view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueCounts {
    /// Waiting for a person.
    pub turn: usize,
    /// Waiting for others.
    #[serde(default)]
    pub team: usize,
    /// Waiting for an agent.
    pub agents: usize,
    /// Put off.
    #[serde(default)]
    pub snoozed: usize,
    /// Decided.
    pub decided: usize,
}

/// A refused delivery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetter {
    /// Ledger entry of the refusal; names it in links.
    pub seq: u64,
    /// Workspace.
    pub workspace: String,
    /// Path of the file relative to the workspace.
    pub file: String,
    /// The problem type.
    pub kind: ProblemKind,
    /// What is wrong.
    pub errors: Vec<Violation>,
    /// When it was refused.
    pub at: Timestamp,
    /// The refused text, at most 64 KiB, when it is text.
    pub text: Option<String>,
}

/// The care that a person took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Care {
    /// The number of the handoff, as it was typed.
    #[serde(default)]
    pub typed: Option<String>,
    /// The lines that were ticked off, word for word.
    #[serde(default)]
    pub checked: Vec<String>,
}

/// An answer of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    /// The revision that was on the page.
    pub revision: u32,
    /// The manifest digest that was on the page.
    pub manifest_sha256: Digest,
    /// `approved`, `edited`, `changes_requested`, `rejected`, `responded`, `ignored` or `abstained`.
    pub outcome: Outcome,
    /// Words; required for changes, reject and respond.
    pub comment: Option<String>,
    /// Names of the reasons that were chosen; their words stand in the comment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// What is answered to each request of the handoff, where that is said one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<RequestAnswer>,
    /// What is asked, one by one; ids are given by the daemon.
    pub requests: Vec<ChangeRequest>,
    /// With `edited`: the files in their new version; those that this person keeps, when none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<edits::FileEdit>,
    /// With an approval: narrower terms than those of the rule.
    #[serde(default, skip_serializing_if = "Terms::is_open")]
    pub terms: Terms,
    /// The care that was taken.
    #[serde(default)]
    pub care: Care,
    /// Up to which chunk the person looked at a result that still grows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<u32>,
}

/// A delivery over HTTP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Submission {
    /// The workspace.
    pub workspace: String,
    /// Folder in the workspace that the paths are relative to and where answers go.
    pub folder: String,
    /// The handoff document, byte for byte as text.
    pub document: String,
    /// True when the document is YAML.
    pub yaml: bool,
    /// Files that come with it, by path; the others are read from the folder.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The span of the sender, as the header `traceparent` names it.
    #[schema(value_type = Option<String>)]
    pub traceparent: Option<TraceParent>,
}

/// What `wait` gives back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WaitAnswer {
    /// The card.
    pub id: HandoffId,
    /// The revision that was waited for.
    pub revision: u32,
    /// `waiting`, or `decided`, `superseded`, `withdrawn`.
    pub state: String,
    /// The decision, when there is one.
    pub decision: Option<DecisionDocument>,
}

/// An agent token without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenRow {
    /// Public id.
    pub id: String,
    /// The agent it speaks for.
    pub agent: String,
    /// The workspaces it reaches.
    pub workspaces: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// After which it is refused.
    pub expires_at: Option<Timestamp>,
    /// Whether it was taken back.
    pub revoked: bool,
}

/// What to make a token for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    /// The agent it speaks for.
    pub agent: String,
    /// The workspaces it reaches.
    pub workspaces: Vec<String>,
    /// Days it is good for.
    pub days: Option<u32>,
}

/// A workspace as the daemon sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorkspaceRow {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub path: String,
    /// `watching`, `scanning` or `offline`.
    pub mode: String,
    /// Why it is not watching, or what else is wrong, one line.
    pub trouble: Option<String>,
    /// Handoffs that wait for a person.
    pub waiting: usize,
    /// Refused deliveries.
    pub dead_letters: usize,
}

/// How the daemon is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// True once the first scan is done and the ledger can be written.
    pub ready: bool,
    /// What is wrong, one line each; empty when all is well.
    pub troubles: Vec<String>,
    /// The end of the chain.
    pub head: Head,
    /// Version of the program.
    pub version: String,
    /// The workspaces.
    pub workspaces: Vec<WorkspaceRow>,
}

impl Health {
    /// What of it `who` may know: their own workspaces only.
    #[must_use]
    pub fn seen_by(mut self, who: &Caller) -> Self {
        if !who.may(Permission::Read, None) {
            // They name folders of other workspaces.
            self.troubles.clear();
        }
        self.workspaces
            .retain(|workspace| who.may(Permission::Read, Some(&workspace.name)));
        self
    }
}

/// The outcome of checking the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChainReport {
    /// Whether it holds.
    pub ok: bool,
    /// Entries that were checked.
    pub entries: u64,
    /// The last good entry.
    pub head: Head,
    /// What is wrong, when it does not hold.
    pub problem: Option<String>,
    /// Digests of sealed files that are damaged on the disk: those that were read since the daemon started.
    #[serde(default)]
    pub damaged: Vec<Digest>,
}

/// One line of the activity list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ActivityRow {
    /// The entry.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// Name of the event.
    pub event: String,
    /// The card, when it is about one.
    pub handoff: Option<HandoffId>,
    /// The workspace, when it is about one.
    #[serde(default)]
    pub workspace: Option<String>,
    /// One line.
    pub text: String,
}

/// What the pages and the API ask and tell.
#[async_trait]
pub trait Desk:
    AccessDesk
    + BoundariesDesk
    + ContentDesk
    + EditsDesk
    + InsightsDesk
    + LocksDesk
    + MessagesDesk
    + MountDesk
    + ObserveDesk
    + OutsidersDesk
    + OwnershipDesk
    + PeopleDesk
    + PersonTokensDesk
    + PreferencesDesk
    + RoutingDesk
    + SearchDesk
    + ServiceDesk
    + SsoDesk
    + StepUpDesk
    + ThreadsDesk
    + TransferDesk
    + UndoDesk
    + VersionsDesk
    + WishesDesk
{
    /// A page of the queue.
    async fn queue(
        &self,
        who: &Caller,
        view: QueueView,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Queue, DeskError>;
    /// What the frame of every page says.
    async fn frame(&self, who: &Caller) -> Result<Frame, DeskError>;
    /// One row.
    async fn row(&self, who: &Caller, id: HandoffId) -> Result<HandoffRow, DeskError>;
    /// Everything about one revision, the newest when none is named, against `base` or what fits the person best.
    async fn review(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: Option<u32>,
        base: Option<u32>,
    ) -> Result<Review, DeskError>;
    /// Refused deliveries, newest first.
    async fn dead_letters(&self, who: &Caller) -> Result<Vec<DeadLetter>, DeskError>;
    /// Recent entries before `before`, newest first.
    async fn activity(
        &self,
        who: &Caller,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ActivityRow>, DeskError>;
    /// Waits until `revision` (the pending one when none is named) is decided or replaced, or `timeout` passes.
    async fn wait(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: Option<u32>,
        timeout: Duration,
    ) -> Result<WaitAnswer, DeskError>;
    /// Sees the number of the newest ledger entry move.
    fn head(&self) -> watch::Receiver<u64>;
    /// How the daemon is.
    async fn health(&self) -> Health;
    /// Checks the whole chain.
    async fn verify_chain(&self, who: &Person) -> Result<ChainReport, DeskError>;

    /// Notes that a person saw a revision.
    async fn viewed(
        &self,
        who: &Person,
        id: HandoffId,
        revision: u32,
        manifest: Digest,
    ) -> Result<(), DeskError>;
    /// Records an answer: a decision, or a vote where it takes more than one. Answers only when it is on the disk.
    async fn decide(
        &self,
        who: &Person,
        id: HandoffId,
        answer: Answer,
    ) -> Result<Answered, DeskError>;
    /// Takes a handoff back.
    async fn withdraw(
        &self,
        who: &Caller,
        id: HandoffId,
        reason: Option<String>,
    ) -> Result<(), DeskError>;
    /// Takes a delivery.
    async fn submit(&self, who: &Caller, submission: Submission) -> Result<Receipt, DeskError>;
    /// Keeps a checkpoint document in a folder of a workspace.
    async fn checkpoint(
        &self,
        who: &Caller,
        workspace: &str,
        folder: &str,
        document: Value,
    ) -> Result<Digest, DeskError>;

    /// Makes an agent token; gives its secret once.
    async fn create_token(
        &self,
        who: &Person,
        token: NewToken,
    ) -> Result<(TokenRow, String), DeskError>;
    /// All agent tokens.
    async fn tokens(&self, who: &Person) -> Result<Vec<TokenRow>, DeskError>;
    /// Takes a token back.
    async fn revoke_token(&self, who: &Person, id: &str) -> Result<(), DeskError>;
}
