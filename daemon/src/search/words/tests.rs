//! The words of code and prose.

use countersign_protocol::content::{Binary, Body, FileType};

use super::*;

fn content(kind: Kind, text: &[(Place, &str)]) -> Content {
    Content {
        file_type: FileType {
            kind,
            media_type: String::new(),
            name: String::new(),
        },
        size: 0,
        body: Body::Binary(Binary::default()),
        text: text
            .iter()
            .map(|(place, text)| Segment::new(place.clone(), *text))
            .collect(),
        findings: Vec::new(),
        cut: None,
    }
}

#[test]
fn each_line_knows_its_place() {
    let page = |page| Place::Page { page };
    let read = content(
        Kind::Pdf,
        &[(page(1), "one\ntwo\n"), (page(2), "three"), (page(4), "x")],
    );
    let words = Words::of(read, None);
    assert_eq!(words.text, "one\ntwo\nthree\nx");
    let told: Vec<_> = (0..=5).map(|line| words.places.of_line(line)).collect();
    assert_eq!(
        told,
        [
            None,
            Some((&page(1), 1)),
            Some((&page(1), 2)),
            Some((&page(2), 1)),
            Some((&page(4), 1)),
            Some((&page(4), 2)),
        ]
    );
}

#[test]
fn a_page_is_searched_as_written_and_as_shown_and_a_broken_notebook_as_text() {
    let page = content(Kind::Html, &[(Place::Whole, "five men")]);
    let words = Words::of(page, Some("<b>five</b> men\n".to_owned()));
    assert_eq!(words.text, "<b>five</b> men\nfive men");
    let (place, line) = words.places.of_line(2).unwrap();
    assert_eq!((place.to_string().as_str(), line), ("as shown", 1));
    let mut broken = content(Kind::Notebook, &[]);
    broken.cut(CutReason::Damaged, "It is damaged.");
    let words = Words::of(broken, Some("{\"cells\": [".to_owned()));
    assert_eq!(words.text, "{\"cells\": [");
    assert_eq!(words.missing.as_deref(), Some("It is damaged."));
}

#[test]
fn what_is_too_long_is_cut_and_says_so() {
    let limit = usize::try_from(LIMIT).unwrap();
    let long = "ä".repeat(limit / 2 + 1);
    let read = content(Kind::Pdf, &[(Place::Whole, &long), (Place::Whole, "end")]);
    let words = Words::of(read, None);
    assert_eq!(words.text.len(), limit);
    assert!(words.missing.unwrap().contains("16 MiB"));
}
