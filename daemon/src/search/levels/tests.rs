//! The levels of lines as programs write them.

use super::*;

#[test]
fn lines_say_how_bad_they_are() {
    for (line, level) in [
        (
            "2026-11-22T07:00:01Z ERROR db: cannot connect",
            Some(Level::Error),
        ),
        ("[warn] disk almost full", Some(Level::Warning)),
        (
            r#"{"ts":1,"level":"info","msg":"ERROR is only text here"}"#,
            Some(Level::Info),
        ),
        ("ts=1 lvl=debug msg=x", Some(Level::Debug)),
        ("error: no such file", Some(Level::Error)),
        ("error[E0308]: mismatched types", Some(Level::Error)),
        ("CRITICAL:root:out of memory", Some(Level::Fatal)),
        ("an error in a sentence", None),
        ("no information here", None),
        ("", None),
    ] {
        assert_eq!(Level::of(line), level, "{line}");
    }
}

#[test]
fn a_log_is_known_by_its_name() {
    for name in [
        "build.log",
        "BUILD.LOG",
        "run.log.1",
        "events.jsonl",
        "stderr",
    ] {
        assert!(is_log(name), "{name}");
    }
    for name in ["catalog", "blog.md", "layout", "log"] {
        assert!(!is_log(name), "{name}");
    }
}
