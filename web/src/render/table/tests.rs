//! The tables of ordinary and of odd input.

use super::*;

const OLD: &str = "invoice_id,amount,note\nA-1,10.50,\nA-2,3,x\nA-3,7,\"a, b\"\n";
const NEW: &str = "invoice_id,amount,note\nA-3,7,\"a, b\"\nA-1,11.50,\nA-4,-2,=cmd()\n";

#[test]
fn rows_are_told_apart_by_their_key() {
    let (new, old) = (read(NEW, false), read(OLD, false));
    let sheet = sheet("", &new, Some(&old), false);
    assert_eq!((sheet.count, sheet.old_count), (3, 3));
    assert_eq!((sheet.added, sheet.removed, sheet.changed), (1, 1, 1));
    let shown: Vec<_> = sheet
        .rows
        .iter()
        .map(|row| (row.change, row.cells[0].value.as_str()))
        .collect();
    assert_eq!(
        shown,
        [("changed", "A-1"), ("added", "A-4"), ("removed", "A-2")]
    );
    let amount = &sheet.rows[0].cells[1];
    assert_eq!(
        (amount.old.as_deref(), amount.value.as_str()),
        (Some("10.50"), "11.50")
    );
    assert!(sheet.columns[0].key);
    let totals = |at: usize| {
        (
            sheet.columns[at].old_total.as_deref(),
            sheet.columns[at].total.as_deref(),
        )
    };
    assert_eq!(totals(1), (Some("20.50"), Some("16.50")));
    assert_eq!(totals(2), (None, None));
    assert_eq!(sheet.runs, 1, "the formula, and not the number below zero");
    assert!(sheet.rows[1].cells[2].runs && !sheet.rows[1].cells[1].runs);
}

#[test]
fn a_table_alone_is_shown_whole_and_unchanged_rows_on_request() {
    let (new, old) = (read(NEW, false), read(OLD, false));
    assert_eq!(sheet("", &new, None, false).rows.len(), 3);
    assert_eq!(sheet("", &new, Some(&old), true).rows.len(), 4);
    assert!(sheet("", &new, Some(&new), false).rows.is_empty());
}

#[test]
fn columns_come_and_go_by_name() {
    let old = read("id\ta\tb\n1\tx\ty\n", true);
    let new = read("id\tb\tc\n1\ty\tz\n", true);
    let sheet = sheet("", &new, Some(&old), false);
    let columns: Vec<_> = sheet
        .columns
        .iter()
        .map(|c| (c.name.as_str(), c.change))
        .collect();
    assert_eq!(
        columns,
        [
            ("id", "same"),
            ("b", "same"),
            ("c", "added"),
            ("a", "removed")
        ]
    );
    assert_eq!(sheet.rows[0].cells[1].old, None);
    assert_eq!(sheet.rows[0].cells[3].old.as_deref(), Some("x"));
}

#[test]
fn without_a_key_rows_are_matched_by_order_and_that_is_said() {
    let old = read("a,b\n1,1\n1,2\n1,1\n", false);
    let new = read("a,b\n1,1\n1,1\n", false);
    let sheet = sheet("", &new, Some(&old), false);
    assert_eq!((sheet.added, sheet.removed, sheet.changed), (0, 1, 0));
    assert!(sheet.notes[0].contains("by their order"));
}

#[test]
fn sums_are_exact_and_only_of_numbers() {
    let sum = |cells: &[&str]| {
        let rows = cells.iter().map(|cell| vec![(*cell).to_owned()]).collect();
        total(
            &Table {
                rows,
                ..Table::default()
            },
            0,
        )
    };
    assert_eq!(sum(&["0.1", "0.2"]).as_deref(), Some("0.3"));
    assert_eq!(
        sum(&["1234567", "-0.05", ""]).as_deref(),
        Some("1,234,566.95")
    );
    assert_eq!(sum(&["-2"]).as_deref(), Some("−2"));
    for cells in [&["1", "one"][..], &[""], &[], &["1e3"], &["1.0000000001"]] {
        assert_eq!(sum(cells), None, "{cells:?}");
    }
}

#[test]
fn odd_tables_are_read_to_their_end() {
    for text in [
        "",
        "\n\n",
        "a,\"b",
        "\"a\"b,c\n\0",
        "a;b\n1;2",
        "a\r\nb\r\n",
    ] {
        let table = read(text, false);
        sheet("", &table, Some(&table), true);
    }
    assert_eq!(read("a;b\n1;2", false).header, ["a", "b"]);
    let many = (0..MAX_ROWS + 5)
        .map(|at| format!("{at}\n"))
        .collect::<Vec<_>>()
        .concat();
    let sheet = sheet("", &read(&format!("id\n{many}"), false), None, false);
    assert_eq!(sheet.rows.len(), MAX_ROWS);
    assert_eq!(sheet.notes, ["2000 rows are shown; 5 more are not."]);
}

#[test]
fn what_cannot_be_seen_is_written_out() {
    let table = read("a\n\"x\u{202E}y\"\n", false);
    assert_eq!(
        sheet("", &table, None, false).rows[0].cells[0].value,
        "x‹U+202E›y"
    );
}

#[test]
fn finds_the_separator() {
    for (text, columns) in [
        ("a,b,c\n1,2,3\n", 3),
        ("a;b;c\n1,5;2;3\n", 3),
        ("Name\tBetrag\tOrt\r\nMüller\t1\tKöln\r\n", 3),
        ("a|b|c\n1|2|3\n", 3),
        ("sep=;\r\na;b\r\n1,5;2\r\n", 2),
        ("\"x;y;z\",b\n1,2\n", 2),
        ("one\ntwo\n", 1),
        ("", 0),
    ] {
        assert_eq!(read(text, false).header.len(), columns, "{text:?}");
    }
    assert_eq!(read("sep=;\na;b\n", false).header, ["a", "b"]);
}
