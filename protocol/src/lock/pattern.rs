//! What a lock is on, and whether two of them have a file in common.
//!
//! A file is itself. A folder is itself and everything beneath it. A glob is what it fits: `*` and `?` stay
//! within a name, `[a-z]` and `[!a-z]` are one character of a name, `{a,b}` is either, and `**` between
//! slashes is any number of names, none included. The answer is exact: two patterns overlap if and only if there is a
//! path that both fit, whether or not it exists.

use serde::{Deserialize, Serialize};

use super::glob::{expanded, glob, literal};
use crate::path::{self, PathProblem};

/// Longest glob, in bytes: comparing two takes time with the product of their lengths.
const MAX_GLOB: usize = 256;

/// What the path of a lock is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One name, whether it exists or not.
    File,
    /// A folder and everything beneath it.
    Folder,
    /// Whatever fits.
    Glob,
}

/// Why a path cannot be locked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternProblem {
    /// It is no path in a workspace.
    #[error("the path {0}")]
    Path(PathProblem),
    /// Too long to be compared.
    #[error("a glob has at most 256 bytes")]
    Long,
    /// Too many alternatives.
    #[error("the braces of a glob stand for at most 16 patterns")]
    Many,
    /// `**` with something beside it.
    #[error("`**` stands alone between slashes, as in `src/**/*.rs`")]
    Stars,
    /// `[` without an end, an empty class, or one with a slash.
    #[error(
        "`[` begins a class of characters, as in `[a-z]` or `[!a-z]`, and none of them is a slash"
    )]
    Class,
    /// `{` without an end, or one inside another.
    #[error("`{{` begins alternatives, as in `{{a,b}}`, and they do not nest")]
    Braces,
}

impl PatternProblem {
    /// What to do about it.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::Path(problem) => problem.fix(),
            _ => "Write it otherwise, or take several locks; `kind` says that a path is no glob.",
        }
    }
}

/// What a lock is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    kind: Kind,
    /// Each is a pattern of its own; only a glob has more than one.
    alternatives: Vec<Vec<Part>>,
}

/// What stands between two slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Any number of names.
    Any,
    /// This name.
    Name(String),
    /// A name that fits.
    Like(Vec<Token>),
}

/// What stands for characters of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Any number of them.
    Run,
    /// One of these: ranges of scalar values, sorted, never empty.
    One(Vec<(u32, u32)>),
}

impl Pattern {
    /// Reads a path relative to the workspace. Without a kind, one of `*?[{` makes a glob, a slash at the end a
    /// folder; the workspace itself is `.`. A glob with a slash at its end is for folders with all beneath them.
    ///
    /// ```
    /// use countersign_protocol::lock::{Kind, Pattern};
    /// let read = |text| Pattern::read(text, None).unwrap();
    /// assert_eq!(read("src/").kind(), Kind::Folder);
    /// assert!(read("src/**/*.rs").overlaps(&read("./src/main.rs")));
    /// assert_eq!(read("packages/*/").as_str(), "packages/*/**");
    /// ```
    pub fn read(text: &str, kind: Option<Kind>) -> Result<Self, PatternProblem> {
        let kind = kind.unwrap_or_else(|| match text {
            "." => Kind::Folder,
            _ if text.contains(['*', '?', '[', '{']) => Kind::Glob,
            _ if text.ends_with('/') => Kind::Folder,
            _ => Kind::File,
        });
        let mut text = path::normal(text);
        if kind == Kind::Glob
            && let Some(folders) = text.strip_suffix('/')
        {
            // Folders that fit, and so everything beneath them.
            text = format!("{folders}/**").into();
        }
        let text = &*text;
        let alternatives = match kind {
            Kind::Folder if matches!(text, "" | "." | "./") => vec![vec![Part::Any]],
            Kind::Folder => {
                let mut parts = names(text.strip_suffix('/').unwrap_or(text))?;
                parts.push(Part::Any);
                vec![parts]
            }
            Kind::File => vec![names(text)?],
            Kind::Glob if text.len() > MAX_GLOB => return Err(PatternProblem::Long),
            Kind::Glob => expanded(text)?
                .iter()
                .map(|text| glob(text))
                .collect::<Result<_, _>>()?,
        };
        let text = match kind {
            Kind::Folder if matches!(text, "" | ".") => "./".to_owned(),
            Kind::Folder if !text.ends_with('/') => format!("{text}/"),
            _ => text.to_owned(),
        };
        Ok(Self {
            text,
            kind,
            alternatives,
        })
    }

