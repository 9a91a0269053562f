//! A diagnostic as people and screen readers get it.

use super::*;

fn violation(line: u32, column: u32) -> Violation {
    Violation {
        code: "type".to_owned(),
        pointer: "/confidence".to_owned(),
        line,
        column,
        message: "must be a number between 0 and 1".to_owned(),
        fix: Some("write 0.9".to_owned()),
    }
}

#[test]
fn a_violation_is_drawn_under_its_value() {
    let text = "{\n  \"task\": \"x\",\n  \"confidence\": \"high\",\n}\n";
    let drawing = Drawing::of_violation(&violation(3, 17), "a/handoff.json", text);
    assert_eq!(
        drawing.render(false),
        "error: /confidence must be a number between 0 and 1\n \
         --> a/handoff.json:3:17\n  \
         |\n\
         3 |   \"confidence\": \"high\",\n  \
         |                 ^^^^^^\n  \
         |\n\
         hint: write 0.9"
    );
}

#[test]
fn a_violation_without_a_place_is_a_sentence() {
    let drawing = Drawing::of_violation(&violation(0, 0), "handoff.json", "");
    assert_eq!(
        drawing.render(false),
        "error: /confidence must be a number between 0 and 1\n |\nhint: write 0.9"
    );
}

#[test]
fn long_and_hostile_lines_are_cut_and_inert() {
    let long = "a".repeat(5_000);
    let line = format!("{long}\"\x1b[2J\u{202e}\"{long}");
    let drawn = Drawing::of_violation(&violation(1, 5_001), "f\x1b", &line).render(false);
    assert!(drawn.contains("\n --> f�:1:5001\n"), "{drawn}");
    assert!(drawn.contains("\"�[2J�\""), "{drawn}");
    assert!(drawn.contains("^^^^^^^\n"), "{drawn}");
    assert!(
        drawn.lines().all(|line| line.chars().count() < 120),
        "{drawn}"
    );
    assert_eq!(mark("", 1, 1), (String::new(), 0..0));
    assert_eq!(mark("ab", 99, 3).1, 2..2);
}

#[test]
fn the_mark_is_as_long_as_the_value() {
    for (line, column, width) in [
        (r#"{"a": "b\"c", "d": 12}"#, 7, 6),
        (r#"{"a": 12}"#, 7, 2),
        (r#"{"a": [1]}"#, 7, 1),
        ("task: x y", 1, 4),
        ("", 1, 1),
    ] {
        assert_eq!(token(line, column), width, "{line} {column}");
    }
}
