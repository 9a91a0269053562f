//! The ways in which content is shown.

use countersign_protocol::content::{Content, Place, Sheet};
use serde::Serialize;

use super::super::{
    archive::Entries,
    diff::Diff,
    markdown::Block,
    notebook::Cells,
    table::{self, Table},
    tree::Tree,
    window::Window,
};
use super::View;

/// How much of an unknown file is shown in hexadecimal.
const HEX_BYTES: usize = 256;

/// What is shown of a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// What changed in a text.
    Diff(Diff),
    /// A text with line numbers.
    Text {
        /// The lines of this page.
        lines: Vec<NumberedLine>,
        /// The first line of the page, from 0, and how many there are.
        from: usize,
        /// All lines.
        total: usize,
    },
    /// A part of a text of any size.
    Window(Window),
    /// Markdown as a page.
    Rendered {
        /// Its blocks.
        blocks: Vec<Block>,
    },
    /// Tables.
    Table {
        /// One, or the sheets of a workbook.
        sheets: Vec<table::Sheet>,
    },
    /// Changed values.
    Tree(Tree),
    /// A picture, with the one before it when there was one.
    Image {
        /// Width and height of the new one.
        new: Option<(u32, u32)>,
        /// Width and height of the old one.
        old: Option<(u32, u32)>,
        /// How two are laid out.
        view: View,
    },
    /// A drawing, which only an image element shows.
    Drawing {
        /// Whether there is a new one.
        new: bool,
        /// Whether there is an old one.
        old: bool,
    },
    /// Sound or film.
    Media {
        /// Whether there is something to see.
        film: bool,
        /// Whether there is a new one.
        new: bool,
        /// Whether there is an old one.
        old: bool,
    },
    /// The list of an archive.
    Archive(Entries),
    /// The text of one of its entries.
    Member {
        /// A [`Body::Diff`] or a [`Body::Text`].
        text: Box<Body>,
    },
    /// The cells of a notebook.
    Notebook(Cells),
    /// The words of a PDF, document or slides, with pictures of pages.
    Paper {
        /// What changed in the words; their beginning when there is nothing to compare with.
        words: Diff,
        /// Pages to be drawn, from 1.
        pages: Vec<u32>,
    },
    /// Only its first bytes.
    Described {
        /// They.
        hex: Vec<HexLine>,
    },
    /// The words in a file that is no text.
    Strings {
        /// They, in the order of the file.
        strings: Vec<Found>,
        /// Whether there are more than are shown.
        more: bool,
    },
}

impl Body {
    /// The diff in it, if it has one.
    pub fn diff(&self) -> Option<&Diff> {
        match self {
            Self::Diff(diff) | Self::Paper { words: diff, .. } => Some(diff),
            Self::Member { text } => text.diff(),
            _ => None,
        }
    }

    /// The first row of what is shown of it, and how many it has, where it comes in pages.
    pub fn rows(&self) -> Option<(usize, usize)> {
        match self {
            Self::Text { from, total, .. } => Some((*from, *total)),
            Self::Member { text } => text.rows(),
            _ => self.diff().map(|diff| (diff.from, diff.total)),
        }
    }
}

/// Words that stand in a file that is no text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Offset of the first letter, hexadecimal.
    pub offset: String,
    /// The letters.
    pub text: String,
}

/// A numbered line of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NumberedLine {
    /// From 1.
    pub number: usize,
    /// The text, hidden characters written out.
    pub text: String,
}

/// Sixteen bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HexLine {
    /// Offset of the first one, hexadecimal.
    pub offset: String,
    /// The bytes, hexadecimal.
    pub bytes: String,
    /// The bytes as ASCII, a dot for what has no picture.
    pub text: String,
}

/// Runs of at least so many letters are words.
const SHORTEST: usize = 6;
/// At most so many are shown.
const MOST: usize = 500;
/// And of each at most so many letters.
const LONGEST: usize = 200;

