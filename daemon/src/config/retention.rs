//! `[retention]`: how long sealed bytes are kept that nothing needs. What was decided about is kept for ever.

use std::{fmt, str::FromStr, time::Duration};

use super::{Entry, layer::Layers, origin::Setting, quantity::Span, section::Section};

/// A limit that may be off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit<T> {
    /// There is none.
    Off,
    /// This much.
    At(T),
}

impl<T: FromStr> FromStr for Limit<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            text => text.parse().map(Self::At),
        }
    }
}

impl<T: fmt::Display> fmt::Display for Limit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::At(value) => value.fmt(f),
        }
    }
}

/// `[retention]`.
#[derive(Clone, Debug)]
pub struct Retention {
    /// The bytes of a revision that was replaced or withdrawn undecided.
    pub undecided: Setting<Limit<Span>>,
    /// Bytes that no accepted delivery names.
    pub orphans: Setting<Span>,
}

impl Retention {
    pub(super) fn read(section: &Section<'_>, layers: &Layers<'_>) -> Self {
        let undecided = layers.pick(
            section.take("undecided"),
            "COUNTERSIGN_RETENTION_UNDECIDED",
            None,
        );
        let orphans = layers.pick(
            section.take("orphans"),
            "COUNTERSIGN_RETENTION_ORPHANS",
            None,
        );
        section.finish(&[]);
        let week = Span(Duration::from_hours(7 * 24));
        Self {
            undecided: undecided.unwrap_or_else(|| Setting::default(Limit::Off)),
            orphans: orphans.unwrap_or_else(|| Setting::default(week)),
        }
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        vec![
            Entry::new("retention.undecided", &self.undecided),
            Entry::new("retention.orphans", &self.orphans),
        ]
    }
}
