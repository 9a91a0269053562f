//! Holds the imports of the crates to the table in ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};

use countersign_tests::repo::{self, RepoFile, code_only};

type Graph = BTreeMap<String, BTreeSet<String>>;

/// The table: module to what it may import; `None` stands for everything.
fn table() -> BTreeMap<String, Option<BTreeSet<String>>> {
    let text = repo::read("ARCHITECTURE.md");
    let (_, rest) = text
        .split_once("<!-- layers -->")
        .expect("ARCHITECTURE.md has the mark `<!-- layers -->`");
    let (table, _) = rest
        .split_once("<!-- /layers -->")
        .expect("the table ends with `<!-- /layers -->`");
    table
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            assert!(cells.len() >= 2, "a row has two cells: {line}");
            let allowed = match cells[1] {
                "everything" => None,
                list => Some(
                    list.split(',')
                        .map(|name| name.trim().trim_matches('`').to_owned())
                        .filter(|name| !name.is_empty())
                        .collect(),
                ),
            };
            (cells[0].trim_matches('`').to_owned(), allowed)
        })
        .collect()
}

/// The part of a source before its unit tests, without comments and literals. Tests may reach
/// further: they set the scene with what stands beside the module in the program.
fn production(source: &str) -> String {
    let code = code_only(source);
    match code.find("#[cfg(test)]\nmod tests") {
        Some(end) => code[..end].to_owned(),
        None => code,
    }
}

/// Every name that stands right behind `{root}::`, also in a group.
fn names_behind(code: &str, root: &str) -> BTreeSet<String> {
    let needle = format!("{root}::");
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(&needle) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
            continue;
        }
        let rest = code[at + needle.len()..].trim_start();
        if let Some(group) = rest.strip_prefix('{') {
            found.extend(group_heads(group));
        } else {
            found.insert(head(rest));
        }
    }
    found.remove("");
    found
}

fn head(text: &str) -> String {
    text.trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

/// The first name of each part of a `use` group, given the text behind its opening brace.
fn group_heads(text: &str) -> Vec<String> {
    let mut depth = 0_u32;
    let mut start = true;
    let mut heads = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if start && !c.is_whitespace() => {
                heads.push(head(&text[at..]));
                start = false;
            }
            _ => {}
        }
    }
    heads
}

/// Files that are compiled for tests only, by the path of their module without its ending.
fn test_modules(files: &[RepoFile]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files {
        // The modules of `words.rs` lie in `words/`, those of `mod.rs` beside it.
        let own = file.path.trim_end_matches(".rs");
        let folder = match own.rsplit_once('/') {
            Some((folder, "mod" | "lib" | "main")) => folder,
            _ => own,
        };
        let lines: Vec<&str> = file.text().lines().collect();
        for pair in lines.windows(2) {
            if let ("#[cfg(test)]", Some(name)) = (
                pair[0],
                pair[1]
                    .strip_suffix(';')
                    .and_then(|line| line.strip_prefix("mod ")),
            ) {
                found.insert(format!("{folder}/{name}"));
            }
        }
    }
    found
}

/// Actual imports between the top-level modules of the daemon.
fn imports() -> Graph {
    let mut graph = Graph::new();
    let files = repo::rust_files();
    let only_tests = test_modules(&files);
    for file in &files {
        let is_test = only_tests.iter().any(|module| {
            let rest = file.path.strip_prefix(module.as_str());
            rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        });
        if is_test {
            continue;
        }
        let Some(inside) = file.path.strip_prefix("daemon/src/") else {
            continue;
        };
        let parts: Vec<&str> = inside.trim_end_matches(".rs").split('/').collect();
        let module = parts[0];
        if matches!(module, "lib" | "main" | "bin") {
            continue;
        }
        let code = production(file.text());
        let depth = parts.iter().filter(|part| **part != "mod").count();
        let climbs = "super::".repeat(depth);
        assert!(
            !code.contains(&climbs),
            "{}: `{climbs}` climbs out of its top-level module; say `crate::` so that the import is seen",
            file.path
        );
        let uses = graph.entry(module.to_owned()).or_default();
        uses.extend(names_behind(&code, "crate"));
        uses.remove(module);
    }
    graph
}

/// The modules that the daemon declares at its top.
fn declared() -> BTreeSet<String> {
    code_only(&repo::read("daemon/src/lib.rs"))
        .lines()
        .filter_map(|line| line.trim().strip_suffix(';'))
        .filter_map(|line| line.rsplit_once("mod ").map(|(_, name)| name.to_owned()))
        .collect()
}

