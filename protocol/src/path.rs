//! Paths that a document may name.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization as _, is_nfc};

use crate::{invisible, names::OWN_FOLDER};

/// Longest path, in bytes.
pub const MAX_PATH: usize = 1024;
/// Longest part of a path, in bytes: what file systems can hold.
pub const MAX_PART: usize = 255;

/// Why a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathProblem {
    /// There is nothing.
    #[error("is empty")]
    Empty,
    /// Over [`MAX_PATH`], or a part over [`MAX_PART`].
    #[error("is longer than 1,024 bytes, or a part of it is longer than 255")]
    Long,
    /// Starts at a root: `/`, `C:/` or `~/`.
    #[error("is absolute")]
    Absolute,
    /// A part is `..`, plain or percent-encoded.
    #[error("leaves its folder with `..`")]
    Parent,
    /// A part is `.` or empty, or it ends in `/`.
    #[error("has an empty part, a `.` part or a slash at its end")]
    Part,
    /// A backslash.
    #[error("has a backslash")]
    Backslash,
    /// A control, bidirectional or invisible character.
    #[error("has a control or invisible character")]
    Invisible,
    /// Not in Unicode normalisation form C.
    #[error("is not in Unicode normalisation form C")]
    NotComposed,
    /// In a folder of the daemon.
    #[error("is inside `.countersign`, which belongs to the daemon")]
    Own,
}

impl PathProblem {
    /// What to do about it.
    pub fn fix(self) -> &'static str {
        match self {
            Self::Empty => "Name a file, for example \"out/report.md\".",
            Self::Long => "Use shorter folder and file names.",
            Self::Absolute | Self::Parent => {
                "Name the file relative to the folder of the handoff, for example \"out/report.md\"."
            }
            Self::Part => {
                "Write the parts with one slash between them, for example \"out/report.md\"."
            }
            Self::Backslash => "Use / between the parts.",
            Self::Invisible => "Rename the file to a name that people can read.",
            Self::NotComposed => "Normalise the name to NFC, in the document and on the disk.",
            Self::Own => "Hand over files of your own.",
        }
    }
}

/// Returns the one way to write a path: without `.` parts, as in `./out/report.md`, and in Unicode normalisation
/// form C. What is no path stays what it is, and is refused by [`check`].
///
/// ```
/// use countersign_protocol::path;
/// assert_eq!(path::normal("./out/./report.md"), "out/report.md");
/// assert_eq!(path::normal("a\u{308}.md"), "ä.md");
/// assert_eq!(path::normal("./"), "./");
/// ```
pub fn normal(path: &str) -> Cow<'_, str> {
    let mut path = Cow::Borrowed(path);
    if path.starts_with("./") || path.contains("/./") {
        let parts: Vec<&str> = path.split('/').filter(|part| *part != ".").collect();
        let left = parts.join("/");
        if !left.is_empty() && !left.starts_with('/') {
            path = Cow::Owned(left);
        }
    }
    if !is_nfc(&path) {
        path = Cow::Owned(path.nfc().collect());
    }
    path
}

/// Whether two names are the same but for upper and lower case and for how their letters are composed.
pub fn is_alike(one: &str, other: &str) -> bool {
    let folded = |text: &str| text.nfc().flat_map(char::to_lowercase).collect::<String>();
    one == other || folded(one) == folded(other)
}

/// Checks a path as a document states it: relative, `/` between parts, inside its folder. Links on
/// the way are a matter of the file system and are refused there.
pub fn check(path: &str) -> Result<(), PathProblem> {
    if path.is_empty() {
        return Err(PathProblem::Empty);
    }
    let drive = matches!(path.as_bytes(), [letter, b':', b'/', ..] if letter.is_ascii_alphabetic());
    if path.starts_with('/') || path.starts_with("~/") || drive {
        return Err(PathProblem::Absolute);
    }
    // Nothing here decodes a path, but what reads the document may.
    let decoded = path
        .to_ascii_lowercase()
        .replace("%2e", ".")
        .replace("%2f", "/")
        .replace("%5c", "/");
    if decoded.split(['/', '\\']).any(|part| part == "..") {
        return Err(PathProblem::Parent);
    }
    if path.contains('\\') {
        return Err(PathProblem::Backslash);
    }
    if invisible::marked(path).any(|(c, is_hidden)| c.is_control() || is_hidden) {
        return Err(PathProblem::Invisible);
    }
    if path.split('/').any(|part| part.is_empty() || part == ".") {
        return Err(PathProblem::Part);
    }
    if path.len() > MAX_PATH || path.split('/').any(|part| part.len() > MAX_PART) {
        return Err(PathProblem::Long);
    }
    if !is_nfc(path) {
        return Err(PathProblem::NotComposed);
    }
    if path
        .split('/')
        .any(|part| part.eq_ignore_ascii_case(OWN_FOLDER))
    {
        return Err(PathProblem::Own);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
