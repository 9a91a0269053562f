//! One answer or many: what an answer becomes by the plan of the rule, in the job that records it.

use countersign_protocol::{
    HandoffId,
    approval::{ApprovalPlan, NoVote, NotCounted, Tally, Voted, Voter, is_for},
    decision::Outcome,
    event::{Decided, Event},
    principal::Actor,
    routing::{Asked, Assigned},
    terms::Terms,
};
use countersign_web::desk::{
    Caller, DeskError,
    approval::{Approval, StageRow, VoteRow},
};
use jiff::Timestamp;

use super::{LedgerDesk, edits::takes_edits};
use crate::{
    catalog::Catalog,
    ledger::{Card, State},
    policy,
};

/// What a job needs to count votes.
pub(super) struct Votes {
    catalog: Catalog,
    /// Whether any rule asks for more than one answer, or says on what terms one holds.
    counts: bool,
    /// Id of the person who is asked where no other can be.
    operator: String,
}

impl Votes {
    /// Whether nothing may be decided yet: the rules have not said how many people it takes.
    pub(super) fn check_routed(&self, card: &Card) -> Result<(), DeskError> {
        if self.counts && card.routing.is_none() {
            return Err(DeskError::Conflict {
                id: card.id,
                why: "is only just arriving; try again in a moment".to_owned(),
            });
        }
        Ok(())
    }

    /// The facts that an answer is: the last word, or a vote, or both.
    pub(super) fn facts(
        &self,
        state: &State,
        card: &Card,
        actor: Actor,
        decided: Decided,
        now: Timestamp,
    ) -> Result<Vec<(Actor, Event)>, DeskError> {
        self.check_routed(card)?;
        if decided.outcome == Outcome::Edited {
            takes_edits(card).map_err(|why| DeskError::Overtaken(why.to_owned()))?;
        }
        let decided = Decided {
            terms: on_terms(state, card, decided.outcome, decided.terms, now),
            ..decided
        };
        let plan = plan_at(state, card);
        let Some((plan, person)) = plan.as_ref().zip(person(&actor)) else {
            if decided.outcome == Outcome::Abstained {
                return Err(refused(card.id, NoVote::NobodyElse));
            }
            return Ok(vec![(actor, Event::Decided(Box::new(decided)))]);
        };
        let counted = self.count((state, card), plan, person, decided.outcome, now);
        let counted = counted.map_err(|why| refused(card.id, why))?;
        let mut facts = Vec::new();
        let claimed = card.claim.as_ref();
        if claimed.is_some_and(|claim| claim.person == person) && counted.decides.is_none() {
            let event = Event::Unclaimed {
                handoff: card.id,
                revision: decided.revision,
            };
            facts.push((actor.clone(), event));
        }
        let voted = Voted {
            handoff: decided.handoff,
            revision: decided.revision,
            manifest_sha256: decided.manifest_sha256,
            outcome: decided.outcome,
            stage: counted.stage,
            comment: decided.comment.clone(),
            requests: decided.requests.clone(),
            verified: decided.verified.clone(),
            terms: decided.terms,
        };
        facts.push((actor.clone(), Event::Voted(Box::new(voted))));
        if counted.opens_next {
            facts.extend(self.next_stage(card, plan, counted.stage));
        }
        if let Some(outcome) = counted.decides {
            let decided = Decided { outcome, ..decided };
            facts.push((actor, Event::Decided(Box::new(decided))));
        }
        Ok(facts)
    }

