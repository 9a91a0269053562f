//! Which kept bytes have their digest still, as far as they were read since the start.
//!
//! A disk gives back other bytes than were written without saying so. So bytes are hashed before anybody sees them, once
//! for each time that the file looks different.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use countersign_protocol::Digest;

use super::Stamp;

/// Most digests that are remembered as sound. Above it all are forgotten, and read again when they are needed.
const MAX_SOUND: usize = 100_000;

/// What is known of the bytes of one object folder and of the small objects beside it.
#[derive(Debug, Default)]
pub(super) struct Condition {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// With how the file looked when it was read; `None` for bytes in the database.
    sound: HashMap<Digest, Option<Stamp>>,
    damaged: BTreeSet<Digest>,
}

impl Condition {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_sound(&self, sha256: Digest, stamp: Option<&Stamp>) -> bool {
        let known = self.lock();
        known
            .sound
            .get(&sha256)
            .is_some_and(|read| read.as_ref() == stamp)
    }

    pub(super) fn note(&self, sha256: Digest, stamp: Option<Stamp>, is_sound: bool) {
        let mut known = self.lock();
        if !is_sound {
            known.sound.remove(&sha256);
            known.damaged.insert(sha256);
            return;
        }
        known.damaged.remove(&sha256);
        if known.sound.len() >= MAX_SOUND {
            known.sound.clear();
        }
        known.sound.insert(sha256, stamp);
    }

    pub(super) fn is_damaged(&self, sha256: Digest) -> bool {
        self.lock().damaged.contains(&sha256)
    }

    pub(super) fn damaged(&self) -> Vec<Digest> {
        self.lock().damaged.iter().copied().collect()
    }
}
