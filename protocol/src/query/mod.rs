//! The language in which people search: words, phrases, patterns and operators.
//!
//! A [`Query`] is read from text ([`parse`]) or from a question, and printed back in one canonical form
//! whose meaning is the same. Nothing here knows what is searched; times stay as they were written
//! (`yesterday`, `7d`, `@last-build`) and are placed by whoever runs the query, with the time and the
//! zone of the asker. `docs/search.md` is this language for users.

mod edit;
pub mod glob;
mod moment;
mod operator;
mod parse;
mod print;
pub mod question;
#[cfg(test)]
mod tests;
mod value;

use serde::{Deserialize, Serialize};

pub use edit::Pill;
pub use moment::{Moment, Now, Span};
pub use operator::{Kind, Operator};
pub use parse::parse;
pub use value::{Atom, Comparison, Value};

pub use crate::anchor::Anchor;

/// Longest text of a query, in bytes.
pub const MAX_LENGTH: usize = 4_096;
/// Most terms in one query.
pub const MAX_TERMS: usize = 100;
/// Deepest nesting of parentheses and negations.
pub const MAX_DEPTH: usize = 20;

/// A place in the text of a query: bytes from `start` up to, and without, `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = QueryPlace))]
pub struct Place {
    /// The first byte.
    pub start: usize,
    /// The byte behind the last one.
    pub end: usize,
}

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// What every result fulfils.
    pub filter: Filter,
    /// Words that bring results forward and leave none out (`about:`). When there is no filter, a result
    /// has at least one of them.
    pub about: Vec<String>,
    /// The kind of thing that is shown; what fits the query best when none is named.
    pub show: Option<HitKind>,
    /// True when the answer is a number (`show:count`).
    pub count: bool,
    /// By what the results are counted, instead of listed (`group:`).
    pub group: Option<Group>,
    /// The order; by relevance, or by time when there is nothing to be relevant to.
    pub sort: Option<Sort>,
}

/// A condition.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Filter {
    /// Everything.
    #[default]
    All,
    /// Each of at least two.
    And(Vec<Filter>),
    /// Any of at least two.
    Or(Vec<Filter>),
    /// Not this one, which is not itself a `Not`.
    Not(Box<Filter>),
    /// One thing.
    Term(Term),
}

/// One thing to look for, and where it stands in the text.
#[derive(Clone, Debug)]
pub struct Term {
    /// What it is.
    pub what: What,
    /// Its place in the text that was read; empty when it was not read from text.
    pub place: Place,
}

/// Two terms are the same when they mean the same, wherever they stand.
impl PartialEq for Term {
    fn eq(&self, other: &Self) -> bool {
        self.what == other.what
    }
}

/// What a term looks for.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A word, by the tokens of the index: in names, paths, text and fields.
    Word(String),
    /// These very characters, whatever their case.
    Phrase(String),
    /// A regular expression, tried against each line.
    Regex(String),
    /// A field.
    Field(Operator, Value),
}

/// A kind of thing that can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum HitKind {
    /// A file of a handoff.
    File,
    /// A handoff, by its newest revision.
    Handoff,
    /// A decision.
    Decision,
    /// A comment.
    Comment,
    /// A delivery that was refused.
    Refused,
    /// A version of a checkpoint.
    Checkpoint,
    /// Any other entry of the ledger.
    Event,
}

impl HitKind {
    /// What one of them is called.
    pub fn noun(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Handoff => "handoff",
            Self::Decision => "decision",
            Self::Comment => "comment",
            Self::Refused => "refused",
            Self::Checkpoint => "checkpoint",
            Self::Event => "event",
        }
    }
}

/// By what results are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// By agent.
    Agent,
    /// By workspace.
    Workspace,
    /// By the person who decided or wrote.
    By,
    /// By type of file.
    Type,
    /// By outcome.
    Decision,
    /// By risk.
    Risk,
    /// By trigger.
    Trigger,
    /// By folder.
    Folder,
    /// By handoff.
    Handoff,
    /// By day, in the zone of the asker.
    Day,
}

/// The order of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// Best first.
    Relevance,
    /// Newest first.
    Newest,
    /// Oldest first.
    Oldest,
    /// Largest first.
    Largest,
    /// Smallest first.
    Smallest,
    /// By path.
    Path,
    /// Highest risk first.
    Risk,
    /// Soonest due first.
    Due,
    /// Least confident first.
    Confidence,
}

/// The text cannot be read as a query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[error("{message}")]
pub struct QueryError {
    /// What is wrong, one sentence.
    pub message: String,
    /// Where.
    pub place: Place,
    /// What to do.
    pub hint: String,
}

/// A part of the text that was left out or read otherwise. The rest was run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = QueryNote))]
pub struct Note {
    /// For example ``unknown operator `agnet:`, did you mean `agent:`?``.
    pub message: String,
    /// Where.
    pub place: Place,
    /// What could stand there instead, for example `agent:`.
    pub instead: Option<String>,
}

/// A query with what is to be said about how it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// The query.
    pub query: Query,
    /// What was left out or read otherwise.
    pub notes: Vec<Note>,
}
