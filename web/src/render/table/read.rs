//! Tables as spreadsheets write them to text.

use super::Table;

/// Separators that files use, the one first that wins a tie.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Lines from which the separator is told.
const MAX_SAMPLED: usize = 20;

/// Reads values separated by commas, semicolons, tabs or bars (RFC 4180, and what is written in its place).
/// Total: a field that is never closed ends with the text.
pub fn read(text: &str, tabs: bool) -> Table {
    let (stated, text) = stated_separator(text);
    let separator = match stated {
        Some(separator) => separator,
        None if tabs => b'\t',
        None => separator_of(text),
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

/// The separator that a first line such as `sep=;` states, and the text behind that line. It is for the
/// spreadsheet program, which does not show it.
fn stated_separator(text: &str) -> (Option<u8>, &str) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let first = first.trim_end_matches('\r').trim_matches('"');
    let stated = first
        .get(..4)
        .filter(|key| key.eq_ignore_ascii_case("sep="));
    match (stated, first.as_bytes()) {
        (Some(_), [_, _, _, _, separator]) if separator.is_ascii() => (Some(*separator), rest),
        _ => (None, text),
    }
}

/// The separator that divides the first lines most evenly, then into most columns. What stands in quotes is
/// not counted.
fn separator_of(text: &str) -> u8 {
    let counts = |separator: u8| -> Vec<usize> {
        let (mut counts, mut count, mut is_quoted) = (Vec::new(), 0, false);
        for byte in text.bytes() {
            match byte {
                b'"' => is_quoted = !is_quoted,
                b'\n' if !is_quoted => {
                    counts.push(std::mem::take(&mut count));
                    if counts.len() == MAX_SAMPLED {
                        return counts;
                    }
                }
                byte if byte == separator && !is_quoted => count += 1,
                _ => {}
            }
        }
        if !text.ends_with('\n') {
            counts.push(count);
        }
        counts
    };
    let score = |separator: u8| {
        let counts = counts(separator);
        let first = counts.first().copied().unwrap_or_default();
        let alike = counts.iter().filter(|count| **count == first).count();
        let is_even = first > 0 && alike * 10 >= counts.len() * 9;
        (is_even, first)
    };
    SEPARATORS
        .into_iter()
        .rev()
        .max_by_key(|separator| score(*separator))
        .unwrap_or(b',')
}
