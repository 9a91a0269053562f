//! `[[oncall]]`: who is on call when.

use std::{ops::Range, time::Duration};

use super::{
    Entry,
    error::ConfigError,
    hours::{Hours, Moment, Zone},
    names::{Id, Target},
    origin::Setting,
    quantity::Span,
    section::Section,
};

const DAY: Duration = Duration::from_hours(24);

/// An `[[oncall]]` section: a rotation, with exceptions.
#[derive(Clone, Debug)]
pub struct OnCall {
    /// Unique among calendars.
    pub id: Setting<Id>,
    /// Where its hours and days are.
    pub time_zone: Setting<Zone>,
    /// Who takes turns, in this order.
    pub rotation: Setting<Vec<Target>>,
    /// When the first turn began.
    pub starts: Setting<Moment>,
    /// How long a turn lasts, in whole days; it changes hands at the same local time all year.
    pub shift: Setting<Span>,
    /// When somebody is on call at all; always when empty.
    pub hours: Setting<Vec<Hours>>,
    /// Exceptions; the first that holds wins.
    pub overrides: Vec<Override>,
}

/// An `[[oncall.override]]` section: somebody else for a while.
#[derive(Clone, Debug)]
pub struct Override {
    /// From then.
    pub from: Setting<Moment>,
    /// Until then, not included.
    pub until: Setting<Moment>,
    /// Who.
    pub person: Setting<Target>,
}

impl OnCall {
    pub(super) fn read(span: Range<usize>, section: &Section<'_>) -> Option<Self> {
        let id = section.need::<Id>("id", span.clone(), "a name for rules, such as `data`");
        let time_zone = section.take("time_zone");
        let rotation = section.need::<Vec<Target>>(
            "rotation",
            span.clone(),
            "the people in their order, such as `[\"maya\", \"sam\"]`",
        );
        let starts = section.need::<Moment>(
            "starts",
            span.clone(),
            "when the first turn began, such as `2026-11-02 09:00`",
        );
        let shift = section
            .take("shift")
            .unwrap_or_else(|| Setting::default(Span(7 * DAY)));
        let hours = section.take("hours");
        let overrides: Vec<_> = section
            .tables("override")
            .into_iter()
            .filter_map(|(span, section)| Override::read(span, &section))
            .collect();
        section.finish(&[]);
        if shift.value.0.is_zero() || !shift.value.0.as_secs().is_multiple_of(DAY.as_secs()) {
            section.fail(
                span.clone(),
                ConfigError::new("a turn on call lasts whole days")
                    .hint("write `shift = \"7d\"` or another number of days"),
            );
        }
        let rotation = rotation?;
        if rotation.value.is_empty() {
            section.fail(
                span,
                ConfigError::new("nobody takes turns in this calendar")
                    .hint("name people in `rotation`"),
            );
        }
        Some(Self {
            id: id?,
            time_zone: time_zone.unwrap_or_else(|| Setting::default(Zone::UTC)),
            rotation,
            starts: starts?,
            shift,
            hours: hours.unwrap_or_else(|| Setting::default(Vec::new())),
            overrides,
        })
    }

    /// Days that a turn lasts.
    pub fn days(&self) -> i64 {
        i64::try_from(self.shift.value.0.as_secs() / DAY.as_secs()).unwrap_or(i64::MAX)
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let key = |name: &str| format!("oncall.\"{}\".{name}", self.id.value);
        let mut entries = vec![
            Entry::new(key("time_zone"), &self.time_zone),
            Entry::new(key("rotation"), &self.rotation),
            Entry::new(key("starts"), &self.starts),
            Entry::new(key("shift"), &self.shift),
            Entry::new(key("hours"), &self.hours),
        ];
        for (one, at) in self.overrides.iter().zip(1..) {
            let key = |name: &str| key(&format!("override.{at}.{name}"));
            entries.push(Entry::new(key("from"), &one.from));
            entries.push(Entry::new(key("until"), &one.until));
            entries.push(Entry::new(key("person"), &one.person));
        }
        entries
    }
}

impl Override {
    fn read(span: Range<usize>, section: &Section<'_>) -> Option<Self> {
        let hint = "a moment such as `2026-12-24 09:00`";
        let from = section.need::<Moment>("from", span.clone(), hint);
        let until = section.need::<Moment>("until", span.clone(), hint);
        let person = section.need::<Target>("person", span.clone(), "who takes the turn");
        section.finish(&[]);
        let (from, until) = (from?, until?);
        if until.value <= from.value {
            section.fail(
                span,
                ConfigError::new("an exception ends before it begins")
                    .hint("swap `from` and `until`"),
            );
            return None;
        }
        Some(Self {
            from,
            until,
            person: person?,
        })
    }
}
