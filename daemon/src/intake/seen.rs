//! What documents looked like when they were last taken in, and when a folder last showed life.

use std::{collections::HashMap, time::Duration};

use countersign_protocol::event::Location;
use jiff::Timestamp;

use crate::{fs::Stamp, store::Space};

#[derive(Debug, Default)]
pub(super) struct Seen {
    taken: HashMap<Location, Stamp>,
    /// First time that a file looked as it does, while the kernel cannot tell who writes it.
    quiet: HashMap<Location, (Stamp, Duration)>,
    /// First time that a file was found busy.
    busy: HashMap<Location, Duration>,
    alive: HashMap<(String, String), Timestamp>,
}

impl Seen {
    pub(super) fn from_values(values: Vec<(String, String)>) -> Self {
        let taken = values
            .into_iter()
            .filter_map(|(key, value)| {
                Some((
                    serde_json::from_str(&key).ok()?,
                    serde_json::from_str(&value).ok()?,
                ))
            })
            .collect();
        Self {
            taken,
            ..Self::default()
        }
    }

    /// The value that remembers `stamp` for `at` across restarts.
    pub(super) fn value(at: &Location, stamp: Option<Stamp>) -> (Space, String, Option<String>) {
        let text = |value: serde_json::Result<String>| value.unwrap_or_default();
        (
            Space::Seen,
            text(serde_json::to_string(at)),
            stamp.map(|stamp| text(serde_json::to_string(&stamp))),
        )
    }

    pub(super) fn is_taken(&self, at: &Location, stamp: Stamp) -> bool {
        self.taken.get(at) == Some(&stamp)
    }

    pub(super) fn was_taken(&self, at: &Location) -> bool {
        self.taken.contains_key(at)
    }

    pub(super) fn take(&mut self, at: &Location, stamp: Stamp) {
        self.taken.insert(at.clone(), stamp);
        self.settled(at);
    }

    pub(super) fn forget(&mut self, at: &Location) {
        self.taken.remove(at);
        self.settled(at);
    }

    pub(super) fn settled(&mut self, at: &Location) {
        self.quiet.remove(at);
        self.busy.remove(at);
    }

    /// Whether `at` has looked like `stamp` for at least `settle`.
    pub(super) fn is_quiet(
        &mut self,
        at: &Location,
        stamp: Stamp,
        now: Duration,
        settle: Duration,
    ) -> bool {
        match self.quiet.get(at) {
            Some((known, since)) if *known == stamp => now.saturating_sub(*since) >= settle,
            _ => {
                self.quiet.insert(at.clone(), (stamp, now));
                settle.is_zero()
            }
        }
    }

    /// For how long `at` has been busy.
    pub(super) fn busy_for(&mut self, at: &Location, now: Duration) -> Duration {
        now.saturating_sub(*self.busy.entry(at.clone()).or_insert(now))
    }

    pub(super) fn sign_of_life(&mut self, workspace: &str, folder: &str, at: Timestamp) {
        self.alive
            .insert((workspace.to_owned(), folder.to_owned()), at);
    }

    /// The last sign of life in `folder` or below.
    pub(super) fn last_life(&self, workspace: &str, folder: &str) -> Option<Timestamp> {
        let near = self.alive.iter().filter(|((of, at), _)| {
            of == workspace && (at == folder || super::is_below(at, folder))
        });
        near.map(|(_, at)| *at).max()
    }
}
