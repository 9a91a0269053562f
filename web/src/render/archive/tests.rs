//! Lists against lists.

use countersign_protocol::content::EntryFlag;

use super::*;

fn entry(path: &str, size: u64, crc32: u32) -> Entry {
    Entry {
        path: path.to_owned(),
        size,
        crc32: Some(crc32),
        ..Entry::default()
    }
}

fn archive(entries: &[Entry]) -> Archive {
    Archive {
        entries: entries.to_vec(),
        ..Archive::default()
    }
}

#[test]
fn lists_are_compared_by_path_and_oddities_always_stand() {
    let mut odd = entry("../up", 1, 1);
    odd.flag(EntryFlag::Parent);
    let old = archive(&[
        entry("a", 1, 1),
        entry("b", 2, 2),
        odd.clone(),
        entry("gone", 3, 3),
    ]);
    let new = archive(&[
        entry("a", 1, 1),
        entry("b", 2, 9),
        odd,
        entry("new\u{202E}", 4, 4),
    ]);
    let shown = entries(&new, Some(&old), false);
    let rows: Vec<_> = shown
        .rows
        .iter()
        .map(|row| (row.change, row.path.as_str()))
        .collect();
    assert_eq!(
        rows,
        [
            ("changed", "b"),
            ("same", "../up"),
            ("added", "new‹U+202E›"),
            ("removed", "gone")
        ]
    );
    assert_eq!(shown.same, 1);
    assert_eq!(shown.rows[1].flags, ["leaves its folder with .."]);
    assert_eq!(entries(&new, None, false).rows.len(), 4);
    assert_eq!(entries(&new, Some(&old), true).rows.len(), 5);
}
