//! What the indexer has still to look at.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc::SyncSender},
    time::Duration,
};

use crate::clock::SharedClock;

/// More changed paths than this are forgotten in favour of a walk, which needs no memory for them.
const MOST: usize = 65_536;

/// After the first news so long is waited for more: whoever made it has more to do at that moment than to be
/// indexed, and many changes are looked at together.
const GATHER: Duration = Duration::from_millis(20);

/// A path below a workspace.
pub(super) type Place = (Arc<str>, PathBuf);

#[derive(Debug, Default)]
struct Inner {
    /// Changed paths, and the moment from which on they may be looked at.
    changed: HashMap<Place, Duration>,
    /// Folders that a scan has come to, in its order.
    listed: VecDeque<Place>,
    /// Workspaces to walk.
    walks: BTreeSet<Arc<str>>,
    is_ledger_moved: bool,
    has_text_come: bool,
    /// Why the index is to be made anew.
    rebuild: Option<String>,
    is_stopped: bool,
    waiting: Vec<SyncSender<()>>,
    /// Whether whoever does the work waits for the first news.
    is_idle: bool,
}

impl Inner {
    /// Whether there is something for which nobody gathers more.
    fn is_urgent(&self) -> bool {
        self.is_stopped || self.rebuild.is_some() || !self.waiting.is_empty()
    }
}

/// Work that waits, shared by those who hint at it and the one who does it.
#[derive(Debug)]
pub(super) struct Pending {
    inner: Mutex<Inner>,
    news: Condvar,
    clock: SharedClock,
}

/// What is to be done now.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) changed: Vec<Place>,
    /// Folders that a scan has come to, in its order.
    pub(super) listed: VecDeque<Place>,
    /// Walks to begin, or to end where folders were listed; behind all of `listed`.
    pub(super) walks: Vec<Arc<str>>,
    pub(super) is_ledger_moved: bool,
    pub(super) rebuild: Option<String>,
    pub(super) is_stopped: bool,
    /// Told once nothing is left to do.
    pub(super) waiting: Vec<SyncSender<()>>,
}

