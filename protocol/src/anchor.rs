//! Moments that people can name: `@last-build`, `@rev:2`, `@my-last-review`, `2h`, `yesterday`.
//!
//! An anchor is a name; the ledger says which entry it stands for.

use std::fmt;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

/// Longest kind of a mark, in bytes.
pub const MAX_KIND: usize = 32;
/// Longest value of a mark, in bytes.
pub const MAX_VALUE: usize = 100;

/// Words that an anchor takes for itself, so that no kind of mark may.
const RESERVED: [&str; 14] = [
    "approval",
    "checkpoint",
    "decision",
    "entry",
    "last",
    "mark",
    "my",
    "now",
    "rev",
    "review",
    "revision",
    "start",
    "time",
    "visit",
];

/// A moment by its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// Before anything was handed over.
    Start,
    /// The newest entry.
    Now,
    /// The entry of that number.
    Entry(u64),
    /// The revision of that number; needs a handoff.
    Revision(u32),
    /// The revision before the newest one, so that what it changed is what came since.
    LastRevision,
    /// The newest checkpoint.
    LastCheckpoint,
    /// The newest checkpoint of that step.
    Checkpoint(u64),
    /// The newest decision of anybody.
    LastDecision,
    /// The newest decision of who asks.
    MyLastReview,
    /// The last thing that who asks did at an earlier sitting.
    MyLastVisit,
    /// The newest approval.
    LastApproval,
    /// The newest mark of that kind, and of that value if one is named.
    Mark {
        /// For example `build`.
        kind: String,
        /// For example `318`.
        value: Option<String>,
    },
    /// The last entry that is not younger.
    At(Timestamp),
}

/// The text names no moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` names no moment{}", .near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default())]
pub struct BadAnchor {
    /// What was read.
    pub text: String,
    /// A name that looks alike.
    pub near: Option<&'static str>,
}

/// Anchors without a value, with their names.
const PLAIN: [(&str, Anchor); 8] = [
    ("start", Anchor::Start),
    ("now", Anchor::Now),
    ("last-revision", Anchor::LastRevision),
    ("last-checkpoint", Anchor::LastCheckpoint),
    ("last-decision", Anchor::LastDecision),
    ("my-last-review", Anchor::MyLastReview),
    ("my-last-visit", Anchor::MyLastVisit),
    ("last-approval", Anchor::LastApproval),
];

impl Anchor {
    /// The newest mark of `kind`.
    pub fn last_mark(kind: &str) -> Self {
        Self::Mark {
            kind: kind.to_owned(),
            value: None,
        }
    }

    /// Reads an anchor. `@` may be left out; `r2` and `e18402` name a revision and an entry; spans are
    /// counted back from `now`, and days begin at midnight UTC.
    pub fn read(text: &str, now: Timestamp) -> Result<Self, BadAnchor> {
        let text = text.trim();
        let name = text.strip_prefix('@').unwrap_or(text);
        Self::named(name)
            .or_else(|| time(name, now).map(Self::At))
            .ok_or_else(|| BadAnchor {
                text: text.to_owned(),
                near: near(name),
            })
    }

    /// An anchor that depends on no clock, by its name without the `@`.
    pub fn named(name: &str) -> Option<Self> {
        if let Some((_, anchor)) = PLAIN.iter().find(|(plain, _)| *plain == name) {
            return Some(anchor.clone());
        }
        let number = |letter: char| name.strip_prefix(letter)?.parse().ok();
        if let Some(revision) = number('r') {
            return u32::try_from(revision).ok().map(Anchor::Revision);
        }
        if let Some(entry) = number('e') {
            return Some(Anchor::Entry(entry));
        }
        if let Some((kind, value)) = name.split_once(':') {
            return match kind {
                "rev" => value.parse().ok().map(Anchor::Revision),
                "entry" => value.parse().ok().map(Anchor::Entry),
                "checkpoint" => value.parse().ok().map(Anchor::Checkpoint),
                "time" => value.parse().ok().map(Anchor::At),
                "last-mark" => is_kind(value).then(|| Anchor::last_mark(value)),
                kind => (is_kind(kind) && is_value(value)).then(|| Anchor::Mark {
                    kind: kind.to_owned(),
                    value: Some(value.to_owned()),
                }),
            };
        }
        let kind = name.strip_prefix("last-")?;
        is_kind(kind).then(|| Anchor::last_mark(kind))
    }

    /// Names that stand for themselves, for completion and for what was probably meant.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let plain = PLAIN.iter().map(|(plain, _)| *plain);
        plain.chain(["last-build", "last-release"])
    }
}

/// A moment that the calendar or the clock names.
fn time(name: &str, now: Timestamp) -> Option<Timestamp> {
    let day = |date: Date| date.to_zoned(TimeZone::UTC).ok().map(|day| day.timestamp());
    let today = now.to_zoned(TimeZone::UTC).date();
    match name {
        "today" => return day(today),
        "yesterday" => return day(today.yesterday().ok()?),
        _ => {}
    }
    if let Ok(moment) = name.parse::<Timestamp>() {
        return Some(moment);
    }
    if let Ok(date) = name.parse::<Date>() {
        return day(date);
    }
    let unit = name.chars().next_back()?;
    let seconds: i64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 24 * 3_600,
        'w' => 7 * 24 * 3_600,
        _ => return None,
    };
    let count: u32 = name.strip_suffix(unit)?.parse().ok()?;
    let back = SignedDuration::from_secs(i64::from(count).checked_mul(seconds)?);
    now.checked_sub(back).ok()
}

