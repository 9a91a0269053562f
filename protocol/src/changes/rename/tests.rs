//! Which files count as moved.

use super::*;

fn leaf(text: &str) -> Leaf {
    Leaf {
        sha256: Digest::of(text.as_bytes()),
        size: text.len() as u64,
        executable: false,
    }
}

fn pairs(gone: &[(&str, &str)], new: &[(&str, &str)]) -> Vec<(String, String, u8)> {
    let texts: BTreeMap<Digest, &str> = gone
        .iter()
        .chain(new)
        .map(|(_, text)| (Digest::of(text.as_bytes()), *text))
        .collect();
    let with = |list: &[(&'static str, &str)]| -> Vec<(&'static str, Leaf)> {
        list.iter()
            .map(|(path, text)| (*path, leaf(text)))
            .collect()
    };
    let gone: Vec<(&'static str, &str)> = gone.iter().map(|(p, t)| (leak(p), *t)).collect();
    let new: Vec<(&'static str, &str)> = new.iter().map(|(p, t)| (leak(p), *t)).collect();
    let (gone, new) = (with(&gone), with(&new));
    let alike = |one: &Leaf, other: &Leaf| {
        super::super::alike(
            texts[&one.sha256].as_bytes(),
            texts[&other.sha256].as_bytes(),
        )
    };
    renames(&gone, &new, alike)
        .into_iter()
        .map(|pair| {
            (
                gone[pair.from].0.to_owned(),
                new[pair.to].0.to_owned(),
                pair.percent,
            )
        })
        .collect()
}

fn leak(path: &str) -> &'static str {
    Box::leak(path.to_owned().into_boxed_str())
}

fn pair(from: &str, to: &str, percent: u8) -> (String, String, u8) {
    (from.to_owned(), to.to_owned(), percent)
}

#[test]
fn the_same_bytes_under_another_name_are_the_same_file() {
    assert_eq!(
        pairs(&[("a.md", "text")], &[("b.md", "text")]),
        [pair("a.md", "b.md", 100)]
    );
    assert_eq!(pairs(&[("a", "")], &[("b", "")]), []);
}

#[test]
fn of_two_with_the_same_bytes_each_keeps_its_name() {
    let found = pairs(
        &[("old/a", "x"), ("old/b", "x")],
        &[("new/b", "x"), ("new/c", "x")],
    );
    assert_eq!(
        found,
        [pair("old/b", "new/b", 100), pair("old/a", "new/c", 100)]
    );
}

#[test]
fn a_text_with_half_of_its_lines_is_the_same_file_and_the_likest_wins() {
    let old = "1\n2\n3\n4\n5\n6\n7\n8\n";
    let found = pairs(
        &[("plan.md", old)],
        &[
            ("far.md", "1\n2\n3\n4\nx\ny\nz\nw\n"),
            ("near.md", "1\n2\n3\n4\n5\n6\n7\nx\n"),
        ],
    );
    assert_eq!(found, [pair("plan.md", "near.md", 87)]);
    assert_eq!(
        pairs(&[("a", "1\n2\n3\n4\n")], &[("b", "1\nx\ny\nz\n")]),
        []
    );
}
