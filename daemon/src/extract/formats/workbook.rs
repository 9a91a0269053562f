//! Workbooks (XLSX), read cell by cell: a sheet that claims a million columns costs nothing until it
//! has cells there.

use calamine::{DataRef, Reader as _, SheetVisible, Xlsx};
use countersign_protocol::content::{
    Body, Cell, CellType, Cut, CutReason, FindingCode, Place, Sheet, Workbook,
};
use zip::ZipArchive;

use super::{Bytes, Draft, damaged, ooxml};

/// Most sheets that are read.
const SHEETS: usize = 200;
/// Most rows that are read of a sheet.
const ROWS: u32 = 20_000;
/// Most columns that are read of a sheet.
const COLUMNS: u32 = 1_000;
/// Most cells that are kept of a workbook, empty ones between others included.
const CELLS: usize = 200_000;

pub(super) fn read(file: &mut dyn Bytes, draft: &mut Draft) -> Result<(), Cut> {
    let facts = {
        let borrowed: &mut dyn Bytes = &mut *file;
        let mut package = ZipArchive::new(borrowed).map_err(damaged)?;
        // Entities would be ignored by what reads the cells; say so as for other documents.
        ooxml::part(&mut package, "xl/workbook.xml", |_| true)?;
        ooxml::part(&mut package, "xl/sharedStrings.xml", |_| true)?;
        ooxml::facts(&mut package, draft)?
    };
    let mut workbook = Workbook {
        macros: facts.macros,
        external_links: facts.external_links,
        ..Workbook::default()
    };
    draft.content.body = Body::Workbook(workbook.clone());
    file.seek(std::io::SeekFrom::Start(0)).map_err(damaged)?;
    let mut xlsx: Xlsx<&mut dyn Bytes> = Xlsx::new(file).map_err(damaged)?;
    let names: Vec<(String, bool)> = xlsx
        .sheets_metadata()
        .iter()
        .map(|sheet| (sheet.name.clone(), sheet.visible != SheetVisible::Visible))
        .collect();
    let mut cells = CELLS;
    for (name, hidden) in names.iter().take(SHEETS) {
        let mut sheet = Sheet {
            name: name.clone(),
            hidden: *hidden,
            ..Sheet::default()
        };
        let read = cells_of(&mut xlsx, &mut sheet, &mut cells);
        if let Err(Cut { reason, message }) = read {
            draft.content.cut(reason, message);
        }
        say(&sheet, draft);
        workbook.sheets.push(sheet);
    }
    if names.len() > SHEETS {
        let message = format!("It has {} sheets; {SHEETS} are read.", names.len());
        draft.content.cut(CutReason::TooMany, message);
    }
    let hidden = names.iter().filter(|(_, hidden)| *hidden).count();
    if hidden > 0 {
        draft.content.find(
            FindingCode::HiddenParts,
            format!("It has hidden sheets: {hidden}."),
        );
    }
    draft.content.body = Body::Workbook(workbook);
    Ok(())
}

