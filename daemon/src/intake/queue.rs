//! What is to be looked at, each document once however many hints there were.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::lane::{Lane, LaneOf};
use crate::clock::SharedClock;

/// A document to look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Task {
    pub(super) workspace: Arc<str>,
    /// Relative to the workspace.
    pub(super) file: PathBuf,
}

/// Something to do for a document that is done, away from the ledger's thread.
pub(super) type Chore = Box<dyn FnOnce() + Send>;

/// What is known of the news about a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// Whether it appeared by a rename.
    pub(super) complete: bool,
    /// When we heard of it, on the monotonic clock.
    pub(super) heard: Duration,
}

/// What a worker takes.
pub(super) enum Work {
    Look(Task, News),
    Chore(Chore),
}

/// Looks that may be under way at once, their commits included: so a slow disk holds the intake up, and
/// not the memory.
const MOST_AT_ONCE: usize = 256;

/// How a task is queued.
#[derive(Clone, Copy, Default)]
struct Queued {
    /// The newest hint.
    news: News,
    /// The time it waits for, when it is not ready.
    until: Option<Duration>,
}

/// The tasks of a lane for large files, with the hints that led to them.
type LargeTasks = VecDeque<(Task, News)>;

#[derive(Default)]
struct Lists {
    chores: VecDeque<Chore>,
    ready: VecDeque<Task>,
    /// Ready or waiting for a time.
    queued: HashMap<Task, Queued>,
    later: BTreeSet<(Duration, Task)>,
    /// With the hint that led to it.
    running: HashMap<Task, News>,
    /// Hinted again while running.
    again: HashMap<Task, News>,
    /// Tasks of the lanes for large files, by workspace, for each lane that has a thread. They are among those that
    /// run, and take no room of other looks.
    large: HashMap<LaneOf, LargeTasks>,
    in_large: HashSet<Task>,
    closed: bool,
}

impl Lists {
    fn is_idle(&self) -> bool {
        self.queued.is_empty() && self.running.is_empty()
    }
}

