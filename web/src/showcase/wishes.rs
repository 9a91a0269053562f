//! How people want to be told, of the desk in memory.

use async_trait::async_trait;
use jiff::tz::TimeZone;

use super::{Showcase, sample};
use crate::desk::{
    DeskError, Person,
    wishes::{Chosen, WishRow, Wishes, WishesDesk},
};

/// Two ways, and one thing of each sort.
pub(crate) fn wishes() -> Wishes {
    let row = |topic: &str, words: &str, collected| WishRow {
        topic: topic.to_owned(),
        words: words.to_owned(),
        ways: vec![true, topic != "turn"],
        collected,
    };
    Wishes {
        ways: vec!["phones".to_owned(), "mail".to_owned()],
        quiet: vec!["22:00-07:00".to_owned()],
        digest: "08:30".to_owned(),
        zone: "Europe/Zagreb".to_owned(),
        rows: vec![
            row("high-turn", "It is my turn, high risk", None),
            row("turn", "It is my turn, other", Some(false)),
            row("decided", "Somebody else decided", Some(true)),
        ],
    }
}

#[async_trait]
impl WishesDesk for Showcase {
    fn zone(&self, person: &str) -> Option<TimeZone> {
        let is_maya = person == sample::maya().id;
        is_maya.then(|| TimeZone::get(&wishes().zone).unwrap_or(TimeZone::UTC))
    }

    async fn wishes(&self, _: &Person) -> Result<Option<Wishes>, DeskError> {
        Ok(Some(wishes()))
    }

    async fn wish(&self, _: &Person, _: Vec<Chosen>) -> Result<(), DeskError> {
        self.record(|_| ());
        Ok(())
    }
}
