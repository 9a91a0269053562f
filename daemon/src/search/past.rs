//! Files as they stood at some moment, searched in what was sealed of them.
//!
//! An index of its own in which each version of a file is one document. The versions that stood at a moment are read
//! when somebody first asks about it, and kept: who never asks pays nothing, an answer has everything that stood, and
//! the next moment costs only what differs. Like the other index it is derived, and can be thrown away at any time.

use std::{
    collections::{HashMap, HashSet},
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError},
    thread::JoinHandle,
    time::Duration,
};

use countersign_protocol::{Digest, HandoffId};
use jiff::Timestamp;
use tantivy::IndexWriter;

use super::{
    entry::Entry,
    file,
    known::Known,
    live::{IndexError, Live, THREADS, guarded},
    schema::{Fields, key_of_file, key_of_version},
    text,
    words::{self, Words},
};
use crate::{
    clock::SharedClock,
    extract::{Extractor, Source, Subject, Urgency},
    fault,
    fs::{self, Dir, Objects, Stamp},
    ledger::Ledger,
};

/// Name of the folder in the state folder.
const FOLDER: &str = "index-past";
/// One question reads versions for at most so long; what is left comes with the next one.
const SPAN: Duration = Duration::from_secs(20);
/// Bytes of text below which one segment is written: a second one would cost more than to make its words beside the first.
const LITTLE: u64 = 1024 * 1024;

/// A file as it stood.
#[derive(Clone, Debug)]
pub struct Version {
    /// Its workspace.
    pub workspace: Arc<str>,
    /// Its path in the workspace.
    pub path: String,
    /// Its content, which is in the sealed store.
    pub sha256: Digest,
    /// Size in bytes.
    pub size: u64,
    /// When it was handed over the last time before that moment.
    pub at: Timestamp,
    /// The entry of the ledger with which that was.
    pub seq: u64,
    /// The handoff.
    pub handoff: HandoffId,
    /// The revision of it.
    pub revision: u32,
}

/// The files that stood at some moment.
#[derive(Debug, Default)]
pub struct Standing {
    /// By key of the version, with the key of the file.
    versions: HashMap<u64, (u64, Version)>,
    forgotten: usize,
}

impl Standing {
    /// `forgotten` is how many revisions have lost their content so far: what is kept of them here goes with the
    /// next one.
    pub fn new(versions: impl Iterator<Item = Version>, forgotten: usize) -> Self {
        let keyed = versions.map(|one| {
            let file = key_of_file(&one.workspace, &one.path);
            let key = key_of_version(&one.workspace, &one.path, one.sha256);
            (key, (file, one))
        });
        Self {
            versions: keyed.collect(),
            forgotten,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.versions.len()
    }

    /// Whether nothing stood.
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// The version with that key.
    pub fn get(&self, key: u64) -> Option<&Version> {
        self.versions.get(&key).map(|(_, version)| version)
    }

    /// What the index notes of how much was let go of.
    fn payload(&self) -> String {
        format!("forgotten {}", self.forgotten)
    }

    /// The key of the file whose version that is.
    pub(super) fn file(&self, key: u64) -> Option<u64> {
        self.versions.get(&key).map(|(file, _)| *file)
    }
}

/// A version with its key.
type Keyed<'a> = (u64, &'a Version);

/// An index, and versions that it does not have.
type Looked<'a> = (Arc<Live>, Vec<Keyed<'a>>);

/// What merges the segments of the last reading, and holds the index's one writer until it is done.
type Merging = Option<JoinHandle<()>>;

