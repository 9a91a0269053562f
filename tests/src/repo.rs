//! The repository as the tidy tests see it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests package lives in the workspace")
        .to_owned()
}

/// A file that belongs to the repository.
#[derive(Clone, Debug)]
pub struct RepoFile {
    /// Relative to the root, `/` between parts.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl RepoFile {
    /// Its text; empty for what is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap_or_default()
    }

    /// Whether the name ends in `.{extension}`.
    pub fn is(&self, extension: &str) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|found| found == extension)
    }

    /// Number of lines.
    pub fn lines(&self) -> usize {
        self.text().lines().count()
    }
}

/// Everything that git knows or would take, so that a new file is held to the rules before it is
/// committed.
pub fn files() -> Vec<RepoFile> {
    let root = root();
    let list = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(&root)
        .output()
        .expect("git is installed");
    assert!(list.status.success(), "the tests run in a git checkout");
    let mut paths: Vec<String> = String::from_utf8(list.stdout)
        .expect("paths in the repository are UTF-8")
        .split_terminator('\0')
        .map(str::to_owned)
        .collect();
    paths.sort();
    paths.dedup();
    paths
        .into_iter()
        .filter_map(|path| {
            let bytes = std::fs::read(root.join(&path)).ok()?;
            Some(RepoFile { path, bytes })
        })
        .collect()
}

/// Our Rust sources.
pub fn rust_files() -> Vec<RepoFile> {
    files().into_iter().filter(|file| file.is("rs")).collect()
}

/// The text of one file of the repository.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Rust source without comments, and with the text in string literals blanked; lines stay in place.
pub fn code_only(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    let keep_lines = |out: &mut String, text: &str| {
        out.extend(text.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
    };
    while at < bytes.len() {
        let rest = &source[at..];
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = raw_string(rest) {
            length
        } else if rest.starts_with('"') {
            string(rest)
        } else {
            char_literal(rest).unwrap_or_default()
        };
        if skip > 0 {
            keep_lines(&mut out, &source[at..at + skip]);
            at += skip;
        } else if let Some(next) = rest.chars().next() {
            out.push(next);
            at += next.len_utf8();
        }
    }
    out
}

/// Length of the raw string literal at the start, if there is one.
fn raw_string(text: &str) -> Option<usize> {
    let body = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = body.bytes().take_while(|byte| *byte == b'#').count();
    let inner = body[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = inner.find(&end)? + end.len();
    Some(text.len() - inner.len() + length)
}

/// Length of the string literal at the start.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of the character literal at the start, if it is one and no lifetime.
fn char_literal(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('\'')?;
    let mut chars = inner.char_indices();
    let (_, first) = chars.next()?;
    let close = if first == '\\' {
        let (_, _) = chars.next()?;
        inner[2..].find('\'')? + 2
    } else {
        chars.next().filter(|(_, c)| *c == '\'')?.0
    };
    Some(close + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_code_is_kept() {
        let source = "a // b\nc /* d\n */ e \"f \\\" g\" h r#\"i \" j\"# k 'l' m '\\n' n: &'o str";
        let code = code_only(source);
        assert_eq!(code.lines().count(), source.lines().count());
        for kept in ["a", "c", "e", "h", "k", "m", "n: &'o str"] {
            assert!(code.contains(kept), "{kept} in {code}");
        }
        for gone in ["b", "d", "f", "g", "i", "j", "l", "\\n"] {
            assert!(
                !code.replace("'o str", "").contains(gone),
                "{gone} in {code}"
            );
        }
    }
}
