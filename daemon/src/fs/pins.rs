//! Which kept bytes somebody is about to name.
//!
//! Between the seal of a file and the commit that names it, nothing in the ledger says that the bytes are
//! needed. So who seals holds a pin until the commit is done, and who collects looks for pins and removes
//! under one lock.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use countersign_protocol::Digest;

/// All pins of one object folder.
#[derive(Clone, Debug, Default)]
pub(super) struct Pins {
    held: Arc<Mutex<HashMap<Digest, usize>>>,
}

/// Keeps the bytes of a digest from being collected, until it is dropped.
#[derive(Debug)]
pub struct Pin {
    sha256: Digest,
    pins: Pins,
}

impl Pins {
    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pin(&self, sha256: Digest) -> Pin {
        *self.lock().entry(sha256).or_default() += 1;
        Pin {
            sha256,
            pins: self.clone(),
        }
    }

    /// Runs `remove` unless the digest is pinned, and lets nobody pin it meanwhile.
    pub(super) fn unless_pinned<T>(&self, sha256: Digest, remove: impl FnOnce() -> T) -> Option<T> {
        let held = self.lock();
        if held.contains_key(&sha256) {
            return None;
        }
        let removed = remove();
        drop(held);
        Some(removed)
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut held = self.pins.lock();
        if let Some(count) = held.get_mut(&self.sha256) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.sha256);
            }
        }
    }
}
