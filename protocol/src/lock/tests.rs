//! The decision about overlaps against an oracle that knows no more than characters.

use std::collections::{BTreeSet, HashSet};

use super::{Kind, LockStatus, Pattern, PatternProblem, answer_name, is_request, read};
use crate::path::PathProblem;

fn pattern(text: &str) -> Pattern {
    Pattern::read(text, None).unwrap_or_else(|problem| panic!("`{text}`: {problem}"))
}

#[test]
fn what_overlaps_is_decided_exactly() {
    for (one, other, overlaps) in [
        ("a.md", "a.md", true),
        ("a.md", "b.md", false),
        ("src/", "src/a/b.rs", true),
        ("src/", "src", true),
        ("src/", "srcs/a", false),
        ("src/a/", "src/", true),
        (".", "any/thing", true),
        ("src/*.rs", "src/lib.rs", true),
        ("src/*.rs", "src/a/lib.rs", false),
        ("src/**/*.rs", "src/lib.rs", true),
        ("src/**/*.rs", "src/a/b/lib.rs", true),
        ("**/*.rs", "*/lib.*", true),
        ("a*b", "*c*", true),
        ("a*b", "b*a", false),
        ("?", "ab", false),
        ("[a-c]x", "[c-e]x", true),
        ("[a-c]x", "[!a-c]x", false),
        ("[!a-c]", "[!d-f]", true),
        ("{a,b}/x", "{b,c}/x", true),
        ("{a,b}/x", "{c,d}/x", false),
        ("a/**", "a", true),
        ("a/**/b", "**/c/**", true),
        ("*.csv", "*.json", false),
        ("*.tar.gz", "*.gz", true),
        ("a/*/c", "a/b/", true),
        ("a/*", "a", false),
    ] {
        let (first, second) = (pattern(one), pattern(other));
        assert_eq!(first.overlaps(&second), overlaps, "{one} and {other}");
        assert_eq!(second.overlaps(&first), overlaps, "{other} and {one}");
    }
}

#[test]
fn a_name_with_stars_in_it_can_be_meant_word_for_word() {
    let odd = Pattern::read("data[1].csv", Some(Kind::File)).unwrap();
    assert!(odd.covers("data[1].csv"));
    assert!(!odd.covers("data1.csv"));
    assert!(pattern("data[[]1].csv").overlaps(&odd));
    assert_eq!(pattern("reports/").as_str(), "reports/");
    assert_eq!(pattern(".").as_str(), "./");
}

#[test]
fn what_is_no_path_in_a_workspace_cannot_be_locked() {
    for (text, problem) in [
        ("", PatternProblem::Path(PathProblem::Empty)),
        ("/etc/passwd", PatternProblem::Path(PathProblem::Absolute)),
        ("../x", PatternProblem::Path(PathProblem::Parent)),
        ("*/../x", PatternProblem::Path(PathProblem::Parent)),
        ("{a,..}/x", PatternProblem::Path(PathProblem::Parent)),
        ("a\\*", PatternProblem::Path(PathProblem::Backslash)),
        (".countersign/x", PatternProblem::Path(PathProblem::Own)),
        ("a**b", PatternProblem::Stars),
        ("a[", PatternProblem::Class),
        ("a[]", PatternProblem::Class),
        ("a[z-a]", PatternProblem::Class),
        ("a[.-0]", PatternProblem::Class),
        ("{a", PatternProblem::Braces),
        ("a{b,{c}}", PatternProblem::Braces),
        ("*}", PatternProblem::Braces),
        ("{a,b,c,d,e}{a,b,c,d}", PatternProblem::Many),
    ] {
        assert_eq!(Pattern::read(text, None), Err(problem), "{text}");
    }
    assert_eq!(
        Pattern::read(&"*".repeat(257), None),
        Err(PatternProblem::Long)
    );
}

/// A pattern as places between its characters, one set of places at a time: no recursion, no parts, nothing in
/// common with what is tested. Knows `*`, `?`, `**`, one character and one class, and folders.
struct Oracle {
    text: Vec<char>,
}