/// A cycle in the graph, as the names along it.
fn cycle(graph: &Graph) -> Option<Vec<String>> {
    fn visit(
        graph: &Graph,
        name: &str,
        path: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> Option<Vec<String>> {
        if let Some(at) = path.iter().position(|step| step == name) {
            let mut cycle = path[at..].to_vec();
            cycle.push(name.to_owned());
            return Some(cycle);
        }
        if !done.insert(name.to_owned()) {
            return None;
        }
        path.push(name.to_owned());
        let found = graph
            .get(name)
            .into_iter()
            .flatten()
            .find_map(|next| visit(graph, next, path, done));
        path.pop();
        found
    }
    let mut done = BTreeSet::new();
    graph
        .keys()
        .find_map(|name| visit(graph, name, &mut Vec::new(), &mut done))
}

#[test]
fn the_daemon_imports_only_what_the_table_allows() {
    let table = table();
    let declared = declared();
    let mut wrong = Vec::new();
    for (module, uses) in imports() {
        let Some(allowed) = table.get(&module) else {
            wrong.push(format!(
                "`{module}` has no row in the table of ARCHITECTURE.md"
            ));
            continue;
        };
        for used in uses.iter().filter(|name| declared.contains(*name)) {
            if allowed.as_ref().is_some_and(|list| !list.contains(used)) {
                wrong.push(format!(
                    "`{module}` imports `{used}`, which its row does not allow"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_names_only_modules_that_exist() {
    let declared = declared();
    let missing: Vec<String> = table()
        .keys()
        .filter(|name| !declared.is_empty() && !declared.contains(*name))
        .cloned()
        .collect();
    assert!(missing.is_empty(), "no such module: {}", missing.join(", "));
}

#[test]
fn neither_the_table_nor_the_code_has_a_cycle() {
    let allowed: Graph = table()
        .into_iter()
        .filter_map(|(module, allowed)| Some((module, allowed?)))
        .collect();
    assert_eq!(cycle(&allowed), None, "in the table");
    assert_eq!(cycle(&imports()), None, "in the code");
}

#[test]
fn protocol_does_no_input_or_output() {
    let banned = [
        "std::fs",
        "std::net",
        "std::process",
        "std::env",
        "std::time",
        "std::thread",
        "tokio",
        "axum",
        "rusqlite",
        "rustix",
    ];
    for file in repo::rust_files() {
        if !file.path.starts_with("protocol/src/") {
            continue;
        }
        let code = production(file.text());
        for name in banned {
            assert!(
                !code.contains(&format!("{name}::")),
                "{}: {name}",
                file.path
            );
        }
        let from_std = names_behind(&code, "std");
        for name in ["fs", "net", "process", "env", "thread"] {
            assert!(!from_std.contains(name), "{}: std::{name}", file.path);
        }
    }
    for dependency in dependencies("protocol/Cargo.toml") {
        assert!(
            !banned.contains(&dependency.as_str()),
            "protocol depends on {dependency}"
        );
    }
}

#[test]
fn web_knows_only_protocol_of_our_crates() {
    for dependency in dependencies("web/Cargo.toml") {
        assert!(
            !dependency.starts_with("countersign") || dependency == "countersign-protocol",
            "web depends on {dependency}"
        );
    }
}

/// What a crate is built with, without what only its tests need.
fn dependencies(manifest: &str) -> Vec<String> {
    let manifest: toml::Table = repo::read(manifest).parse().expect("a manifest is TOML");
    manifest
        .get("dependencies")
        .and_then(toml::Value::as_table)
        .map(|table| table.keys().cloned().collect())
        .unwrap_or_default()
}

#[test]
fn the_reader_of_imports_sees_groups_and_paths() {
    let code = production(
        "use crate::{fs::{self, publish}, clock::Clock,\n ledger};\nfn f() { crate::store::open(); $crate::no(); }\n// crate::comment\n#[cfg(test)]\nmod tests { use crate::app; }",
    );
    let names: Vec<String> = names_behind(&code, "crate").into_iter().collect();
    assert_eq!(names, ["clock", "fs", "ledger", "store"]);
    let graph = Graph::from([
        ("a".to_owned(), BTreeSet::from(["b".to_owned()])),
        ("b".to_owned(), BTreeSet::from(["a".to_owned()])),
    ]);
    assert_eq!(
        cycle(&graph).map(|names| names.join(" ")),
        Some("a b a".to_owned())
    );
}
