//! From a hint to an accepted or refused delivery.
//!
//! A hint has no authority: what counts is what is on the disk when we look. The moment of acceptance
//! is one commit of the ledger; everything before it can be done again, everything after it is
//! done from the ledger. See `docs/decisions/0002-intake.md`.

mod admit;
mod answer;
mod artifact;
mod checkpoint;
mod destination;
mod gather;
mod hop;
mod lane;
mod lone;
mod look;
mod mark;
mod moved;
mod partial;
mod queue;
mod quota;
mod receivers;
mod seen;
mod silence;
mod stuck;
mod submit;
#[cfg(test)]
mod tests;
mod trace;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use countersign_protocol::event::Location;

pub use admit::{Admitted, admit};
pub use answer::SubmittedAnswer;
pub(crate) use artifact::open_artifact;
pub use gather::Delivery;
pub(crate) use gather::{Problem, merge, place};
pub use submit::{SubmitError, Submitted};

use crate::{
    clock::SharedClock,
    fs::{Objects, Writers, give_way, writers},
    ledger::{Ledger, TransactError},
    provenance::Observer,
    store::StoreError,
    workspace::{Workspace, Workspaces},
};
use lane::{Lane, Turns};
use lone::Lone;
use look::Worker;
use queue::{News, Queue, Task, Work};
use seen::{Moment, Seen};
use stuck::Stuck;

/// How long a file may be busy before it is refused.
pub const SETTLE_MAX: Duration = Duration::from_secs(30);
/// What the name of a package starts with once it was taken from the inbox.
pub(crate) const DONE: &str = ".done-";
/// How long the daemon pauses with a document at which it failed itself.
const PAUSE: Duration = Duration::from_mins(1);

/// The stage. Clones share one queue.
#[derive(Clone, Debug)]
pub struct Intake {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    workspaces: Arc<Workspaces>,
    ledger: Ledger,
    objects: Arc<Objects>,
    clock: SharedClock,
    queue: Queue,
    seen: Mutex<Seen>,
    lone: Mutex<Lone>,
    turns: Turns,
    /// The address of the pages, for links in receipts.
    public_url: String,
    /// Who is asked who wrote the files, where somebody watches.
    observer: Option<Observer>,
    /// How the kernel is asked for writers.
    writers: fn(&std::fs::File) -> Writers,
    /// When the stage was made, on the monotonic clock.
    start: Duration,
    stuck: Stuck,
}

impl Intake {
    /// The stage, with what it remembers of documents it has taken in before.
    pub async fn new(
        workspaces: Arc<Workspaces>,
        ledger: Ledger,
        objects: Arc<Objects>,
        clock: SharedClock,
        public_url: String,
        observer: Option<Observer>,
    ) -> Result<Self, StoreError> {
        let seen = ledger
            .read(|store| store.values(crate::store::Space::Seen))
            .await?;
        let seen = Seen::new(&ledger.state(), seen);
        let inner = Inner {
            workspaces,
            ledger,
            objects,
            queue: Queue::new(Arc::clone(&clock)),
            start: clock.monotonic(),
            clock,
            seen: Mutex::new(seen),
            lone: Mutex::default(),
            turns: Turns::default(),
            public_url,
            observer,
            writers,
            stuck: Stuck::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The stage on a file system that does not say who writes.
    #[cfg(test)]
    pub(crate) fn without_leases(mut self) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.writers = |_| Writers::Unknown;
        }
        self
    }

    /// Something may have changed at `file`, a path relative to the workspace. `complete` says that
    /// it appeared by a rename, and so was whole when it came.
    pub fn hint(&self, workspace: &str, file: PathBuf, complete: bool) {
        self.inner.queue.add(
            Task {
                workspace: workspace.into(),
                file,
            },
            complete,
        );
    }

    /// A document was renamed into its place at `file`. The caller hears of all that the kernel tells; a small
    /// document that comes alone is looked at on its thread.
    pub fn arrived(&self, workspace: &str, file: PathBuf) {
        let task = Task {
            workspace: workspace.into(),
            file,
        };
        let inner = &self.inner;
        let begun = inner.clock.monotonic();
        let alone = inner.lone().comes(begun);
        let news = News {
            complete: true,
            heard: begun,
        };
        if !(alone && inner.queue.begin(&task, news)) {
            return inner.queue.add(task, true);
        }
        inner.look(task, news, Worker::Herald);
        inner.lone().over(begun, inner.clock.monotonic());
    }

    /// Looks again at the refused files of a workspace that is served from now on: the watcher hints at
    /// what is there, and one that was removed meanwhile is not. From now on its files are listened for.
    pub fn serve(&self, workspace: &str) {
        if let (Some(observer), Some(workspace)) =
            (&self.inner.observer, self.inner.workspace(workspace))
            && let Err(error) = observer.hear(workspace.dir())
        {
            let workspace = &workspace.name;
            tracing::warn!(%workspace, %error, "who writes its files is not heard; provenance is what agents claim");
        }
        let refused: Vec<Location> = {
            let state = self.inner.ledger.state();
            let here = state.dead_letters().map(|dead| &dead.location);
            here.filter(|at| at.workspace == workspace && !at.file.is_empty())
                .cloned()
                .collect()
        };
        for at in refused {
            self.hint(workspace, PathBuf::from(at.folder).join(at.file), false);
        }
    }

