//! Holds a value against its rule.

use serde_json::{Map, Value};

use super::{
    findings::{Findings, Words, meant, pointer},
    rule::{Field, Rule},
    text,
};
use crate::{
    dialect::{Format, found},
    invisible, path,
    problem::ProblemKind::{InvalidContract, PathRefused},
};

/// Checks `value` at `at` against `rule`.
pub(super) fn value(findings: &mut Findings<'_>, rule: &Rule, value: &Value, at: &str) {
    match (rule, value) {
        (Rule::Any, _)
        | (Rule::Flag, Value::Bool(_))
        | (Rule::Schema, Value::Bool(_) | Value::Object(_))
        | (Rule::Free { .. }, Value::Null) => {}
        (Rule::Text { min, max }, Value::String(said)) => {
            // Counting ends early: a text can be as long as the document.
            let length = said.chars().take(max + 1).count();
            if length < *min {
                findings.wrong(InvalidContract, at, words("length", rule, "it is empty"));
            } else if length > *max {
                findings.wrong(InvalidContract, at, words("length", rule, "it is longer"));
            }
        }
        (Rule::Path, Value::String(said)) => {
            if let Err(problem) = path::check(said) {
                let words = Words::new("path", problem.to_string(), problem.fix());
                findings.wrong(PathRefused, at, words);
            }
        }
        (Rule::Unit, Value::Number(number)) => {
            if !number.as_f64().is_some_and(|n| (0.0..=1.0).contains(&n)) {
                let found = format!("{number} here");
                findings.wrong(InvalidContract, at, words("range", rule, &found));
            }
        }
        (Rule::Integer { min, max }, Value::Number(number)) => match whole(value) {
            Some(n) if (*min..=*max).contains(&n) => {}
            _ => {
                let found = format!("{number} here");
                findings.wrong(InvalidContract, at, words("range", rule, &found));
            }
        },
        (Rule::Word(known), Value::String(said)) => {
            if !known.contains(&said.as_str()) {
                let mut words = words("enum", rule, &format!("{} here", text::quoted(said)));
                if let Some(name) = meant(said, known.iter().copied()) {
                    words.fix = Some(format!("Did you mean \"{name}\"?"));
                }
                findings.wrong(InvalidContract, at, words);
            }
        }
        (
            Rule::Id
            | Rule::Time
            | Rule::Media
            | Rule::Sha256
            | Rule::Traceparent
            | Rule::Amount
            | Rule::Currency,
            Value::String(said),
        ) => {
            if !text::fits(rule, said) {
                let found = format!("{} here", text::quoted(said));
                findings.wrong(InvalidContract, at, words("pattern", rule, &found));
            }
        }
        (
            Rule::List {
                of,
                min,
                max,
                unique,
            },
            Value::Array(items),
        ) => {
            if !(*min..=*max).contains(&items.len()) {
                let found = format!("{} here", items.len());
                findings.wrong(InvalidContract, at, words("length", rule, &found));
                return;
            }
            for (n, item) in items.iter().enumerate() {
                let here = format!("{at}/{n}");
                if *unique && items[..n].contains(item) {
                    let words = Words::new("duplicate", "stands twice", "Name it once.");
                    findings.wrong(InvalidContract, &here, words);
                }
                self::value(findings, of, item, &here);
            }
        }
        (Rule::Object(fields), Value::Object(content)) => object(findings, fields, content, at),
        (Rule::Map(of), Value::Object(content)) => {
            for (key, item) in content {
                self::value(findings, of, item, &pointer(at, key));
            }
        }
        (Rule::Free { max }, Value::Object(content)) => {
            if content.len() > *max {
                let found = format!("{} here", content.len());
                findings.wrong(InvalidContract, at, words("length", rule, &found));
            }
        }
        (Rule::Either(one, other), _) => {
            let either = [one, other].into_iter().find(|rule| takes(rule, value));
            match either {
                Some(rule) => self::value(findings, rule, value, at),
                None => wrong_type(findings, rule, value, at),
            }
        }
        _ => wrong_type(findings, rule, value, at),
    }
}

