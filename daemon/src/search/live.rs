//! The index on the disk: opened, made anew when it cannot be used, and read.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tantivy::{
    Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher, TantivyError, Term,
    collector::Count, directory::MmapDirectory, indexer::IndexWriterOptions, query::TermQuery,
    schema::IndexRecordOption,
};

use super::{
    entry::Entry,
    merging::Merging,
    schema::{FORMAT, Fields, flag, schema, tokenizers},
    status::Held,
    vocabulary::Vocabularies,
};
use crate::{
    fault,
    fs::{self, Dir},
};

/// Name of the folder in the state folder.
pub(super) const FOLDER: &str = "index";
/// Threads that make segments; they use the cores that are there, at low priority.
pub(super) const THREADS: usize = 2;
/// Memory of each in bytes, by how many bytes of text there are at most for which it is enough. Each time it is full a segment is
/// written, and many small ones are much work in a large index; in a small one it would never be used.
const MEMORY: [(u64, usize); 3] = [
    (64 * 1024 * 1024, 16 * 1024 * 1024),
    (512 * 1024 * 1024, 40 * 1024 * 1024),
    (u64::MAX, 80 * 1024 * 1024),
];

/// Why there is no index.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Its folder cannot be made or cleared.
    #[error(transparent)]
    Fs(#[from] fs::Error),
    /// The index itself says no.
    #[error("the index cannot be used: {0}")]
    Index(#[from] TantivyError),
    /// A question was given up: what it asks for takes too long.
    #[error("the question takes too long")]
    TooSlow,
    /// Its code stopped in the middle, which damaged files make it do.
    #[error("the index is damaged: {0}")]
    Panicked(String),
}

impl IndexError {
    /// Whether another try may go well with the same files: the disk is full, or refuses to be written.
    pub(super) fn may_pass(&self) -> bool {
        let source = match self {
            Self::Fs(error) => return error.is_full(),
            Self::TooSlow => return true,
            Self::Index(TantivyError::IoError(source)) => source,
            // A worker that died says no more than that; the next try shows what it was.
            Self::Index(TantivyError::LockFailure(..) | TantivyError::ErrorInThread(_)) => {
                return true;
            }
            _ => return false,
        };
        matches!(
            source.kind(),
            std::io::ErrorKind::StorageFull
                | std::io::ErrorKind::QuotaExceeded
                | std::io::ErrorKind::ReadOnlyFilesystem
        )
    }
}

/// Runs code of the index, which damaged files can make panic.
pub(super) fn guarded<T, E: Into<IndexError>>(
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, IndexError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(Into::into),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            Err(IndexError::Panicked(text.unwrap_or_default()))
        }
    }
}

