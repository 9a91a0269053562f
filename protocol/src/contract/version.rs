//! Which version of a document is spoken.

use serde_json::{Map, Value};

use super::findings::{Findings, Words, meant, pointer};
use crate::{
    dialect::{Format, found},
    problem::ProblemKind::{InvalidContract, UnknownDialect, UnsupportedVersion},
};

/// The versions of the contract that are spoken here.
pub const SUPPORTED: &[&str] = &["1.0"];

const SMALLEST_HANDOFF: &str = r#"The smallest handoff is {"handoff_version": "1.0", "from_agent": "hermes-main", "task": "Draft the Q3 risk summary"}."#;
const SMALLEST_ANSWER: &str =
    r#"The smallest answer is {"answer_version": "1.0", "answer": "accept"}."#;
const SMALLEST_CHECKPOINT: &str = r#"The smallest checkpoint is {"checkpoint_version": "1.0", "from_agent": "hermes-main", "step": 1}."#;

/// Checks the version in `field`. `None` when nothing else can be said about the document.
pub(super) fn check(
    findings: &mut Findings<'_>,
    content: &Map<String, Value>,
    field: &str,
) -> Option<String> {
    let at = pointer("", field);
    let smallest = match field {
        "handoff_version" => SMALLEST_HANDOFF,
        "answer_version" => SMALLEST_ANSWER,
        _ => SMALLEST_CHECKPOINT,
    };
    let Some(value) = content.get(field) else {
        let near = content
            .keys()
            .find(|key| *key == "version" || meant(key, std::iter::once(field)).is_some());
        let fix = match near {
            Some(key) => format!("Rename \"{key}\" to \"{field}\". {smallest}"),
            None => smallest.to_owned(),
        };
        findings.missing(
            UnknownDialect,
            "",
            &at,
            Words::new("version", "is missing", fix),
        );
        return None;
    };
    let example = match findings.document.format() {
        Format::Json => format!("Write \"{field}\": \"1.0\", in quotes."),
        Format::Yaml => format!("Write {field}: \"1.0\", in quotes."),
    };
    let Value::String(version) = value else {
        let message = format!("must be the text \"1.0\"; {} here", found(value));
        findings.wrong(InvalidContract, &at, Words::new("type", message, example));
        return Some("1.0".to_owned());
    };
    match parse(version) {
        Some((1, 0)) => Some(version.clone()),
        Some((1, _)) => {
            let message = format!(
                "is {version}; version 1.0 is spoken here, so newer fields are kept and not used"
            );
            findings.warn(
                &at,
                Words::new("version", message, "Nothing needs to be done."),
            );
            Some(version.clone())
        }
        Some(_) => {
            let message = format!(
                "is {version}, which is not spoken here; supported: {}",
                SUPPORTED.join(", ")
            );
            let fix = format!("Write the document as version {}.", SUPPORTED.join(" or "));
            findings.wrong(UnsupportedVersion, &at, Words::new("version", message, fix));
            None
        }
        None => {
            let message = "must be a version such as \"1.0\"";
            findings.wrong(
                InvalidContract,
                &at,
                Words::new("pattern", message, example),
            );
            Some("1.0".to_owned())
        }
    }
}

fn parse(version: &str) -> Option<(u32, u32)> {
    let number = |part: &str| {
        let plain = (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| part.parse().ok())?
    };
    let (major, minor) = version.split_once('.')?;
    if major.len() > 1 && major.starts_with('0') {
        return None;
    }
    Some((number(major)?, number(minor)?))
}
