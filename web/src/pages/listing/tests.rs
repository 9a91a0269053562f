//! Small handoffs whole, large ones in pages.

use countersign_protocol::{Digest, provenance::Provenance};

use super::*;
use crate::showcase::sample;

fn review(count: usize) -> Review {
    let mut review = sample::review();
    let row = |at: usize| FileRow {
        path: format!("src/part{}/file{at:05}.txt", at % 3),
        size: 1,
        sha256: Digest::ZERO,
        change: if at % 100 == 7 {
            Change::Modified
        } else {
            Change::Unchanged
        },
        declared: true,
        kept: true,
        executable: false,
        title: None,
        from_path: None,
        percent: None,
        provenance: Provenance::Claimed,
    };
    let mut files: Vec<_> = (0..count).map(row).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    review.files = files.into();
    review
}

fn list(
    review: &Review,
    folder: Option<&str>,
    files: Option<usize>,
) -> (Vec<String>, Option<More>) {
    let place = super::super::cards::place(review);
    let part = Part {
        folder: folder.map(str::to_owned),
        files,
        against: None,
    };
    let listing = Listing::new(review, place, &part, &Asked::default());
    (
        listing.rows.iter().map(|row| row.path.clone()).collect(),
        listing.more,
    )
}

#[test]
fn a_small_handoff_is_shown_whole() {
    let (rows, more) = list(&review(WHOLE), None, None);
    assert_eq!(rows.len(), WHOLE);
    assert!(more.is_none());
}

#[test]
fn a_large_one_is_shown_in_pages_that_lose_nothing() {
    let review = review(10_000);
    let mut all = Vec::new();
    let mut from = 0;
    loop {
        let (rows, more) = list(&review, None, Some(from));
        assert!(rows.len() <= PAGE);
        from += rows.len();
        all.extend(rows);
        if more.unwrap().after.is_none() {
            break;
        }
    }
    assert!(
        all[..100].iter().all(|path| path.ends_with("07.txt")),
        "what changed comes first"
    );
    all.sort();
    assert_eq!(
        all,
        review
            .files
            .iter()
            .map(|row| row.path.clone())
            .collect::<Vec<_>>()
    );
}

#[test]
fn folders_lead_down_and_up() {
    let review = review(900);
    let (_, more) = list(&review, None, None);
    let more = more.unwrap();
    assert_eq!(
        (more.folders.len(), more.folders[0].name.as_str()),
        (1, "src")
    );
    assert_eq!(more.folders[0].note, "900 files, 9 changed");
    let (rows, more) = list(&review, Some("src/part1/"), None);
    assert!(rows.iter().all(|path| path.starts_with("src/part1/")));
    let more = more.unwrap();
    assert!(more.folders.is_empty());
    assert_eq!(more.above.len(), 2);
    assert!(
        more.above[1].1.ends_with("folder=src%2F"),
        "{:?}",
        more.above
    );
    assert_eq!(list(&review, Some("no/such/"), Some(99)).0.len(), 0);
}
