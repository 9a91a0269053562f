//! Cells against cells.

use super::*;
use countersign_protocol::content::{NotebookCell, Output as Sealed};

fn notebook(cells: &[(&str, &str)]) -> Notebook {
    let cell = |(source, output): &(&str, &str)| NotebookCell {
        source: (*source).to_owned(),
        outputs: vec![Sealed {
            name: "stdout".to_owned(),
            text: (*output).to_owned(),
            image: None,
        }],
        ..NotebookCell::default()
    };
    Notebook {
        language: None,
        cells: cells.iter().map(cell).collect(),
    }
}

#[test]
fn cells_are_compared_and_a_new_output_is_told_from_new_code() {
    let old = notebook(&[("a = 1", "1"), ("b = 2", "2"), ("gone", "")]);
    let new = notebook(&[("new", ""), ("a = 1", "1"), ("b = 2", "3")]);
    let cells = cells(&new, Some(&old), &Wish::default());
    let changes: Vec<_> = cells
        .cells
        .iter()
        .map(|cell| (cell.change, cell.number))
        .collect();
    assert_eq!(
        changes,
        [("added", 1), ("same", 2), ("output", 3), ("removed", 3)]
    );
    assert!(cells.notes[0].contains("Nothing was executed"));
}

#[test]
fn alone_it_is_shown_as_it_is_and_long_outputs_are_cut() {
    let long = "x".repeat(MAX_OUTPUT + 1);
    let cells = cells(&notebook(&[("a\u{202E}", &long)]), None, &Wish::default());
    assert_eq!(cells.cells[0].change, "same");
    assert_eq!(cells.cells[0].text, "a‹U+202E›");
    assert_eq!(
        cells.cells[0].outputs[0].text.chars().count(),
        MAX_OUTPUT + 1
    );
}
