//! Files as they stood at some moment, searched in what was sealed of them.
//!
//! An index of its own in which each version of a file is one document. The versions that stood at a moment are read
//! when somebody first asks about it, and kept: who never asks pays nothing, an answer has everything that stood, and
//! the next moment costs only what differs. Like the other index it is derived, and can be thrown away at any time.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError},
    time::Duration,
};

use countersign_protocol::Digest;
use rustc_hash::FxHashSet;
use tantivy::{IndexWriter, TantivyError};

use super::{
    entry::Entry,
    file,
    known::Known,
    live::{IndexError, Live, THREADS, guarded},
    schema::Fields,
    standing::{Standing, Version},
    text,
    words::{self, Words},
};
use crate::{
    clock::SharedClock,
    extract::{Extractor, Source, Subject, Urgency},
    fault,
    fs::{self, Dir, Objects, Stamp},
    ledger::{Ledger, Revision},
};

/// Name of the folder in the state folder.
const FOLDER: &str = "index-past";
/// One question reads versions for at most so long; what is left comes with the next one.
const SPAN: Duration = Duration::from_secs(20);
/// Bytes of text below which one segment is written: a second one would cost more than to make its words beside the first.
const LITTLE: u64 = 1024 * 1024;

/// A version with its key.
type Keyed<'a> = (u64, Version<'a>);

/// An index, and versions that it does not have.
type Looked<'a> = (Arc<Live>, Vec<Keyed<'a>>);

/// The index's one writer, which merges segments while answers are given.
struct Writing {
    writer: IndexWriter<Entry>,
    /// Whether it is one for little text.
    is_little: bool,
}

impl Writing {
    fn open(live: &Live, text: u64) -> Result<Self, TantivyError> {
        let is_little = text < LITTLE;
        let threads = if is_little { 1 } else { THREADS };
        Ok(Self {
            writer: live.writer(text, threads)?,
            is_little,
        })
    }

    /// Waits until all is merged.
    fn close(self) {
        if let Err(error) = guarded(|| self.writer.wait_merging_threads()) {
            tracing::warn!(%error, "segments of the index of versions are not merged");
        }
    }
}

/// An open index, and the keys of the versions that are in it.
struct Open {
    live: Arc<Live>,
    known: FxHashSet<u64>,
}

/// The index of versions.
pub(super) struct Past {
    folder: Dir,
    ledger: Ledger,
    objects: Arc<Objects>,
    extractor: Arc<Extractor>,
    clock: SharedClock,
    /// Never held for long.
    open: Mutex<Option<Open>>,
    /// Held while versions are read. The writer stays for the next ones: to open it costs threads, and to close it waits
    /// for what it merges.
    reading: Mutex<Option<Writing>>,
    /// What the last question was about.
    last: Mutex<Arc<Standing>>,
}

impl std::fmt::Debug for Past {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Past").finish_non_exhaustive()
    }
}

impl Past {
    /// Makes its folder in `state`; nothing else happens before somebody asks.
    pub(super) fn new(
        state: &Dir,
        ledger: Ledger,
        objects: Arc<Objects>,
        extractor: Arc<Extractor>,
        clock: SharedClock,
    ) -> Result<Self, fs::Error> {
        Ok(Self {
            folder: state.make_folder(Path::new(FOLDER), 0o700)?,
            ledger,
            objects,
            extractor,
            clock,
            open: Mutex::default(),
            reading: Mutex::default(),
            last: Mutex::default(),
        })
    }

