//! The digests of all files that we wrote into workspaces and remember, wherever they lie now.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use countersign_protocol::Digest;

use crate::store::{Space, Store, StoreError, Value};

/// The set. It is read from the engine when it is asked for the first time, and follows the commits from then on.
#[derive(Debug, Default)]
pub(super) struct WrittenDigests(Mutex<Option<HashSet<Digest>>>);

impl WrittenDigests {
    /// Whether a file with these bytes was written. Called by the thread that holds the engine.
    pub(super) fn contains(
        &self,
        store: &mut dyn Store,
        digest: Digest,
    ) -> Result<bool, StoreError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            let values = store.values(Space::Written)?;
            *known = Some(
                values
                    .iter()
                    .filter_map(|(_, one)| one.parse().ok())
                    .collect(),
            );
        }
        Ok(known.as_ref().is_some_and(|known| known.contains(&digest)))
    }

    /// Follows what a commit wrote.
    pub(super) fn follow(&self, values: &[Value]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_mut() {
            let written = values.iter().filter(|(space, ..)| *space == Space::Written);
            known.extend(written.filter_map(|(_, _, one)| one.as_ref()?.parse::<Digest>().ok()));
        }
    }
}
