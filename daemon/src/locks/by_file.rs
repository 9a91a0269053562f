//! Locks for agents that can do no more than read, write and rename.
//!
//! A request in `locks/` is wanted for as long as it is there: to touch it is a sign of life, to remove it lets go.
//! What became of it stands beside it. Everything is found by looking at the folder, so a lost event costs a second
//! and a crash nothing: the table knows which file asked for which lock.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
    sync::Arc,
};

use countersign_protocol::{
    Digest,
    event::Process,
    lock::{
        self, Lock, LockAnswer, LockRequest, LockStatus, MOST, RequestFile, Table, answer_name,
    },
    names,
    principal::{Actor, Principal},
    problem::{ProblemKind, Refusal},
};

use super::{LockError, Locks, plan};
use crate::{
    fs::{Dir, FileKind, Stamp, Writers, read_limited, writers},
    ledger::{Draft, State},
    process::{ProcessTable, Processes as _},
    store::Space,
    workspace::{AnswerError, Answers, Workspace, Written, json},
};

/// Largest request, in bytes.
const LARGEST: u64 = 16 * 1024;
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

/// The folder as it is now.
#[derive(Default)]
struct Listing {
    requests: BTreeMap<String, Stamp>,
    answers: BTreeSet<String>,
}

/// A request that was read.
struct Asks {
    owner: Actor,
    request: lock::FileRequest,
    file: RequestFile,
}

/// What a look at a request gave.
enum Look {
    Asks(Box<Asks>),
    Refused(Refusal),
    /// Somebody is still at it, or it is gone: look again.
    Later,
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
            let remembered = |key: String| ledger.value(Space::Written, key);
            write(&here, due, &remembered)
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

/// An answer and where it belongs.
type Due = ((Arc<str>, String), String, Option<Vec<u8>>);
/// An answer that was written: where it belongs, its digest, and what is to be remembered.
type Done = ((Arc<str>, String), Option<Digest>, Written);

fn write(
    workspace: &Workspace,
    due: Vec<Due>,
    remembered: &dyn Fn(String) -> Result<Option<String>, crate::store::StoreError>,
) -> (Vec<Done>, Option<String>) {
    let folder = match workspace.dir().folder(Path::new(names::LOCKS)) {
        Ok(folder) => folder,
        Err(error) => return (Vec::new(), Some(error.to_string())),
    };
    let answers = Answers::new(folder, format!("{}/{}", workspace.name, names::LOCKS));
    let mut here = workspace.answering();
    let (mut done, mut failed) = (Vec::new(), None);
    for (place, name, bytes) in due {
        let result: Result<Option<(Option<Digest>, Written)>, AnswerError> = match bytes {
            Some(bytes) => answers
                .write(&mut here, &name, &bytes, remembered, false)
                .map(|written| Some((Some(Digest::of(&bytes)), written))),
            None => answers
                .remove(&mut here, &name, remembered)
                .map(|removed| Some((None, removed?))),
        };
        match result {
            Ok(Some((digest, written))) => done.push((place, digest, written)),
            Ok(None) => {}
            Err(error) => failed = Some(error.to_string()),
        }
    }
    (done, failed)
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| error.to_string())
}

/// The requests and answers in `locks/`, at most as many as one owner may have. `None` when the workspace is away.
fn list(workspace: &Workspace) -> Result<Option<Listing>, String> {
    let mut listing = Listing::default();
    let folder = match workspace.dir().folder(Path::new(names::LOCKS)) {
        Ok(folder) => folder,
        Err(_) if !workspace.is_there() => return Ok(None),
        Err(error) if error.is_not_found() => return Ok(Some(listing)),
        // A link in its place, or a folder that we may not read: there are no requests that we could read.
        Err(error) => return Err(error.to_string()),
    };
    for listed in folder.list().map_err(|error| error.to_string())? {
        let Some(name) = listed.path.to_str() else {
            continue;
        };
        if listed.kind != FileKind::File {
            continue;
        }
        if lock::is_request(name) && listing.requests.len() < MOST {
            if let Ok((FileKind::File, stamp)) = folder.look(&listed.path) {
                listing.requests.insert(name.to_owned(), stamp);
            }
        } else if name.ends_with(".answer.json") {
            listing.answers.insert(name.to_owned());
        }
    }
    Ok(Some(listing))
}

