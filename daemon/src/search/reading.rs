//! Files that wait to be read by a child, and the one thread that has them read.
//!
//! It stands beside the indexer: a file that takes its reader half a minute keeps no other file from being
//! found. Until then it is found by its name. What changed just now comes before what a walk found.

use std::{
    collections::VecDeque,
    io::{self, Read as _},
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use countersign_protocol::Digest;

use super::{
    entry::Entry,
    file,
    indexer::Shared,
    known,
    live::{IndexError, guarded},
    schema::{Fields, schema},
    text,
    walk::Found,
    words::{self, Words},
};
use crate::{
    extract::{Extractor, Source, Subject, Urgency},
    fs::{self, Stamp},
    workspace::Workspace,
};

/// A file to be read.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) workspace: Arc<Workspace>,
    /// As it was when it was put into the index.
    pub(super) file: Found,
    pub(super) key: u64,
    /// Flags of a file that other users may not read.
    pub(super) privacy: Vec<String>,
    /// Whether it changed just now, rather than that a walk found it.
    pub(super) is_fresh: bool,
}

/// A file that was read, or could not be.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) key: u64,
    /// The stamp of the file that was read.
    pub(super) stamp: u64,
    /// The one that the index has from now on: another one where it is to be read again some time.
    pub(super) now: u64,
    /// Its document in the index.
    pub(super) entry: Entry,
    /// Bytes of its text.
    pub(super) bytes: usize,
    pub(super) is_fresh: bool,
}

#[derive(Debug, Default)]
struct Inner {
    fresh: VecDeque<Wanted>,
    others: VecDeque<Wanted>,
    /// Whether one is being read.
    is_busy: bool,
    done: Option<Done>,
    /// How many were taken into the index since the last commit.
    taken: usize,
    is_stopped: bool,
}

/// What the thread and the indexer share.
#[derive(Debug, Default)]
pub(super) struct Reading {
    inner: Mutex<Inner>,
    news: Condvar,
}

