//! Who answers for somebody who is away.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Catalog, calendar::moment};
use crate::config::{Away, Person};

/// Longest chain of people who stand in for each other.
const MOST: usize = 8;

impl Catalog {
    /// The absence of a person at `now`.
    pub fn away<'a>(&self, person: &'a Person, now: Timestamp) -> Option<&'a Away> {
        let local = person.time_zone.zone().to_datetime(now);
        person
            .away
            .iter()
            .find(|away| away.from.0 <= local && local < away.until.0)
    }

    /// Returns the person who answers for `id` at `now`, with the reason when it is another one. A person without a
    /// stand-in stays asked; a `disabled` account stands in for nobody.
    pub fn present(
        &self,
        id: &str,
        now: Timestamp,
        disabled: &BTreeSet<String>,
    ) -> (String, Option<String>) {
        let Some(first) = self.person(id) else {
            return (id.to_owned(), None);
        };
        let Some(absence) = self.away(first, now) else {
            return (id.to_owned(), None);
        };
        let zone = first.time_zone.zone();
        let back = moment(zone, absence.until.0)
            .map(|until| {
                zone.to_datetime(until)
                    .strftime("%Y-%m-%d %H:%M")
                    .to_string()
            })
            .unwrap_or_default();
        let mut seen = vec![id.to_owned()];
        let mut absence = Some(absence);
        for _ in 0..MOST {
            let delegate = absence.and_then(|away| away.delegate.as_ref());
            let Some(delegate) = delegate else { break };
            let next = self
                .members(&delegate.value, now, &mut Vec::new())
                .into_iter()
                .find(|next| !seen.contains(next) && !disabled.contains(next));
            let Some(next) = next.and_then(|next| self.person(&next)) else {
                break;
            };
            absence = self.away(next, now);
            if absence.is_none() {
                let note = format!(
                    "{} stands in for {}, who is away until {back}",
                    next.name.value, first.name.value
                );
                return (next.id.to_string(), Some(note));
            }
            seen.push(next.id.to_string());
        }
        let note = format!(
            "{} is away until {back} and nobody stands in",
            first.name.value
        );
        (id.to_owned(), Some(note))
    }
}
