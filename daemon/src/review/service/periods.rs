//! What a workspace promised, and how it was kept, by period: folded from the entries.

use std::time::Duration;

use countersign_protocol::HandoffId;
use countersign_web::desk::service::{Breach, ServicePeriod, ServiceTarget};
use jiff::{SignedDuration, Timestamp};

use crate::{
    ledger::{Card, Hop, HopStage, Service},
    workspace::Workspace,
};

/// So many broken promises of a period are listed, the longest first.
const LISTED: usize = 20;

/// The name of a target in settings, and in a report.
const TARGETS: [(&str, ServiceTarget); 4] = [
    ("first_look", ServiceTarget::FirstLook),
    ("answer", ServiceTarget::Answer),
    ("acknowledge", ServiceTarget::Acknowledge),
    ("complete", ServiceTarget::Complete),
];

/// Something that was to happen in time.
struct Measured {
    began: Timestamp,
    /// `None` while it has not happened.
    ended: Option<Timestamp>,
    handoff: HandoffId,
    revision: u32,
    hop: Option<u32>,
}

/// The periods of one workspace, oldest first, each with its targets: from `since` until `now`, `length` each.
pub(super) fn periods(
    workspace: &Workspace,
    cards: &[&Card],
    (since, now): (Timestamp, Timestamp),
    length: SignedDuration,
) -> Vec<ServicePeriod> {
    let mut found = Vec::new();
    for (name, target) in &workspace.settings.service {
        let Some((_, kind)) = TARGETS.iter().find(|(known, _)| known == name) else {
            continue;
        };
        let all: Vec<Measured> = cards
            .iter()
            .flat_map(|card| measured(card, *kind))
            .collect();
        let mut from = since;
        while from < now {
            let until = (from + length).min(now);
            let here = all.iter().filter(|one| (from..until).contains(&one.began));
            found.push(period(workspace, *kind, *target, (from, until), here, now));
            from = until;
        }
    }
    found.sort_by_key(|period| period.from);
    found
}

fn period<'a>(
    workspace: &Workspace,
    target: ServiceTarget,
    promised: Duration,
    (from, until): (Timestamp, Timestamp),
    measured: impl Iterator<Item = &'a Measured>,
    now: Timestamp,
) -> ServicePeriod {
    let promised = promised.as_secs();
    let mut took = Vec::new();
    let (mut kept, mut open) = (0, 0);
    let mut breaches = Vec::new();
    for one in measured {
        // A clock that was set back makes nothing quicker than at once.
        let seconds = one.ended.unwrap_or(now).duration_since(one.began).as_secs();
        let seconds = u64::try_from(seconds).unwrap_or_default();
        took.extend(one.ended.map(|_| seconds));
        if seconds > promised {
            breaches.push(Breach {
                handoff_id: one.handoff,
                revision: one.revision,
                hop: one.hop,
                took_seconds: seconds,
                is_open: one.ended.is_none(),
            });
        } else if one.ended.is_some() {
            kept += 1;
        } else {
            open += 1;
        }
    }
    breaches.sort_by_key(|breach| std::cmp::Reverse(breach.took_seconds));
    let breached = breaches.len();
    breaches.truncate(LISTED);
    ServicePeriod {
        workspace: workspace.name.to_string(),
        target,
        target_seconds: promised,
        from,
        until,
        kept,
        open,
        breached,
        actual: super::quantiles(took),
        breaches,
    }
}

fn measured(card: &Card, target: ServiceTarget) -> Vec<Measured> {
    match target {
        ServiceTarget::FirstLook | ServiceTarget::Answer => {
            let each = card.service.iter().zip(&card.revisions);
            each.filter(|(_, revision)| was_asked(card, revision.accepted.revision))
                .map(|(service, revision)| Measured {
                    began: service.handed_over,
                    ended: match target {
                        ServiceTarget::Answer => service.decided,
                        _ => first_look(service),
                    }
                    .or_else(|| over(card, revision.accepted.revision)),
                    handoff: card.id,
                    revision: revision.accepted.revision,
                    hop: None,
                })
                .collect()
        }
        ServiceTarget::Acknowledge | ServiceTarget::Complete => {
            let hops = card.hops.iter();
            hops.filter_map(|hop| of_hop(card.id, hop, target))
                .collect()
        }
    }
}

/// Whether a person was asked about that revision.
fn was_asked(card: &Card, revision: u32) -> bool {
    let routed = super::routed(card);
    let found = routed.get(&revision);
    found.is_some_and(|routed| !routed.asked.is_empty())
}

/// When nobody had to look any more, since the agent came back or took it back.
fn over(card: &Card, revision: u32) -> Option<Timestamp> {
    let next = card.revision(revision + 1).map(|next| next.at);
    next.or_else(|| card.withdrawn.as_ref().map(|withdrawn| withdrawn.at))
}

/// Who takes or answers it has looked.
fn first_look(service: &Service) -> Option<Timestamp> {
    let looks = [service.seen, service.claimed, service.decided];
    looks.into_iter().flatten().min()
}

fn of_hop(handoff: HandoffId, hop: &Hop, target: ServiceTarget) -> Option<Measured> {
    let is_open = hop.stage.is_open();
    let (began, ended) = if target == ServiceTarget::Acknowledge {
        let first = hop.answers.first().map(|answer| answer.at);
        // Who was not waited for any more did not have to answer.
        let timed_out = hop.stage == HopStage::TimedOut && first.is_none();
        let over = (!is_open && !timed_out).then_some(hop.since);
        (hop.at, first.or(over))
    } else {
        let began = hop.taken?;
        let is_done = !is_open && !matches!(hop.stage, HopStage::HandedOn | HopStage::TimedOut);
        (began, is_done.then_some(hop.since))
    };
    Some(Measured {
        began,
        ended,
        handoff,
        revision: hop.offered.revision,
        hop: Some(hop.offered.hop),
    })
}
