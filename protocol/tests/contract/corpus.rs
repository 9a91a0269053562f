//! Every document in `testdata`. Beside each stands `<name>.expected.json`: what the program says.
//!
//! After a change that is meant, run with `COUNTERSIGN_EXPECT=write` and read the difference.

use std::path::{Path, PathBuf};

use countersign_protocol::{
    contract::{self, Rules},
    dialect::{self, Document, Format},
    handoff::Profile,
    problem::{Refusal, Violation},
};
use serde_json::{Value, json};

/// A document of the corpus.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) format: Format,
    pub(crate) least: Profile,
    expected: PathBuf,
}

impl Case {
    pub(crate) fn is_checkpoint(&self) -> bool {
        self.name.starts_with("checkpoint-")
    }

    /// The warnings, or the refusal, as the program finds them.
    pub(crate) fn judge(&self) -> Result<Vec<Violation>, Refusal> {
        dialect::read(&self.bytes, self.format).and_then(|document| self.check(&document))
    }

    pub(crate) fn check(&self, document: &Document) -> Result<Vec<Violation>, Refusal> {
        let rules = Rules { least: self.least };
        if self.is_checkpoint() {
            contract::check_checkpoint(document).map(|(_, warnings)| warnings)
        } else {
            contract::check(document, rules).map(|checked| checked.warnings)
        }
    }
}

/// The documents in `testdata/<folder>`, by name.
pub(crate) fn cases(folder: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(folder);
    let mut cases = Vec::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let format = match path.extension().and_then(|ext| ext.to_str()) {
            Some("json") if !name.ends_with(".expected.json") => Format::Json,
            Some("yaml") => Format::Yaml,
            _ => continue,
        };
        let least = match () {
            () if name.starts_with("workspace-asks-regulated") => Profile::Regulated,
            () if name.starts_with("workspace-asks-") => Profile::Contract,
            () => Profile::Minimal,
        };
        cases.push(Case {
            bytes: std::fs::read(&path).unwrap(),
            format,
            least,
            expected: path.with_extension("expected.json"),
            name,
        });
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

fn rows(violations: &[Violation]) -> Value {
    violations
        .iter()
        .map(|v| json!([v.code, v.pointer, v.line, v.column]))
        .collect()
}

fn compare(case: &Case, actual: &Value) -> Option<String> {
    if std::env::var_os("COUNTERSIGN_EXPECT").is_some_and(|value| value == "write") {
        let text = actual
            .to_string()
            .replace("],[", "],\n  [")
            .replace(":[[", ":[\n  [")
            .replace("]]", "]\n]")
            + "\n";
        #[expect(
            clippy::disallowed_methods,
            reason = "the test data is written on request"
        )]
        std::fs::write(&case.expected, text).unwrap();
        return None;
    }
    let text = std::fs::read_to_string(&case.expected).unwrap_or_default();
    let expected: Value = serde_json::from_str(&text).unwrap_or_default();
    (expected != *actual)
        .then(|| format!("{}\n  expected {expected}\n  found    {actual}", case.name))
}

#[test]
fn every_valid_document_passes_with_its_warnings() {
    let cases = cases("valid");
    assert!(cases.len() >= 15);
    let wrong: Vec<_> = cases
        .iter()
        .filter_map(|case| {
            let warnings = case
                .judge()
                .unwrap_or_else(|refusal| panic!("{}: {refusal:#?}", case.name));
            compare(case, &json!({ "warnings": rows(&warnings) }))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_invalid_document_is_refused_as_expected() {
    let cases = cases("invalid");
    assert!(cases.len() >= 60);
    let wrong: Vec<_> = cases
        .iter()
        .filter_map(|case| {
            let Err(refusal) = case.judge() else {
                return Some(format!("{} passes", case.name));
            };
            for violation in &refusal.violations {
                assert!(violation.fix.is_some(), "{}: {violation:?}", case.name);
                assert!(violation.message.chars().count() < 600, "{violation:?}");
            }
            let kind = refusal.kind.name();
            compare(
                case,
                &json!({ "kind": kind, "violations": rows(&refusal.violations) }),
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_baseline_is_accepted_word_for_word_in_both_readings() {
    let check = |name: &str| {
        let case = cases("valid").into_iter().find(|case| case.name == name);
        let document = dialect::read(&case.unwrap().bytes, Format::Yaml).unwrap();
        contract::check(&document, Rules::default())
            .unwrap()
            .handoff
    };
    let flat = check("baseline-word-for-word.yaml");
    assert_eq!(flat.task_id.as_deref(), Some("build-spfx-webpart-42"));
    assert_eq!(flat.completed.len(), 3);
    assert_eq!(flat.pitfalls_hit.len(), 2);
    assert_eq!(flat.decisions.len(), 2);
    assert_eq!(flat.document["node_version"], "22.11.0");
    let nested = check("decisions-in-context.yaml");
    assert_eq!(nested.pitfalls_hit.len(), 1);
    assert_eq!(nested.decisions, ["Used React hooks"]);
}

#[test]
fn words_of_older_yaml_stay_text() {
    let case = cases("valid")
        .into_iter()
        .find(|case| case.name == "words-of-yaml-1-1.yaml");
    let document = dialect::read(&case.unwrap().bytes, Format::Yaml).unwrap();
    assert_eq!(
        document.value,
        json!({
            "handoff_version": "1.0", "from_agent": "no", "task": "yes", "title": "on",
            "context": {
                "off": "y", "octal": 15, "hex": 31, "leading": 7, "sci": 1000.0,
                "date": "2026-11-20", "tilde": null, "yes": 1,
            },
        })
    );
}
