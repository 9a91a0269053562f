//! The kernel's events, by way of `notify`.
//!
//! Only the flat watch of one folder is used: its recursive mode misses what is written into a folder
//! before it has set the watch. The handler runs on the thread of `notify`; a call to `watch` from
//! there would wait for itself, so it only passes on what it heard.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, PoisonError, RwLock};

use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{
    Config, ErrorKind, Event, EventHandler, EventKind, EventKindMask, PathOp, RecommendedWatcher,
    RecursiveMode, Watcher,
};

use super::sight::{self, Sight};
use super::{Hint, Root, layout};

/// What reaches the loop of the manager.
#[derive(Debug)]
pub(crate) enum Message {
    Change(Change),
    /// Events were dropped.
    Lost(String),
    /// The watcher reports an error of its own.
    Broken(String),
    /// Watch one more workspace.
    Add(Root),
    /// Scan everything.
    Rescan,
    /// Answer when nothing is left to do.
    Settle(SyncSender<()>),
    Stop,
}

/// Something happened to a path.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) kind: ChangeKind,
    pub(crate) path: PathBuf,
    /// How a document looked when it was hinted at straight away; the loop only takes note of it.
    pub(crate) hinted: Option<Sight>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    /// A name is new here: made or linked.
    Appeared,
    /// A name is new here by a rename: what bears it was made elsewhere.
    Arrived,
    /// Content changes; more may come.
    Written,
    /// A writer closed it.
    Closed,
    /// Rights, times or something unnamed changed.
    Altered,
    /// The name is gone: removed or renamed.
    Left,
}

/// Turns what `notify` says into what the loop needs. `None` for what says nothing, above all for reads,
/// our own among them.
pub(crate) fn translate(heard: notify::Result<Event>) -> Option<Message> {
    let event = match heard {
        Ok(event) => event,
        Err(error) => return Some(Message::Broken(error.to_string())),
    };
    // A lost event has no paths, so this comes first.
    if event.need_rescan() {
        return Some(Message::Lost("the queue of the kernel was full".to_owned()));
    }
    let kind = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => ChangeKind::Closed,
        // Both halves of a rename were reported before the whole.
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => {
            return None;
        }
        EventKind::Create(_) => ChangeKind::Appeared,
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) => ChangeKind::Arrived,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => {
            ChangeKind::Left
        }
        EventKind::Modify(ModifyKind::Data(_)) => ChangeKind::Written,
        EventKind::Any | EventKind::Modify(_) | EventKind::Other => ChangeKind::Altered,
    };
    let path = event.paths.into_iter().next()?;
    Some(Message::Change(Change {
        kind,
        path,
        hinted: None,
    }))
}

/// Hints at documents that were renamed into their place on the thread that heard of it, which saves
/// waking the loop first. The loop hears of them afterwards and does everything else.
pub(crate) struct Herald {
    hints: Box<dyn Fn(Hint) + Send + Sync>,
    /// The workspaces, with the paths by which events name them.
    roots: RwLock<Vec<Root>>,
}

impl std::fmt::Debug for Herald {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Herald")
            .field("roots", &self.roots)
            .finish_non_exhaustive()
    }
}

impl Herald {
    pub(crate) fn new(hints: Box<dyn Fn(Hint) + Send + Sync>) -> Self {
        Self {
            hints,
            roots: RwLock::default(),
        }
    }

    /// Passes a hint on.
    pub(crate) fn tell(&self, hint: Hint) {
        (self.hints)(hint);
    }

    /// Learns of one more workspace.
    pub(crate) fn add(&self, root: Root) {
        self.roots
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(root);
    }

    /// Hints at once if that is all that the change calls for.
    fn announce(&self, change: &mut Change) {
        let is_document = || layout::is_document(&change.path);
        if change.kind != ChangeKind::Arrived || !is_document() {
            return;
        }
        let found = {
            let roots = self.roots.read().unwrap_or_else(PoisonError::into_inner);
            innermost(roots.iter(), &change.path, |root| &root.path)
                .map(|(root, relative)| (Arc::clone(&root.workspace), relative.to_owned()))
        };
        let Some((workspace, file)) = found.filter(|(_, file)| !layout::is_skipped(file)) else {
            return;
        };
        // What else may bear the name of a document is the loop's to judge.
        change.hinted = sight::look(&change.path)
            .ok()
            .filter(|sight| !sight.is_folder);
        if change.hinted.is_some() {
            self.tell(Hint::Arrived { workspace, file });
        }
    }
}

/// Of nested workspaces the innermost one in which `path` lies, whose part of the path is the shortest, and
/// that part.
pub(crate) fn innermost<T>(
    all: impl Iterator<Item = T>,
    path: &Path,
    root: impl Fn(&T) -> &Path,
) -> Option<(T, &Path)> {
    all.filter_map(|one| {
        let relative = path.strip_prefix(root(&one)).ok()?;
        Some((one, relative))
    })
    .min_by_key(|(_, relative)| relative.as_os_str().len())
}

/// Where a watcher puts what it hears. Never blocks: what does not fit is noted as lost.
#[derive(Clone, Debug)]
pub(crate) struct Sink {
    messages: SyncSender<Message>,
    herald: Arc<Herald>,
    overflowed: Arc<AtomicBool>,
}

