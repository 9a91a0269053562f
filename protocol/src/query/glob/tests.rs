//! The table of globs.

use super::*;

fn fits(pattern: &str, text: &str) -> bool {
    let pattern = regex::Regex::new(pattern).expect("a pattern");
    pattern.is_match(&folded(text))
}

#[test]
fn globs_find_paths() {
    for (glob, path, expected) in [
        ("lib.rs", "src/lib.rs", true),
        ("lib.rs", "src/libxrs", false),
        ("src", "src/lib.rs", true),
        ("src", "a/src/lib.rs", true),
        ("lib", "src/lib.rs", false),
        ("*.rs", "src/Lib.RS", true),
        ("*.rs", "src/lib.rsx", false),
        ("*.d", "conf.d/x", true),
        ("src/*.rs", "a/src/lib.rs", true),
        ("src/*.rs", "src/deep/lib.rs", false),
        ("src/**/*.rs", "src/deep/er/lib.rs", true),
        ("src/**/*.rs", "src/lib.rs", true),
        ("src/**", "src/a/b", true),
        ("src/**", "src", false),
        ("**/lib.rs", "lib.rs", true),
        ("**/lib.rs", "a/b/lib.rs", true),
        ("/src/*.rs", "src/lib.rs", true),
        ("/src/*.rs", "a/src/lib.rs", false),
        ("./src/lib.rs", "src/lib.rs", true),
        ("src/", "src/lib.rs", true),
        ("src/", "my-src/lib.rs", false),
        ("a/src/", "a/src/deep/lib.rs", true),
        ("src/lib.rs", "src/lib.rs.bak", false),
        ("src/lib", "src/lib/x", false),
        ("r?port.md", "out/report.md", true),
        ("r?port.md", "out/r/port.md", false),
        ("a+b", "a+b", true),
        ("[a].txt", "[a].txt", true),
        ("[a].txt", "a.txt", false),
        ("(x){1}^$|#&~-", "(x){1}^$|#&~-", true),
        ("GRÖSSE*", "größe.txt", false),
        ("ΣΑΣ", "σας", true),
        ("*", "any/thing", true),
        ("", "any/thing", false),
    ] {
        assert_eq!(fits(&path_pattern(glob), path), expected, "{glob} {path}");
    }
}

#[test]
fn names_are_matched_whole() {
    for (wanted, name, expected) in [
        ("hermes", "Hermes", true),
        ("HERMES", "hermes", true),
        ("herm", "hermes", false),
        ("report*", "report-writer", true),
        ("*writer", "report-writer", true),
        ("report?writer", "report-writer", true),
        ("h*s", "a/hermes", false),
        ("a*z", "a/b/z", true),
        ("a.b", "axb", false),
        ("K", "\u{212a}", true),
    ] {
        assert_eq!(
            fits(&name_pattern(wanted), name),
            expected,
            "{wanted} {name}"
        );
    }
    assert!(has_placeholders("a*") && has_placeholders("a?") && !has_placeholders("a"));
}
