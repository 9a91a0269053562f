//! Text fields at their limits.

use super::*;

#[test]
fn times_are_full_real_and_with_offset() {
    for good in [
        "2026-11-20T22:00:00Z",
        "2026-11-20T22:00:00.123456789+05:30",
        "2024-02-29T00:00:00-00:00",
        "2026-11-20t22:00:00z",
        "2026-11-20T22:00:00.123456789012Z",
        "2026-11-20T22:00:00.123456789012+05:30",
    ] {
        assert!(time(good).is_some(), "{good}");
    }
    for bad in [
        "2026-11-20",
        "2026-11-20 22:00:00Z",
        "2026-11-20T22:00:00",
        "2026-11-20T22:00Z",
        "2026-02-30T00:00:00Z",
        "2026-11-20T25:00:00Z",
        "2026-11-20T22:00:00.Z",
        "2026-11-20T22:00:00+0530",
        "2026-11-20T22:00:00+99:99",
        "2026-11-20T22:00:00Z[UTC]",
        "tomorrow",
        "",
        "2026-11-20T22:00:0é",
    ] {
        assert!(time(bad).is_none(), "{bad}");
    }
}

#[test]
fn ids_media_types_amounts_and_traces_have_their_grammar() {
    for (rule, good, bad) in [
        (Rule::Id, "a.b/c:d@e+f-g_h", "-a"),
        (Rule::Id, "7", "a b"),
        (Rule::Media, "text/markdown; charset=utf-8", "text"),
        (Rule::Media, "application/vnd.a+json", "text/"),
        (Rule::Amount, "0.25", "1."),
        (Rule::Amount, "123456789012", "1234567890123"),
        (
            Rule::Traceparent,
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        ),
        (Rule::Currency, "EUR", "eur"),
    ] {
        assert!(fits(&rule, good), "{good}");
        assert!(!fits(&rule, bad), "{bad}");
    }
}

#[test]
fn what_is_quoted_is_short_and_visible() {
    assert_eq!(quoted("a\u{202e}b\n"), "\"a\\u{202e}b\\u{a}\"");
    assert_eq!(quoted(&"x".repeat(99)).chars().count(), 43);
}
