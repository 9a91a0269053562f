//! Tables against tables: rows by their key, cells old and new, and what the columns sum up to.

mod read;
mod sum;

use std::collections::{HashMap, HashSet};

use countersign_protocol::content::Cell as Sealed;
use serde::Serialize;

use super::visible::visible;
pub use read::read;
use sum::total;

/// The most rows that are shown.
pub const MAX_ROWS: usize = 2_000;
/// The most columns that are shown.
const MAX_COLUMNS: usize = 60;
/// Longer cells are cut, in characters.
const MAX_CELL: usize = 300;

/// A table that was read: the first row names the columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Names of the columns.
    pub header: Vec<String>,
    /// The rows below it.
    pub rows: Vec<Vec<String>>,
    /// Rows that the table has and that were not read.
    pub left_out: usize,
}

/// A cell on the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// What stands there; of the old side for a removed row.
    pub value: String,
    /// What stood there, when it differs.
    pub old: Option<String>,
    /// Whether a spreadsheet program would run it.
    pub runs: bool,
}

/// A row on the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// `added`, `removed`, `changed` or `same`.
    pub change: &'static str,
    /// Number in the file, from 1 below the header; of the old side for a removed row.
    pub number: usize,
    /// Its cells, one for each column of the page.
    pub cells: Vec<Cell>,
}

/// A column on the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// `added`, `removed` or `same`.
    pub change: &'static str,
    /// Whether rows are told apart by it.
    pub key: bool,
    /// The sum, where all cells are numbers.
    pub total: Option<String>,
    /// The sum before, where all cells were numbers.
    pub old_total: Option<String>,
}

/// A table, compared when there was one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sheet {
    /// Name of the sheet; empty for a file with only one.
    pub name: String,
    /// Whether it is compared.
    pub compared: bool,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows that are shown.
    pub rows: Vec<Row>,
    /// Rows now.
    pub count: usize,
    /// Rows before.
    pub old_count: usize,
    /// Rows of each kind.
    pub added: usize,
    /// Rows that went.
    pub removed: usize,
    /// Rows with another cell.
    pub changed: usize,
    /// Cells that a spreadsheet program would run.
    pub runs: usize,
    /// Whether any column has a sum.
    pub totals: bool,
    /// What is not shown, and how rows were told apart.
    pub notes: Vec<String>,
}

/// Shows `new`, against `old` when there is one. `everything` shows unchanged rows too.
pub fn sheet(name: &str, new: &Table, old: Option<&Table>, everything: bool) -> Sheet {
    let empty = Table::default();
    let before = old.unwrap_or(&empty);
    let columns = Columns::of(new, before, old.is_some());
    let mut notes = Vec::new();
    let key = old.and_then(|old| key(new, old, &columns));
    let matched = match (old, key) {
        (None, _) => (0..new.rows.len()).map(|at| (Some(at), None)).collect(),
        (Some(old), Some(key)) => by_key(new, old, columns.all[key]),
        (Some(old), None) => {
            notes.push(
                "No column tells the rows apart, so they are matched by their order.".to_owned(),
            );
            by_order(new, old, &columns)
        }
    };
    let mut sheet = Sheet {
        name: shown(name),
        compared: old.is_some(),
        count: new.rows.len() + new.left_out,
        old_count: before.rows.len() + before.left_out,
        added: 0,
        removed: 0,
        changed: 0,
        runs: 0,
        totals: false,
        columns: columns.on_page(new, before, key, old.is_some()),
        rows: Vec::new(),
        notes,
    };
    let summed = |column: &Column| column.total.is_some() || column.old_total.is_some();
    sheet.totals = sheet.columns.iter().any(summed);
    let mut hidden = 0;
    for (now, then) in matched {
        let row = columns.row(new, before, now, then, old.is_some());
        sheet.runs += row.cells.iter().filter(|cell| cell.runs).count();
        match row.change {
            "added" if old.is_some() => sheet.added += 1,
            "removed" => sheet.removed += 1,
            "changed" => sheet.changed += 1,
            _ => {}
        }
        if row.change == "same" && !everything && old.is_some() {
            continue;
        }
        if sheet.rows.len() < MAX_ROWS {
            sheet.rows.push(row);
        } else {
            hidden += 1;
        }
    }
    if hidden > 0 {
        sheet
            .notes
            .push(format!("{MAX_ROWS} rows are shown; {hidden} more are not."));
    }
    if new.left_out + before.left_out > 0 {
        let left = new.left_out + before.left_out;
        sheet.notes.push(format!(
            "{left} rows were not read, so totals are of the others."
        ));
    }
    if columns.all.len() > MAX_COLUMNS {
        let left = columns.all.len() - MAX_COLUMNS;
        sheet.notes.push(format!(
            "{MAX_COLUMNS} columns are shown; {left} more are not, but are compared."
        ));
    }
    sheet
}

