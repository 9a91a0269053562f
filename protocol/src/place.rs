//! Where in the work of an agent something is said.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::Digest;

/// A cell of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// The sheet of a workbook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The row as the page numbers it, from 1.
    pub row: u32,
    /// The name of the column; absent for the whole row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
}

/// A part of a picture, in pixels of the picture, from its upper left corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// From the left.
    pub x: u32,
    /// From the top.
    pub y: u32,
    /// To the right.
    pub width: u32,
    /// Downwards.
    pub height: u32,
}

/// A place: the whole handoff, a file, or lines, a cell or a region of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The file, relative to the folder of the handoff; absent for the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Digest of the bytes that were looked at; the daemon fills it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// The first line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The last line, when it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// A cell of a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<Cell>,
    /// A region of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// Words of the file, as they stand there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
}

/// The most characters of a quote, and how many of them are shown.
const LONGEST_QUOTE: usize = 1_000;
const SHOWN_QUOTE: usize = 60;

impl Place {
    /// Why there can be no such place, as a sentence.
    pub fn check(&self) -> Result<(), &'static str> {
        let parts = [
            self.line.is_some(),
            self.cell.is_some(),
            self.region.is_some(),
        ];
        let parts = parts.into_iter().filter(|part| *part).count();
        match self {
            _ if parts > 1 => Err("Name lines, a cell or a region, and only one of them."),
            Self {
                quote: Some(_),
                cell: Some(_),
                ..
            }
            | Self {
                quote: Some(_),
                region: Some(_),
                ..
            } => Err("Quote words of lines, not of a cell or a region."),
            Self {
                path: None,
                quote: Some(_),
                ..
            } => Err("Name the file that the words are in."),
            Self {
                quote: Some(quote), ..
            } if quote.trim().is_empty() || quote.chars().count() > LONGEST_QUOTE => {
                Err("Quote at least one word, and at most 1000 characters.")
            }
            Self { path: None, .. } if parts > 0 => Err("Name the file that the place is in."),
            Self { line: Some(0), .. } => Err("Lines are counted from 1."),
            Self {
                line: None,
                end_line: Some(_),
                ..
            } => Err("Name the first line, too."),
            Self {
                line: Some(first),
                end_line: Some(last),
                ..
            } if last < first => Err("The last line comes after the first."),
            Self {
                cell: Some(Cell { row: 0, .. }),
                ..
            } => Err("Rows are counted from 1."),
            Self {
                region: Some(region),
                ..
            } if region.width == 0 || region.height == 0 => {
                Err("A region is at least one pixel wide and high.")
            }
            _ => Ok(()),
        }
    }
}

/// What follows the path: `line 4`, `lines 4 to 9`, `line 4, “words”`, `row 3, amount`, `region 10, 20, 64 by 32`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.part(f)?;
        let Some(quote) = &self.quote else {
            return Ok(());
        };
        let between = if self.line.is_some() { ", " } else { "" };
        match quote.char_indices().nth(SHOWN_QUOTE) {
            None => write!(f, "{between}“{quote}”"),
            Some((end, _)) => write!(f, "{between}“{}…”", &quote[..end]),
        }
    }
}

impl Place {
    fn part(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self {
                line: Some(first),
                end_line: Some(last),
                ..
            } if last != first => write!(f, "lines {first} to {last}"),
            Self {
                line: Some(line), ..
            } => write!(f, "line {line}"),
            Self {
                cell: Some(cell), ..
            } => {
                if let Some(sheet) = &cell.sheet {
                    write!(f, "sheet {sheet}, ")?;
                }
                write!(f, "row {}", cell.row)?;
                match &cell.column {
                    Some(column) => write!(f, ", {column}"),
                    None => Ok(()),
                }
            }
            Self {
                region: Some(region),
                ..
            } => {
                let Region {
                    x,
                    y,
                    width,
                    height,
                } = region;
                write!(f, "region {x}, {y}, {width} by {height}")
            }
            Self { .. } => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