    /// As a reader would write it; a folder ends in a slash.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether there is a path that both fit.
    pub fn overlaps(&self, other: &Self) -> bool {
        let meets = |one: &Vec<Part>| {
            let mut others = other
                .alternatives
                .iter()
                .filter(|other| !begin_apart(one, other));
            others.any(|other| common(one, other, |part| *part == Part::Any, Part::meets))
        };
        self.alternatives.iter().any(meets)
    }

    /// Whether the file or folder `path` fits.
    pub fn covers(&self, path: &str) -> bool {
        Self::read(path, Some(Kind::File)).is_ok_and(|path| self.overlaps(&path))
    }
}

/// Whether the two begin with names that differ, so that no path fits both: most locks that are held at a time do, and
/// this is quicker to see than all that patterns may have in common.
fn begin_apart(one: &[Part], other: &[Part]) -> bool {
    let pairs = one.iter().zip(other);
    let mut names = pairs.map_while(|pair| match pair {
        (Part::Name(one), Part::Name(other)) => Some((one, other)),
        _ => None,
    });
    names.any(|(one, other)| one != other)
}

impl Part {
    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::Name(one), Self::Name(other)) => one == other,
            (Self::Name(name), Self::Like(tokens)) | (Self::Like(tokens), Self::Name(name)) => {
                fits(&literal(name), tokens)
            }
            (Self::Like(one), Self::Like(other)) => fits(one, other),
        }
    }
}

fn fits(one: &[Token], other: &[Token]) -> bool {
    common(
        one,
        other,
        |token| *token == Token::Run,
        |one, other| match (one, other) {
            (Token::One(one), Token::One(other)) => one
                .iter()
                .any(|(from, to)| other.iter().any(|(start, end)| from <= end && start <= to)),
            _ => true,
        },
    )
}

/// Whether some sequence fits both. An element for which `is_run` holds stands for any number of any elements;
/// of two others `meet` says whether one thing fits both.
fn common<T>(
    mut one: &[T],
    mut other: &[T],
    is_run: impl Fn(&T) -> bool,
    meet: impl Fn(&T, &T) -> bool,
) -> bool {
    // What both begin with is settled one by one, and most pairs differ there.
    while let ([first, rest @ ..], [begin, more @ ..]) = (one, other)
        && !is_run(first)
        && !is_run(begin)
    {
        if !meet(first, begin) {
            return false;
        }
        (one, other) = (rest, more);
    }
    // Whether what is left of `one` and each rest of `other` have a sequence in common, from the ends to the front.
    let width = other.len();
    let mut after = vec![false; width + 1];
    for at in (0..=one.len()).rev() {
        let mut row = vec![false; width + 1];
        for place in (0..=width).rev() {
            let (here, there) = (one.get(at), other.get(place));
            row[place] = match (here, there) {
                (None, None) => true,
                (Some(here), _) if is_run(here) => after[place] || place < width && row[place + 1],
                (_, Some(there)) if is_run(there) => {
                    row[place + 1] || here.is_some() && after[place]
                }
                (Some(here), Some(there)) => after[place + 1] && meet(here, there),
                _ => false,
            };
        }
        after = row;
    }
    after[0]
}

fn names(text: &str) -> Result<Vec<Part>, PatternProblem> {
    path::check(text).map_err(PatternProblem::Path)?;
    Ok(text
        .split('/')
        .map(|name| Part::Name(name.to_owned()))
        .collect())
}
