//! The newest entries, as they were folded: who follows the ledger needs just these, and else each would ask the engine
//! for them and read the same text again.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use countersign_protocol::{
    Digest,
    chain::{Body, Entry},
};

use super::Ledger;
use crate::store::StoreError;

/// Entries that are kept at the most.
const MOST: usize = 32_768;
/// Bytes that their texts may have together; the newest one is kept whatever its size. In a burst of short ones some
/// followers are ten thousand behind, and would read from the engine what is hardly written.
const MOST_BYTES: usize = 8 << 20;

/// An entry of the chain, read.
#[derive(Debug)]
pub struct Recorded {
    /// What it says.
    pub body: Body,
    /// Its hash.
    pub hash: Digest,
}

impl Recorded {
    fn read(entry: &Entry) -> Result<Arc<Self>, StoreError> {
        let unread =
            |error| StoreError::Failed(format!("entry {} cannot be read: {error}", entry.seq));
        let body = serde_json::from_str(&entry.body).map_err(unread)?;
        let hash = entry.hash;
        Ok(Arc::new(Self { body, hash }))
    }
}

/// The end of the chain, without a gap.
#[derive(Debug, Default)]
struct Tail {
    /// Each with the length of its text.
    entries: VecDeque<(Arc<Recorded>, usize)>,
    bytes: usize,
}

/// The newest entries. Only what is committed gets in, in order.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Tail>);

impl Recent {
    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what was committed, and lets go of the oldest.
    pub(super) fn add(&self, committed: impl IntoIterator<Item = (Body, Digest, usize)>) {
        let mut tail = self.tail();
        for (body, hash, bytes) in committed {
            let recorded = Arc::new(Recorded { body, hash });
            tail.entries.push_back((recorded, bytes));
            tail.bytes += bytes;
        }
        while tail.entries.len() > MOST || (tail.bytes > MOST_BYTES && tail.entries.len() > 1) {
            let Some((_, bytes)) = tail.entries.pop_front() else {
                break;
            };
            tail.bytes -= bytes;
        }
    }

    /// Those after `after` and up to `head`, at most `limit`; `None` when older ones are asked for, too.
    fn after(&self, after: u64, head: u64, limit: usize) -> Option<Vec<Arc<Recorded>>> {
        let tail = self.tail();
        let first = tail.entries.front()?.0.body.seq;
        let skipped = usize::try_from((after + 1).checked_sub(first)?).ok()?;
        let known = tail.entries.iter().skip(skipped).take(limit);
        let known = known.take_while(|(recorded, _)| recorded.body.seq <= head);
        Some(known.map(|(recorded, _)| Arc::clone(recorded)).collect())
    }
}

impl Ledger {
    /// Entries after `after`, at most `limit`, in order. What they say is in the state already.
    pub async fn entries(
        &self,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Arc<Recorded>>, StoreError> {
        let head = self.state().head.seq;
        if after >= head {
            return Ok(Vec::new());
        }
        if let Some(recent) = self.recent.after(after, head, limit) {
            return Ok(recent);
        }
        let older = self.read(move |store| store.entries(after, limit)).await?;
        older.iter().map(Recorded::read).collect()
    }
}

#[cfg(test)]
mod tests;
