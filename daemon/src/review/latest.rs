//! What takes a look at every card to find, kept until the ledger moves.

use std::sync::{Arc, Mutex, PoisonError};

use crate::ledger::State;

/// What was found at an entry of the ledger; nothing is known before the first.
#[derive(Debug, Default)]
pub(super) struct Latest<T>(Mutex<(u64, Arc<T>)>);

impl<T> Latest<T> {
    /// What `find` finds at the last entry of `state`, looked for once.
    pub(super) fn at(&self, state: &State, find: impl FnOnce(&State) -> T) -> Arc<T> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.0 != state.head.seq {
            *held = (state.head.seq, Arc::new(find(state)));
        }
        Arc::clone(&held.1)
    }
}
