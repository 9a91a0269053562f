//! What is looked for, in terms of the index.

use std::{collections::HashSet, ops::Range};

use super::pattern::Pattern;
use crate::search::Level;

/// A condition. Who asks has turned names, people and times of the query into these.
#[derive(Clone, Debug)]
pub enum Condition {
    /// Everything.
    All,
    /// Each of these.
    And(Vec<Condition>),
    /// Any of these.
    Or(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// A word, in names, titles and text.
    Word(String),
    /// Words next to each other in the text of this kind of document.
    Inside(&'static str, String),
    /// A phrase or pattern, in a line of the text; a phrase in the path as well.
    Pattern(Pattern, Option<String>),
    /// What is about one of these: documents of the handoffs, or files, by `key_of_file`.
    About {
        /// Numbers of handoffs.
        cards: HashSet<u64>,
        /// Keys of files.
        files: HashSet<u64>,
    },
    /// Files with one of these keys.
    Files(HashSet<u64>),
    /// Documents of this kind.
    Kind(&'static str),
    /// In the workspace.
    Workspace(Name),
    /// By this person or agent.
    By(Name),
    /// The path: a glob, or the name of a file or of a folder above it.
    Path(String),
    /// The ending of the name.
    Ending(Name),
    /// The type of file.
    Type(Name),
    /// Size in bytes.
    Size(Range<u64>),
    /// When it was changed or recorded, in microseconds since 1970.
    At(Range<i64>),
    /// It has a line of this level.
    Level(Level),
    /// It is a decision with this outcome, as queries write it: `changes-requested`.
    Outcome(String),
}

/// A name, in which `*` and `?` are placeholders. The case of letters does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(pub String);

/// The regular expression that a glob is, for folded paths. Without a `/` it is the name of a file or of a
/// folder above it; else it begins at any folder.
pub(super) fn glob(glob: &str) -> String {
    let glob = glob.trim_start_matches("./");
    let is_below_root = glob.starts_with('/');
    let glob = glob.trim_start_matches('/');
    let (glob, is_folder) = match glob.strip_suffix('/') {
        Some(folder) => (folder, true),
        None => (glob, !glob.contains('/')),
    };
    let start = if is_below_root { "^" } else { "(?:^|/)" };
    let end = if is_folder { "(?:/|$)" } else { "$" };
    format!("{start}{}{end}", placeholders(glob, true))
}

impl Name {
    /// Whether it has placeholders.
    pub(super) fn is_open(&self) -> bool {
        self.0.contains(['*', '?'])
    }

    /// The regular expression for folded names.
    pub(super) fn pattern(&self) -> String {
        format!("^{}$", placeholders(&self.0, false))
    }
}

/// `*` and `?` stay within a folder when it is a path; `**` does not.
fn placeholders(text: &str, is_path: bool) -> String {
    let mut pattern = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let any = if is_path { "[^/]" } else { "." };
        if let Some(behind) = rest.strip_prefix("**/").filter(|_| is_path) {
            pattern.push_str("(?:.*/)?");
            rest = behind;
            continue;
        }
        if let Some(behind) = rest.strip_prefix("**") {
            pattern.push_str(".*");
            rest = behind;
            continue;
        }
        match letter {
            '*' => {
                pattern.push_str(any);
                pattern.push('*');
            }
            '?' => pattern.push_str(any),
            other => {
                let folded = super::super::fold::fold(other).to_string();
                pattern.push_str(&regex::escape(&folded));
            }
        }
        rest = &rest[letter.len_utf8()..];
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_find_paths() {
        for (text, path, fits) in [
            ("lib.rs", "src/lib.rs", true),
            ("src", "src/lib.rs", true),
            ("lib", "src/lib.rs", false),
            ("*.rs", "src/Lib.RS", true),
            ("*.rs", "src/lib.rsx", false),
            ("src/*.rs", "a/src/lib.rs", true),
            ("src/*.rs", "src/deep/lib.rs", false),
            ("src/**/*.rs", "src/deep/er/lib.rs", true),
            ("src/**/*.rs", "src/lib.rs", true),
            ("src/**", "src/a/b", true),
            ("/src/*.rs", "a/src/lib.rs", false),
            ("src/", "src/lib.rs", true),
            ("src/", "my-src/lib.rs", false),
            ("r?port.md", "out/report.md", true),
            ("a+b", "a+b", true),
        ] {
            let pattern = regex::Regex::new(&glob(text)).unwrap();
            let folded = super::super::super::fold::folded(path);
            assert_eq!(pattern.is_match(&folded), fits, "{text} {path}");
        }
    }
}