    fn count(
        &self,
        (state, card): (&State, &Card),
        plan: &ApprovalPlan,
        person: &str,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<countersign_protocol::approval::Counted, NoVote> {
        let belongs = |target: &str| self.catalog.belongs(person, target, now);
        let asked = card
            .routing
            .as_ref()
            .map(|routing| routing.asked.as_slice());
        let voter = Voter {
            id: person,
            belongs: &belongs,
            asked: asked.unwrap_or_default(),
        };
        tally(state, card, plan).count(&voter, outcome)
    }

    /// Returns the fact by which the voters of the stage after `stage` are asked. A stage whose voters all have disabled
    /// accounts falls to the operator.
    fn next_stage(&self, card: &Card, plan: &ApprovalPlan, stage: u32) -> Option<(Actor, Event)> {
        let at = usize::try_from(stage).ok()?;
        let next = plan.stages.get(at + 1)?;
        let routed = &card.routing.as_ref()?.routed;
        let mut asked = next.asked.clone();
        let has_people = |asked: &[Asked]| asked.iter().any(|one| !one.people.is_empty());
        if !asked.is_empty() && !has_people(&asked) {
            asked.push(Asked {
                target: format!("person:{}", self.operator),
                people: vec![self.operator.clone()],
                notes: vec!["the accounts of those who would be asked are disabled".to_owned()],
            });
        }
        let assigned = Assigned {
            handoff: card.id,
            revision: routed.revision,
            asked,
            beside: false,
            note: None,
        };
        let actor = Actor::Policy {
            rule: routed.rule.clone(),
        };
        Some((actor, Event::Assigned(Box::new(assigned))))
    }
}

/// On what terms an answer holds: by the rule, by who answers, and by who voted for it before.
pub(super) fn on_terms(
    state: &State,
    card: &Card,
    outcome: Outcome,
    stated: Terms,
    now: Timestamp,
) -> Terms {
    if !outcome.is_approval() {
        return Terms::default();
    }
    let by_rule = card.routing.as_ref().map(|one| one.routed.terms.at(now));
    let votes = state.counted_votes(card).map(|vote| vote.voted.terms);
    votes.chain(by_rule).fold(stated, Terms::narrowed)
}

fn refused(id: HandoffId, why: NoVote) -> DeskError {
    match why {
        NoVote::Again => DeskError::Conflict {
            id,
            why: format!("waits for others: {why}"),
        },
        NoVote::NobodyElse | NoVote::TooFew => DeskError::Invalid {
            field: "outcome".to_owned(),
            message: why.to_string(),
        },
        NoVote::OwnWork | NoVote::NotAsked => {
            let mut why = why.to_string();
            if let Some(first) = why.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            DeskError::NotAllowed(why)
        }
    }
}

fn person(actor: &Actor) -> Option<&str> {
    match actor {
        Actor::Person { id, .. } => Some(id),
        _ => None,
    }
}

/// What it takes to decide about the newest revision, where one answer is not enough.
pub(super) fn plan_of(card: &Card) -> Option<&ApprovalPlan> {
    card.routing.as_ref()?.routed.approval.as_ref()
}

/// Returns the plan of `card` without the people whose account is disabled.
fn plan_at(state: &State, card: &Card) -> Option<ApprovalPlan> {
    let plan = plan_of(card)?;
    Some(plan.without(&|id| state.is_disabled(id)))
}

/// Counts the votes of people whose account is not disabled.
fn tally<'a>(state: &State, card: &'a Card, plan: &'a ApprovalPlan) -> Tally<'a> {
    let votes = state.counted_votes(card);
    Tally::new(
        plan,
        votes.map(|vote| (vote.person.as_str(), vote.voted.outcome, vote.voted.stage)),
    )
}

/// Whether it takes more than one person.
pub(super) fn takes_many(card: &Card) -> bool {
    plan_of(card).is_some_and(|plan| !plan.is_met_by_one())
}

/// Whether `person` said yes already, or abstained, and waits for others.
pub(super) fn has_voted(card: &Card, person: &str) -> bool {
    let last = card.votes.iter().rfind(|vote| vote.person == person);
    let done = |outcome| outcome == Outcome::Abstained || is_for(outcome);
    plan_of(card).is_some() && last.is_some_and(|vote| done(vote.voted.outcome))
}

/// Returns what each answer to the newest revision of `card` does. Where it takes several approvals, one is a vote.
pub(super) fn effects_of(card: &Card) -> Vec<policy::Effect> {
    let accepted = &card.newest().accepted;
    let mut effects = policy::effects(accepted);
    let needed = plan_of(card).map(|plan| plan.stages.iter().map(|one| one.needed).sum::<u32>());
    if let Some(needed @ 2..) = needed {
        for effect in &mut effects {
            if matches!(effect.answer, "approve" | "respond") {
                let then = std::mem::take(&mut effect.text);
                effect.text =
                    format!("Counts as 1 of {needed} approvals. After the last one: {then}");
            }
        }
    }
    effects
}

impl LedgerDesk {
    pub(super) fn votes(&self) -> Votes {
        let catalog = self.policy.catalog().clone();
        let mut routes = catalog.policy().routes.iter();
        Votes {
            counts: routes
                .any(|route| route.approvals.is_special() || !route.approvals.terms().is_open()),
            operator: self.local.id.clone(),
            catalog,
        }
    }

    /// Why `who` cannot give an answer to a card now, by the plan of its rule.
    pub(super) fn vote_counts(
        &self,
        state: &State,
        card: &Card,
        who: &Caller,
        outcome: Outcome,
    ) -> bool {
        let Caller::Person(person) = who else {
            return false;
        };
        let votes = self.votes();
        let now = self.clock.now();
        match plan_at(state, card) {
            Some(plan) => votes
                .count((state, card), &plan, &person.id, outcome, now)
                .is_ok(),
            None => outcome != Outcome::Abstained && votes.check_routed(card).is_ok(),
        }
    }

    /// How far it has come.
    pub(super) fn approval_of(&self, state: &State, card: &Card) -> Option<Approval> {
        let plan = &plan_at(state, card)?;
        let tally = tally(state, card, plan);
        let current = tally.current();
        let for_it = |id: &String| has_voted(card, id);
        let stages = plan.stages.iter().enumerate().map(|(at, stage)| {
            let later = card
                .routing
                .as_ref()
                .filter(|_| stage.widens && !stage.asked.is_empty());
            let later = later.into_iter().flat_map(|routing| &routing.asked);
            let people = stage.asked.iter().chain(later).flat_map(|one| &one.people);
            let may_vote =
                |id: &&String| !state.is_disabled(id) && !for_it(id) && !plan.barred.contains(id);
            let open = people.filter(may_vote);
            let mut open_to: Vec<String> = open.map(|id| self.name_of(id)).collect();
            open_to.sort();
            open_to.dedup();
            let have = tally.approvals(at);
            let left = u32::try_from(open_to.len()).unwrap_or(u32::MAX);
            StageRow {
                name: stage.name.clone(),
                needed: stage.needed,
                have,
                // Without names everybody may whose role allows it.
                short: !stage.asked.is_empty() && have.saturating_add(left) < stage.needed,
                open_to,
                current: at == current,
            }
        });
        let stages = stages.collect();
        let names = |ids: &[String]| ids.iter().map(|id| self.name_of(id)).collect();
        Some(Approval {
            stages,
            veto: plan
                .veto
                .iter()
                .map(|one| self.name_of(&one.target))
                .collect(),
            barred: names(&plan.barred),
            votes: card
                .votes
                .iter()
                .map(|vote| VoteRow {
                    by: vote.display.clone(),
                    outcome: vote.voted.outcome,
                    stage: vote.voted.stage,
                    at: vote.at,
                    comment: vote.voted.comment.clone(),
                    not_counted: state
                        .is_disabled(&vote.person)
                        .then_some(NotCounted::AccountDisabled),
                })
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests;
