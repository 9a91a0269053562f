//! Who works on a handoff: taken, given back, handed on, put off. Each is one job of the ledger.

use async_trait::async_trait;
use countersign_protocol::{
    HandoffId,
    access::Permission,
    event::Event,
    principal::Actor,
    routing::{Asked, Assigned, StepKind},
};
use countersign_web::desk::{
    Caller, DeskError, Person,
    people::{PeopleDesk, TargetRow},
};
use jiff::Timestamp;

use super::{
    LedgerDesk,
    access::person_actor,
    commands::{refused, words},
    row::is_waiting,
};
use crate::{
    config::Target,
    ledger::{Card, Draft, Routing},
};

impl LedgerDesk {
    /// One fact about an open card, when `job` gives one.
    async fn about_open(
        &self,
        who: &Person,
        id: HandoffId,
        needed: Permission,
        job: impl FnOnce(&Card, u32) -> Result<Option<Event>, DeskError> + Send + 'static,
    ) -> Result<(), DeskError> {
        self.check_card(&Caller::Person(who.clone()), id, needed)?;
        let actor: Actor = person_actor(who);
        let recorded = self.ledger.transact(move |state, _| {
            let card = state
                .card(id)
                .ok_or_else(|| DeskError::NotFound(id.to_string()))?;
            if !is_waiting(card) {
                return Err(DeskError::Conflict {
                    id,
                    why: "waits for nobody any more".to_owned(),
                });
            }
            let event = job(card, card.state.revision())?;
            let events = event.map(|event| (actor, event)).into_iter().collect();
            Ok(Draft::of(events, ()))
        });
        recorded.await.map(drop).map_err(refused)
    }

    /// Whom a word means now.
    fn somebody(&self, to: &str) -> Result<Asked, DeskError> {
        let invalid = |message: String| DeskError::Invalid {
            field: "to".to_owned(),
            message,
        };
        let target: Target = to.parse().map_err(|why| invalid(format!("`{to}` {why}")))?;
        let disabled = self.ledger.state().disabled_accounts().clone();
        let catalog = self.policy.catalog();
        let asked = catalog.resolve(&target, self.clock.now(), &disabled);
        if asked.people.is_empty() {
            let why = asked.notes.first().cloned();
            return Err(invalid(
                why.unwrap_or_else(|| format!("there is nobody called `{to}`")),
            ));
        }
        Ok(asked)
    }

    /// Who would be asked next if nobody answered, and is not asked yet: the next step of the ladder, else who is on call.
    pub(super) fn above(&self, card: &Card) -> Vec<String> {
        let Some(routing) = &card.routing else {
            return Vec::new();
        };
        let steps = routing.routed.ladder.iter();
        let steps = steps
            .filter(|step| matches!(step.kind, StepKind::Escalate | StepKind::Reassign))
            .map(|step| step.to.clone());
        let on_call = self
            .policy
            .catalog()
            .first_on_call()
            .map(|to| vec![to.to_string()]);
        let is_new = |to: &String| !routing.asks(to);
        steps
            .chain(on_call)
            .find(|to| to.iter().any(is_new))
            .into_iter()
            .flatten()
            .filter(is_new)
            .collect()
    }
}

/// How a card was routed, which is known a moment after it came.
fn routed(card: &Card) -> Result<&Routing, DeskError> {
    card.routing.as_ref().ok_or_else(|| DeskError::Conflict {
        id: card.id,
        why: "is only just arriving; try again in a moment".to_owned(),
    })
}

#[async_trait]
impl PeopleDesk for LedgerDesk {
    async fn targets(&self, who: &Person) -> Result<Vec<TargetRow>, DeskError> {
        self.check_anywhere(&Caller::Person(who.clone()), Permission::Assign)?;
        let catalog = self.policy.catalog();
        let row = |target: String| TargetRow {
            name: catalog.display(&target),
            target,
        };
        let people = catalog
            .people()
            .iter()
            .map(|one| format!("person:{}", one.id.value));
        let groups = catalog
            .groups()
            .iter()
            .map(|one| format!("group:{}", one.id.value));
        let queues = catalog
            .queues()
            .iter()
            .map(|one| format!("queue:{}", one.id.value));
        let calendars = catalog
            .calendars()
            .iter()
            .map(|one| format!("oncall:{}", one.id.value));
        Ok(people
            .chain(groups)
            .chain(queues)
            .chain(calendars)
            .map(row)
            .collect())
    }

