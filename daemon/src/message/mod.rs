//! What is owed to whom, how it fared, and the links in it: values beside the chain, written in one
//! transaction with the mark that moves past the fact that caused them.
//!
//! The id of a message follows from the entry, the receiver and the kind, so whatever is done twice makes the
//! same message again. Owed ones stand in the order of their next attempt, one lane for each receiver.

mod claim;
mod ended;
mod held;
mod link;
mod notice;
mod status;
mod stop;
mod topic;

use countersign_protocol::Digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::store::{Space, Store, StoreError};

pub use claim::Claim;
pub use ended::Ended;
pub use held::Held;
pub use link::{Link, LinkAnswer, Minted, mint};
pub use notice::{Notice, Risk};
pub use status::{Attempt, Health, State, Status};
pub use stop::StopKey;
pub use topic::Topic;

/// A value to write, as [`crate::ledger::Draft`] takes it.
pub type Change = (Space, String, Option<String>);

/// A person who gets a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// Stable id, for example `local:maya`.
    pub id: String,
    /// The name for others.
    pub display: String,
    /// The mail address, where mail is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The address in the channel, where that has one for each person, such as a topic of ntfy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The IANA name of the time zone in which times are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// A message that is owed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Owed {
    /// The same at every attempt.
    pub id: String,
    /// The receiver, whose messages wait in one lane.
    pub lane: String,
    /// The person, when it is for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Recipient>,
    /// What it is about. A digest has many.
    pub notices: Vec<Notice>,
    /// When it became owed.
    pub since: Timestamp,
    /// When it is tried next.
    pub next: Timestamp,
    /// What was tried so far, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// Attempts in all, also those that the list no longer has.
    #[serde(default)]
    pub tried: u32,
    /// The place in the lane that it was read from.
    #[serde(skip)]
    pub key: Option<String>,
}

impl Owed {
    /// A message that nobody has tried yet.
    pub fn new(lane: &str, to: Option<Recipient>, notices: Vec<Notice>, cause: Digest) -> Self {
        let since = notices
            .first()
            .map_or(Timestamp::UNIX_EPOCH, |notice| notice.at);
        let person = to.as_ref().map_or("", |to| to.id.as_str());
        let kind = notices.first().map_or("", |notice| notice.kind.as_str());
        let text = format!("{cause}\0{lane}\0{person}\0{kind}");
        let id = Digest::of(text.as_bytes()).to_string();
        let hex = id.rsplit(':').next().unwrap_or(&id);
        Self {
            id: format!("msg_{}", &hex[..32]),
            lane: lane.to_owned(),
            to,
            notices,
            since,
            next: since,
            attempts: Vec::new(),
            tried: 0,
            key: None,
        }
    }

    /// What it is mainly about.
    pub fn notice(&self) -> Option<&Notice> {
        self.notices.first()
    }

    /// Its place in the lane.
    fn place(&self) -> String {
        format!(
            "{}{:014}/{}",
            due_prefix(&self.lane),
            self.next.as_millisecond().max(0),
            self.id
        )
    }

    /// Writes that it is owed, at the time it is tried next.
    pub fn owe(&self) -> Vec<Change> {
        self.moved(Some(self.place()), &State::Owed)
    }

    /// Writes that it is tried again later.
    pub fn again(&self) -> Vec<Change> {
        self.moved(Some(self.place()), &State::Retrying { at: self.next })
    }

    /// Writes that it is no longer tried by itself.
    pub fn park(&self, why: &str) -> Vec<Change> {
        let place = format!("{}{}", parked_prefix(&self.lane), self.id);
        self.moved(
            Some(place),
            &State::Failed {
                why: why.to_owned(),
            },
        )
    }

    /// Writes how it ended.
    pub fn end(&self, state: &State) -> Vec<Change> {
        self.moved(None, state)
    }

