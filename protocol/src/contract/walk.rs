//! Holds a value against its rule.

use serde_json::{Map, Value};

use super::{
    fields::ARGUMENTS,
    findings::{Findings, Words, meant, pointer},
    rule::{Field, Rule},
    text,
};
use crate::{
    dialect::{Format, found},
    path,
    problem::ProblemKind::{InvalidContract, PathRefused},
};

/// How many unknown keys are compared with a missing one.
const MAX_STRAYS: usize = 200;

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
            let (found, fix) = match length {
                _ if length < *min => ("it is empty", "Say something in it."),
                _ if *min > 0 && said.trim().is_empty() => ("it is blank", "Say something in it."),
                _ if length > *max => (
                    "it is longer",
                    "Shorten it, or put it into a file and name that in `artifacts`.",
                ),
                _ => return,
            };
            let mut words = words("length", rule, found);
            words.fix = Some(fix.to_owned());
            findings.wrong(InvalidContract, at, words);
        }
        (Rule::Path, Value::String(said)) => {
            if let Err(problem) = path::check(&path::normal(said)) {
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
                let mut words = words("length", rule, &format!("{} here", items.len()));
                words.fix = Some("Keep the list within that length.".to_owned());
                findings.wrong(InvalidContract, at, words);
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
        (Rule::Closed(fields), Value::Object(content)) => {
            members(findings, fields, content, at, Strays::Refused);
        }
        (Rule::Map(of), Value::Object(content)) => {
            for (key, item) in content {
                self::value(findings, of, item, &pointer(at, key));
            }
        }
        (Rule::Free { max }, Value::Object(content)) => {
            if content.len() > *max {
                let mut words = words("length", rule, &format!("{} here", content.len()));
                words.fix =
                    Some("Put the rest into a file and name that in `artifacts`.".to_owned());
                findings.wrong(InvalidContract, at, words);
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
    members(findings, fields, content, at, Strays::Warned);
}

/// What happens to the fields of an object that nothing knows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strays {
    Warned,
    Refused,
}

fn members(
    findings: &mut Findings<'_>,
    fields: &[Field],
    content: &Map<String, Value>,
    at: &str,
    strays: Strays,
) {
    for (key, item) in content {
        let known = fields.iter().find(|field| field.name == key);
        if let Some(field) = known {
            let here = pointer(at, key);
            value(findings, field.rule, item, &here);
            if let Some(why) = field.unread {
                let message = format!("has no effect: {why}");
                let words = Words::new("no_effect", message, "Do not rely on it.");
                findings.warn(&here, words);
            }
            continue;
        }
        if is_extension(key) {
            continue;
        }
        if strays == Strays::Refused {
            let words = undisclosed(fields, content);
            findings.wrong(InvalidContract, &pointer(at, key), words);
            continue;
        }
        if findings.warned_enough() {
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
    let required = fields.iter().filter(|field| field.required);
    for field in required.filter(|field| !content.contains_key(field.name)) {
        let words = Words {
            code: "required",
            message: "is missing".to_owned(),
            fix: Some(add(field, content, fields)),
        };
        findings.missing(InvalidContract, at, &pointer(at, field.name), words);
    }
}

/// The words for a field that a closed object does not have.
fn undisclosed(fields: &[Field], content: &Map<String, Value>) -> Words {
    let names: Vec<String> = fields
        .iter()
        .map(|field| format!("`{}`", field.name))
        .collect();
    let message = format!(
        "is not one of {}; the reviewer would decide without seeing it",
        names.join(", ")
    );
    let fix = if content.contains_key(ARGUMENTS) {
        "Leave it out, or put it into `arguments`."
    } else {
        "Rename it to `arguments`, or put it into `arguments`."
    };
    Words::new("unknown_field", message, fix)
}

fn is_extension(key: &str) -> bool {
    key.starts_with("x-") || key.starts_with("x_")
}

/// How to add a missing field: perhaps it is there under another name.
pub(super) fn add(field: &Field, content: &Map<String, Value>, fields: &[Field]) -> String {
    let stray = content
        .keys()
        .filter(|key| !fields.iter().any(|known| known.name == *key))
        .take(MAX_STRAYS)
        .find(|key| meant(key, std::iter::once(field.name)).is_some());
    let name = field.name;
    match (stray, field.rule.example(), field.rule) {
        (Some(stray), ..) => format!("Rename {} to \"{name}\".", text::quoted(stray)),
        (None, "", Rule::Object(inside) | Rule::Closed(inside)) => {
            let names: Vec<_> = inside.iter().map(|field| field.name).collect();
            format!("Add \"{name}\": an object with {}.", names.join(", "))
        }
        (None, "", rule) => format!("Add \"{name}\": {}.", rule.wants()),
        (None, example, _) => format!("Add it, for example \"{name}\": {example}."),
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
        Rule::Object(_) | Rule::Closed(_) | Rule::Map(_) | Rule::Free { .. } => value.is_object(),
        Rule::Schema => value.is_object() || value.is_boolean(),
        Rule::Either(one, other) => takes(one, value) || takes(other, value),
        _ => value.is_string(),
    }
}

fn wrong_type(findings: &mut Findings<'_>, rule: &Rule, value: &Value, at: &str) {
    let mut words = words("type", rule, &format!("{} here", found(value)));
    let wanted = match rule {
        Rule::Either(one, _) => one,
        other => other,
    };
    match (wanted, value) {
        (Rule::Text { .. } | Rule::Id | Rule::Amount, Value::Number(_) | Value::Bool(_)) => {
            words.fix = Some(match findings.document.format() {
                Format::Json => format!("Write \"{value}\", in quotes."),
                Format::Yaml => format!("Write \"{value}\", in quotes: bare, YAML reads no text."),
            });
        }
        (Rule::Unit | Rule::Integer { .. }, Value::String(said))
            if said.len() < 24 && said.parse::<f64>().is_ok_and(f64::is_finite) =>
        {
            words.fix = Some(format!("Write {said}, without quotes."));
        }
        _ => {}
    }
    findings.wrong(InvalidContract, at, words);
}

fn words(code: &'static str, rule: &Rule, found: &str) -> Words {
    Words {
        code,
        message: format!("must be {}; {found}", rule.wants()),
        fix: Some(rule.fix()),
    }
}
