//! The file of owners in a workspace: patterns with the people who look after what they match.
//!
//! One line each, as in CODEOWNERS of code hosts: a pattern of `.gitignore`, then who; the last line that
//! matches a file wins. The file is the operator's: it counts only when agents cannot have written it.

use crate::{config::Target, policy::work::Globs};

/// Most lines that are read.
const MOST: usize = 2_000;

/// What a file of owners says.
#[derive(Debug, Default)]
pub struct Owners {
    lines: Vec<(Globs, Vec<Target>)>,
}

impl Owners {
    /// Reads the file. Words that name nobody are passed over.
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().take(MOST).filter_map(|line| {
            let line = line.split(" #").next().unwrap_or_default().trim();
            if line.is_empty() || line.starts_with('#') {
                return None;
            }
            let mut words = line.split_whitespace();
            let pattern = words.next()?;
            let owners = words.filter_map(|word| target(word).parse().ok()).collect();
            Some((Globs::new(&[pattern]), owners))
        });
        Self {
            lines: lines.collect(),
        }
    }

    /// Who looks after `paths`, each once.
    pub fn of<'a>(&self, paths: impl Iterator<Item = &'a str>) -> Vec<Target> {
        let mut owners: Vec<Target> = Vec::new();
        for path in paths {
            let line = self
                .lines
                .iter()
                .rev()
                .find(|(globs, _)| globs.matches(path));
            for owner in line
                .map(|(_, owners)| owners.as_slice())
                .unwrap_or_default()
            {
                if !owners.contains(owner) {
                    owners.push(owner.clone());
                }
            }
        }
        owners
    }
}

/// `@maya` is a person, `@team/editors` a group; our own words stay as they are.
fn target(word: &str) -> String {
    match word.strip_prefix('@') {
        Some(rest) => match rest.rsplit_once('/') {
            Some((_, group)) => format!("group:{group}"),
            None => rest.to_owned(),
        },
        None => word.to_owned(),
    }
}
