//! Words that are kept ready for an answer, with blanks that its person fills in.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The most characters of a phrase.
const LONGEST: usize = 2_000;
/// The most characters of what a blank is called.
const LONGEST_NAME: usize = 60;
/// The most blanks of a phrase.
const MOST_BLANKS: usize = 8;

/// A part of a phrase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Words as they are.
    Text(String),
    /// What it is that somebody fills in.
    Blank(String),
}

/// `The figure in {section} has no source.`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phrase(Vec<Part>);

impl Phrase {
    /// Its parts, in order.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// What its blanks are called, in order.
    pub fn blanks(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Blank(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The words with `fill` in the blanks, in order. The error is the name of the first blank that stays empty.
    pub fn filled(&self, fill: &[String]) -> Result<String, &str> {
        let mut words = String::new();
        let mut fill = fill.iter().map(|one| one.trim());
        for part in &self.0 {
            match part {
                Part::Text(text) => words.push_str(text),
                Part::Blank(name) => {
                    let given = fill.next().filter(|given| !given.is_empty());
                    words.push_str(given.ok_or(name.as_str())?);
                }
            }
        }
        Ok(words)
    }
}

impl FromStr for Phrase {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() || text.chars().count() > LONGEST {
            return Err("must have words, and at most 2000 characters of them");
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            let blank = from.strip_prefix('{').and_then(|from| from.split_once('}'));
            let Some((name, behind)) = blank.filter(|(name, _)| !name.contains('{')) else {
                return Err("must close each `{` with a `}`, and have no other braces");
            };
            let name = name.trim();
            if name.is_empty() || name.chars().count() > LONGEST_NAME {
                return Err("must say in each `{…}` what is filled in, in at most 60 characters");
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Blank(name.to_owned()));
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        let phrase = Self(parts);
        if phrase.blanks().count() > MOST_BLANKS {
            return Err("must have at most 8 blanks");
        }
        Ok(phrase)
    }
}

impl TryFrom<String> for Phrase {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Phrase> for String {
    fn from(phrase: Phrase) -> Self {
        phrase.to_string()
    }
}

impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Blank(name) => write!(f, "{{{name}}}"),
        })
    }
}

#[cfg(test)]
mod tests;
