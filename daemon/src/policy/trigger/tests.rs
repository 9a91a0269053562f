//! Every kind of trigger, as JSON cases.

use serde_json::Value;

use super::*;
use crate::{policy::scene::Scene, testing::catalog};

/// A configuration with the one trigger of a case.
fn configured(settings: &Value) -> Vec<Trigger> {
    let mut lines = vec!["[[trigger]]".to_owned(), "name = \"it\"".to_owned()];
    for (key, value) in settings.as_object().unwrap() {
        lines.push(format!("{key} = {value}"));
    }
    catalog(&lines.join("\n")).policy().triggers.clone()
}

#[test]
fn every_case_fires_as_written() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("cases.json")).unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for case in cases {
        let triggers = configured(&case["settings"]);
        let work = serde_json::from_value::<Scene>(case.clone())
            .unwrap()
            .work();
        let kind = case["settings"]["on"].as_str().unwrap();
        let found = firing(&triggers, &work, Chance(Digest::ZERO));
        let fired = found.iter().any(|one| one.fired.kind == kind);
        assert_eq!(fired, case["fires"], "{case}: {found:?}");
        kinds.insert(kind.to_owned());
    }
    assert_eq!(kinds.len(), RULES.len(), "each kind has a case: {kinds:?}");
}

#[test]
fn what_was_found_in_the_text_is_not_repeated() {
    let triggers = configured(&serde_json::json!({ "on": "sensitive", "pattern": "hunter2" }));
    let scene = Scene {
        texts: [("a.txt".to_owned(), "one\ntwo hunter2".to_owned())].into(),
        ..Scene::default()
    };
    let found = firing(&triggers, &scene.work(), Chance(Digest::ZERO));
    let why = &found
        .iter()
        .find(|one| one.fired.kind == "sensitive")
        .unwrap()
        .fired
        .why;
    assert!(
        why.starts_with("a.txt, line 2") && !why.contains("hunter2"),
        "{why}"
    );
}
