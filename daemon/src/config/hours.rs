//! Times of a week and of a calendar, as they stand in files.

use std::{fmt, str::FromStr};

use jiff::{
    civil::{Date, DateTime, Time, Weekday},
    tz::TimeZone,
};

/// A time zone of the IANA database.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// The zone itself.
    pub fn zone(&self) -> &TimeZone {
        &self.0
    }
}

impl FromStr for Zone {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        TimeZone::get(text)
            .map(Self)
            .map_err(|_| "must be a time zone such as `Europe/Zagreb` or `UTC`")
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// A span of a day, on some days of the week: `09:00-17:00`, `mon-fri 09:00-17:00`, `22:00-07:00`.
///
/// One that ends before it begins runs into the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    first: Weekday,
    last: Weekday,
    start: Time,
    end: Time,
}

impl Hours {
    /// Whether the local time `at` lies within.
    pub fn holds(&self, at: DateTime) -> bool {
        let (day, time) = (at.weekday(), at.time());
        if self.start < self.end {
            return self.on(day) && self.start <= time && time < self.end;
        }
        let tonight = self.on(day) && time >= self.start;
        let since_yesterday = self.on(day.previous()) && time < self.end;
        tonight || since_yesterday
    }

    /// The next local moment after `at` at which such a span begins or ends.
    pub fn next_change(&self, at: DateTime) -> Option<DateTime> {
        let mut date = at.date();
        for _ in 0..=8 {
            let mut times = [self.start, self.end];
            times.sort_unstable();
            for time in times {
                let moment = date.to_datetime(time);
                if moment > at && self.holds(moment) != self.holds_just_before(moment) {
                    return Some(moment);
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn holds_just_before(&self, at: DateTime) -> bool {
        at.checked_sub(jiff::Span::new().nanoseconds(1))
            .is_ok_and(|before| self.holds(before))
    }

    fn on(&self, day: Weekday) -> bool {
        let number = |day: Weekday| day.to_monday_zero_offset();
        let (first, last, day) = (number(self.first), number(self.last), number(day));
        if first <= last {
            first <= day && day <= last
        } else {
            day >= first || day <= last
        }
    }
}

impl FromStr for Hours {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str =
            "must be a span of hours such as `22:00-07:00` or `mon-fri 09:00-17:00`";
        let (days, hours) = match text.trim().split_once(' ') {
            Some((days, hours)) => (Some(days), hours.trim()),
            None => (None, text.trim()),
        };
        let day = |name: &str| {
            DAYS.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, day)| *day)
        };
        let (first, last) = match days.map(|days| days.split_once('-').unwrap_or((days, days))) {
            None => (Weekday::Monday, Weekday::Sunday),
            Some((first, last)) => (day(first).ok_or(WRONG)?, day(last).ok_or(WRONG)?),
        };
        let (start, end) = hours.split_once('-').ok_or(WRONG)?;
        let (start, end) = (clock(start).ok_or(WRONG)?, clock(end).ok_or(WRONG)?);
        // A whole day begins and ends at midnight.
        if start == end && !(start == Time::midnight() && hours.ends_with("24:00")) {
            return Err(WRONG);
        }
        Ok(Self {
            first,
            last,
            start,
            end,
        })
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |day: Weekday| DAYS[usize::from(day.to_monday_zero_offset().unsigned_abs())].0;
        let end = match minute(self.end).as_str() {
            "00:00" => "24:00".to_owned(),
            end => end.to_owned(),
        };
        match (self.first, self.last) {
            (Weekday::Monday, Weekday::Sunday) => {}
            (first, last) if first == last => write!(f, "{} ", name(first))?,
            (first, last) => write!(f, "{}-{} ", name(first), name(last))?,
        }
        write!(f, "{}-{end}", minute(self.start))
    }
}

/// `08:30`. The end of a day may be written `24:00`, which is midnight.
fn clock(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    if hour.len() != 2 || minute.len() != 2 {
        return None;
    }
    match (hour.parse().ok()?, minute.parse().ok()?) {
        (24, 0) => Some(Time::midnight()),
        (hour, minute) => Time::new(hour, minute, 0, 0).ok(),
    }
}

fn minute(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// When the collected messages of a day are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// Never.
    Off,
    /// At this local time.
    At(Time),
}

impl Digest {
    /// In the morning, once.
    pub const USUAL: Self = Self::At(Time::constant(8, 30, 0, 0));
}

impl FromStr for Digest {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" {
            return Ok(Self::Off);
        }
        clock(text)
            .map(Self::At)
            .ok_or("must be `off` or a time of day such as `08:30`")
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::At(time) => f.write_str(&minute(*time)),
        }
    }
}

