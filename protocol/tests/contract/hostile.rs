//! Documents made to hurt. Each is refused for what it is, and none costs a stack or a minute.

use countersign_protocol::{
    contract::{self, MAX_BYTES, Rules},
    dialect::{self, Format},
    problem::{ProblemKind, Refusal},
};

fn refused(text: &[u8], format: Format) -> Refusal {
    match dialect::read(text, format).and_then(|d| contract::check(&d, Rules::default())) {
        Ok(_) => panic!("it passes"),
        Err(refusal) => refusal,
    }
}

#[test]
fn the_size_limit_is_exact() {
    let smallest = br#"{"handoff_version":"1.0","from_agent":"a","task":"t"}"#;
    let mut bytes = smallest.to_vec();
    bytes.resize(MAX_BYTES, b' ');
    assert!(dialect::read(&bytes, Format::Json).is_ok());
    bytes.push(b' ');
    assert_eq!(refused(&bytes, Format::Json).kind, ProblemKind::TooLarge);
}

#[test]
fn nesting_ends_at_the_limit_and_never_in_the_stack() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        let depth = 100_000 / open.len();
        let closed = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        for text in [closed, open.repeat(depth)] {
            assert_eq!(
                refused(text.as_bytes(), Format::Json).kind,
                ProblemKind::TooDeep
            );
        }
    }
    for open in ["[", "{a: ", "- ", "? ", "- ? ", "[{"] {
        let text = open.repeat(100_000 / open.len());
        let expected = if open.contains('?') {
            ProblemKind::MalformedYaml
        } else {
            ProblemKind::TooDeep
        };
        assert_eq!(
            refused(text.as_bytes(), Format::Yaml).kind,
            expected,
            "{open:?}"
        );
    }
}

#[test]
fn a_document_full_of_mistakes_gets_a_list_of_bounded_length() {
    let head = r#"{"handoff_version":"1.0","from_agent":"a","task":"t","#;
    let keys: Vec<_> = (0..15_000).map(|n| format!("\"tesk{n}\":{n}")).collect();
    let unknown = format!("{head}{}}}", keys.join(","));
    let document = dialect::read(unknown.as_bytes(), Format::Json).unwrap();
    let checked = contract::check(&document, Rules::default()).unwrap();
    assert_eq!(checked.warnings.len(), 100);

    let gates: Vec<_> = (0..16)
        .map(|_| format!("{{\"after\":[{}]}}", vec!["7"; 16].join(",")))
        .collect();
    let wrong = format!("{head}\"sign_off_gates\":[{}]}}", gates.join(","));
    let refusal = refused(wrong.as_bytes(), Format::Json);
    assert_eq!(refusal.violations.len(), 101);
    assert_eq!(refusal.violations[100].code, "more");
}

#[test]
fn what_repeats_without_end_is_answered_in_one_pass() {
    let head = r#"{"handoff_version":"1.0","from_agent":"a","task":"t","#;
    let gates: Vec<_> = (0..5_000)
        .map(|n| format!("{{\"id\":\"g{n}\",\"after\":[\"g{}\"]}}", n + 1))
        .collect();
    let text = format!("{head}\"sign_off_gates\":[{}]}}", gates.join(","));
    let refusal = refused(text.as_bytes(), Format::Json);
    assert_eq!(refusal.violations[0].pointer, "/sign_off_gates");

    let key = "\\\\".repeat(25_000);
    let text = format!("{head}\n\"{key}\":1,\n\"{key}\":2}}");
    let refusal = refused(text.as_bytes(), Format::Json);
    assert_eq!(refusal.kind, ProblemKind::DuplicateKey);
    assert_eq!(
        (refusal.violations[0].line, refusal.violations[0].column),
        (3, 1)
    );
}

#[test]
fn long_keys_long_lines_and_many_values_stay_cheap() {
    let long = "k".repeat(100_000);
    let zeros = vec!["0"; 50_000].join(",");
    let text = format!("{{\"{long}\":[{zeros}],\"handoff_version\":\"1.0\"}}");
    let refusal = refused(text.as_bytes(), Format::Json);
    assert_eq!(refusal.kind, ProblemKind::InvalidContract);
    let last = refusal.violations.last().unwrap();
    assert_eq!(
        (last.pointer.as_str(), last.line, last.column),
        ("/task", 1, 1)
    );

    let yaml =
        format!("handoff_version: '1.0'\nfrom_agent: a\ntask: t\ncontext: {{list: [{zeros}]}}\n");
    let document = dialect::read(yaml.as_bytes(), Format::Yaml).unwrap();
    assert_eq!(document.place("/context/list/49999"), (4, 18 + 99_998));
}
