//! What a person is told later: after their quiet hours, with the collected messages of the day, or together
//! with others that came within the same minute.

use countersign_protocol::Digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, Notice, Owed, Recipient, State};
use crate::store::{Space, Store, StoreError};

/// A notice that waits for its time. Who it goes to by which way is settled then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// The message that it would have been at once.
    pub lane: String,
    /// The person.
    pub to: Recipient,
    /// What there is to tell.
    pub notice: Notice,
    /// The entry that caused it.
    pub cause: Digest,
    /// When it is told.
    pub until: Timestamp,
}

impl Held {
    /// The message that it is when nothing else is told at that time.
    pub fn alone(&self) -> Owed {
        let notices = vec![self.notice.clone()];
        Owed::new(&self.lane, Some(self.to.clone()), notices, self.cause)
    }

    /// Its place in the order of time; times of the years that matter have fourteen digits with the first 0.
    pub fn key(&self) -> String {
        let until = self.until.as_millisecond().max(0);
        format!(
            "{until:014}/{:012}/{}/{}",
            self.notice.seq, self.to.id, self.notice.kind
        )
    }

    /// Writes that it waits.
    pub fn hold(&self) -> Vec<Change> {
        let waits = State::Held { until: self.until };
        vec![
            (Space::Held, self.key(), Some(super::text(self))),
            self.alone().noted(waits),
        ]
    }

    /// Writes that it waits no longer, and what became of it.
    pub fn release(&self, state: State) -> Vec<Change> {
        vec![self.forget(), self.alone().noted(state)]
    }

    /// Writes that it waits no longer; the message that it becomes says the rest.
    pub fn forget(&self) -> Change {
        (Space::Held, self.key(), None)
    }

    /// Those whose time comes first, at most `limit`, in the order of their time.
    pub fn first(store: &mut dyn Store, limit: usize) -> Result<Vec<Self>, StoreError> {
        let found = store.values_under(Space::Held, "0", limit)?;
        let read = |(key, text): (String, String)| {
            serde_json::from_str(&text)
                .inspect_err(
                    |error| tracing::error!(key, %error, "a notice that waits cannot be read"),
                )
                .ok()
        };
        Ok(found.into_iter().filter_map(read).collect())
    }
}
