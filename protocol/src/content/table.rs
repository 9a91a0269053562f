//! Workbooks: sheets of rows of cells.

use serde::{Deserialize, Serialize};

/// A workbook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Workbook {
    /// Its sheets, in order.
    pub sheets: Vec<Sheet>,
    /// Whether it carries macros. They are never run here.
    pub macros: bool,
    /// Where its external links lead: files and addresses that a spreadsheet program would fetch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_links: Vec<String>,
}

/// One sheet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sheet {
    /// Its name.
    pub name: String,
    /// Whether a spreadsheet program would hide it.
    pub hidden: bool,
    /// How many rows are used, those that were not read included where known.
    pub row_count: u32,
    /// How many columns are used.
    pub column_count: u32,
    /// Number of the first row in `rows`, from 1.
    pub first_row: u32,
    /// Number of the first column in each row, from 1.
    pub first_column: u32,
    /// The rows that were read, all equally long.
    pub rows: Vec<Vec<Cell>>,
}

/// What sort of value a cell has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CellType {
    /// Nothing.
    #[default]
    Empty,
    /// Words.
    Text,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A date, a time or a span.
    Date,
    /// An error such as `#DIV/0!`.
    Error,
}

impl CellType {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    fn is_empty(&self) -> bool {
        *self == Self::Empty
    }
}

/// One cell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cell {
    /// The value as text: numbers as short as they can be read back, dates as ISO 8601.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// What sort of value.
    #[serde(default, rename = "type", skip_serializing_if = "CellType::is_empty")]
    pub cell_type: CellType,
    /// The formula without `=`, as text. It is never computed here: the value is the stored one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formula: Option<String>,
}

impl Cell {
    /// Whether a spreadsheet program that opens a CSV file would take `field` for a formula (CSV
    /// injection): it begins with `=`, `+`, `-`, `@`, a tab or a carriage return and is no number.
    pub fn injects(field: &str) -> bool {
        let risky = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let number = field.replace([',', ' ', '%'], "");
        risky && number.parse::<f64>().is_err() && !matches!(field, "-" | "+" | "--")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_in_a_csv_field_is_told_from_a_number() {
        for field in ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1"] {
            assert!(Cell::injects(field), "{field:?}");
        }
        for field in ["-1.5", "+3", "-1,000.00", "-", "a=b", "", "1e-3", "-5 %"] {
            assert!(!Cell::injects(field), "{field:?}");
        }
    }
}
