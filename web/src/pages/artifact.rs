//! One file of a handoff as a card.

use std::fmt::Write as _;

use countersign_protocol::{Digest, HandoffId};
use serde::Serialize;

use super::{
    beside::Beside,
    edit::is_editable,
    look::Asked as Asks,
    remarks::{RemarkView, SayForm, lines_of},
    turns::Turns,
};
use crate::{
    desk::{Change, FileRow, Review},
    render::{
        kind,
        preview::{Body, Preview},
        trouble::Trouble,
        words,
    },
};

/// A path with its parts.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FileName {
    /// All of it.
    pub(super) path: String,
    /// The folder with `/` at its end; empty at the top.
    pub(super) folder: String,
    /// The last part.
    pub(super) name: String,
    /// The letters of the extension.
    pub(super) label: String,
    /// Where its card is on the page.
    pub(super) anchor: String,
}

impl FileName {
    pub(super) fn new(path: &str) -> Self {
        let start = path.rfind('/').map_or(0, |at| at + 1);
        Self {
            folder: path[..start].to_owned(),
            name: path[start..].to_owned(),
            label: kind::extension(path),
            anchor: format!("f-{}", Digest::of(path.as_bytes()).short()),
            path: path.to_owned(),
        }
    }
}

/// What stands in a card below its heading.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum Shown {
    /// The file itself.
    Now {
        /// How it is shown.
        preview: Box<Preview>,
    },
    /// On request.
    Later {
        /// For example `812 lines`.
        what: String,
    },
    /// Not at all.
    Not {
        /// One sentence.
        why: String,
    },
}

/// A file on the review page.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Card {
    pub(super) file: FileName,
    pub(super) title: Option<String>,
    pub(super) size: String,
    pub(super) sha256: String,
    /// `added`, `modified`, `renamed`, `unchanged` or `removed`.
    pub(super) change: Change,
    /// What it was called, and how many percent it kept, for a renamed one.
    pub(super) was: Option<(String, u8)>,
    pub(super) declared: bool,
    pub(super) executable: bool,
    /// Lines added and removed, where they are known.
    pub(super) stat: Option<(usize, usize)>,
    pub(super) shown: Shown,
    pub(super) turns: Turns,
    /// Captions and a picture beside a film or sound.
    pub(super) beside: Option<Beside>,
    /// The page of this file alone.
    pub(super) page: String,
    /// Its bytes; absent when they are not kept or the file was removed.
    pub(super) raw: Option<String>,
    /// The bytes it had before.
    pub(super) old_raw: Option<String>,
    /// Pictures of it.
    pub(super) picture: Option<String>,
    /// Pictures of what it was.
    pub(super) old_picture: Option<String>,
    /// What was said about it, where it does not stand under a line.
    pub(super) remarks: Vec<RemarkView>,
    /// What stands under a line.
    pub(super) at_lines: Vec<RemarkView>,
    /// What is wrong in it, by line: what its reader met and what checks said.
    pub(super) troubles: Vec<Trouble>,
    /// The form to say something about it; absent for a removed one.
    pub(super) say: Option<SayForm>,
    /// Where it is edited; absent when it cannot be.
    pub(super) edit: Option<String>,
    /// Whether this person keeps an edited version: one that goes with the answer, or one of older bytes.
    pub(super) edited: Option<bool>,
}

/// Where a card stands: which revision of which handoff, and against what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) id: HandoffId,
    pub(super) revision: u32,
    pub(super) base: Option<u32>,
}

impl Place {
    /// The URL of `what`, `file`, `raw`, `picture` or `captions`, for `path` in `revision`.
    pub(super) fn url(&self, what: &str, revision: u32, path: &str) -> String {
        let id = self.id;
        let path: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
        format!("/h/{id}/r/{revision}/{what}?path={path}")
    }

    /// The page of the file alone.
    pub(super) fn page(&self, path: &str) -> String {
        let mut page = self.url("file", self.revision, path);
        if let Some(base) = self.base {
            // Writing to a string cannot fail.
            let _ = write!(page, "&base={base}");
        }
        page
    }
}