impl Oracle {
    fn of(text: &str) -> Self {
        let text = match text.strip_suffix('/') {
            Some(folder) => format!("{folder}/**"),
            None => text.to_owned(),
        };
        Self {
            text: text.chars().collect(),
        }
    }

    /// The places that can be reached without a character. `wide` marks a place inside `**`.
    fn close(&self, places: &mut BTreeSet<(usize, bool)>) {
        let mut open: Vec<_> = places.iter().copied().collect();
        while let Some((at, wide)) = open.pop() {
            let mut next = Vec::new();
            let rest = &self.text[at..];
            if !wide {
                match rest {
                    // `/**` at the end, or before a slash, may stand for nothing.
                    ['/', '*', '*'] | ['/', '*', '*', '/', ..] | ['*', '*', '/', ..] => {
                        next.push((at + 3, false));
                    }
                    ['*', '*', ..] => {}
                    ['*', ..] => next.push((at + 1, false)),
                    _ => {}
                }
            }
            for place in next {
                if places.insert(place) {
                    open.push(place);
                }
            }
        }
    }

    fn start(&self) -> BTreeSet<(usize, bool)> {
        let mut places = BTreeSet::from([(0, false)]);
        self.close(&mut places);
        places
    }

    fn step(&self, places: &BTreeSet<(usize, bool)>, c: char) -> BTreeSet<(usize, bool)> {
        let mut next = BTreeSet::new();
        for (at, wide) in places {
            let rest = &self.text[*at..];
            if *wide {
                // Inside a name that `**` stands for.
                next.insert((*at, c != '/'));
                if c == '/' && rest.len() > 2 {
                    next.insert((*at + 3, false));
                }
                continue;
            }
            let reached = match rest {
                ['*', '*', ..] => (c != '/').then_some((*at, true)),
                ['*', ..] => (c != '/').then_some((*at, false)),
                ['?', ..] => (c != '/').then_some((*at + 1, false)),
                ['[', '!', no, ']', ..] => (c != '/' && c != *no).then_some((*at + 4, false)),
                [one, ..] => (*one == c).then_some((*at + 1, false)),
                [] => None,
            };
            next.extend(reached);
        }
        self.close(&mut next);
        next
    }

    fn ends(&self, places: &BTreeSet<(usize, bool)>) -> bool {
        places.iter().any(|(at, wide)| {
            let left = self.text.len() - at;
            left == 0 || (*wide && left == 2)
        })
    }
}

/// Whether some path over these letters fits both, found by walking all of them at once.
fn found_by_walking(one: &str, other: &str) -> bool {
    let (one, other) = (Oracle::of(one), Oracle::of(other));
    let mut seen = HashSet::new();
    // The last letter says whether a name has begun: names are never empty.
    let mut open = vec![(one.start(), other.start(), true)];
    while let Some((first, second, is_new)) = open.pop() {
        if first.is_empty()
            || second.is_empty()
            || !seen.insert((first.clone(), second.clone(), is_new))
        {
            continue;
        }
        if !is_new && one.ends(&first) && other.ends(&second) {
            return true;
        }
        for c in ['a', 'b', 'c', '/'] {
            if c != '/' || !is_new {
                open.push((one.step(&first, c), other.step(&second, c), c == '/'));
            }
        }
    }
    false
}

#[test]
fn the_decision_agrees_with_a_walk_over_all_paths() {
    let mut dice = fastrand::Rng::with_seed(23);
    let pieces = [
        "a", "b", "*", "?", "[!a]", "a*", "*b", "?a", "ab", "a*b", "**", "**",
    ];
    let mut text = || {
        let count = dice.usize(1..=3);
        let parts: Vec<&str> = (0..count)
            .map(|_| pieces[dice.usize(..pieces.len())])
            .collect();
        let folder =
            parts.last() != Some(&"**") && !parts.concat().contains(['*', '?', '[']) && dice.bool();
        format!("{}{}", parts.join("/"), if folder { "/" } else { "" })
    };
    let mut both = [0, 0];
    for _ in 0..4_000 {
        let (one, other) = (text(), text());
        let expected = found_by_walking(&one, &other);
        let found = pattern(&one).overlaps(&pattern(&other));
        assert_eq!(found, expected, "{one} and {other}");
        both[usize::from(found)] += 1;
    }
    assert!(both.iter().all(|count| *count > 400), "{both:?}");
}

