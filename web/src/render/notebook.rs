//! A notebook against the one before it, cell by cell. Nothing of it is executed.

use countersign_protocol::content::{CellKind, Notebook};
use serde::Serialize;
use similar::{Algorithm, DiffTag};

use super::{
    diff::{self, Diff, Wish},
    visible::visible,
};

/// The most cells that are shown.
const MAX_CELLS: usize = 300;
/// The most characters of one output that are shown.
const MAX_OUTPUT: usize = 4_000;

/// An output of a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Output {
    /// `stdout`, `stderr`, `result`, `display` or `error`.
    pub name: String,
    /// The words.
    pub text: String,
    /// Digest of its picture.
    pub picture: Option<String>,
}

/// A cell on the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// `added`, `removed`, `changed`, `output` when only that changed, or `same`.
    pub change: &'static str,
    /// Number in the notebook, from 1; of the old one for a removed cell.
    pub number: usize,
    /// `code`, `Markdown` or `raw`.
    pub kind: &'static str,
    /// Which run it was.
    pub run: Option<u64>,
    /// What stands in it, against what stood there.
    pub source: Diff,
    /// The same, when nothing of it changed.
    pub text: String,
    /// What running it gave.
    pub outputs: Vec<Output>,
}

/// A notebook on the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cells {
    /// The cells.
    pub cells: Vec<Cell>,
    /// What is not shown.
    pub notes: Vec<String>,
}

/// Shows `new`, against `old` when there is one. Unchanged cells stand between for the reading, unless
/// there are too many.
pub fn cells(new: &Notebook, old: Option<&Notebook>, wish: &Wish) -> Cells {
    let empty = Notebook::default();
    let before = old.unwrap_or(&empty);
    let key = |notebook: &Notebook| -> Vec<(&'static str, String)> {
        let cells = notebook.cells.iter();
        cells
            .map(|cell| (word(cell.kind), cell.source.clone()))
            .collect()
    };
    let ops = similar::capture_diff_slices(Algorithm::Patience, &key(before), &key(new));
    let mut shown = Vec::new();
    for op in &ops {
        let (then, now) = (op.old_range(), op.new_range());
        for at in 0..then.len().max(now.len()) {
            let then = (at < then.len()).then(|| then.start + at);
            let now = (at < now.len()).then(|| now.start + at);
            let same = op.tag() == DiffTag::Equal;
            shown.extend(cell(new, before, now, then, same, old.is_some(), wish));
        }
    }
    let mut notes = vec!["Outputs are as they were handed over. Nothing was executed.".to_owned()];
    if shown.len() > MAX_CELLS {
        notes.push(format!("{MAX_CELLS} of {} cells are shown.", shown.len()));
        shown.truncate(MAX_CELLS);
    }
    Cells {
        cells: shown,
        notes,
    }
}

fn cell(
    new: &Notebook,
    old: &Notebook,
    now: Option<usize>,
    then: Option<usize>,
    same: bool,
    compared: bool,
    wish: &Wish,
) -> Option<Cell> {
    let after = now.map(|at| &new.cells[at]);
    let before = then.map(|at| &old.cells[at]);
    let cell = after.or(before)?;
    let change = match (after, before) {
        (Some(_), None) if compared => "added",
        (None, _) => "removed",
        (Some(after), Some(before)) if same && after.outputs != before.outputs => "output",
        _ if same || !compared => "same",
        _ => "changed",
    };
    let source = |cell: Option<&countersign_protocol::content::NotebookCell>| {
        cell.map(|cell| format!("{}\n", cell.source.trim_end_matches('\n')))
            .unwrap_or_default()
    };
    let whole = matches!(change, "same" | "output");
    Some(Cell {
        change,
        number: now.or(then)? + 1,
        kind: word(cell.kind),
        run: cell.execution_count,
        source: if whole {
            diff::diff("", "", wish)
        } else {
            diff::diff(&source(before), &source(after), wish)
        },
        text: if whole {
            visible(&cell.source).into_owned()
        } else {
            String::new()
        },
        outputs: after
            .map_or(&[][..], |cell| &cell.outputs)
            .iter()
            .map(output)
            .collect(),
    })
}

fn word(kind: CellKind) -> &'static str {
    match kind {
        CellKind::Code => "code",
        CellKind::Markdown => "Markdown",
        CellKind::Raw => "raw",
    }
}

fn output(output: &countersign_protocol::content::Output) -> Output {
    let mut text: String = output.text.chars().take(MAX_OUTPUT).collect();
    if text.len() < output.text.len() {
        text.push('…');
    }
    Output {
        name: output.name.clone(),
        text: visible(&text).into_owned(),
        picture: output.image.as_ref().map(|image| image.sha256.to_string()),
    }
}

#[cfg(test)]
mod tests;
