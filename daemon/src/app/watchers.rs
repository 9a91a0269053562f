//! Who watches which workspace.
//!
//! A file system that does not answer holds the thread that asks it. One manager has all workspaces on
//! disks of this machine; each workspace on a network mount has its own, so that it can only hold up itself.

use std::{io, sync::Arc};

use crate::{
    clock::SharedClock,
    fs::blind_mount,
    watch::{self, Handle, Hint, Root, Settings, Status},
};

/// What every manager is given.
type Hints = Arc<dyn Fn(Hint) + Send + Sync>;

/// The managers. They stop when this is dropped.
pub(super) struct Watchers {
    clock: SharedClock,
    hints: Hints,
    /// For the workspaces on disks of this machine.
    local: Handle,
    /// One for each workspace on a network mount.
    remote: Vec<Handle>,
}

impl Watchers {
    /// Starts the one for the disks of this machine.
    pub(super) fn start(
        clock: SharedClock,
        hints: impl Fn(Hint) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let hints: Hints = Arc::new(hints);
        let local = manager(&clock, &hints)?;
        Ok(Self {
            clock,
            hints,
            local,
            remote: Vec::new(),
        })
    }

    /// Watches one more workspace.
    pub(super) fn add(&mut self, root: Root) -> io::Result<()> {
        if blind_mount(&root.path).is_some() {
            let own = manager(&self.clock, &self.hints)?;
            // Opened on its own thread: here it would hold up who adds it.
            own.add(root);
            self.remote.push(own);
        } else {
            self.local.add(root);
        }
        Ok(())
    }

    fn all(&self) -> impl Iterator<Item = &Handle> {
        std::iter::once(&self.local).chain(&self.remote)
    }

    /// How each workspace fares.
    pub(super) fn status(&self) -> Vec<Status> {
        self.all().flat_map(Handle::status).collect()
    }

    /// Whether every thread lives.
    pub(super) fn are_running(&self) -> bool {
        self.all().all(Handle::is_running)
    }

    /// Whether every workspace of this machine was scanned once. Who waits for that does not wait for a
    /// network mount, which may not answer for long.
    pub(super) fn ready(&self) -> bool {
        self.local.ready()
    }

    /// Stops them. The threads of network mounts are not waited for: one may hang.
    pub(super) fn stop(self) {
        self.remote.into_iter().for_each(Handle::abandon);
        self.local.stop();
    }
}

fn manager(clock: &SharedClock, hints: &Hints) -> io::Result<Handle> {
    let settings = Settings {
        seed: getrandom::u64().unwrap_or_default(),
        ..Settings::default()
    };
    let hints = Arc::clone(hints);
    watch::start(Vec::new(), settings, Arc::clone(clock), move |hint| {
        hints(hint);
    })
}
