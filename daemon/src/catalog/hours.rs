//! Quiet hours, digests and business hours, in the time zone of whoever they are about.

use jiff::{SignedDuration, Timestamp, civil::Time, tz::TimeZone};

use super::{Catalog, calendar::moment};
use crate::config::{Digest, Hours};

/// More changes than a year of weeks has; where nothing ends within them, nothing ends.
const MOST_CHANGES: usize = 1_000;

/// Whether `now` lies in one of `hours`.
pub fn is_within(hours: &[Hours], zone: &TimeZone, now: Timestamp) -> bool {
    let local = zone.to_datetime(now);
    hours.iter().any(|one| one.holds(local))
}

/// When the answer of [`is_within`] next changes.
fn next_change(hours: &[Hours], zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let is_within_now = is_within(hours, zone, now);
    let mut local = zone.to_datetime(now);
    for _ in 0..MOST_CHANGES {
        local = hours
            .iter()
            .filter_map(|one| one.next_change(local))
            .min()?;
        let at = moment(zone, local)?;
        if at > now && hours.iter().any(|one| one.holds(local)) != is_within_now {
            return Some(at);
        }
    }
    None
}

/// The moment when `span` of business time has passed since `from`. Without hours all time counts.
pub fn business_time_after(
    hours: &[Hours],
    zone: &TimeZone,
    from: Timestamp,
    span: SignedDuration,
) -> Timestamp {
    let plain = || from.checked_add(span).unwrap_or(Timestamp::MAX);
    if hours.is_empty() {
        return plain();
    }
    let (mut at, mut left) = (from, span);
    for _ in 0..MOST_CHANGES {
        let Some(change) = next_change(hours, zone, at) else {
            // It is always within, or never.
            return if is_within(hours, zone, at) {
                at.checked_add(left).unwrap_or(Timestamp::MAX)
            } else {
                plain()
            };
        };
        if is_within(hours, zone, at) {
            let here = change.duration_since(at);
            if left <= here {
                return at.checked_add(left).unwrap_or(Timestamp::MAX);
            }
            left -= here;
        }
        at = change;
    }
    plain()
}

impl Catalog {
    /// When the quiet hours end that `now` lies in; `None` when it lies in none.
    pub fn quiet_until(&self, person: &str, now: Timestamp) -> Option<Timestamp> {
        let person = self.person(person)?;
        let (hours, zone) = (&person.quiet_hours.value, person.time_zone.zone());
        if !is_within(hours, zone, now) {
            return None;
        }
        Some(next_change(hours, zone, now).unwrap_or(Timestamp::MAX))
    }

    /// The next time after `now` at which the person gets collected messages; `None` for never.
    pub fn next_digest(&self, person: &str, now: Timestamp) -> Option<Timestamp> {
        let person = self.person(person)?;
        let Digest::At(time) = person.digest.value else {
            return None;
        };
        let zone = person.time_zone.zone();
        let today = zone.to_datetime(now).date();
        let at = |time: Time, date: jiff::civil::Date| moment(zone, date.to_datetime(time));
        at(time, today)
            .filter(|at| *at > now)
            .or_else(|| at(time, today.tomorrow().ok()?))
    }
}
