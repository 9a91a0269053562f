//! What a document of an answer is, and its text.

use std::path::Path;

use tantivy::{
    DocAddress, Searcher, TantivyDocument,
    columnar::{Column, StrColumn},
    schema::{Field, Value as _},
};

use super::super::{
    live::Live,
    schema::{FAST_NAMES, flag},
    text,
    words::Places,
};
use crate::workspace::Workspaces;

/// A document of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What it is: `file`, `handoff`, `decision`, `comment`, `refused`, `checkpoint`.
    pub kind: String,
    /// Its key.
    pub key: u64,
    /// Its workspace.
    pub workspace: String,
    /// Its path relative to the workspace.
    pub path: String,
    /// Size in bytes, of a file.
    pub size: Option<u64>,
    /// When it was changed or recorded, in microseconds since 1970.
    pub at: i64,
    /// The handoff.
    pub card: Option<u64>,
    /// The entry of the ledger.
    pub seq: Option<u64>,
    /// The person or agent.
    pub by: Option<String>,
    /// The type of file, in a word.
    pub file_type: Option<String>,
    /// Where its text is.
    pub(super) text: Text,
    /// Whether some of its text is not in the index.
    pub is_text_missing: bool,
}

/// Where the text of a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// It has none.
    None,
    /// In its file.
    File,
    /// In the index.
    Kept,
}

/// The columns of one segment.
pub(super) struct Columns {
    kind: Option<StrColumn>,
    ws: Option<StrColumn>,
    path: Option<StrColumn>,
    by: Option<StrColumn>,
    file_type: Option<StrColumn>,
    key: Column<u64>,
    at: Column<i64>,
    size: Option<Column<u64>>,
    card: Option<Column<u64>>,
    seq: Option<Column<u64>>,
    flags: Option<StrColumn>,
    /// Numbers of flags in this segment.
    has_text: Option<u64>,
    is_kept: Option<u64>,
    is_missing: Vec<u64>,
}

impl Columns {
    pub(super) fn of(segment: &tantivy::SegmentReader) -> tantivy::Result<Self> {
        let columns = segment.fast_fields();
        let flags = columns.str(FAST_NAMES.flags)?;
        let number = |flag: &str| match &flags {
            Some(flags) => flags.dictionary().term_ord(flag),
            None => Ok(None),
        };
        let mut is_missing = Vec::new();
        for flag in flag::MISSING {
            is_missing.extend(number(flag)?);
        }
        Ok(Self {
            has_text: number(flag::TEXT)?,
            is_kept: number(flag::KEPT)?,
            is_missing,
            flags,
            kind: columns.str(FAST_NAMES.kind)?,
            ws: columns.str(FAST_NAMES.ws)?,
            path: columns.str(FAST_NAMES.path)?,
            by: columns.str(FAST_NAMES.by)?,
            file_type: columns.str(FAST_NAMES.file_type)?,
            key: columns.u64(FAST_NAMES.key)?,
            at: columns.i64(FAST_NAMES.at)?,
            size: columns.column_opt(FAST_NAMES.size)?,
            card: columns.column_opt(FAST_NAMES.card)?,
            seq: columns.column_opt(FAST_NAMES.seq)?,
        })
    }

    pub(super) fn document(&self, doc: u32) -> Document {
        let number = |column: &Option<Column<u64>>| column.as_ref().and_then(|it| it.first(doc));
        let flags: Vec<u64> = match &self.flags {
            Some(column) => column.ords().values_for_doc(doc).collect(),
            None => Vec::new(),
        };
        let has = |flag: Option<u64>| flag.is_some_and(|flag| flags.contains(&flag));
        Document {
            text: match (has(self.is_kept), has(self.has_text)) {
                (true, _) => Text::Kept,
                (false, true) => Text::File,
                (false, false) => Text::None,
            },
            is_text_missing: self.is_missing.iter().any(|flag| flags.contains(flag)),
            kind: text_of(self.kind.as_ref(), doc).unwrap_or_default(),
            key: self.key.first(doc).unwrap_or_default(),
            workspace: text_of(self.ws.as_ref(), doc).unwrap_or_default(),
            path: text_of(self.path.as_ref(), doc).unwrap_or_default(),
            size: number(&self.size),
            at: self.at.first(doc).unwrap_or_default(),
            card: number(&self.card),
            seq: number(&self.seq),
            by: text_of(self.by.as_ref(), doc),
            file_type: text_of(self.file_type.as_ref(), doc),
        }
    }
}

fn text_of(column: Option<&StrColumn>, doc: u32) -> Option<String> {
    let column = column?;
    let mut text = String::new();
    let ord = column.ords().first(doc)?;
    column.ord_to_str(ord, &mut text).ok()?.then_some(text)
}

/// The text of a plain file as it is now.
pub(super) fn of_file(document: &Document, workspaces: &Workspaces) -> Option<String> {
    let workspace = workspaces.get(&document.workspace)?;
    let file = workspace.dir().open_file(Path::new(&document.path)).ok()?;
    text::read_text(&file, &document.path).ok()?
}

/// The text that the index keeps of a document.
pub(super) fn kept(address: DocAddress, live: &Live, searcher: &Searcher) -> Option<String> {
    stored(address, live.fields.body, searcher)
}

/// Where in its file each line of a kept text stands.
pub(super) fn places(
    document: &Document,
    address: DocAddress,
    live: &Live,
    searcher: &Searcher,
) -> Places {
    let kept = (document.text == Text::Kept).then(|| stored(address, live.fields.places, searcher));
    let places = kept.flatten().map(|places| serde_json::from_str(&places));
    places.and_then(Result::ok).unwrap_or_default()
}

/// Why some of its text is missing.
pub(super) fn note(
    document: &Document,
    address: DocAddress,
    live: &Live,
    searcher: &Searcher,
) -> Option<String> {
    let missing = document
        .is_text_missing
        .then(|| stored(address, live.fields.note, searcher));
    missing.flatten()
}

/// A stored value of a document.
fn stored(address: DocAddress, field: Field, searcher: &Searcher) -> Option<String> {
    let kept: TantivyDocument = searcher.doc(address).ok()?;
    kept.get_first(field)?.as_str().map(str::to_owned)
}
