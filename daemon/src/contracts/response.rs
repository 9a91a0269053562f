//! Schemas of answers: an agent states in `response_schema` which value it wants, and the answer keeps it.

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use super::schema::{shortened, unfit};

/// The most parts of a schema, with each reference counted as what it refers to: references to references could
/// otherwise make a small schema take for ever.
const MAX_SCHEMA_PARTS: usize = 20_000;
/// The most errors in one message.
const MAX_ERRORS: usize = 5;

/// Returns why `schema` cannot be enforced, or `None` when it can.
pub fn response_schema_fault(schema: &Value) -> Option<String> {
    compiled(schema).err()
}

/// Holds `value` against `schema`. The error says for people what is wrong, one clause for each place.
pub fn check_response(schema: &Value, value: &Value) -> Result<(), String> {
    let validator = compiled(schema)?;
    let errors: Vec<String> = validator
        .iter_errors(value)
        .take(MAX_ERRORS)
        .map(|error| match error.instance_path().to_string() {
            place if place.is_empty() => shortened(&error.to_string()),
            place => format!("`{}`: {}", shortened(&place), shortened(&error.to_string())),
        })
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors.join("; "))
    }
}

fn compiled(schema: &Value) -> Result<Validator, String> {
    if let Some(why) = unfit(schema) {
        return Err(why);
    }
    if parts(schema, schema, MAX_SCHEMA_PARTS).is_none() {
        return Err(format!("has more than {MAX_SCHEMA_PARTS} parts"));
    }
    // Patterns in linear time only: the schema is an agent's. Formats such as `date` are enforced.
    jsonschema::options()
        .with_pattern_options(PatternOptions::regex())
        .should_validate_formats(true)
        .build(schema)
        .map_err(|error| format!("cannot be used: {}", shortened(&error.to_string())))
}

/// Returns what is left of `budget` once `part` is counted with what it refers to; `None` when it is spent. The
/// schema has no circular references.
fn parts(root: &Value, part: &Value, budget: usize) -> Option<usize> {
    let budget = budget.checked_sub(1)?;
    match part {
        Value::Array(items) => items
            .iter()
            .try_fold(budget, |left, item| parts(root, item, left)),
        Value::Object(fields) => fields.iter().try_fold(budget, |left, (name, value)| {
            let target = value
                .as_str()
                .filter(|_| name == "$ref")
                .and_then(|target| root.pointer(target.strip_prefix('#')?));
            parts(root, target.unwrap_or(value), left)
        }),
        _ => Some(budget),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn enforces_types_and_formats() {
        let schema = json!({
            "type": "object",
            "properties": { "date": { "type": "string", "format": "date" } },
            "required": ["date"],
        });
        assert_eq!(
            check_response(&schema, &json!({ "date": "2026-12-01" })),
            Ok(())
        );
        for (value, part) in [
            (json!({ "date": "soon" }), "`/date`"),
            (json!({}), "\"date\" is a required property"),
            (json!("soon"), "is not of type \"object\""),
        ] {
            let error = check_response(&schema, &value).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn finds_schemas_that_cannot_be_enforced() {
        // Each level refers to the next one twice: 2^40 parts.
        let mut levels = serde_json::Map::new();
        for level in 0..40 {
            let next = json!({ "$ref": format!("#/$defs/l{}", level + 1) });
            levels.insert(format!("l{level}"), json!({ "allOf": [next, next] }));
        }
        levels.insert("l40".to_owned(), json!(true));
        for schema in [
            json!({ "type": "strang" }),
            json!({ "type": "string", "pattern": "(" }),
            json!({ "$ref": "https://example.org/schema" }),
            json!({ "$defs": { "a": { "$ref": "#/$defs/a" } }, "$ref": "#/$defs/a" }),
            json!({ "$defs": levels, "$ref": "#/$defs/l0" }),
        ] {
            assert!(response_schema_fault(&schema).is_some(), "{schema}");
        }
        for schema in [json!(true), json!({}), json!({ "enum": [1, "two"] })] {
            assert_eq!(response_schema_fault(&schema), None, "{schema}");
        }
    }
}
