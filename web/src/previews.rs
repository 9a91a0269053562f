//! What previews of large files share: how many are made at once, and what is worth keeping. All of it
//! can be thrown away; nothing here grows with the number of readers or files.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use countersign_protocol::Digest;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    desk::SealedFile,
    render::{diff::Compared, window::Index},
};

/// Previews that take more than a few megabytes, at the same time.
const HEAVY: usize = 2;
/// Line counts that are kept: at most a few kilobytes each.
const INDEXES: usize = 64;
/// Comparisons of large files that are kept: at most a few megabytes each.
const COMPARISONS: usize = 8;

/// Two texts by their digests, and whether white space counts.
pub(crate) type Pair = (Digest, Digest, bool);

/// Shared by all requests.
#[derive(Debug)]
pub(crate) struct Previews {
    heavy: Semaphore,
    counting: Semaphore,
    indexes: Kept<Digest, Arc<Index>>,
    compared: Kept<Pair, Compared>,
}

impl Default for Previews {
    fn default() -> Self {
        Self {
            heavy: Semaphore::new(HEAVY),
            counting: Semaphore::new(1),
            indexes: Kept::new(INDEXES),
            compared: Kept::new(COMPARISONS),
        }
    }
}

impl Previews {
    /// Waits until a preview may take much memory; it may as long as the permit lives.
    pub(crate) async fn heavy(&self) -> Option<SemaphorePermit<'_>> {
        self.heavy.acquire().await.ok()
    }

    /// Where the lines of the file are, once they are counted. Else they are counted from now on, one
    /// file at a time, and nobody waits for it.
    pub(crate) fn index(self: &Arc<Self>, file: &SealedFile) -> Option<Arc<Index>> {
        let known = self.indexes.get(&file.sha256);
        if known.is_none() && self.counting.available_permits() > 0 {
            let (previews, file) = (Arc::clone(self), file.clone());
            tokio::task::spawn_blocking(move || {
                let Ok(_alone) = previews.counting.try_acquire() else {
                    return;
                };
                if previews.indexes.get(&file.sha256).is_some() {
                    return;
                }
                match Index::of(&file.open) {
                    Ok(index) => previews.indexes.put(file.sha256, Arc::new(index)),
                    Err(error) => {
                        tracing::warn!(%error, path = %file.open.path, "lines were not counted");
                    }
                }
            });
        }
        known
    }

    /// What was found for the same two texts.
    pub(crate) fn compared(&self, pair: &Pair) -> Option<Compared> {
        self.compared.get(pair)
    }

    /// Keeps what was found.
    pub(crate) fn keep(&self, pair: Pair, compared: Compared) {
        self.compared.put(pair, compared);
    }
}

/// The last few values, the one that was used last at the end.
#[derive(Debug)]
struct Kept<K, V> {
    most: usize,
    values: Mutex<VecDeque<(K, V)>>,
}

impl<K: PartialEq, V: Clone> Kept<K, V> {
    fn new(most: usize) -> Self {
        Self {
            most,
            values: Mutex::default(),
        }
    }

    fn get(&self, key: &K) -> Option<V> {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let at = values.iter().position(|(known, _)| known == key)?;
        let used = values.remove(at)?;
        let value = used.1.clone();
        values.push_back(used);
        Some(value)
    }

    fn put(&self, key: K, value: V) {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        values.retain(|(known, _)| *known != key);
        if values.len() == self.most {
            values.pop_front();
        }
        values.push_back((key, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_that_was_longest_not_used_goes_first() {
        let kept = Kept::new(2);
        kept.put(1, "one");
        kept.put(2, "two");
        assert_eq!(kept.get(&1), Some("one"));
        kept.put(3, "three");
        assert_eq!(kept.get(&2), None);
        assert_eq!((kept.get(&1), kept.get(&3)), (Some("one"), Some("three")));
    }

    #[tokio::test]
    async fn lines_are_counted_beside_the_first_view() {
        let previews = Arc::new(Previews::default());
        let bytes = b"a\nb\n".to_vec();
        let file = SealedFile::new("a".to_owned(), Digest::of(&bytes), 4, bytes);
        assert!(previews.index(&file).is_none());
        while previews.index(&file).is_none() {
            tokio::task::yield_now().await;
        }
    }
}
