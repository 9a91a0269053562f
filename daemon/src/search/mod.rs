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
mod file;
mod find;
mod fold;
mod indexer;
mod known;
mod levels;
mod live;
mod merging;
mod past;
mod pending;
mod reading;
mod schema;
mod secrets;
mod standing;
mod stated;
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
mod words;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    thread::JoinHandle,
    time::Duration,
};

pub use find::{
    Answer, Ask, Condition, Document, Line, Match, Name, Order, Pattern, Reader, Spread,
};
pub use indexer::Settings;
pub use levels::Level;
pub use live::IndexError;
pub(crate) use schema::{key_of_file, kind};
pub use standing::{Standing, Version};
pub use stated::Statement;
pub use status::{State, Status};

use crate::{
    clock::SharedClock,
    extract::Extractor,
    fs::{self, Dir, Objects},
    ledger::{Ledger, Revision},
    workspace::Workspaces,
};
use indexer::{Indexer, Shared};
use past::Past;
use pending::Pending;
use status::{Counts, Held};

/// A file that is being written is looked at this long after a write, unless its writer closes it.
const WHILE_WRITTEN: Duration = Duration::from_secs(2);

/// A handle of the index; clones share it.
#[derive(Clone, Debug)]
pub struct Search {
    shared: Arc<Shared>,
    thread: Arc<Thread>,
    past: Arc<Past>,
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
        // Nobody waits for the reader of documents: its child ends with this process.
        self.shared.reading.stop();
        // The second one looks at files of the index, which whoever comes next may change.
        for thread in [&self.handle, &self.shared.checking] {
            let thread = thread.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(thread) = thread
                && thread.join().is_err()
            {
                tracing::error!("a thread of the search index had ended by a panic");
            }
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
        extractor: Arc<Extractor>,
        clock: SharedClock,
        settings: Settings,
    ) -> Result<Self, fs::Error> {
        let folder = state.make_folder(Path::new(live::FOLDER), 0o700)?;
        let past = Past::new(
            state,
            ledger.clone(),
            Arc::clone(&objects),
            Arc::clone(&extractor),
            Arc::clone(&clock),
        )?;
        let shared = Arc::new(Shared {
            pending: Pending::new(Arc::clone(&clock)),
            reading: reading::Reading::default(),
            live: std::sync::RwLock::default(),
            progress: Mutex::new(status::Progress::opening()),
            reads: std::sync::atomic::AtomicUsize::default(),
            checking: Mutex::default(),
        });
        let path = folder.path().to_owned();
        let started = |source| fs::Error::new("start a thread for", path, source);
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
            .map_err(started.clone())?;
        let read = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("index texts".to_owned())
            .spawn(move || reading::run(&read, &extractor))
            .map_err(started)?;
        let thread = Thread {
            shared: Arc::clone(&shared),
            handle: Mutex::new(Some(thread)),
        };
        Ok(Self {
            shared,
            thread: Arc::new(thread),
            past: Arc::new(past),
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

    /// A full scan of the workspace has come to this folder, those around it before; empty is its beginning, and
    /// [`Search::walk`] its end. What changes in the folder from now on is hinted at.
    pub fn listed(&self, workspace: Arc<str>, folder: PathBuf) {
        self.shared.pending.listed(workspace, folder);
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
        if let Err(error) = self.past.clear() {
            tracing::error!(%error, "the index of versions is not made anew");
        }
        // At once, so that whoever asks next hears of it.
        self.shared.progress(|progress| progress.rebuild(&why));
        self.shared.pending.rebuild(why);
    }

    /// How far the index is.
    pub fn status(&self) -> Status {
        let held = self.live().map(|live| live.held());
        self.told(held.unwrap_or_default())
    }

    /// The same without its size and what text it misses, for which disk and index would be looked at.
    pub fn progress(&self) -> Status {
        self.told(Held::default())
    }

    fn told(&self, held: Held) -> Status {
        let counts = Counts {
            held,
            waiting: self.shared.pending.len() as u64,
            reading: self.shared.reading.unfound() as u64,
        };
        let progress = self
            .shared
            .progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        progress.status(counts)
    }

    /// What stood of the newest revision of each card at some moment, with its workspace, oldest first. `forgotten` is
    /// how many revisions have lost their content so far.
    pub fn standing(
        &self,
        newest: Vec<(Arc<str>, Arc<Revision>)>,
        forgotten: usize,
    ) -> Arc<Standing> {
        self.past.standing(newest, forgotten)
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
