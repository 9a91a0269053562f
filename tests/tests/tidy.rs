//! Norms that a reviewer should not have to look for.

use std::collections::BTreeSet;

use countersign_tests::repo::{self, RepoFile, code_only};

/// No file is longer.
const LONGEST: usize = 800;
/// Half of the files are not longer.
const MEDIAN: usize = 150;
/// Nine of ten files are not longer.
const NINE_OF_TEN: usize = 400;

fn report(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn files_are_short() {
    let mut lengths: Vec<(usize, String)> = repo::rust_files()
        .into_iter()
        .map(|file| (file.lines(), file.path))
        .collect();
    lengths.sort();
    let longest = lengths.last().expect("there are Rust files");
    assert!(
        longest.0 <= LONGEST,
        "{} has {} lines",
        longest.1,
        longest.0
    );
    let at = |share: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index into a short list"
        )]
        let index = ((lengths.len() - 1) as f64 * share).round() as usize;
        lengths[index].0
    };
    assert!(at(0.5) <= MEDIAN, "the median file has {} lines", at(0.5));
    assert!(
        at(0.9) <= NINE_OF_TEN,
        "one file in ten is over {} lines",
        at(0.9)
    );
}

#[test]
fn every_module_says_what_it_is() {
    let wrong: Vec<String> = repo::rust_files()
        .iter()
        .filter(|file| !file.path.ends_with("build.rs"))
        .filter(|file| !file.text().starts_with("//!"))
        .map(|file| format!("{} does not begin with `//!`", file.path))
        .collect();
    report(&wrong);
}

#[test]
fn no_module_is_a_grab_bag() {
    let wrong: Vec<String> = repo::rust_files()
        .into_iter()
        .map(|file| file.path)
        .filter(|path| {
            path.trim_end_matches(".rs").split('/').any(|part| {
                matches!(
                    part,
                    "util" | "utils" | "common" | "core" | "misc" | "helpers"
                )
            })
        })
        .collect();
    report(&wrong);
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("X", "XX"),
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
    ];
    let mut wrong = Vec::new();
    for file in repo::files()
        .iter()
        .filter(|file| file.path != "Cargo.lock")
    {
        for (number, line) in file.text().lines().enumerate() {
            let found = marks.iter().find(|mark| {
                line.match_indices(**mark).any(|(at, mark)| {
                    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
                    edge(line[..at].chars().next_back())
                        && (mark.ends_with('(') || edge(line[at + mark.len()..].chars().next()))
                })
            });
            if let Some(mark) = found {
                wrong.push(format!("{}:{}: {mark}", file.path, number + 1));
            }
        }
    }
    report(&wrong);
}

#[test]
fn no_registry_is_named() {
    // The lock file names the public index that every cargo knows, and no other.
    let hosts = [
        concat!("crates", ".io"),
        concat!("registry.npm", "js.org"),
        concat!("py", "pi.org"),
        concat!("pythonhosted", ".org"),
        concat!("proxy.go", "lang.org"),
        concat!("artifact", "ory"),
    ];
    let index = concat!("registry+https://github.com/rust-lang/crates", ".io-index");
    let mut wrong = Vec::new();
    for file in repo::files() {
        for (number, line) in file.text().lines().enumerate() {
            if file.path == "Cargo.lock" {
                if line.starts_with("source = ") && line != format!("source = \"{index}\"") {
                    wrong.push(format!("Cargo.lock:{}: {line}", number + 1));
                }
            } else if hosts.iter().any(|host| line.contains(host)) {
                wrong.push(format!("{}:{}: {line}", file.path, number + 1));
            }
        }
    }
    report(&wrong);
}

#[test]
fn the_changelog_says_what_is_new() {
    let changelog = repo::read("CHANGELOG.md");
    assert!(changelog.contains("## [Unreleased]") || changelog.contains("## Unreleased"));
}

#[test]
fn there_is_little_javascript() {
    let scripts: Vec<RepoFile> = repo::files()
        .into_iter()
        .filter(|file| {
            ["js", "mjs", "ts", "jsx", "tsx"]
                .iter()
                .any(|end| file.is(end))
        })
        .collect();
    let lines: usize = scripts.iter().map(RepoFile::lines).sum();
    assert!(scripts.len() <= 4, "{} files of JavaScript", scripts.len());
    assert!(lines <= 495, "{lines} lines of JavaScript");
}

#[test]
fn nothing_in_the_tree_is_third_party_or_built() {
    let mut wrong = Vec::new();
    for file in repo::files() {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let foreign = [
            "woff", "woff2", "ttf", "otf", "eot", "wasm", "map", "zip", "gz",
        ]
        .iter()
        .any(|end| file.is(end))
            || name.contains(".min.")
            || file.path.contains("node_modules/")
            || file.path.contains("vendor/");
        let long_line = (file.is("js") || file.is("css") || file.is("html"))
            && file.text().lines().any(|line| line.len() > 1_000);
        if foreign || long_line {
            wrong.push(file.path);
        }
    }
    report(&wrong);
}

