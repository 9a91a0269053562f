//! How a person wants to be told of what.

use async_trait::async_trait;
use jiff::tz::TimeZone;

use super::{DeskError, Person};

/// How a person is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wishes {
    /// The ways to this person, the best first.
    pub ways: Vec<String>,
    /// When nothing but high risk may disturb; empty for never.
    pub quiet: Vec<String>,
    /// When collected messages come, `off` for never.
    pub digest: String,
    /// The time zone of both.
    pub zone: String,
    /// What there is to be told of.
    pub rows: Vec<WishRow>,
}

/// How a person is told of one kind of thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WishRow {
    /// Its name in forms.
    pub topic: String,
    /// In words.
    pub words: String,
    /// Whether each of the ways may be used.
    pub ways: Vec<bool>,
    /// Whether it waits for the collected messages; `None` for what never does.
    pub collected: Option<bool>,
}

/// A choice: the name of a topic, the names of the ways, and whether it is collected.
pub type Chosen = (String, Vec<String>, bool);

/// What the page of settings needs.
#[async_trait]
pub trait WishesDesk: Send + Sync + 'static {
    /// The time zone that the configuration states of a person, by the id of the account.
    fn zone(&self, person: &str) -> Option<TimeZone>;
    /// How this person is told; `None` where the configuration has no way to them.
    async fn wishes(&self, who: &Person) -> Result<Option<Wishes>, DeskError>;
    /// Remembers what they chose. Work of high risk keeps a way at least.
    async fn wish(&self, who: &Person, chosen: Vec<Chosen>) -> Result<(), DeskError>;
}
