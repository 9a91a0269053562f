//! What a lead wants to know of the last weeks: counted from the entries, people together, agents by name.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Caller, DeskError, service::Quantiles};

/// How long answers took of what was decided in one week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WeekRow {
    /// Its first moment.
    pub from: Timestamp,
    /// Revisions that were decided.
    pub decided: usize,
    /// From the delivery to the answer; absent when nothing was decided.
    pub took: Option<Quantiles>,
}

/// How often the first revision of an agent was approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentRow {
    /// The stated agent.
    pub agent: String,
    /// Handoffs whose first revision was approved.
    pub first_time: usize,
    /// Handoffs whose first revision was answered.
    pub of: usize,
}

/// What waits for a person, by how long it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgeRow {
    /// It has waited at least so long, in seconds.
    pub from: u64,
    /// And less than that; absent for the last row.
    pub to: Option<u64>,
    /// Of low risk.
    pub low: usize,
    /// Of medium risk.
    pub medium: usize,
    /// Of high risk.
    pub high: usize,
}

/// How often work of about the same stated confidence was approved at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CalibrationRow {
    /// The mean of what was stated, 0 to 1.
    pub stated: f64,
    /// Revisions that were approved.
    pub approved: usize,
    /// Revisions that were answered.
    pub of: usize,
}

/// How long people looked before they approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LookRow {
    /// At least so long, in seconds.
    pub from: u64,
    /// And less than that; absent for the last row.
    pub to: Option<u64>,
    /// Approvals of low and medium risk.
    pub others: usize,
    /// Approvals of high risk.
    pub high: usize,
}

/// What came and what was answered on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DayRow {
    /// Its first moment.
    pub from: Timestamp,
    /// Revisions that were handed over.
    pub came: usize,
    /// Revisions that were decided.
    pub decided: usize,
}

/// All of it. Rows of time are oldest first and have no gaps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Insights {
    /// From then.
    pub since: Timestamp,
    /// Until then.
    pub until: Timestamp,
    /// From the delivery to the answer, of all that was decided by people.
    pub took: Option<Quantiles>,
    /// Half of the promises were at most so long, in seconds.
    pub promised: Option<u64>,
    /// By week.
    pub weeks: Vec<WeekRow>,
    /// By agent, the best share first.
    pub agents: Vec<AgentRow>,
    /// What waits now.
    pub ages: Vec<AgeRow>,
    /// By tenths of stated confidence.
    pub calibration: Vec<CalibrationRow>,
    /// By time between the first look and the approval.
    pub looks: Vec<LookRow>,
    /// The last fourteen days.
    pub days: Vec<DayRow>,
}

/// The numbers behind the charts.
#[async_trait]
pub trait InsightsDesk: Send + Sync + 'static {
    /// What happened in the `weeks` before now.
    async fn insights(&self, who: &Caller, weeks: u32) -> Result<Insights, DeskError>;
}
