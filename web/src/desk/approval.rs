//! How far the votes about a revision have come, where it takes more than one answer.

use countersign_protocol::{
    approval::NotCounted,
    decision::{DecisionDocument, Outcome},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::undo::HeldRow;

/// What became of an answer.
#[derive(Clone, Debug)]
pub enum Answered {
    /// It is the last word.
    Decided(Box<DecisionDocument>),
    /// It counts, and others have to answer, too.
    Counted(Box<Approval>),
    /// It is given when its time to be taken back is over.
    Held(Box<HeldRow>),
}

impl Answered {
    /// The decision, when it is one.
    pub fn decision(self) -> Option<DecisionDocument> {
        match self {
            Self::Decided(document) => Some(*document),
            Self::Counted(_) | Self::Held(_) => None,
        }
    }
}

/// What it takes to decide, and how far it has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Approval {
    /// One after the other.
    pub stages: Vec<StageRow>,
    /// Whose rejection alone ends it; empty when everybody's does.
    pub veto: Vec<String>,
    /// Names of the people who may not approve, since they ran the work or answer for its agent.
    pub barred: Vec<String>,
    /// The votes about the newest revision, oldest first.
    pub votes: Vec<VoteRow>,
}

/// A stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StageRow {
    /// What people call it; empty for the only one.
    pub name: String,
    /// So many different people.
    pub needed: u32,
    /// So many have approved.
    pub have: u32,
    /// Names of those who may vote and have not; empty when everybody whose role allows it may.
    pub open_to: Vec<String>,
    /// True for the one in which votes count now.
    pub current: bool,
    /// True where fewer people are left who can vote than it takes: without somebody else it is never reached.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub short: bool,
}

/// A vote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VoteRow {
    /// The name of the person.
    pub by: String,
    /// What.
    pub outcome: Outcome,
    /// The stage it counts in, from 0.
    pub stage: u32,
    /// When.
    pub at: Timestamp,
    /// Words.
    pub comment: Option<String>,
    /// The reason for which the vote does not count; absent when it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_counted: Option<NotCounted>,
}

impl Approval {
    /// Returns what a vote came to, for the person who gave it: "your vote is recorded; 1 of 2".
    pub fn words(&self) -> String {
        let have: u32 = self.stages.iter().map(|one| one.have.min(one.needed)).sum();
        let needed: u32 = self.stages.iter().map(|one| one.needed).sum();
        let is_short = self.stages.iter().any(|stage| stage.short);
        let short = if is_short {
            ", and fewer people are left than it takes"
        } else {
            ""
        };
        format!("your vote is recorded; {have} of {needed}{short}")
    }

    /// Returns the names of those who may vote next.
    pub fn open_to(&self) -> Vec<String> {
        let stage = self.stages.iter().find(|stage| stage.current);
        stage.map(|stage| stage.open_to.clone()).unwrap_or_default()
    }
}
