//! What is to be looked at, each document once however many hints there were.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

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

/// What a worker takes.
pub(super) enum Work {
    Look(Task, bool),
    Chore(Chore),
}

/// Looks that may be under way at once, their commits included: so a slow disk holds the intake up, and
/// not the memory.
const MOST_AT_ONCE: usize = 256;

/// How a task is queued.
#[derive(Clone, Copy, Default)]
struct Queued {
    /// Whether the newest hint came from a rename.
    complete: bool,
    /// The time it waits for, when it is not ready.
    until: Option<Duration>,
}

#[derive(Default)]
struct Lists {
    chores: VecDeque<Chore>,
    ready: VecDeque<Task>,
    /// Ready or waiting for a time.
    queued: HashMap<Task, Queued>,
    later: BTreeSet<(Duration, Task)>,
    running: HashSet<Task>,
    /// Hinted again while running.
    again: HashMap<Task, bool>,
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
        let mut lists = self.lists();
        if lists.running.contains(&task) {
            lists.again.insert(task, complete);
            return;
        }
        let now = Queued {
            complete,
            until: None,
        };
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
    pub(super) fn begin(&self, task: &Task) -> bool {
        let mut lists = self.lists();
        let free = lists.is_idle() && lists.chores.is_empty() && !lists.closed;
        free && lists.running.insert(task.clone())
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
        if lists.running.len() >= MOST_AT_ONCE {
            return None;
        }
        let task = lists.ready.pop_front()?;
        let complete = lists.queued.remove(&task).unwrap_or_default().complete;
        lists.running.insert(task.clone());
        Some(Work::Look(task, complete))
    }

    /// A task is done; with `retry` it is due again after that time.
    pub(super) fn finish(&self, task: Task, retry: Option<Duration>) {
        let mut lists = self.lists();
        lists.running.remove(&task);
        if let Some(complete) = lists.again.remove(&task) {
            let queued = Queued {
                complete,
                until: None,
            };
            lists.queued.insert(task.clone(), queued);
            lists.ready.push_back(task);
        } else if let Some(retry) = retry {
            let until = self.clock.monotonic() + retry;
            let queued = Queued {
                complete: false,
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
            Work::Look(task, complete) => Some((task, complete)),
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
