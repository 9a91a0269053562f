//! Notices what changes in the workspaces and hints at it.
//!
//! A hint has no authority: it says where to look, and the disk says what is there. So a hint may come
//! twice, and a lost event costs time, never a handoff. Three sources feed one loop on one thread:
//! events of the kernel (one watch per folder, set by our own walk before the folder is listed),
//! scans (at the start, of every new folder, after a lost event, on a period), and probes, small files
//! that prove that events still arrive. Invariants: nothing above or beside a workspace is watched or
//! listed, no link is followed, no other file system is entered, and a workspace that is away loses nothing.
//!
//! A file system that does not answer holds the thread, so workspaces on network mounts are given a
//! manager of their own, by a second [`start`].

mod change;
mod layout;
mod manager;
mod probe;
mod quiet;
mod schedule;
mod sensor;
mod sight;
mod site;
mod status;
#[expect(
    clippy::disallowed_methods,
    reason = "the tests play the agents, who do not use our door"
)]
#[cfg(test)]
mod tests;
mod tree;
mod visit;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock::SharedClock;

use manager::Manager;
use sensor::{Herald, Message, Opener, Sensor, Sink};
use status::Shared;
pub use status::{Counts, Mode, Status, Trouble};

/// One workspace to watch.
#[derive(Clone, Debug)]
pub struct Root {
    /// Its name, given back in every hint.
    pub workspace: Arc<str>,
    /// Its folder, as an absolute path.
    pub path: PathBuf,
}

/// Where to look. Paths are relative to the workspace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hint {
    /// A document is new or has changed. What bears its name may also be a link or a device.
    Look {
        /// The workspace.
        workspace: Arc<str>,
        /// The document.
        file: PathBuf,
        /// Whether it came by a rename, and so was whole when it came.
        complete: bool,
    },
    /// A document was renamed into its place, told by the thread that hears of it. That thread empties the
    /// kernel's queue, so whoever takes the hint may keep it for a moment, and not longer.
    Arrived {
        /// The workspace.
        workspace: Arc<str>,
        /// The document.
        file: PathBuf,
    },
    /// Something that is no document changed in a folder: a sign of life.
    Activity {
        /// The workspace.
        workspace: Arc<str>,
        /// The folder.
        folder: PathBuf,
    },
    /// Something came, changed or went at a path: a file of any name, or a folder with all below it.
    Changed {
        /// The workspace.
        workspace: Arc<str>,
        /// The path.
        path: PathBuf,
        /// False while somebody is still writing.
        is_over: bool,
    },
    /// A full scan has come to a folder: what changes in it from now on is told, if there is a watch. A folder around it
    /// comes first.
    Listed {
        /// The workspace.
        workspace: Arc<str>,
        /// The folder; empty at the beginning of the scan.
        folder: PathBuf,
    },
    /// A full scan is over: what changed before it may have been told by no [`Hint::Changed`], what
    /// changes from now on is.
    Scanned {
        /// The workspace.
        workspace: Arc<str>,
    },
    /// Something came, changed or went in released work, where nothing may.
    Approved {
        /// The workspace.
        workspace: Arc<str>,
        /// The path.
        path: PathBuf,
    },
    /// Another folder was put in the place of the workspace, and is the workspace from now on; or the workspace was away
    /// and is back.
    Replaced {
        /// The workspace.
        workspace: Arc<str>,
    },
    /// A document that was hinted is no longer there.
    Gone {
        /// The workspace.
        workspace: Arc<str>,
        /// The document.
        file: PathBuf,
    },
}

/// Spans and chance of the manager.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How often the folders of the inbox are listed.
    pub inbox_period: Duration,
    /// How often everything is scanned, until events are proven.
    pub tree_period: Duration,
    /// How rare full scans become while events are proven.
    pub tree_longest: Duration,
    /// How often a probe is sent.
    pub probe_period: Duration,
    /// How long a probe may take to be seen.
    pub probe_patience: Duration,
    /// When a folder that appeared is scanned a second time.
    pub second_look: Duration,
    /// How long a document that is being written is left alone, unless its writer closes it.
    pub write_pause: Duration,
    /// The least span between two signs of life from one folder.
    pub activity_pause: Duration,
    /// How many changes may wait before they are dropped in favour of a full scan.
    pub backlog: usize,
    /// Seed of the jitter that keeps many workspaces from scanning at once.
    pub seed: u64,
    /// Time passes only at [`Handle::settle`]; for tests with a clock that they move.
    pub is_stepped: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            inbox_period: Duration::from_secs(5),
            tree_period: Duration::from_mins(1),
            tree_longest: Duration::from_mins(10),
            probe_period: Duration::from_secs(30),
            probe_patience: Duration::from_secs(5),
            second_look: Duration::from_secs(2),
            write_pause: Duration::from_millis(100),
            activity_pause: Duration::from_secs(1),
            backlog: 65_536,
            seed: 0,
            is_stepped: false,
        }
    }
}