impl Card {
    /// The card without its content.
    pub(super) fn new(
        row: &FileRow,
        place: Place,
        (remarks, say): (&[RemarkView], Option<SayForm>),
        shown: Shown,
    ) -> Self {
        let has_new = row.kept && row.change != Change::Removed;
        let old = place
            .base
            .filter(|_| !matches!(row.change, Change::Added | Change::Unchanged));
        let new_url = |what: &str| has_new.then(|| place.url(what, place.revision, &row.path));
        let old_url = |what: &str| old.map(|base| place.url(what, base, row.old_path()));
        Self {
            file: FileName::new(&row.path),
            title: row.title.clone(),
            size: words::size(row.size),
            sha256: row.sha256.to_string(),
            change: row.change,
            was: row.from_path.clone().zip(row.percent),
            declared: row.declared,
            executable: row.executable,
            stat: None,
            shown,
            turns: Turns::default(),
            beside: None,
            page: place.page(&row.path),
            raw: new_url("raw"),
            old_raw: old_url("raw"),
            picture: new_url("picture"),
            old_picture: old_url("picture"),
            remarks: remarks
                .iter()
                .filter(|remark| remark.path.as_ref() == Some(&row.path))
                // What is gone has no place for words; they stand in the discussion.
                .filter(|_| row.change != Change::Removed)
                .cloned()
                .collect(),
            at_lines: Vec::new(),
            troubles: Vec::new(),
            edit: None,
            edited: None,
            say: say.filter(|_| row.change != Change::Removed),
        }
    }

    /// Offers to edit it, when it is text that starts with `bytes`, and says what was edited already.
    pub(super) fn offer_edit(&mut self, review: &Review, row: &FileRow, bytes: Option<&[u8]>) {
        let edited = review.edits.iter().find(|edit| edit.path == row.path);
        self.edited = edited.map(|edit| edit.current);
        let is_offered = review.revision == review.row.revision
            && review.answers.iter().any(|answer| answer == "edit")
            && row.change != Change::Removed;
        let is_text = bytes.is_some_and(|bytes| is_editable(row, bytes));
        if is_offered && (is_text || self.edited.is_some()) {
            let place = Place {
                id: review.row.id,
                revision: review.revision,
                base: None,
            };
            self.edit = Some(place.url("edit", review.revision, &row.path));
        }
    }

    /// Fills in the content.
    pub(super) fn show(&mut self, preview: Preview, asks: &Asks) {
        if let Some(diff) = preview.body.diff() {
            self.stat = Some((diff.added, diff.removed));
        }
        self.turns = Turns::new(&self.page, &preview, asks);
        self.troubles.splice(..0, preview.troubles.clone());
        let lines = lines_of(&preview.body);
        let is_shown =
            |remark: &mut RemarkView| remark.line.is_some_and(|line| lines.contains(&line));
        self.at_lines = self.remarks.extract_if(.., is_shown).collect();
        if let Some(say) = &mut self.say {
            say.shown(&preview);
        }
        self.shown = Shown::Now {
            preview: Box::new(preview),
        };
    }

    /// Lines that the card takes on the page.
    pub(super) fn lines(&self) -> usize {
        let Shown::Now { preview } = &self.shown else {
            return 0;
        };
        lines(&preview.body)
    }
}

/// Lines that `body` takes on the page.
fn lines(body: &Body) -> usize {
    match body {
        Body::Diff(diff) | Body::Paper { words: diff, .. } => diff.lines(),
        Body::Text { lines, .. } => lines.len(),
        Body::Member { text } => lines(text),
        Body::Window(window) => window.lines.len(),
        Body::Rendered { blocks } => blocks.iter().map(|block| block.html.lines().count()).sum(),
        Body::Table { sheets } => sheets
            .iter()
            .map(|sheet| (sheet.rows.len() + 2) * sheet.columns.len().div_ceil(4))
            .sum(),
        Body::Tree(tree) => tree.changes.len(),
        Body::Archive(entries) => entries.rows.len(),
        Body::Notebook(cells) => cells
            .cells
            .iter()
            .map(|cell| 4 + cell.source.lines() + cell.text.lines().count())
            .sum(),
        Body::Image { .. } | Body::Drawing { .. } | Body::Media { .. } => 1,
        Body::Described { hex } => hex.len(),
        Body::Strings { strings, .. } => strings.len(),
    }
}

#[cfg(test)]
pub(super) mod samples;
