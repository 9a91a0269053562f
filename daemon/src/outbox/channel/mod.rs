//! The ways to a receiver. Each takes one message and says what became of it; none knows of queues or retries.

mod chat;
mod email;
mod smtp;
mod webhook;

use async_trait::async_trait;
use jiff::Timestamp;

use super::schedule::Wish;
use crate::message::Owed;

pub(super) use chat::Chat;
pub(super) use email::Mail;
pub(super) use webhook::Webhook;

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The receiver has it.
    Sent {
        /// What it said.
        said: String,
    },
    /// It may work later.
    Retry {
        /// Why not now.
        said: String,
        /// What the receiver wishes.
        wish: Wish,
    },
    /// It will never work for this message.
    Dead {
        /// Why.
        said: String,
    },
    /// The receiver wants no more messages.
    Gone {
        /// What it said.
        said: String,
    },
    /// There is nothing left to say.
    Dropped {
        /// Why.
        why: String,
    },
}

impl Outcome {
    pub(super) fn retry(said: impl Into<String>, wish: Wish) -> Self {
        Self::Retry {
            said: said.into(),
            wish,
        }
    }
}

/// A way to one receiver.
#[async_trait]
pub(super) trait Channel: Send + Sync + 'static {
    /// Tries once. The future may be dropped at any time; then it is tried again.
    async fn deliver(&self, owed: &Owed, now: Timestamp) -> Outcome;

    /// Attempts that may be under way at once.
    fn width(&self) -> usize;
}