    fn held(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What stood of the newest revisions of a moment; see [`Standing::new`].
    pub(super) fn standing(
        &self,
        newest: Vec<(Arc<str>, Arc<Revision>)>,
        forgotten: usize,
    ) -> Arc<Standing> {
        let last = || self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let before = Arc::clone(&last());
        let standing = Arc::new(Standing::new(newest, forgotten, Some(&before)));
        *last() = Arc::clone(&standing);
        standing
    }

    /// An index that has what stood, and how many versions it does not have yet: there is a limit to what is read
    /// for one question, and nobody waits while versions are read for another one.
    pub(super) fn with(&self, standing: &Standing) -> Result<(Arc<Live>, u64), IndexError> {
        loop {
            let Some((live, missing)) = self.look(standing)? else {
                // What was let go of must not be found here any longer, and who asks now makes what is needed.
                let _alone = self.alone();
                if self.look(standing)?.is_none() {
                    self.begin_anew()?;
                }
                continue;
            };
            if missing.is_empty() {
                return Ok((live, 0));
            }
            let mut reading = match self.reading.try_lock() {
                Ok(reading) => reading,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return Ok((live, missing.len() as u64)),
            };
            if !self.is_open(&live) {
                continue;
            }
            let left = missing.len();
            let read = guarded(|| self.read(&live, &mut reading, missing, standing))?;
            let left = left - read.len();
            if let Some(open) = self.held().as_mut() {
                open.known.extend(read);
            }
            return Ok((live, left as u64));
        }
    }

    /// Whether that index was not replaced. It stays so for whoever holds `reading`.
    fn is_open(&self, live: &Arc<Live>) -> bool {
        let held = self.held();
        let open = held.as_ref();
        open.is_some_and(|open| Arc::ptr_eq(&open.live, live))
    }

    /// Waits until nobody reads or merges: the writer of an index that is replaced would write into the new one.
    fn alone(&self) -> MutexGuard<'_, Option<Writing>> {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writing) = reading.take() {
            writing.close();
        }
        reading
    }

    /// The index as it is, and what it does not have of what stood. `None` when it has what was let go of since.
    fn look<'a>(&self, standing: &'a Standing) -> Result<Option<Looked<'a>>, IndexError> {
        let mut held = self.held();
        if held.is_none() {
            *held = Some(self.opened()?);
        }
        let Some(open) = held.as_ref() else {
            return Ok(None);
        };
        let is_other = |payload: String| payload != standing.payload();
        if open.live.payload().is_some_and(is_other) {
            return Ok(None);
        }
        let missing = standing.versions();
        let mut missing: Vec<_> = missing
            .filter(|(key, _)| !open.known.contains(key))
            .collect();
        // The same question goes on where it was.
        missing.sort_unstable_by_key(|(key, _)| *key);
        Ok(Some((Arc::clone(&open.live), missing)))
    }

    /// Begins an empty index. To be called [`alone`](Self::alone).
    fn begin_anew(&self) -> Result<(), IndexError> {
        let mut held = self.held();
        *held = None;
        *held = Some(Open {
            live: Live::create(&self.folder)?,
            known: FxHashSet::default(),
        });
        Ok(())
    }

    fn opened(&self) -> Result<Open, IndexError> {
        let (live, _) = Live::open(&self.folder)?;
        let known = guarded(|| Known::load(&live.searcher()))?;
        Ok(Open {
            known: known.keys().collect(),
            live,
        })
    }

    /// How many versions it has.
    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        self.held().as_ref().map_or(0, |open| open.known.len())
    }

    /// Whether something may write to it.
    #[cfg(test)]
    pub(super) fn may_write(&self) -> bool {
        let reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        reading.is_some()
    }

    /// Throws it away.
    pub(super) fn clear(&self) -> Result<(), IndexError> {
        let _alone = self.alone();
        self.begin_anew()
    }

    /// Reads versions into the index, and gives the keys of those that are in it from now on. The writer is left in
    /// `reading`, but for one that failed.
    fn read(
        &self,
        live: &Live,
        reading: &mut Option<Writing>,
        versions: Vec<Keyed<'_>>,
        standing: &Standing,
    ) -> Result<Vec<u64>, IndexError> {
        let until = self.clock.monotonic() + SPAN;
        let text = versions.iter().map(|(_, version)| version.entry.size).sum();
        let mut writing = match reading.take() {
            Some(writing) if writing.is_little && text < LITTLE => writing,
            other => {
                if let Some(other) = other {
                    other.close();
                }
                Writing::open(live, text)?
            }
        };
        let writer = &mut writing.writer;
        let mut read = Vec::new();
        for (key, version) in versions {
            if self.clock.monotonic() > until {
                break;
            }
            if let Some(entry) = self.entry(key, version, &live.fields) {
                writer.add_document(entry)?;
                read.push(key);
            }
        }
        let mut prepared = writer.prepare_commit()?;
        fault::step("past.before_commit");
        prepared.set_payload(&standing.payload());
        prepared.commit()?;
        fault::step("past.after_commit");
        live.reload()?;
        *reading = Some(writing);
        Ok(read)
    }

    /// The document of a version. `None` when another try may find more in it.
    fn entry(&self, key: u64, version: Version<'_>, fields: &Fields) -> Option<Entry> {
        let path = version.path();
        let path = path.as_str();
        let (size, sha256) = (version.entry.size, version.entry.sha256);
        let name = file::Name {
            workspace: version.workspace,
            path,
            size,
            at: version.at().as_microsecond(),
        };
        let entry = file::named(&name, key, key, Some(sha256), fields);
        let stamp = Stamp {
            size,
            ..Stamp::default()
        };
        let plain = self.sealed(sha256).and_then(|sealed| match sealed {
            Source::Bytes(bytes) => text::read_from(bytes.as_slice(), stamp, path),
            Source::File(file) => text::read_from(file, stamp, path),
        });
        match plain {
            Ok(plain) if plain.is_for_a_child => {
                let words = self.words(path, sha256);
                words.map(|words| file::with_words(entry, words, fields))
            }
            Ok(plain) => Some(file::with_plain(entry, plain, path, fields)),
            Err(error) => {
                let words = Words::none(format!("It cannot be read: {error}."));
                Some(file::with_words(entry, words, fields))
            }
        }
    }

    /// The words that a child reads in a version. `None` when another try may find more.
    fn words(&self, path: &str, sha256: Digest) -> Option<Words> {
        let subject = Subject {
            name: path,
            sha256: Some(sha256),
        };
        let sealed = || self.sealed(sha256);
        let content = self.extractor.content(subject, Urgency::Background, sealed);
        if words::may_pass(&content) {
            return None;
        }
        let is_text = content.file_type.kind.is_text();
        let source = is_text.then(|| self.text(path, sha256)).flatten();
        Some(Words::of(content, source))
    }

    /// The text of a version that is text, as far as the index has it.
    pub(super) fn text(&self, path: &str, sha256: Digest) -> Option<String> {
        match self.sealed(sha256).ok()? {
            Source::Bytes(bytes) => text::decode(&bytes, true, path),
            Source::File(file) => text::read_text(&file, path).ok()?,
        }
    }

    /// Sealed bytes: small ones are in the ledger, others in a file. The ledger is asked last, since one thread answers
    /// for it.
    fn sealed(&self, sha256: Digest) -> io::Result<Source> {
        let file = self.objects.open_object(sha256).map_err(io::Error::other)?;
        if let Some(file) = file {
            return Ok(Source::File(file));
        }
        let bytes = self.ledger.object(sha256).map_err(io::Error::other)?;
        bytes
            .map(Source::Bytes)
            .ok_or_else(|| io::Error::other(format!("the bytes of {sha256} are not kept")))
    }
}

impl Drop for Past {
    /// Who opens the index next needs its one writer.
    fn drop(&mut self) {
        drop(self.alone());
    }
}
