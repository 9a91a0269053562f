//! The file of owners in a workspace: patterns with the people who look after what they match.
//!
//! One line each, as in CODEOWNERS of code hosts: a pattern of `.gitignore`, then who; the last line that
//! matches a file wins. The file is the operator's: it counts only when agents cannot have written it.

use std::{io::Read as _, os::unix::fs::MetadataExt as _, path::Path};

use countersign_protocol::principal::Principal;

use crate::{
    catalog::Catalog,
    config::{Policy, Target},
    fs::Dir,
    policy::work::Globs,
};

/// Its name.
const NAME: &str = "OWNERS";
/// Longest file that is read, in bytes.
const LONGEST: u64 = 256 * 1024;
/// Most lines that are read.
const MOST: usize = 2_000;

/// What a file of owners says.
#[derive(Debug, Default)]
pub struct Owners {
    lines: Vec<(usize, Globs, Vec<Target>)>,
    /// What cannot be read, one line each.
    doubts: Vec<String>,
    /// The user whose file it is; `None` for text that was never a file.
    uid: Option<u32>,
}

impl Owners {
    /// Whether a rule asks owners at all.
    pub fn are_asked(policy: &Policy) -> bool {
        let mut routes = policy.routes.iter();
        routes.any(|route| route.to.value.contains(&Target::Owners))
    }

    /// Reads the file of a workspace; `None` when there is none. One that does not count says why in its doubts.
    pub fn of_workspace(dir: &Dir) -> Option<Self> {
        let doubt = |why: String| {
            Some(Self {
                doubts: vec![why],
                ..Self::default()
            })
        };
        let file = match dir.open_file(Path::new(NAME)) {
            Ok(file) => file,
            Err(error) if error.is_not_found() => return None,
            Err(error) => return doubt(error.to_string()),
        };
        let uid = match file.metadata() {
            Ok(meta) if meta.mode() & 0o022 != 0 => {
                return doubt(format!(
                    "{NAME} does not count while group or others may write it: run `chmod go-w {NAME}`"
                ));
            }
            Ok(meta) if !meta.is_file() => return doubt(format!("{NAME} is no file")),
            Ok(meta) => meta.uid(),
            Err(error) => return doubt(format!("{NAME} cannot be read: {error}")),
        };
        let mut text = String::new();
        match file.take(LONGEST + 1).read_to_string(&mut text) {
            Ok(_) if text.len() as u64 > LONGEST => doubt(format!(
                "{NAME} is longer than {LONGEST} bytes and does not count"
            )),
            Ok(_) => Some(Self {
                uid: Some(uid),
                ..Self::parse(&text)
            }),
            Err(error) => doubt(format!("{NAME} cannot be read: {error}")),
        }
    }

    /// Returns a note for people where the agent that delivered by `principal` can write the file: it runs as the
    /// user whose file it is, and so may have chosen its own reviewer.
    pub fn written_by_agent(&self, principal: &Principal) -> Option<String> {
        let Principal::FileOwner { uid } = principal else {
            return None;
        };
        (self.uid == Some(*uid)).then(|| {
            format!("agents can write {NAME}: it belongs to user {uid}, as whom this agent runs")
        })
    }

    /// Reads the text of such a file.
    pub fn parse(text: &str) -> Self {
        let mut owners = Self::default();
        if text.lines().count() > MOST {
            let doubt = format!("{NAME} has more than {MOST} lines; those behind do not count");
            owners.doubts.push(doubt);
        }
        for (number, line) in (1..).zip(text.lines().take(MOST)) {
            let line = line.split(" #").next().unwrap_or_default().trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = line.split_whitespace();
            let pattern = words.next().unwrap_or_default();
            if let Err(why) = Globs::check(pattern) {
                let doubt = format!("{NAME} line {number}: the pattern `{pattern}` {why}");
                owners.doubts.push(doubt);
            }
            let mut people = Vec::new();
            for word in words {
                match target(word).parse() {
                    Ok(Target::Agent(_) | Target::Owners) => owners.doubts.push(format!(
                        "{NAME} line {number}: `{word}` cannot look after files"
                    )),
                    Ok(target) => people.push(target),
                    Err(why) => owners
                        .doubts
                        .push(format!("{NAME} line {number}: `{word}` {why}")),
                }
            }
            owners.lines.push((number, Globs::new(&[pattern]), people));
        }
        owners
    }

    /// What cannot be read, and who is not known, one line each.
    pub fn doubts(&self, catalog: &Catalog) -> Vec<String> {
        let mut doubts = self.doubts.clone();
        for (number, _, people) in &self.lines {
            let unknown = people.iter().filter(|target| !catalog.knows(target));
            doubts.extend(
                unknown.map(|target| {
                    format!("{NAME} line {number}: nobody is configured as `{target}`")
                }),
            );
        }
        doubts
    }

    /// Who looks after `paths`, each once.
    pub fn of<'a>(&self, paths: impl Iterator<Item = &'a str>) -> Vec<Target> {
        let mut owners: Vec<Target> = Vec::new();
        for path in paths {
            let mut lines = self.lines.iter().rev();
            let line = lines.find(|(_, globs, _)| globs.matches(path));
            for owner in line
                .map(|(_, _, owners)| owners.as_slice())
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
