//! Which file that is new was one that is gone.

use std::collections::{BTreeMap, BTreeSet};

use super::Leaf;
use crate::id::Digest;

/// Least share of a text, in percent, that makes it the same file under another name.
const LEAST: u8 = 50;

/// A file that is gone and a new one that is it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rename {
    /// Place in the list of what is gone.
    pub from: usize,
    /// Place in the list of what is new.
    pub to: usize,
    /// How many percent they share; 100 for the same bytes.
    pub percent: u8,
}

/// Pairs what is `gone` with what is `new`, each by path and content: first by the same bytes, then by
/// `alike`, which is asked only about files of like size and is `None` where nobody knows. Empty files are
/// like nothing. The same lists give the same pairs.
pub fn renames(
    gone: &[(&str, Leaf)],
    new: &[(&str, Leaf)],
    mut alike: impl FnMut(&Leaf, &Leaf) -> Option<u8>,
) -> Vec<Rename> {
    let mut pairs = Vec::new();
    let mut left: BTreeMap<Digest, Vec<usize>> = BTreeMap::new();
    for (at, (_, leaf)) in gone
        .iter()
        .enumerate()
        .filter(|(_, (_, leaf))| leaf.size > 0)
    {
        left.entry(leaf.sha256).or_default().push(at);
    }
    let mut is_paired = BTreeSet::new();
    // Those that keep their name come first: a moved file is the likelier one.
    for keeps_name in [true, false] {
        for (to, (path, leaf)) in new.iter().enumerate() {
            if is_paired.contains(&to) {
                continue;
            }
            let Some(same) = left.get_mut(&leaf.sha256) else {
                continue;
            };
            let found = same
                .iter()
                .position(|from| !keeps_name || name(gone[*from].0) == name(path));
            if let Some(found) = found {
                let from = same.remove(found);
                is_paired.insert(to);
                pairs.push(Rename {
                    from,
                    to,
                    percent: 100,
                });
            }
        }
    }
    let mut rest: BTreeSet<usize> = left.into_values().flatten().collect();
    let mut candidates = Vec::new();
    for (to, (path, leaf)) in new.iter().enumerate() {
        if is_paired.contains(&to) {
            continue;
        }
        for from in &rest {
            let (old_path, old) = gone[*from];
            let (small, large) = (leaf.size.min(old.size), leaf.size.max(old.size));
            if small == 0 || large / 2 > small {
                continue;
            }
            if let Some(percent) = alike(&old, leaf).filter(|percent| *percent >= LEAST) {
                let moved = name(old_path) != name(path);
                candidates.push((100 - percent, moved, old_path, *path, *from, to));
            }
        }
    }
    candidates.sort_unstable();
    for (less, _, _, _, from, to) in candidates {
        if rest.contains(&from) && is_paired.insert(to) {
            rest.remove(&from);
            pairs.push(Rename {
                from,
                to,
                percent: 100 - less,
            });
        }
    }
    pairs
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
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
}
