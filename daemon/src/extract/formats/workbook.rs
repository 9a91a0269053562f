//! Workbooks (XLSX), read cell by cell: a sheet that claims a million columns costs nothing until it
//! has cells there.

use std::fmt::Write as _;
use std::{
    collections::HashMap,
    io::{Cursor, Write as _},
};

use calamine::{DataRef, Reader as _, Xlsx};
use countersign_protocol::content::{
    Body, Cell, CellType, Cut, CutReason, FindingCode, Place, Sheet, Workbook,
};
use zip::{ZipWriter, write::SimpleFileOptions};

use super::{
    Draft, cut, damaged,
    ooxml::{self, Token},
    package::{Package, Relation, resolve, tell_missing},
};

/// Most sheets that are read.
const SHEETS: usize = 200;
/// Most rows that are read of a sheet.
const ROWS: u32 = 20_000;
/// Most columns that are read of a sheet.
const COLUMNS: u32 = 1_000;
/// Most cells that are kept of a workbook, empty ones between others included.
const CELLS: usize = 200_000;

/// Whether relations of that kind lead to words of a sheet beside its cells.
fn has_words(kind: &str) -> bool {
    matches!(
        kind,
        "comments" | "threadedComment" | "drawing" | "chart" | "diagramData"
    )
}

/// A sheet as the workbook lists it.
#[derive(Default)]
struct Listed {
    name: String,
    hidden: bool,
    /// The id of its relation.
    id: String,
}

/// What the main part says of the workbook.
#[derive(Default)]
struct Plan {
    sheets: Vec<Listed>,
    date1904: bool,
}

pub(super) fn read(package: &mut Package<'_>, main: &str, draft: &mut Draft) -> Result<(), Cut> {
    let facts = ooxml::facts(package, draft)?;
    let mut workbook = Workbook {
        macros: facts.macros,
        external_links: facts.external_links,
        ..Workbook::default()
    };
    draft.content.body = Body::Workbook(workbook.clone());
    let plan = plan(package, main)?;
    let relations = package.relations(main)?;
    let plain = plain(package, main, (&plan, &relations), draft)?;
    let mut xlsx = Xlsx::new(Cursor::new(plain)).map_err(damaged)?;
    let mut cells = CELLS;
    for (at, listed) in plan.sheets.iter().take(SHEETS).enumerate() {
        let mut sheet = Sheet {
            name: listed.name.clone(),
            hidden: listed.hidden,
            ..Sheet::default()
        };
        let relation = relations.iter().find(|one| one.id == listed.id);
        let target = relation.map(|relation| resolve(main, &relation.target));
        let read = match (relation, &target) {
            (Some(relation), Some(part)) if package.has(part) => {
                if relation.kind == "worksheet" {
                    cells_of(&mut xlsx, &plain_name(at), &mut sheet, &mut cells)
                } else {
                    let message = format!(
                        "Sheet `{}` has no cells ({}); it is not shown.",
                        sheet.name, relation.kind
                    );
                    Err(cut(CutReason::NotRead, message))
                }
            }
            _ => {
                let message = format!(
                    "Sheet `{}` is not where the workbook says; none of it is shown.",
                    sheet.name
                );
                Err(cut(CutReason::NotRead, message))
            }
        };
        if let Err(Cut { reason, message }) = read {
            draft.content.cut(reason, message);
        }
        say(&sheet, draft);
        if let Some(part) = target.filter(|part| package.has(part)) {
            beside(package, &part, &sheet.name, draft)?;
        }
        workbook.sheets.push(sheet);
    }
    if plan.sheets.len() > SHEETS {
        let message = format!("It has {} sheets; {SHEETS} are read.", plan.sheets.len());
        draft.content.cut(CutReason::TooMany, message);
    }
    let hidden = plan.sheets.iter().filter(|sheet| sheet.hidden).count();
    if hidden > 0 {
        draft.content.find(
            FindingCode::HiddenParts,
            format!("It has hidden sheets: {hidden}."),
        );
    }
    draft.content.body = Body::Workbook(workbook);
    Ok(())
}

fn plan(package: &mut Package<'_>, main: &str) -> Result<Plan, Cut> {
    let mut plan = Plan::default();
    ooxml::part(package, main, |token| {
        if let Token::Start(element, _) = token {
            match element.local_name().as_ref() {
                "workbookPr" => {
                    let date1904 = ooxml::attribute(element, "date1904");
                    plan.date1904 |= date1904.is_some_and(|value| value == "1" || value == "true");
                }
                "sheet" => {
                    let state = ooxml::attribute(element, "state");
                    plan.sheets.push(Listed {
                        name: ooxml::attribute(element, "name").unwrap_or_default(),
                        hidden: state.is_some_and(|state| state != "visible"),
                        id: ooxml::attribute(element, "id").unwrap_or_default(),
                    });
                }
                _ => {}
            }
        }
        true
    })?;
    Ok(plan)
}

