//! Who is asked and why, for pages and API, and the dead letters of unanswered handoffs.

use async_trait::async_trait;
use countersign_protocol::{
    HandoffId,
    access::Permission,
    event::Event,
    routing::{Asked, Routed, Step},
};
use countersign_web::desk::{
    Caller, DeskError, Person,
    people::TargetRow,
    routing::{
        AskedRow, ClaimRow, LadderRow, RouteReport, Routing, RoutingDesk, RuleRow, Stranded,
    },
};
use jiff::Timestamp;

use super::{
    LedgerDesk,
    access::{person_actor, sees, visible_card},
    commands::refused,
    row::is_waiting,
};
use crate::{
    ledger::{Card, Draft},
    policy::words,
};

impl LedgerDesk {
    /// The name that people know, of a target or of a person by id.
    pub(super) fn name_of(&self, target: &str) -> String {
        if target.strip_prefix("person:").unwrap_or(target) == self.local.id {
            return self.local.display.clone();
        }
        self.policy.catalog().display(target)
    }

    fn asked_row(&self, asked: &Asked) -> AskedRow {
        let name = self.name_of(&asked.target);
        let people = asked.people.iter().map(|id| self.name_of(id));
        AskedRow {
            // One person is named once.
            people: people.filter(|person| *person != name).collect(),
            name,
            target: asked.target.clone(),
            notes: asked.notes.clone(),
        }
    }

    fn ladder_row(&self, step: &Step, taken_at: Option<Timestamp>) -> LadderRow {
        LadderRow {
            kind: step.kind,
            text: words::step(step, &|id| self.name_of(id)),
            at: step.at,
            taken_at,
        }
    }

    fn planned(&self, routed: &Routed) -> Routing {
        Routing {
            rule: routed.rule.clone(),
            why: routed.why.clone(),
            triggers: routed.triggers.clone(),
            asked: routed.asked.iter().map(|one| self.asked_row(one)).collect(),
            due_at: routed.due,
            ladder: routed
                .ladder
                .iter()
                .map(|step| self.ladder_row(step, None))
                .collect(),
            held: routed.held,
            sampled: routed.sampled,
            ..Routing::default()
        }
    }

    fn routing_of(&self, card: &Card, who: &Caller) -> Routing {
        let me = match who {
            Caller::Person(person) => Some(person.id.as_str()),
            Caller::Agent(_) => None,
        };
        let now = self.clock.now();
        let snoozed = card.snoozed.as_ref().filter(|snooze| snooze.until > now);
        let shown = card.routing.as_ref().map(|known| {
            let ladder =
                known.routed.ladder.iter().enumerate().map(|(at, step)| {
                    self.ladder_row(step, known.taken.get(at).map(|(_, at)| *at))
                });
            Routing {
                asked: known.asked.iter().map(|one| self.asked_row(one)).collect(),
                ladder: ladder.collect(),
                dead: known.dead.is_some(),
                ..self.planned(&known.routed)
            }
        });
        Routing {
            claim: card.claim.as_ref().map(|claim| ClaimRow {
                by: claim.display.clone(),
                mine: me == Some(claim.person.as_str()),
                at: claim.at,
            }),
            snoozed: snoozed.map(|snooze| (snooze.until, snooze.display.clone())),
            above: self
                .above(card)
                .into_iter()
                .map(|target| TargetRow {
                    name: self.name_of(&target),
                    target,
                })
                .collect(),
            ..shown.unwrap_or_default()
        }
    }
}

impl LedgerDesk {
    /// Returns the participant that `card` goes to unless a person is asked first: the one that its document
    /// names, else the first one of the rule.
    fn next_agent(&self, card: &Card, routed: &Routed) -> Option<String> {
        let accepted = &card.newest().accepted;
        let by_rule = routed
            .asked
            .iter()
            .find_map(|one| one.target.strip_prefix("agent:"));
        let stated = accepted.to_agent.as_deref().filter(|_| {
            // A receiver that is no agent was never offered anything.
            accepted.is_hop_owed
                || card
                    .stops
                    .iter()
                    .any(|stop| stop.stopped.revision == accepted.revision)
        });
        let agent = stated.or(by_rule)?;
        self.with_settings(&card.workspace, |settings| {
            Some(settings.mesh.find(agent)?.id.clone())
        })
    }
}

#[async_trait]
impl RoutingDesk for LedgerDesk {
    async fn routing(&self, who: &Caller, id: HandoffId) -> Result<Routing, DeskError> {
        let card = visible_card(&self.ledger.state(), who, id)?;
        Ok(self.routing_of(&card, who))
    }

    async fn route_test(&self, who: &Caller, id: HandoffId) -> Result<RouteReport, DeskError> {
        let card = visible_card(&self.ledger.state(), who, id)?;
        let plan = self.policy.plan(&card, self.clock.now()).await;
        let plan = plan.map_err(|error| DeskError::Unavailable(error.to_string()))?;
        let rules = plan.considered.iter().map(|one| RuleRow {
            rule: one.rule.clone(),
            won: one.won,
            why: one.why.clone(),
        });
        let agent = self.next_agent(&card, &plan.routed);
        Ok(RouteReport {
            hold: agent.as_ref().and(plan.hold),
            agent,
            id,
            revision: plan.routed.revision,
            rules: rules.collect(),
            routing: self.planned(&plan.routed),
            risk: plan.routed.risk,
            reasons: plan.routed.reasons,
            passes: plan.progress.is_some(),
            doubts: plan.doubts,
        })
    }

    async fn stranded(&self, who: &Caller) -> Result<Vec<Stranded>, DeskError> {
        let state = self.ledger.state();
        let mut found: Vec<Stranded> = state
            .waiting()
            .filter(|card| sees(who, &card.workspace))
            .filter_map(|card| {
                let routing = card.routing.as_ref()?;
                let (seq, at) = routing.dead?;
                Some(Stranded {
                    id: card.id,
                    workspace: card.workspace.clone(),
                    title: card.newest().accepted.title.clone(),
                    rule: routing.routed.rule.clone(),
                    at,
                    seq,
                })
            })
            .collect();
        found.sort_by_key(|one| std::cmp::Reverse(one.seq));
        Ok(found)
    }

    async fn redrive(&self, who: &Person, seq: u64) -> Result<(), DeskError> {
        let refused_at = {
            let state = self.ledger.state();
            let dead = state.dead_letters().find(|dead| dead.seq == seq);
            dead.map(|dead| dead.location.clone())
        };
        let caller = Caller::Person(who.clone());
        if let Some(at) = refused_at.filter(|at| sees(&caller, &at.workspace)) {
            self.check_workspace(&caller, &at.workspace, Permission::Redrive)?;
            self.door.look_again(&at);
            return Ok(());
        }
        let actor = person_actor(who);
        let recorded = self.ledger.transact(move |state, _| {
            let dead = |card: &&std::sync::Arc<Card>| {
                let dead = card.routing.as_ref().and_then(|routing| routing.dead);
                is_waiting(card) && dead.is_some_and(|(entry, _)| entry == seq)
            };
            let card = state.waiting().find(dead);
            let Some(card) = card.filter(|card| sees(&caller, &card.workspace)) else {
                return Err(DeskError::NotFound(format!("the dead letter {seq}")));
            };
            caller.check(Permission::Redrive, Some(&card.workspace))?;
            let event = Event::Redriven {
                handoff: card.id,
                revision: card.state.revision(),
            };
            Ok(Draft::of(vec![(actor, event)], ()))
        });
        recorded.await.map(drop).map_err(refused)
    }
}
