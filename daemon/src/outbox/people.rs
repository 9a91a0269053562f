//! Which person is told by mail about an entry, and when. Who is asked stands in the entries of policy.

use std::collections::BTreeSet;

use countersign_protocol::{
    HandoffId,
    chain::{Body, Entry},
    event::Event,
    principal::Actor,
    routing::Asked,
};
use jiff::Timestamp;

use super::{Around, MAIL, plan};
use crate::{
    config::{Kind, Person},
    ledger::State,
    message::{Notice, Owed, Recipient, Risk},
};

/// The mails that an entry leads to, each at the time at which its reader may be disturbed.
pub(super) fn mail(around: &Around, state: &State, entry: &Entry, body: &Body) -> Vec<Owed> {
    let people = |asked: &[Asked]| -> BTreeSet<String> {
        asked
            .iter()
            .flat_map(|one| one.people.iter().cloned())
            .collect()
    };
    let (id, revision, kind, to, rule) = match &body.event {
        Event::Routed(routed) if !routed.digest => (
            routed.handoff,
            routed.revision,
            Kind::Turn,
            people(&routed.asked),
            Some(routed.rule.clone()),
        ),
        Event::Reminded(step) => (
            step.handoff,
            step.revision,
            Kind::Due,
            people(&step.asked),
            Some(step.rule.clone()),
        ),
        Event::Reassigned(step) | Event::Escalated(step) => (
            step.handoff,
            step.revision,
            Kind::Escalated,
            people(&step.asked),
            Some(step.rule.clone()),
        ),
        Event::Assigned(assigned) => (
            assigned.handoff,
            assigned.revision,
            Kind::Escalated,
            people(&assigned.asked),
            None,
        ),
        Event::Decided(decided) => {
            let others = asked_about(state, decided.handoff);
            (
                decided.handoff,
                decided.revision,
                Kind::Decided,
                others,
                None,
            )
        }
        _ => return Vec::new(),
    };
    let Some(notice) = plan::about(state, &around.workspaces, id, revision) else {
        return Vec::new();
    };
    let outcome = match &body.event {
        Event::Decided(decided) => Some(decided.outcome),
        _ => None,
    };
    let by = match &body.actor {
        Actor::Person { id, display, .. } => Some((id.clone(), display.clone())),
        Actor::Daemon | Actor::Agent { .. } | Actor::Policy { .. } => None,
    };
    let notice = Notice {
        kind: kind.name().to_owned(),
        seq: entry.seq,
        at: body.at,
        outcome,
        by: by.as_ref().map(|(_, display)| display.clone()),
        assignees: to.iter().cloned().collect(),
        rule,
        ..notice
    };
    to.iter()
        // Nobody is told what they did themselves.
        .filter(|person| by.as_ref().is_none_or(|(id, _)| id != *person))
        .filter_map(|id| around.catalog.person(id))
        .filter_map(|person| {
            let to = recipient(person)?;
            let mut owed = Owed::new(MAIL, Some(to), vec![notice.clone()], entry.hash);
            owed.next = when(around, person, &notice, body.at);
            Some(owed.placed())
        })
        .collect()
}

/// Everybody who is asked about a card now.
fn asked_about(state: &State, id: HandoffId) -> BTreeSet<String> {
    let card = state.card(id);
    let asked = card
        .and_then(|card| card.routing.as_ref())
        .map(|routing| &routing.asked);
    asked
        .into_iter()
        .flatten()
        .flat_map(|one| one.people.iter().cloned())
        .collect()
}

fn recipient(person: &Person) -> Option<Recipient> {
    let by_mail = person
        .channels
        .value
        .iter()
        .any(|channel| channel.name == "email");
    let email = person.email.as_ref().filter(|_| by_mail)?;
    Some(Recipient {
        id: person.id.value.to_string(),
        display: person.name.value.clone(),
        email: Some(email.value.as_str().to_owned()),
        zone: person.time_zone.value.zone().iana_name().map(str::to_owned),
    })
}

/// At once, or when quiet hours end. High risk does not wait.
fn when(around: &Around, person: &Person, notice: &Notice, now: Timestamp) -> Timestamp {
    if notice.risk == Risk::High && notice.outcome.is_none() {
        return now;
    }
    around
        .catalog
        .quiet_until(person.id.as_str(), now)
        .unwrap_or(now)
}
