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
mod tests;
