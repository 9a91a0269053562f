//! `docs/contract.md` shows only what is true.

use countersign_protocol::{
    contract::{self, Rules},
    decision::DecisionDocument,
    dialect::{self, Format},
    handoff::Profile,
    problem::{ProblemKind, Violation},
    schema,
};
use serde_json::Value;

const GUIDE: &str = include_str!("../../../docs/contract.md");

/// The code blocks, each with the words after its fence.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let mut blocks = Vec::new();
    for (n, part) in GUIDE.split("```").enumerate() {
        if n % 2 == 1 {
            blocks.push(part.split_once('\n').unwrap());
        }
    }
    blocks
}

#[test]
fn every_example_is_what_it_says() {
    let mut refused = None;
    let mut kinds = Vec::new();
    for (fence, text) in blocks() {
        let format = if fence == "yaml" {
            Format::Yaml
        } else {
            Format::Json
        };
        let read = || dialect::read(text.as_bytes(), format).unwrap();
        let kind = match fence {
            "json refused" => {
                refused = Some(contract::check(&read(), Rules::default()).unwrap_err());
                "refused"
            }
            "json errors" => {
                let shown: Vec<Violation> = serde_json::from_str(text).unwrap();
                assert_eq!(refused.take().unwrap().violations, shown);
                "errors"
            }
            _ if text.contains("decision_version") => {
                serde_json::from_str::<DecisionDocument>(text).unwrap();
                "decision"
            }
            _ if text.contains("checkpoint_version") => {
                let (_, warnings) = contract::check_checkpoint(&read()).unwrap();
                assert_eq!(warnings, []);
                "checkpoint"
            }
            _ => {
                let checked = contract::check(&read(), Rules::default()).unwrap();
                assert_eq!(checked.warnings, []);
                "handoff"
            }
        };
        kinds.push(kind);
    }
    assert_eq!(
        kinds,
        [
            "handoff",
            "handoff",
            "refused",
            "errors",
            "checkpoint",
            "decision"
        ]
    );
}

#[test]
fn every_field_kind_and_profile_is_named() {
    let handoff: Value = serde_json::from_str(schema::get("handoff").unwrap().text).unwrap();
    let errors: Value = serde_json::from_str(schema::get("errors").unwrap().text).unwrap();
    let fields = handoff["properties"].as_object().unwrap().keys();
    for field in fields.filter(|field| *field != "$schema") {
        assert!(GUIDE.contains(&format!("`{field}`")), "{field}");
    }
    for kind in errors["properties"]["code"]["enum"].as_array().unwrap() {
        let kind: ProblemKind = serde_json::from_value(kind.clone()).unwrap();
        assert!(GUIDE.contains(&format!("`{}`", kind.name())), "{kind:?}");
    }
    for profile in [Profile::Minimal, Profile::Contract, Profile::Regulated] {
        assert!(
            GUIDE.contains(&format!("| `{}` |", profile.name())),
            "{profile:?}"
        );
    }
}
