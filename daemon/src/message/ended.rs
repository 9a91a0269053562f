//! Messages that are over, until those who watch over the program were told.

use countersign_protocol::{
    HandoffId,
    trace::{SpanId, TraceContext, TraceParent},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, Notice, Owed};
use crate::store::{Space, Store, StoreError};

/// A message that the receiver took, or that is no longer tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Its id.
    pub id: String,
    /// The receiver.
    pub receiver: String,
    /// What it was about.
    pub kind: String,
    /// The card, when it was about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handoff: Option<HandoffId>,
    /// The revision.
    #[serde(default)]
    pub revision: u32,
    /// When it became owed.
    pub since: Timestamp,
    /// When it was over.
    pub at: Timestamp,
    /// Attempts.
    pub tried: u32,
    /// Why it came to nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

impl Ended {
    /// That `owed` was over at `at`. What the receiver said is kept from those who watch: it may be anything.
    pub fn of(owed: &Owed, at: Timestamp, failed: bool) -> Self {
        let notice = owed.notice();
        Self {
            id: owed.id.clone(),
            receiver: owed.lane.clone(),
            kind: notice.map_or_else(String::new, |notice| notice.kind.clone()),
            handoff: notice.and_then(|notice| notice.handoff),
            revision: notice.map_or(0, |notice| notice.revision),
            since: owed.since,
            at,
            tried: owed.tried,
            failed: failed.then(|| "the message was given up".to_owned()),
        }
    }

    /// Writes it down.
    pub fn change(&self) -> Change {
        (Space::Ended, self.id.clone(), Some(super::text(self)))
    }

    /// Writes that it was told.
    pub fn told(&self) -> Change {
        (Space::Ended, self.id.clone(), None)
    }

    /// Some of those that were not told, at most `limit`.
    pub fn some(store: &mut dyn Store, limit: usize) -> Result<Vec<Self>, StoreError> {
        let found = store.values_under(Space::Ended, "", limit)?;
        let read = |(_, text): (String, String)| serde_json::from_str(&text).ok();
        Ok(found.into_iter().filter_map(read).collect())
    }

    /// Its span in the trace of the revision.
    pub fn span(&self, trace: TraceContext) -> SpanId {
        span(&self.id, self.handoff, trace)
    }
}

fn span(id: &str, handoff: Option<HandoffId>, trace: TraceContext) -> SpanId {
    trace.span(&format!("notify {id}"), handoff.unwrap_or(HandoffId(0)), 0)
}

impl Owed {
    /// The span of this message, for the receiver to go on from.
    pub fn traceparent(&self) -> Option<TraceParent> {
        let notice: &Notice = self.notice()?;
        let trace = notice.trace?;
        Some(trace.at(span(&self.id, notice.handoff, trace)))
    }
}
