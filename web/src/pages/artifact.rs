//! One file of a handoff as a card.

use std::fmt::Write as _;

use countersign_protocol::{Digest, HandoffId, decision::ChangeRequest};
use serde::Serialize;

use crate::{
    desk::{Change, FileBytes, FileRow},
    render::{
        kind,
        preview::{Body, Side, preview, removed},
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
        body: Body,
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
    /// `added`, `modified`, `unchanged` or `removed`.
    pub(super) change: Change,
    pub(super) declared: bool,
    pub(super) executable: bool,
    /// Lines added and removed, where they are known.
    pub(super) stat: Option<(usize, usize)>,
    pub(super) shown: Shown,
    /// The page of this file alone.
    pub(super) page: String,
    /// Its bytes; absent when they are not kept or the file was removed.
    pub(super) raw: Option<String>,
    /// The bytes it had before.
    pub(super) old_raw: Option<String>,
    /// What was asked about it in the last round.
    pub(super) asked: Vec<Asked>,
}

/// An earlier request about a file.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Asked {
    pub(super) line: Option<u32>,
    pub(super) text: String,
}

/// Where a card stands: which revision of which handoff, and against what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) id: HandoffId,
    pub(super) revision: u32,
    pub(super) base: Option<u32>,
}

impl Place {
    /// The URL of `what`, `file` or `raw`, for `path` in `revision`.
    fn url(&self, what: &str, revision: u32, path: &str) -> String {
        let id = self.id;
        let path: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
        format!("/h/{id}/r/{revision}/{what}?path={path}")
    }
}

/// The bytes of both sides, as far as there are any.
#[derive(Debug, Default)]
pub(super) struct Sides {
    /// What was handed over.
    pub(super) new: Option<FileBytes>,
    /// What it is compared with.
    pub(super) old: Option<FileBytes>,
}

impl Card {
    /// The card without its content.
    pub(super) fn new(row: &FileRow, place: Place, asked: &[ChangeRequest], shown: Shown) -> Self {
        let mut page = place.url("file", place.revision, &row.path);
        if let Some(base) = place.base {
            // Writing to a string cannot fail.
            let _ = write!(page, "&base={base}");
        }
        let has_new = row.kept && row.change != Change::Removed;
        let had_old = matches!(row.change, Change::Modified | Change::Removed);
        Self {
            file: FileName::new(&row.path),
            title: row.title.clone(),
            size: words::size(row.size),
            sha256: row.sha256.to_string(),
            change: row.change,
            declared: row.declared,
            executable: row.executable,
            stat: None,
            shown,
            page,
            raw: has_new.then(|| place.url("raw", place.revision, &row.path)),
            old_raw: place
                .base
                .filter(|_| had_old)
                .map(|base| place.url("raw", base, &row.path)),
            asked: asked
                .iter()
                .filter(|request| request.path.as_deref() == Some(&row.path))
                .map(|request| Asked {
                    line: request.line,
                    text: request.text.clone(),
                })
                .collect(),
        }
    }

    /// Fills in the content.
    pub(super) fn show(&mut self, sides: &Sides) {
        let old = sides.old.as_ref().map(side);
        let body = match (sides.new.as_ref().map(side), old) {
            (Some(new), old) => preview(new, old),
            (None, Some(old)) => removed(old),
            (None, None) => return,
        };
        if let Body::Diff(diff) = &body {
            self.stat = Some((diff.added, diff.removed));
        }
        self.shown = Shown::Now { body };
    }

    /// Lines that the card takes on the page.
    pub(super) fn lines(&self) -> usize {
        match &self.shown {
            Shown::Now {
                body: Body::Diff(diff),
            } => diff.hunks.iter().map(|hunk| hunk.lines.len()).sum(),
            Shown::Now {
                body: Body::Text { lines, .. },
            } => lines.len(),
            _ => 0,
        }
    }
}

fn side(file: &FileBytes) -> Side<'_> {
    Side {
        bytes: &file.bytes,
        size: file.size,
    }
}

#[cfg(test)]
pub(super) mod samples {
    use super::*;

    /// One card for each way of showing a file.
    pub(in crate::pages) fn cards() -> Vec<Card> {
        let place = Place {
            id: HandoffId(7),
            revision: 2,
            base: Some(1),
        };
        let row = |path: &str, change| FileRow {
            path: path.to_owned(),
            size: 900,
            sha256: Digest::of(path.as_bytes()),
            change,
            declared: path != "notes.tmp",
            kept: true,
            executable: path == "run.sh",
            title: Some("Title".to_owned()),
        };
        let asked = [ChangeRequest {
            id: "q1".to_owned(),
            path: Some("a.sql".to_owned()),
            line: Some(3),
            text: "Why?".to_owned(),
        }];
        let file = |bytes: &[u8]| FileBytes {
            path: "a".to_owned(),
            sha256: Digest::of(bytes),
            size: bytes.len() as u64,
            bytes: bytes.to_vec(),
        };
        let shown = |path: &str, change, new: Option<&[u8]>, old: Option<&[u8]>| {
            let later = Shown::Later {
                what: "3 lines".to_owned(),
            };
            let mut card = Card::new(&row(path, change), place, &asked, later);
            card.show(&Sides {
                new: new.map(file),
                old: old.map(file),
            });
            card
        };
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x04\xb0\0\0\x02\x80";
        let not = Shown::Not {
            why: "Too large.".to_owned(),
        };
        vec![
            shown(
                "a.sql",
                Change::Modified,
                Some(b"a\nb c\n"),
                Some(b"a\nb d\n"),
            ),
            shown("crlf.txt", Change::Modified, Some(b"a\r\n"), Some(b"a\n")),
            shown("notes.tmp", Change::Added, Some(b"text\n"), None),
            shown("run.sh", Change::Removed, None, Some(b"gone\n")),
            shown("chart.png", Change::Modified, Some(png), Some(png)),
            shown("fresh.png", Change::Added, Some(png), None),
            shown("data.bin", Change::Added, Some(b"\0\x01"), None),
            shown("later", Change::Unchanged, None, None),
            Card::new(&row("big.iso", Change::Added), place, &[], not),
        ]
    }
}
