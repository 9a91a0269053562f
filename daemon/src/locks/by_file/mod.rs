//! Locks for agents that can do no more than read, write and rename.
//!
//! A request in `locks/` is wanted for as long as it is there: to touch it is a sign of life, to remove it lets go.
//! What became of it stands beside it. Everything is found by looking at the folder, so a lost event costs a second
//! and a crash nothing: the table knows which file asked for which lock.

mod answer;
mod look;

use std::{collections::HashMap, sync::Arc};

use countersign_protocol::{
    Digest,
    event::Process,
    lock::{self, Lock, LockAnswer, LockRequest, Table, answer_name},
    problem::{ProblemKind, Refusal},
};

use super::{LockError, Locks};
use crate::{
    fs::Stamp,
    ledger::Draft,
    process::{ProcessTable, Processes as _},
    store::Space,
    workspace::{Remembered, Workspace, json},
};
use answer::{answer_of, write};
use look::{Asks, Listing, Look, list, look};

/// A request in line is heard again when less of its lease is left, in seconds.
const RENEW_BELOW: u64 = 60;

/// What the stage remembers of the requests that it looked at.
#[derive(Debug, Default)]
pub(super) struct Files {
    by_name: HashMap<(Arc<str>, String), Known>,
}

#[derive(Clone, Debug)]
struct Known {
    stamp: Stamp,
    /// The answer, when it was refused.
    refused: Option<LockAnswer>,
    /// Digest of the answer that was written last.
    answered: Option<Digest>,
}

/// Why requests could not be answered. The others were.
#[derive(Debug, thiserror::Error)]
#[error("requests in `{workspace}/locks` cannot be answered: {why}")]
pub struct FilesError {
    workspace: String,
    why: String,
}

