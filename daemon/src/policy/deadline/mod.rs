//! What happens while nobody answers: a ladder of steps, each with its time and each taken once.
//!
//! Pure: the state of a card and a moment in, the next step out. Times are moments that were
//! computed when the card was routed, so a restart changes nothing and neither does a change of clocks.

mod fallback;
#[cfg(test)]
mod tests;

use countersign_protocol::{
    decision::Outcome,
    event::{Decided, Event},
    principal::Actor,
    routing::{Asked, Routed, Step, StepKind, Stepped},
    terms::Terms,
};
use jiff::{SignedDuration, Timestamp};

pub use countersign_protocol::fallback::{Action, Fallback};
pub use fallback::target;

use super::Asking;
use crate::{
    catalog::business_time_after,
    config::{Expiry, Route, Target},
    ledger::{Card, Routing},
};

/// After a long absence, or a jump of the clock, a step waits so long after the one before it, or as
/// long as was planned where that is less: people get time to answer.
const GRACE: SignedDuration = SignedDuration::from_mins(5);
/// A clock that shows an earlier time than this before the card was routed was set back.
const BACK: SignedDuration = SignedDuration::from_secs(60);
/// After the last step of a document's own fallback, this long at least until the dead letters.
const LEAST_END: SignedDuration = SignedDuration::from_hours(1);

/// When an answer is due and what happens otherwise. `stated` is the deadline of the document.
pub fn ladder(
    route: Option<&Route>,
    fallback: Option<&Fallback>,
    stated: Option<Timestamp>,
    asking: &Asking<'_>,
) -> (Option<Timestamp>, Vec<Step>) {
    let now = asking.now;
    let after = |span: SignedDuration| match route {
        Some(route) => business_time_after(&route.hours, route.time_zone.zone(), now, span),
        None => now.checked_add(span).unwrap_or(Timestamp::MAX),
    };
    let long =
        |span: crate::config::Span| SignedDuration::try_from(span.0).unwrap_or(SignedDuration::MAX);
    let by_rule = route
        .and_then(|route| route.due.as_ref())
        .map(|due| after(long(due.value)));
    let due = [stated, by_rule].into_iter().flatten().min();
    let mut steps = Vec::new();
    let mut add = |kind, at: Timestamp, to: Vec<String>, from: &str| {
        let at = at.max(now);
        let from = from.to_owned();
        steps.push(Step { kind, at, to, from });
    };
    let names = |to: &[Target]| to.iter().map(ToString::to_string).collect::<Vec<_>>();
    let remind = route
        .and_then(|route| route.remind.as_ref())
        .map(|span| after(long(span.value)));
    let most = due
        .map(|due| due.duration_since(now))
        .filter(|left| left.as_secs() >= 10);
    if let Some(at) = remind.or_else(|| Some(now + most? / 5 * 4)) {
        add(StepKind::Remind, at, Vec::new(), "rule");
    }
    for then in route.map(|route| route.then.as_slice()).unwrap_or_default() {
        let kind = if then.instead {
            StepKind::Reassign
        } else {
            StepKind::Escalate
        };
        add(
            kind,
            after(long(then.after.value)),
            names(&then.to.value),
            "rule",
        );
    }
    if let Some(fallback) = fallback {
        let at = now.checked_add(fallback.after).unwrap_or(Timestamp::MAX);
        let to = target(fallback, asking.catalog)
            .map(|to| vec![to.to_string()])
            .unwrap_or_default();
        let kind = match fallback.action {
            Action::Escalate => StepKind::Escalate,
            Action::Reroute | Action::HumanQueue => StepKind::Reassign,
            Action::DeadLetter => StepKind::DeadLetter,
            Action::Expire => StepKind::Expire,
        };
        add(kind, at, to, "fallback");
    }
    steps.sort_by_key(|step| (step.at, step.kind));
    end(route, fallback, due, &after, &mut steps);
    if let Some(last) = steps.iter().position(|step| is_last(step.kind)) {
        steps.truncate(last + 1);
    }
    (due, steps)
}

/// Adds the end of the ladder where there is a rule for it or a fallback to follow.
fn end(
    route: Option<&Route>,
    fallback: Option<&Fallback>,
    due: Option<Timestamp>,
    after: &dyn Fn(SignedDuration) -> Timestamp,
    steps: &mut Vec<Step>,
) {
    if steps.is_empty() || steps.iter().any(|step| is_last(step.kind)) {
        return;
    }
    let last = steps
        .last()
        .map_or(Timestamp::MIN, |step| step.at)
        .max(due.unwrap_or(Timestamp::MIN));
    let (kind, at, from) = match (route, fallback) {
        (Some(route), _) => {
            let stated = route.expire_after.as_ref().map(|span| {
                after(SignedDuration::try_from(span.value.0).unwrap_or(SignedDuration::MAX))
            });
            let spare = route.due.as_ref().map_or(LEAST_END, |due| {
                SignedDuration::try_from(due.value.0).unwrap_or(LEAST_END)
            });
            let at = stated
                .unwrap_or_else(|| last.checked_add(spare).unwrap_or(Timestamp::MAX))
                .max(last);
            let kind = match route.on_expiry.value {
                Expiry::Reject => StepKind::Reject,
                Expiry::Expire => StepKind::Expire,
                Expiry::DeadLetter => StepKind::DeadLetter,
            };
            (kind, at, "rule")
        }
        (None, Some(fallback)) => {
            let at = last
                .checked_add(fallback.after.max(LEAST_END))
                .unwrap_or(Timestamp::MAX);
            (StepKind::DeadLetter, at, "fallback")
        }
        // Without a rule of the operator a handoff that is late waits on, in sight.
        (None, None) => return,
    };
    steps.push(Step {
        kind,
        at,
        to: Vec::new(),
        from: from.to_owned(),
    });
}

