//! Places in words, and places that cannot be.

use super::{Cell, Place, Region};

fn at(change: impl FnOnce(&mut Place)) -> Place {
    let mut place = Place {
        path: Some("a.csv".to_owned()),
        ..Place::default()
    };
    change(&mut place);
    place
}

#[test]
fn places_are_told_in_words() {
    let cell = |sheet: Option<&str>, column: Option<&str>| Cell {
        sheet: sheet.map(str::to_owned),
        row: 3,
        column: column.map(str::to_owned),
    };
    let region = Region {
        x: 10,
        y: 20,
        width: 64,
        height: 32,
    };
    for (place, words) in [
        (Place::default(), ""),
        (at(|_| ()), ""),
        (at(|place| place.line = Some(4)), "line 4"),
        (
            at(|place| (place.line, place.end_line) = (Some(4), Some(4))),
            "line 4",
        ),
        (
            at(|place| (place.line, place.end_line) = (Some(4), Some(9))),
            "lines 4 to 9",
        ),
        (at(|place| place.cell = Some(cell(None, None))), "row 3"),
        (
            at(|place| place.cell = Some(cell(Some("Q3"), Some("amount")))),
            "sheet Q3, row 3, amount",
        ),
        (at(|place| place.quote = Some("so".to_owned())), "“so”"),
        (
            at(|place| (place.line, place.quote) = (Some(4), Some("so".to_owned()))),
            "line 4, “so”",
        ),
        (
            at(|place| place.region = Some(region)),
            "region 10, 20, 64 by 32",
        ),
    ] {
        assert_eq!(place.check(), Ok(()));
        assert_eq!(place.to_string(), words);
    }
}

#[test]
fn places_that_cannot_be_are_refused() {
    let empty = Region {
        x: 0,
        y: 0,
        width: 0,
        height: 9,
    };
    let row = |row| Cell {
        sheet: None,
        row,
        column: None,
    };
    for place in [
        at(|place| place.line = Some(0)),
        at(|place| place.end_line = Some(2)),
        at(|place| (place.line, place.end_line) = (Some(4), Some(3))),
        at(|place| place.cell = Some(row(0))),
        at(|place| place.region = Some(empty)),
        at(|place| (place.line, place.cell) = (Some(1), Some(row(1)))),
        at(|place| (place.line, place.path) = (Some(1), None)),
        at(|place| place.quote = Some(" ".to_owned())),
        at(|place| place.quote = Some("x".repeat(1_001))),
        at(|place| (place.quote, place.path) = (Some("x".to_owned()), None)),
        at(|place| (place.quote, place.cell) = (Some("x".to_owned()), Some(row(1)))),
    ] {
        assert!(place.check().is_err(), "{place:?}");
    }
}
