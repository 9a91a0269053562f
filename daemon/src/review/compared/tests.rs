//! Renamed files among those that came and went.

use countersign_protocol::Digest;

use super::*;

fn manifest(files: &[(&str, &str)]) -> Manifest {
    let entries = files.iter().map(|(path, text)| ManifestEntry {
        path: (*path).to_owned(),
        size: text.len() as u64,
        sha256: Digest::of(text.as_bytes()),
        executable: false,
        declared: true,
        kept: true,
        role: None,
        title: None,
    });
    Manifest::new(Digest::ZERO, entries.collect())
}

#[test]
fn a_renamed_file_is_one_row_and_the_others_stay() {
    let (long, longer) = ("a\nb\nc\nd\n", "a\nb\nc\nd\ne\n");
    let base = manifest(&[("gone.md", "x\n"), ("moved.md", "same\n"), ("old.md", long)]);
    let shown = manifest(&[
        ("docs/moved.md", "same\n"),
        ("fresh.md", "y y y\n"),
        ("new.md", longer),
    ]);
    let texts = |sha256: Digest| {
        let all = ["x\n", "same\n", long, "y y y\n", longer];
        let text = all
            .iter()
            .find(|text| Digest::of(text.as_bytes()) == sha256)?;
        Some(text.as_bytes().to_vec())
    };
    let rows = with_renames(files(&shown, Some(&base)), texts);
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.path.as_str(),
                row.change,
                row.from_path.as_deref(),
                row.percent,
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            (
                "docs/moved.md",
                Change::Renamed,
                Some("moved.md"),
                Some(100)
            ),
            ("fresh.md", Change::Added, None, None),
            ("gone.md", Change::Removed, None, None),
            ("new.md", Change::Renamed, Some("old.md"), rows[3].3),
        ]
    );
    assert!(
        rows[3]
            .3
            .is_some_and(|percent| (50..100).contains(&percent))
    );
}