    /// Says how it stands while it is in no lane yet, or went into another message.
    pub fn noted(&self, state: State) -> Change {
        let status = Status::of(self, state);
        (Space::Message, status.key(), Some(text(&status)))
    }

    /// Where it is said how it stands.
    pub fn status_key(&self) -> String {
        Status::of(self, State::Owed).key()
    }

    fn moved(&self, place: Option<String>, state: &State) -> Vec<Change> {
        let mut changes = Vec::new();
        let from = self.key.clone();
        if let Some(from) = from.filter(|from| Some(from) != place.as_ref()) {
            changes.push((Space::Outbox, from, None));
        }
        if let Some(place) = place {
            changes.push((Space::Outbox, place, Some(text(self))));
        }
        changes.push(self.noted(state.clone()));
        changes
    }

    /// The place at which it is owed now, so that a later change takes it from there.
    #[must_use]
    pub fn placed(mut self) -> Self {
        self.key = Some(self.place());
        self
    }

    fn read((key, text): (String, String)) -> Option<Self> {
        let owed: Self = serde_json::from_str(&text)
            .inspect_err(
                |error| tracing::error!(key, %error, "a message that is owed cannot be read"),
            )
            .ok()?;
        Some(Self {
            key: Some(key),
            ..owed
        })
    }
}

/// Everything that is written here is made of strings and numbers, and has a JSON form.
fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Times of the years that matter have fourteen digits with the first 0.
fn due_prefix(lane: &str) -> String {
    format!("{lane}/")
}

fn parked_prefix(lane: &str) -> String {
    format!("{lane}/parked/")
}

/// The next messages of a lane, at most `limit`, in the order of their next attempt.
pub fn waiting(store: &mut dyn Store, lane: &str, limit: usize) -> Result<Vec<Owed>, StoreError> {
    let prefix = format!("{}0", due_prefix(lane));
    let found = store.values_under(Space::Outbox, &prefix, limit)?;
    Ok(found.into_iter().filter_map(Owed::read).collect())
}

/// The first `limit` messages of a lane that wait, but for those whose ids are `known`, which are not even read; and
/// whether there may be more.
pub fn waiting_but(
    store: &mut dyn Store,
    lane: &str,
    limit: usize,
    known: impl Fn(&str) -> bool,
) -> Result<(Vec<Owed>, bool), StoreError> {
    let prefix = format!("{}0", due_prefix(lane));
    let found = store.values_under(Space::Outbox, &prefix, limit)?;
    let is_full = found.len() == limit;
    let is_new = |(key, _): &(String, String)| {
        let id = key.rsplit('/').next().unwrap_or_default();
        !known(id)
    };
    let new = found.into_iter().filter(is_new).filter_map(Owed::read);
    Ok((new.collect(), is_full))
}

/// One of the messages of a lane that are no longer tried by themselves.
pub fn parked_one(store: &mut dyn Store, lane: &str, id: &str) -> Result<Option<Owed>, StoreError> {
    let key = format!("{}{id}", parked_prefix(lane));
    let found = store.value(Space::Outbox, &key)?;
    Ok(found.and_then(|text| Owed::read((key, text))))
}

/// How many messages of a lane wait for their next attempt, and how many are no longer tried.
pub fn count(store: &mut dyn Store, lane: &str) -> Result<(u64, u64), StoreError> {
    let waiting = format!("{}0", due_prefix(lane));
    let owed = store.count_under(Space::Outbox, &waiting)?;
    Ok((
        owed,
        store.count_under(Space::Outbox, &parked_prefix(lane))?,
    ))
}

/// The messages of a lane that are no longer tried by themselves, at most `limit`.
pub fn parked(store: &mut dyn Store, lane: &str, limit: usize) -> Result<Vec<Owed>, StoreError> {
    let found = store.values_under(Space::Outbox, &parked_prefix(lane), limit)?;
    Ok(found.into_iter().filter_map(Owed::read).collect())
}
