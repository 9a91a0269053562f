//! The fold, held against its definition.

use std::collections::BTreeMap;

use super::*;
use crate::{id::HandoffId, manifest::ManifestEntry};

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
    Manifest::new(Digest::of(b"document"), entries.collect())
}

fn delivery<'a>(seq: u64, card: u64, root: &'a str, manifest: &'a Manifest) -> Delivery<'a> {
    Delivery {
        seq,
        card: HandoffId(card),
        root,
        manifest,
    }
}

fn words(moved: &[Moved<'_>]) -> Vec<String> {
    moved
        .iter()
        .map(|one| {
            format!(
                "{} {}{} e{}",
                one.change.word(),
                one.root,
                one.path,
                one.seq
            )
        })
        .collect()
}

#[test]
fn each_path_says_what_became_of_it_and_which_entry_did_it() {
    let one = manifest(&[("a", "1"), ("b", "1"), ("c", "1")]);
    let two = manifest(&[("a", "2"), ("b", "1"), ("d", "1")]);
    let three = manifest(&[("a", "3"), ("b", "1"), ("d", "1")]);
    let folded = fold(
        &[delivery(1, 1, "", &one)],
        &[delivery(4, 1, "", &two), delivery(9, 1, "", &three)],
    );
    assert_eq!(
        words(&folded.moved),
        ["modified a e9", "removed c e4", "created d e4"]
    );
    assert_eq!(folded.restored, []);
}

#[test]
fn writes_that_cancel_out_are_told_apart_from_what_never_changed() {
    let one = manifest(&[("a", "1"), ("b", "1")]);
    let two = manifest(&[("a", "2"), ("b", "1"), ("c", "1")]);
    let folded = fold(
        &[delivery(1, 1, "", &one)],
        &[delivery(2, 1, "", &two), delivery(3, 1, "", &one)],
    );
    assert_eq!(folded.moved, []);
    assert_eq!(words(&folded.restored), ["restored a e3", "restored c e3"]);
}

#[test]
fn a_path_that_another_handoff_still_names_is_not_gone() {
    let both = manifest(&[("shared", "1"), ("own", "1")]);
    let mine = manifest(&[("shared", "2")]);
    let less = manifest(&[("own", "1")]);
    let folded = fold(
        &[delivery(1, 1, "q3/", &both), delivery(2, 2, "q3/", &mine)],
        &[delivery(3, 2, "q3/", &less)],
    );
    // What the other handoff says of it holds again.
    assert_eq!(words(&folded.moved), ["modified q3/shared e3"]);
}

#[test]
fn a_handoff_that_moves_to_another_folder_leaves_the_old_one() {
    let files = manifest(&[("a", "1")]);
    let folded = fold(
        &[delivery(1, 1, "old/", &files)],
        &[delivery(2, 1, "new/", &files)],
    );
    assert_eq!(
        words(&folded.moved),
        ["created new/a e2", "removed old/a e2"]
    );
}

/// A small generator of numbers that look random (`SplitMix64`).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (word ^ (word >> 31)) % limit
    }
}

/// The whole tree at a moment, by the definition: for each path what the newest delivery says, among the
/// newest of all cards.
fn tree_at(history: &[Delivery<'_>], seq: u64) -> BTreeMap<(String, String), Leaf> {
    let mut newest = BTreeMap::new();
    for delivery in history.iter().filter(|delivery| delivery.seq <= seq) {
        newest.insert(delivery.card, *delivery);
    }
    let mut in_order: Vec<_> = newest.into_values().collect();
    in_order.sort_by_key(|delivery| delivery.seq);
    let mut tree = BTreeMap::new();
    for delivery in in_order {
        for entry in &delivery.manifest.entries {
            tree.insert((delivery.root.to_owned(), entry.path.clone()), leaf(entry));
        }
    }
    tree
}

#[test]
fn the_fold_is_the_difference_of_the_trees_at_both_ends_for_any_history() {
    const ROOTS: [&str; 2] = ["", "q3/"];
    const PATHS: [&str; 4] = ["a", "b", "c", "d"];
    const TEXTS: [&str; 3] = ["1", "2", "3"];
    for seed in 0..400 {
        let mut chance = Chance(seed);
        let manifests: Vec<(u64, &str, Manifest)> = (0..12)
            .map(|_| {
                let mut files = Vec::new();
                for path in PATHS {
                    if chance.below(3) > 0 {
                        files.push((path, TEXTS[usize::try_from(chance.below(3)).unwrap()]));
                    }
                }
                let root = ROOTS[usize::try_from(chance.below(4)).unwrap() / 3];
                (1 + chance.below(3), root, manifest(&files))
            })
            .collect();
        let history: Vec<Delivery<'_>> = manifests
            .iter()
            .zip(1..)
            .map(|((card, root, manifest), seq)| delivery(seq * 2, *card, root, manifest))
            .collect();
        let from = chance.below(13) * 2;
        let to = from + chance.below(25 - from);
        let mut before = BTreeMap::new();
        for delivery in history.iter().filter(|delivery| delivery.seq <= from) {
            before.insert(delivery.card, *delivery);
        }
        let before: Vec<_> = before.into_values().collect();
        let window: Vec<_> = history
            .iter()
            .copied()
            .filter(|delivery| delivery.seq > from && delivery.seq <= to)
            .collect();
        let folded = fold(&before, &window);

        let (start, end) = (tree_at(&history, from), tree_at(&history, to));
        let mut expected = Vec::new();
        let keys: std::collections::BTreeSet<_> = start.keys().chain(end.keys()).collect();
        for key in keys {
            if start.get(key) != end.get(key) {
                expected.push((key.clone(), start.get(key).copied(), end.get(key).copied()));
            }
        }
        let found: Vec<_> = folded
            .moved
            .iter()
            .map(|one| {
                (
                    (one.root.to_owned(), one.path.to_owned()),
                    one.before,
                    one.after,
                )
            })
            .collect();
        assert_eq!(found, expected, "seed {seed}, from {from} to {to}");
        for one in &folded.restored {
            let key = (one.root.to_owned(), one.path.to_owned());
            let differed =
                (from..=to).any(|seq| tree_at(&history, seq).get(&key) != start.get(&key));
            assert!(differed, "seed {seed}: {} never changed", one.path);
        }
        for one in folded.moved.iter().chain(&folded.restored) {
            let key = (one.root.to_owned(), one.path.to_owned());
            let (was, is) = (tree_at(&history, one.seq - 1), tree_at(&history, one.seq));
            assert!(was.get(&key) != is.get(&key), "seed {seed}: e{}", one.seq);
            assert_eq!(
                is.get(&key),
                end.get(&key),
                "seed {seed}: e{} is not the last",
                one.seq
            );
        }
    }
}