    /// Something else changed in `folder`: a sign of life, and perhaps what a refused handoff in it lacked.
    pub fn activity(&self, workspace: &str, folder: &str) {
        self.inner
            .seen()
            .sign_of_life(workspace, folder, self.inner.moment());
        let near: Vec<Location> = {
            let state = self.inner.ledger.state();
            let near = state.dead_letters().filter(|dead| {
                let at = &dead.location;
                let is_near = folder == at.folder || is_below(folder, &at.folder);
                at.workspace == workspace
                    && is_near
                    && look::may_heal(dead.kind)
                    && !at.file.is_empty()
            });
            near.map(|dead| dead.location.clone()).collect()
        };
        for at in near {
            self.inner.seen().forget(&at);
            self.hint(workspace, PathBuf::from(at.folder).join(at.file), false);
        }
    }

    /// Starts `threads` threads that work until [`Intake::stop`].
    pub fn start(&self, threads: usize) -> std::io::Result<()> {
        for number in 0..threads {
            let inner = Arc::clone(&self.inner);
            std::thread::Builder::new()
                .name(format!("intake-{number}"))
                .spawn(move || {
                    while let Some(work) = inner.queue.next() {
                        Inner::work(&inner, work);
                    }
                })?;
        }
        Ok(())
    }

    /// Works on what is due now, in the caller's thread; says whether there was anything. For tests.
    pub fn step(&self) -> bool {
        self.inner
            .queue
            .due()
            .map(|work| Inner::work(&self.inner, work))
            .is_some()
    }

    /// Waits until nothing is queued or under way. For tests and benches.
    pub fn drain(&self) {
        self.inner.queue.wait_until_idle();
    }

    /// How many documents wait or are under way.
    pub fn backlog(&self) -> usize {
        self.inner.queue.len()
    }

    /// What waits because it cannot be recorded, with the reason; `None` when nothing does.
    pub fn trouble(&self) -> Option<String> {
        self.inner.stuck.trouble(self.inner.clock.monotonic())
    }

    /// Lets the threads end after what they are at.
    pub fn stop(&self) {
        self.inner.queue.close();
    }
}

impl Inner {
    fn work(self: &Arc<Self>, work: Work) {
        match work {
            Work::Look(task, news) => self.look(task, news, Worker::Of(Lane::Small)),
            Work::Chore(chore) => {
                if catch_unwind(AssertUnwindSafe(chore)).is_err() {
                    tracing::error!("a defect of the program stopped what follows a delivery");
                }
            }
        }
    }

    /// Looks at a document. A defect met by one must not end the thread that all others need.
    fn look(self: &Arc<Self>, task: Task, news: News, worker: Worker) {
        let run = AssertUnwindSafe(|| self.run(task.clone(), news, worker));
        if catch_unwind(run).is_err() {
            let file = task.file.display().to_string();
            tracing::error!(file, "a defect of the program stopped a look at a document");
            self.queue.finish(task, Some(PAUSE));
        }
    }

    /// Puts a task into a lane for large files, and starts the thread of that lane when it has none.
    fn put_into(self: &Arc<Self>, lane: Lane, task: Task, news: News) {
        let workspace = Arc::clone(&task.workspace);
        if !self.queue.put_into(lane, task, news) {
            return;
        }
        let inner = Arc::clone(self);
        let of = Arc::clone(&workspace);
        let thread = std::thread::Builder::new().name("intake-large".to_owned());
        let started = thread.spawn(move || {
            give_way();
            while let Some((task, news)) = inner.queue.next_in(&of, lane) {
                inner.look(task, news, Worker::Of(lane));
            }
        });
        if let Err(error) = started {
            tracing::error!(%error, "no thread for large files could be started; they wait");
            while let Some((task, _)) = self.queue.next_in(&workspace, lane) {
                self.queue.finish(task, Some(PAUSE));
            }
        }
    }

    /// The present moment on both clocks.
    fn moment(&self) -> Moment {
        Moment {
            wall: self.clock.now(),
            monotonic: self.clock.monotonic(),
        }
    }

    /// `what` could not be recorded, so `task` is due again soon.
    fn wait_with<E: std::fmt::Display>(&self, task: Task, what: &str, error: &TransactError<E>) {
        tracing::error!(%error, "{what} could not be recorded and waits");
        self.stuck
            .note(&task.file, self.clock.monotonic(), error.to_string());
        self.queue.finish(task, Some(Duration::from_secs(1)));
    }

    fn lone(&self) -> std::sync::MutexGuard<'_, Lone> {
        self.lone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn workspace(&self, name: &str) -> Option<Arc<Workspace>> {
        self.workspaces.get(name)
    }
}

/// Whether `folder` lies below `root`, both relative to the workspace.
fn is_below(folder: &str, root: &str) -> bool {
    root.is_empty()
        || folder
            .strip_prefix(root)
            .is_some_and(|rest| rest.starts_with('/'))
}