fn look(workspace: &Workspace, name: &str) -> Look {
    let folder: Dir = match workspace.dir().folder(Path::new(names::LOCKS)) {
        Ok(folder) => folder,
        Err(_) => return Look::Later,
    };
    let Ok(file) = folder.open_file(Path::new(name)) else {
        return Look::Later;
    };
    if writers(&file) == Writers::Some {
        return Look::Later;
    }
    let unreadable = |why: String| {
        let fix = "write a regular file of at most 16 KiB";
        Look::Refused(Refusal::new(ProblemKind::Unreadable, "lock", why, fix))
    };
    let (bytes, stamp) = match read_limited(&file, LARGEST) {
        Ok(read) => read,
        Err(crate::fs::ReadProblem::Changed) => return Look::Later,
        Err(problem) => return unreadable(problem.to_string()),
    };
    let uid = match file.metadata() {
        Ok(metadata) => std::os::unix::fs::MetadataExt::uid(&metadata),
        Err(error) => return unreadable(error.to_string()),
    };
    match lock::read(&bytes) {
        Ok(request) => Look::Asks(Box::new(Asks {
            owner: Actor::Agent {
                name: request.from_agent.clone(),
                principal: Principal::FileOwner { uid },
            },
            request,
            file: RequestFile {
                name: name.to_owned(),
                sha256: Digest::of(&bytes),
                inode: stamp.ino,
            },
        })),
        Err(refusal) => Look::Refused(refusal),
    }
}

fn of_file(table: &Table, workspace: &str, name: &str) -> Option<Arc<Lock>> {
    let mut all = table.held(workspace).chain(table.waiting(workspace));
    let is_it = |lock: &&Arc<Lock>| lock.file.as_ref().is_some_and(|file| file.name == name);
    all.find(is_it).cloned()
}

/// How a request stands, in the words of its answer.
fn answer_of(
    state: &State,
    now: jiff::Timestamp,
    workspace: &str,
    name: &str,
    known: &Known,
) -> Option<LockAnswer> {
    let table = state.locks();
    let Some(lock) = of_file(table, workspace, name) else {
        if known.refused.is_some() {
            return known.refused.clone();
        }
        let ended = table.ended_file(workspace, name)?;
        let next = "Write the request anew to ask again, or remove it.";
        return Some(LockAnswer {
            ended: Some(format!("{} {}", ended.lock.id, plan::how(Some(ended)))),
            ..about(&ended.lock, LockStatus::Ended, next.to_owned())
        });
    };
    let every = lock.ttl_seconds;
    if let Some(held) = lock.held {
        let next = format!(
            "It is yours. Touch the request at least every {every} s, and remove it to let go."
        );
        return Some(LockAnswer {
            fence: Some(held.fence),
            held_since: Some(held.since),
            ttl_seconds: Some(every),
            asked_to_release: lock.asked.as_ref().map(|asked| match &asked.note {
                Some(note) => format!("{}: {note}", asked.by.name()),
                None => asked.by.name().to_owned(),
            }),
            ..about(&lock, LockStatus::Held, next)
        });
    }
    let next = "Wait for this file to change. Remove the request to wait no longer.";
    let ahead = table.ahead_of(&lock);
    let mut waits_for: Vec<String> = ahead.iter().map(|other| plan::in_the_way(other)).collect();
    let readings = state.readings(now);
    let reading = State::kept_off(&readings, workspace, &lock.owner, &lock.pattern, lock.mode);
    waits_for.extend(reading.map(|one| format!("{} reads {}", one.by, one.handoff)));
    Some(LockAnswer {
        waits_for,
        ..about(&lock, LockStatus::Waiting, next.to_owned())
    })
}

fn about(lock: &Lock, status: LockStatus, next: String) -> LockAnswer {
    LockAnswer {
        lock: Some(lock.id),
        path: Some(lock.pattern.as_str().to_owned()),
        mode: Some(lock.mode),
        ..LockAnswer::new(status, next)
    }
}
