//! Rows and columns.

use unicode_width::UnicodeWidthStr as _;

use super::{Style, inert};

/// One value: what a person sees and what a program reads may differ.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    shown: String,
    exact: String,
    style: Option<Style>,
}

impl Cell {
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        let text = inert(text.as_ref());
        Self {
            shown: text.clone(),
            exact: text,
            style: None,
        }
    }

    /// `shown` on a terminal, `exact` in a pipe.
    pub(crate) fn two(shown: impl AsRef<str>, exact: impl AsRef<str>) -> Self {
        Self {
            shown: inert(shown.as_ref()),
            exact: inert(exact.as_ref()),
            style: None,
        }
    }

    #[must_use]
    pub(crate) fn style(mut self, style: Style) -> Self {
        self.style = Some(style);
        self
    }
}

/// A table. The heads are shown on a terminal only.
#[derive(Debug)]
pub(crate) struct Table {
    heads: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

/// Columns that are no wider than this on a terminal; the last one may be.
const WIDEST: usize = 60;

impl Table {
    pub(crate) fn new(heads: &[&'static str]) -> Self {
        Self {
            heads: heads.to_vec(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    pub(super) fn render(&self, terminal: bool, coloured: bool) -> String {
        let mut text = String::new();
        if !terminal {
            for row in &self.rows {
                let cells: Vec<_> = row.iter().map(|cell| cell.exact.as_str()).collect();
                text.push_str(&cells.join("\t"));
                text.push('\n');
            }
            return text;
        }
        let width = |column: usize| {
            let rows = self.rows.iter().filter_map(|row| row.get(column));
            rows.map(|cell| cell.shown.width())
                .chain([self.heads[column].width()])
                .max()
                .unwrap_or_default()
                .min(WIDEST)
        };
        let widths: Vec<_> = (0..self.heads.len()).map(width).collect();
        let heads: Vec<_> = self
            .heads
            .iter()
            .map(|head| Cell::new(head).style(Style::Faint))
            .collect();
        let heads = Some(&heads).filter(|_| self.heads.iter().any(|head| !head.is_empty()));
        for row in heads.into_iter().chain(&self.rows) {
            let last = row.iter().rposition(|cell| !cell.shown.is_empty());
            for (column, cell) in row.iter().enumerate().take(last.map_or(0, |at| at + 1)) {
                let end = Some(column) == last;
                let shown = if end {
                    cell.shown.clone()
                } else {
                    cut(&cell.shown, widths[column])
                };
                let gap = if end {
                    0
                } else {
                    widths[column] - shown.width() + 2
                };
                match cell.style {
                    Some(style) => text.push_str(&style.paint(&shown, coloured)),
                    None => text.push_str(&shown),
                }
                text.push_str(&" ".repeat(gap));
            }
            text.push('\n');
        }
        text
    }
}

fn cut(text: &str, widest: usize) -> String {
    if text.width() <= widest {
        return text.to_owned();
    }
    let mut short = String::new();
    for c in text.chars() {
        short.push(c);
        if short.width() >= widest {
            short.pop();
            break;
        }
    }
    short.push('…');
    short
}

#[cfg(test)]
mod tests;
