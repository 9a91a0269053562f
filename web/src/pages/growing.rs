//! The result that grows beside a handoff, on its page.

use serde::Serialize;

use super::view::{Now, When};
use crate::{desk::Review, render::words};

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
