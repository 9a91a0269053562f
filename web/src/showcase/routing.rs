//! Who is asked, on the desk in memory: what was done last, of each card.

use async_trait::async_trait;
use countersign_protocol::{HandoffId, routing::StepKind};
use jiff::{SignedDuration, Timestamp};

use super::{Showcase, sample};
use crate::desk::{
    Caller, DeskError, Person,
    people::{PeopleDesk, TargetRow},
    routing::{
        AskedRow, ClaimRow, LadderRow, RouteReport, Routing, RoutingDesk, RuleRow, Stranded,
    },
    service::{ServiceDesk, ServiceReport},
};

/// A routing with one of everything.
pub fn routing() -> Routing {
    let now = sample::now();
    let step = |kind, text: &str, minutes: i64, taken: bool| {
        let at = now + SignedDuration::from_mins(minutes);
        LadderRow {
            kind,
            text: text.to_owned(),
            at,
            taken_at: taken.then_some(at),
        }
    };
    Routing {
        rule: "prod-write".to_owned(),
        why: "`handoff.context.target.contains('prod')` holds".to_owned(),
        triggers: Vec::new(),
        asked: vec![asked("group:data-reviewers")],
        due_at: Some(now + SignedDuration::from_mins(42)),
        ladder: vec![
            step(StepKind::Remind, "Data reviewers are reminded", -6, true),
            step(
                StepKind::Escalate,
                "whoever is on call for data is asked as well",
                42,
                false,
            ),
            step(
                StepKind::DeadLetter,
                "it goes to the dead letters and stays open",
                240,
                false,
            ),
        ],
        claim: None,
        snoozed: None,
        held: true,
        sampled: false,
        dead: false,
        above: vec![TargetRow {
            target: "oncall:data".to_owned(),
            name: "whoever is on call for data".to_owned(),
        }],
    }
}

fn asked(target: &str) -> AskedRow {
    AskedRow {
        target: target.to_owned(),
        name: "Data reviewers".to_owned(),
        people: vec!["Maya Okafor".to_owned(), "Sam Ito".to_owned()],
        notes: vec!["Sam Ito stands in for Kim Lee, who is away until 2026-12-01 00:00".to_owned()],
    }
}

impl Showcase {
    fn change(
        &self,
        who: &Caller,
        id: HandoffId,
        change: impl FnOnce(&mut Routing) -> Result<(), DeskError>,
    ) -> Result<(), DeskError> {
        self.record(|state| {
            state.card(who, id)?;
            change(state.routings.entry(id.0).or_insert_with(routing))
        })
    }
}

#[async_trait]
impl PeopleDesk for Showcase {
    async fn targets(&self, _: &Person) -> Result<Vec<TargetRow>, DeskError> {
        Ok(vec![
            TargetRow {
                target: "group:data-reviewers".to_owned(),
                name: "Data reviewers".to_owned(),
            },
            TargetRow {
                target: "person:sam".to_owned(),
                name: "Sam Ito".to_owned(),
            },
        ])
    }

    async fn claim(&self, who: &Person, id: HandoffId) -> Result<(), DeskError> {
        let (by, person) = (who.display.clone(), Caller::Person(who.clone()));
        self.change(&person, id, |routing| match &routing.claim {
            Some(claim) if claim.by != by => Err(DeskError::Conflict {
                id,
                why: format!("was already taken by {}", claim.by),
            }),
            _ => {
                let at = sample::now();
                routing.claim = Some(ClaimRow { by, mine: true, at });
                routing.snoozed = None;
                Ok(())
            }
        })
    }

    async fn release(&self, who: &Person, id: HandoffId) -> Result<(), DeskError> {
        self.change(&Caller::Person(who.clone()), id, |routing| {
            routing.claim = None;
            Ok(())
        })
    }

    async fn assign(
        &self,
        who: &Person,
        id: HandoffId,
        to: &str,
        _: Option<String>,
    ) -> Result<(), DeskError> {
        let known = self
            .targets(who)
            .await?
            .into_iter()
            .find(|one| one.target == to);
        let Some(row) = known else {
            return Err(DeskError::Invalid {
                field: "to".to_owned(),
                message: format!("there is nobody called `{to}`"),
            });
        };
        self.change(&Caller::Person(who.clone()), id, |routing| {
            routing.asked = vec![AskedRow {
                name: row.name,
                ..asked(&row.target)
            }];
            routing.claim = None;
            Ok(())
        })
    }

    async fn escalate(
        &self,
        who: &Person,
        id: HandoffId,
        to: &str,
        _: Option<String>,
    ) -> Result<(), DeskError> {
        let to = to.to_owned();
        self.change(&Caller::Person(who.clone()), id, |routing| {
            routing.above.retain(|one| one.target != to);
            routing.asked.push(asked(&to));
            Ok(())
        })
    }

    async fn snooze(&self, who: &Person, id: HandoffId, until: Timestamp) -> Result<(), DeskError> {
        let by = who.display.clone();
        self.change(&Caller::Person(who.clone()), id, |routing| {
            routing.snoozed = Some((until, by));
            Ok(())
        })
    }
}

#[async_trait]
impl ServiceDesk for Showcase {
    async fn service(
        &self,
        _: &Caller,
        since: Timestamp,
        _: u32,
    ) -> Result<ServiceReport, DeskError> {
        Ok(ServiceReport {
            since,
            until: sample::now(),
            rows: Vec::new(),
            periods: super::insights::promises(),
        })
    }
}

#[async_trait]
impl RoutingDesk for Showcase {
    async fn routing(&self, who: &Caller, id: HandoffId) -> Result<Routing, DeskError> {
        let mut state = self.lock();
        state.card(who, id)?;
        Ok(state.routings.get(&id.0).cloned().unwrap_or_else(routing))
    }

    async fn route_test(&self, who: &Caller, id: HandoffId) -> Result<RouteReport, DeskError> {
        let routing = self.routing(who, id).await?;
        let revision = self.lock().card(who, id)?.review.row.revision;
        let rule = |rule: &str, won, why: &str| RuleRow {
            rule: rule.to_owned(),
            won,
            why: why.to_owned(),
        };
        Ok(RouteReport {
            agent: None,
            hold: None,
            id,
            revision,
            rules: vec![
                rule("prod-write", true, &routing.why),
                rule("routine", false, "a rule before it won"),
            ],
            risk: "high".to_owned(),
            reasons: vec!["The rule prod-write says high".to_owned()],
            passes: false,
            doubts: Vec::new(),
            routing,
        })
    }

    async fn stranded(&self, _: &Caller) -> Result<Vec<Stranded>, DeskError> {
        Ok(self.lock().stranded.clone())
    }

    async fn redrive(&self, _: &Person, seq: u64) -> Result<(), DeskError> {
        self.record(|state| {
            let before = state.dead_letters.len() + state.stranded.len();
            state.dead_letters.retain(|one| one.seq != seq);
            state.stranded.retain(|one| one.seq != seq);
            if state.dead_letters.len() + state.stranded.len() < before {
                Ok(())
            } else {
                Err(DeskError::NotFound(format!("the dead letter {seq}")))
            }
        })
    }
}