impl Reading {
    fn held(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, inner: MutexGuard<'a, Inner>) -> MutexGuard<'a, Inner> {
        self.news
            .wait(inner)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a file read.
    pub(super) fn want(&self, wanted: Wanted) {
        let mut inner = self.held();
        if wanted.is_fresh {
            // One that is written again and again waits once.
            inner.fresh.retain(|other| other.key != wanted.key);
            inner.fresh.push_back(wanted);
        } else {
            inner.others.push_back(wanted);
        }
        drop(inner);
        self.news.notify_all();
    }

    /// Forgets what waits: the index that wanted it is gone.
    pub(super) fn forget(&self) {
        let mut inner = self.held();
        inner.fresh.clear();
        inner.others.clear();
        inner.taken = 0;
    }

    /// What was taken is found from now on.
    pub(super) fn committed(&self) {
        self.held().taken = 0;
    }

    /// How many are not found by their words yet.
    pub(super) fn unfound(&self) -> usize {
        self.len() + self.held().taken
    }

    /// How many are not read yet.
    pub(super) fn len(&self) -> usize {
        let inner = self.held();
        let at_hand = usize::from(inner.is_busy) + usize::from(inner.done.is_some());
        inner.fresh.len() + inner.others.len() + at_hand
    }

    /// Takes what was read.
    pub(super) fn take(&self) -> Option<Done> {
        let mut inner = self.held();
        let done = inner.done.take();
        inner.taken += usize::from(done.is_some());
        drop(inner);
        self.news.notify_all();
        done
    }

    pub(super) fn stop(&self) {
        self.held().is_stopped = true;
        self.news.notify_all();
    }

    /// Waits for the next one; `None` at the end.
    fn next(&self) -> Option<Wanted> {
        let mut inner = self.held();
        loop {
            if inner.is_stopped {
                return None;
            }
            // One that was read and not taken is enough: its text may be long.
            if inner.done.is_none() {
                let next = inner.fresh.pop_front();
                if let Some(next) = next.or_else(|| inner.others.pop_front()) {
                    inner.is_busy = true;
                    return Some(next);
                }
            }
            inner = self.wait(inner);
        }
    }

    fn finish(&self, done: Option<Done>) {
        let mut inner = self.held();
        inner.is_busy = false;
        inner.done = done;
    }
}

/// Reads what is wanted until told to stop.
pub(super) fn run(shared: &Shared, extractor: &Extractor) {
    fs::give_way();
    let (_, fields) = schema();
    while let Some(wanted) = shared.reading.next() {
        let read = guarded(|| Ok::<_, IndexError>(read(&wanted, extractor)));
        let read = read.unwrap_or_else(|error| {
            tracing::error!(%error, path = wanted.file.path, "a file was not read");
            Some(Read {
                words: Words::none("The program that reads it ended on it.".to_owned()),
                digest: None,
                may_pass: false,
            })
        });
        let done = read.map(|read| done(&wanted, read, &fields));
        if done.is_none() {
            // It changed meanwhile, or went.
            let (workspace, path) = (&wanted.workspace.name, wanted.file.path.into());
            shared
                .pending
                .changed(Arc::clone(workspace), path, Duration::ZERO);
        }
        shared.reading.finish(done);
        shared.pending.tell_of_text();
    }
}

struct Read {
    words: Words,
    digest: Option<Digest>,
    /// Whether another try may find more.
    may_pass: bool,
}

/// Reads a file. `None` when it is not the one that was wanted.
fn read(wanted: &Wanted, extractor: &Extractor) -> Option<Read> {
    let path = wanted.file.path.as_str();
    let opened = wanted.workspace.dir().open_file(Path::new(path));
    let opened = opened.map_err(|error| error.source).and_then(|file| {
        let metadata = file.metadata()?;
        Ok((file, metadata))
    });
    let (mut file, metadata) = match opened {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            return Some(Read {
                words: Words::none(format!("It cannot be read: {error}.")),
                digest: None,
                may_pass: true,
            });
        }
    };
    let stamp = Stamp::of(&metadata);
    if !metadata.is_file() || stamp != wanted.file.stamp {
        return None;
    }
    let mut subject = Subject {
        name: path,
        sha256: None,
    };
    if stamp.size > text::LIMIT {
        // Its bytes may change under the child, so what it reads is kept under no digest.
        let content = extractor.content(subject, Urgency::Background, || Ok(Source::File(file)));
        return Some(Read {
            may_pass: words::may_pass(&content),
            words: Words::of(content, None),
            digest: None,
        });
    }
    let mut bytes = Vec::with_capacity(text::within_limit(stamp.size));
    if let Err(error) = (&mut file).take(text::LIMIT).read_to_end(&mut bytes) {
        return Some(Read {
            words: Words::none(format!("It cannot be read: {error}.")),
            digest: None,
            may_pass: true,
        });
    }
    subject.sha256 = Some(Digest::of(&bytes));
    let content = extractor.content(subject, Urgency::Background, || {
        Ok(Source::Bytes(bytes.clone()))
    });
    let source = content
        .file_type
        .kind
        .is_text()
        .then(|| text::decode(&bytes, true, path));
    Some(Read {
        may_pass: words::may_pass(&content),
        words: Words::of(content, source.flatten()),
        digest: subject.sha256,
    })
}

fn done(wanted: &Wanted, read: Read, fields: &Fields) -> Done {
    let stamp = known::of_file(&wanted.file.stamp);
    let now = if read.may_pass {
        known::without_text(stamp)
    } else {
        stamp
    };
    Done {
        key: wanted.key,
        stamp,
        now,
        bytes: read.words.text.len(),
        entry: file::as_read(wanted, now, read.words, read.digest, fields),
        is_fresh: wanted.is_fresh,
    }
}
