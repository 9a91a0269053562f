//! Raw Tantivy: the peer of our index, with nothing around it.

use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tantivy::{
    Index, IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, TantivyError, Term,
    collector::{Count, TopDocs},
    query::{PhraseQuery, Query, TermQuery},
    schema::{Field, IndexRecordOption, STORED, STRING, Schema, TEXT},
};

use super::{BenchError, corpus::Corpus, system};
use crate::{clock::SharedClock, fs::Dir};

/// Threads, and the memory of each in bytes.
const THREADS: usize = 2;
const MEMORY: usize = 200 * 1024 * 1024;

/// An index of paths and words.
pub(super) struct Raw {
    index: Index,
    path: Field,
    text: Field,
}

fn failed(error: TantivyError) -> BenchError {
    system("use the raw index")(std::io::Error::other(error))
}

impl Raw {
    /// An empty one in `folder`.
    pub(super) fn create(folder: &Path) -> Result<Self, BenchError> {
        Dir::create(folder, 0o700)?;
        let mut schema = Schema::builder();
        let path = schema.add_text_field("path", STRING | STORED);
        let text = schema.add_text_field("text", TEXT);
        let index = Index::create_in_dir(folder, schema.build()).map_err(failed)?;
        Ok(Self { index, path, text })
    }

    /// Puts all of `corpus` in; gives how long that took, to the end of all merges.
    pub(super) fn fill(
        &self,
        corpus: &Corpus,
        clock: &SharedClock,
    ) -> Result<Duration, BenchError> {
        let start = clock.monotonic();
        let paths: Vec<_> = corpus.paths().collect();
        let mut writer: IndexWriter = self
            .index
            .writer_with_num_threads(THREADS, THREADS * MEMORY)
            .map_err(failed)?;
        let next = AtomicUsize::new(0);
        let work = || -> Result<(), BenchError> {
            while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                let text = read(path)?;
                self.add(&writer, &path.display().to_string(), &text)?;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let other = scope.spawn(work);
            work().and(other.join().unwrap_or(Ok(())))
        })?;
        writer.commit().map_err(failed)?;
        writer.wait_merging_threads().map_err(failed)?;
        Ok(clock.monotonic().saturating_sub(start))
    }

    fn add(&self, writer: &IndexWriter, path: &str, text: &str) -> Result<(), BenchError> {
        let mut document = TantivyDocument::default();
        document.add_text(self.path, path);
        document.add_text(self.text, text);
        writer.add_document(document).map_err(failed)?;
        Ok(())
    }

    fn reader(&self) -> Result<IndexReader, BenchError> {
        let reader = self.index.reader_builder();
        let reader = reader.reload_policy(ReloadPolicy::Manual);
        reader.try_into().map_err(failed)
    }

    /// How long each of `count` searches for the words of `phrase` takes, with ten documents read.
    pub(super) fn search(
        &self,
        phrase: &str,
        count: usize,
        clock: &SharedClock,
    ) -> Result<Vec<Duration>, BenchError> {
        let reader = self.reader()?;
        let terms: Vec<Term> = phrase
            .split(' ')
            .map(|word| Term::from_field_text(self.text, word))
            .collect();
        let query: Box<dyn Query> = match terms.as_slice() {
            [term] => Box::new(TermQuery::new(term.clone(), IndexRecordOption::WithFreqs)),
            _ => Box::new(PhraseQuery::new(terms)),
        };
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            let start = clock.monotonic();
            let searcher = reader.searcher();
            let best = TopDocs::with_limit(10).order_by_score();
            let (best, _) = searcher.search(&query, &(best, Count)).map_err(failed)?;
            for (_, address) in best {
                searcher.doc::<TantivyDocument>(address).map_err(failed)?;
            }
            times.push(clock.monotonic().saturating_sub(start));
        }
        Ok(times)
    }

    /// How long it takes until each of `count` documents is found: added, committed, loaded, searched.
    pub(super) fn freshness(
        &self,
        count: usize,
        clock: &SharedClock,
    ) -> Result<Vec<Duration>, BenchError> {
        let mut writer: IndexWriter = self
            .index
            .writer_with_num_threads(1, 64 * 1024 * 1024)
            .map_err(failed)?;
        let reader = self.reader()?;
        let mut times = Vec::with_capacity(count);
        for number in 0..count {
            let start = clock.monotonic();
            let word = format!("freshword{number}");
            self.add(&writer, &word, &format!("{word} stands here"))?;
            writer.commit().map_err(failed)?;
            reader.reload().map_err(failed)?;
            let term = Term::from_field_text(self.text, &word);
            let query = TermQuery::new(term, IndexRecordOption::Basic);
            let found = reader.searcher().search(&query, &Count).map_err(failed)?;
            times.push(clock.monotonic().saturating_sub(start));
            if found != 1 {
                return Err(system("find a document in the raw index")(
                    std::io::Error::other(format!("{found} documents")),
                ));
            }
        }
        Ok(times)
    }
}

/// The text of a file.
pub(super) fn read(path: &Path) -> Result<String, BenchError> {
    std::fs::read_to_string(path).map_err(system("read the corpus"))
}
