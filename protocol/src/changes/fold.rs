//! The fold from one moment to a later one.

use std::collections::{BTreeMap, HashMap};

use super::{FileChange, Leaf, leaf};
use crate::{id::HandoffId, manifest::Manifest};

/// One accepted revision, as the fold sees it.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// Its entry in the ledger.
    pub seq: u64,
    /// Its card.
    pub card: HandoffId,
    /// What its paths are relative to. Two deliveries with the same root and path mean the same file.
    pub root: &'a str,
    /// What it handed over.
    pub manifest: &'a Manifest,
}

/// A path that is not what it was, or was something else on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved<'a> {
    /// What the path is relative to.
    pub root: &'a str,
    /// The path.
    pub path: &'a str,
    /// `Renamed` is not among them: see [`renames`](super::renames).
    pub change: FileChange,
    /// What was there at the start.
    pub before: Option<Leaf>,
    /// What is there at the end.
    pub after: Option<Leaf>,
    /// The last entry that changed it.
    pub seq: u64,
}

/// What a fold found, by root and path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded<'a> {
    /// What differs between start and end.
    pub moved: Vec<Moved<'a>>,
    /// What changed on the way and came back.
    pub restored: Vec<Moved<'a>>,
}

/// Who names a path, and with which content: at most one line for each card.
type Holders = Vec<(HandoffId, u64, Leaf)>;

struct Path {
    holders: Holders,
    start: Option<Leaf>,
    last_change: Option<u64>,
}

/// Folds from the moment at which `before` held to the one after `window`.
///
/// `before` has the newest delivery of each card at the start; cards whose roots `window` does not
/// touch may be left out. `window` has all later ones, in order.
pub fn fold<'a>(before: &[Delivery<'a>], window: &[Delivery<'a>]) -> Folded<'a> {
    let mut current: HashMap<HandoffId, Delivery<'a>> = before
        .iter()
        .map(|delivery| (delivery.card, *delivery))
        .collect();
    let mut paths = touched(&current, window);
    for delivery in before {
        for entry in &delivery.manifest.entries {
            if let Some(path) = paths.get_mut(&(delivery.root, entry.path.as_str())) {
                path.holders
                    .push((delivery.card, delivery.seq, leaf(entry)));
            }
        }
    }
    for path in paths.values_mut() {
        path.start = state(&path.holders);
    }
    for delivery in window {
        let previous = current.insert(delivery.card, *delivery);
        if let Some(previous) = previous {
            for entry in &previous.manifest.entries {
                let is_kept =
                    previous.root == delivery.root && delivery.manifest.get(&entry.path).is_some();
                let path = paths.get_mut(&(previous.root, entry.path.as_str()));
                if let Some(path) = path.filter(|_| !is_kept) {
                    path.step(delivery.seq, |holders| {
                        holders.retain(|(card, ..)| *card != delivery.card);
                    });
                }
            }
        }
        for entry in &delivery.manifest.entries {
            if let Some(path) = paths.get_mut(&(delivery.root, entry.path.as_str())) {
                path.step(delivery.seq, |holders| {
                    holders.retain(|(card, ..)| *card != delivery.card);
                    holders.push((delivery.card, delivery.seq, leaf(entry)));
                });
            }
        }
    }
    let mut folded = Folded::default();
    for ((root, name), path) in paths {
        let Some(seq) = path.last_change else {
            continue;
        };
        let (before, after) = (path.start, state(&path.holders));
        let change = match (before, after) {
            _ if before == after => FileChange::Restored,
            (None, _) => FileChange::Created,
            (_, None) => FileChange::Removed,
            _ => FileChange::Modified,
        };
        let moved = Moved {
            root,
            path: name,
            change,
            before,
            after,
            seq,
        };
        if change == FileChange::Restored {
            folded.restored.push(moved);
        } else {
            folded.moved.push(moved);
        }
    }
    folded
}

impl Path {
    fn step(&mut self, seq: u64, change: impl FnOnce(&mut Holders)) {
        let was = state(&self.holders);
        change(&mut self.holders);
        if state(&self.holders) != was {
            self.last_change = Some(seq);
        }
    }
}

/// Every path that a delivery of the window names or may drop.
fn touched<'a>(
    current: &HashMap<HandoffId, Delivery<'a>>,
    window: &[Delivery<'a>],
) -> BTreeMap<(&'a str, &'a str), Path> {
    let dropped = window
        .iter()
        .filter_map(|delivery| current.get(&delivery.card).copied());
    let mut paths = BTreeMap::new();
    for delivery in window.iter().copied().chain(dropped) {
        for entry in &delivery.manifest.entries {
            paths
                .entry((delivery.root, entry.path.as_str()))
                .or_insert(Path {
                    holders: Vec::new(),
                    start: None,
                    last_change: None,
                });
        }
    }
    paths
}

fn state(holders: &Holders) -> Option<Leaf> {
    holders
        .iter()
        .max_by_key(|(_, seq, _)| *seq)
        .map(|(_, _, leaf)| *leaf)
}
