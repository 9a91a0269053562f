//! How many people it takes to decide: stages one after the other, each with its number of approvals, who may end
//! it alone, and who may not approve their own work.
//!
//! Pure: a plan and the votes about one revision in, where they lead out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    decision::{ChangeRequest, Outcome},
    id::{Digest, HandoffId},
    principal::Verified,
    routing::Asked,
    terms::Terms,
};

/// What it takes to decide about a revision, as the rule said when it was routed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalPlan {
    /// One after the other; at least one.
    pub stages: Vec<ApprovalStage>,
    /// Whose rejection alone ends it; with nobody named, that of everybody who may vote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub veto: Vec<Asked>,
    /// Ids of the people who ran the agent or answer for it: they do not approve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub barred: Vec<String>,
}

/// A stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalStage {
    /// What people call it; empty for the only one of a rule without stages.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// So many different people.
    pub needed: u32,
    /// Who votes in it; with nobody named, everybody whose role allows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<Asked>,
    /// Whether people who are asked later, by a step or by others, vote in it, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub widens: bool,
    /// Whether it takes those who hold a role: nobody votes in their place, however few they become.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_role: bool,
}

/// A vote, bound to a revision and to its bytes. It decides nothing by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voted {
    /// The card.
    pub handoff: HandoffId,
    /// The revision that was shown.
    pub revision: u32,
    /// The manifest digest that was shown.
    pub manifest_sha256: Digest,
    /// For: `approved`, `edited` or `responded`. Against: `rejected` or `ignored`. Neither: `abstained`.
    pub outcome: Outcome,
    /// The stage it counts in, from 0.
    pub stage: u32,
    /// Words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What is asked, one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<ChangeRequest>,
    /// How the person showed that it is them, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
    /// On what terms, for an approval.
    #[serde(default, skip_serializing_if = "Terms::is_open")]
    pub terms: Terms,
}

/// Who voted what, for the answer that the agent gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VoteRecord {
    /// Stable id.
    pub principal: String,
    /// The name for people.
    pub display: String,
    /// What.
    pub outcome: Outcome,
    /// When.
    pub at: Timestamp,
    /// How they showed that it is them, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
    /// The reason for which the vote did not count; absent when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_counted: Option<NotCounted>,
}

/// The reason for which a recorded vote does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NotCounted {
    /// The account of the voter was disabled before the decision.
    AccountDisabled,
}

/// Whether an outcome is for going on.
pub fn is_for(outcome: Outcome) -> bool {
    outcome.is_approval() || outcome == Outcome::Responded
}

/// Whether an outcome is against going on, as far as it goes by numbers.
fn is_against(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Rejected | Outcome::Ignored)
}

/// Who votes: their id, and whether they belong to a target now, also by standing in for somebody.
pub struct Voter<'a> {
    /// Id of the person.
    pub id: &'a str,
    /// Whether they belong to the target.
    pub belongs: &'a dyn Fn(&str) -> bool,
    /// Who is asked now.
    pub asked: &'a [Asked],
}

impl Voter<'_> {
    fn is_among(&self, list: &[Asked]) -> bool {
        list.iter()
            .any(|one| one.people.iter().any(|id| id == self.id) || (self.belongs)(&one.target))
    }
}

impl ApprovalPlan {
    /// Returns the plan without the people for whom `is_out` holds. A stage that is left with too few voters also
    /// takes the votes of people who are asked in their place, unless it takes a role.
    #[must_use]
    pub fn without(&self, is_out: &dyn Fn(&str) -> bool) -> Self {
        let present = |asked: &[Asked]| -> Vec<Asked> {
            let left = |one: &Asked| Asked {
                people: one
                    .people
                    .iter()
                    .filter(|id| !is_out(id))
                    .cloned()
                    .collect(),
                ..one.clone()
            };
            asked.iter().map(left).collect()
        };
        let stages = self.stages.iter().map(|stage| {
            let asked = present(&stage.asked);
            let count = |asked: &[Asked]| {
                let people: BTreeSet<&String> = asked.iter().flat_map(|one| &one.people).collect();
                u32::try_from(people.len()).unwrap_or(u32::MAX)
            };
            let is_short = count(&asked) < stage.needed && count(&asked) < count(&stage.asked);
            ApprovalStage {
                asked,
                widens: stage.widens || (is_short && !stage.by_role),
                ..stage.clone()
            }
        });
        Self {
            stages: stages.collect(),
            veto: present(&self.veto),
            barred: self.barred.clone(),
        }
    }

    /// Whether the word of one person can be the last one.
    pub fn is_met_by_one(&self) -> bool {
        self.stages.iter().map(|stage| stage.needed).sum::<u32>() <= 1
    }
}

/// What a vote counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The stage.
    pub stage: u32,
    /// The last word, when there is one by it.
    pub decides: Option<Outcome>,
    /// True when it is the last one of its stage and another stage begins.
    pub opens_next: bool,
}

