//! How many people it takes, on the review page.

use countersign_protocol::approval::NotCounted;
use serde::Serialize;

use super::view::{Now, When};
use crate::desk::Approval;

/// What the page says about it.
#[derive(Debug, Serialize)]
pub(super) struct ApprovalPart {
    /// For example `1 of 2`.
    progress: String,
    open: bool,
    stages: Vec<StageView>,
    veto: Vec<String>,
    barred: Vec<String>,
}

#[derive(Debug, Serialize)]
struct StageView {
    heading: String,
    needed: u32,
    have: u32,
    open_to: Vec<String>,
    current: bool,
    short: bool,
    votes: Vec<VoteView>,
}

#[derive(Debug, Serialize)]
struct VoteView {
    by: String,
    word: &'static str,
    at: When,
    comment: Option<String>,
    /// Why it does not count.
    not_counted: Option<&'static str>,
}

impl ApprovalPart {
    pub(super) fn new(approval: &Approval, now: Now<'_>) -> Self {
        let stages = approval.stages.iter().zip(0_u32..).map(|(stage, at)| {
            let votes = approval.votes.iter().filter(|vote| vote.stage == at);
            StageView {
                heading: match stage.name.as_str() {
                    "" => "Approvals".to_owned(),
                    name => name.to_owned(),
                },
                needed: stage.needed,
                have: stage.have,
                open_to: if stage.current {
                    stage.open_to.clone()
                } else {
                    Vec::new()
                },
                current: stage.current,
                short: stage.short,
                votes: votes
                    .map(|vote| VoteView {
                        by: vote.by.clone(),
                        word: vote.outcome.word(),
                        at: When::new(vote.at, now),
                        comment: vote.comment.clone(),
                        not_counted: vote.not_counted.map(|why| match why {
                            NotCounted::AccountDisabled => {
                                "does not count: the account is disabled"
                            }
                        }),
                    })
                    .collect(),
            }
        });
        let sum = |count: fn(&crate::desk::approval::StageRow) -> u32| -> u32 {
            approval.stages.iter().map(count).sum()
        };
        Self {
            progress: format!(
                "{} of {}",
                sum(|stage| stage.have.min(stage.needed)),
                sum(|stage| stage.needed)
            ),
            open: approval.stages.iter().any(|stage| stage.current),
            stages: stages.collect(),
            veto: approval.veto.clone(),
            barred: approval.barred.clone(),
        }
    }

    /// One with everything, for tests of templates.
    #[cfg(test)]
    pub(super) fn sample() -> Self {
        use countersign_protocol::decision::Outcome;

        use crate::{
            desk::approval::{StageRow, VoteRow},
            showcase::sample,
        };
        let stage = |name: &str, have, current| StageRow {
            name: name.to_owned(),
            needed: 2,
            have,
            open_to: vec![sample::HOSTILE.to_owned()],
            current,
            short: current,
        };
        let approval = Approval {
            stages: vec![stage("Finance", 2, false), stage("", 0, true)],
            veto: vec![sample::HOSTILE.to_owned()],
            barred: vec![sample::HOSTILE.to_owned()],
            votes: vec![VoteRow {
                by: sample::HOSTILE.to_owned(),
                outcome: Outcome::Approved,
                stage: 0,
                at: sample::now(),
                comment: Some(sample::HOSTILE.to_owned()),
                not_counted: Some(NotCounted::AccountDisabled),
            }],
        };
        Self::new(&approval, Now::utc(sample::now()))
    }
}
