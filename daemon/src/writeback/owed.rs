//! What is owed to folders that could not be answered: read-only, full, or not served.
//!
//! A place that fails gets a mark of its own, behind the mark of all others. Until it has caught up every
//! further entry for it is passed over, so that its answers never come out of order.

use std::{collections::BTreeMap, fmt};

use tokio::sync::watch;

use super::{MARK, PAGE, Page, Writeback, WritebackError, errand::Errand};
use crate::{
    store::{Space, Store},
    workspace::Written,
};

/// A folder that answers go to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) workspace: String,
    pub(super) folder: String,
}

impl Place {
    pub(super) fn of(errand: &Errand) -> Self {
        Self {
            workspace: errand.at.workspace.clone(),
            folder: errand.at.folder.clone(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.workspace, self.folder)
    }
}

/// The places that are behind.
#[derive(Debug)]
pub(super) struct Owed {
    /// The last entry that was done for each.
    marks: BTreeMap<Place, u64>,
    /// The places that failed in this pass: nothing more is done for them.
    stopped: BTreeMap<Place, u64>,
    /// Whether the places that are behind are the ones to do, or the ones to pass over.
    is_catching_up: bool,
}

impl Owed {
    /// Whether entry `seq` is not to be done for `place` now.
    pub(super) fn is_done(&self, place: &Place, seq: u64) -> bool {
        if self.stopped.contains_key(place) {
            return true;
        }
        match self.marks.get(place) {
            Some(done) => !self.is_catching_up || seq <= *done,
            None => self.is_catching_up,
        }
    }

    /// Entry `seq` was done for `place`, which is behind: its mark moves in the transaction that records what was done.
    pub(super) fn advance(&mut self, place: &Place, seq: u64) -> Option<Written> {
        if !self.is_catching_up || self.stopped.contains_key(place) {
            return None;
        }
        let done = self.marks.get_mut(place)?;
        if *done >= seq {
            return None;
        }
        *done = seq;
        Some((Space::Progress, key(place), Some(done.to_string())))
    }

    /// Entry `seq` failed, or is not known to last: `place` is owed it and all that follows.
    pub(super) fn stop(&mut self, place: Place, seq: u64) -> Written {
        let first = self.stopped.entry(place.clone()).or_insert(seq);
        *first = seq.min(*first);
        let value = (*first - 1).to_string();
        (Space::Progress, key(&place), Some(value))
    }
}

/// The name of the mark of a place. The name of a workspace has no slash.
fn key(place: &Place) -> String {
    format!("{MARK} owes {place}")
}

fn place(key: &str) -> Option<Place> {
    let (workspace, folder) = key
        .strip_prefix(MARK)?
        .strip_prefix(" owes ")?
        .split_once('/')?;
    Some(Place {
        workspace: workspace.to_owned(),
        folder: folder.to_owned(),
    })
}

fn marks(store: &mut dyn Store) -> Result<BTreeMap<Place, u64>, crate::store::StoreError> {
    let values = store.values(Space::Progress)?;
    let marks = values
        .into_iter()
        .filter_map(|(key, value)| Some((place(&key)?, value.parse().ok()?)));
    Ok(marks.collect())
}

impl Writeback {
    /// Lets [`Writeback::catch_up`] run soon: a folder fell behind, or a workspace is served again.
    pub fn nudge(&self) {
        self.behind.send_modify(|count| *count += 1);
    }

    /// Sees the nudges.
    pub fn nudges(&self) -> watch::Receiver<u64> {
        self.behind.subscribe()
    }

    pub(super) async fn owed(&self) -> Result<Owed, WritebackError> {
        Ok(Owed {
            marks: self.ledger.read(marks).await?,
            stopped: BTreeMap::new(),
            is_catching_up: false,
        })
    }

    /// Gives the places that are behind what they are owed. Fails when some cannot be answered
    /// still; the others are answered all the same.
    pub async fn catch_up(&self) -> Result<(), WritebackError> {
        let mut owed = self.owed().await?;
        owed.is_catching_up = true;
        owed.marks
            .retain(|place, _| self.workspaces.get(&place.workspace).is_some());
        let Some(mut at) = owed.marks.values().min().copied() else {
            return Ok(());
        };
        let mut failed = Vec::new();
        loop {
            let _turn = self.turn.lock().await;
            let mark = self.mark().await?;
            if at >= mark {
                // Under the same turn as the mark: nothing was passed over since.
                self.forgive(&owed).await?;
                break;
            }
            let mut entries = self.ledger.entries(at, PAGE).await?;
            entries.retain(|entry| entry.body.seq <= mark);
            let Some(last) = entries.last().map(|entry| entry.body.seq) else {
                break;
            };
            let me = self.clone();
            let done = tokio::task::spawn_blocking(move || {
                let page = me.page(&entries, &mut owed, true);
                (page, owed)
            });
            let (page, back) = done
                .await
                .map_err(|error| WritebackError::Ledger(error.to_string()))?;
            owed = back;
            let mut page = page?;
            failed.append(&mut page.failed);
            self.record(page, None).await?;
            at = last;
        }
        match failed.first() {
            None => Ok(()),
            Some(first) => Err(WritebackError::Behind {
                count: failed.len(),
                first: first.clone(),
            }),
        }
    }

    /// Forgets the marks of the places that have caught up.
    async fn forgive(&self, owed: &Owed) -> Result<(), WritebackError> {
        let done = owed
            .marks
            .keys()
            .filter(|place| !owed.stopped.contains_key(*place));
        let page = Page {
            written: done
                .map(|place| (Space::Progress, key(place), None))
                .collect(),
            ..Page::default()
        };
        self.record(page, None).await
    }
}
