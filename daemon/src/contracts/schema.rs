//! JSON Schemas of others: checked before they are used, and used without a network.

use std::collections::{BTreeMap, BTreeSet};

use countersign_protocol::problem::Violation;
use jsonschema::PatternOptions;
use serde_json::Value;

/// Most violations that are told.
const MOST: usize = 20;
/// Longest message, in characters.
const LONGEST: usize = 300;

/// Holds `value` against `schema`. Places begin with `base`. A schema that is no good is itself the
/// violation.
pub fn check(schema: &Value, value: &Value, base: &str) -> Result<(), Vec<Violation>> {
    if let Some(why) = unfit(schema) {
        return Err(vec![violation(base, format!("the schema {why}"))]);
    }
    // Patterns in linear time only: the text is an agent's, and so may the schema be.
    let validator = jsonschema::options()
        .with_pattern_options(PatternOptions::regex())
        .build(schema)
        .map_err(|error| {
            let why = format!(
                "the schema cannot be used: {}",
                shortened(&error.to_string())
            );
            vec![violation(base, why)]
        })?;
    let violations: Vec<Violation> = validator
        .iter_errors(value)
        .take(MOST)
        .map(|error| {
            let pointer = format!("{base}{}", error.instance_path());
            violation(&pointer, shortened(&error.to_string()))
        })
        .collect();
    if violations.is_empty() {
        Ok(())
    } else {
        Err(violations)
    }
}

fn violation(pointer: &str, message: String) -> Violation {
    Violation {
        code: "schema".to_owned(),
        pointer: pointer.to_owned(),
        line: 0,
        column: 0,
        message,
        fix: None,
    }
}

pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Why `schema` is not used, if it is not: a reference that leaves it, or references in a circle. A circle
/// that takes nothing off the document would never end.
pub fn unfit(schema: &Value) -> Option<String> {
    if !schema.is_object() && !schema.is_boolean() {
        return Some("is no JSON Schema: it must be an object, true or false".to_owned());
    }
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut next = vec![String::new()];
    while let Some(from) = next.pop() {
        if edges.contains_key(&from) {
            continue;
        }
        let Some(part) = schema.pointer(&from) else {
            return Some(format!("refers to `#{from}`, which it does not have"));
        };
        let mut found = BTreeSet::new();
        if let Err(why) = references(part, !from.is_empty(), &mut found) {
            return Some(why);
        }
        next.extend(found.iter().cloned());
        edges.insert(from, found);
    }
    is_circular(&edges).then(|| "refers to itself, and such schemas are not used".to_owned())
}

/// Adds the pointers that `part` refers to.
fn references(part: &Value, is_inner: bool, found: &mut BTreeSet<String>) -> Result<(), String> {
    match part {
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| references(item, true, found)),
        Value::Object(fields) => {
            fields
                .iter()
                .try_for_each(|(name, value)| match (name.as_str(), value) {
                    ("$ref", Value::String(target)) => {
                        let pointer = target
                            .strip_prefix('#')
                            .filter(|rest| rest.starts_with('/') && !rest.contains('%'));
                        let Some(pointer) = pointer else {
                            let target = shortened(target);
                            return Err(format!("refers to `{target}`, which is not in it"));
                        };
                        found.insert(pointer.to_owned());
                        Ok(())
                    }
                    (
                        "$dynamicRef" | "$recursiveRef" | "$anchor" | "$dynamicAnchor",
                        Value::String(_),
                    ) => Err(format!(
                        "uses `{name}`; only `$ref` into the schema itself is used"
                    )),
                    ("$id", Value::String(_)) if is_inner => Err(
                        "has an `$id` inside; references would be looked for elsewhere".to_owned(),
                    ),
                    _ => references(value, true, found),
                })
        }
        _ => Ok(()),
    }
}

/// Whether a walk along `edges` can come back: what has no way out is taken away until nothing changes.
fn is_circular(edges: &BTreeMap<String, BTreeSet<String>>) -> bool {
    let mut left: BTreeMap<&str, BTreeSet<&str>> = edges
        .iter()
        .map(|(from, to)| (from.as_str(), to.iter().map(String::as_str).collect()))
        .collect();
    loop {
        let ends: Vec<&str> = left
            .iter()
            .filter(|(_, to)| to.is_empty())
            .map(|(from, _)| *from)
            .collect();
        if ends.is_empty() {
            return !left.is_empty();
        }
        for end in ends {
            left.remove(end);
            for to in left.values_mut() {
                to.remove(end);
            }
        }
    }
}
