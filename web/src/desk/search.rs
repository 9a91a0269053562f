//! Searching: what is asked, what is found, and what is said about both.

use async_trait::async_trait;
use countersign_protocol::{
    HandoffId,
    content::Place,
    query::{HitKind, Note, QueryError, Sort},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Caller, Change, DeskError, Person};

/// What somebody asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchRequest {
    /// A query, or a question in words.
    pub text: String,
    /// True when the text is a query even where its words could be a question.
    pub verbatim: bool,
    /// `next_cursor` of the page before, for the same text and order.
    pub cursor: Option<String>,
    /// Hits on the page.
    pub limit: usize,
    /// The order, when the text does not say one.
    pub sort: Option<Sort>,
    /// The time zone that days are counted in, by its IANA name; else the one of the person who asks.
    pub zone: Option<String>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SearchAnswer {
    /// How the text was read.
    pub reading: ReadAs,
    /// The hits of this page, in order. Empty when the answer is only a count or groups.
    pub hits: Vec<Hit>,
    /// How many hits there are in all, as far as this caller may know of them.
    pub total: u64,
    /// False when there are at least as many as `total` and they were not counted further.
    pub exact: bool,
    /// To get the next page.
    pub next_cursor: Option<String>,
    /// How the hits spread over kinds, types, states, …; most frequent values first.
    pub facets: Vec<Facet>,
    /// Counts by what `group:` names, largest first.
    pub groups: Vec<Counted>,
    /// What `changed:` and its kin were resolved to.
    pub changes: Option<Changes>,
    /// What `at:` was resolved to: one moment for each workspace that has it.
    #[serde(default)]
    pub stood: Vec<StoodAt>,
    /// Where the index is not complete: what is missing.
    pub partial: Option<Partial>,
    /// Files that fit but for their text, of which not all is searched; `has:unsearched` finds them.
    #[serde(default)]
    pub unsearched: u64,
    /// When nothing was found: what would be, with one term less; nearest first.
    pub relaxed: Vec<Relaxed>,
    /// The ledger entry up to which everything is in the answer, unless it is partial.
    pub seq: u64,
}

/// How a text was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadAs {
    /// The query in canonical form. The same text again gives the same query.
    pub query: String,
    /// True when it was a question, read by rules.
    pub question: bool,
    /// Words of a question that no rule understood. They rank and do not filter.
    pub left_over: Vec<String>,
    /// What was left out or read otherwise than it looks.
    pub notes: Vec<Note>,
    /// The time zone that days were counted in, when the query names a day.
    #[serde(default)]
    pub zone: Option<String>,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Hit {
    /// What it is.
    pub kind: HitKind,
    /// Its workspace.
    pub workspace: String,
    /// For a file: its path in the workspace.
    pub path: Option<String>,
    /// Folder of the handoff in the workspace, empty for the workspace itself; the path of a file that the
    /// handoff names begins with it. The desk fills it in after the search.
    pub folder: Option<String>,
    /// Inside of an archive: the path of the member.
    pub member: Option<String>,
    /// The handoff that it belongs to.
    pub handoff: Option<HandoffId>,
    /// The revision.
    pub revision: Option<u32>,
    /// One line: the title of the handoff, or of what was found.
    pub title: String,
    /// The agent.
    pub agent: Option<String>,
    /// The person, for decisions and comments.
    pub by: Option<String>,
    /// A word for its state: of a handoff as in the queue, of a decision its outcome.
    pub state: Option<String>,
    /// What became of a file, when changes were asked for.
    pub change: Option<Change>,
    /// The earlier path of a renamed file.
    pub renamed_from: Option<String>,
    /// Size in bytes.
    pub size: Option<u64>,
    /// When it was recorded.
    pub at: Timestamp,
    /// The ledger entry that it is found in: the source of what is said here. 0 for a file that no entry tells of.
    pub seq: u64,
    /// Lines that match.
    pub lines: Vec<MatchedLine>,
    /// What the validator said.
    pub errors: Vec<HitError>,
    /// Why some of its text is not searched, one sentence.
    #[serde(default)]
    pub note: Option<String>,
}

/// A line that matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MatchedLine {
    /// Number of the line, from 1, in the file or in the place that has lines of its own; absent in a field
    /// of a handoff, and where lines have no numbers that a reader sees.
    pub number: Option<u64>,
    /// Where in the file, when that is not simply a line of it: a page, a row of a sheet, a member of an archive.
    #[serde(default)]
    pub place: Option<Place>,
    /// The field, when it is one: `title`, `summary`, `comment`, …
    pub field: Option<String>,
    /// The line, cut around the first match when it is long.
    pub text: String,
    /// Where in `text`: first byte, and the byte behind the last.
    pub matches: Vec<(usize, usize)>,
}

