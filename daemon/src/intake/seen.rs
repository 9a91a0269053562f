//! What documents looked like when they were last taken in, and when a folder last showed life.

use std::{collections::HashMap, time::Duration};

use countersign_protocol::{Digest, event::Location};
use jiff::Timestamp;

use crate::{fs::Stamp, ledger::State, store::Space};

/// A moment on both clocks: one for people, one for spans, since the first may jump.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) wall: Timestamp,
    pub(super) monotonic: Duration,
}

#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Digests of stamps.
    taken: HashMap<Location, Digest>,
    /// The same by the entries that were there at the start. Of two that say something else nobody knows which is
    /// the newer one, and a file that looks like either was not touched since.
    accepted: HashMap<Location, Digest>,
    /// By document, then by artifact (empty for the document itself): since when it looks as it does,
    /// while the kernel cannot tell who writes it.
    quiet: HashMap<Location, HashMap<String, (Stamp, Duration)>>,
    /// First time that a file was found busy.
    busy: HashMap<Location, Duration>,
    alive: HashMap<(String, String), Moment>,
    /// First time that the process of a track was found gone.
    gone: HashMap<Location, Duration>,
}

impl Seen {
    /// What is remembered of documents that were accepted in `state`, and of all others in `values`.
    pub(super) fn new(state: &State, values: Vec<(String, String)>) -> Self {
        let taken = values.into_iter().filter_map(|(key, value)| {
            let stamp: Stamp = serde_json::from_str(&value).ok()?;
            Some((serde_json::from_str(&key).ok()?, stamp.digest()))
        });
        let mut revisions: Vec<_> = state.cards().flat_map(|card| &card.revisions).collect();
        revisions.sort_unstable_by_key(|revision| revision.seq);
        let accepted = revisions.into_iter().filter_map(|revision| {
            let accepted = &revision.accepted;
            Some((accepted.at.clone(), accepted.stamp?))
        });
        Self {
            taken: taken.collect(),
            accepted: accepted.collect(),
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
        let known = [self.taken.get(at), self.accepted.get(at)];
        let mut known = known.into_iter().flatten();
        known.any(|known| *known == stamp.digest())
    }

    pub(super) fn was_taken(&self, at: &Location) -> bool {
        self.taken.contains_key(at) || self.accepted.contains_key(at)
    }

    pub(super) fn take(&mut self, at: &Location, stamp: Stamp) {
        self.accepted.remove(at);
        self.taken.insert(at.clone(), stamp.digest());
        self.settled(at);
    }

    pub(super) fn forget(&mut self, at: &Location) {
        self.accepted.remove(at);
        self.taken.remove(at);
        self.settled(at);
    }

    pub(super) fn settled(&mut self, at: &Location) {
        self.quiet.remove(at);
        self.busy.remove(at);
    }

    /// For how long the file `path` of the handoff at `at`, or the document itself for an empty path, must
    /// still look like `stamp` to have done so for `settle`. Zero when it is quiet.
    pub(super) fn quiet_in(
        &mut self,
        at: &Location,
        path: &str,
        stamp: Stamp,
        now: Duration,
        settle: Duration,
    ) -> Duration {
        let files = self.quiet.entry(at.clone()).or_default();
        match files.get(path) {
            Some((known, since)) if *known == stamp => {
                settle.saturating_sub(now.saturating_sub(*since))
            }
            _ => {
                files.insert(path.to_owned(), (stamp, now));
                settle
            }
        }
    }

    /// For how long `at` has been busy.
    pub(super) fn busy_for(&mut self, at: &Location, now: Duration) -> Duration {
        now.saturating_sub(*self.busy.entry(at.clone()).or_insert(now))
    }

    pub(super) fn sign_of_life(&mut self, workspace: &str, folder: &str, moment: Moment) {
        self.alive
            .insert((workspace.to_owned(), folder.to_owned()), moment);
    }

    /// The last sign of life in `folder` or below.
    pub(super) fn last_life(&self, workspace: &str, folder: &str) -> Option<Moment> {
        let near = self.alive.iter().filter(|((of, at), _)| {
            of == workspace && (at == folder || super::is_below(at, folder))
        });
        near.map(|(_, moment)| *moment)
            .max_by_key(|moment| moment.monotonic)
    }

    /// For how long the process of the track at `at` has been gone.
    pub(super) fn gone_for(&mut self, at: &Location, now: Duration) -> Duration {
        now.saturating_sub(*self.gone.entry(at.clone()).or_insert(now))
    }

    /// The process of the track at `at` lives, or its end was dealt with.
    pub(super) fn not_gone(&mut self, at: &Location) {
        self.gone.remove(at);
    }
}