/// The running manager. Dropping it stops the manager.
#[derive(Debug)]
pub struct Handle {
    messages: SyncSender<Message>,
    shared: Arc<Shared>,
    /// How many workspaces it was given; its thread gets to know of one a little later.
    given: AtomicUsize,
    thread: Option<JoinHandle<()>>,
}

/// Starts to watch `roots` on a thread of its own and gives every hint to `hints`, on that thread or, for what
/// was renamed into its place, on the one that hears of it; `hints` must not wait for anything of the manager.
///
/// A root that is not there is reported as offline and picked up when it appears. Fails only when no
/// thread can be started.
pub fn start(
    roots: Vec<Root>,
    settings: Settings,
    clock: SharedClock,
    hints: impl Fn(Hint) + Send + Sync + 'static,
) -> std::io::Result<Handle> {
    start_with(Box::new(sensor::open), roots, settings, clock, hints)
}

/// As [`start`], with another way to be told of changes.
fn start_with(
    opener: Opener,
    roots: Vec<Root>,
    settings: Settings,
    clock: SharedClock,
    hints: impl Fn(Hint) + Send + Sync + 'static,
) -> std::io::Result<Handle> {
    let (messages, inlet) = sync_channel(settings.backlog);
    let herald = Arc::new(Herald::new(Box::new(hints)));
    let sink = Sink::new(messages.clone(), Arc::clone(&herald));
    let shared = Arc::new(Shared::default());
    let given = AtomicUsize::new(roots.len());
    let manager = Manager::new(
        roots,
        settings,
        clock,
        herald,
        Sensor::new(opener, sink),
        inlet,
        Arc::clone(&shared),
    );
    let thread = std::thread::Builder::new()
        .name("watch".to_owned())
        .spawn(move || manager.run())?;
    Ok(Handle {
        messages,
        shared,
        given,
        thread: Some(thread),
    })
}

impl Handle {
    /// How each workspace fares, in the order of the roots.
    pub fn status(&self) -> Vec<Status> {
        self.shared.read()
    }

    /// Whether every workspace that is there was scanned in full at least once.
    pub fn ready(&self) -> bool {
        self.is_ready(&self.status())
    }

    /// Waits until [`ready`](Self::ready), at most for `limit`. Says whether it came to pass.
    pub fn wait_ready(&self, limit: Duration) -> bool {
        self.wait_until(limit, |status| self.is_ready(status))
    }

    /// Waits until the status satisfies `wanted`, at most for `limit`. Says whether it did.
    pub fn wait_until(&self, limit: Duration, wanted: impl Fn(&[Status]) -> bool) -> bool {
        self.shared.wait_until(limit, wanted)
    }

    /// Whether the thread of the manager lives. It ends by [`stop`](Self::stop), or by a defect.
    pub fn is_running(&self) -> bool {
        self.thread
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
    }

    /// Watches one more workspace.
    pub fn add(&self, root: Root) {
        self.given.fetch_add(1, Ordering::Relaxed);
        self.send(Message::Add(root));
    }

    /// Scans every workspace in full, soon.
    pub fn rescan(&self) {
        self.send(Message::Rescan);
    }

    /// Does what is due by now and waits until nothing is left to do.
    pub fn settle(&self) {
        let (done, wait) = sync_channel(1);
        self.send(Message::Settle(done));
        // An error means that the manager has stopped, and then nothing is left to do either.
        let _ = wait.recv();
    }

    /// Stops watching and waits for the thread to end.
    pub fn stop(mut self) {
        self.end();
    }

    /// Tells it to stop and does not wait for it.
    pub fn abandon(mut self) {
        drop(self.thread.take());
        // One that hangs may also have no room for a message; it ends with the program.
        let _ = self.messages.try_send(Message::Stop);
    }

    fn end(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        self.send(Message::Stop);
        if thread.join().is_err() {
            tracing::error!("the watch manager had ended by a panic");
        }
    }

    fn is_ready(&self, status: &[Status]) -> bool {
        let mut scanned = status
            .iter()
            .map(|one| one.is_scanned || matches!(one.mode, Mode::Offline { .. }))
            .chain(status.iter().map(|one| !one.is_replaced));
        status.len() >= self.given.load(Ordering::Relaxed) && scanned.all(|is_so| is_so)
    }

    fn send(&self, message: Message) {
        // An error means that the manager has stopped; `is_running` says so.
        let _ = self.messages.send(message);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.end();
    }
}