/// Why a vote does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoVote {
    /// They ran the agent, or answer for it.
    #[error(
        "you ran this work or answer for its agent, and the rule lets nobody approve their own"
    )]
    OwnWork,
    /// Others vote in this stage.
    #[error("others vote at this stage")]
    NotAsked,
    /// One person is one vote.
    #[error("you voted already; somebody else has to be the next one")]
    Again,
    /// Nobody else has to answer.
    #[error("one answer is enough here; answer, or hand it to somebody else")]
    NobodyElse,
    /// With one less there are too few.
    #[error(
        "without you there are too few for the approvals it takes; ask somebody else as well, or answer"
    )]
    TooFew,
}

/// The votes about one revision.
#[derive(Clone, Debug)]
pub struct Tally<'a> {
    plan: &'a ApprovalPlan,
    /// The last vote of each person: what, and in which stage.
    last: BTreeMap<&'a str, (Outcome, u32)>,
}

impl<'a> Tally<'a> {
    /// Counts `votes`: person, what, stage; oldest first.
    pub fn new(
        plan: &'a ApprovalPlan,
        votes: impl IntoIterator<Item = (&'a str, Outcome, u32)>,
    ) -> Self {
        let votes = votes.into_iter();
        Self {
            plan,
            last: votes
                .map(|(who, what, stage)| (who, (what, stage)))
                .collect(),
        }
    }

    fn in_stage(&self, stage: usize, what: fn(Outcome) -> bool) -> u32 {
        let here = self
            .last
            .values()
            .filter(|(outcome, of)| usize::try_from(*of) == Ok(stage) && what(*outcome));
        u32::try_from(here.count()).unwrap_or(u32::MAX)
    }

    /// Approvals in a stage, from 0.
    pub fn approvals(&self, stage: usize) -> u32 {
        self.in_stage(stage, is_for)
    }

    /// The stage that votes count in now; as many as there are stages when all is said.
    pub fn current(&self) -> usize {
        let stages = self.plan.stages.iter().enumerate();
        let mut open = stages.filter(|(at, stage)| self.approvals(*at) < stage.needed);
        open.next().map_or(self.plan.stages.len(), |(at, _)| at)
    }

    /// What a vote of `voter` would count as.
    pub fn count(&self, voter: &Voter<'_>, outcome: Outcome) -> Result<Counted, NoVote> {
        let current = self.current();
        let number = u32::try_from(current).unwrap_or(u32::MAX);
        let Some(stage) = self.plan.stages.get(current) else {
            return Err(NoVote::NotAsked);
        };
        let asked_here = stage.asked.is_empty()
            || voter.is_among(&stage.asked)
            || (stage.widens && voter.is_among(voter.asked));
        let counted = |decides, opens_next| Counted {
            stage: number,
            decides,
            opens_next,
        };
        if is_for(outcome) {
            if self.plan.barred.iter().any(|id| id == voter.id) {
                return Err(NoVote::OwnWork);
            }
            if !asked_here {
                return Err(NoVote::NotAsked);
            }
            // One person is one vote, over all stages: four eyes are four.
            if self
                .last
                .get(voter.id)
                .is_some_and(|(last, _)| is_for(*last))
            {
                return Err(NoVote::Again);
            }
            let is_met = self.approvals(current) + 1 >= stage.needed;
            let is_last = current + 1 >= self.plan.stages.len();
            return Ok(counted(
                (is_met && is_last).then_some(outcome),
                is_met && !is_last,
            ));
        }
        // Without a veto a rejection ends it once the others are too few.
        let members = members(stage, voter.asked);
        let own_vote = self.last.get(voter.id);
        let was_out = own_vote.is_some_and(|(last, of)| !is_for(*last) && *of == number);
        let out = self.in_stage(current, |one| !is_for(one)) + u32::from(!was_out);
        let is_lost = members.is_some_and(|members| members.saturating_sub(out) < stage.needed);
        if outcome == Outcome::Abstained {
            let said_yes = own_vote.is_some_and(|(last, _)| is_for(*last));
            return match () {
                () if self.plan.is_met_by_one() => Err(NoVote::NobodyElse),
                () if self.plan.barred.iter().any(|id| id == voter.id) => Err(NoVote::OwnWork),
                () if !asked_here => Err(NoVote::NotAsked),
                () if said_yes => Err(NoVote::Again),
                () if is_lost => Err(NoVote::TooFew),
                () => Ok(counted(None, false)),
            };
        }
        let has_veto = voter.is_among(&self.plan.veto);
        let may_speak = asked_here || has_veto || self.is_member(voter);
        if !may_speak {
            return Err(NoVote::NotAsked);
        }
        if !is_against(outcome) || self.plan.veto.is_empty() || has_veto {
            return Ok(counted(Some(outcome), false));
        }
        Ok(counted(is_lost.then_some(outcome), false))
    }

    fn is_member(&self, voter: &Voter<'_>) -> bool {
        let mut stages = self.plan.stages.iter();
        stages.any(|stage| voter.is_among(&stage.asked))
    }
}

/// How many people vote in a stage, where that is known.
fn members(stage: &ApprovalStage, asked_now: &[Asked]) -> Option<u32> {
    let later = asked_now.iter().filter(|_| stage.widens);
    let all = stage.asked.iter().chain(later);
    let people: BTreeSet<&String> = all.flat_map(|one| &one.people).collect();
    (!people.is_empty()).then(|| u32::try_from(people.len()).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests;