fn plain_name(at: usize) -> String {
    format!("sheet{at}")
}

/// The same workbook with its parts at the places where the reader of cells looks for them, and with a name
/// of its own for each sheet. Nothing is unpacked for it.
fn plain(
    package: &mut Package<'_>,
    main: &str,
    (plan, relations): (&Plan, &[Relation]),
    draft: &mut Draft,
) -> Result<Vec<u8>, Cut> {
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let mut copied: HashMap<String, String> = HashMap::new();
    let mut of_book = String::new();
    let mut sheets = String::new();
    for (at, listed) in plan.sheets.iter().take(SHEETS).enumerate() {
        let relation = relations.iter().find(|one| one.id == listed.id);
        let relation = relation.filter(|relation| relation.kind == "worksheet");
        let name = plain_name(at);
        let mut path = format!("xl/worksheets/{name}.xml");
        if let Some(relation) = relation {
            let part = resolve(main, &relation.target);
            // The reader of cells would ignore entities; they are refused as in other documents.
            let checked = ooxml::part(package, &part, |token| !is_cell(&token));
            if let Err(Cut { reason, message }) = checked {
                draft.content.cut(reason, message);
            } else if let Some(known) = copied.get(&part) {
                path.clone_from(known);
            } else if package.copy(&part, &mut archive, &path)? {
                copied.insert(part, path.clone());
            }
        }
        let _ = write!(
            of_book,
            "<Relationship Id='{name}' Type='{OFFICE}/worksheet' Target='/{path}'/>"
        );
        let _ = write!(
            sheets,
            "<sheet name='{name}' sheetId='{}' r:id='{name}'/>",
            at + 1
        );
    }
    for (kind, path) in [
        ("sharedStrings", "xl/sharedStrings.xml"),
        ("styles", "xl/styles.xml"),
    ] {
        let mut of_kind = relations.iter().filter(|one| one.kind == kind);
        if let Some(relation) = of_kind.next() {
            let part = resolve(main, &relation.target);
            if kind == "sharedStrings" {
                ooxml::part(package, &part, |_| true)?;
            }
            if !package.copy(&part, &mut archive, path)? {
                tell_missing(&[part], draft);
            }
        } else {
            // Files without the relation have the part at its usual place.
            package.copy(path, &mut archive, path)?;
        }
    }
    let date1904 = u8::from(plan.date1904);
    let book = format!(
        "<workbook xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main' xmlns:r='{OFFICE}'>\
        <workbookPr date1904='{date1904}'/><sheets>{sheets}</sheets></workbook>"
    );
    let of_book = relations_of(&of_book);
    let root =
        format!("<Relationship Id='r1' Type='{OFFICE}/officeDocument' Target='xl/workbook.xml'/>");
    let root = relations_of(&root);
    for (name, text) in [
        ("xl/workbook.xml", &book),
        ("xl/_rels/workbook.xml.rels", &of_book),
        ("_rels/.rels", &root),
    ] {
        let options = SimpleFileOptions::default();
        archive.start_file(name, options).map_err(damaged)?;
        archive.write_all(text.as_bytes()).map_err(damaged)?;
    }
    Ok(archive.finish().map_err(damaged)?.into_inner())
}

fn relations_of(relations: &str) -> String {
    format!(
        "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>{relations}</Relationships>"
    )
}

/// Whether cells begin, before which a part declares what it defines.
fn is_cell(token: &Token<'_>) -> bool {
    matches!(token, Token::Start(element, _) if element.local_name().as_ref() == "sheetData")
}

/// Says the words of a sheet that stand in no cell: comments, boxes and charts.
fn beside(
    package: &mut Package<'_>,
    sheet: &str,
    name: &str,
    draft: &mut Draft,
) -> Result<(), Cut> {
    for part in package.reachable(sheet, has_words, draft)? {
        let text = ooxml::words(package, &part.name, draft.room())?;
        let what = match part.kind.as_str() {
            "comments" | "threadedComment" => "comments",
            "drawing" | "diagramData" => "drawings",
            kind => kind,
        };
        let part = format!("{name}, {what}");
        draft.say(Place::Part { part }, text);
    }
    Ok(())
}

fn cells_of(
    xlsx: &mut Xlsx<Cursor<Vec<u8>>>,
    plain_name: &str,
    sheet: &mut Sheet,
    room: &mut usize,
) -> Result<(), Cut> {
    let mut reader = xlsx.worksheet_cells_reader(plain_name).map_err(damaged)?;
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
                // Below one there is no day: the cell has a time alone.
                _ if date.as_f64() < 1.0 => format!("{hour:02}:{minute:02}:{second:02}"),
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