impl Pending {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self {
            inner: Mutex::default(),
            news: Condvar::new(),
            clock,
        }
    }

    fn held(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.held());
        self.news.notify_all();
    }

    /// Something is to be looked at, `pause` from now.
    pub(super) fn changed(&self, workspace: Arc<str>, path: PathBuf, pause: Duration) {
        let due = self.clock.monotonic() + pause;
        let mut inner = self.held();
        if inner.changed.len() >= MOST {
            inner.changed.retain(|(known, _), _| *known != workspace);
            inner.walks.insert(workspace);
        } else {
            let known = inner.changed.entry((workspace, path)).or_insert(due);
            *known = due.min(*known);
        }
        // Who gathers looks again without being told.
        let is_idle = inner.is_idle;
        drop(inner);
        if is_idle {
            self.news.notify_all();
        }
    }

    /// A scan has come to a folder. One too many is forgotten: the walk at the end of the scan comes to it.
    pub(super) fn listed(&self, workspace: Arc<str>, folder: PathBuf) {
        let mut inner = self.held();
        if inner.listed.len() < MOST {
            inner.listed.push_back((workspace, folder));
        }
        let is_idle = inner.is_idle;
        drop(inner);
        if is_idle {
            self.news.notify_all();
        }
    }

    /// Changes of a workspace may have been missed.
    pub(super) fn walk(&self, workspace: Arc<str>) {
        self.tell(|inner| {
            inner.walks.insert(workspace);
        });
    }

    /// The ledger has news.
    pub(super) fn ledger_moved(&self) {
        let mut inner = self.held();
        inner.is_ledger_moved = true;
        let is_idle = inner.is_idle;
        drop(inner);
        if is_idle {
            self.news.notify_all();
        }
    }

    /// The text of a file was read.
    pub(super) fn tell_of_text(&self) {
        self.tell(|inner| inner.has_text_come = true);
    }

    /// The index is to be made anew.
    pub(super) fn rebuild(&self, why: String) {
        self.tell(|inner| inner.rebuild = Some(why));
    }

    pub(super) fn stop(&self) {
        self.tell(|inner| inner.is_stopped = true);
    }

    /// Tells those who wait once nothing is left to do.
    pub(super) fn wait_on(&self, waiting: Vec<SyncSender<()>>) {
        self.tell(|inner| inner.waiting.extend(waiting));
    }

    /// How many paths wait.
    pub(super) fn len(&self) -> usize {
        let inner = self.held();
        inner.changed.len() + inner.listed.len()
    }

    /// Waits until a workspace is to be walked or somebody waits, and at most for `limit`.
    pub(super) fn wait_for_walk(&self, limit: Duration) {
        let inner = self.held();
        let nothing = |inner: &mut Inner| inner.walks.is_empty() && !inner.is_urgent();
        let waited = self.news.wait_timeout_while(inner, limit, nothing);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Takes what is due, at most `limit` changed paths. Waits for it at most until `until`; for as long as
    /// it takes when that is `None`.
    pub(super) fn take(&self, limit: usize, until: Option<Duration>) -> Work {
        let mut inner = self.held();
        let mut was_idle = false;
        loop {
            inner.is_idle = false;
            if std::mem::take(&mut was_idle) {
                inner = self.gather(inner);
            }
            let now = self.clock.monotonic();
            let mut due: Vec<(Duration, &Place)> = inner
                .changed
                .iter()
                .filter(|(_, due)| **due <= now)
                .map(|(place, due)| (*due, place))
                .collect();
            // Who waits longest comes first, or one might wait for ever while others keep changing.
            if due.len() > limit {
                due.select_nth_unstable(limit);
                due.truncate(limit);
            }
            let due: Vec<Place> = due.into_iter().map(|(_, place)| place.clone()).collect();
            for place in &due {
                inner.changed.remove(place);
            }
            let is_news = std::mem::take(&mut inner.has_text_come)
                || !inner.listed.is_empty()
                || inner.is_ledger_moved
                || inner.is_stopped
                || inner.rebuild.is_some()
                || !inner.walks.is_empty()
                || !inner.waiting.is_empty();
            if is_news || !due.is_empty() || until.is_some_and(|until| until <= now) {
                return Work {
                    changed: due,
                    listed: std::mem::take(&mut inner.listed),
                    walks: std::mem::take(&mut inner.walks).into_iter().collect(),
                    is_ledger_moved: std::mem::take(&mut inner.is_ledger_moved),
                    rebuild: inner.rebuild.take(),
                    is_stopped: inner.is_stopped,
                    waiting: std::mem::take(&mut inner.waiting),
                };
            }
            let next = inner.changed.values().min().copied();
            let next = match (next, until) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            inner.is_idle = true;
            was_idle = true;
            inner = match next {
                Some(next) => {
                    let pause = next.saturating_sub(now);
                    let waited = self.news.wait_timeout(inner, pause);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self
                    .news
                    .wait(inner)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Waits for what comes soon after the first news.
    fn gather<'a>(&'a self, inner: MutexGuard<'a, Inner>) -> MutexGuard<'a, Inner> {
        let calm = |inner: &mut Inner| !inner.is_urgent();
        let waited = self.news.wait_timeout_while(inner, GATHER, calm);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;

    #[test]
    fn a_path_that_changes_often_is_looked_at_once_and_not_before_its_time() {
        let clock = TestClock::at(jiff::Timestamp::UNIX_EPOCH);
        let pending = Pending::new(clock.clone());
        let ws: Arc<str> = "a".into();
        let second = Duration::from_secs(1);
        pending.changed(Arc::clone(&ws), "x".into(), second);
        pending.changed(Arc::clone(&ws), "x".into(), second * 2);
        pending.changed(Arc::clone(&ws), "y".into(), Duration::ZERO);
        let first = pending.take(10, None);
        assert_eq!(first.changed, [(Arc::clone(&ws), "y".into())]);
        assert!(pending.take(10, Some(Duration::ZERO)).changed.is_empty());
        clock.advance(second);
        let then = pending.take(10, None);
        assert_eq!(then.changed, [(ws, "x".into())]);
        assert_eq!(pending.len(), 0);
    }

    #[test]
    fn who_waits_longest_comes_first() {
        let clock = TestClock::at(jiff::Timestamp::UNIX_EPOCH);
        let pending = Pending::new(clock.clone());
        let ws: Arc<str> = "a".into();
        for number in 0..200 {
            let path = format!("{number:03}").into();
            pending.changed(Arc::clone(&ws), path, Duration::ZERO);
            clock.advance(Duration::from_millis(1));
        }
        for lot in 0..4 {
            let mut taken = pending.take(50, None).changed;
            taken.sort();
            let (first, last) = (&taken[0].1, &taken[49].1);
            let expected = [lot * 50, lot * 50 + 49].map(|number| format!("{number:03}"));
            assert_eq!(
                [first, last],
                [&PathBuf::from(&expected[0]), &expected[1].clone().into()]
            );
        }
    }

    #[test]
    fn too_many_paths_become_a_walk() {
        let pending = Pending::new(TestClock::at(jiff::Timestamp::UNIX_EPOCH));
        let ws: Arc<str> = "a".into();
        for number in 0..=MOST {
            pending.changed(Arc::clone(&ws), number.to_string().into(), Duration::ZERO);
        }
        let work = pending.take(10, None);
        assert_eq!((work.changed.len(), work.walks), (0, vec![ws]));
    }
}
