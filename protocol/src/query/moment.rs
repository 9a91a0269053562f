//! Times as people write them, and the spans they stand for.

use std::fmt;

use jiff::{
    SignedDuration, Timestamp, ToSpan, Zoned,
    civil::{Date, DateTime, Weekday},
    tz::TimeZone,
};

/// When and where the asker is.
#[derive(Clone, Debug)]
pub struct Now {
    /// The time.
    pub at: Timestamp,
    /// The zone that days are counted in.
    pub zone: TimeZone,
}

/// A time as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// So many seconds away: back from now, or ahead of it where a deadline is meant.
    Away(u64),
    /// That day.
    Day(Date),
    /// That month, by its first day.
    Month(Date),
    /// That minute or second in the zone of the asker.
    Local(DateTime),
    /// That very time.
    At(Timestamp),
    /// The current day.
    Today,
    /// The day before.
    Yesterday,
    /// The day after.
    Tomorrow,
    /// From Monday on.
    ThisWeek,
    /// The seven days before that.
    LastWeek,
    /// From the first on.
    ThisMonth,
    /// The month before.
    LastMonth,
    /// The newest such day that is over.
    On(Weekday),
}

/// From `start` up to, and without, `end`. Both are the same for a moment without length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first moment.
    pub start: Timestamp,
    /// The first moment behind it.
    pub end: Timestamp,
}

/// Lengths of time by their letter, in seconds. The first that divides a length prints it.
const UNITS: &[(&str, u64)] = &[
    ("w", 7 * 86_400),
    ("d", 86_400),
    ("h", 3_600),
    ("m", 60),
    ("s", 1),
];

const DAYS: &[(&str, Weekday)] = &[
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

const PLAIN: &[(&str, Moment)] = &[
    ("today", Moment::Today),
    ("yesterday", Moment::Yesterday),
    ("tomorrow", Moment::Tomorrow),
    ("this-week", Moment::ThisWeek),
    ("last-week", Moment::LastWeek),
    ("this-month", Moment::ThisMonth),
    ("last-month", Moment::LastMonth),
];

/// Reads a length such as `90s`, `15m`, `2h`, `7d`, `3w`, in seconds. Also `min`, `hours`, `days`, …
pub(super) fn read_length(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let unit = match text[digits..].to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 7 * 86_400,
        "month" | "months" | "mo" => 30 * 86_400,
        "y" | "year" | "years" => 365 * 86_400,
        _ => return None,
    };
    // Longer than any ledger, and short enough to subtract from any time.
    number
        .checked_mul(unit)
        .filter(|seconds| *seconds <= 200 * 365 * 86_400)
}

pub(super) fn print_length(seconds: u64) -> String {
    let unit = UNITS.iter().find(|(_, unit)| seconds.is_multiple_of(*unit));
    let (letter, unit) = unit.filter(|_| seconds > 0).unwrap_or(&("s", 1));
    format!("{}{letter}", seconds / unit)
}

impl Moment {
    /// The plain names, for completion.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let plain = PLAIN.iter().map(|(name, _)| *name);
        plain.chain(DAYS.iter().map(|(name, _)| *name))
    }

    /// Reads `7d`, `yesterday`, `last-week`, `monday`, `2026-08-01`, `2026-08`, `2026-08-01T12:00`, or a
    /// time with zone (RFC 3339).
    pub fn read(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase().replace('_', "-");
        if let Some((_, moment)) = PLAIN.iter().find(|(name, _)| *name == lower) {
            return Some(moment.clone());
        }
        if let Some((_, day)) = DAYS.iter().find(|(name, _)| *name == lower) {
            return Some(Self::On(*day));
        }
        if let Some(seconds) = read_length(text) {
            return Some(Self::Away(seconds));
        }
        match text.len() {
            7 => format!("{text}-01").parse().ok().map(Self::Month),
            10 => text.parse().ok().map(Self::Day),
            16.. => match text.parse::<Timestamp>() {
                Ok(at) => Some(Self::At(at)),
                Err(_) => text.parse().ok().map(Self::Local),
            },
            _ => None,
        }
    }

    /// The span that is meant. Lengths count back from now: `2h` is from two hours ago on.
    pub fn span(&self, now: &Now) -> Span {
        let today = now.at.to_zoned(now.zone.clone()).date();
        match self {
            Self::Away(seconds) => Span {
                start: away(now.at, -1, *seconds),
                end: now.at,
            },
            Self::Day(day) => days(*day, 1, now),
            Self::Month(first) => months(*first, now),
            Self::Local(time) => {
                let at = start(time.to_zoned(now.zone.clone()).ok(), now);
                Span { start: at, end: at }
            }
            Self::At(at) => Span {
                start: *at,
                end: *at,
            },
            Self::Today => days(today, 1, now),
            Self::Yesterday => days(back(today, 1), 1, now),
            Self::Tomorrow => days(back(today, -1), 1, now),
            Self::ThisWeek => days(monday(today), 7, now),
            Self::LastWeek => days(back(monday(today), 7), 7, now),
            Self::ThisMonth => months(today.first_of_month(), now),
            Self::LastMonth => {
                let last = back(today.first_of_month(), 1).first_of_month();
                months(last, now)
            }
            Self::On(weekday) => {
                let ago = (1..=7).find(|ago| back(today, *ago).weekday() == *weekday);
                days(back(today, ago.unwrap_or(7)), 1, now)
            }
        }
    }

    /// Whether the zone of the asker matters for it.
    pub fn depends_on_zone(&self) -> bool {
        !matches!(self, Self::Away(_) | Self::At(_))
    }

    /// The same for a deadline: lengths count ahead, `2h` is within the next two hours.
    pub fn span_ahead(&self, now: &Now) -> Span {
        match self {
            Self::Away(seconds) => Span {
                start: now.at,
                end: away(now.at, 1, *seconds),
            },
            other => other.span(now),
        }
    }
}

fn away(from: Timestamp, sign: i64, seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    from.saturating_add(SignedDuration::from_secs(seconds.saturating_mul(sign)))
        .unwrap_or(from)
}

fn back(day: Date, days: i32) -> Date {
    day.saturating_sub(days.days())
}

fn monday(day: Date) -> Date {
    back(day, i32::from(day.weekday().to_monday_zero_offset()))
}

/// A time that the calendar does not have is the time of the asker; it only comes up at the ends of time.
fn start(time: Option<Zoned>, now: &Now) -> Timestamp {
    time.map_or(now.at, |time| time.timestamp())
}

fn days(first: Date, count: i32, now: &Now) -> Span {
    let midnight = |day: Date| start(day.to_zoned(now.zone.clone()).ok(), now);
    let start = midnight(first);
    Span {
        start,
        end: midnight(back(first, -count)).max(start),
    }
}

fn months(first: Date, now: &Now) -> Span {
    days(first, i32::from(first.days_in_month()), now)
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away(seconds) => f.write_str(&print_length(*seconds)),
            Self::Day(day) => write!(f, "{day}"),
            Self::Month(first) => write!(f, "{}", first.strftime("%Y-%m")),
            Self::Local(time) => write!(f, "{time}"),
            Self::At(at) => write!(f, "{at}"),
            Self::On(weekday) => {
                let name = DAYS.iter().find(|(_, day)| day == weekday);
                f.write_str(name.map_or("", |(name, _)| name))
            }
            plain => {
                let name = PLAIN.iter().find(|(_, moment)| moment == plain);
                f.write_str(name.map_or("", |(name, _)| name))
            }
        }
    }
}
