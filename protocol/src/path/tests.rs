//! Paths that are taken, and those that are not.

use super::*;

#[test]
fn plain_relative_paths_pass() {
    for path in [
        "report.md",
        "out/a b/report (1).md",
        ".env",
        "..a/b..",
        "...",
        "bericht-märz.md",
        "報告.md",
        "a:b",
        "-rf",
        &"p".repeat(255),
        "می\u{200c}خواهم.md",
        "👩\u{200d}💻.md",
        "✔\u{fe0f} done.md",
    ] {
        assert_eq!(check(path), Ok(()), "{path}");
    }
}

#[test]
fn normal_drops_dots_and_composes() {
    for (path, normal_form) in [
        ("out/x", "out/x"),
        ("./out/x", "out/x"),
        ("././x", "x"),
        ("out/./x", "out/x"),
        ("u\u{308}/x", "ü/x"),
        (".", "."),
        ("./", "./"),
        (".env", ".env"),
        (".//etc/x", ".//etc/x"),
        ("./../x", "../x"),
    ] {
        assert_eq!(normal(path), normal_form, "{path}");
    }
    assert_eq!(check(&normal("./../x")), Err(PathProblem::Parent));
}

#[test]
fn alike_ignores_case_and_composition() {
    assert!(is_alike("U\u{308}bergabe.TXT", "übergabe.txt"));
    assert!(!is_alike("report.md", "reports.md"));
}

#[test]
fn everything_else_is_refused_for_its_own_reason() {
    use PathProblem::*;
    let long = format!("{}a", "dir/".repeat(256));
    for (path, problem) in [
        ("", Empty),
        ("/etc/shadow", Absolute),
        ("C:/x", Absolute),
        ("~/x", Absolute),
        ("..", Parent),
        ("../x", Parent),
        ("a/../b", Parent),
        ("a/..", Parent),
        ("..\\x", Parent),
        ("%2e%2e/x", Parent),
        ("a/.%2E/b", Parent),
        ("..%2fx", Parent),
        ("a\\b", Backslash),
        ("a\nb", Invisible),
        ("a\0b", Invisible),
        ("a\u{202e}fdp.exe", Invisible),
        ("a\u{200b}b", Invisible),
        ("a\u{e0041}", Invisible),
        ("./a", Part),
        ("a/./b", Part),
        (".", Part),
        ("a//b", Part),
        ("a/", Part),
        (long.as_str(), Long),
        (&"p".repeat(256), Long),
        ("a\u{308}", NotComposed),
        (".countersign/receipts/x", Own),
        ("a/.Countersign", Own),
    ] {
        assert_eq!(check(path), Err(problem), "{path:?}");
    }
}
