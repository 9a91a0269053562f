//! Contracts are negotiated, told apart and kept from harm.

use countersign_protocol::{contract::Rules, dialect::Format, problem::ProblemKind};
use serde_json::{Value, json};

use super::*;

fn contract(name: &str, version: (u32, u32), schema: Value) -> Contract {
    Contract {
        checks: Vec::new(),
        confidence_floor: None,
        progress_from: None,
        result_confidence: None,
        name: name.to_owned(),
        version,
        purpose: Some("Find the cause.".to_owned()),
        schema,
        file: "contracts/one.json".to_owned(),
        from: None,
        to: Some("b".to_owned()),
        task: Some("incident_id".to_owned()),
        reads: vec!["services".to_owned()],
        max_bytes: Some(200),
    }
}

fn contracts(versions: &[(u32, u32)]) -> Contracts {
    let schema = json!({
        "type": "object",
        "required": ["services"],
        "properties": {"services": {"type": "array"}, "extra": true},
    });
    let one = |version: &(u32, u32)| contract("peer", *version, schema.clone());
    Contracts {
        all: versions.iter().map(one).collect(),
    }
}

#[test]
fn versions_are_negotiated_or_refused() {
    let all = contracts(&[(1, 0), (1, 2), (2, 0)]);
    for (wanted, found) in [
        ("peer", Some("peer@2.0")),
        ("peer@1", Some("peer@1.2")),
        ("peer@1.0", Some("peer@1.0")),
        ("peer@1.1", Some("peer@1.2")),
        ("peer@1.3", None),
        ("peer@3", None),
        ("peer@one", None),
        ("other", None),
    ] {
        let negotiated = all.negotiate(wanted);
        assert_eq!(
            negotiated.ok().map(Contract::id).as_deref(),
            found,
            "{wanted}"
        );
    }
    let refusal = all.negotiate("peer@1.3").unwrap_err();
    assert_eq!(refusal.kind, ProblemKind::ContractRefused);
    let fix = refusal.violations[0].fix.as_deref().unwrap();
    assert_eq!(fix, "spoken here: peer@1.0, peer@1.2, peer@2.0");
    let document = json!({"contract": "peer@1.1", "services": []});
    let (id, warnings) = all.judge(&document).unwrap();
    assert_eq!(id.as_deref(), Some("peer@1.2"));
    assert_eq!(warnings[0].code, "negotiated");
}

#[test]
fn what_nobody_needs_is_told() {
    let all = contracts(&[(1, 0)]);
    let document = json!({
        "contract": "peer@1.0", "services": ["a"], "extra": 1, "more": "x".repeat(200), "x-own": 1,
    });
    let (_, warnings) = all.judge(&document).unwrap();
    let pointers: Vec<&str> = warnings.iter().map(|one| one.pointer.as_str()).collect();
    assert_eq!(pointers, ["/extra", "/more", ""]);
    assert!(
        all.judge(&json!({"contract": "peer", "services": 1}))
            .is_err()
    );
}

#[test]
fn a_document_that_is_no_handoff_is_taken_by_its_contract_byte_for_byte() {
    let all = contracts(&[(1, 0)]);
    let text = br#"{"incident_id": "inc-7", "services": ["shop"], "confidence": 0.74}"#;
    let rules = Rules::default();
    let read = all.read(text, Format::Json, rules, Some("a")).unwrap();
    let handoff = &read.checked.handoff;
    assert_eq!(handoff.from_agent.id, "a");
    assert_eq!(handoff.to_agent.as_ref().unwrap().id, "b");
    assert_eq!(handoff.task_id.as_deref(), Some("inc-7"));
    assert_eq!(read.document.value["confidence"], json!(0.74));
    assert_eq!(handoff.context["services"], json!(["shop"]));
    assert_eq!(read.contract.as_deref(), Some("peer@1.0"));
    // Nobody says who it is from.
    assert!(all.read(text, Format::Json, rules, None).is_err());
    let broken = br#"{"incident_id": "inc-7"}"#;
    let refusal = all
        .read(broken, Format::Json, rules, Some("a"))
        .unwrap_err();
    assert_eq!(refusal.kind, ProblemKind::InvalidContract);
    let other = br#"{"hello": "world"}"#;
    let refusal = all.read(other, Format::Json, rules, Some("a")).unwrap_err();
    assert_eq!(refusal.kind, ProblemKind::UnknownDialect);
}

#[test]
fn a_schema_that_would_never_end_or_leave_is_not_used() {
    for bad in [
        json!({"$ref": "#"}),
        json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
        json!({"properties": {"a": {"$ref": "#/properties/a"}}}),
        json!({"$ref": "https://example.org/schema.json"}),
        json!({"$ref": "file:///etc/passwd"}),
        json!({"$ref": "#/nowhere"}),
        json!({"$dynamicRef": "#x"}),
        json!({"properties": {"a": {"$id": "urn:other", "$ref": "#/x"}}}),
        json!("text"),
    ] {
        assert!(unfit(&bad).is_some(), "{bad}");
        assert!(check_schema(&bad, &json!({}), "").is_err(), "{bad}");
    }
    let good = json!({
        "$id": "urn:one",
        "properties": {"a": {"$ref": "#/$defs/number"}, "$ref": {"type": "string"}},
        "$defs": {"number": {"type": "number"}},
    });
    assert_eq!(unfit(&good), None);
    assert!(check_schema(&good, &json!({"a": 1}), "").is_ok());
    let violations = check_schema(&good, &json!({"a": "x"}), "/result").unwrap_err();
    assert_eq!(violations[0].pointer, "/result/a");
}