/// Where a column is on both sides.
type Sides = (Option<usize>, Option<usize>);

struct Columns {
    all: Vec<Sides>,
}

impl Columns {
    /// Columns by name, the second one of a name being another one; new ones in their order, then
    /// those that went.
    fn of(new: &Table, old: &Table, compared: bool) -> Self {
        let width = |table: &Table| {
            let rows = table.rows.iter().map(Vec::len).max().unwrap_or(0);
            rows.max(table.header.len())
        };
        let named = |table: &Table| {
            let mut seen: HashMap<String, usize> = HashMap::new();
            let names = (0..width(table)).map(|at| {
                let name = table.header.get(at).cloned().unwrap_or_default();
                let times = seen.entry(name.clone()).or_default();
                *times += 1;
                (name, *times)
            });
            names.collect::<Vec<_>>()
        };
        let (new, old) = (named(new), named(old));
        let find = |name| {
            old.iter()
                .position(|other| other == name)
                .filter(|_| compared)
        };
        let mut all: Vec<Sides> = (0..new.len())
            .map(|at| (Some(at), find(&new[at])))
            .collect();
        let known: HashSet<usize> = all.iter().filter_map(|(_, old)| *old).collect();
        all.extend(
            (0..old.len())
                .filter(|at| !known.contains(at))
                .map(|at| (None, Some(at))),
        );
        Self { all }
    }

    fn on_page(&self, new: &Table, old: &Table, key: Option<usize>, compared: bool) -> Vec<Column> {
        let columns = self.all.iter().take(MAX_COLUMNS).enumerate();
        let name = |table: &Table, at: usize| table.header.get(at).cloned().unwrap_or_default();
        columns
            .map(|(number, (now, then))| Column {
                name: shown(&match (now, then) {
                    (Some(at), _) => name(new, *at),
                    (None, Some(at)) => name(old, *at),
                    (None, None) => String::new(),
                }),
                change: match (now, then) {
                    (Some(_), None) if compared => "added",
                    (None, _) => "removed",
                    _ => "same",
                },
                key: key == Some(number),
                total: now
                    .filter(|_| key != Some(number))
                    .and_then(|at| total(new, at)),
                old_total: then
                    .filter(|_| key != Some(number))
                    .and_then(|at| total(old, at)),
            })
            .collect()
    }

