//! JSON (RFC 8259), with what the format leaves open decided: duplicate keys, depth, numbers.

use std::{
    cell::{Cell, RefCell},
    fmt,
};

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, error::Category};

use super::{Format, MAX_INTEGER, encoding, place, too_deep};
use crate::{
    contract::MAX_DEPTH,
    problem::{ProblemKind, Refusal},
};

/// Reads `text`.
pub(super) fn read(text: &str) -> Result<Value, Refusal> {
    let watch = Watch::default();
    let mut source = serde_json::Deserializer::from_str(text);
    let value = Node {
        watch: &watch,
        depth: 0,
    }
    .deserialize(&mut source)
    .and_then(|value| source.end().map(|()| value))
    .map_err(|error| explain(text, &watch, &error))?;
    if watch.large.get()
        && let Some((at, digits)) = place::inexact_integer(text)
    {
        return Err(number(&format!(
            "The number {} is rounded by many readers.",
            short(digits)
        ))
        .in_file(at));
    }
    Ok(value)
}

/// What the visitor saw that an error of the library cannot say.
#[derive(Default)]
struct Watch {
    stop: RefCell<Option<Stop>>,
    large: Cell<bool>,
}

impl Watch {
    fn number(&self, large: bool) {
        if large {
            self.large.set(true);
        }
    }
}

enum Stop {
    Duplicate(String),
    Deep,
}

struct Node<'a> {
    watch: &'a Watch,
    depth: usize,
}

impl Node<'_> {
    fn stop<T, E: de::Error>(&self, why: Stop) -> Result<T, E> {
        *self.watch.stop.borrow_mut() = Some(why);
        Err(E::custom("stopped"))
    }

    fn inner<E: de::Error>(&self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return self.stop(Stop::Deep);
        }
        Ok(Self {
            watch: self.watch,
            depth: self.depth + 1,
        })
    }

    fn copy(&self) -> Self {
        Self { ..*self }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        self.watch.number(value.unsigned_abs() > MAX_INTEGER);
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        self.watch.number(value > MAX_INTEGER);
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        // An integer over 64 bits arrives here too, already rounded.
        self.watch
            .number(value.abs() >= super::MAX_INTEGER_AS_DOUBLE);
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner.copy())? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut object = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            if object.contains_key(&key) {
                return self.stop(Stop::Duplicate(key));
            }
            let value = fields.next_value_seed(inner.copy())?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

fn explain(text: &str, watch: &Watch, error: &serde_json::Error) -> Refusal {
    let start: usize = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    // Column 0 is the line break before the line.
    let offset = (start + error.column()).saturating_sub(1);
    let at = place::of_offset(text, offset);
    match watch.stop.take() {
        Some(Stop::Deep) => return too_deep().in_file(at),
        Some(Stop::Duplicate(key)) => {
            // The error stands at the closing quote of the key; its place is where the key starts.
            let opening = opening_quote(text, offset).unwrap_or(offset);
            return super::duplicate_key(&key).in_file(place::of_offset(text, opening));
        }
        None => {}
    }
    if error.classify() == Category::Eof {
        let end = text.trim_end().char_indices().next_back();
        return encoding::truncated(Format::Json, "The file ends before the JSON does.")
            .in_file(place::of_offset(text, end.map_or(0, |(at, _)| at)));
    }
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    let rest = text.get(offset..).unwrap_or_default();
    if said == "number out of range" {
        return number("This number is larger than a double can hold.").in_file(at);
    }
    let (message, fix) = words(said, rest, offset == 0);
    Refusal::new(ProblemKind::MalformedJson, "syntax", message, fix).in_file(at)
}

/// What the library said, for somebody who has the file open at `rest`.
fn words(said: &str, rest: &str, at_start: bool) -> (String, &'static str) {
    let first = rest.chars().next().unwrap_or_default();
    let (message, fix) = match said {
        "trailing comma" => (
            "A comma stands before a closing bracket.",
            "Remove the comma.",
        ),
        "trailing characters" => (
            "Something follows after the end of the JSON object.",
            "Keep exactly one JSON object in the file.",
        ),
        _ if matches!(first, '/' | '#') => ("JSON has no comments.", "Remove the comment."),
        "key must be a string" => (
            "A key must be a string in double quotes.",
            "Put the key in double quotes.",
        ),
        _ if said.starts_with("control character") => (
            "A line break or another control character stands raw in a string.",
            "Write it as an escape, for example \\n, or let a JSON library write the file.",
        ),
        _ if first == '\'' => ("JSON strings take double quotes.", "Use \" instead of '."),
        _ if ["NaN", "Inf", "-I"].iter().any(|odd| rest.starts_with(odd)) => (
            "NaN and Infinity are no JSON numbers.",
            "Write a finite number, or leave the field out.",
        ),
        _ if ["True", "False", "None", "undef"]
            .iter()
            .any(|odd| rest.starts_with(odd)) =>
        {
            (
                "JSON knows only true, false and null, in lower case.",
                "Let a JSON library write the file, for example `json.dump` in Python.",
            )
        }
        _ if at_start && (first.is_alphabetic() || rest.starts_with("---")) => (
            "This does not look like JSON; it may be YAML.",
            "Name the file handoff.yaml, or write JSON.",
        ),
        _ if said.contains("surrogate") || said.contains("end of hex escape") => (
            "An escape in a string is half of a pair (\\ud800 to \\udfff), and stands for no character.",
            "Write both halves or the character itself; text may have been cut in the middle of an emoji.",
        ),
        _ if said.contains("escape") || said.contains("code point") => (
            "A backslash in a string starts an escape that JSON does not know.",
            "Write \\\\ for a backslash, or let a JSON library write the file.",
        ),
        "expected value" => (
            "A value is expected here.",
            "Let a JSON library write the file.",
        ),
        _ => {
            return (
                format!("Not valid JSON: {said}."),
                "Let a JSON library write the file.",
            );
        }
    };
    (message.to_owned(), fix)
}

fn number(message: &str) -> Refusal {
    Refusal::new(
        ProblemKind::InvalidContract,
        "number",
        message,
        "Write it as a string in quotes. Integers are exact up to 9007199254740991.",
    )
}

fn short(digits: &str) -> String {
    match digits.get(..24) {
        Some(start) => format!("{start}…"),
        None => digits.to_owned(),
    }
}

/// The offset of the quote that opens the string which `closing` closes.
fn opening_quote(text: &str, closing: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let escaped = |at: usize| {
        let backslashes = bytes[..at].iter().rev().take_while(|byte| **byte == b'\\');
        backslashes.count() % 2 == 1
    };
    (0..closing)
        .rev()
        .find(|at| bytes[*at] == b'"' && !escaped(*at))
}
