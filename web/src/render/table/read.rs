//! Tables as spreadsheets write them to text.

use super::Table;

/// Reads comma-, semicolon- or tab-separated values (RFC 4180, and what is written in its place).
/// Total: a field that is never closed ends with the text.
pub fn read(text: &str, tabs: bool) -> Table {
    let first = text.lines().next().unwrap_or_default();
    let count = |c| first.matches(c).count();
    let separator = match () {
        () if tabs => b'\t',
        () if count(';') > count(',') => b';',
        () => b',',
    };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .from_reader(text.as_bytes());
    let mut records = reader
        .records()
        .map_while(Result::ok)
        .map(|record| record.iter().map(str::to_owned).collect::<Vec<_>>());
    Table {
        header: records.next().unwrap_or_default(),
        rows: records.collect(),
        left_out: 0,
    }
}
