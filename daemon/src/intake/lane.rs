//! Lanes for large files: reading them takes from seconds to hours, and nothing small waits for that.
//!
//! The workers of the intake read handoffs with small files only. What names more goes to a lane of its workspace, which
//! has a thread of its own while there is anything in it. So nothing waits behind a file of another size or of
//! another workspace.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::fs::give_way;

/// Bytes of files that a worker of all workspaces reads for one document.
const MAX_SMALL: u64 = 64 * 1024 * 1024;
/// Bytes of files that the first lane of a workspace reads for one document.
const MAX_LARGE: u64 = 4 * 1024 * 1024 * 1024;

/// The size of the files that a document names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Lane {
    /// Read by the workers of all workspaces.
    Small,
    /// Up to a few seconds of reading.
    Large,
    /// Anything else.
    Huge,
}

impl Lane {
    /// Returns the lane for that many bytes.
    pub(super) fn of(bytes: u64) -> Self {
        if bytes <= MAX_SMALL {
            Self::Small
        } else if bytes <= MAX_LARGE {
            Self::Large
        } else {
            Self::Huge
        }
    }
}

/// A lane of a workspace.
pub(super) type LaneOf = (Arc<str>, Lane);

/// The turns of deliveries over HTTP, one at a time in each lane of a workspace.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<LaneOf, Arc<Semaphore>>>);

impl Turns {
    /// Waits for a turn in that lane. The small one needs none.
    pub(super) async fn wait(
        &self,
        workspace: &Arc<str>,
        lane: Lane,
    ) -> Option<OwnedSemaphorePermit> {
        if lane == Lane::Small {
            return None;
        }
        let turns = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let turns = all.entry((Arc::clone(workspace), lane));
            let turns = turns.or_insert_with(|| Arc::new(Semaphore::new(1)));
            Arc::clone(turns)
        };
        turns.acquire_owned().await.ok()
    }
}

/// Runs `work` in a thread that may block: for large files in one of its own, which ends with the program and gives way
/// to others.
pub(super) async fn run<T: Send + 'static>(
    lane: Lane,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    if lane == Lane::Small {
        let done = tokio::task::spawn_blocking(work).await;
        return done.map_err(|error| error.to_string());
    }
    let (send, done) = oneshot::channel();
    let thread = std::thread::Builder::new().name("intake-large".to_owned());
    let spawned = thread.spawn(move || {
        give_way();
        drop(send.send(work()));
    });
    spawned.map_err(|error| error.to_string())?;
    let ended = "a defect of the program stopped the reading of a large file";
    done.await.map_err(|_| ended.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_choose_their_lane() {
        assert_eq!(Lane::of(0), Lane::Small);
        assert_eq!(Lane::of(MAX_SMALL), Lane::Small);
        assert_eq!(Lane::of(MAX_SMALL + 1), Lane::Large);
        assert_eq!(Lane::of(MAX_LARGE), Lane::Large);
        assert_eq!(Lane::of(MAX_LARGE + 1), Lane::Huge);
        assert_eq!(Lane::of(u64::MAX), Lane::Huge);
    }

    #[tokio::test]
    async fn turns_are_per_workspace_and_lane() {
        let turns = Turns::default();
        let (one, other) = (Arc::from("one"), Arc::from("other"));
        let held = turns.wait(&one, Lane::Large).await;
        assert!(held.is_some());
        assert!(turns.wait(&one, Lane::Small).await.is_none());
        assert!(turns.wait(&one, Lane::Huge).await.is_some());
        assert!(turns.wait(&other, Lane::Large).await.is_some());
        let next = turns.wait(&one, Lane::Large);
        assert!(
            tokio::time::timeout(std::time::Duration::ZERO, next)
                .await
                .is_err()
        );
        drop(held);
        assert!(turns.wait(&one, Lane::Large).await.is_some());
    }
}
