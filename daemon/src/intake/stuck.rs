//! Deliveries that wait for something of ours: a full disk, most of all.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// A delivery that was not tried again for so long waits no more: it was taken, or taken away.
const STUCK_TIMEOUT: Duration = Duration::from_secs(5);

/// The deliveries that wait.
#[derive(Debug, Default)]
pub(super) struct Stuck {
    /// By file: when it was tried last, on the monotonic clock, and why it failed.
    waiting: Mutex<BTreeMap<PathBuf, (Duration, String)>>,
}

impl Stuck {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<PathBuf, (Duration, String)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that `file` could not be recorded.
    pub(super) fn note(&self, file: &Path, now: Duration, why: String) {
        let mut waiting = self.lock();
        waiting.retain(|_, (at, _)| now.saturating_sub(*at) < STUCK_TIMEOUT);
        waiting.insert(file.to_owned(), (now, why));
    }

    /// What waits and why, as a sentence; `None` when nothing does.
    pub(super) fn trouble(&self, now: Duration) -> Option<String> {
        let mut waiting = self.lock();
        waiting.retain(|_, (at, _)| now.saturating_sub(*at) < STUCK_TIMEOUT);
        let (_, why) = waiting.values().next()?;
        let deliveries = match waiting.len() {
            1 => "1 delivery waits".to_owned(),
            count => format!("{count} deliveries wait"),
        };
        Some(format!("{deliveries} to be recorded: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_of_what_is_tried_in_vain() {
        let stuck = Stuck::default();
        let at = Duration::from_secs;
        assert_eq!(stuck.trouble(at(0)), None);
        stuck.note(
            Path::new("a/handoff.json"),
            at(1),
            "the disk is full".to_owned(),
        );
        stuck.note(
            Path::new("b/handoff.json"),
            at(4),
            "the disk is full".to_owned(),
        );
        let told = stuck.trouble(at(4)).unwrap();
        assert_eq!(told, "2 deliveries wait to be recorded: the disk is full");
        assert!(
            stuck
                .trouble(at(6))
                .unwrap()
                .starts_with("1 delivery waits")
        );
        assert_eq!(stuck.trouble(at(9)), None);
    }
}
