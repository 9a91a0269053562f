//! The JSON-shaped part of YAML 1.2: one document, the core schema, no anchors, aliases or tags.

use std::borrow::Cow;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use serde_json::{Map, Value};

use super::{
    MAX_INTEGER, duplicate_key,
    place::{Field, Inside, Place, Spot},
    too_deep,
};
use crate::{
    contract::MAX_DEPTH,
    problem::{ProblemKind, Refusal},
};

/// Reads `text`.
pub(super) fn read(text: &str) -> Result<(Value, Spot), Refusal> {
    if let Some((offset, char)) = text
        .char_indices()
        .find(|(_, c)| c.is_ascii_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err(refuse(
            "syntax",
            super::place::of_offset(text, offset),
            format!(
                "The control character U+{:04X} stands raw in the file.",
                u32::from(char)
            ),
            "Remove it, or write it as an escape in a double-quoted string.",
        ));
    }
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        depth: 0,
    };
    let mut root = None;
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::DocumentStart(_) if root.is_some() => {
                return Err(refuse(
                    "one_document",
                    place(&span.start),
                    "A second document starts here.",
                    "Keep one document in the file.",
                ));
            }
            Event::DocumentStart(_) => {
                let (event, span) = reader.next()?;
                root = Some(reader.node(event, span)?);
            }
            Event::StreamEnd => break,
            _ => {}
        }
    }
    root.ok_or_else(|| {
        refuse(
            "empty",
            (1, 1),
            "The file holds no document.",
            "Write the fields of the handoff, or remove the file.",
        )
    })
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Refusal> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(explain(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<(Value, Spot), Refusal> {
        let at = place(&span.start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                plain_node(anchor, tag.as_deref(), at)?;
                Ok((scalar(text, style, at)?, Spot::leaf(at)))
            }
            Event::SequenceStart(anchor, tag) => {
                plain_node(anchor, tag.as_deref(), at)?;
                self.enter(at)?;
                let (mut items, mut spots) = (Vec::new(), Vec::new());
                loop {
                    let (event, span) = self.next()?;
                    if event == Event::SequenceEnd {
                        break;
                    }
                    let (item, spot) = self.node(event, span)?;
                    items.push(item);
                    spots.push(spot);
                }
                self.depth -= 1;
                let inside = Inside::List(spots);
                Ok((Value::Array(items), Spot { at, inside }))
            }
            Event::MappingStart(anchor, tag) => {
                plain_node(anchor, tag.as_deref(), at)?;
                self.enter(at)?;
                let (mut object, mut fields) = (Map::new(), Vec::new());
                loop {
                    let (event, span) = self.next()?;
                    if event == Event::MappingEnd {
                        break;
                    }
                    let key_at = place(&span.start);
                    let key = key(event, key_at)?;
                    if object.contains_key(&key) {
                        return Err(duplicate_key(&key).in_file(key_at));
                    }
                    let (event, span) = self.next()?;
                    let (item, value) = self.node(event, span)?;
                    object.insert(key.clone(), item);
                    fields.push(Field {
                        key,
                        at: key_at,
                        value,
                    });
                }
                self.depth -= 1;
                let inside = Inside::Fields(fields);
                Ok((Value::Object(object), Spot { at, inside }))
            }
            Event::Alias(_) => Err(reference(at)),
            _ => Err(refuse(
                "syntax",
                at,
                "A value is expected here.",
                "Check the indentation around this place.",
            )),
        }
    }

    fn enter(&mut self, at: Place) -> Result<(), Refusal> {
        if self.depth == MAX_DEPTH {
            return Err(too_deep().in_file(at));
        }
        self.depth += 1;
        Ok(())
    }
}

fn key(event: Event<'_>, at: Place) -> Result<String, Refusal> {
    match event {
        Event::Scalar(text, style, anchor, tag) => {
            plain_node(anchor, tag.as_deref(), at)?;
            match scalar(text, style, at)? {
                Value::String(key) => Ok(key),
                _ => Err(refuse(
                    "key",
                    at,
                    "A key must be text.",
                    "Put the key in quotes.",
                )),
            }
        }
        Event::Alias(_) => Err(reference(at)),
        _ => Err(refuse(
            "key",
            at,
            "A key must be text, not a list or an object.",
            "Use a plain word as the key.",
        )),
    }
}

