//! From pieces of text to the documents that may have them.

use tantivy::{DocSet as _, Searcher, SegmentReader, TERMINATED, Term, schema::IndexRecordOption};

use super::{
    super::{fold::stands_alone, live::Live, schema::flag, tokens, vocabulary::At},
    docs::{BySegment, Docs},
    need::Need,
};

/// More words than this say too little to be worth looking them up.
const MOST_WORDS: usize = 20_000;
/// So few documents are scanned at once, in each segment.
const FEW: usize = 64;
/// A piece of a word that is shorter says too little, in bytes.
const SHORTEST: usize = 3;

/// The documents of each segment whose text may fulfil `need`; `None` when that may be any.
pub(super) fn candidates(
    live: &Live,
    searcher: &Searcher,
    need: &Need,
) -> tantivy::Result<Option<BySegment>> {
    let mut all = BySegment::new();
    for segment in searcher.segment_readers() {
        let narrower = Narrower { live, segment };
        match narrower.docs(need)? {
            Some(docs) => all.insert(segment.segment_id(), docs),
            None => return Ok(None),
        };
    }
    Ok(Some(all))
}

struct Narrower<'a> {
    live: &'a Live,
    segment: &'a SegmentReader,
}

impl Narrower<'_> {
    /// `None` for all documents.
    fn docs(&self, need: &Need) -> tantivy::Result<Option<Docs>> {
        match need {
            Need::Nothing => Ok(None),
            Need::Piece(piece) => self.with_piece(piece),
            Need::All(needs) => {
                let mut all: Option<Docs> = None;
                for need in needs {
                    all = both(all, self.docs(need)?);
                }
                Ok(all)
            }
            Need::Any(needs) => {
                let mut any = Docs::none(self.segment.max_doc());
                for need in needs {
                    match self.docs(need)? {
                        Some(docs) => any = any.or(&docs),
                        None => return Ok(None),
                    }
                }
                Ok(Some(any))
            }
        }
    }

    /// The documents with words that a text with `piece` has.
    fn with_piece(&self, piece: &str) -> tantivy::Result<Option<Docs>> {
        let mut found: Option<Docs> = None;
        let (mut open, mut is_open_anywhere) = (Vec::new(), false);
        for run in tokens::runs(piece) {
            let is_open = |letter: Option<char>| letter.is_some_and(|one| !stands_alone(one));
            let left = run.place.start == 0 && is_open(piece.chars().next());
            let right = run.place.end == piece.len() && is_open(piece.chars().next_back());
            let at = match (left, right) {
                (false, false) => None,
                (true, true) => Some(At::Anywhere),
                (true, false) => Some(At::End),
                (false, true) => Some(At::Start),
            };
            let is_long = run.word.len() > tokens::LONGEST;
            is_open_anywhere |= is_long || at.is_some();
            match at {
                _ if is_long => found = Some(Docs::none(self.segment.max_doc())),
                None => found = both(found, Some(self.with_word(&run.word)?)),
                Some(at) => open.push((run.word, at)),
            }
        }
        for (word, at) in open {
            // Looking into a few texts costs less than looking through all words.
            if found.as_ref().is_some_and(|docs| docs.count() <= FEW) {
                break;
            }
            found = both(found, self.with_part(&word, at)?);
        }
        // What has words that are too long for the index may have the piece in one of them.
        match found {
            Some(docs) if is_open_anywhere => Ok(Some(docs.or(&self.flagged(flag::LONG)?))),
            other => Ok(other),
        }
    }

    /// The documents with this very word.
    fn with_word(&self, word: &str) -> tantivy::Result<Docs> {
        let mut docs = Docs::none(self.segment.max_doc());
        let term = Term::from_field_text(self.live.fields.text, word);
        self.add_term(&term, &mut docs)?;
        Ok(docs)
    }

    /// The documents with a word that has `part` there.
    fn with_part(&self, part: &str, at: At) -> tantivy::Result<Option<Docs>> {
        if part.len() < SHORTEST {
            return Ok(None);
        }
        let field = self.live.fields.text;
        let words = self.live.vocabularies.words(self.segment, field)?;
        let Some(found) = words.words(part, at, MOST_WORDS) else {
            return Ok(None);
        };
        let inverted = self.segment.inverted_index(field)?;
        let mut docs = Docs::none(self.segment.max_doc());
        for word in found {
            let Some(info) = inverted.terms().get(word)? else {
                continue;
            };
            let mut postings =
                inverted.read_postings_from_terminfo(&info, IndexRecordOption::Basic)?;
            let mut doc = postings.doc();
            while doc != TERMINATED {
                docs.insert(doc);
                doc = postings.advance();
            }
        }
        Ok(Some(docs))
    }

    fn flagged(&self, flag: &str) -> tantivy::Result<Docs> {
        let mut docs = Docs::none(self.segment.max_doc());
        self.add_term(
            &Term::from_field_text(self.live.fields.flags, flag),
            &mut docs,
        )?;
        Ok(docs)
    }

    fn add_term(&self, term: &Term, docs: &mut Docs) -> tantivy::Result<()> {
        let inverted = self.segment.inverted_index(term.field())?;
        if let Some(mut postings) = inverted.read_postings(term, IndexRecordOption::Basic)? {
            let mut doc = postings.doc();
            while doc != TERMINATED {
                docs.insert(doc);
                doc = postings.advance();
            }
        }
        Ok(())
    }
}

/// What is in both, where `None` is everything.
fn both(one: Option<Docs>, other: Option<Docs>) -> Option<Docs> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.and(&other)),
        (one, other) => one.or(other),
    }
}