    async fn claim(&self, who: &Person, id: HandoffId) -> Result<(), DeskError> {
        let me = who.id.clone();
        self.about_open(
            who,
            id,
            Permission::Claim,
            move |card, revision| match &card.claim {
                // Taken twice is taken.
                Some(claim) if claim.person == me => Ok(None),
                Some(claim) => Err(DeskError::Conflict {
                    id,
                    why: format!("was already taken by {}", claim.display),
                }),
                None => Ok(Some(Event::Claimed {
                    handoff: id,
                    revision,
                })),
            },
        )
        .await
    }

    async fn release(&self, who: &Person, id: HandoffId) -> Result<(), DeskError> {
        let me = who.id.clone();
        self.about_open(
            who,
            id,
            Permission::Claim,
            move |card, revision| match &card.claim {
                None => Ok(None),
                Some(claim) if claim.person == me => Ok(Some(Event::Unclaimed {
                    handoff: id,
                    revision,
                })),
                Some(claim) => Err(DeskError::Conflict {
                    id,
                    why: format!("was taken by {}; hand it on instead", claim.display),
                }),
            },
        )
        .await
    }

    async fn assign(
        &self,
        who: &Person,
        id: HandoffId,
        to: &str,
        note: Option<String>,
    ) -> Result<(), DeskError> {
        self.check_card(&Caller::Person(who.clone()), id, Permission::Assign)?;
        let note = words("note", note)?;
        let asked = self.somebody(to)?;
        self.about_open(who, id, Permission::Assign, move |card, revision| {
            routed(card)?;
            Ok(Some(Event::Assigned(Box::new(Assigned {
                handoff: id,
                revision,
                asked: vec![asked],
                beside: false,
                note,
            }))))
        })
        .await
    }

    async fn escalate(
        &self,
        who: &Person,
        id: HandoffId,
        to: &str,
        note: Option<String>,
    ) -> Result<(), DeskError> {
        self.check_card(&Caller::Person(who.clone()), id, Permission::Assign)?;
        let note = words("note", note)?;
        let mut to: Vec<String> = to.split_whitespace().map(str::to_owned).collect();
        if to.is_empty() {
            let card = self.ledger.state().card(id).cloned();
            to = card.map(|card| self.above(&card)).unwrap_or_default();
        }
        if to.is_empty() {
            return Err(DeskError::Invalid {
                field: "to".to_owned(),
                message: "No rule names anybody above those who are asked. Say whom to ask."
                    .to_owned(),
            });
        }
        let asked = to.iter().map(|to| self.somebody(to));
        let asked = asked.collect::<Result<Vec<Asked>, _>>()?;
        self.about_open(who, id, Permission::Assign, move |card, revision| {
            let routing = routed(card)?;
            let is_new = |one: &Asked| !routing.asks(&one.target);
            let asked: Vec<Asked> = asked.into_iter().filter(is_new).collect();
            // Escalated twice is escalated.
            let event = (!asked.is_empty()).then(|| {
                Event::Assigned(Box::new(Assigned {
                    handoff: id,
                    revision,
                    asked,
                    beside: true,
                    note,
                }))
            });
            Ok(event)
        })
        .await
    }

    async fn snooze(&self, who: &Person, id: HandoffId, until: Timestamp) -> Result<(), DeskError> {
        self.about_open(who, id, Permission::Claim, move |_, revision| {
            Ok(Some(Event::Snoozed {
                handoff: id,
                revision,
                until,
            }))
        })
        .await
    }
}