impl Sink {
    pub(crate) fn new(messages: SyncSender<Message>, herald: Arc<Herald>) -> Self {
        Self {
            messages,
            herald,
            overflowed: Arc::default(),
        }
    }

    /// Whether something did not fit since this was last asked.
    pub(crate) fn take_overflow(&self) -> bool {
        self.overflowed.swap(false, Ordering::AcqRel)
    }
}

impl EventHandler for Sink {
    fn handle_event(&mut self, heard: notify::Result<Event>) {
        let Some(mut message) = translate(heard) else {
            return;
        };
        if let Message::Change(change) = &mut message {
            self.herald.announce(change);
        }
        // When the other side is gone the watcher is about to be dropped.
        if let Err(TrySendError::Full(_)) = self.messages.try_send(message) {
            self.overflowed.store(true, Ordering::Release);
        }
    }
}

/// Makes a watcher that reports to the sink.
pub(crate) type Opener = Box<dyn FnMut(Sink) -> notify::Result<Box<dyn Watcher + Send>> + Send>;

/// The watcher of this system.
pub(crate) fn open(sink: Sink) -> notify::Result<Box<dyn Watcher + Send>> {
    Ok(Box::new(RecommendedWatcher::new(sink, config())?))
}

/// What the kernel is asked for: not what is opened and read, or an agent that reads a tree, and our own index, would
/// fill its queue.
fn config() -> Config {
    Config::default()
        .with_follow_symlinks(false)
        .with_event_kinds(EventKindMask::CORE | EventKindMask::ACCESS_CLOSE)
}

/// Why a folder could not be watched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The system grants no more watches. Carries what to do about it.
    #[error("{0}")]
    Limit(String),
    /// The folder is gone.
    #[error("it is gone")]
    Absent,
    #[error("{0}")]
    Other(String),
}

/// The watcher, or the reason why there is none.
pub(crate) struct Sensor {
    opener: Opener,
    pub(crate) sink: Sink,
    watcher: Result<Box<dyn Watcher + Send>, String>,
}

impl Sensor {
    pub(crate) fn new(opener: Opener, sink: Sink) -> Self {
        let mut sensor = Self {
            opener,
            sink,
            watcher: Err(String::new()),
        };
        sensor.reopen();
        sensor
    }

    /// Replaces the watcher by a new one without watches, and says whether there is one.
    pub(crate) fn reopen(&mut self) -> bool {
        self.watcher = (self.opener)(self.sink.clone()).map_err(|error| {
            let advice = advice("max_user_instances", "watchers");
            format!("no watcher could be made ({error}); {advice}")
        });
        self.watcher.is_ok()
    }

    /// Why there is no watcher.
    pub(crate) fn fault(&self) -> Option<&str> {
        self.watcher.as_ref().err().map(String::as_str)
    }

    /// Watches the folder itself, not what is below it. Once more does no harm.
    pub(crate) fn watch(&mut self, folder: &Path) -> Result<(), Refusal> {
        let watcher = self
            .watcher
            .as_mut()
            .map_err(|why| Refusal::Limit(why.clone()))?;
        watcher
            .watch(folder, RecursiveMode::NonRecursive)
            .map_err(|error| match error.kind {
                ErrorKind::MaxFilesWatch => {
                    let advice = advice("max_user_watches", "watched folders");
                    Refusal::Limit(format!("the limit of watched folders is reached; {advice}"))
                }
                ErrorKind::PathNotFound => Refusal::Absent,
                ErrorKind::Io(error) => Refusal::Other(error.to_string()),
                _ => Refusal::Other(error.to_string()),
            })
    }

    /// Watches each of the folders up to the first that cannot be, and gives their number. Why that one cannot be is
    /// for [`Self::watch`] to say.
    pub(crate) fn watch_all(&mut self, folders: Vec<PathBuf>) -> usize {
        let all = folders.len();
        let Ok(watcher) = &mut self.watcher else {
            return 0;
        };
        let ops = folders.into_iter().map(PathOp::watch_non_recursive);
        match watcher.update_paths(ops.collect()) {
            Ok(()) => all,
            // Without the one that failed it is not known which were set.
            Err(error) if error.origin.is_none() => 0,
            Err(error) => all - error.remaining.len() - 1,
        }
    }

    /// Ends the watch of a folder that is no longer where it was.
    pub(crate) fn unwatch(&mut self, folder: &Path) {
        if let Ok(watcher) = &mut self.watcher {
            // Most often the kernel has already ended it.
            let _ = watcher.unwatch(folder);
        }
    }
}

/// Names the sysctl `limit`, its present value, and how to raise it.
fn advice(limit: &str, of: &str) -> String {
    let present = std::fs::read_to_string(format!("/proc/sys/fs/inotify/{limit}"))
        .ok()
        .and_then(|text| text.trim().parse::<u64>().ok());
    match present {
        Some(value) => format!(
            "this system allows {value} {of} per user; more by `sysctl fs.inotify.{limit}={}`",
            value.saturating_mul(2)
        ),
        None => format!("see the sysctl fs.inotify.{limit}"),
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "the tests play an agent that writes"
)]
mod tests;
