//! Tests of `table`.

use super::*;

fn table() -> Table {
    let mut table = Table::new(&["id", "title", "age"]);
    table.row(vec![
        Cell::new("H-1"),
        Cell::new("東京\tx"),
        Cell::two("18m", "2026-11-20T14:00:00Z"),
    ]);
    table.row(vec![Cell::new("H-1047"), Cell::new("b"), Cell::new("")]);
    table
}

#[test]
fn a_person_sees_columns_and_a_program_reads_fields() {
    assert_eq!(
        table().render(true, false),
        "id      title   age\nH-1     東京�x  18m\nH-1047  b\n"
    );
    assert_eq!(
        table().render(false, false),
        "H-1\t東京�x\t2026-11-20T14:00:00Z\nH-1047\tb\t\n"
    );
}

#[test]
fn long_text_is_cut_for_a_person_only() {
    let mut table = Table::new(&["", ""]);
    table.row(vec![Cell::new("n".repeat(100)), Cell::new("end")]);
    let shown = table.render(true, false);
    assert_eq!(shown, format!("{}…  end\n", "n".repeat(WIDEST - 1)));
    assert!(table.render(false, false).starts_with(&"n".repeat(100)));
}
