//! The words of a segment as one stretch of bytes, to look for a piece of a word.
//!
//! A dictionary finds words by their beginning only. Going through all of them costs a tenth of a
//! second in a large index; looking for a piece in one stretch of memory a few thousandths.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tantivy::{Searcher, SegmentReader, index::SegmentId, schema::Field};

use super::fold::folded_path;

/// Every so many words the place of one is kept.
const STEP: usize = 64;
/// Ends each word. No word or path contains it.
const END: u8 = 0;

/// Words in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    /// Each word behind the `END` of the one before; the first behind one, too.
    bytes: Vec<u8>,
    /// Where the word of number `STEP * n` begins.
    steps: Vec<usize>,
    count: usize,
}

/// Where a piece must stand in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// At its start.
    Start,
    /// At its end.
    End,
    /// Anywhere.
    Anywhere,
}

impl Vocabulary {
    fn push(&mut self, word: &[u8]) {
        if self.bytes.is_empty() {
            self.bytes.push(END);
        }
        if self.count.is_multiple_of(STEP) {
            self.steps.push(self.bytes.len());
        }
        self.bytes.extend_from_slice(word);
        self.bytes.push(END);
        self.count += 1;
    }

    /// The words of `field` in `segment`.
    fn of_words(segment: &SegmentReader, field: Field) -> tantivy::Result<Self> {
        let inverted = segment.inverted_index(field)?;
        let mut words = inverted.terms().stream()?;
        let mut all = Self::default();
        while words.advance() {
            all.push(words.key());
        }
        all.bytes.shrink_to_fit();
        Ok(all)
    }

    /// The values of a column of `segment`, folded.
    fn of_column(segment: &SegmentReader, field: Field) -> tantivy::Result<Self> {
        let mut all = Self::default();
        let name = segment.schema().get_field_name(field);
        if let Some(column) = segment.fast_fields().str(name)? {
            let mut values = column.dictionary().stream()?;
            while values.advance() {
                let value = String::from_utf8_lossy(values.key());
                all.push(folded_path(&value).as_bytes());
            }
        }
        all.bytes.shrink_to_fit();
        Ok(all)
    }

    /// Calls `each` with the place of every word that has `piece` there, and with the word, in order, until it
    /// says `false`.
    fn each<'a>(&'a self, piece: &str, at: At, mut each: impl FnMut(usize, &'a str) -> bool) {
        let mut needle = Vec::with_capacity(piece.len() + 1);
        if at == At::Start {
            needle.push(END);
        }
        needle.extend_from_slice(piece.as_bytes());
        if at == At::End {
            needle.push(END);
        }
        let finder = memchr::memmem::Finder::new(&needle);
        let mut from = 0;
        while let Some(hit) = finder.find(&self.bytes[from..]) {
            let inside = from + hit + usize::from(at == At::Start);
            let start = memchr::memrchr(END, &self.bytes[..inside]).map_or(0, |end| end + 1);
            let length = memchr::memchr(END, &self.bytes[start..]).unwrap_or_default();
            let word = std::str::from_utf8(&self.bytes[start..start + length]);
            if word.is_ok_and(|word| !each(start, word)) {
                return;
            }
            // The `END` of this word begins the next one.
            from = start + length;
            if from + 1 >= self.bytes.len() {
                return;
            }
        }
    }

    /// The words that have `piece` there, in order; `None` when there are more than `limit`.
    pub(super) fn words(&self, piece: &str, at: At, limit: usize) -> Option<Vec<&str>> {
        let mut found = Vec::new();
        self.each(piece, at, |_, word| {
            found.push(word);
            found.len() <= limit
        });
        (found.len() <= limit).then_some(found)
    }

    /// The numbers of the words with `piece` that `fits` accepts, in order.
    pub(super) fn numbers(&self, piece: &str, fits: impl Fn(&str) -> bool) -> Vec<u64> {
        let mut found = Vec::new();
        let mut number = Numbers::new(self);
        self.each(piece, At::Anywhere, |start, word| {
            if fits(word) {
                found.push(number.of(start));
            }
            true
        });
        found
    }

    /// How many words there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The numbers of all words that `fits` accepts.
    pub(super) fn all(&self, fits: impl Fn(&str) -> bool) -> Vec<u64> {
        let words = self.bytes.split(|byte| *byte == END).skip(1);
        let numbered = words.take(self.count).zip(0..);
        numbered
            .filter(|(word, _)| std::str::from_utf8(word).is_ok_and(&fits))
            .map(|(_, number)| number)
            .collect()
    }
}