#[test]
fn globs_may_end_in_slash() {
    for (text, meant, inside) in [
        ("packages/*/", "packages/*/**", "packages/web/index.ts"),
        ("*/", "*/**", "a/b"),
        ("**/", "**/**", "a"),
        ("a/*/", "a/*/**", "a/b/c/d"),
        ("[0-9]/", "[0-9]/**", "7/x"),
        ("part-?/", "part-?/**", "part-1/x"),
        ("{a,b}/", "{a,b}/**", "b/x"),
        ("./*/", "*/**", "a/b"),
    ] {
        for kind in [None, Some(Kind::Glob)] {
            let pattern = Pattern::read(text, kind).unwrap();
            assert_eq!((pattern.as_str(), pattern.kind()), (meant, Kind::Glob));
            assert!(pattern.covers(inside), "{text}");
        }
    }
    assert!(Pattern::read("a//*/", None).is_err());
    let folder = Pattern::read("a[b]/", Some(Kind::Folder)).unwrap();
    assert_eq!(folder.as_str(), "a[b]/");
}

#[test]
fn dots_in_paths_are_dropped() {
    for (text, meant) in [
        ("./src/a", "src/a"),
        ("./src/", "src/"),
        ("a/./*.rs", "a/*.rs"),
    ] {
        assert_eq!(Pattern::read(text, None).unwrap().as_str(), meant);
    }
}

#[test]
fn a_request_by_file_is_read_and_a_broken_one_says_where() {
    let request =
        read(br#"{"lock_version":"1.0","from_agent":"a","path":"src/","ttl_seconds":60}"#).unwrap();
    assert_eq!(request.pattern, pattern("src/"));
    assert_eq!(
        (request.ttl_seconds, request.wait, request.pid),
        (60, true, None)
    );
    for (bad, pointer) in [
        (&br#"{"from_agent":"a","path":"b"}"#[..], "/lock_version"),
        (
            br#"{"lock_version":"2","from_agent":"a","path":"b"}"#,
            "/lock_version",
        ),
        (br#"{"lock_version":"1","path":"b"}"#, "/from_agent"),
        (br#"{"lock_version":"1","from_agent":"a"}"#, "/path"),
        (
            br#"{"lock_version":"1","from_agent":"a","path":"../b"}"#,
            "/path",
        ),
        (
            br#"{"lock_version":"1","from_agent":"a","path":"b","mode":"rw"}"#,
            "/mode",
        ),
        (
            br#"{"lock_version":"1","from_agent":"a","path":"b","ttl_seconds":1}"#,
            "/ttl_seconds",
        ),
        (
            br#"{"lock_version":"1","from_agent":"a","path":"b","until":1}"#,
            "/until",
        ),
    ] {
        let refusal = read(bad).unwrap_err();
        assert_eq!(refusal.violations[0].pointer, pointer);
        let answer = super::LockAnswer::refused(refusal);
        assert_eq!(answer.status, LockStatus::Refused);
    }
}

#[test]
fn requests_and_answers_are_known_by_their_names() {
    assert!(is_request("q3.request.json"));
    for other in [
        "request.json",
        ".request.json",
        ".q3.request.json",
        "q3.answer.json",
        "q3.request.json~",
    ] {
        assert!(!is_request(other), "{other}");
    }
    assert_eq!(answer_name("q3.request.json"), "q3.answer.json");
    assert!(!is_request(&answer_name("q3.request.json")));
}
