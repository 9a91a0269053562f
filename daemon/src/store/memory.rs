//! An engine without a disk, for tests and for the conformance suite to agree with.

use std::collections::{BTreeMap, HashMap};

use countersign_protocol::{
    Digest,
    chain::{Entry, Head},
};

use super::{Batch, Space, Store, StoreError};

/// Keeps everything in memory; forgets it when dropped.
#[derive(Debug, Default)]
pub struct MemoryStore {
    entries: Vec<Entry>,
    objects: HashMap<Digest, Vec<u8>>,
    values: BTreeMap<(Space, String), String>,
    /// While set, every append fails with a full disk, as a test may want.
    pub full: bool,
}

impl Store for MemoryStore {
    fn append(&mut self, batch: &Batch) -> Result<(), StoreError> {
        if self.full {
            return Err(StoreError::Full);
        }
        let head = self.entries.len() as u64;
        for (entry, expected) in batch.entries.iter().zip(head + 1..) {
            if entry.seq != expected {
                return Err(StoreError::NotNext {
                    head,
                    found: entry.seq,
                });
            }
        }
        self.entries.extend_from_slice(&batch.entries);
        for sha256 in &batch.dropped {
            self.objects.remove(sha256);
        }
        for (sha256, bytes) in &batch.objects {
            self.objects.insert(*sha256, bytes.clone());
        }
        for (space, key, value) in &batch.values {
            match value {
                Some(value) => self.values.insert((*space, key.clone()), value.clone()),
                None => self.values.remove(&(*space, key.clone())),
            };
        }
        Ok(())
    }

    fn head(&mut self) -> Result<Head, StoreError> {
        Ok(self.entries.last().map_or(Head::EMPTY, |last| Head {
            seq: last.seq,
            hash: last.hash,
        }))
    }

    fn entries(&mut self, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        Ok(self
            .entries
            .iter()
            .filter(|entry| entry.seq > after)
            .take(limit)
            .cloned()
            .collect())
    }

    fn object(&mut self, sha256: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        match self.objects.get(&sha256) {
            Some(bytes) if Digest::of(bytes) != sha256 => Err(StoreError::Rotten(sha256)),
            bytes => Ok(bytes.cloned()),
        }
    }

    fn object_digests(
        &mut self,
        after: Option<Digest>,
        limit: usize,
    ) -> Result<Vec<Digest>, StoreError> {
        let mut digests: Vec<Digest> = self.objects.keys().copied().collect();
        digests.sort();
        digests.retain(|one| after.is_none_or(|after| *one > after));
        digests.truncate(limit);
        Ok(digests)
    }

    fn value(&mut self, space: Space, key: &str) -> Result<Option<String>, StoreError> {
        Ok(self.values.get(&(space, key.to_owned())).cloned())
    }

    fn values(&mut self, space: Space) -> Result<Vec<(String, String)>, StoreError> {
        let of_space = self.values.iter().filter(|((of, _), _)| *of == space);
        Ok(of_space
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect())
    }

    fn values_under(
        &mut self,
        space: Space,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let from = self.values.range((space, prefix.to_owned())..);
        Ok(from
            .take_while(|((of, key), _)| *of == space && key.starts_with(prefix))
            .take(limit)
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect())
    }

    fn count_under(&mut self, space: Space, prefix: &str) -> Result<u64, StoreError> {
        let from = self.values.range((space, prefix.to_owned())..);
        let under = from.take_while(|((of, key), _)| *of == space && key.starts_with(prefix));
        Ok(under.count() as u64)
    }
}
