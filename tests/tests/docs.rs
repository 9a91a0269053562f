//! The documents name only commands and settings that exist.

use std::collections::{BTreeMap, BTreeSet};

use countersign_tests::{process::Launch, repo};

/// The commands that `--help` of a command lists.
fn listed(args: &[&str]) -> BTreeSet<String> {
    let mut args = args.to_vec();
    args.push("--help");
    let output = Launch::default()
        .command(&args)
        .output()
        .expect("the program starts");
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// Every `countersign …` in the code of a document: the words behind it, with the line.
fn commands(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let mut block = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            block = !block;
            continue;
        }
        let code: Vec<&str> = if block {
            vec![line]
        } else {
            line.split('`').skip(1).step_by(2).collect()
        };
        for piece in code {
            let words: Vec<&str> = piece.split_whitespace().collect();
            let starts = words.iter().enumerate().filter(|(at, word)| {
                let first = *at == 0 || matches!(words[at - 1], "$" | "|" | "&&" | "--" | "run");
                first && (**word == "countersign" || word.ends_with("/countersign"))
            });
            for (at, _) in starts {
                let rest = words[at + 1..]
                    .iter()
                    .map(|word| (*word).to_owned())
                    .collect();
                found.push((number + 1, rest));
            }
        }
    }
    found
}

#[test]
fn the_documents_name_only_commands_that_exist() {
    let top = listed(&[]);
    assert!(top.contains("serve") && top.contains("wait"), "{top:?}");
    let mut below: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for file in repo::files().iter().filter(|file| file.is("md")) {
        for (line, words) in commands(file.text()) {
            let Some(command) = words
                .first()
                .filter(|word| word.starts_with(char::is_alphabetic))
            else {
                continue;
            };
            // The whole text of a requirement names commands that are not built yet.
            if file.path == "docs/requirements.md" {
                continue;
            }
            seen += 1;
            let place = format!("{}:{line}", file.path);
            if !top.contains(command) {
                wrong.push(format!("{place}: `countersign {command}` does not exist"));
                continue;
            }
            let inner = below
                .entry(command.clone())
                .or_insert_with(|| listed(&[command]));
            if let Some(second) = words.get(1).filter(|_| !inner.is_empty())
                && second.starts_with(char::is_alphabetic)
                && !inner.contains(second)
            {
                wrong.push(format!(
                    "{place}: `countersign {command} {second}` does not exist"
                ));
            }
        }
    }
    assert!(seen > 5, "the documents show how to use the program");
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let files = repo::files();
    let known: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let mut wrong = Vec::new();
    for file in files.iter().filter(|file| file.is("md")) {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for target in file
            .text()
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let path = target.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains(':') || path.contains(' ') {
                continue;
            }
            let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
            for part in path.split('/') {
                match part {
                    "." | "" => {}
                    ".." => drop(parts.pop()),
                    part => parts.push(part),
                }
            }
            let path = parts.join("/");
            let inside = format!("{path}/");
            if !known.contains(path.as_str())
                && !known.iter().any(|known| known.starts_with(&inside))
            {
                wrong.push(format!("{}: {target}", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn the_table_of_roles_is_the_one_in_the_code() {
    use countersign_protocol::access::{Role, TABLE};

    let text = std::fs::read_to_string(repo::root().join("docs/people.md")).expect("it is there");
    let (_, rest) = text.split_once("<!-- roles -->").expect("it has the table");
    let (table, _) = rest.split_once("<!-- /roles -->").expect("the table ends");
    let shown: Vec<&str> = table.trim().lines().skip(2).collect();
    let cell = |held: bool| if held { " yes |" } else { " |" };
    let expected = TABLE.map(|(permission, words, roles, agents)| {
        let held = Role::ALL.map(|role| cell(roles.contains(&role)));
        format!(
            "| `{permission}` | {words} |{}{}",
            held.concat(),
            cell(agents)
        )
    });
    assert_eq!(shown, expected);
}
