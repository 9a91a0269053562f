//! Whether the thread that hears of a document may look at it itself.
//!
//! Waking another thread takes about as long as half a look. So a document that comes alone is looked at where it was
//! heard of. That thread empties the kernel's queue of events, which has room for 16,384: what comes soon after
//! another goes to the workers, who share a commit, and so does all that would take long, or whatever comes
//! while the disk is slow. Should the queue run over all the same, a scan finds what was in it.

use std::time::Duration;

use countersign_protocol::handoff::Artifact;

use crate::fs::{Dir, INLINE};

/// Documents that are less than this apart do not come alone.
const APART: Duration = Duration::from_millis(2);
/// A look that took longer met a slow disk.
const SLOW: Duration = Duration::from_millis(20);
/// For so long after that, all documents go to the workers.
const REST: Duration = Duration::from_secs(1);
/// Most artifacts of a handoff that is looked at at once. Each fits into the ledger.
const ARTIFACTS: usize = 8;

/// What tells a lone document from one of many.
#[derive(Debug, Default)]
pub(super) struct Lone {
    /// One that comes from then on, on the monotonic clock, comes alone.
    from: Duration,
}

impl Lone {
    /// Whether a document that comes `now` comes alone.
    pub(super) fn comes(&mut self, now: Duration) -> bool {
        let alone = now >= self.from;
        self.from = self.from.max(now + APART);
        alone
    }

    /// A look is over that began at `begun`.
    pub(super) fn over(&mut self, begun: Duration, now: Duration) {
        let is_slow = now.saturating_sub(begun) > SLOW;
        self.from = now + if is_slow { REST } else { APART };
    }
}

/// Whether the files that a handoff in `folder` names are soon sealed, so far as one can see.
pub(super) fn is_light(folder: &Dir, artifacts: &[Artifact]) -> bool {
    artifacts.len() <= ARTIFACTS
        && artifacts.iter().all(|artifact| {
            let found = folder.look_beneath(artifact.path.as_str().as_ref());
            // What is missing or out of reach is refused, which takes no time.
            found.map_or(true, |found| {
                found.is_none_or(|(_, stamp)| stamp.size <= INLINE)
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_soon_after_another_does_not_come_alone() {
        let at = Duration::from_millis;
        let mut lone = Lone::default();
        assert!(lone.comes(at(10)));
        lone.over(at(10), at(11));
        assert!(!lone.comes(at(12)));
        assert!(
            !lone.comes(at(13)),
            "the one before was heard of a moment ago"
        );
        assert!(lone.comes(at(15)));
        lone.over(at(15), at(36));
        assert!(!lone.comes(at(1_035)), "the disk was slow");
        assert!(lone.comes(at(1_037)));
    }
}