impl Locks {
    /// Looks at the requests of every workspace, does what they ask for, and writes the answers.
    pub async fn look_at_files(&self) -> Result<(), FilesError> {
        let mut files = self.inner.files.lock().await;
        let mut failed = None;
        for workspace in self.inner.workspaces.all() {
            if let Err(why) = self.look_in(&workspace, &mut files).await {
                let workspace = workspace.name.to_string();
                failed = Some(FilesError { workspace, why });
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn look_in(&self, workspace: &Arc<Workspace>, files: &mut Files) -> Result<(), String> {
        let here = Arc::clone(workspace);
        let listing = in_background(move || list(&here)).await?;
        // A workspace that is away says nothing about what agents removed.
        let Some(listing) = listing? else {
            return Ok(());
        };
        for lock in self.of_files(&workspace.name) {
            let name = lock.file.as_ref().map(|file| file.name.as_str());
            if name.is_some_and(|name| !listing.requests.contains_key(name)) {
                self.let_go(&lock).await?;
            }
        }
        files.by_name.retain(|(place, name), _| {
            *place != workspace.name || listing.requests.contains_key(name)
        });
        for (name, stamp) in &listing.requests {
            self.look_at(workspace, name, *stamp, files).await?;
        }
        self.answer(workspace, &listing, files).await
    }

    /// The locks that were asked for by file in a workspace.
    fn of_files(&self, workspace: &str) -> Vec<Arc<Lock>> {
        let state = self.inner.ledger.state();
        let table = state.locks();
        let all = table.held(workspace).chain(table.waiting(workspace));
        all.filter(|lock| lock.file.is_some()).cloned().collect()
    }

    async fn let_go(&self, lock: &Lock) -> Result<(), String> {
        match self.release(lock.id, lock.owner.clone(), None).await {
            Err(LockError::Unavailable(why)) => Err(why),
            // It ended in another way meanwhile.
            _ => Ok(()),
        }
    }

    async fn look_at(
        &self,
        workspace: &Arc<Workspace>,
        name: &str,
        stamp: Stamp,
        files: &mut Files,
    ) -> Result<(), String> {
        let place = (Arc::clone(&workspace.name), name.to_owned());
        let current = of_file(self.inner.ledger.state().locks(), &workspace.name, name);
        let known = files.by_name.get(&place);
        if known.is_some_and(|known| known.stamp == stamp) {
            return match current.filter(|lock| lock.held.is_none()) {
                Some(lock) => self.stays_in_line(lock).await,
                None => Ok(()),
            };
        }
        let (here, asked) = (Arc::clone(workspace), name.to_owned());
        let refused = match in_background(move || look(&here, &asked)).await? {
            Look::Later => return Ok(()),
            Look::Refused(refusal) => {
                if let Some(lock) = current {
                    self.let_go(&lock).await?;
                }
                Some(LockAnswer::refused(refusal))
            }
            Look::Asks(asks) => self.asked(&workspace.name, *asks, current).await?,
        };
        let answered = files.by_name.get(&place).and_then(|known| known.answered);
        let known = Known {
            stamp,
            refused,
            answered,
        };
        files.by_name.insert(place, known);
        Ok(())
    }

    /// Does what a request asks for that is new or was touched. Gives the answer when it comes to nothing.
    async fn asked(
        &self,
        workspace: &str,
        asks: Asks,
        current: Option<Arc<Lock>>,
    ) -> Result<Option<LockAnswer>, String> {
        let Asks {
            owner,
            request,
            file,
        } = asks;
        let is_the_same = |lock: &Lock| {
            let known = lock.file.as_ref().map(|known| known.sha256);
            known == Some(file.sha256) && lock::is_same_owner(&lock.owner, &owner)
        };
        match current {
            Some(lock) if is_the_same(&lock) => {
                return match self.renew(lock.id, owner, None, (None, None)).await {
                    Err(LockError::Unavailable(why)) => Err(why),
                    _ => Ok(None),
                };
            }
            Some(lock) => self.let_go(&lock).await?,
            None => {
                let state = self.inner.ledger.state();
                let ended = state.locks().ended_file(workspace, &file.name);
                if ended.is_some_and(|ended| ended.lock.file.as_ref() == Some(&file)) {
                    return Ok(None);
                }
            }
        }
        let process = request.pid.and_then(|pid| {
            let started = ProcessTable.started(pid)?;
            Some(Process { pid, started })
        });
        let asked = LockRequest {
            path: request.pattern.as_str().to_owned(),
            kind: request.pattern.kind(),
            mode: request.mode,
            ttl_seconds: request.ttl_seconds,
            reason: request.reason,
            process,
            key: None,
            file: Some(file),
        };
        let taken = self
            .acquire(owner, workspace, request.pattern, asked, request.wait)
            .await;
        match taken {
            Ok(_) => Ok(None),
            Err(LockError::Unavailable(why)) => Err(why),
            Err(error) => {
                let fix = "leave `wait` out to wait in line, or ask again later";
                let refusal = Refusal::new(ProblemKind::Locked, "lock", error.to_string(), fix);
                Ok(Some(LockAnswer::refused(refusal)))
            }
        }
    }

    /// In line, to be there is sign of life enough.
    async fn stays_in_line(&self, lock: Arc<Lock>) -> Result<(), String> {
        let leased = self.leased([Arc::clone(&lock)]);
        let left = leased.first().and_then(|one| one.lease);
        if left.is_some_and(|(left, _)| left.as_secs() >= RENEW_BELOW) {
            return Ok(());
        }
        match self
            .renew(lock.id, lock.owner.clone(), None, (None, None))
            .await
        {
            Err(LockError::Unavailable(why)) => Err(why),
            _ => Ok(()),
        }
    }

    /// Writes the answers that changed, and takes those away whose request is gone.
    async fn answer(
        &self,
        workspace: &Arc<Workspace>,
        listing: &Listing,
        files: &mut Files,
    ) -> Result<(), String> {
        let mut due = Vec::new();
        {
            let state = self.inner.ledger.state();
            let now = state.last_time.unwrap_or_default();
            for name in listing.requests.keys() {
                let place = (Arc::clone(&workspace.name), name.clone());
                let Some(known) = files.by_name.get_mut(&place) else {
                    continue;
                };
                let Some(answer) = answer_of(&state, now, &workspace.name, name, known) else {
                    continue;
                };
                let bytes = json(&answer);
                let digest = Digest::of(&bytes);
                let name = answer_name(name);
                if known.answered != Some(digest) || !listing.answers.contains(&name) {
                    due.push((place, name, Some(bytes)));
                }
            }
        }
        for answer in &listing.answers {
            let has_request = |name: &String| answer_name(name) == *answer;
            if !listing.requests.keys().any(has_request) {
                let place = (Arc::clone(&workspace.name), String::new());
                due.push((place, answer.clone(), None));
            }
        }
        if due.is_empty() {
            return Ok(());
        }
        let (here, ledger) = (Arc::clone(workspace), self.inner.ledger.clone());
        let (written, failed) = in_background(move || {
            let last = |key: String| ledger.value(Space::Written, key);
            let wrote = |digest| ledger.wrote(digest);
            let remembered = Remembered {
                last: &last,
                wrote: &wrote,
            };
            write(&here, due, remembered)
        })
        .await?;
        let mut values = Vec::new();
        for (place, digest, value) in written {
            if let Some(known) = files.by_name.get_mut(&place) {
                known.answered = digest;
            }
            values.push(value);
        }
        let recorded = self.inner.ledger.transact(move |_, _| {
            Ok::<_, std::convert::Infallible>(Draft {
                values,
                ..Draft::nothing(())
            })
        });
        recorded.await.map_err(|error| error.to_string())?;
        failed.map_or(Ok(()), Err)
    }
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| error.to_string())
}

fn of_file(table: &Table, workspace: &str, name: &str) -> Option<Arc<Lock>> {
    let mut all = table.held(workspace).chain(table.waiting(workspace));
    let is_it = |lock: &&Arc<Lock>| lock.file.as_ref().is_some_and(|file| file.name == name);
    all.find(is_it).cloned()
}
