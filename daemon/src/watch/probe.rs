//! Whether events still arrive from one workspace.

use std::path::{Path, PathBuf};
use std::time::Duration;

use countersign_protocol::names::OWN_FOLDER;

use super::sensor::Sensor;
use super::sight::{self, Place};
use crate::fs::Dir;

/// After so many probes in a row that were not seen, a new watcher is no cure.
const HOPELESS: u32 = 2;

/// The probes of one workspace.
#[derive(Debug, Default)]
pub(crate) struct Probe {
    number: u64,
    sent: Option<Duration>,
    pub(crate) is_proven: bool,
    misses: u32,
    /// The folder the probes are made in, once it is watched.
    folder: Option<Place>,
    /// Why no probe could be made.
    pub(crate) trouble: Option<String>,
}

impl Probe {
    /// Makes the probe file. An error is kept in `trouble`: a workspace that is read-only has no probes,
    /// and is scanned at the short period for it.
    pub(crate) fn send(&mut self, root: &Path, sensor: &mut Sensor, now: Duration) -> bool {
        match self.knock(root, sensor) {
            Ok(()) => {
                self.sent = Some(now);
                self.trouble = None;
                true
            }
            Err(why) => {
                self.sent = None;
                self.is_proven = false;
                self.trouble = Some(why);
                false
            }
        }
    }

    fn knock(&mut self, root: &Path, sensor: &mut Sensor) -> Result<(), String> {
        let folder = Dir::open(root)
            .and_then(|root| root.make_folder(Path::new(OWN_FOLDER), 0o755))
            .map_err(|error| error.to_string())?;
        let own = root.join(OWN_FOLDER);
        let place = sight::look(&own).map_err(|error| error.to_string())?.place;
        if self.folder != Some(place) {
            sensor
                .watch(&own)
                .map_err(|refusal| format!("cannot watch `{}`: {refusal}", own.display()))?;
            self.folder = Some(place);
        }
        self.number += 1;
        folder
            .knock(Path::new(&self.name()))
            .map_err(|error| error.to_string())
    }

    fn name(&self) -> String {
        format!(".countersign-probe-{}", self.number)
    }

    /// Takes note of a change in the daemon's own folder; says whether it was the probe.
    pub(crate) fn hear(&mut self, relative: &Path) -> bool {
        let is_probe =
            self.sent.is_some() && relative == PathBuf::from(OWN_FOLDER).join(self.name());
        if is_probe {
            self.sent = None;
            self.is_proven = true;
            self.misses = 0;
        }
        is_probe
    }

    /// When the probe that is out counts as missed.
    pub(crate) fn deadline(&self, patience: Duration) -> Option<Duration> {
        self.sent.map(|sent| sent + patience)
    }

    /// The probe that is out was not seen in time. Says whether a new watcher may help.
    pub(crate) fn miss(&mut self) -> bool {
        self.sent = None;
        self.is_proven = false;
        self.misses += 1;
        self.misses < HOPELESS
    }

    /// Whether events are known not to arrive, whatever the watcher.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.misses >= HOPELESS
    }

    /// The watcher was replaced, or the workspace was away.
    pub(crate) fn drop_watch(&mut self) {
        self.folder = None;
        self.sent = None;
        self.is_proven = false;
    }
}
