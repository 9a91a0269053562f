//! Messages: how they fared, who gets them, and the links in them.

use async_trait::async_trait;
use countersign_protocol::HandoffId;
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answered, Caller, DeskError, Person, RiskLevel};

/// A message and how it fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageRow {
    /// Its id, the same at every attempt.
    pub id: String,
    /// The receiver, by name.
    pub receiver: String,
    /// The person, by name, when it is for one.
    pub to: Option<String>,
    /// What it is about: `turn`, `decided`, …
    pub kind: String,
    /// `later` until the person may be disturbed, `owed`, `retrying`, `sent`, `failed`, `dropped`, or `held`
    /// while the receiver is not tried.
    pub state: String,
    /// When it became owed.
    pub since: Timestamp,
    /// When it was sent, is told, or is tried next.
    pub at: Option<Timestamp>,
    /// Attempts so far.
    pub attempts: u32,
    /// What the receiver said last, or why it was dropped.
    pub said: Option<String>,
}

/// A receiver of messages and how it fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceiverRow {
    /// Its name; `mail` for mail.
    pub name: String,
    /// Since when it is not tried any more, when it is not.
    pub disabled_since: Option<Timestamp>,
    /// Why.
    pub disabled_why: Option<String>,
    /// When it last took a message.
    pub last_sent: Option<Timestamp>,
    /// Since when it only failed.
    pub failing_since: Option<Timestamp>,
    /// What it said last when it failed.
    pub last_failure: Option<String>,
    /// Messages that wait for it; at most 1000 are counted.
    pub waiting: usize,
    /// Messages that are no longer tried by themselves; at most 1000 are counted.
    pub failed: usize,
}

/// What became of a sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TestResult {
    /// The receiver.
    pub receiver: String,
    /// What it was a sample of.
    pub sample: String,
    /// Whether the receiver took it.
    pub ok: bool,
    /// What it said.
    pub said: String,
}

/// What a link in a message opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkView {
    /// The card.
    pub id: HandoffId,
    /// The revision it is for.
    pub revision: u32,
    /// `approve` or `changes`.
    pub answer: String,
    /// One line of the agent.
    pub title: String,
    /// The stated agent.
    pub agent: String,
    /// How many files.
    pub files: usize,
    /// Names of some of them.
    pub names: Vec<String>,
    /// Risk by policy.
    pub risk: RiskLevel,
    /// What the answer does.
    pub effect: String,
    /// The address it was sent to.
    pub sent_to: String,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// Until when it works.
    pub expires: Timestamp,
    /// The time zone of the person of the link.
    pub zone: TimeZone,
    /// Names of those who are asked now, when the person of the link is no longer among them.
    pub given_to: Option<Vec<String>>,
}

/// Why a link does not work, in words for its reader.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Nobody made it, or it is for another handoff.
    #[error("This link is not known")]
    Unknown,
    /// Its time is over.
    #[error("This link worked until {0}")]
    Expired(Timestamp),
    /// It was used.
    #[error("This link was used before")]
    Used,
    /// The handoff went on since.
    #[error("{0}")]
    Overtaken(String),
    /// It needs a person who is signed in, and it is not for the one who is.
    #[error("{0}")]
    SignIn(String),
    /// The person it was made for may not do it.
    #[error("{0}")]
    Refused(String),
    /// It cannot be recorded now.
    #[error("{0}")]
    Unavailable(String),
}

/// How much messages may tell about work of a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Disclosed {
    /// `public`, `internal`, `confidential` or `restricted`.
    pub class: String,
    /// `full`, `id-and-reason` or `link-only`.
    pub level: String,
}

/// What pages and API need of messages.
#[async_trait]
pub trait MessagesDesk: Send + Sync + 'static {
    /// The messages about a card, newest first.
    async fn messages(&self, who: &Caller, id: HandoffId) -> Result<Vec<MessageRow>, DeskError>;
    /// All receivers.
    async fn receivers(&self, who: &Person) -> Result<Vec<ReceiverRow>, DeskError>;
    /// What messages may tell, by class, the least strict first.
    async fn disclosed(&self, who: &Person) -> Result<Vec<Disclosed>, DeskError>;
    /// Lets a receiver be tried again.
    async fn enable_receiver(&self, who: &Person, name: &str) -> Result<(), DeskError>;
    /// Lets the failed messages of a receiver be tried again; gives how many.
    async fn redrive_receiver(&self, who: &Person, name: &str) -> Result<u64, DeskError>;
    /// Sends a sample of each kind to one receiver or to all, mail to the address `to`.
    async fn test_messages(
        &self,
        who: &Person,
        receiver: Option<&str>,
        to: Option<&str>,
    ) -> Result<Vec<TestResult>, DeskError>;

    /// What a link opens. Changes nothing.
    async fn link(&self, id: HandoffId, token: &str, now: Timestamp)
    -> Result<LinkView, LinkError>;
    /// Answers by a link, and spends it. `signed_in` is who has a session in this browser.
    async fn answer_by_link(
        &self,
        id: HandoffId,
        token: &str,
        signed_in: Option<&Person>,
        note: Option<String>,
    ) -> Result<Answered, LinkError>;
    /// Whether mail to the person of that link is stopped; `None` for a link that nobody made.
    async fn mail_stopped(&self, token: &str) -> Option<bool>;
    /// Stops or resumes mail to the person of that link; false for a link that nobody made.
    async fn stop_mail(&self, token: &str, stop: bool) -> Result<bool, DeskError>;
}
