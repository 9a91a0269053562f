//! Who is asked about a handoff, by which rule, and what happens when nobody answers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    approval::ApprovalPlan,
    id::{Digest, HandoffId},
    terms::RuleTerms,
};

/// Somebody who is asked, and who that was at the moment of asking.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Asked {
    /// As the rule names it: `person:maya`, `group:editors`, `queue:claims`, `oncall:data`, `agent:fixer`.
    pub target: String,
    /// Ids of the people it meant then, with those who stand in for who is away. Empty for an agent,
    /// and for a calendar outside of its hours.
    pub people: Vec<String>,
    /// Why it was these, where that is not plain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A trigger that fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Fired {
    /// The name of its rule.
    pub rule: String,
    /// What kind of rule: `confidence`, `critical_action`, `error`, `completion`, `sensitive`, `step`,
    /// `session_end`, `stalled`, `file_changed`, `sample`.
    pub kind: String,
    /// Why it fired, one line for people.
    pub why: String,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Who is asked is told again.
    Remind,
    /// Others are asked instead.
    Reassign,
    /// Others are asked as well.
    Escalate,
    /// The handoff is closed as expired; the agent is told.
    Expire,
    /// The handoff is rejected; the agent is told.
    Reject,
    /// It goes to the dead letters, where an operator finds it.
    DeadLetter,
}

/// A step of the ladder that a handoff climbs while nobody answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Step {
    /// What it does.
    pub kind: StepKind,
    /// Not before then.
    pub at: Timestamp,
    /// Who is asked by it, as rules name them; resolved when it is taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// Where it comes from: `rule`, or `fallback` when the document asked for it.
    pub from: String,
}

/// What policy found about one revision: who is asked, by which rule, and what then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routed {
    /// The card.
    pub handoff: HandoffId,
    /// The revision.
    pub revision: u32,
    /// The rule that fired; `default` when none did.
    pub rule: String,
    /// Why it fired, one line.
    pub why: String,
    /// Digest of the rules that were asked.
    pub policy_sha256: Digest,
    /// The triggers that fired.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Fired>,
    /// `low`, `medium` or `high`.
    pub risk: String,
    /// Why the risk is not lower, one line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// Who is asked.
    pub asked: Vec<Asked>,
    /// The time of the clock on the wall that the deadlines were counted from.
    pub since: Timestamp,
    /// When an answer is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// What happens when nobody answers, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ladder: Vec<Step>,
    /// True when an action of the agent is held until this is decided.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// True when nobody is told at once, only with the collected messages.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub digest: bool,
    /// True when an agent may get it without its time limit, where none can keep that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// True when the revision would have passed without a person and was drawn for a close look.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sampled: bool,
    /// What it takes to decide, where one answer of anybody is not enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalPlan>,
    /// On what terms every approval holds.
    #[serde(default, skip_serializing_if = "RuleTerms::is_open")]
    pub terms: RuleTerms,
}

/// A step of the ladder that was taken. Each is taken once, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stepped {
    /// The card.
    pub handoff: HandoffId,
    /// The revision.
    pub revision: u32,
    /// The rule whose ladder it is.
    pub rule: String,
    /// Its place in the ladder, from 0.
    pub step: u32,
    /// Who is reminded, or asked from now on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<Asked>,
}

/// A rule let a revision pass without a person. The decision follows as a fact of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progressed {
    /// The card.
    pub handoff: HandoffId,
    /// The revision.
    pub revision: u32,
    /// The rule that let it pass.
    pub rule: String,
    /// Why it fired, one line.
    pub why: String,
    /// Digest of the rules that were asked.
    pub policy_sha256: Digest,
    /// The share of such work that people see all the same, in millionths.
    pub sample: u32,
    /// What was drawn, in millionths; a draw under `sample` goes to people.
    pub draw: u32,
}

/// A person took it, gave it back, handed it to others, or put it off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assigned {
    /// The card.
    pub handoff: HandoffId,
    /// The revision.
    pub revision: u32,
    /// Who is asked from now on.
    pub asked: Vec<Asked>,
    /// True when they are asked as well, not instead: somebody escalated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beside: bool,
    /// Words to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