fn is_last(kind: StepKind) -> bool {
    matches!(
        kind,
        StepKind::Expire | StepKind::Reject | StepKind::DeadLetter
    )
}

/// When the next step of `card` is due, with its place; `None` when none is left.
pub fn next(card: &Card, now: Timestamp) -> Option<(u32, Timestamp)> {
    let routing = card
        .routing
        .as_ref()
        .filter(|routing| routing.dead.is_none())?;
    let (place, step) = routing.next_step()?;
    let mut at = step.at;
    // Who takes a card has acknowledged it: what would go past them counts from then.
    if let Some(claim) = card
        .claim
        .as_ref()
        .filter(|_| step.kind != StepKind::Remind)
    {
        let planned = step.at.duration_since(routing.routed.since);
        at = at.max(claim.at.checked_add(planned).unwrap_or(Timestamp::MAX));
    }
    let before = usize::try_from(place).ok()?.checked_sub(1);
    if let (Some(before), Some((_, taken))) = (before, routing.taken.last())
        && *taken <= now
    {
        let planned = step
            .at
            .duration_since(routing.routed.ladder.get(before)?.at);
        at = at.max(
            taken
                .checked_add(planned.clamp(SignedDuration::ZERO, GRACE))
                .unwrap_or(Timestamp::MAX),
        );
    }
    Some((place, at))
}

/// The facts of the step that is due for `card` at `now`; `None` when none is.
pub fn step(card: &Card, asking: &Asking<'_>) -> Option<Vec<(Actor, Event)>> {
    let (place, at) = next(card, asking.now)?;
    let routing = card.routing.as_ref()?;
    if at > asking.now {
        return None;
    }
    let step = routing.routed.ladder.get(usize::try_from(place).ok()?)?;
    let asked = match step.kind {
        StepKind::Remind => reminded(card, routing, asking),
        StepKind::Reassign | StepKind::Escalate => asking.asked(&step.to),
        _ => Vec::new(),
    };
    let routed = &routing.routed;
    let stepped = Box::new(Stepped {
        handoff: routed.handoff,
        revision: routed.revision,
        rule: routed.rule.clone(),
        step: place,
        asked,
    });
    let actor = Actor::Policy {
        rule: routed.rule.clone(),
    };
    let close = |outcome, stepped| {
        let decided = Decided {
            handoff: routed.handoff,
            revision: routed.revision,
            manifest_sha256: card.newest().accepted.manifest_sha256,
            outcome,
            comment: Some(format!(
                "Nobody answered in time, and the rule {} says what happens then.",
                routed.rule
            )),
            requests: Vec::new(),
            checked: Vec::new(),
            answers: Vec::new(),
            reasons: Vec::new(),
            edited: None,
            verified: None,
            terms: Terms::default(),
            partial: None,
        };
        vec![
            (actor.clone(), Event::Expired(stepped)),
            (actor.clone(), Event::Decided(Box::new(decided))),
        ]
    };
    Some(match step.kind {
        StepKind::Remind => vec![(actor, Event::Reminded(stepped))],
        StepKind::Reassign => vec![(actor, Event::Reassigned(stepped))],
        StepKind::Escalate => vec![(actor, Event::Escalated(stepped))],
        StepKind::DeadLetter => vec![(actor, Event::DeadLettered(stepped))],
        StepKind::Expire => close(Outcome::Expired, stepped),
        StepKind::Reject => close(Outcome::Rejected, stepped),
    })
}

/// Who hears a reminder: who took the card, else who is asked.
fn reminded(card: &Card, routing: &Routing, asking: &Asking<'_>) -> Vec<Asked> {
    let claim = card.claim.as_ref();
    if let Some(claim) = claim.filter(|claim| !asking.disabled.contains(&claim.person)) {
        return vec![Asked {
            target: format!("person:{}", claim.person),
            people: vec![claim.person.clone()],
            notes: Vec::new(),
        }];
    }
    let targets: Vec<String> = routing.asked.iter().map(|one| one.target.clone()).collect();
    asking.asked(&targets)
}

/// The deadlines of `card` counted anew when the clock was set back behind its routing.
pub fn rescheduled(card: &Card, now: Timestamp) -> Option<Event> {
    let routed: &Routed = &card.routing.as_ref()?.routed;
    let back = routed.since.duration_since(now);
    if back <= BACK {
        return None;
    }
    let moved = |at: Timestamp| at.checked_sub(back).unwrap_or(at);
    Some(Event::Rescheduled {
        handoff: routed.handoff,
        revision: routed.revision,
        since: now,
        due: routed.due.map(moved),
        steps: routed.ladder.iter().map(|step| moved(step.at)).collect(),
    })
}