/// An open index. Every searcher sees one commit.
pub(super) struct Live {
    pub(super) index: Index,
    pub(super) fields: Fields,
    pub(super) vocabularies: Vocabularies,
    reader: IndexReader,
    path: PathBuf,
    /// What the commit with this generation holds, once somebody has asked.
    held: Mutex<Option<(u64, Held)>>,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Live {
    /// Opens the index below `folder`, a folder that only the daemon writes. What is there in another
    /// format or cannot be read is removed and an empty index made; the reason is given back.
    pub(super) fn open(folder: &Dir) -> Result<(Arc<Self>, Option<String>), IndexError> {
        let here = Path::new(FORMAT);
        let mut why = None;
        for other in folder.list()? {
            if other.path != here {
                why = Some("it was in another format".to_owned());
                folder.remove_own_folder(&other.path)?;
            }
        }
        if folder.kind(here)?.is_some() {
            match guarded(|| Self::open_at(&folder.path().join(here))) {
                Ok(live) => return Ok((Arc::new(live), None)),
                Err(error) if error.may_pass() => return Err(error),
                Err(error) => {
                    why = Some(error.to_string());
                    folder.remove_own_folder(here)?;
                }
            }
        }
        fault::step("index.removed");
        folder.make_folder(here, 0o700)?;
        let live = guarded(|| Self::create_at(&folder.path().join(here)))?;
        Ok((
            Arc::new(live),
            Some(why.unwrap_or_else(|| "there was none".to_owned())),
        ))
    }

    /// Makes an empty index in the place of whatever there is.
    pub(super) fn create(folder: &Dir) -> Result<Arc<Self>, IndexError> {
        for one in folder.list()? {
            folder.remove_own_folder(&one.path)?;
        }
        Ok(Self::open(folder)?.0)
    }

    fn open_at(path: &Path) -> Result<Self, TantivyError> {
        let index = Index::open(MmapDirectory::open(path)?)?;
        let (expected, fields) = schema();
        if index.schema() != expected {
            return Err(TantivyError::SchemaError(
                "its fields are others".to_owned(),
            ));
        }
        Self::of(index, fields, path)
    }

    fn create_at(path: &Path) -> Result<Self, TantivyError> {
        let (schema, fields) = schema();
        let directory = MmapDirectory::open(path)?;
        let settings = IndexSettings {
            // What is stored of a file is short: to hand it to another thread takes longer than to compress it.
            docstore_compress_dedicated_thread: false,
            ..IndexSettings::default()
        };
        let index = Index::create(directory, schema, settings)?;
        Self::of(index, fields, path)
    }

    fn of(mut index: Index, fields: Fields, path: &Path) -> Result<Self, TantivyError> {
        index.set_tokenizers(tokenizers());
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()?;
        Ok(Self {
            index,
            fields,
            vocabularies: Vocabularies::default(),
            reader,
            path: path.to_owned(),
            held: Mutex::default(),
        })
    }

    /// The one writer, for about so many bytes of text at a time. Each thread makes segments of its own.
    pub(super) fn writer(
        &self,
        text: u64,
        threads: usize,
    ) -> Result<IndexWriter<Entry>, TantivyError> {
        let enough = MEMORY.iter().find(|(most, _)| text <= *most);
        let memory = enough.map_or(MEMORY[0].1, |(_, memory)| *memory);
        let options = IndexWriterOptions::builder()
            .num_worker_threads(threads)
            .memory_budget_per_thread(memory)
            .num_merge_threads(1)
            .build();
        let writer = self.index.writer_with_options(options)?;
        writer.set_merge_policy(Box::new(Merging::default()));
        Ok(writer)
    }

    /// Lets the next searcher see the last commit.
    pub(super) fn reload(&self) -> Result<(), TantivyError> {
        self.reader.reload()?;
        self.vocabularies.keep_only(&self.searcher());
        Ok(())
    }

    /// The last commit that was loaded.
    pub(super) fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }

    /// What the last commit says of itself.
    pub(super) fn payload(&self) -> Option<String> {
        self.index.load_metas().ok()?.payload
    }

    /// How much the last commit that was loaded holds. Counted once for each, since whoever waits for the index
    /// asks many times a second.
    pub(super) fn held(&self) -> Held {
        let generation = self.searcher().generation().generation_id();
        let mut known = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match *known {
            Some((of, held)) if of == generation => held,
            _ => {
                let held = Held {
                    bytes: self.bytes(),
                    cut: self.count(flag::CUT),
                    unread: self.count(flag::UNREAD),
                };
                *known = Some((generation, held));
                held
            }
        }
    }

    /// Bytes on the disk.
    fn bytes(&self) -> u64 {
        let Ok(folder) = Dir::open(&self.path) else {
            return 0;
        };
        let names = folder.list().unwrap_or_default();
        let sizes = names.iter().map(|one| folder.stamp(&one.path));
        sizes.flatten().map(|stamp| stamp.size).sum()
    }

    /// How many documents have `flag`.
    fn count(&self, flag: &str) -> u64 {
        let term = Term::from_field_text(self.fields.flags, flag);
        let query = TermQuery::new(term, IndexRecordOption::Basic);
        let counted = guarded(|| self.searcher().search(&query, &Count));
        counted.unwrap_or_default() as u64
    }

    /// Reads every file of the index and compares it with its checksum. Gives the first that differs.
    ///
    /// It opens the index once more: pages of a file that a searcher has mapped would stay in our memory after they
    /// were read, and in the end all of the index would.
    pub(super) fn damaged_file(&self) -> Option<PathBuf> {
        let check = || Index::open(MmapDirectory::open(&self.path)?)?.validate_checksum();
        // Files that a merge removes meanwhile are an error, not damage.
        let damaged = guarded(check).unwrap_or_default();
        damaged.into_iter().next()
    }
}
