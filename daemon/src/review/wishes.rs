//! How people want to be told: what they chose is a fact, so that it holds for every message after it.

use std::{collections::BTreeMap, convert::Infallible};

use async_trait::async_trait;
use countersign_protocol::event::{Event, Wish};
use countersign_web::desk::{
    Caller, DeskError, Person,
    wishes::{Chosen, WishRow, Wishes, WishesDesk},
};
use jiff::tz::TimeZone;

use super::{LedgerDesk, access::person_actor, person_tokens::check_present, unavailable};
use crate::{
    config::{self, Origin},
    ledger::Draft,
    message::Topic,
};

/// The names of the ways to a person, as messages know them.
fn ways(person: &config::Person) -> Vec<String> {
    let channels = person.channels.value.iter();
    let names = channels.map(|channel| match channel.name.as_str() {
        "email" => "mail".to_owned(),
        name => name.to_owned(),
    });
    names.collect()
}

impl LedgerDesk {
    /// The time zone in which `who` reads times; UTC where it is not known.
    pub(super) fn zone_of(&self, who: &Caller) -> TimeZone {
        let zone = match who {
            Caller::Person(person) => self.zone(&person.id),
            Caller::Agent(_) => None,
        };
        zone.unwrap_or(TimeZone::UTC)
    }
}

#[async_trait]
impl WishesDesk for LedgerDesk {
    fn zone(&self, person: &str) -> Option<TimeZone> {
        let zone = &self.policy.catalog().person(person)?.time_zone;
        (zone.origin != Origin::Default).then(|| zone.value.zone().clone())
    }

    async fn wishes(&self, who: &Person) -> Result<Option<Wishes>, DeskError> {
        let Some(person) = self.policy.catalog().person(&who.id) else {
            return Ok(None);
        };
        let ways = ways(person);
        if ways.is_empty() {
            return Ok(None);
        }
        let state = self.ledger.state();
        let rows = Topic::ALL.into_iter().map(|topic| {
            let wish = state.wish(&who.id, topic.name());
            let uses = |way: &String| {
                wish.is_none_or(|wish| {
                    wish.ways.contains(way) || (wish.ways.is_empty() && wish.collected)
                })
            };
            let collected = wish.map_or(topic.waits(), |wish| wish.collected);
            WishRow {
                topic: topic.name().to_owned(),
                words: topic.words().to_owned(),
                ways: ways.iter().map(uses).collect(),
                collected: topic.can_wait().then_some(collected),
            }
        });
        Ok(Some(Wishes {
            rows: rows.collect(),
            quiet: person
                .quiet_hours
                .value
                .iter()
                .map(ToString::to_string)
                .collect(),
            digest: person.digest.value.to_string(),
            zone: person.time_zone.value.to_string(),
            ways,
        }))
    }

    async fn wish(&self, who: &Person, chosen: Vec<Chosen>) -> Result<(), DeskError> {
        check_present(who)?;
        let invalid = |message: &str| DeskError::Invalid {
            field: "topic".to_owned(),
            message: message.to_owned(),
        };
        let known = self.policy.catalog().person(&who.id).map(ways);
        let known = known.ok_or_else(|| invalid("The configuration has no way to tell you"))?;
        let mut wishes = BTreeMap::new();
        for (name, ways, collected) in chosen {
            let topic = Topic::ALL.into_iter().find(|topic| topic.name() == name);
            let topic = topic.ok_or_else(|| invalid("There is no such thing to be told of"))?;
            if ways.iter().any(|way| !known.contains(way)) {
                return Err(invalid("There is no such way to tell you"));
            }
            if topic == Topic::HighTurn && ways.is_empty() {
                return Err(invalid("Keep a way for work of high risk"));
            }
            let collected = collected && topic.can_wait();
            wishes.insert(name, Wish { ways, collected });
        }
        let (actor, person) = (person_actor(who), who.id.clone());
        let recorded = self.ledger.transact(move |state, _| {
            if state.wishes(&person) == Some(&wishes) {
                return Ok::<_, Infallible>(Draft::nothing(()));
            }
            let event = Event::MessagesWished { person, wishes };
            Ok(Draft::of(vec![(actor, event)], ()))
        });
        recorded.await.map(drop).map_err(unavailable)
    }
}
