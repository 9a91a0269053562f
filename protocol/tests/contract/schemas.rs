//! The published schemas and the code judge alike.

use countersign_protocol::{dialect, handoff::Profile, problem::ProblemKind, schema};
use jsonschema::{PatternOptions, Registry, Validator};
use serde_json::Value;

use crate::corpus::{self, Case};

/// Rules that a schema cannot say; the code alone knows them.
const BEYOND_SCHEMA: &[&str] = &["path", "duplicate", "reference", "circle"];

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn validator(name: &str) -> Validator {
    let mut registry = Registry::new();
    for schema in schema::ALL {
        let value = parse(schema.text);
        let id = value["$id"].as_str().unwrap().to_owned();
        registry = registry.add(id, value).unwrap();
    }
    let registry = registry.prepare().unwrap();
    jsonschema::options()
        .with_registry(&registry)
        .with_pattern_options(PatternOptions::regex())
        .build(&parse(schema::get(name).unwrap().text))
        .unwrap()
}

fn schema_for(case: &Case, value: &Value) -> &'static str {
    let stated = match value.get("profile").and_then(Value::as_str) {
        Some("contract") => Profile::Contract,
        Some("regulated") => Profile::Regulated,
        _ => Profile::Minimal,
    };
    match stated.max(case.least) {
        _ if case.is_checkpoint() => "checkpoint",
        Profile::Minimal => "handoff",
        Profile::Contract => "profile-contract",
        Profile::Regulated => "profile-regulated",
    }
}

#[test]
fn schema_and_code_agree_on_every_document() {
    let mut compared = 0;
    for case in corpus::cases("valid")
        .iter()
        .chain(&corpus::cases("invalid"))
    {
        let Ok(document) = dialect::read(&case.bytes, case.format) else {
            continue;
        };
        let judged = case.check(&document);
        if let Err(refusal) = &judged {
            let beyond = |code: &String| BEYOND_SCHEMA.contains(&code.as_str());
            let dates = case.name.contains("no-such-day") || case.name.contains("step-over-steps");
            if dates || refusal.violations.iter().all(|v| beyond(&v.code)) {
                continue;
            }
        }
        let name = schema_for(case, &document.value);
        let errors: Vec<_> = validator(name)
            .iter_errors(&document.value)
            .map(|error| error.to_string())
            .collect();
        assert_eq!(
            judged.is_ok(),
            errors.is_empty(),
            "{} by {name}: {judged:#?} {errors:#?}",
            case.name
        );
        compared += 1;
    }
    assert!(compared > 80, "{compared}");
}

#[test]
fn the_list_of_problem_kinds_is_complete() {
    let schema = parse(schema::get("errors").unwrap().text);
    let kinds = schema["properties"]["code"]["enum"].as_array().unwrap();
    for name in kinds {
        let kind: ProblemKind = serde_json::from_value(name.clone()).unwrap();
        assert_eq!(kind.name(), name.as_str().unwrap());
    }
    assert_eq!(kinds.len(), ProblemKind::PrincipalMismatch as usize + 1);
}
