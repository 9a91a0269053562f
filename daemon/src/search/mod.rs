//! Search: an index of all files of the workspaces and of what the ledger knows, kept by one thread.
//!
//! The index is derived: it can be thrown away at any time and is made anew by itself. A file is found
//! within a second of its change by hints of the watcher; walks find what hints missed. Which files the
//! index has, and how they looked, is a column of the index itself, so it cannot be ahead of or behind
//! its documents. Words are found by the index alone. For phrases and patterns the index narrows, and a
//! scan of the files confirms, so their answers are exact.

mod below;
mod cards;
mod entry;
mod find;
mod fold;
mod indexer;
mod known;
mod levels;
mod live;
mod pending;
mod plain;
mod schema;
mod status;
#[expect(
    clippy::disallowed_methods,
    reason = "the tests play the agents, who do not use our door"
)]
#[cfg(test)]
mod tests;
mod text;
mod tokens;
mod types;
mod vocabulary;
mod walk;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    thread::JoinHandle,
    time::Duration,
};

pub use find::{Answer, Ask, Condition, Document, Line, Match, Name, Order, Pattern, Spread};
pub use indexer::Settings;
pub use levels::Level;
pub use live::IndexError;
pub(crate) use schema::{key_of_file, kind};
pub use status::{State, Status};

use crate::{
    clock::SharedClock,
    fs::{self, Dir, Objects},
    ledger::Ledger,
    workspace::Workspaces,
};
use indexer::{Indexer, Shared};
use pending::Pending;

/// A file that is being written is looked at this long after a write, unless its writer closes it.
const WHILE_WRITTEN: Duration = Duration::from_secs(2);

/// A handle of the index; clones share it.
#[derive(Clone, Debug)]
pub struct Search {
    shared: Arc<Shared>,
    thread: Arc<Thread>,
    workspaces: Arc<Workspaces>,
    clock: SharedClock,
}

/// Ends the thread with the last handle, so that the next one can have the index.
#[derive(Debug)]
struct Thread {
    shared: Arc<Shared>,
    handle: Mutex<Option<JoinHandle<()>>>,
}

impl Thread {
    fn end(&self) {
        self.shared.pending.stop();
        let thread = self
            .handle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the thread of the search index had ended by a panic");
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.end();
    }
}

impl Search {
    /// Opens or makes the index in the state folder `state`, and starts the thread that keeps it.
    ///
    /// Fails only when the folder cannot be made or no thread can be started; an index that cannot be used
    /// is made anew.
    pub fn start(
        state: &Dir,
        workspaces: Arc<Workspaces>,
        ledger: Ledger,
        objects: Arc<Objects>,
        clock: SharedClock,
        settings: Settings,
    ) -> Result<Self, fs::Error> {
        let folder = state.make_folder(Path::new(live::FOLDER), 0o700)?;
        let shared = Arc::new(Shared {
            pending: Pending::new(Arc::clone(&clock)),
            live: std::sync::RwLock::default(),
            progress: Mutex::default(),
            reads: std::sync::atomic::AtomicUsize::default(),
        });
        let path = folder.path().to_owned();
        let indexer = Indexer {
            folder,
            workspaces: Arc::clone(&workspaces),
            ledger,
            objects,
            clock: Arc::clone(&clock),
            settings,
            shared: Arc::clone(&shared),
        };
        let thread = std::thread::Builder::new()
            .name("index".to_owned())
            .spawn(move || indexer.run())
            .map_err(|source| fs::Error::new("start a thread for", path, source))?;
        let thread = Thread {
            shared: Arc::clone(&shared),
            handle: Mutex::new(Some(thread)),
        };
        Ok(Self {
            shared,
            thread: Arc::new(thread),
            workspaces,
            clock,
        })
    }

    /// Something at `path`, relative to the workspace, changed; `is_over` once its writer closed it.
    pub fn changed(&self, workspace: Arc<str>, path: PathBuf, is_over: bool) {
        let pause = if is_over {
            Duration::ZERO
        } else {
            WHILE_WRITTEN
        };
        self.shared.pending.changed(workspace, path, pause);
    }

    /// Anything in the workspace may have changed.
    pub fn walk(&self, workspace: Arc<str>) {
        self.shared.pending.walk(workspace);
    }

    /// The ledger has news.
    pub fn ledger_moved(&self) {
        self.shared.pending.ledger_moved();
    }

    /// Throws the index away and makes it anew.
    pub fn rebuild(&self, why: String) {
        self.shared.pending.rebuild(why);
    }

    /// How far the index is.
    pub fn status(&self) -> Status {
        let live = self.live();
        let bytes = live.map_or(0, |live| live.bytes());
        let progress = self
            .shared
            .progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        progress.status(bytes, self.shared.pending.len())
    }

    /// How many files were read since the start.
    pub fn reads(&self) -> usize {
        self.shared.reads.load(Ordering::Relaxed)
    }

    fn live(&self) -> Option<Arc<live::Live>> {
        let live = self
            .shared
            .live
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        live.clone()
    }

    /// Commits what there is and ends the thread.
    pub fn stop(&self) {
        self.thread.end();
    }

    /// Waits until nothing is left to do.
    #[cfg(test)]
    pub(crate) fn settle(&self) {
        let (done, wait) = std::sync::mpsc::sync_channel(1);
        self.shared.pending.wait_on(vec![done]);
        let _ = wait.recv();
    }
}
