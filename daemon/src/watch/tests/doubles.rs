//! Watchers that fail, in the place of the kernel's.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use notify::{Config, Error, ErrorKind, EventHandler, RecursiveMode, Watcher, WatcherKind};

use super::super::sensor::{self, Opener, Sink};

/// How the watchers of one bed fail; the test turns the knobs.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// They take watches and report nothing.
    pub(super) is_deaf: AtomicBool,
    /// They cannot be made.
    pub(super) is_refused: AtomicBool,
    /// How many watches more they refuse.
    pub(super) refused_watches: AtomicUsize,
    /// How many watches they take at the most; as many as are wanted without it.
    pub(super) most_watches: Mutex<Option<usize>>,
    /// The folder that goes as soon as it is watched, once.
    pub(super) gone_once_watched: Mutex<Option<PathBuf>>,
    /// How many were made.
    pub(super) opened: AtomicUsize,
    /// What they were asked to watch, in order.
    pub(super) watched: Mutex<Vec<PathBuf>>,
    /// Where the last one reports to.
    sink: Mutex<Option<Sink>>,
}

impl Faults {
    /// Reports as if the kernel had.
    pub(super) fn say(&self, heard: notify::Result<notify::Event>) {
        let sink = self.sink.lock().expect("a sink").clone();
        sink.expect("an open watcher").handle_event(heard);
    }

    pub(super) fn opener(self: &Arc<Self>) -> Opener {
        let faults = Arc::clone(self);
        Box::new(move |sink: Sink| {
            if faults.is_refused.load(Ordering::SeqCst) {
                let error = std::io::Error::from_raw_os_error(24); // EMFILE
                return Err(Error::io(error));
            }
            faults.opened.fetch_add(1, Ordering::SeqCst);
            *faults.sink.lock().expect("a sink") = Some(sink.clone());
            let inner = (!faults.is_deaf.load(Ordering::SeqCst))
                .then(|| sensor::open(sink))
                .transpose()?;
            let faults = Arc::clone(&faults);
            Ok(Box::new(Faulty { faults, inner }) as Box<dyn Watcher + Send>)
        })
    }
}

struct Faulty {
    faults: Arc<Faults>,
    inner: Option<Box<dyn Watcher + Send>>,
}

impl Watcher for Faulty {
    fn new<F: EventHandler>(_: F, _: Config) -> notify::Result<Self> {
        Err(Error::generic("made by the opener only"))
    }

    fn watch(&mut self, path: &Path, mode: RecursiveMode) -> notify::Result<()> {
        let refuse = |left: usize| left.checked_sub(1);
        let refused = &self.faults.refused_watches;
        if refused
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, refuse)
            .is_ok()
        {
            return Err(Error::new(ErrorKind::MaxFilesWatch));
        }
        let mut watched = self.faults.watched.lock().expect("a list");
        let most = *self.faults.most_watches.lock().expect("a number");
        if most.is_some_and(|most| watched.len() >= most) {
            return Err(Error::new(ErrorKind::MaxFilesWatch));
        }
        watched.push(path.to_owned());
        let set = self
            .inner
            .as_mut()
            .map_or(Ok(()), |inner| inner.watch(path, mode));
        let mut gone = self.faults.gone_once_watched.lock().expect("a path");
        if let Some(folder) = gone.take_if(|gone| gone == path) {
            std::fs::remove_dir(folder).expect("it is empty");
        }
        set
    }

    fn unwatch(&mut self, path: &Path) -> notify::Result<()> {
        self.inner
            .as_mut()
            .map_or(Ok(()), |inner| inner.unwatch(path))
    }

    fn kind() -> WatcherKind {
        WatcherKind::NullWatcher
    }
}
