//! The published schemas and the code judge alike.

use countersign_protocol::{
    Digest, HandoffId,
    approval::{NotCounted, VoteRecord},
    check::{CheckReport, CheckResult, Checked, Ended, OnFailure},
    decision::{
        ChangeRequest, DecidedArtifact, DecidedBy, DecisionDocument, LogReference, OpenThread,
        Outcome, RequestAnswer, Resume, Said,
    },
    dialect,
    edit::{Edit, Edited},
    envelope::Envelope,
    handoff::Profile,
    partial::PartialSeen,
    place::{Cell, Place},
    principal::{Method, Principal, Verified},
    problem::{ProblemKind, Refusal},
    receipt::{ErrorsDocument, Links, Receipt, ReceiptStatus},
    schema,
    terms::Terms,
};
use jsonschema::{PatternOptions, Registry, Validator};
use serde_json::Value;

use crate::corpus::{self, Case};

/// A trace parent.
const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Rules that a schema cannot say; the code alone knows them.
const BEYOND_SCHEMA: &[&str] = &["path", "duplicate", "reference", "circle", "contradiction"];

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
    assert_eq!(kinds.len(), ProblemKind::NotOpen as usize + 1);
}

/// What the daemon writes, as it writes it, must match; so must its other end, without what is optional.
fn assert_matches(name: &str, document: &Value, optional: &[&str]) {
    let validator = validator(name);
    let mut bare = document.clone();
    for field in optional {
        assert!(
            bare.as_object_mut().unwrap().shift_remove(*field).is_some(),
            "{field}"
        );
    }
    for document in [document, &bare] {
        let errors: Vec<_> = validator
            .iter_errors(document)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:#?} in {document:#}");
    }
    let known = parse(schema::get(name).unwrap().text);
    for field in document.as_object().unwrap().keys() {
        assert!(
            known["properties"].get(field).is_some(),
            "{name} does not know {field}"
        );
    }
    for field in known["required"].as_array().unwrap() {
        bare.as_object_mut()
            .unwrap()
            .shift_remove(field.as_str().unwrap());
    }
    assert_eq!(
        bare,
        serde_json::json!({}),
        "{name} misses a required field"
    );
}

#[test]
fn a_decision_matches_its_schema() {
    let digest = Digest::of(b"bytes");
    let decision = DecisionDocument {
        decision_version: "1.0".to_owned(),
        handoff_id: HandoffId(7),
        agent_handoff_id: Some("h-7".to_owned()),
        task_id: Some("build/42".to_owned()),
        revision: 2,
        handoff_sha256: digest,
        manifest_sha256: digest,
        outcome: Outcome::ChangesRequested,
        decided_at: jiff::Timestamp::UNIX_EPOCH,
        decided_by: DecidedBy {
            principal: "local:maya".to_owned(),
            display: "Maya".to_owned(),
            method: Method::EmailLink,
            verified: Some(Verified::Passkey {
                passkey: "0011223344556677".to_owned(),
            }),
        },
        votes: vec![VoteRecord {
            principal: "sam".to_owned(),
            display: "Sam".to_owned(),
            outcome: Outcome::Approved,
            at: jiff::Timestamp::UNIX_EPOCH,
            verified: Some(Verified::FreshSignIn),
            not_counted: Some(NotCounted::AccountDisabled),
        }],
        comment: Some("Nearly.".to_owned()),
        requests: vec![ChangeRequest {
            id: "q1".to_owned(),
            path: Some("report.md".to_owned()),
            line: Some(3),
            text: "Name the source.".to_owned(),
            ..ChangeRequest::default()
        }],
        threads: vec![OpenThread {
            thread: 1,
            revision: 1,
            place: Place {
                path: Some("figures.csv".to_owned()),
                sha256: Some(digest),
                cell: Some(Cell {
                    sheet: None,
                    row: 3,
                    column: Some("amount".to_owned()),
                }),
                ..Place::default()
            },
            said: vec![Said {
                by: "Maya".to_owned(),
                at: jiff::Timestamp::UNIX_EPOCH,
                text: "Is this net?".to_owned(),
            }],
        }],
        artifacts: vec![DecidedArtifact {
            path: "report.md".to_owned(),
            sha256: digest,
        }],
        released_to: Some("approved/H-7".to_owned()),
        reasons: vec!["no-source".to_owned()],
        answers: vec![RequestAnswer {
            request: Some("r1".to_owned()),
            outcome: Outcome::Edited,
            comment: None,
            edited: Some(serde_json::json!({ "name": "send" })),
            value: Some(serde_json::json!({ "date": "2026-12-01" })),
            stated: serde_json::Map::new(),
        }],
        edited: Some(Edited {
            files: vec![Edit {
                path: "report.md".to_owned(),
                before_sha256: digest,
                sha256: digest,
                size: 5,
            }],
            manifest_sha256: digest,
            patch_sha256: digest,
        }),
        terms: Terms {
            valid_until: Some(jiff::Timestamp::UNIX_EPOCH),
            single_use: true,
        },
        envelope: Envelope {
            provider_id: Some("openai".to_owned()),
            adapter_version: Some("0.7.2".to_owned()),
            latency_budget_ms: Some(2_000),
            timeout_ms: Some(60_000),
            expected_output_format: Some("text/markdown".to_owned()),
        }
        .answered(jiff::Timestamp::UNIX_EPOCH, jiff::Timestamp::UNIX_EPOCH),
        partial: Some(PartialSeen {
            folder: "partial".to_owned(),
            through: 3,
            whole: false,
            sha256: digest,
        }),
        resume: Resume {
            dialect: "handoff".to_owned(),
            from_checkpoint: Some(6),
            payload: Value::Null,
        },
        log: LogReference {
            index: 12,
            hash: digest,
        },
    };
    let optional = [
        "agent_handoff_id",
        "task_id",
        "comment",
        "requests",
        "threads",
        "released_to",
        "reasons",
        "answers",
        "edited",
        "terms",
        "envelope",
        "partial",
        "votes",
    ];
    assert_matches(
        "decision",
        &serde_json::to_value(decision).unwrap(),
        &optional,
    );
}