/// Checks the fields of an object: those that are there, those that are missing, those nobody knows.
pub(super) fn object(
    findings: &mut Findings<'_>,
    fields: &[Field],
    content: &Map<String, Value>,
    at: &str,
) {
    for field in fields {
        let here = pointer(at, field.name);
        match content.get(field.name) {
            Some(item) => value(findings, field.rule, item, &here),
            None if field.required => {
                let words = Words {
                    code: "required",
                    message: "is missing".to_owned(),
                    fix: Some(add(field, content, fields)),
                };
                findings.missing(InvalidContract, at, &here, words);
            }
            None => {}
        }
    }
    for key in content.keys() {
        let known = fields.iter().any(|field| field.name == key);
        if known || key.starts_with("x-") || key.starts_with("x_") {
            continue;
        }
        let absent = fields.iter().filter(|f| !content.contains_key(f.name));
        let words = Words {
            code: "unknown_field",
            message: "is not a known field; it is kept and not used".to_owned(),
            fix: Some(match meant(key, absent.map(|field| field.name)) {
                Some(name) => format!("Did you mean `{name}`?"),
                None => format!(
                    "Put it into `context`, or call it `x-{}`.",
                    text::quoted(key).trim_matches('"')
                ),
            }),
        };
        findings.warn(&pointer(at, key), words);
    }
}

/// How to add a missing field: perhaps it is there under another name.
pub(super) fn add(field: &Field, content: &Map<String, Value>, fields: &[Field]) -> String {
    let stray = content
        .keys()
        .filter(|key| !fields.iter().any(|known| known.name == *key))
        .find(|key| meant(key, std::iter::once(field.name)).is_some());
    match (stray, field.rule.example()) {
        (Some(stray), _) => format!("Rename {} to \"{}\".", text::quoted(stray), field.name),
        (None, "") => format!("Add \"{}\": {}.", field.name, field.rule.wants()),
        (None, example) => format!("Add it, for example \"{}\": {example}.", field.name),
    }
}

/// Warns about every string, key or value, that holds what a reader does not see.
pub(super) fn invisible(findings: &mut Findings<'_>, value: &Value, at: &str) {
    let mut report = |said: &str, here: &str| {
        let seen = invisible::in_text(said);
        if !seen.is_empty() {
            let names: Vec<_> = seen
                .iter()
                .take(8)
                .map(|c| format!("U+{:04X}", u32::from(*c)))
                .collect();
            let words = Words::new(
                "invisible_characters",
                format!(
                    "has characters that a reader does not see: {}",
                    names.join(", ")
                ),
                "Remove them. Reviewers see them marked.",
            );
            findings.warn(here, words);
        }
    };
    match value {
        Value::String(said) => report(said, at),
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                invisible(findings, item, &format!("{at}/{n}"));
            }
        }
        Value::Object(content) => {
            for (key, item) in content {
                let here = pointer(at, key);
                let seen = invisible::in_text(key);
                if !seen.is_empty() {
                    invisible(findings, &Value::String(key.clone()), &here);
                }
                invisible(findings, item, &here);
            }
        }
        _ => {}
    }
}

/// A whole number that is not negative, also when it is written as `3.0`.
pub(super) fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let number = value.as_f64()?;
        let exact = number.fract() == 0.0 && (0.0..=9_007_199_254_740_991.0).contains(&number);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be a whole number within 53 bits"
        )]
        exact.then_some(number as u64)
    })
}

fn takes(rule: &Rule, value: &Value) -> bool {
    match rule {
        Rule::Any => true,
        Rule::Unit | Rule::Integer { .. } => value.is_number(),
        Rule::Flag => value.is_boolean(),
        Rule::List { .. } => value.is_array(),
        Rule::Object(_) | Rule::Map(_) | Rule::Free { .. } => value.is_object(),
        Rule::Schema => value.is_object() || value.is_boolean(),
        Rule::Either(one, other) => takes(one, value) || takes(other, value),
        _ => value.is_string(),
    }
}

fn wrong_type(findings: &mut Findings<'_>, rule: &Rule, value: &Value, at: &str) {
    let mut words = words("type", rule, &format!("{} here", found(value)));
    let scalar = matches!(value, Value::Number(_) | Value::Bool(_));
    if scalar && takes(rule, &Value::String(String::new())) {
        words.fix = Some(match findings.document.format() {
            Format::Json => format!("Write \"{value}\", in quotes."),
            Format::Yaml => {
                format!("Write \"{value}\", in quotes: without them YAML reads no text.")
            }
        });
    }
    findings.wrong(InvalidContract, at, words);
}

fn words(code: &'static str, rule: &Rule, found: &str) -> Words {
    let example = rule.example();
    Words {
        code,
        message: format!("must be {}; {found}", rule.wants()),
        fix: (!example.is_empty()).then(|| format!("For example {example}.")),
    }
}
