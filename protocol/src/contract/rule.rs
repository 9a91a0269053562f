//! Rules as data: what a value may be, and the words for it.

use crate::dialect::MAX_INTEGER;

/// What a value may be.
#[derive(Debug)]
pub(super) enum Rule {
    /// Anything at all.
    Any,
    /// Free text of so many characters.
    Text { min: usize, max: usize },
    /// An id.
    Id,
    /// A time with offset (RFC 3339, section 5.6).
    Time,
    /// A path inside the folder.
    Path,
    /// A media type (RFC 6838, section 4.2).
    Media,
    /// 64 lower-case hexadecimal digits.
    Sha256,
    /// A W3C traceparent.
    Traceparent,
    /// An amount of money as decimal text.
    Amount,
    /// A currency (ISO 4217).
    Currency,
    /// A number from 0 to 1.
    Unit,
    /// A whole number.
    Integer { min: u64, max: u64 },
    /// True or false.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of at most `max`; `unique` when no item may stand twice, `min` when it may not be empty.
    List {
        of: &'static Rule,
        min: usize,
        max: usize,
        unique: bool,
    },
    /// An object with these fields; others are kept with a warning.
    Object(&'static [Field]),
    /// An object with these fields; others are refused, except extensions (`x-…`).
    Closed(&'static [Field]),
    /// An object whose values all keep one rule.
    Map(&'static Rule),
    /// An object of at most so many fields, or nothing.
    Free { max: usize },
    /// A JSON Schema: an object, true or false.
    Schema,
    /// The first when the type fits it, else the second.
    Either(&'static Rule, &'static Rule),
}

/// A field of an object.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) rule: &'static Rule,
    pub(super) required: bool,
    /// Why the field has no effect; `None` when the program reads it.
    pub(super) unread: Option<&'static str>,
}

/// An optional field.
pub(super) const fn may(name: &'static str, rule: &'static Rule) -> Field {
    Field {
        name,
        rule,
        required: false,
        unread: None,
    }
}

/// An optional field that is kept and that nothing reads, with the reason. A document that has it is warned.
pub(super) const fn unread(name: &'static str, rule: &'static Rule, why: &'static str) -> Field {
    Field {
        name,
        rule,
        required: false,
        unread: Some(why),
    }
}

/// A required field.
pub(super) const fn must(name: &'static str, rule: &'static Rule) -> Field {
    Field {
        name,
        rule,
        required: true,
        unread: None,
    }
}

impl Rule {
    /// What the value must be, to follow "must be".
    pub(super) fn wants(&self) -> String {
        match self {
            Self::Any => "any value".to_owned(),
            Self::Text { min: 0, max } => format!("text of at most {max} characters"),
            Self::Text { max, .. } => format!("text of 1 to {max} characters"),
            Self::Id => "an id: 1 to 128 of the characters A-Z a-z 0-9 . _ : @ + / -, starting with a letter or digit".to_owned(),
            Self::Time => "a time with offset (RFC 3339)".to_owned(),
            Self::Path => "a path relative to the folder of the handoff".to_owned(),
            Self::Media => "a media type".to_owned(),
            Self::Sha256 => "a SHA-256 digest: 64 lower-case hexadecimal digits".to_owned(),
            Self::Traceparent => "a W3C traceparent".to_owned(),
            Self::Amount => "a decimal amount as text".to_owned(),
            Self::Currency => "a currency of three capital letters".to_owned(),
            Self::Unit => "a number between 0 and 1".to_owned(),
            Self::Integer { min, max } if *max == MAX_INTEGER => {
                format!("a whole number, {min} or more")
            }
            Self::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Self::Flag => "true or false".to_owned(),
            Self::Word(words) => format!("one of {}", words.join(", ")),
            Self::List { min: 0, max, .. } => format!("a list of at most {max} items"),
            Self::List { min, max, .. } => format!("a list of {min} to {max} items"),
            Self::Object(_) | Self::Closed(_) | Self::Map(_) => "an object".to_owned(),
            Self::Free { max } => format!("an object of at most {max} fields"),
            Self::Schema => "a JSON Schema: an object, true or false".to_owned(),
            Self::Either(one, _) => one.wants(),
        }
    }

    /// A value that keeps the rule, as JSON text; empty when none says more than [`Self::wants`].
    pub(super) fn example(&self) -> &'static str {
        match self {
            Self::Id => "\"hermes-main\"",
            Self::Time => "\"2026-11-20T22:00:00Z\"",
            Self::Path => "\"out/report.md\"",
            Self::Media => "\"text/markdown\"",
            Self::Sha256 => "the output of sha256sum",
            Self::Traceparent => "\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\"",
            Self::Amount => "\"0.25\"",
            Self::Currency => "\"EUR\"",
            Self::Unit => "0.9",
            Self::Flag => "true",
            Self::List { of, .. } => match of {
                Self::Path | Self::Either(Self::Path, _) => "[\"report.md\"]",
                Self::Text { .. } => "[\"First step\", \"second step\"]",
                _ => "",
            },
            Self::Either(one, _) => one.example(),
            _ => "",
        }
    }

    /// What to do about a value that breaks the rule.
    pub(super) fn fix(&self) -> String {
        match self {
            Self::Integer { .. } => {
                "Write a whole number in that range, without quotes.".to_owned()
            }
            Self::Word(_) => "Use one of these words.".to_owned(),
            Self::List { .. } if self.example().is_empty() => {
                "Write a list in square brackets, within that length.".to_owned()
            }
            Self::Text { .. } => "Write text in quotes.".to_owned(),
            Self::Object(_) | Self::Closed(_) | Self::Map(_) | Self::Free { .. } => {
                "Write an object in braces.".to_owned()
            }
            Self::Schema => "Write a JSON Schema, or leave the field out.".to_owned(),
            _ => match self.example() {
                "" => "Correct the value, or leave the field out.".to_owned(),
                example => format!("For example {example}."),
            },
        }
    }
}
