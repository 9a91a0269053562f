//! Comparisons of many files, kept for those who page through them.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use countersign_web::desk::Files;

/// Comparisons of fewer files are quicker made than kept.
const FEWEST: usize = 200;
/// All kept comparisons together have at most so many rows, some hundred bytes each.
const ROWS: usize = 60_000;

/// The entries that accepted both sides.
pub(in crate::review) type Pair = (u64, Option<u64>);

/// What was compared last; the oldest goes first.
#[derive(Debug, Default)]
pub(in crate::review) struct Kept {
    pairs: Mutex<VecDeque<(Pair, Files)>>,
}

impl Kept {
    /// What was found for that pair.
    pub(super) fn get(&self, pair: Pair) -> Option<Files> {
        let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        let at = pairs.iter().position(|(known, _)| *known == pair)?;
        let found = pairs.remove(at)?;
        let files = found.1.clone();
        pairs.push_back(found);
        Some(files)
    }

    /// Keeps what was found, and lets go of what is too much.
    pub(super) fn put(&self, pair: Pair, files: &Files) {
        if !(FEWEST..=ROWS).contains(&files.len()) {
            return;
        }
        let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        pairs.retain(|(known, _)| *known != pair);
        pairs.push_back((pair, files.clone()));
        let mut rows: usize = pairs.iter().map(|(_, files)| files.len()).sum();
        while rows > ROWS
            && let Some((_, oldest)) = pairs.pop_front()
        {
            rows -= oldest.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use countersign_protocol::{Digest, provenance::Provenance};
    use countersign_web::desk::{Change, FileRow};

    use super::*;

    fn files(count: usize) -> Files {
        let row = |at: usize| FileRow {
            path: at.to_string(),
            size: 1,
            sha256: Digest::ZERO,
            change: Change::Added,
            declared: true,
            kept: true,
            executable: false,
            title: None,
            from_path: None,
            percent: None,
            provenance: Provenance::Claimed,
        };
        (0..count).map(row).collect::<Vec<_>>().into()
    }

    #[test]
    fn what_is_read_often_stays_and_the_room_is_bounded() {
        let kept = Kept::default();
        kept.put((0, None), &files(FEWEST - 1));
        assert!(kept.get((0, None)).is_none(), "too few to be worth it");
        let third = files(ROWS / 3);
        for seq in 1..=3 {
            kept.put((seq, None), &third);
        }
        assert!(kept.get((1, None)).is_some());
        kept.put((4, Some(1)), &third);
        let there: Vec<bool> = [(1, None), (2, None), (3, None), (4, Some(1)), (4, None)]
            .into_iter()
            .map(|pair| kept.get(pair).is_some())
            .collect();
        assert_eq!(there, [true, false, true, true, false]);
        kept.put((5, None), &files(ROWS + 1));
        assert!(kept.get((5, None)).is_none(), "it would be all there is");
        assert!(kept.get((1, None)).is_some());
    }
}
