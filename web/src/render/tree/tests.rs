//! Values that differ, and what cannot be taken as a value.

use super::*;

fn say(old: &str, new: &str) -> Vec<String> {
    let tree = diff(&json(old).unwrap(), &json(new).unwrap());
    let side = |value: &Option<String>| value.clone().unwrap_or("·".to_owned());
    let changes = tree.changes.iter();
    changes
        .map(|c| format!("{} {} -> {}", c.path, side(&c.old), side(&c.new)))
        .collect()
}

#[test]
fn values_are_named_by_their_path() {
    assert_eq!(
        say(
            r#"{"a":1,"b":{"c":[1,2,3],"d e":true},"gone":null}"#,
            r#"{"a":2,"b":{"c":[1,9,2,3],"d e":"x"},"new":{}}"#
        ),
        [
            "a 1 -> 2",
            "b.c[1] · -> 9",
            "b[\"d e\"] true -> \"x\"",
            "new · -> {}",
            "gone null -> ·",
        ]
    );
    assert!(say("{\"a\": [1, 2]}", "{\n  \"a\": [1,2]\n}").is_empty());
    assert_eq!(say("[{\"p\":1}]", "[{\"p\":2}]"), ["[0].p 1 -> 2"]);
    assert_eq!(say("{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}").len(), 1);
}

#[test]
fn what_a_reader_would_lose_is_not_compared_as_values() {
    for text in [
        "{\"a\":1,\"a\":2}",
        "{\"id\": 12345678901234567890}",
        "{\"x\": 0.1000000000000000055511151231257827}",
        "{",
        "",
    ] {
        assert!(json(text).is_err(), "{text}");
    }
    json("{\"text\": \"12345678901234567890 \\\" 12345678901234567890\"}").unwrap();
    let deep = "[".repeat(100_000);
    assert!(json(&deep).is_err());
}

#[test]
fn toml_is_read_like_json() {
    let (old, new) = (
        toml("a = 1\n[t]\nd = 2026-01-01").unwrap(),
        toml("a = 1\n[t]\nd = 2026-01-02").unwrap(),
    );
    let tree = diff(&old, &new);
    assert_eq!(tree.changes.len(), 1);
    assert!(tree.changes[0].path.starts_with("t.d"), "{tree:?}");
    assert!(toml("a = 1\na = 2").is_err());
}

#[test]
fn many_changes_are_counted_and_not_all_shown() {
    let list = |shift: usize| {
        let items: Vec<String> = (0..MAX_CHANGES + 3)
            .map(|at| format!("\"k{at}\":{}", at + shift))
            .collect();
        json(&format!("{{{}}}", items.join(","))).unwrap()
    };
    let tree = diff(&list(0), &list(1));
    assert_eq!(tree.changes.len(), MAX_CHANGES);
    assert_eq!(tree.notes, ["2000 changes are shown; 3 more are not."]);
}
