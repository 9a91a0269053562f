//! Finding the files that only changed their name.

use std::collections::HashMap;

use countersign_protocol::{
    Digest,
    changes::{FileChange, Leaf, Rename, alike, renames},
    names::joined,
};

use super::log::Change;

/// Largest text that is compared with others, in bytes.
const LARGEST: u64 = 256 * 1024;
/// Most files on each side that are compared by their text. What is more is told as removed and created.
const MOST: usize = 64;

/// Joins what is gone and what is new and has its content into one row, by the same bytes, and where there
/// are few by their text, which `text` gives.
pub fn renamed(
    changed: Vec<Change>,
    mut text: impl FnMut(Digest) -> Option<Vec<u8>>,
) -> Vec<Change> {
    let sides = |wanted: FileChange| -> Vec<(usize, String, Leaf)> {
        let side = changed.iter().enumerate().filter_map(|(at, row)| {
            let leaf = row.before.or(row.after).filter(|_| row.change == wanted)?;
            Some((at, joined(&row.folder, &row.path), leaf))
        });
        side.collect()
    };
    let (gone, new) = (sides(FileChange::Removed), sides(FileChange::Created));
    let pairs = pairs(&paths(&gone), &paths(&new), &mut text);

    let mut rows: Vec<Option<Change>> = changed.into_iter().map(Some).collect();
    for pair in pairs {
        let (from, to) = (gone[pair.from].0, new[pair.to].0);
        let old = rows[from].take();
        if let (Some(old), Some(row)) = (old, rows[to].as_mut()) {
            row.change = FileChange::Renamed;
            row.percent = Some(pair.percent);
            row.before = old.before;
            row.from = Some(if old.folder == row.folder {
                old.path
            } else {
                format!("/{}", joined(&old.folder, &old.path))
            });
        }
    }
    rows.into_iter().flatten().collect()
}

/// Which of what is `new` was one of what is `gone`, by the same bytes, and where there are few by their
/// text, which `text` gives.
pub fn pairs(
    gone: &[(&str, Leaf)],
    new: &[(&str, Leaf)],
    mut text: impl FnMut(Digest) -> Option<Vec<u8>>,
) -> Vec<Rename> {
    let few = gone.len() <= MOST && new.len() <= MOST;
    let mut texts: HashMap<Digest, Option<Vec<u8>>> = HashMap::new();
    renames(gone, new, |one, other| {
        if !few || one.size > LARGEST || other.size > LARGEST {
            return None;
        }
        for leaf in [one, other] {
            texts
                .entry(leaf.sha256)
                .or_insert_with(|| text(leaf.sha256));
        }
        let bytes = |leaf: &Leaf| texts.get(&leaf.sha256)?.as_deref();
        alike(bytes(one)?, bytes(other)?)
    })
}

fn paths(side: &[(usize, String, Leaf)]) -> Vec<(&str, Leaf)> {
    side.iter()
        .map(|(_, path, leaf)| (path.as_str(), *leaf))
        .collect()
}