/// Counts words from the last place on, since hits come in order.
struct Numbers<'a> {
    words: &'a Vocabulary,
    at: usize,
    number: usize,
}

impl<'a> Numbers<'a> {
    fn new(words: &'a Vocabulary) -> Self {
        Self {
            words,
            at: 1,
            number: 0,
        }
    }

    /// The number of the word that begins at `start`, which is not before the last one.
    fn of(&mut self, start: usize) -> u64 {
        let step = self.words.steps.partition_point(|place| *place <= start) - 1;
        if self.words.steps[step] > self.at {
            self.at = self.words.steps[step];
            self.number = step * STEP;
        }
        let between = &self.words.bytes[self.at..start];
        self.number += memchr::memchr_iter(END, between).count();
        self.at = start;
        self.number as u64
    }
}

/// What one segment has: made when it is first asked for.
#[derive(Debug, Default)]
struct OfSegment {
    words: Option<Arc<Vocabulary>>,
    paths: Option<Arc<Vocabulary>>,
}

/// The vocabularies of the segments that are searched.
#[derive(Debug, Default)]
pub(super) struct Vocabularies {
    by_segment: Mutex<HashMap<SegmentId, OfSegment>>,
}

impl Vocabularies {
    /// The words of `field`, which is always the same one.
    pub(super) fn words(
        &self,
        segment: &SegmentReader,
        field: Field,
    ) -> tantivy::Result<Arc<Vocabulary>> {
        self.get(
            segment,
            |one| &mut one.words,
            || Vocabulary::of_words(segment, field),
        )
    }

    /// The paths, folded.
    pub(super) fn paths(
        &self,
        segment: &SegmentReader,
        field: Field,
    ) -> tantivy::Result<Arc<Vocabulary>> {
        self.get(
            segment,
            |one| &mut one.paths,
            || Vocabulary::of_column(segment, field),
        )
    }

    fn get(
        &self,
        segment: &SegmentReader,
        which: fn(&mut OfSegment) -> &mut Option<Arc<Vocabulary>>,
        make: impl FnOnce() -> tantivy::Result<Vocabulary>,
    ) -> tantivy::Result<Arc<Vocabulary>> {
        let id = segment.segment_id();
        let known = {
            let mut all = self
                .by_segment
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            which(all.entry(id).or_default()).clone()
        };
        if let Some(known) = known {
            return Ok(known);
        }
        // Not under the lock: others search on. Two may make the same one, once.
        let made = Arc::new(make()?);
        let mut all = self
            .by_segment
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *which(all.entry(id).or_default()) = Some(Arc::clone(&made));
        Ok(made)
    }

    /// Forgets those of segments that `searcher` does not have.
    pub(super) fn keep_only(&self, searcher: &Searcher) {
        let readers = searcher.segment_readers();
        let mut all = self
            .by_segment
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.retain(|id, _| readers.iter().any(|reader| reader.segment_id() == *id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_found_by_the_number_of_their_word() {
        let words: Vec<String> = (0..1_000).map(|n| format!("w{n:03}x")).collect();
        let mut all = Vocabulary::default();
        for word in &words {
            all.push(word.as_bytes());
        }
        for (piece, at) in [
            ("w0", At::Start),
            ("9x", At::End),
            ("77", At::Anywhere),
            ("w500x", At::Start),
            ("x", At::Anywhere),
            ("w", At::End),
            ("absent", At::Anywhere),
        ] {
            let is_there = |word: &str| match at {
                At::Start => word.starts_with(piece),
                At::End => word.ends_with(piece),
                At::Anywhere => word.contains(piece),
            };
            let expected: Vec<&str> = words
                .iter()
                .map(String::as_str)
                .filter(|word| is_there(word))
                .collect();
            assert_eq!(
                all.words(piece, at, 2_000),
                Some(expected),
                "{piece} {at:?}"
            );
            let numbered = words
                .iter()
                .zip(0..)
                .filter(|(word, _)| word.contains(piece));
            let expected: Vec<u64> = numbered.map(|(_, number)| number).collect();
            assert_eq!(all.numbers(piece, |_| true), expected, "{piece}");
        }
        assert_eq!(all.words("w", At::Start, 999), None);
        assert_eq!(all.numbers("w", |word| word == "w001x"), [1]);
        assert_eq!(all.all(|word| word.ends_with("99x")).len(), 10);
        assert_eq!(Vocabulary::default().words("x", At::Start, 1), Some(vec![]));
    }
}
