//! What is a reference, and where it leads.

use serde_json::json;

use super::*;

#[test]
fn references_are_found_wherever_they_stand_and_once() {
    let document = json!({
        "evidence_refs": ["deploy:prod-17", "trace:abc123", "deploy:prod-17", 7, " "],
        "context": {"hypothesis": {"evidence_refs": "log:9"}},
        "requests": [{"id": "a", "evidence_refs": ["see above"]}],
        "evidence": ["not:looked-at"],
    });
    let mut found = references(&document);
    found.sort();
    let texts: Vec<_> = found.iter().map(Reference::as_str).collect();
    assert_eq!(
        texts,
        ["deploy:prod-17", "log:9", "see above", "trace:abc123"]
    );
    let parts: Vec<_> = found.iter().filter_map(Reference::parts).collect();
    assert_eq!(
        parts,
        [("deploy", "prod-17"), ("log", "9"), ("trace", "abc123")]
    );
}

#[test]
fn a_document_full_of_references_costs_little() {
    let many: Vec<_> = (0..10_000).map(|number| format!("t:{number}")).collect();
    let long = "t:".to_owned() + &"x".repeat(600);
    assert_eq!(references(&json!({KEY: many})).len(), 64);
    assert!(references(&json!({KEY: [long]})).is_empty());
    let mut deep = json!({KEY: ["t:1"]});
    for _ in 0..40 {
        deep = json!([deep]);
    }
    assert!(references(&deep).is_empty());
}

#[test]
fn no_reference_leads_to_another_host_or_out_of_its_place() {
    let template: Template = "https://traces.example.org/t/{id}?full=1".parse().unwrap();
    for (id, expected) in [
        ("4bf9-A_~.x", "4bf9-A_~.x"),
        ("../../admin", "..%2F..%2Fadmin"),
        ("@evil.example/", "%40evil.example%2F"),
        ("a b#c?d=e&f", "a%20b%23c%3Fd%3De%26f"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        ("ü\n", "%C3%BC%0A"),
    ] {
        let expected = format!("https://traces.example.org/t/{expected}?full=1");
        assert_eq!(template.address(id), Some(expected));
    }
    assert_eq!(
        (template.address("."), template.address("..")),
        (None, None)
    );
}

#[test]
fn templates_that_let_a_reference_choose_the_host_are_refused() {
    for bad in [
        "javascript:{id}",
        "{id}",
        "https://{id}/",
        "https://{id}.example.org/",
        "https://example.org{id}",
        "https://user@{id}/",
        "https://me@example.org/{id}",
        "https:///{id}",
        "https://example.org/",
        "https://example.org/{id}/{id}",
        "https://example.org/{id}/{name}",
        "https://example.org/ {id}",
        "ftp://example.org/{id}",
    ] {
        assert!(bad.parse::<Template>().is_err(), "{bad}");
    }
    let good = "http://localhost:8080?trace={id}";
    assert_eq!(good.parse::<Template>().unwrap().to_string(), good);
}

#[test]
fn schemes_are_plain_words() {
    assert!(["deploy", "x-1", "a.b+c_d"].into_iter().all(is_scheme));
    assert!(
        !["", "Deploy", "1x", "a b", "ü", &"a".repeat(33)]
            .into_iter()
            .any(is_scheme)
    );
}
