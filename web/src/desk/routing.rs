//! Who is asked, by which rule, and what happens when nobody answers.

use async_trait::async_trait;
use countersign_protocol::{
    HandoffId,
    routing::{Fired, StepKind},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Caller, DeskError, Person, people::TargetRow};

/// Somebody who is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AskedRow {
    /// As the rule names it.
    pub target: String,
    /// The name for people.
    pub name: String,
    /// Names of the people it means.
    pub people: Vec<String>,
    /// Who stands in for whom.
    pub notes: Vec<String>,
}

/// A step of the ladder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LadderRow {
    /// What it does.
    pub kind: StepKind,
    /// The same in words, with whom it asks.
    pub text: String,
    /// When it is due.
    pub at: Timestamp,
    /// When it was taken.
    pub taken_at: Option<Timestamp>,
}

/// Who took a handoff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClaimRow {
    /// The name for people.
    pub by: String,
    /// True when it is the one who looks.
    pub mine: bool,
    /// Since when.
    pub at: Timestamp,
}

/// Who is asked about the newest revision of a handoff.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Routing {
    /// The rule; empty until policy has looked.
    pub rule: String,
    /// Why it won.
    pub why: String,
    /// Triggers that fired.
    pub triggers: Vec<Fired>,
    /// Who is asked now.
    pub asked: Vec<AskedRow>,
    /// When an answer is due.
    pub due_at: Option<Timestamp>,
    /// What happens when nobody answers.
    pub ladder: Vec<LadderRow>,
    /// Who took it.
    pub claim: Option<ClaimRow>,
    /// Until when it is put off, and by whom.
    pub snoozed: Option<(Timestamp, String)>,
    /// True when an action of the agent is held.
    pub held: bool,
    /// True when it was drawn for a close look.
    pub sampled: bool,
    /// True when its ladder ended among the dead letters.
    pub dead: bool,
    /// Who would be asked next if nobody answered, and is not asked yet.
    #[serde(default)]
    pub above: Vec<TargetRow>,
}

/// A rule that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleRow {
    /// Its name.
    pub rule: String,
    /// Whether it won.
    pub won: bool,
    /// Why, or why not.
    pub why: String,
}

/// How a handoff would be routed now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RouteReport {
    /// The card.
    pub id: HandoffId,
    /// Its newest revision.
    pub revision: u32,
    /// Every rule, in the order in which they are asked.
    pub rules: Vec<RuleRow>,
    /// What would hold.
    pub routing: Routing,
    /// `low`, `medium` or `high`.
    pub risk: String,
    /// Why the risk is not lower.
    pub reasons: Vec<String>,
    /// True when it would pass without a person.
    pub passes: bool,
    /// The agent that it goes to: the one that the handoff names, else the first one of the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Why a person is asked before that agent gets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<String>,
    /// What the rules name and cannot be read, such as a word in the file of owners, one line each.
    pub doubts: Vec<String>,
}

/// A handoff that nobody answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stranded {
    /// The card.
    pub id: HandoffId,
    /// Its workspace.
    pub workspace: String,
    /// One line.
    pub title: String,
    /// The rule whose ladder ended.
    pub rule: String,
    /// When it did.
    pub at: Timestamp,
    /// The ledger entry.
    pub seq: u64,
}

/// What policy says, and the dead letters that it makes.
#[async_trait]
pub trait RoutingDesk: Send + Sync + 'static {
    /// Who is asked about the newest revision.
    async fn routing(&self, who: &Caller, id: HandoffId) -> Result<Routing, DeskError>;
    /// How the newest revision would be routed now, and why. Changes nothing.
    async fn route_test(&self, who: &Caller, id: HandoffId) -> Result<RouteReport, DeskError>;
    /// Handoffs that nobody answered, newest first.
    async fn stranded(&self, who: &Caller) -> Result<Vec<Stranded>, DeskError>;
    /// Sends the dead letter of that ledger entry on its way again: a refused delivery is read anew, a
    /// handoff that nobody answered is routed anew.
    async fn redrive(&self, who: &Person, seq: u64) -> Result<(), DeskError>;
}