fn plain_node(anchor: usize, tag: Option<&Tag>, at: Place) -> Result<(), Refusal> {
    if anchor != 0 {
        return Err(reference(at));
    }
    if tag.is_some() {
        return Err(refuse(
            "tag",
            at,
            "Tags (`!`) are not allowed.",
            "Remove the tag. Quote a value that must be text.",
        ));
    }
    Ok(())
}

fn reference(at: Place) -> Refusal {
    refuse(
        "anchor",
        at,
        "Anchors (`&`) and aliases (`*`) are not allowed.",
        "Write the value out, or quote text that starts with `&` or `*`.",
    )
}

/// A scalar by the core schema (YAML 1.2.2, section 10.3.2), without what JSON cannot say.
fn scalar(text: Cow<'_, str>, style: ScalarStyle, at: Place) -> Result<Value, Refusal> {
    if style != ScalarStyle::Plain {
        return Ok(Value::String(text.into_owned()));
    }
    let value = match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        other => match number(other) {
            None => Value::String(text.into_owned()),
            Some(Ok(number)) => number,
            Some(Err(())) => {
                return Err(Refusal::new(
                    ProblemKind::InvalidContract,
                    "number",
                    "This number is not finite, or many readers would round it.",
                    "Put it in quotes. Integers are exact up to 9007199254740991.",
                )
                .in_file(at));
            }
        },
    };
    Ok(value)
}

/// The number that `text` writes; `None` when it is none, an error when it cannot be kept exactly.
fn number(text: &str) -> Option<Result<Value, ()>> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let negative = text.starts_with('-');
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Err(()));
    }
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|byte| byte.is_ascii_digit());
    let based = [("0x", 16), ("0o", 8)]
        .into_iter()
        .find_map(|(prefix, base)| {
            let rest = text.strip_prefix(prefix)?;
            let fits = !rest.is_empty() && rest.chars().all(|c| c.is_digit(base));
            fits.then(|| u64::from_str_radix(rest, base))
        });
    let integer = based.or_else(|| digits(unsigned).then(|| unsigned.parse::<u64>()));
    if let Some(parsed) = integer {
        let Some(size) = parsed.ok().filter(|size| *size <= MAX_INTEGER) else {
            return Some(Err(()));
        };
        return Some(Ok(if negative {
            Value::from(-size.cast_signed())
        } else {
            Value::from(size)
        }));
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let mantissa_fits = match fraction {
        None | Some("") => digits(whole),
        Some(fraction) => digits(fraction) && (whole.is_empty() || digits(whole)),
    };
    let exponent_fits = exponent
        .is_none_or(|exponent| digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)));
    if !mantissa_fits || !exponent_fits {
        return None;
    }
    let parsed = text.parse::<f64>().ok().filter(|value| value.is_finite());
    Some(parsed.map(Value::from).ok_or(()))
}

fn explain(error: &ScanError) -> Refusal {
    let said = error.info();
    if said.contains("recursion limit") {
        return too_deep().in_file(place(error.marker()));
    }
    let fix = if said.contains("tab") {
        "Indent with spaces, not with tabs."
    } else if said.contains("mapping values are not allowed") {
        "Put text that contains `: ` in quotes, and check the indentation."
    } else if said.contains("anchor") {
        return reference(place(error.marker()));
    } else {
        "Check the indentation and the quotes around this place, or write JSON."
    };
    let message = format!("Not valid YAML: {}.", said.trim_end_matches('.'));
    refuse("syntax", place(error.marker()), message, fix)
}

fn refuse(code: &str, at: Place, message: impl Into<String>, fix: &str) -> Refusal {
    Refusal::new(ProblemKind::MalformedYaml, code, message, fix).in_file(at)
}

fn place(marker: &Marker) -> Place {
    let from_one = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    (from_one(marker.line().max(1)), from_one(marker.col() + 1))
}