fn cells_of(
    xlsx: &mut Xlsx<&mut dyn Bytes>,
    sheet: &mut Sheet,
    room: &mut usize,
) -> Result<(), Cut> {
    let mut reader = match xlsx.worksheet_cells_reader(&sheet.name) {
        Ok(reader) => reader,
        // A sheet that is a chart has no cells.
        Err(calamine::XlsxError::WorksheetNotFound(_)) => return Ok(()),
        Err(error) => return Err(damaged(error)),
    };
    let mut found: Vec<(u32, u32, Cell)> = Vec::new();
    let mut cut = None;
    let (mut last_row, mut last_column) = (0, 0);
    while let Some(cell) = reader.next_cell_with_formula().map_err(damaged)? {
        let (row, column) = cell.pos;
        let (value, cell_type) = value(&cell.value);
        if cell_type == CellType::Empty && cell.formula.is_none() {
            continue;
        }
        (last_row, last_column) = (last_row.max(row), last_column.max(column));
        let first = found.first().map_or(row, |(first, ..)| *first);
        if row < first || row - first >= ROWS || column >= COLUMNS || found.len() >= *room {
            let message = format!(
                "Of sheet `{}`, {ROWS} rows of {COLUMNS} columns are read at most, and {CELLS} cells of all sheets.",
                sheet.name
            );
            cut = Some(super::cut(CutReason::TooMany, message));
            if found.len() >= *room {
                break;
            }
            continue;
        }
        let formula = cell.formula.filter(|formula| !formula.is_empty());
        found.push((
            row,
            column,
            Cell {
                value,
                cell_type,
                formula,
            },
        ));
    }
    lay_out(found, sheet, room);
    if cut.is_none() && !sheet.rows.is_empty() && last_row + 1 > sheet.first_row - 1 + rows(sheet) {
        let message = format!(
            "Sheet `{}` is too wide and sparse to be shown whole.",
            sheet.name
        );
        cut = Some(super::cut(CutReason::TooMany, message));
    }
    if !sheet.rows.is_empty() {
        sheet.row_count = last_row + 2 - sheet.first_row;
        sheet.column_count = last_column + 2 - sheet.first_column;
    }
    cut.map_or(Ok(()), Err)
}

fn rows(sheet: &Sheet) -> u32 {
    u32::try_from(sheet.rows.len()).unwrap_or(u32::MAX)
}

/// Cells become rows of equal length, as many as there is room for.
fn lay_out(found: Vec<(u32, u32, Cell)>, sheet: &mut Sheet, room: &mut usize) {
    let Some(first_row) = found.iter().map(|(row, ..)| *row).min() else {
        return;
    };
    let columns = |pick: fn(u32, u32) -> u32, from| {
        found.iter().map(|(_, column, _)| *column).fold(from, pick)
    };
    let first_column = columns(Ord::min, u32::MAX);
    let width = (columns(Ord::max, 0) - first_column + 1) as usize;
    sheet.first_row = first_row + 1;
    sheet.first_column = first_column + 1;
    for (row, column, cell) in found {
        let at = (row - first_row) as usize;
        let new = (at + 1).saturating_sub(sheet.rows.len());
        if new * width > *room {
            continue;
        }
        *room -= new * width;
        for _ in 0..new {
            sheet.rows.push(vec![Cell::default(); width]);
        }
        sheet.rows[at][(column - first_column) as usize] = cell;
    }
}

fn value(data: &DataRef<'_>) -> (String, CellType) {
    match data {
        DataRef::Empty => (String::new(), CellType::Empty),
        DataRef::Int(number) => (number.to_string(), CellType::Number),
        DataRef::Float(number) => (number.to_string(), CellType::Number),
        DataRef::String(text) => (text.clone(), CellType::Text),
        DataRef::SharedString(text) => ((*text).to_owned(), CellType::Text),
        DataRef::Bool(true) => ("TRUE".to_owned(), CellType::Boolean),
        DataRef::Bool(false) => ("FALSE".to_owned(), CellType::Boolean),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => (text.clone(), CellType::Date),
        DataRef::Error(error) => (error.to_string(), CellType::Error),
        DataRef::DateTime(date) if date.is_duration() => {
            (format!("{} days", date.as_f64()), CellType::Date)
        }
        DataRef::DateTime(date) => {
            let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
            let day = format!("{year:04}-{month:02}-{day:02}");
            let text = match (hour, minute, second) {
                (0, 0, 0) => day,
                _ => format!("{day}T{hour:02}:{minute:02}:{second:02}"),
            };
            (text, CellType::Date)
        }
    }
}

/// A segment for each row that says something, values separated by tabs.
fn say(sheet: &Sheet, draft: &mut Draft) {
    for (row, cells) in (sheet.first_row..).zip(&sheet.rows) {
        let line = cells
            .iter()
            .map(|cell| cell.value.as_str())
            .collect::<Vec<_>>()
            .join("\t");
        let place = Place::Row {
            sheet: sheet.name.clone(),
            row,
        };
        if !draft.say(place, line.trim_end()) {
            return;
        }
    }
}