/// The runs of visible ASCII in `bytes`, and whether there are more.
pub(super) fn strings(bytes: &[u8]) -> (Vec<Found>, bool) {
    let is_letter = |byte: &u8| matches!(byte, b' '..=b'~');
    let mut at = 0;
    let mut found = Vec::new();
    for run in bytes.chunk_by(|one, next| is_letter(one) == is_letter(next)) {
        let start = at;
        at += run.len();
        if run.len() < SHORTEST || !run.first().is_some_and(is_letter) {
            continue;
        }
        if found.len() == MOST {
            return (found, true);
        }
        let shown = &run[..run.len().min(LONGEST)];
        let mut text: String = shown.iter().copied().map(char::from).collect();
        if shown.len() < run.len() {
            text.push('…');
        }
        found.push(Found {
            offset: format!("{start:04x}"),
            text,
        });
    }
    (found, false)
}

/// The first bytes for people.
pub(super) fn hex(bytes: &[u8]) -> Vec<HexLine> {
    bytes[..bytes.len().min(HEX_BYTES)]
        .chunks(16)
        .enumerate()
        .map(|(at, row)| HexLine {
            offset: format!("{:04x}", at * 16),
            bytes: row
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<Vec<_>>()
                .join(" "),
            text: row
                .iter()
                .map(|byte| match byte {
                    0x20..=0x7e => char::from(*byte),
                    _ => '.',
                })
                .collect(),
        })
        .collect()
}

/// A sheet of a workbook as a table; a formula stands behind its value as text.
pub(super) fn table_of(sheet: &Sheet) -> Table {
    let cell = |cell: &countersign_protocol::content::Cell| match &cell.formula {
        Some(formula) => format!("{} [={formula}]", cell.value),
        None => cell.value.clone(),
    };
    let mut rows = sheet
        .rows
        .iter()
        .map(|row| row.iter().map(cell).collect::<Vec<_>>());
    let header = rows.next().unwrap_or_default();
    let rows: Vec<_> = rows.collect();
    let read = rows.len() + usize::from(!sheet.rows.is_empty());
    let count = usize::try_from(sheet.row_count).unwrap_or(usize::MAX);
    Table {
        header,
        left_out: count.saturating_sub(read),
        rows,
    }
}

/// The words of a workbook that stand in no cell, such as comments, a table for each place.
pub(super) fn beside_cells(
    (now, before): (Option<&Content>, Option<&Content>),
    everything: bool,
) -> Vec<table::Sheet> {
    let words = |content: Option<&Content>| -> Vec<(String, Table)> {
        let segments = content.into_iter().flat_map(|content| &content.text);
        let beside = segments.filter_map(|segment| match &segment.place {
            Place::Part { part } => Some((part, &segment.text)),
            _ => None,
        });
        let mut tables: Vec<(String, Table)> = Vec::new();
        for (part, text) in beside {
            let rows = text.lines().filter(|line| !line.trim().is_empty());
            let rows = rows.map(|line| vec![line.to_owned()]);
            if let Some((_, table)) = tables.iter_mut().find(|(name, _)| name == part) {
                table.rows.extend(rows);
            } else {
                let table = Table {
                    header: vec!["Words".to_owned()],
                    rows: rows.collect(),
                    left_out: 0,
                };
                tables.push((part.clone(), table));
            }
        }
        tables
    };
    let (now, then) = (words(now), words(before));
    let mut sheets: Vec<table::Sheet> = now
        .iter()
        .map(|(name, new)| {
            let known = then.iter().find(|(other, _)| other == name);
            let old = before.map(|_| known.map(|(_, old)| old.clone()).unwrap_or_default());
            table::sheet(name, new, old.as_ref(), everything)
        })
        .collect();
    let gone = then
        .iter()
        .filter(|(name, _)| now.iter().all(|(other, _)| other != name));
    sheets.extend(gone.map(|(name, old)| table::sheet(name, &Table::default(), Some(old), false)));
    sheets
}