#[test]
fn a_receipt_matches_its_schema_whoever_delivered() {
    let digest = Digest::of(b"bytes");
    let warnings = Refusal::new(
        ProblemKind::InvalidContract,
        "unknown_field",
        "is odd",
        "Fix it.",
    );
    let ended = [
        Ended::Exited { code: 1 },
        Ended::Killed { signal: 9 },
        Ended::TimedOut,
        Ended::TooMuchOutput,
        Ended::NotRun {
            why: "it is gone".to_owned(),
        },
    ];
    let results = ended.map(|ended| CheckResult {
        name: "tests".to_owned(),
        on_failure: OnFailure::Hold,
        ended,
        milliseconds: 12,
        output_sha256: digest,
        output_bytes: 5,
    });
    let checked = Checked {
        handoff: HandoffId(7),
        revision: 1,
        manifest_sha256: digest,
        results: results.to_vec(),
    };
    for principal in [
        Principal::FileOwner { uid: 1000 },
        Principal::Token {
            id: "t1".to_owned(),
            agent: "hermes-main".to_owned(),
        },
        Principal::Operator,
    ] {
        let receipt = Receipt {
            receipt_version: "1.0".to_owned(),
            status: ReceiptStatus::Accepted,
            handoff_id: HandoffId(7),
            revision: 1,
            received_at: jiff::Timestamp::UNIX_EPOCH,
            handoff_sha256: digest,
            manifest_sha256: digest,
            contract_version: "1.0".to_owned(),
            profile: "minimal".to_owned(),
            principal,
            from_agent: "hermes-main".to_owned(),
            files: 1,
            warnings: warnings.violations.clone(),
            checks: CheckReport::of(&[], Some(&checked)),
            traceparent: Some(TRACE.parse().unwrap()),
            links: Links {
                review: "http://127.0.0.1:7420/h/H-7".to_owned(),
                status: "http://127.0.0.1:7420/api/v1/handoffs/H-7".to_owned(),
            },
        };
        assert_matches(
            "receipt",
            &serde_json::to_value(receipt).unwrap(),
            &["warnings", "checks", "traceparent"],
        );
    }
}

#[test]
fn every_refusal_matches_its_schema() {
    let now = jiff::Timestamp::UNIX_EPOCH;
    for case in corpus::cases("invalid") {
        let refusal = case.judge().unwrap_err();
        let digest = Some(Digest::of(&case.bytes));
        let document = ErrorsDocument::new(&refusal, "handoff.json", digest, now);
        assert_matches(
            "errors",
            &serde_json::to_value(document).unwrap(),
            &["handoff_sha256"],
        );
    }
}
