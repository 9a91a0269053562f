//! `[review]`: how people answer.

use std::{fmt, str::FromStr, time::Duration};

use super::{Entry, layer::Layers, origin::Setting, quantity::Span, section::Section};

/// The longest time in which an answer can be taken back: an agent waits for it.
const LONGEST: Duration = Duration::from_mins(5);

/// How long an answer can be taken back before it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undo {
    /// It is given at once.
    Off,
    /// It is given after that time.
    For(Span),
}

impl Undo {
    /// The time; `None` when it is off.
    pub fn window(self) -> Option<Duration> {
        match self {
            Self::Off => None,
            Self::For(span) => Some(span.0),
        }
    }
}

impl FromStr for Undo {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let fits = |span: &Span| (Duration::from_secs(1)..=LONGEST).contains(&span.0);
        match text.parse().ok().filter(fits) {
            Some(span) => Ok(Self::For(span)),
            None => Err("must be `off` or a length of time from `1s` to `5m`, such as `10s`"),
        }
    }
}

impl fmt::Display for Undo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::For(span) => span.fmt(f),
        }
    }
}

/// `[review]`.
#[derive(Clone, Debug)]
pub struct Review {
    /// How long an answer can be taken back, where a workspace does not say.
    pub undo: Setting<Undo>,
}

impl Review {
    pub(super) fn read(section: &Section<'_>, layers: &Layers<'_>) -> Self {
        let undo = layers.pick(section.take("undo"), "COUNTERSIGN_REVIEW_UNDO", None);
        section.finish(&[]);
        Self {
            undo: undo.unwrap_or_else(|| Setting::default(Undo::Off)),
        }
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        vec![Entry::new("review.undo", &self.undo)]
    }
}
