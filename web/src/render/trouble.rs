//! What is wrong in a file, and at which line.

use std::collections::{BTreeMap, BTreeSet};

use countersign_protocol::dialect::{self, Format};
use serde::{Serialize, de::IgnoredAny};

/// The most that is shown of one file.
const MOST: usize = 50;
/// Longest message, in characters.
const LONGEST: usize = 300;

/// Something wrong at a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// From 1.
    pub line: usize,
    /// In characters from 1, where it is known.
    pub column: Option<usize>,
    /// One line.
    pub message: String,
}

/// Why `text` cannot be read as what its `media` type says, if it cannot.
pub fn syntax(media: &str, text: &str) -> Option<Trouble> {
    match media {
        "application/json" => {
            let error = serde_json::from_str::<IgnoredAny>(text).err()?;
            // The place is told apart, and the message ends with it.
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            Some(Trouble {
                line: error.line().max(1),
                column: Some(error.column()).filter(|column| *column > 0),
                message: format!("not JSON: {message}"),
            })
        }
        "application/toml" => {
            let error = toml::from_str::<toml::Table>(text).err()?;
            let at = error.span().map_or(0, |span| span.start.min(text.len()));
            let before = text.get(..at).unwrap_or_default();
            let line = before.rsplit('\n').next().unwrap_or_default();
            Some(Trouble {
                line: before.matches('\n').count() + 1,
                column: Some(line.chars().count() + 1),
                message: format!("not TOML: {}", first_line(error.message())),
            })
        }
        "application/yaml" => {
            let refusal = dialect::read(text.as_bytes(), Format::Yaml).err()?;
            // Anchors and the like are good YAML, though no document of the contract.
            let wrong = ["syntax", "duplicate_key"];
            let mut all = refusal.violations.iter();
            let one = all.find(|one| wrong.contains(&one.code.as_str()) && one.line > 0)?;
            Some(Trouble {
                line: one.line as usize,
                column: Some(one.column as usize).filter(|column| *column > 0),
                message: format!("not YAML: {}", first_line(&one.message)),
            })
        }
        _ => None,
    }
}

/// What the output of a check says about lines of the files at `paths`: `path:line: message` or
/// `path:line:column: message`, as compilers and linters write it.
pub fn said<'a>(
    outputs: impl Iterator<Item = &'a str>,
    paths: &BTreeSet<&str>,
) -> BTreeMap<String, Vec<Trouble>> {
    let mut found: BTreeMap<String, Vec<Trouble>> = BTreeMap::new();
    for line in outputs.flat_map(str::lines) {
        let Some((path, trouble)) = line_of(line, paths) else {
            continue;
        };
        let of = found.entry(path.to_owned()).or_default();
        if of.len() < MOST && !of.contains(&trouble) {
            of.push(trouble);
        }
    }
    found
}

fn line_of<'l>(line: &'l str, paths: &BTreeSet<&str>) -> Option<(&'l str, Trouble)> {
    let line = line.trim();
    let line = line.strip_prefix("./").unwrap_or(line);
    let (path, rest) = line
        .match_indices(':')
        .map(|(at, _)| (&line[..at], &line[at + 1..]))
        .find(|(path, _)| paths.contains(path))?;
    let (number, rest) = rest.split_once(':')?;
    let line = number.parse().ok().filter(|line| *line > 0)?;
    let column = rest.split_once(':');
    let column = column.and_then(|(number, rest)| Some((number.parse().ok()?, rest)));
    let (column, message) = column.map_or((None, rest), |(column, rest)| (Some(column), rest));
    let message = first_line(message.trim());
    (!message.is_empty()).then_some((
        path,
        Trouble {
            line,
            column,
            message,
        },
    ))
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests;