    fn row(
        &self,
        new: &Table,
        old: &Table,
        now: Option<usize>,
        then: Option<usize>,
        compared: bool,
    ) -> Row {
        fn cell(table: &Table, row: Option<usize>, column: Option<usize>) -> Option<&str> {
            let row = table.rows.get(row?)?;
            Some(row.get(column?).map_or("", String::as_str))
        }
        let mut differs = false;
        let mut cells = Vec::with_capacity(self.all.len().min(MAX_COLUMNS));
        for (at, (new_at, old_at)) in self.all.iter().enumerate() {
            let value = cell(new, now, *new_at);
            let before = cell(old, then, *old_at);
            let changed =
                now.is_some() && then.is_some() && value.unwrap_or("") != before.unwrap_or("");
            differs |= changed;
            if at < MAX_COLUMNS {
                let text = match now {
                    Some(_) => value.unwrap_or(""),
                    None => before.unwrap_or(""),
                };
                cells.push(Cell {
                    value: shown(text),
                    old: changed.then(|| shown(before.unwrap_or(""))),
                    runs: now.is_some() && Sealed::injects(text),
                });
            }
        }
        Row {
            change: match (now, then) {
                (Some(_), None) if compared => "added",
                (None, _) => "removed",
                _ if differs => "changed",
                _ => "same",
            },
            number: now.or(then).unwrap_or(0) + 1,
            cells,
        }
    }
}

/// The column that tells rows apart on both sides: one whose name says so, else the first one.
fn key(new: &Table, old: &Table, columns: &Columns) -> Option<usize> {
    let unique = |table: &Table, at: usize| {
        let mut seen = HashSet::with_capacity(table.rows.len());
        table.rows.iter().all(|row| {
            row.get(at)
                .is_some_and(|value| !value.is_empty() && seen.insert(value.as_str()))
        })
    };
    let mut fitting: Vec<usize> = (0..columns.all.len().min(MAX_COLUMNS))
        .filter(|number| match columns.all[*number] {
            (Some(now), Some(then)) => unique(new, now) && unique(old, then),
            _ => false,
        })
        .collect();
    fitting.sort_by_key(|number| {
        let name = columns.all[*number].0.and_then(|at| new.header.get(at));
        let name = name
            .map(|name| name.to_ascii_lowercase())
            .unwrap_or_default();
        let says_so = ["id", "key", "no", "number", "code", "sku"]
            .iter()
            .any(|word| {
                name == *word
                    || name.ends_with(&format!("_{word}"))
                    || name.ends_with(&format!(" {word}"))
            });
        !says_so
    });
    fitting.first().copied()
}

fn by_key(new: &Table, old: &Table, key: Sides) -> Vec<Sides> {
    let (Some(now), Some(then)) = key else {
        return Vec::new();
    };
    let before: HashMap<&str, usize> = (0..old.rows.len())
        .map(|at| (old.rows[at][then].as_str(), at))
        .collect();
    let mut matched: Vec<Sides> = Vec::with_capacity(new.rows.len());
    let mut met = HashSet::new();
    for (at, row) in new.rows.iter().enumerate() {
        let other = before.get(row[now].as_str()).copied();
        met.extend(other);
        matched.push((Some(at), other));
    }
    let gone = (0..old.rows.len()).filter(|at| !met.contains(at));
    matched.extend(gone.map(|at| (None, Some(at))));
    matched
}

fn by_order(new: &Table, old: &Table, columns: &Columns) -> Vec<Sides> {
    let same = columns
        .all
        .iter()
        .enumerate()
        .all(|(at, sides)| *sides == (Some(at), Some(at)));
    if !same {
        let rows = new.rows.len().max(old.rows.len());
        let there = |at: usize, table: &Table| (at < table.rows.len()).then_some(at);
        return (0..rows)
            .map(|at| (there(at, new), there(at, old)))
            .collect();
    }
    let ops = similar::capture_diff_slices(similar::Algorithm::Patience, &old.rows, &new.rows);
    let mut matched = Vec::new();
    for op in ops {
        let (then, now) = (op.old_range(), op.new_range());
        for at in 0..then.len().max(now.len()) {
            matched.push((
                (at < now.len()).then(|| now.start + at),
                (at < then.len()).then(|| then.start + at),
            ));
        }
    }
    matched
}

fn shown(text: &str) -> String {
    let mut short: String = visible(text).chars().take(MAX_CELL + 1).collect();
    if short.chars().count() > MAX_CELL {
        short.pop();
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;