/// An open index, and the keys of the versions that are in it.
struct Open {
    live: Arc<Live>,
    known: HashSet<u64>,
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
    /// Held while versions are read.
    reading: Mutex<Merging>,
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
        })
    }

    fn held(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An index that has what stood, and how many versions it does not have yet: there is a limit to what is read
    /// for one question, and nobody waits while versions are read for another one.
    pub(super) fn with(&self, standing: &Standing) -> Result<(Arc<Live>, u64), IndexError> {
        let (live, missing) = loop {
            if let Some(found) = self.look(standing)? {
                break found;
            }
            // What was let go of must not be found here any longer, and who asks now makes what is needed.
            let _alone = self.alone();
            if self.look(standing)?.is_none() {
                self.begin_anew()?;
            }
        };
        if missing.is_empty() {
            return Ok((live, 0));
        }
        let mut merging = match self.reading.try_lock() {
            Ok(reading) => reading,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok((live, missing.len() as u64)),
        };
        wait_for(&mut merging);
        let left = missing.len();
        let (read, writer) = guarded(|| self.read(&live, missing, standing))?;
        let left = left - read.len();
        if let Some(open) = self.held().as_mut()
            && Arc::ptr_eq(&open.live, &live)
        {
            open.known.extend(read);
        }
        *merging = merge(writer, &live);
        Ok((live, left as u64))
    }

    /// Waits until nobody reads or merges: the writer of an index that is replaced would write into the new one.
    fn alone(&self) -> MutexGuard<'_, Merging> {
        let mut merging = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        wait_for(&mut merging);
        merging
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
        let missing = standing.versions.iter();
        let missing = missing.filter(|(key, _)| !open.known.contains(key));
        let mut missing: Vec<_> = missing.map(|(key, (_, one))| (*key, one)).collect();
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
            known: HashSet::new(),
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

    /// Whether something may merge segments.
    #[cfg(test)]
    pub(super) fn may_merge(&self) -> bool {
        let merging = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        merging.is_some()
    }

    /// Throws it away.
    pub(super) fn clear(&self) -> Result<(), IndexError> {
        let _alone = self.alone();
        self.begin_anew()
    }

    /// Reads versions into the index, and gives the keys of those that are in it from now on, with the writer, whose
    /// segments may still have to be merged.
    fn read(
        &self,
        live: &Live,
        versions: Vec<Keyed<'_>>,
        standing: &Standing,
    ) -> Result<(Vec<u64>, IndexWriter<Entry>), IndexError> {
        let until = self.clock.monotonic() + SPAN;
        let text = versions.iter().map(|(_, version)| version.size).sum();
        let threads = if text < LITTLE { 1 } else { THREADS };
        let mut writer = live.writer(text, threads)?;
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
        Ok((read, writer))
    }

    /// The document of a version. `None` when another try may find more in it.
    fn entry(&self, key: u64, version: &Version, fields: &Fields) -> Option<Entry> {
        let path = version.path.as_str();
        let name = file::Name {
            workspace: &version.workspace,
            path,
            size: version.size,
            at: version.at.as_microsecond(),
        };
        let entry = file::named(&name, key, key, Some(version.sha256), fields);
        let stamp = Stamp {
            size: version.size,
            ..Stamp::default()
        };
        let plain = self.sealed(version.sha256).and_then(|sealed| match sealed {
            Source::Bytes(bytes) => text::read_from(bytes.as_slice(), stamp, path),
            Source::File(file) => text::read_from(file, stamp, path),
        });
        match plain {
            Ok(plain) if plain.is_for_a_child => {
                let words = self.words(version);
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
    fn words(&self, version: &Version) -> Option<Words> {
        let subject = Subject {
            name: &version.path,
            sha256: Some(version.sha256),
        };
        let sealed = || self.sealed(version.sha256);
        let content = self.extractor.content(subject, Urgency::Background, sealed);
        if words::may_pass(&content) {
            return None;
        }
        let is_text = content.file_type.kind.is_text();
        let source = is_text.then(|| self.text(version.sha256)).flatten();
        Some(Words::of(content, source))
    }

    /// The text of a version that is text, as far as the index has it.
    pub(super) fn text(&self, sha256: Digest) -> Option<String> {
        match self.sealed(sha256).ok()? {
            Source::Bytes(bytes) => text::decode(bytes),
            Source::File(file) => text::read_text(&file).ok()?,
        }
    }

    /// Sealed bytes: small ones are in the ledger, others in a file.
    fn sealed(&self, sha256: Digest) -> io::Result<Source> {
        if let Some(bytes) = self.ledger.object(sha256).map_err(io::Error::other)? {
            return Ok(Source::Bytes(bytes));
        }
        let file = self.objects.open_object(sha256).map_err(io::Error::other)?;
        file.map(Source::File)
            .ok_or_else(|| io::Error::other(format!("the bytes of {sha256} are not kept")))
    }
}

impl Drop for Past {
    /// Who opens the index next needs its one writer.
    fn drop(&mut self) {
        drop(self.alone());
    }
}

/// Lets the writer merge while answers are given.
fn merge(writer: IndexWriter<Entry>, live: &Arc<Live>) -> Option<JoinHandle<()>> {
    let live = Arc::clone(live);
    let merge = move || {
        let merged = guarded(|| {
            writer.wait_merging_threads()?;
            live.reload()
        });
        if let Err(error) = merged {
            tracing::warn!(%error, "segments of the index of versions are not merged");
        }
    };
    let thread = std::thread::Builder::new().name("index merge".to_owned());
    // Without it there are more segments for now, that is all.
    thread.spawn(merge).ok()
}

fn wait_for(merging: &mut Merging) {
    if let Some(merging) = merging.take() {
        // What it came to was logged.
        let _ = merging.join();
    }
}