/// Whether marks may be of that kind: a word of small letters, digits and hyphens that no other anchor uses.
pub fn is_kind(kind: &str) -> bool {
    let mut bytes = kind.bytes();
    kind.len() <= MAX_KIND
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !RESERVED.contains(&kind)
}

/// Whether a mark may have that value: visible, without spaces, not too long.
pub fn is_value(value: &str) -> bool {
    !value.is_empty()
        && value.len() <= MAX_VALUE
        && !value.chars().any(|c| c.is_whitespace() || c.is_control())
        && !value.chars().any(crate::invisible::hides)
}

fn near(name: &str) -> Option<&'static str> {
    Anchor::names()
        .map(|plain| (strsim::damerau_levenshtein(plain, name), plain))
        .filter(|(distance, _)| *distance <= 3)
        .min()
        .map(|(_, plain)| plain)
}

/// The one form that is shown back.
impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((plain, _)) = PLAIN.iter().find(|(_, anchor)| anchor == self) {
            return write!(f, "@{plain}");
        }
        match self {
            Self::Entry(seq) => write!(f, "@entry:{seq}"),
            Self::Revision(number) => write!(f, "@rev:{number}"),
            Self::Checkpoint(step) => write!(f, "@checkpoint:{step}"),
            Self::At(moment) => write!(f, "@time:{moment}"),
            Self::Mark {
                kind,
                value: Some(value),
            } => write!(f, "@{kind}:{value}"),
            Self::Mark { kind, value: None } => write!(f, "@last-{kind}"),
            // Those without a value were found above.
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T14:00:00Z".parse().unwrap()
    }

    fn read(text: &str) -> Anchor {
        Anchor::read(text, now()).unwrap()
    }

    #[test]
    fn what_is_shown_back_is_read_as_the_same() {
        for text in [
            "@start",
            "@now",
            "@last-build",
            "@build:318",
            "@last-release",
            "@rev:2",
            "@entry:18402",
            "@checkpoint:6",
            "@last-checkpoint",
            "@last-decision",
            "@my-last-review",
            "@my-last-visit",
            "@last-approval",
            "@last-revision",
            "@time:2026-11-20T10:00:00Z",
        ] {
            assert_eq!(read(text).to_string(), text);
        }
        assert_eq!(read("@last-mark:release"), Anchor::last_mark("release"));
        assert_eq!(read("r2"), Anchor::Revision(2));
        assert_eq!(read("e18402"), Anchor::Entry(18_402));
        assert_eq!(read(" last-build "), Anchor::last_mark("build"));
    }

    #[test]
    fn spans_and_days_are_counted_from_now() {
        let at = |text: &str| Anchor::At(text.parse().unwrap());
        assert_eq!(read("2h"), at("2026-11-20T12:00:00Z"));
        assert_eq!(read("90s"), at("2026-11-20T13:58:30Z"));
        assert_eq!(read("7d"), at("2026-11-13T14:00:00Z"));
        assert_eq!(read("1w"), at("2026-11-13T14:00:00Z"));
        assert_eq!(read("today"), at("2026-11-20T00:00:00Z"));
        assert_eq!(read("yesterday"), at("2026-11-19T00:00:00Z"));
        assert_eq!(read("2026-11-01"), at("2026-11-01T00:00:00Z"));
        assert_eq!(read("2026-11-01T08:30:00Z"), at("2026-11-01T08:30:00Z"));
    }

    #[test]
    fn what_names_no_moment_is_refused_with_what_looks_alike() {
        for bad in [
            "",
            "@",
            "@last-",
            "@rev:x",
            "@mark:1",
            "@Build:1",
            "5y",
            "-2h",
            "@build:",
            "@build:a b",
        ] {
            assert!(Anchor::read(bad, now()).is_err(), "{bad}");
        }
        let error = Anchor::read("@my-last-reviev", now()).unwrap_err();
        assert_eq!(error.near, Some("my-last-review"));
        assert_eq!(
            error.to_string(),
            "`@my-last-reviev` names no moment, did you mean `my-last-review`?"
        );
    }

    #[test]
    fn kinds_and_values_of_marks_are_plain_words() {
        for kind in ["build", "release", "nightly-2"] {
            assert!(is_kind(kind), "{kind}");
        }
        for kind in ["", "Build", "2x", "rev", "last", "a b", "ü", "-x"] {
            assert!(!is_kind(kind), "{kind}");
        }
        for value in ["318", "1.2.0-rc.1", "a/b@c", "März"] {
            assert!(is_value(value), "{value}");
        }
        for value in ["", "a b", "a\nb", "a\u{202e}b"] {
            assert!(!is_value(value), "{value:?}");
        }
    }
}
