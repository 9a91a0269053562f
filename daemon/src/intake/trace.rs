//! By which trace a handoff is followed, and how long its way to the ledger took.

use std::time::Duration;

use countersign_protocol::trace::{Steps, TraceContext, TraceParent};
use jiff::SignedDuration;
use serde_json::Value;

use super::seen::Moment;
use crate::ledger::Card;

/// The span that the document says it comes from.
pub(super) fn stated(document: &Value) -> Option<TraceParent> {
    let stated = document.pointer("/trace/traceparent")?;
    stated.as_str()?.parse().ok()
}

/// What the agents call the larger thing that it belongs to, when the document says it.
pub(super) fn correlation(document: &Value) -> Option<String> {
    let stated = document.pointer("/trace/correlation_id")?;
    stated.as_str().map(str::to_owned)
}

/// The trace of a handoff from `from`: the one that it states, else that of the hop by which its agent got the
/// task, else that of the revision before. `None` where it goes on from nothing.
pub(super) fn context(
    told: Option<TraceParent>,
    before: Option<&Card>,
    from: &str,
) -> Option<TraceContext> {
    if let Some(told) = told {
        return Some(of(told));
    }
    let card = before?;
    let mut hops = card.hops.iter().rev();
    let came_by = hops.find(|hop| hop.offered.to == from && hop.taken.is_some());
    if let Some(hop) = came_by.and_then(|hop| hop.offered.traceparent) {
        return Some(of(hop));
    }
    let newest = &card.newest().accepted;
    let trace = newest.trace?;
    Some(of(trace.at(trace.revision(newest.handoff, newest.revision))))
}

fn of(parent: TraceParent) -> TraceContext {
    TraceContext {
        trace: parent.trace,
        parent: Some(parent.span),
    }
}

/// The way of a document to the ledger, as far as it went.
pub(super) struct Way {
    heard: Duration,
    steps: Steps,
}

impl Way {
    /// It was `heard` of, and is looked at `now`.
    pub(super) fn begun(heard: Duration, now: Moment) -> Self {
        let waited = now.monotonic.saturating_sub(heard);
        let before = SignedDuration::try_from(waited).unwrap_or_default();
        let looked = micros(waited);
        Self {
            heard,
            steps: Steps {
                heard: now.wall.saturating_sub(before).unwrap_or(now.wall),
                looked,
                settled: looked,
                validated: looked,
                sealed: looked,
            },
        }
    }

    /// It was read.
    pub(super) fn settled(&mut self, now: Duration) {
        self.steps.settled = self.until(now);
    }

    /// It keeps the contract.
    pub(super) fn validated(&mut self, now: Duration) {
        self.steps.validated = self.until(now);
    }

    /// Its files are sealed, which is all.
    pub(super) fn sealed(mut self, now: Duration) -> Steps {
        self.steps.sealed = self.until(now);
        self.steps
    }

    fn until(&self, now: Duration) -> u64 {
        micros(now.saturating_sub(self.heard))
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
