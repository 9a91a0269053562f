//! Whose turn on call it is.

use jiff::{
    Timestamp, Unit,
    civil::{DateTime, DateTimeDifference},
    tz::TimeZone,
};

use super::hours::is_within;
use crate::config::{OnCall, Target};

/// A turn on call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Who.
    pub person: Target,
    /// When somebody else takes over.
    pub until: Timestamp,
    /// True when an exception says so, not the rotation.
    pub is_exception: bool,
}

/// The turn at `now`; `None` outside of the hours of the calendar.
pub(super) fn turn(calendar: &OnCall, now: Timestamp) -> Option<Turn> {
    let zone = calendar.time_zone.zone();
    let local = zone.to_datetime(now);
    let exception = calendar
        .overrides
        .iter()
        .find(|one| one.from.0 <= local && local < one.until.0);
    if let Some(one) = exception {
        return Some(Turn {
            person: one.person.value.clone(),
            until: moment(zone, one.until.0)?,
            is_exception: true,
        });
    }
    let hours = &calendar.hours.value;
    if !hours.is_empty() && !is_within(hours, zone, now) {
        return None;
    }
    // Counted in days of the calendar, so that a turn changes hands at the same local time when
    // the clocks change.
    let past = local
        .since(DateTimeDifference::new(calendar.starts.0).largest(Unit::Day))
        .ok()?;
    let whole = if past.is_negative() && past != jiff::Span::new().days(past.get_days()).fieldwise()
    {
        i64::from(past.get_days()) - 1
    } else {
        i64::from(past.get_days())
    };
    let turns = whole.div_euclid(calendar.days());
    let people = &calendar.rotation.value;
    let at = turns.rem_euclid(i64::try_from(people.len()).ok()?);
    let end = calendar
        .starts
        .0
        .checked_add(jiff::Span::new().days((turns + 1) * calendar.days()))
        .ok()?;
    let next_exception = calendar
        .overrides
        .iter()
        .map(|one| one.from.0)
        .filter(|from| *from > local && *from < end)
        .min();
    Some(Turn {
        person: people.get(usize::try_from(at).ok()?)?.clone(),
        until: moment(zone, next_exception.unwrap_or(end))?,
        is_exception: false,
    })
}

/// A local time as a moment; one that the clocks skip is the moment after the gap.
pub(super) fn moment(zone: &TimeZone, local: DateTime) -> Option<Timestamp> {
    zone.to_timestamp(local).ok()
}
