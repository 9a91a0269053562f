//! Checks that run over what was handed over: which are owed, and what they found.

use serde::{Deserialize, Serialize};

use crate::id::{Digest, HandoffId};

/// What follows when a check fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Whoever looks at it is told.
    Note,
    /// A person decides, whatever rules and routes say.
    Hold,
    /// The agent gets it back, and nobody is asked.
    Refuse,
}

impl OnFailure {
    /// Whether the work goes nowhere before the check is over.
    pub fn is_required(self) -> bool {
        self != Self::Note
    }
}

/// A check that a revision is to be put through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// Its name, the operator's.
    pub name: String,
    /// What follows when it fails.
    pub on_failure: OnFailure,
}

/// How the command of a check ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Ended {
    /// By itself. 0 is a pass.
    Exited {
        /// Its exit code.
        code: u8,
    },
    /// By a signal.
    Killed {
        /// The number of the signal.
        signal: i32,
    },
    /// It was stopped: it took longer than it may.
    TimedOut,
    /// It was stopped: it said more than it may.
    TooMuchOutput,
    /// It could not be started, or cannot see all of what was handed over.
    NotRun {
        /// Why, one line.
        why: String,
    },
}

impl Ended {
    /// One line for people.
    pub fn words(&self) -> String {
        match self {
            Self::Exited { code: 0 } => "passed".to_owned(),
            Self::Exited { code } => format!("failed with exit code {code}"),
            Self::Killed { signal } => format!("was ended by signal {signal}"),
            Self::TimedOut => "took too long and was stopped".to_owned(),
            Self::TooMuchOutput => "said too much and was stopped".to_owned(),
            Self::NotRun { why } => format!("was not run: {why}"),
        }
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The check.
    pub name: String,
    /// What follows when it fails.
    pub on_failure: OnFailure,
    /// How it ended.
    pub ended: Ended,
    /// How long it ran, in milliseconds.
    pub milliseconds: u64,
    /// What it said, to both of its streams, as far as it was kept: the digest.
    pub output_sha256: Digest,
    /// The same: how many bytes.
    pub output_bytes: u64,
}

impl CheckResult {
    /// Whether it passed.
    pub fn passed(&self) -> bool {
        self.ended == Ended::Exited { code: 0 }
    }

    /// Whether it failed where that has consequences.
    pub fn holds(&self) -> bool {
        !self.passed() && self.on_failure.is_required()
    }

    /// One line for people.
    pub fn words(&self) -> String {
        format!("The check {} {}", self.name, self.ended.words())
    }
}

/// All checks of a revision are over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// The card.
    pub handoff: HandoffId,
    /// The revision.
    pub revision: u32,
    /// Digest of the manifest whose bytes were checked.
    pub manifest_sha256: Digest,
    /// What was found, in the order in which the checks are named.
    pub results: Vec<CheckResult>,
}

/// How a check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// It is not over.
    Pending,
    /// It passed.
    Passed,
    /// It did not pass.
    Failed,
}

/// A check in a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckReport {
    /// The check.
    pub name: String,
    /// How it stands.
    pub status: CheckStatus,
    /// What follows when it fails.
    pub on_failure: OnFailure,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// How long it ran, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
    /// Digest of what it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_sha256: Option<Digest>,
    /// Bytes of what it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<u64>,
}

impl CheckReport {
    /// How the checks of `owed` stand, as far as they are over.
    pub fn of(owed: &[Owed], checked: Option<&Checked>) -> Vec<Self> {
        match checked {
            Some(checked) => checked.results.iter().map(Self::over).collect(),
            None => owed.iter().map(Self::pending).collect(),
        }
    }

    fn pending(owed: &Owed) -> Self {
        Self {
            name: owed.name.clone(),
            status: CheckStatus::Pending,
            on_failure: owed.on_failure,
            ended: None,
            milliseconds: None,
            output_sha256: None,
            output_bytes: None,
        }
    }

    fn over(result: &CheckResult) -> Self {
        Self {
            name: result.name.clone(),
            status: if result.passed() {
                CheckStatus::Passed
            } else {
                CheckStatus::Failed
            },
            on_failure: result.on_failure,
            ended: Some(result.ended.clone()),
            milliseconds: Some(result.milliseconds),
            output_sha256: Some(result.output_sha256),
            output_bytes: Some(result.output_bytes),
        }
    }
}
