//! How fast people look and answer, beside what was promised.

use async_trait::async_trait;
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

/// What was handed over in a span of time, and how it fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceReport {
    /// From then.
    pub since: Timestamp,
    /// Until then.
    pub until: Timestamp,
    /// Everything, then each rule, each who was asked, and each workspace, by name.
    pub rows: Vec<ServiceRow>,
}

/// The report.
#[async_trait]
pub trait ServiceDesk: Send + Sync + 'static {
    /// How what was handed over since then fared.
    async fn service(&self, who: &Caller, since: Timestamp) -> Result<ServiceReport, DeskError>;
}
