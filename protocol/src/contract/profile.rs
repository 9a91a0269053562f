//! Profiles: what else must be there.

use serde_json::{Map, Value};

use super::{
    fields::HANDOFF,
    findings::{Findings, Words, pointer},
    walk,
};
use crate::{
    handoff::Profile,
    problem::ProblemKind::{self, InvalidContract, ProfileRequired},
};

const CONTRACT: &[&str] = &[
    "task",
    "summary",
    "confidence",
    "reason",
    "expected_output",
    "scope",
    "provenance",
    "fallback",
];

const REGULATED: &[&str] = &[
    "classification",
    "regulatory_reference",
    "sign_off_gates",
    "created_at",
];

/// The profile that the document asks for.
pub(super) fn stated(content: &Map<String, Value>) -> Profile {
    match content.get("profile").and_then(Value::as_str) {
        Some("contract") => Profile::Contract,
        Some("regulated") => Profile::Regulated,
        _ => Profile::Minimal,
    }
}

/// Checks `content` against the stricter of what it asks for and `least`.
pub(super) fn check(
    findings: &mut Findings<'_>,
    content: &Map<String, Value>,
    least: Profile,
) -> Profile {
    let stated = stated(content);
    let effective = stated.max(least);
    for (profile, names) in [
        (Profile::Contract, CONTRACT),
        (Profile::Regulated, REGULATED),
    ] {
        if profile > effective {
            break;
        }
        let asked = Asked::by(profile, stated);
        for name in names {
            asked.field(findings, content, name);
        }
        if profile == Profile::Contract
            && !["deadline", "timeout_seconds", "timeout_ms"]
                .iter()
                .any(|name| content.contains_key(*name))
        {
            let fix = "Add \"timeout_seconds\": 3600, or a deadline.";
            asked.missing(findings, "timeout_seconds", fix.to_owned());
        }
    }
    effective
}

/// Who asks for a profile.
struct Asked {
    kind: ProblemKind,
    code: &'static str,
    by: String,
}

impl Asked {
    fn by(profile: Profile, stated: Profile) -> Self {
        let name = profile.name();
        if profile <= stated {
            Self {
                kind: InvalidContract,
                code: "required",
                by: format!("the profile `{name}`, which the document asks for, needs it"),
            }
        } else {
            Self {
                kind: ProfileRequired,
                code: "profile",
                by: format!("the workspace asks for the profile `{name}`"),
            }
        }
    }

    fn field(&self, findings: &mut Findings<'_>, content: &Map<String, Value>, name: &str) {
        let empty = match content.get(name) {
            None => {
                let known = HANDOFF.iter().find(|field| field.name == name);
                let fix = known.map_or_else(String::new, |f| walk::add(f, content, HANDOFF));
                return self.missing(findings, name, fix);
            }
            Some(Value::String(said)) => said.trim().is_empty(),
            Some(Value::Array(items)) => items.is_empty(),
            Some(_) => false,
        };
        if empty {
            let message = format!("must not be empty; {}", self.by);
            let words = Words::new(self.code, message, "Say something in it.");
            findings.wrong(self.kind, &pointer("", name), words);
        }
    }

    fn missing(&self, findings: &mut Findings<'_>, name: &str, fix: String) {
        let words = Words::new(self.code, format!("is missing; {}", self.by), fix);
        findings.missing(self.kind, "", &pointer("", name), words);
    }
}
