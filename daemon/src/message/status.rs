//! How a message fared, and how its receiver fares.

use countersign_protocol::HandoffId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Owed;
use crate::store::{Space, Store, StoreError};

/// Attempts that are remembered with a message.
const REMEMBERED: usize = 12;

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took: u64,
    /// What the receiver said, one line.
    pub said: String,
}

/// Where a message stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Told later, together with others.
    Held {
        /// When.
        until: Timestamp,
    },
    /// It went into a message with others, which fares as the status under that key says.
    Collected {
        /// The key.
        into: String,
    },
    /// Recorded, and about to go out.
    Owed,
    /// Tried, and tried again later.
    Retrying {
        /// When.
        at: Timestamp,
    },
    /// The receiver took it.
    Sent {
        /// When.
        at: Timestamp,
    },
    /// No longer tried by itself; a person may redrive it.
    Failed {
        /// Why.
        why: String,
    },
    /// Nothing to say any more when its turn came.
    Dropped {
        /// Why.
        why: String,
    },
}

/// A message as people see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Its id.
    pub id: String,
    /// The receiver.
    pub lane: String,
    /// The person, by name, when it is for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// What it is about.
    pub kind: String,
    /// The card, when it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handoff: Option<HandoffId>,
    /// The revision.
    #[serde(default)]
    pub revision: u32,
    /// The entry that caused it.
    pub seq: u64,
    /// When it became owed.
    pub since: Timestamp,
    /// Where it stands.
    pub state: State,
    /// Attempts so far.
    pub tried: u32,
    /// The last attempts, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

impl Status {
    pub(super) fn of(owed: &Owed, state: State) -> Self {
        let notice = owed.notice();
        Self {
            id: owed.id.clone(),
            lane: owed.lane.clone(),
            to: owed.to.as_ref().map(|to| to.display.clone()),
            kind: notice.map_or_else(String::new, |notice| notice.kind.clone()),
            handoff: notice.and_then(|notice| notice.handoff),
            revision: notice.map_or(0, |notice| notice.revision),
            seq: notice.map_or(0, |notice| notice.seq),
            since: owed.since,
            state,
            tried: owed.tried,
            attempts: owed.attempts.clone(),
        }
    }

    pub(super) fn key(&self) -> String {
        format!("{}{:012}/{}", prefix(self.handoff), self.seq, self.id)
    }

    /// The status under `key`.
    pub fn find(store: &mut dyn Store, key: &str) -> Result<Option<Self>, StoreError> {
        let text = store.value(Space::Message, key)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

fn prefix(handoff: Option<HandoffId>) -> String {
    handoff.map_or_else(|| "-/".to_owned(), |id| format!("H{:012}/", id.0))
}

impl Owed {
    /// Notes an attempt.
    pub fn note(&mut self, attempt: Attempt) {
        self.tried += 1;
        self.attempts.push(attempt);
        if self.attempts.len() > REMEMBERED {
            self.attempts.remove(0);
        }
    }
}

impl Status {
    /// The messages about a card, or about no card, oldest first, at most `limit`.
    pub fn about(
        store: &mut dyn Store,
        handoff: Option<HandoffId>,
        limit: usize,
    ) -> Result<Vec<Self>, StoreError> {
        let found = store.values_under(Space::Message, &prefix(handoff), limit)?;
        let read = |(_, text): (String, String)| serde_json::from_str(&text).ok();
        Ok(found.into_iter().filter_map(read).collect())
    }
}

/// How a receiver fares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// When it last took a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sent: Option<Timestamp>,
    /// Since when nothing but failures came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// What it said last when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
}

impl Health {
    /// What is known of `lane`.
    pub fn of(store: &mut dyn Store, lane: &str) -> Result<Self, StoreError> {
        let text = store.value(Space::Receiver, lane)?;
        Ok(text
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default())
    }

    /// Writes it.
    pub fn change(&self, lane: &str) -> super::Change {
        (Space::Receiver, lane.to_owned(), Some(super::text(self)))
    }
}
