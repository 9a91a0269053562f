//! Every crate that is built in may be used under terms that deny.toml lists.

use std::{collections::BTreeSet, process::Command};

use countersign_tests::repo;
use serde_json::Value;

/// The terms that deny.toml allows.
fn allowed() -> BTreeSet<String> {
    let deny: toml::Table = repo::read("deny.toml").parse().expect("deny.toml is TOML");
    deny["licenses"]["allow"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|name| name.as_str().expect("a name").to_owned())
        .collect()
}

/// Whether the SPDX expression can be met with the allowed terms alone.
fn may_use(expression: &str, allowed: &BTreeSet<String>) -> bool {
    spdx::Expression::parse_mode(expression, spdx::ParseMode::LAX).is_ok_and(|expression| {
        expression.evaluate(|requirement| {
            allowed.contains(&requirement.to_string())
                || (requirement.addition.is_none()
                    && requirement
                        .license
                        .id()
                        .is_some_and(|id| allowed.contains(id.name)))
        })
    })
}

#[test]
fn every_dependency_has_a_permissive_licence() {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(repo::root())
        .output()
        .expect("cargo runs");
    assert!(
        metadata.status.success(),
        "{}",
        String::from_utf8_lossy(&metadata.stderr)
    );
    let metadata: Value = serde_json::from_slice(&metadata.stdout).expect("metadata is JSON");
    let allowed = allowed();
    let wrong: Vec<String> = metadata["packages"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|package| !may_use(package["license"].as_str().unwrap_or_default(), &allowed))
        .map(|package| {
            format!(
                "{} {}: {}",
                package["name"], package["version"], package["license"]
            )
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn a_copyleft_licence_is_refused_and_a_choice_is_taken() {
    let allowed = allowed();
    assert!(may_use("MIT OR GPL-3.0-only", &allowed));
    assert!(may_use("MIT/Apache-2.0", &allowed));
    assert!(!may_use("GPL-3.0-only", &allowed));
    assert!(!may_use("MIT AND AGPL-3.0-only", &allowed));
    assert!(!may_use("MPL-2.0", &allowed));
    assert!(!may_use("", &allowed));
}