/// A local moment of a calendar: `2026-12-20` is its midnight, `2026-12-20 09:00` is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub DateTime);

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "must be a day such as `2026-12-20`, or `2026-12-20 09:00`";
        let (date, time) = match text.trim().split_once([' ', 'T']) {
            Some((date, time)) => (date, clock(time).ok_or(WRONG)?),
            None => (text.trim(), Time::midnight()),
        };
        let date: Date = date.parse().map_err(|_| WRONG)?;
        Ok(Self(date.to_datetime(time)))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.date())?;
        if self.0.time() != Time::midnight() {
            write!(f, " {}", minute(self.0.time()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_hold_over_midnight_and_on_their_days_only() {
        for (hours, at, holds) in [
            ("22:00-07:00", "2026-11-20T23:10", true),
            ("22:00-07:00", "2026-11-21T06:59", true),
            ("22:00-07:00", "2026-11-21T07:00", false),
            ("mon-fri 09:00-17:00", "2026-11-20T09:00", true),
            ("mon-fri 09:00-17:00", "2026-11-21T10:00", false),
            ("fri 22:00-07:00", "2026-11-21T06:00", true),
            ("fri 22:00-07:00", "2026-11-20T06:00", false),
            ("sat-mon 08:00-09:00", "2026-11-22T08:30", true),
            ("00:00-24:00", "2026-11-22T12:00", true),
        ] {
            let parsed: Hours = hours.parse().unwrap();
            let at: DateTime = at.parse().unwrap();
            assert_eq!(parsed.holds(at), holds, "{hours} at {at}");
        }
        for bad in [
            "",
            "22-07",
            "22:00",
            "9:00-17:00",
            "09:00-09:00",
            "mo-fri 09:00-17:00",
            "25:00-26:00",
        ] {
            assert!(bad.parse::<Hours>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_next_change_is_the_next_edge() {
        let hours: Hours = "mon-fri 09:00-17:00".parse().unwrap();
        let next = |at: &str| hours.next_change(at.parse().unwrap()).unwrap().to_string();
        assert_eq!(next("2026-11-20T08:00"), "2026-11-20T09:00:00");
        assert_eq!(next("2026-11-20T09:00"), "2026-11-20T17:00:00");
        assert_eq!(next("2026-11-20T17:00"), "2026-11-23T09:00:00");
        let night: Hours = "22:00-07:00".parse().unwrap();
        let next = night.next_change("2026-11-20T23:00".parse().unwrap());
        assert_eq!(next.unwrap().to_string(), "2026-11-21T07:00:00");
    }

    #[test]
    fn what_is_written_is_shown_again() {
        for text in [
            "22:00-07:00",
            "mon-fri 09:00-17:00",
            "sat 10:00-12:30",
            "00:00-24:00",
        ] {
            assert_eq!(text.parse::<Hours>().unwrap().to_string(), text);
        }
        for text in ["off", "08:30"] {
            assert_eq!(text.parse::<Digest>().unwrap().to_string(), text);
        }
        for text in ["2026-12-20", "2026-12-20 09:00"] {
            assert_eq!(text.parse::<Moment>().unwrap().to_string(), text);
        }
        assert_eq!(
            "Europe/Zagreb".parse::<Zone>().unwrap().to_string(),
            "Europe/Zagreb"
        );
        assert!("Europe/Zagrab".parse::<Zone>().is_err());
    }
}