pub(super) struct Queue {
    lists: Mutex<Lists>,
    /// There may be something to do.
    changed: Condvar,
    /// Nothing is left to do.
    idle: Condvar,
    clock: SharedClock,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl Queue {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self {
            lists: Mutex::default(),
            changed: Condvar::new(),
            idle: Condvar::new(),
            clock,
        }
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a task to the end, unless it is there; one that waits for a time comes forward.
    pub(super) fn add(&self, task: Task, complete: bool) {
        let heard = self.clock.monotonic();
        let news = News { complete, heard };
        let mut lists = self.lists();
        if lists.running.contains_key(&task) {
            lists.again.insert(task, news);
            return;
        }
        let now = Queued { news, until: None };
        let waiting = match lists.queued.insert(task.clone(), now) {
            None => true,
            Some(Queued {
                until: Some(until), ..
            }) => lists.later.remove(&(until, task.clone())),
            Some(_) => false,
        };
        if waiting {
            lists.ready.push_back(task);
            self.changed.notify_one();
        }
    }

    /// Lets the caller do `task` at once, unless there is anything else to do; says whether it does.
    pub(super) fn begin(&self, task: &Task, news: News) -> bool {
        let mut lists = self.lists();
        let free = lists.is_idle() && lists.chores.is_empty() && !lists.closed;
        free && lists.running.insert(task.clone(), news).is_none()
    }

    /// The next task that is due, waited for; `None` once closed.
    pub(super) fn next(&self) -> Option<Work> {
        let mut lists = self.lists();
        loop {
            if lists.closed {
                return None;
            }
            if let Some(work) = self.take(&mut lists) {
                // Somebody else waits for the time of what is due later.
                if !lists.later.is_empty() {
                    self.changed.notify_one();
                }
                return Some(work);
            }
            let wait = lists
                .later
                .first()
                .map(|(at, _)| at.saturating_sub(self.clock.monotonic()));
            lists = match wait {
                Some(wait) => {
                    self.changed
                        .wait_timeout(lists, wait)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
                None => self
                    .changed
                    .wait(lists)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// The next task that is due now.
    pub(super) fn due(&self) -> Option<Work> {
        self.take(&mut self.lists())
    }

    /// Puts a chore before all looks.
    pub(super) fn chore(&self, chore: Chore) {
        self.lists().chores.push_back(chore);
        self.changed.notify_one();
    }

    fn take(&self, lists: &mut Lists) -> Option<Work> {
        if let Some(chore) = lists.chores.pop_front() {
            return Some(Work::Chore(chore));
        }
        let now = self.clock.monotonic();
        while let Some((at, _)) = lists.later.first() {
            if *at > now {
                break;
            }
            if let Some((_, task)) = lists.later.pop_first() {
                if let Some(queued) = lists.queued.get_mut(&task) {
                    queued.until = None;
                }
                lists.ready.push_back(task);
            }
        }
        if lists.running.len() - lists.in_large.len() >= MOST_AT_ONCE {
            return None;
        }
        let task = lists.ready.pop_front()?;
        let news = lists.queued.remove(&task).unwrap_or_default().news;
        lists.running.insert(task.clone(), news);
        Some(Work::Look(task, news))
    }

    /// Puts a running task into a lane of its workspace. Says whether that lane needs a thread, which takes its tasks by
    /// [`Queue::next_in`].
    pub(super) fn put_into(&self, lane: Lane, task: Task, news: News) -> bool {
        let mut lists = self.lists();
        lists.in_large.insert(task.clone());
        let key = (Arc::clone(&task.workspace), lane);
        let needs_thread = !lists.large.contains_key(&key);
        lists.large.entry(key).or_default().push_back((task, news));
        // There is room for one more look.
        self.changed.notify_one();
        needs_thread
    }

    /// Returns the next task of a lane; `None` when there is none, and the thread of the lane ends.
    pub(super) fn next_in(&self, workspace: &Arc<str>, lane: Lane) -> Option<(Task, News)> {
        let mut lists = self.lists();
        let key = (Arc::clone(workspace), lane);
        let next = lists.large.get_mut(&key).and_then(VecDeque::pop_front);
        let next = next.filter(|_| !lists.closed);
        if next.is_none() {
            lists.large.remove(&key);
        }
        next
    }

    /// A task is done; with `retry` it is due again after that time.
    pub(super) fn finish(&self, task: Task, retry: Option<Duration>) {
        let mut lists = self.lists();
        let before = lists.running.remove(&task).unwrap_or_default();
        lists.in_large.remove(&task);
        if let Some(news) = lists.again.remove(&task) {
            let queued = Queued { news, until: None };
            lists.queued.insert(task.clone(), queued);
            lists.ready.push_back(task);
        } else if let Some(retry) = retry {
            let until = self.clock.monotonic() + retry;
            let news = News {
                complete: false,
                ..before
            };
            let queued = Queued {
                news,
                until: Some(until),
            };
            lists.queued.insert(task.clone(), queued);
            lists.later.insert((until, task));
            self.changed.notify_one();
        }
        // There is room for one more look.
        if !lists.ready.is_empty() {
            self.changed.notify_one();
        }
        if lists.is_idle() {
            self.idle.notify_all();
        }
    }

    pub(super) fn len(&self) -> usize {
        let lists = self.lists();
        lists.queued.len() + lists.running.len()
    }

    pub(super) fn wait_until_idle(&self) {
        let mut lists = self.lists();
        while !(lists.closed || lists.is_idle()) {
            lists = self
                .idle
                .wait(lists)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn close(&self) {
        self.lists().closed = true;
        self.changed.notify_all();
        self.idle.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::clock::TestClock;

    fn task(name: &str) -> Task {
        Task {
            workspace: "w".into(),
            file: name.into(),
        }
    }

    fn due(queue: &Queue) -> Option<(Task, bool)> {
        match queue.due()? {
            Work::Look(task, news) => Some((task, news.complete)),
            Work::Chore(_) => panic!("no chore was given"),
        }
    }

    #[test]
    fn many_hints_are_one_look_and_one_more_when_they_come_during_it() {
        let queue = Queue::new(TestClock::at(Timestamp::UNIX_EPOCH));
        queue.add(task("a"), false);
        queue.add(task("a"), true);
        assert_eq!(due(&queue), Some((task("a"), true)));
        queue.add(task("a"), false);
        assert_eq!(due(&queue), None);
        queue.finish(task("a"), None);
        assert_eq!(due(&queue), Some((task("a"), false)));
        queue.finish(task("a"), None);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn lanes_take_no_room_of_others() {
        let queue = Queue::new(TestClock::at(Timestamp::UNIX_EPOCH));
        for number in 0..=MOST_AT_ONCE {
            let task = task(&number.to_string());
            queue.add(task.clone(), false);
            assert!(due(&queue).is_some(), "{number}");
            let needs_thread = queue.put_into(Lane::Huge, task, News::default());
            assert_eq!(needs_thread, number == 0);
        }
        assert!(queue.put_into(Lane::Large, task("0"), News::default()));
        let workspace = Arc::from("w");
        let mut taken = 0;
        while let Some((task, _)) = queue.next_in(&workspace, Lane::Huge) {
            queue.finish(task, None);
            taken += 1;
        }
        assert_eq!(taken, MOST_AT_ONCE + 1);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn a_retry_waits_for_its_time_or_for_the_next_hint() {
        let clock = TestClock::at(Timestamp::UNIX_EPOCH);
        let queue = Queue::new(clock.clone());
        queue.add(task("a"), false);
        queue.add(task("b"), false);
        for name in ["a", "b"] {
            assert_eq!(due(&queue), Some((task(name), false)));
            queue.finish(task(name), Some(Duration::from_secs(1)));
        }
        assert_eq!(due(&queue), None);
        queue.add(task("b"), true);
        assert_eq!(due(&queue), Some((task("b"), true)));
        clock.advance(Duration::from_secs(1));
        assert_eq!(due(&queue), Some((task("a"), false)));
        assert_eq!(due(&queue), None);
    }
}
