//! From a hint to an accepted or refused delivery.
//!
//! A hint has no authority: what counts is what is on the disk when we look. The moment of acceptance
//! is one commit of the ledger; everything before it can be done again, everything after it is
//! done from the ledger. See `docs/decisions/0002-intake.md`.

mod admit;
mod checkpoint;
mod gather;
mod look;
mod queue;
mod seen;
mod silence;
mod submit;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use countersign_protocol::event::Location;

pub use admit::{Admitted, admit};
pub use gather::Delivery;
pub use silence::{ProcessTable, Processes};
pub use submit::{SubmitError, Submitted};

use crate::{
    clock::SharedClock,
    fs::Objects,
    ledger::Ledger,
    store::StoreError,
    workspace::{Workspace, Workspaces},
};
use queue::{Queue, Task, Work};
use seen::Seen;

/// How long a file may be busy before it is refused.
pub const SETTLE_MAX: Duration = Duration::from_secs(30);

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
    /// The address of the pages, for links in receipts.
    public_url: String,
}

impl Intake {
    /// The stage, with what it remembers of documents it has taken in before.
    pub async fn new(
        workspaces: Arc<Workspaces>,
        ledger: Ledger,
        objects: Arc<Objects>,
        clock: SharedClock,
        public_url: String,
    ) -> Result<Self, StoreError> {
        let seen = ledger
            .read(|store| store.values(crate::store::Space::Seen))
            .await?;
        let inner = Inner {
            workspaces,
            ledger,
            objects,
            queue: Queue::new(Arc::clone(&clock)),
            clock,
            seen: Mutex::new(Seen::from_values(seen)),
            public_url,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
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

    /// Something else changed in `folder`: a sign of life, and perhaps what a refused handoff in it lacked.
    pub fn activity(&self, workspace: &str, folder: &str) {
        self.inner
            .seen()
            .sign_of_life(workspace, folder, self.inner.clock.now());
        for dead in self.inner.ledger.state().dead_letters() {
            let Location {
                workspace: dead_in,
                folder: dead_folder,
                file,
            } = &dead.location;
            let near =
                dead_in == workspace && (folder == dead_folder || is_below(folder, dead_folder));
            if near && look::may_heal(dead.kind) && !file.is_empty() {
                self.inner.seen().forget(&dead.location);
                self.hint(workspace, PathBuf::from(dead_folder).join(file), false);
            }
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

    /// Lets the threads end after what they are at.
    pub fn stop(&self) {
        self.inner.queue.close();
    }
}

impl Inner {
    fn work(self: &Arc<Self>, work: Work) {
        match work {
            Work::Look(task, complete) => self.run(task, complete),
            Work::Chore(chore) => chore(),
        }
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
