//! How fast people look and answer, beside what was promised.

use async_trait::async_trait;
use countersign_protocol::HandoffId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Caller, DeskError};

/// Half of all were at most so long, and nine in ten. In seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Quantiles {
    /// The median.
    pub p50: u64,
    /// The ninth tenth.
    pub p90: u64,
}

/// What a row of the report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServiceGroup {
    /// Everything.
    All,
    /// One rule that asked.
    Rule,
    /// One queue, group, calendar or person that was asked.
    Asked,
    /// One workspace.
    Workspace,
}

/// How one of them fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceRow {
    /// What it is about.
    pub group: ServiceGroup,
    /// Its name; empty for everything.
    pub name: String,
    /// Who answers for it, of a workspace.
    #[serde(default)]
    pub owner: Option<String>,
    /// Revisions that people were asked about.
    pub asked: usize,
    /// Those that were answered.
    pub answered: usize,
    /// Those that an answer was promised for, by the rule or by the document.
    pub promised: usize,
    /// Of these, those whose answer came late or is late now.
    pub late: usize,
    /// Revisions that a rule let pass without a person.
    pub passed: usize,
    /// From the delivery to the promised answer.
    pub target: Option<Quantiles>,
    /// From the delivery to the first look of a person.
    pub first_look: Option<Quantiles>,
    /// From the delivery to the answer.
    pub decision: Option<Quantiles>,
}

/// What a workspace promises to those who hand over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServiceTarget {
    /// A person opens, takes or answers it.
    FirstLook,
    /// A person answers it.
    Answer,
    /// An agent to whom it is offered says whether it takes it.
    Acknowledge,
    /// An agent that took it brings it to an end.
    Complete,
}

impl ServiceTarget {
    /// In words, for lists.
    pub fn words(self) -> &'static str {
        match self {
            Self::FirstLook => "first look",
            Self::Answer => "answer",
            Self::Acknowledge => "acknowledgement of a hop",
            Self::Complete => "completion of a hop",
        }
    }
}

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Breach {
    /// The card.
    pub handoff_id: HandoffId,
    /// The revision.
    pub revision: u32,
    /// The hop, where it is about one.
    pub hop: Option<u32>,
    /// How long it took, or takes so far.
    pub took_seconds: u64,
    /// Whether it has not happened yet.
    pub is_open: bool,
}

/// One promise of a workspace in one period, and how it was kept for what began in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServicePeriod {
    /// The workspace.
    pub workspace: String,
    /// What was promised.
    pub target: ServiceTarget,
    /// Within so many seconds.
    pub target_seconds: u64,
    /// From then.
    pub from: Timestamp,
    /// Until then, without that moment.
    pub until: Timestamp,
    /// How often it was kept.
    pub kept: usize,
    /// How often there is still time.
    pub open: usize,
    /// How often it was broken.
    pub breached: usize,
    /// How long it took where it happened.
    pub actual: Option<Quantiles>,
    /// The broken ones that took longest, at most 20.
    pub breaches: Vec<Breach>,
}

/// What was handed over in a span of time, and how it fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceReport {
    /// From then.
    pub since: Timestamp,
    /// Until then.
    pub until: Timestamp,
    /// Everything, then each rule, each who was asked, and each workspace, by name.
    pub rows: Vec<ServiceRow>,
    /// What workspaces promise, by period, oldest first.
    #[serde(default)]
    pub periods: Vec<ServicePeriod>,
}

/// The report.
#[async_trait]
pub trait ServiceDesk: Send + Sync + 'static {
    /// How what was handed over since then fared; promises in periods of so many days.
    async fn service(
        &self,
        who: &Caller,
        since: Timestamp,
        period_days: u32,
    ) -> Result<ServiceReport, DeskError>;
}
