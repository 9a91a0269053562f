//! What stands behind the colon of an operator.

use super::{
    Anchor,
    moment::{Moment, read_length},
    operator::{Kind, nearest},
};

/// The value of an operator.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// This one.
    Is(Atom),
    /// On that side of it. For a time with a length, `>` is behind its end and `>=` from its start on;
    /// `<` is before its start and `<=` before its end.
    Compared(Comparison, Atom),
    /// Between the two, both included.
    Between(Atom, Atom),
    /// Any of at least two.
    Any(Vec<Atom>),
}

impl Value {
    /// All that it names.
    pub fn atoms(&self) -> impl Iterator<Item = &Atom> {
        let (one, other, list) = match self {
            Self::Is(atom) | Self::Compared(_, atom) => (Some(atom), None, &[][..]),
            Self::Between(from, to) => (Some(from), Some(to), &[][..]),
            Self::Any(atoms) => (None, None, atoms.as_slice()),
        };
        one.into_iter().chain(other).chain(list)
    }
}

/// A side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `<`
    Less,
    /// `<=`
    AtMost,
}

impl Comparison {
    /// As it is written.
    pub fn sign(self) -> &'static str {
        match self {
            Self::More => ">",
            Self::AtLeast => ">=",
            Self::Less => "<",
            Self::AtMost => "<=",
        }
    }

    /// The comparison at the start of `text`, and the rest.
    pub(super) fn read(text: &str) -> (Option<Self>, &str) {
        let all = [Self::AtLeast, Self::AtMost, Self::More, Self::Less];
        for comparison in all {
            if let Some(rest) = text.strip_prefix(comparison.sign()) {
                return (Some(comparison), rest);
            }
        }
        (None, text)
    }
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Atom {
    /// A name, a glob, words, or one word of a fixed list in its canonical form.
    Text(String),
    /// A number.
    Number(f64),
    /// The confidence floor of the workspace.
    Floor,
    /// Bytes.
    Bytes(u64),
    /// A length of time in seconds.
    Length(u64),
    /// A time.
    Moment(Moment),
    /// A point in the history.
    Anchor(Anchor),
}

/// Decimal and binary units of size. The first that divides a size prints it.
const SIZES: &[(&str, u64)] = &[
    ("tb", 1_000_000_000_000),
    ("gb", 1_000_000_000),
    ("mb", 1_000_000),
    ("kb", 1_000),
    ("gib", 1 << 30),
    ("mib", 1 << 20),
    ("kib", 1 << 10),
    ("b", 1),
];

/// Other words for a value of a fixed list.
const SAME: &[(&str, &str)] = &[
    ("attachment", "files"),
    ("attachments", "files"),
    ("file", "files"),
    ("handoff", "handoffs"),
    ("decision", "decisions"),
    ("comment", "comments"),
    ("checkpoint", "checkpoints"),
    ("event", "events"),
    ("dead-letters", "refused"),
    ("validation-errors", "validation-error"),
    ("errors", "error"),
    ("warnings", "warning"),
    ("warn", "warning"),
    ("err", "error"),
    ("open", "waiting"),
    ("pending", "waiting"),
    ("closed", "decided"),
    ("late", "overdue"),
    ("changes", "changes-requested"),
    ("sent-back", "changes-requested"),
    ("approve", "approved"),
    ("reject", "rejected"),
    ("cancelled", "withdrawn"),
    ("workspace", "ws"),
    ("outcome", "decision"),
    ("person", "by"),
    ("new", "newest"),
    ("date", "newest"),
    ("old", "oldest"),
    ("size", "largest"),
    ("name", "path"),
];

/// Why an atom cannot be read: what would be right.
pub(super) struct Wrong {
    pub(super) expected: String,
    pub(super) instead: Option<String>,
}

