//! The list of events of each workspace, `.countersign/events.jsonl`: one line for each entry of the ledger about
//! it, for programs and people that look on with nothing but a file.
//!
//! The file says itself how far it is: after a crash the last whole line is read, and what a half-written one left
//! is cut off. So no line is lost and none is there twice.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use countersign_protocol::{log::LogLine, names};

use crate::{
    fault,
    fs::{Dir, Error, Lines},
    ledger::{Draft, Ledger, Recorded},
    store::{Space, StoreError},
    workspace::{FILE_MODE, Workspace, Workspaces},
};

/// Entries done at a time.
const PAGE: usize = 1_024;
/// From so many bytes on a new file is begun.
const LONGEST: u64 = 16 * 1024 * 1024;
/// Full files that are kept.
const KEPT: usize = 8;
/// The name of the mark.
const MARK: &str = "events";
/// The mark may lag behind so many entries: moving it costs a sync, and it only saves reading after a start.
const LAG: u64 = 4_096;

/// Why the files are not as new as the ledger. It goes on from there later.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file cannot be written.
    #[error(transparent)]
    Fs(#[from] Error),
    /// An entry cannot be read, or the ledger takes no mark.
    #[error("{0}")]
    Ledger(String),
}

/// The file of one workspace.
struct Open {
    lines: Lines,
    /// The last entry that is in it, or that is not about this workspace.
    done: u64,
    /// Whether it has lines that are not synced.
    fresh: bool,
}

#[derive(Default)]
struct Files {
    open: HashMap<Arc<str>, Open>,
    /// The mark on the disk; `None` until it was read.
    marked: Option<u64>,
}

/// The files of all workspaces. Clones share them.
#[derive(Clone)]
pub struct EventFiles {
    ledger: Ledger,
    workspaces: Arc<Workspaces>,
    files: Arc<Mutex<Files>>,
    /// From so many bytes on a new file is begun.
    longest: u64,
    /// The mark may lag behind so many entries.
    lag: u64,
}

impl std::fmt::Debug for EventFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventFiles").finish_non_exhaustive()
    }
}

impl EventFiles {
    /// The files of `workspaces`, as `ledger` tells them.
    pub fn new(ledger: Ledger, workspaces: Arc<Workspaces>) -> Self {
        Self {
            ledger,
            workspaces,
            files: Arc::default(),
            longest: LONGEST,
            lag: LAG,
        }
    }

    /// The same with shorter files.
    #[cfg(test)]
    pub(super) fn of_at_most(self, longest: u64) -> Self {
        Self { longest, ..self }
    }

    /// The same with a mark that lags behind fewer entries.
    #[cfg(test)]
    pub(super) fn lagging(self, lag: u64) -> Self {
        Self { lag, ..self }
    }

    /// Adds the lines that are missing. A workspace that cannot be written holds no other up.
    pub async fn run(&self) -> Result<(), EventsError> {
        let marked = self.marked().await?;
        let me = self.clone();
        let opened = blocking(move || Ok(me.open_all(marked))).await?;
        let mut failed = opened.err();
        while let Some(after) = self.behind() {
            let entries = self.ledger.entries(after, PAGE).await?;
            if entries.is_empty() {
                break;
            }
            let me = self.clone();
            let added = blocking(move || Ok(me.add(&entries))).await?;
            failed = failed.or(added);
        }
        self.mark(marked).await?;
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    fn files(&self) -> std::sync::MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entry after which the files may lack lines; `None` when all are as new as the ledger.
    fn behind(&self) -> Option<u64> {
        let head = self.ledger.state().head.seq;
        let files = self.files();
        let done = files.open.values().map(|open| open.done).min()?;
        (done < head).then_some(done)
    }

    async fn marked(&self) -> Result<u64, EventsError> {
        if let Some(marked) = self.files().marked {
            return Ok(marked);
        }
        let found = self
            .ledger
            .read(|store| store.value(Space::Progress, MARK))
            .await?;
        let marked = found.and_then(|mark| mark.parse().ok()).unwrap_or(0);
        self.files().marked = Some(marked);
        Ok(marked)
    }

    /// Opens the files of the workspaces that are served; gives the first error.
    fn open_all(&self, marked: u64) -> Result<(), Error> {
        let mut first = Ok(());
        for workspace in self.workspaces.all() {
            if self.files().open.contains_key(&workspace.name) {
                continue;
            }
            match open(&workspace, marked, self.ledger.state().head.seq) {
                Ok(open) => drop(self.files().open.insert(Arc::clone(&workspace.name), open)),
                Err(error) => first = first.and(Err(error)),
            }
        }
        first
    }

    /// Adds the lines of `entries` to the files that lack them; gives the first error.
    fn add(&self, entries: &[Arc<Recorded>]) -> Option<Error> {
        let mut texts: BTreeMap<String, Vec<(u64, String)>> = BTreeMap::new();
        for entry in entries {
            let line = self.ledger.state().log_line(&entry.body, entry.hash);
            if let Some(workspace) = &line.workspace {
                let text = serde_json::to_string(&line).unwrap_or_default();
                let texts = texts.entry(workspace.clone()).or_default();
                texts.push((entry.body.seq, text));
            }
        }
        let last = entries.last()?.body.seq;
        let mut failed = None;
        let mut files = self.files();
        let names: Vec<Arc<str>> = files.open.keys().cloned().collect();
        for name in names {
            let Some(open) = files.open.get_mut(&name) else {
                continue;
            };
            let texts = texts.get(&*name).into_iter().flatten();
            let fresh = texts.filter(|(seq, _)| *seq > open.done);
            let lines = fresh.flat_map(|(_, text)| [text.as_str(), "\n"]);
            let text: String = lines.collect();
            let added = match self.workspaces.get(&name) {
                // It is served no longer; when it is again, its file is opened again.
                None => Err(None),
                Some(workspace) => self.grow(&workspace, open, &text).map_err(Some),
            };
            match added {
                Ok(()) => open.done = open.done.max(last),
                Err(error) => {
                    // How much of it was written is not known: it is looked at again.
                    files.open.remove(&name);
                    failed = failed.or(error);
                }
            }
        }
        failed
    }

    fn grow(&self, workspace: &Workspace, open: &mut Open, text: &str) -> Result<(), Error> {
        if text.is_empty() {
            return Ok(());
        }
        if open.lines.length() >= self.longest {
            open.lines.sync()?;
            open.lines = rotated(workspace, open.done)?;
        }
        fault::step("events.before_add");
        open.lines.add(text.as_bytes())?;
        fault::step("events.after_add");
        open.fresh = true;
        Ok(())
    }

    /// Remembers how far all files are, once that is worth a sync.
    async fn mark(&self, marked: u64) -> Result<(), EventsError> {
        let done = {
            let files = self.files();
            files.open.values().map(|open| open.done).min()
        };
        let Some(done) = done.filter(|done| done.saturating_sub(marked) >= self.lag) else {
            return Ok(());
        };
        let me = self.clone();
        if let Some(error) = blocking(move || Ok(me.sync_all())).await? {
            return Err(error.into());
        }
        let draft = Draft {
            values: vec![(Space::Progress, MARK.to_owned(), Some(done.to_string()))],
            ..Draft::nothing(())
        };
        let kept = self
            .ledger
            .transact(move |_, _| Ok::<_, Infallible>(draft))
            .await;
        kept.map_err(|error| EventsError::Ledger(error.to_string()))?;
        self.files().marked = Some(done);
        Ok(())
    }

    /// Makes what was added last; gives the first error. A file that somebody removed or changed is looked at again.
    fn sync_all(&self) -> Option<Error> {
        let mut first = None;
        let mut files = self.files();
        files.open.retain(|_, open| {
            if !open.fresh {
                return true;
            }
            match open.lines.sync() {
                Ok(()) => open.fresh = false,
                Err(error) => {
                    first.get_or_insert(error);
                    return false;
                }
            }
            true
        });
        first
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EventsError> + Send + 'static,
) -> Result<T, EventsError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| EventsError::Ledger(error.to_string()))?
}