#[test]
fn templates_carry_no_inline_script_or_style() {
    let mut wrong = Vec::new();
    for file in repo::files() {
        if !file.path.starts_with("templates/") || !(file.is("html") || file.is("j2")) {
            continue;
        }
        for (number, line) in file.text().lines().enumerate() {
            let line = line.to_lowercase();
            let inline = line.contains(" onclick=")
                || line.contains(" onload=")
                || line.contains(" style=\"")
                || line.contains("javascript:")
                || (line.contains("<script") && !line.contains("src="));
            // Mail programs understand nothing else.
            if inline && !file.path.starts_with("templates/messages/mail") {
                wrong.push(format!("{}:{}", file.path, number + 1));
            }
        }
    }
    report(&wrong);
}

/// A line of docs/requirements.md: id, whether it is ticked, the tests it names.
fn requirements() -> Vec<(String, bool, Vec<String>)> {
    repo::read("docs/requirements.md")
        .lines()
        .filter_map(|line| {
            let rest = line.strip_prefix("- [")?;
            let (tick, rest) = rest.split_once("] ")?;
            let id = rest.split_whitespace().next()?.to_owned();
            let tests = rest.rsplit_once(" — ").map_or_else(Vec::new, |(_, tests)| {
                tests
                    .split('`')
                    .skip(1)
                    .step_by(2)
                    .map(str::to_owned)
                    .collect()
            });
            Some((id, tick == "x", tests))
        })
        .collect()
}

#[test]
fn every_requirement_is_listed_once() {
    let sources = [
        ("S0", 38),
        ("S1", 15),
        ("S2", 30),
        ("S3", 14),
        ("S4", 17),
        ("F", 25),
        ("M", 15),
    ];
    let expected: Vec<String> = sources
        .iter()
        .flat_map(|(source, count)| (1..=*count).map(move |n| format!("{source}-{n:02}")))
        .collect();
    let listed: Vec<String> = requirements().into_iter().map(|(id, _, _)| id).collect();
    assert_eq!(listed, expected);
}

#[test]
fn browsers_translate_no_code() {
    let mut wrong = Vec::new();
    for file in repo::files() {
        // A browser that translates code, arguments or names changes what is approved.
        let is_page = file.is("html") && !file.path.starts_with("templates/messages/");
        for (number, line) in file.text().lines().enumerate().filter(|_| is_page) {
            let marked = |tag: &str| {
                let mut places = line
                    .match_indices(tag)
                    .map(|(at, _)| &line[at + tag.len()..]);
                places.all(|rest| {
                    let is_longer = rest.starts_with(|c: char| c.is_ascii_alphanumeric());
                    is_longer || rest.starts_with(" translate=\"no\"")
                })
            };
            if !["<code", "<pre", "<samp"].iter().all(|tag| marked(tag)) {
                wrong.push(format!("{}:{}", file.path, number + 1));
            }
        }
    }
    report(&wrong);
}

#[test]
fn requirements_have_their_whole_text() {
    let page = repo::read("docs/requirements.md");
    let lines: Vec<&str> = page.lines().collect();
    let mut wrong = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(rest) = line.strip_prefix("- [") else {
            continue;
        };
        let below = |name: &str| {
            let mut rows = lines[at + 1..]
                .iter()
                .take_while(|row| row.starts_with("  "));
            rows.any(|row| row.starts_with(name))
        };
        if !below("  Whole text: ") {
            wrong.push(format!("{line}: no text"));
        }
        let names_tests = line.contains(" — `");
        if names_tests && rest.starts_with(' ') != below("  Not yet: ") {
            wrong.push(format!("{line}: a tick, or what is not yet true of it"));
        }
    }
    report(&wrong);
}

#[test]
fn every_ticked_requirement_names_tests_that_exist() {
    let tests: BTreeSet<String> = repo::rust_files()
        .iter()
        .flat_map(|file| test_names(file.text()))
        .collect();
    let mut wrong = Vec::new();
    for (id, ticked, named) in requirements() {
        if ticked && named.is_empty() {
            wrong.push(format!("{id} is ticked and names no test"));
        }
        for name in named {
            if !tests.contains(&name) {
                wrong.push(format!("{id} names `{name}`, which is no test"));
            }
        }
    }
    report(&wrong);
}

/// Names of the functions that stand behind a test attribute.
fn test_names(source: &str) -> Vec<String> {
    let code = code_only(source);
    let mut names = Vec::new();
    let mut marked = false;
    for line in code.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            marked = true;
        } else if let Some((_, rest)) = line.split_once("fn ") {
            if marked {
                names.push(rest.split(['(', '<']).next().unwrap_or_default().to_owned());
            }
            marked = false;
        }
    }
    names
}
