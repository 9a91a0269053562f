//! Reading and printing queries.

mod properties;

use super::*;

fn canonical(text: &str) -> String {
    let parsed = parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    assert_eq!(parsed.notes, [], "{text}");
    parsed.query.to_string()
}

#[test]
fn the_table_of_operators_is_in_the_order_of_the_variants() {
    for (at, operator) in Operator::all().enumerate() {
        assert_eq!(operator as usize, at, "{}", operator.name());
        assert_eq!(Operator::read(operator.name()), Some((operator, None)));
    }
}

#[test]
fn both_spellings_become_one() {
    for (text, expected) in [
        ("", ""),
        ("connection  timeout", "connection timeout"),
        ("a AND b", "a b"),
        ("a OR b c", "a OR b c"),
        ("(a OR b) c", "(a OR b) c"),
        ("NOT a -b NOT -c", "-a -b c"),
        ("-(a b)", "-(a b)"),
        ("“build 7”", "\"build 7\""),
        ("„build 7“", "\"build 7\""),
        ("\"said “yes”\"", "\"said “yes”\""),
        ("\"“\"", "\"“\""),
        ("/x\\/y{2}/", "/x\\/y{2}/"),
        ("/etc/passwd", "\"/etc/passwd\""),
        ("--no-verify", "\"--no-verify\""),
        ("http://x std::fs 12:30", "http://x std::fs 12:30"),
        ("repo:billing from:hermes", "ws:billing agent:hermes"),
        ("larger:5MB smaller:1.5k", "size:>5mb size:<1500b"),
        ("older_than:14d newer_than:90m", "age:>2w age:<90m"),
        ("since:@last-mark:build", "changed:>@last-build"),
        ("since:yesterday since:2h", "changed:>=yesterday changed:2h"),
        ("changed:@rev:2..@rev:3", "changed:@rev:2..@rev:3"),
        ("changed:@build:318", "changed:>@build:318"),
        (
            "status:approve has:attachment",
            "decision:approved has:files",
        ),
        ("is:my_turn,Overdue", "is:(my-turn,overdue)"),
        ("agent:(a OR b, \"c d\")", "agent:(a,b,\"c d\")"),
        (
            "confidence:<floor confidence:80%",
            "confidence:<floor confidence:0.8",
        ),
        ("rev:2.. size:..5gib", "rev:>=2 size:<=5gib"),
        (
            "sort:new group:workspace a show:(files,count)",
            "a show:files show:count group:ws sort:newest",
        ),
        ("a OR b sort:newest", "(a OR b) sort:newest"),
        ("about:(x y) about:x", "about:(x,y)"),
        (
            "due:tomorrow before:2026-08 after:monday",
            "due:tomorrow before:2026-08 after:monday",
        ),
        ("ext:.MD path:\"a b/*.txt\"", "ext:md path:\"a b/*.txt\""),
        ("main() ()", "main"),
    ] {
        assert_eq!(canonical(text), expected, "{text}");
    }
}

#[test]
fn a_mistake_has_a_place_and_a_way_out() {
    for (text, message, start, end) in [
        ("a (b", "this `(` is not closed", 2, 3),
        ("a) b", "this `)` closes nothing", 1, 2),
        ("a \"b", "this quotation mark is not closed", 2, 3),
        ("OR a", "`OR` needs something on both sides", 0, 2),
        ("a OR", "`OR` needs something on both sides", 2, 4),
        ("(a OR ) b", "`OR` needs something on both sides", 3, 5),
        ("a NOT", "`NOT` needs something behind it", 2, 5),
        ("agent:(a, b", "this list is not closed", 6, 7),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.message, message, "{text}");
        assert_eq!((error.place.start, error.place.end), (start, end), "{text}");
        assert!(!error.hint.is_empty());
    }
    let deep = |levels| format!("{}a{}", "(".repeat(levels), ")".repeat(levels));
    assert!(parse(&deep(MAX_DEPTH)).is_ok());
    assert!(parse(&deep(MAX_DEPTH + 1)).is_err());
    assert!(parse(&"a ".repeat(MAX_TERMS)).is_ok());
    assert!(parse(&"a ".repeat(MAX_TERMS + 1)).is_err());
    assert!(parse(&format!("agent:({})", "b,".repeat(MAX_TERMS + 1))).is_err());
    assert!(parse(&"a".repeat(MAX_LENGTH + 1)).is_err());
}

#[test]
fn what_is_not_understood_is_left_out_and_said() {
    for (text, rest, note) in [
        (
            "agnet:hermes timeout",
            "timeout",
            "unknown operator `agnet:`, did you mean `agent:`?",
        ),
        (
            "risk:hihg x",
            "x",
            "`risk:` takes one of `low`, `medium`, `high`, not `hihg`, did you mean `risk:high`?",
        ),
        ("agent: x", "x", "`agent:` needs a value"),
        (
            "size:big",
            "",
            "`size:` takes a size such as `5mb` or `200kib`, not `big`",
        ),
        (
            "changed:>@lastbuild",
            "",
            "`changed:` takes an anchor such as `@last-build`, `@build:318` or `@my-last-review`, \
             not `@lastbuild`, did you mean `changed:@last-build`?",
        ),
        (
            "-sort:newest x",
            "x",
            "`sort:` cannot be negated and was left out",
        ),
        (
            "zebra:x",
            "\"zebra:x\"",
            "`zebra:` is no operator and was searched as text",
        ),
    ] {
        let parsed = parse(text).unwrap();
        assert_eq!(parsed.query.to_string(), rest, "{text}");
        let messages: Vec<_> = parsed.notes.iter().map(|note| &note.message).collect();
        assert_eq!(messages, [note], "{text}");
    }
}
