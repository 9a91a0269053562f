//! Results on the page of a handoff: one that grows beside it, and one that waits for the decision.

use serde::Serialize;

use super::{
    artifact::FileName,
    view::{Now, When},
};
use crate::{
    desk::{HeldResult, Review},
    render::words,
};

/// How far it is, and its end.
#[derive(Clone, Debug, Serialize)]
pub(super) struct GrowingView {
    words: String,
    folder: String,
    size: String,
    kept: usize,
    expected: Option<u32>,
    gaps: usize,
    whole: bool,
    awaited: bool,
    newest: Option<When>,
    end: Option<String>,
}

impl GrowingView {
    pub(super) fn of(review: &Review, now: Now<'_>) -> Option<Self> {
        let row = review.row.partial.as_ref()?;
        Some(Self {
            words: row.words(),
            folder: row.seen.folder.clone(),
            size: words::size(row.bytes),
            kept: row.kept,
            expected: row.expected,
            gaps: row.gaps,
            whole: row.seen.whole,
            awaited: row.is_awaited(),
            newest: row.newest_at.map(|at| When::new(at, now)),
            end: review.partial_end.clone(),
        })
    }
}

/// A result that an approval lets pass.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ResultView {
    hop: u32,
    agent: String,
    document: String,
    files: Vec<ResultFileView>,
}

#[derive(Clone, Debug, Serialize)]
struct ResultFileView {
    name: FileName,
    size: String,
    text: Option<String>,
}

impl ResultView {
    pub(super) fn new(result: &HeldResult) -> Self {
        let files = result.files.iter().map(|file| ResultFileView {
            name: FileName::new(&file.path),
            size: words::size(file.size),
            text: file.text.clone(),
        });
        Self {
            hop: result.hop,
            agent: result.agent.clone(),
            document: result.document.clone(),
            files: files.collect(),
        }
    }
}