impl MatchedLine {
    /// Where it stands, in words: `line 7`, `page 3`, `a/b.txt, line 7`, `title`.
    pub fn label(&self) -> String {
        let number = self.number.map(|number| format!("line {number}"));
        let place = self.place.as_ref().map(ToString::to_string);
        let place = place.or_else(|| self.field.clone());
        match (place, number) {
            (Some(place), Some(number)) => format!("{place}, {number}"),
            (place, number) => place.or(number).unwrap_or_default(),
        }
    }
}

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HitError {
    /// What is wrong.
    pub message: String,
    /// JSON pointer, empty for the whole document.
    pub pointer: String,
    /// Line, 0 when not known.
    pub line: u32,
}

/// How the hits spread over the values of one operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Facet {
    /// Canonical name of the operator, for example `type`.
    pub operator: String,
    /// Its values.
    pub values: Vec<Counted>,
}

/// A value and how often it occurs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counted {
    /// The value as an operator takes it.
    pub value: String,
    /// How many hits have it.
    pub count: u64,
}

/// Between which entries changes were folded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Changes {
    /// In words, for example `build 318`.
    pub since: String,
    /// The entry of the starting point.
    pub from_seq: u64,
    /// When that was.
    pub from_at: Option<Timestamp>,
    /// Who set it, for a mark.
    pub from_by: Option<String>,
    /// The last entry that was folded.
    pub to_seq: u64,
    /// Files that were written and had their old content again at the end; they are left out.
    pub cancelled: u64,
}

/// The moment whose files were searched, in one workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoodAt {
    /// The workspace.
    pub workspace: String,
    /// The moment in words, for example `build 318, marked by ci`.
    pub label: String,
    /// The last entry that counts.
    pub seq: u64,
    /// When that was.
    pub at: Option<Timestamp>,
}

/// Something is not in the index yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Partial {
    /// Why, one sentence.
    pub why: String,
    /// How much is done.
    pub done: u64,
    /// Of how much, when that is known.
    pub of: Option<u64>,
}

/// A query with one term less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Relaxed {
    /// The term that was left out.
    pub without: String,
    /// The query without it.
    pub query: String,
    /// What it finds.
    pub total: u64,
}

/// What could be typed next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Completion {
    /// The whole text with it.
    pub text: String,
    /// The part that is new.
    pub value: String,
    /// What it is, in a few words.
    pub help: String,
}

/// A search that a person keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SavedSearch {
    /// Its name; one person has each name once.
    pub name: String,
    /// Its canonical query.
    pub query: String,
    /// When it was saved.
    pub at: Timestamp,
}

/// A question that the rules did not understand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unmatched {
    /// The question as it was asked last.
    pub question: String,
    /// How often.
    pub count: u64,
    /// When it was asked last.
    pub at: Timestamp,
}

/// How far the index is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IndexStatus {
    /// `ready`, `catching_up`, `rebuilding` or `off`.
    pub state: String,
    /// Why it is not ready, one sentence.
    pub why: Option<String>,
    /// How much is done.
    pub done: u64,
    /// Of how much.
    pub of: u64,
    /// Documents in it.
    pub documents: u64,
    /// Its size on the disk in bytes.
    pub bytes: u64,
    /// The ledger entry up to which it is complete.
    pub seq: u64,
    /// Files whose text is still to be read; they are found by name.
    #[serde(default)]
    pub reading: u64,
    /// Files of whose text only a part is searched.
    #[serde(default)]
    pub cut: u64,
    /// Files whose text could not be read; they are found by name.
    #[serde(default)]
    pub unread: u64,
}

/// Why a search cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The text cannot be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// No time zone has that name.
    #[error("there is no time zone `{0}`")]
    Zone(String),
    /// Anything else.
    #[error(transparent)]
    Desk(#[from] DeskError),
}

/// Searching, for pages and API. What a caller may not see is in no hit, no count and no completion.
#[async_trait]
pub trait SearchDesk: Send + Sync + 'static {
    /// Reads the text and runs it.
    async fn search(
        &self,
        who: &Caller,
        request: SearchRequest,
    ) -> Result<SearchAnswer, SearchError>;
    /// What could come next when `text` was typed so far; best first, at most `limit`.
    async fn complete(
        &self,
        who: &Caller,
        text: &str,
        limit: usize,
    ) -> Result<Vec<Completion>, DeskError>;
    /// The searches that a person keeps, by name.
    async fn saved_searches(&self, who: &Person) -> Result<Vec<SavedSearch>, DeskError>;
    /// Keeps a search under a name, in the place of an older one of that name.
    async fn save_search(
        &self,
        who: &Person,
        name: &str,
        text: &str,
    ) -> Result<SavedSearch, SearchError>;
    /// Forgets a search.
    async fn remove_search(&self, who: &Person, name: &str) -> Result<(), DeskError>;
    /// Questions that the rules did not understand, newest first.
    async fn unmatched_questions(&self, who: &Person) -> Result<Vec<Unmatched>, DeskError>;
    /// How far the index is.
    async fn index_status(&self, who: &Caller) -> Result<IndexStatus, DeskError>;
    /// Has the index made anew; gives how far it is.
    async fn rebuild_index(&self, who: &Person) -> Result<IndexStatus, DeskError>;
}
