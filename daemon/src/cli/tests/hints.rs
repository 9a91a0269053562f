//! Every command that the program, its pages or its documents name can be typed.

use std::path::{Path, PathBuf};

use clap::{Parser as _, error::ErrorKind};

use super::super::Cli;

/// What may stand where a text has a placeholder, by what the argument is.
const VALUES: [&str; 8] = ["H-7", "7", "L-7", "10m", "name", "r3", "turn", "langchain"];

/// The files that have commands in them.
fn sources() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = ["daemon/src", "web/src", "protocol/src", "templates", "docs"];
    let files = folders
        .iter()
        .flat_map(|folder| walkdir::WalkDir::new(root.join(folder)))
        .flatten()
        .map(walkdir::DirEntry::into_path);
    let is_text = |path: &PathBuf| {
        let ending = path.extension().and_then(|one| one.to_str());
        let is_test = path
            .iter()
            .any(|part| part == "tests" || part == "tests.rs");
        // The whole text of a requirement names commands that are not built yet, a decision those that are no more.
        let is_plan =
            path.ends_with("requirements.md") || path.iter().any(|part| part == "decisions");
        matches!(ending, Some("rs" | "md" | "html" | "txt" | "toml")) && !is_test && !is_plan
    };
    let top = ["README.md", "CONTRIBUTING.md", "SECURITY.md"].map(|name| root.join(name));
    files.filter(is_text).chain(top).collect()
}

/// The commands in a text: in backticks, in elements for code, and on lines of their own.
fn commands(text: &str) -> Vec<String> {
    // A literal that goes on in the next line.
    let mut whole = String::new();
    for line in text.split_inclusive('\n') {
        match line.trim_end().strip_suffix('\\') {
            Some(begun) => whole.push_str(begun.trim_start()),
            None => whole.push_str(line),
        }
    }
    let between = |start: &str, end: char| -> Vec<String> {
        let pieces = whole.split(start).skip(1);
        let pieces = pieces.filter_map(|rest| Some(rest.split_once(end)?.0.to_owned()));
        pieces.collect()
    };
    let lines = whole.lines().filter_map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("$ ").unwrap_or(line);
        line.strip_prefix("countersign ").map(str::to_owned)
    });
    let mut found = between("`countersign ", '`');
    found.extend(between(">countersign ", '<'));
    found.extend(lines);
    found
}

/// The words of a command as a shell has them, up to what is no word of ours; a placeholder is `None`.
fn words(text: &str) -> Option<Vec<Option<String>>> {
    let mut words = Vec::new();
    // What it does may stand behind it in a column.
    let mut rest = text.trim().split("   ").next().unwrap_or_default();
    while let Some(first) = rest.chars().next() {
        let end = if first == '<' { '>' } else { first };
        let quoted = matches!(first, '"' | '\'' | '<').then(|| rest[1..].split_once(end));
        let word;
        (word, rest) = match quoted.flatten() {
            Some((_, after)) => ("\"\"", after),
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        rest = rest.trim_start();
        if matches!(
            word,
            "|" | "&&" | ">" | ">>" | "<" | "#" | ";" | "&" | "2>" | "\\" | "→" | "—"
        ) {
            break;
        }
        if word.contains("...") || word.starts_with('[') || word.ends_with('…') {
            return None;
        }
        // What is written behind a word with no space between begins with one, where there is anything.
        let word = match word {
            "." => word,
            _ => word.trim_end_matches([',', ';', '.', ')', ':']),
        };
        let plain = word.split('{').next().unwrap_or_default();
        let is_name = word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        words.push(match plain {
            "" if word.starts_with('{') => None,
            _ if word == "\"\"" || is_name || word.contains(['=', '~', '$']) => None,
            _ => Some(plain.to_owned()),
        });
    }
    Some(words)
}

/// Why nothing that could stand for the placeholders makes it a command.
fn refused(words: &[Option<String>]) -> Option<String> {
    let mut why = None;
    for value in VALUES {
        let typed = words.iter().map(|word| word.as_deref().unwrap_or(value));
        let Err(error) = Cli::try_parse_from(std::iter::once("countersign").chain(typed)) else {
            return None;
        };
        let is_mention = words.iter().flatten().count() == words.len() && words.len() <= 3;
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => return None,
            ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                if is_mention =>
            {
                return None;
            }
            _ => why = Some(error.to_string()),
        }
    }
    why
}

#[test]
fn every_command_that_is_named_can_be_typed() {
    let (mut seen, mut wrong) = (0, Vec::new());
    for path in sources() {
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        for command in commands(&text) {
            let Some(words) =
                words(&command).filter(|words| words.first().is_some_and(Option::is_some))
            else {
                continue;
            };
            seen += 1;
            if let Some(why) = refused(&words) {
                wrong.push(format!("{}: countersign {command}\n{why}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 250, "{seen}");
}

#[test]
fn a_command_that_cannot_be_typed_is_found() {
    for text in [
        "lss",
        "ls --nothing",
        "lock gone",
        "approve",
        "lock renew L-7 --fence soon",
        "comment H-7 {}",
    ] {
        let words = words(text).unwrap();
        assert_eq!(
            refused(&words).is_none(),
            matches!(text, "approve" | "comment H-7 {}"),
            "{text}"
        );
    }
}
