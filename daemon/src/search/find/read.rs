//! What a document of an answer is, and its text.

use std::path::Path;

use tantivy::{
    DocAddress, Searcher, TantivyDocument,
    columnar::{Column, StrColumn},
    schema::Value as _,
};

use super::super::{live::Live, schema::FAST_NAMES, text};
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
}

impl Columns {
    pub(super) fn of(segment: &tantivy::SegmentReader) -> tantivy::Result<Self> {
        let columns = segment.fast_fields();
        Ok(Self {
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
        Document {
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

/// The text of a document: of a file what it is now, else what was kept.
pub(super) fn text(
    document: &Document,
    address: DocAddress,
    live: &Live,
    searcher: &Searcher,
    workspaces: &Workspaces,
) -> Option<String> {
    if document.size.is_some() {
        let workspace = workspaces.get(&document.workspace)?;
        let file = workspace.dir().open_file(Path::new(&document.path)).ok()?;
        return text::read_text(&file).ok()?;
    }
    let kept: TantivyDocument = searcher.doc(address).ok()?;
    let body = kept.get_first(live.fields.body)?;
    body.as_str().map(str::to_owned)
}