/// The name of a full file whose last line is that of entry `seq`, or before it.
fn full(seq: u64) -> String {
    format!("events-{seq:012}.jsonl")
}

fn seq_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("events-")?.strip_suffix(".jsonl")?;
    digits.parse().ok()
}

/// The full files in `own`, oldest first.
fn full_files(own: &Dir) -> Result<Vec<(u64, String)>, Error> {
    let listed = own.list()?.into_iter();
    let mut found: Vec<(u64, String)> = listed
        .filter_map(|one| {
            let name = one.path.to_str()?;
            Some((seq_of(name)?, name.to_owned()))
        })
        .collect();
    found.sort();
    Ok(found)
}

/// Opens the file and finds out how far it is. What is not ours, or says that it is ahead of the ledger, is
/// put aside, and the file made anew.
fn open(workspace: &Workspace, marked: u64, head: u64) -> Result<Open, Error> {
    let own = workspace.own()?;
    let name = Path::new(names::EVENTS);
    let is_new = own.kind(name)?.is_none();
    let found = match own.lines(name, FILE_MODE)? {
        Some(mut lines) => {
            let last = lines.last()?;
            let seq = match &last {
                None => Some(full_files(&own)?.last().map_or(0, |(seq, _)| *seq)),
                Some(last) => serde_json::from_str::<LogLine>(last)
                    .ok()
                    .map(|line| line.seq),
            };
            seq.filter(|seq| *seq <= head).map(|seq| (lines, seq))
        }
        None => None,
    };
    let (lines, seq) = match found {
        Some((lines, seq)) if is_new => (lines, seq),
        // What the mark covers is in it, or was about other workspaces.
        Some((lines, seq)) => (lines, seq.max(marked)),
        None => {
            put_aside(&own)?;
            (fresh(&own)?, 0)
        }
    };
    Ok(Open {
        lines,
        done: seq,
        fresh: false,
    })
}

fn put_aside(own: &Dir) -> Result<(), Error> {
    for number in 1.. {
        let aside = format!("{}.foreign-{number}", names::EVENTS);
        match own.rename_new(Path::new(names::EVENTS), Path::new(&aside)) {
            Err(error) if error.source.kind() == std::io::ErrorKind::AlreadyExists => {}
            other => return other,
        }
    }
    Ok(())
}

fn fresh(own: &Dir) -> Result<Lines, Error> {
    let lines = own.lines(Path::new(names::EVENTS), FILE_MODE)?;
    lines.ok_or_else(|| {
        let taken = std::io::Error::other("somebody else put something in its place");
        Error::new("open", own.path().join(names::EVENTS), taken)
    })
}

/// Begins a new file; the full one keeps its lines under another name, and the oldest goes.
fn rotated(workspace: &Workspace, done: u64) -> Result<Lines, Error> {
    let own = workspace.own()?;
    own.rename_new(Path::new(names::EVENTS), Path::new(&full(done)))?;
    let files = full_files(&own)?;
    for (_, name) in files.iter().take(files.len().saturating_sub(KEPT)) {
        own.remove_own_file(Path::new(name))?;
    }
    fresh(&own)
}