impl Atom {
    /// Reads `text` as a value of that kind.
    pub(super) fn read(text: &str, kind: Kind) -> Result<Self, Wrong> {
        let wrong = |expected: &str| Wrong {
            expected: expected.to_owned(),
            instead: None,
        };
        match kind {
            Kind::Name | Kind::Glob | Kind::Text => Ok(Self::Text(text.to_owned())),
            Kind::OneOf(list) => one_of(text, list),
            Kind::Number if text.eq_ignore_ascii_case("floor") => Ok(Self::Floor),
            Kind::Number => read_number(text)
                .map(Self::Number)
                .ok_or_else(|| wrong("a number such as `0.8` or `3`")),
            Kind::Bytes => read_bytes(text)
                .map(Self::Bytes)
                .ok_or_else(|| wrong("a size such as `5mb` or `200kib`")),
            Kind::Length => read_length(text)
                .map(Self::Length)
                .ok_or_else(|| wrong("a length of time such as `2h` or `7d`")),
            Kind::Moment => Moment::read(text)
                .map(Self::Moment)
                .ok_or_else(|| wrong("a time such as `2h`, `today` or `2026-08-01`")),
            Kind::Point => match text.strip_prefix('@') {
                Some(name) => anchor(name).map(Self::Anchor).ok_or_else(|| Wrong {
                    expected: "an anchor such as `@last-build`, `@build:318` or `@my-last-review`"
                        .to_owned(),
                    instead: nearest(name, Anchor::names()).map(|name| format!("@{name}")),
                }),
                None => Moment::read(text).map(Self::Moment).ok_or_else(|| Wrong {
                    expected: "a time such as `2h` or `yesterday`, or an anchor such as \
                        `@last-build`"
                        .to_owned(),
                    instead: nearest(text, Anchor::names())
                        .map(|name| format!("@{name}"))
                        .or_else(|| nearest(text, Moment::names()).map(str::to_owned)),
                }),
            },
        }
    }

    /// Whether values of that kind have an order, so that they can be compared.
    pub(super) fn ordered(kind: Kind) -> bool {
        !matches!(kind, Kind::Name | Kind::Glob | Kind::Text | Kind::OneOf(_))
    }
}

/// An anchor that can stand in a query without quotes.
fn anchor(name: &str) -> Option<Anchor> {
    let special = ['"', '“', '”', '„', '(', ')', ','];
    let plain = !name.contains(special) && !name.contains("..");
    Anchor::named(name).filter(|_| plain)
}

fn one_of(text: &str, list: &'static [&'static str]) -> Result<Atom, Wrong> {
    let lower = text.to_ascii_lowercase().replace(['_', ' '], "-");
    let known = |word: &str| list.iter().find(|known| **known == word);
    let same = || {
        let mut other = SAME.iter().filter(|(other, _)| *other == lower);
        other.find_map(|(_, word)| known(word))
    };
    match known(&lower).or_else(same) {
        Some(word) => Ok(Atom::Text((*word).to_owned())),
        None => Err(Wrong {
            expected: format!("one of `{}`", list.join("`, `")),
            instead: nearest(&lower, list.iter().copied()).map(str::to_owned),
        }),
    }
}

fn read_number(text: &str) -> Option<f64> {
    let (digits, scale) = match text.strip_suffix('%') {
        Some(digits) => (digits, 100.0),
        None => (text.strip_prefix(['r', 'R']).unwrap_or(text), 1.0),
    };
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let number: f64 = digits.parse().ok().filter(|_| plain)?;
    Some(number / scale)
}

fn read_bytes(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let unit = match text[end..].to_ascii_lowercase().as_str() {
        "" | "byte" | "bytes" => "b".to_owned(),
        short @ ("k" | "m" | "g" | "t") => format!("{short}b"),
        other => other.to_owned(),
    };
    let (_, unit) = SIZES.iter().find(|(name, _)| *name == unit)?;
    let number = &text[..end];
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let whole = whole.parse::<u64>().ok()?.checked_mul(*unit)?;
    if part.is_empty() {
        return (!number.ends_with('.')).then_some(whole);
    }
    // At most as many digits as fit: a size has no more than twelve.
    let digits = part.get(..part.len().min(12))?;
    let scale = 10_u64.checked_pow(u32::try_from(digits.len()).ok()?)?;
    let part = u128::from(digits.parse::<u64>().ok()?) * u128::from(*unit) / u128::from(scale);
    whole.checked_add(u64::try_from(part).ok()?)
}

pub(super) fn print_bytes(bytes: u64) -> String {
    let fits = |unit: u64| bytes >= unit && bytes.is_multiple_of(unit);
    let unit = SIZES.iter().find(|(_, unit)| fits(*unit));
    let (name, unit) = unit.unwrap_or(&("b", 1));
    format!("{}{name}", bytes / unit)
}
