//! Work that goes from agent to agent: who may hand to whom, the path of a task, what waits for an agent.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use countersign_protocol::{
    HandoffId,
    transfer::{AnswerReceipt, Gate, TransferDocument},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Caller, DeskError, Person};

/// An agent that takes part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ParticipantRow {
    /// Its name.
    pub id: String,
    /// What it is good at.
    pub in_scope: Option<String>,
    /// What it leaves to others.
    pub out_of_scope: Option<String>,
    /// Whether it may begin a task.
    pub start: bool,
    /// What it can use.
    pub tools: Vec<String>,
    /// The contracts it takes; empty for all.
    pub accepts: Vec<String>,
    /// The strictest class of data that it may see.
    pub clearance: Option<String>,
    /// Packages that wait for its word.
    pub offered: usize,
    /// Tasks that it holds.
    pub holds: usize,
    /// Tasks that it brought to an end.
    pub completed: usize,
}

/// A way from one agent to another that is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RouteRow {
    /// Who may hand.
    pub from: String,
    /// To whom.
    pub to: String,
    /// Hops on it that are not over.
    pub open: usize,
    /// Hops that came to an end.
    pub completed: usize,
    /// Hops that came to nothing.
    pub lost: usize,
}

/// The agents of a workspace that hand to each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mesh {
    /// The workspace.
    pub workspace: String,
    /// `autonomous`, or `reviewed` where a person approves each hop.
    pub mode: String,
    /// Hops of one task without a person in between.
    pub max_hops: u32,
    /// Seconds within which a receiver says whether it takes a task.
    pub acknowledge_within_seconds: u64,
    /// Who takes part.
    pub participants: Vec<ParticipantRow>,
    /// Who may hand to whom.
    pub routes: Vec<RouteRow>,
    /// The contracts that are kept, `name@version`.
    pub contracts: Vec<String>,
    /// Handoffs about which a person is asked instead of an agent.
    pub stopped: usize,
}

/// One hop of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HopRow {
    /// The card.
    pub handoff_id: HandoffId,
    /// Its place among the hops of the card.
    pub hop: u32,
    /// The revision that was handed on.
    pub revision: u32,
    /// Who handed.
    pub from: String,
    /// To whom.
    pub to: String,
    /// Why it went there: `to_agent`, `rule NAME`, `fallback` or `approved`.
    pub by: String,
    /// `offered`, `queued`, `accepted`, `handed_on`, `returned`, `completed`, `declined`, `duplicate`, `failed`,
    /// `timed_out` or `withdrawn`.
    pub state: String,
    /// When it was offered.
    pub offered_at: Timestamp,
    /// When the package stood in the folder of the receiver.
    pub delivered_at: Option<Timestamp>,
    /// When the receiver took it.
    pub taken_at: Option<Timestamp>,
    /// When it was over for the receiver.
    pub ended_at: Option<Timestamp>,
    /// Seconds from the offer until the receiver took it, or until now.
    pub waited_seconds: u64,
    /// Seconds that the receiver held it, so far.
    pub held_seconds: u64,
    /// Until when the receiver is waited for.
    pub waits_until: Option<Timestamp>,
    /// How far the receiver is, in percent.
    pub percent: Option<u8>,
    /// How sure the receiver was that the task is for it, 0 to 1.
    pub fit: Option<f64>,
    /// How sure the receiver is of its result, 0 to 1.
    pub confidence: Option<f64>,
    /// Why, by name.
    pub reason: Option<String>,
    /// The last words of the receiver.
    pub note: Option<String>,
    /// What was looked at before it was offered.
    pub gates: Vec<Gate>,
    /// The folder of the package.
    pub folder: Option<String>,
}

/// That a person was asked instead of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StopRow {
    /// When.
    pub at: Timestamp,
    /// `no_progress`, `turn_limit`, `reviewed`, `declined`, `failed` or `timed_out`.
    pub why: String,
    /// The same in words.
    pub text: String,
    /// Who would have been next, or was.
    pub to: String,
    /// Who answered, when somebody did.
    pub by: Option<String>,
    /// How long a person had it, in seconds, so far.
    pub held_seconds: u64,
}

/// The whole path of a task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TaskPath {
    /// The agent that holds it now, when one does.
    pub holder: Option<String>,
    /// The hops, oldest first, also those of the handoffs that it continues.
    pub hops: Vec<HopRow>,
    /// Where a person was asked instead, oldest first.
    pub stops: Vec<StopRow>,
}

/// Work that waits for an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorkItem {
    /// The workspace.
    pub workspace: String,
    /// The folder of the package, relative to the workspace; absent until it stands there.
    pub folder: Option<String>,
    /// `offered`, `queued` or `accepted`.
    pub state: String,
    /// What the receiver needs to know.
    pub transfer: TransferDocument,
}

/// The answer of an agent over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HopAnswer {
    /// The card.
    pub id: HandoffId,
    /// The hop.
    pub hop: u32,
    /// The document.
    pub document: Vec<u8>,
    /// Files that come with it, by path.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// A workspace whose `workspace.toml` was read anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reread {
    /// Its name.
    pub workspace: String,
    /// Whether something else holds now.
    pub changed: bool,
    /// Why everything is as it was, when the file cannot be read or says what cannot be.
    pub trouble: Option<String>,
}

/// What pages and API ask about agents that hand to agents.
#[async_trait]
pub trait TransferDesk: Send + Sync + 'static {
    /// Who may hand to whom, of every workspace that has participants.
    async fn meshes(&self, who: &Caller) -> Result<Vec<Mesh>, DeskError>;
    /// The path of a task.
    async fn path(&self, who: &Caller, id: HandoffId) -> Result<TaskPath, DeskError>;
    /// The oldest work that waits for `agent`, waited for up to `timeout`. An agent asks for itself only.
    async fn next_work(
        &self,
        who: &Caller,
        agent: &str,
        timeout: Duration,
    ) -> Result<Option<WorkItem>, DeskError>;
    /// Takes the answer of a receiver. A person answers for any agent.
    async fn answer_hop(&self, who: &Caller, answer: HopAnswer)
    -> Result<AnswerReceipt, DeskError>;
    /// Reads `workspace.toml` of each workspace anew: participants, routes, contracts and limits.
    async fn read_anew(&self, who: &Person) -> Result<Vec<Reread>, DeskError>;
}
