//! How fast people look and answer, beside what was promised: folded from the entries, like everything.

mod periods;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use countersign_protocol::{access::Permission, event::Event, routing::Routed};
use countersign_web::desk::{
    Caller, DeskError,
    service::{Quantiles, ServiceDesk, ServiceGroup, ServiceReport, ServiceRow},
};
use jiff::{SignedDuration, Timestamp};

use super::LedgerDesk;
use crate::{
    ledger::{Card, Service, State},
    workspace::Workspace,
};

/// What was measured of some revisions.
#[derive(Default)]
struct Measured {
    asked: usize,
    answered: usize,
    promised: usize,
    late: usize,
    passed: usize,
    target: Vec<u64>,
    first_look: Vec<u64>,
    decision: Vec<u64>,
}

impl Measured {
    fn add(&mut self, service: &Service, has_passed: bool, now: Timestamp) {
        if has_passed {
            self.passed += 1;
            return;
        }
        let since = |at: Option<Timestamp>| {
            let took = at?.duration_since(service.handed_over).as_secs();
            // A clock that was set back makes nothing quicker than at once.
            Some(u64::try_from(took).unwrap_or_default())
        };
        self.asked += 1;
        self.answered += usize::from(service.decided.is_some());
        self.promised += usize::from(service.due.is_some());
        self.late += usize::from(service.is_late(now));
        self.target.extend(since(service.due));
        // Who takes or answers it has looked.
        let looks = [service.seen, service.claimed, service.decided];
        self.first_look
            .extend(since(looks.into_iter().flatten().min()));
        self.decision.extend(since(service.decided));
    }

    fn row(self, group: ServiceGroup, name: String) -> ServiceRow {
        ServiceRow {
            group,
            name,
            owner: None,
            asked: self.asked,
            answered: self.answered,
            promised: self.promised,
            late: self.late,
            passed: self.passed,
            target: quantiles(self.target),
            first_look: quantiles(self.first_look),
            decision: quantiles(self.decision),
        }
    }
}

/// By the nearest rank; `None` of nothing.
pub(super) fn quantiles(mut seconds: Vec<u64>) -> Option<Quantiles> {
    seconds.sort_unstable();
    let rank = |tenths: usize| {
        let at = (seconds.len() * tenths).div_ceil(10).checked_sub(1)?;
        seconds.get(at).copied()
    };
    Some(Quantiles {
        p50: rank(5)?,
        p90: rank(9)?,
    })
}

/// What was found about each revision, the last time where it was routed again.
fn routed(card: &Card) -> BTreeMap<u32, &Routed> {
    let found = card.moves.iter().filter_map(|one| match &one.event {
        Event::Routed(routed) => Some((routed.revision, &**routed)),
        _ => None,
    });
    found.collect()
}

fn report(
    state: &State,
    who: &Caller,
    (since, now): (Timestamp, Timestamp),
    name: &dyn Fn(&str) -> String,
) -> Vec<ServiceRow> {
    let mut groups: BTreeMap<(ServiceGroup, String), Measured> = BTreeMap::new();
    groups.insert((ServiceGroup::All, String::new()), Measured::default());
    for card in state
        .cards()
        .filter(|card| who.may(Permission::Activity, Some(&card.workspace)))
    {
        let routed = routed(card);
        for (service, revision) in card.service.iter().zip(&card.revisions) {
            if service.handed_over < since {
                continue;
            }
            let routed = routed.get(&revision.accepted.revision);
            let has_passed = routed.is_some_and(|routed| routed.asked.is_empty());
            let mut keys = vec![
                (ServiceGroup::All, String::new()),
                (ServiceGroup::Workspace, card.workspace.clone()),
            ];
            if let Some(routed) = routed {
                keys.push((ServiceGroup::Rule, routed.rule.clone()));
                let asked = routed.asked.iter();
                keys.extend(asked.map(|one| (ServiceGroup::Asked, name(&one.target))));
            }
            keys.dedup();
            for key in keys {
                groups.entry(key).or_default().add(service, has_passed, now);
            }
        }
    }
    let rows = groups
        .into_iter()
        .map(|((group, name), measured)| measured.row(group, name));
    rows.collect()
}

#[async_trait]
impl ServiceDesk for LedgerDesk {
    async fn service(
        &self,
        who: &Caller,
        since: Timestamp,
        period_days: u32,
    ) -> Result<ServiceReport, DeskError> {
        self.check_anywhere(who, Permission::Activity)?;
        let until = self.clock.now();
        let length = SignedDuration::from_hours(24 * i64::from(period_days.max(1)));
        let mut promised = Vec::new();
        let rows = {
            let state = self.ledger.state();
            let mut rows = report(&state, who, (since, until), &|target| self.name_of(target));
            for row in rows
                .iter_mut()
                .filter(|row| row.group == ServiceGroup::Workspace)
            {
                let served = self.workspaces.get(&row.name);
                row.owner = served.map(|one| self.owner_of_workspace(&state, &one).name);
            }
            let seen = |one: &&Arc<Workspace>| who.may(Permission::Activity, Some(&one.name));
            for workspace in self.workspaces.all().iter().filter(seen) {
                let cards = state.cards().map(|card| &**card);
                let here = cards.filter(|card| card.workspace == *workspace.name);
                let here: Vec<&Card> = here.collect();
                promised.extend(periods::periods(workspace, &here, (since, until), length));
            }
            rows
        };
        promised.sort_by(|a, b| (a.from, &a.workspace).cmp(&(b.from, &b.workspace)));
        Ok(ServiceReport {
            since,
            until,
            rows,
            periods: promised,
        })
    }
}

#[cfg(test)]
mod tests;
