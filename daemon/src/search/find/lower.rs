//! From conditions to queries of the index.

use std::ops::Bound;

use countersign_protocol::{Digest, lock, query::glob};
use tantivy::{
    Searcher, Term,
    query::{
        AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, EmptyQuery, Occur, PhraseQuery, Query,
        RangeQuery, TermQuery, TermSetQuery,
    },
    schema::{Field, IndexRecordOption},
};

use super::{
    super::{
        fold::{folded, folded_path},
        live::Live,
        schema::{FAST_NAMES, flag, kind},
        standing::{Standing, Version},
        tokens,
    },
    Ask, Reader,
    condition::{Condition, Name},
    docs::{self, BySegment, Docs},
    narrow,
    pattern::Pattern,
};

/// How much a word in a name or title counts beside one in the text.
const HEAD: f32 = 4.0;

/// Makes queries for one commit.
pub(super) struct Lower<'a> {
    pub(super) live: &'a Live,
    pub(super) searcher: &'a Searcher,
    /// In the index of versions: what stood.
    pub(super) past: Option<&'a Standing>,
}

/// Gives exactly the documents that match a pattern, or a phrase in their path.
pub(super) type Confirm<'a> =
    dyn FnMut(&Pattern, &Option<String>) -> tantivy::Result<BySegment> + 'a;

type Lowered = tantivy::Result<Box<dyn Query>>;

impl Lower<'_> {
    /// The query for `condition`. What a pattern in it finds is asked of `confirmed`.
    pub(super) fn query(&self, condition: &Condition, confirmed: &mut Confirm<'_>) -> Lowered {
        let fields = &self.live.fields;
        Ok(match condition {
            Condition::All => Box::new(AllQuery),
            Condition::And(parts) => {
                let mut clauses = Vec::new();
                for part in parts {
                    clauses.push(match part {
                        Condition::Not(not) => (Occur::MustNot, self.query(not, confirmed)?),
                        other => (Occur::Must, self.query(other, confirmed)?),
                    });
                }
                if clauses.iter().all(|(occur, _)| *occur == Occur::MustNot) {
                    clauses.push((Occur::Must, Box::new(AllQuery)));
                }
                Box::new(BooleanQuery::new(clauses))
            }
            Condition::Or(parts) => {
                let mut any = Vec::new();
                for part in parts {
                    any.push(self.query(part, confirmed)?);
                }
                Box::new(BooleanQuery::union(any))
            }
            Condition::Not(not) => {
                let not = self.query(not, confirmed)?;
                let all: Box<dyn Query> = Box::new(AllQuery);
                Box::new(BooleanQuery::new(vec![
                    (Occur::Must, all),
                    (Occur::MustNot, not),
                ]))
            }
            Condition::Word(word) => self.word(word),
            Condition::Inside(kind, words) => {
                let words = words.split_whitespace();
                let mut all: Vec<Box<dyn Query>> = words.map(|word| self.inside(word)).collect();
                all.push(term(fields.kind, kind));
                Box::new(BooleanQuery::intersection(all))
            }
            Condition::Pattern(pattern, phrase) => docs::query(confirmed(pattern, phrase)?),
            Condition::About { cards, files } => {
                let about = |docs: &mut Docs, segment: &tantivy::SegmentReader| {
                    let columns = segment.fast_fields();
                    let keys = columns.u64(FAST_NAMES.key)?;
                    let ids = columns.column_opt::<u64>(FAST_NAMES.card)?;
                    for doc in 0..segment.max_doc() {
                        let id = ids.as_ref().and_then(|ids| ids.first(doc));
                        let key = keys.first(doc);
                        let file = match self.past {
                            Some(past) => key.and_then(|key| past.file(key)),
                            None => key,
                        };
                        if id.is_some_and(|id| cards.contains(&id))
                            || file.is_some_and(|file| files.contains(&file))
                        {
                            docs.insert(doc);
                        }
                    }
                    Ok(())
                };
                docs::query(self.each(about)?)
            }
            Condition::Kind(kind) => term(fields.kind, kind),
            Condition::Workspace(name) => self.name(fields.ws, FAST_NAMES.ws, name)?,
            Condition::By(name) => self.name(fields.by, FAST_NAMES.by, name)?,
            Condition::Ending(name) => term(fields.ext, &name.0.to_lowercase()),
            Condition::Type(name) => {
                let words = name.0.to_lowercase();
                let singular = words.strip_suffix('s').unwrap_or(&words).to_owned();
                let terms = [&words, &singular].map(|word| term(fields.file_type, word));
                Box::new(BooleanQuery::union(terms.into()))
            }
            Condition::Path(text) => self.path(text)?,
            Condition::Size(range) => between(
                Term::from_field_u64(fields.size, range.start),
                Term::from_field_u64(fields.size, range.end),
            ),
            Condition::At(range) if self.past.is_some() => {
                self.stood(|version| range.contains(&version.at().as_microsecond()))?
            }
            Condition::At(range) => between(
                Term::from_field_i64(fields.at, range.start),
                Term::from_field_i64(fields.at, range.end),
            ),
            Condition::Level(level) => term(fields.flags, &level.flag()),
            Condition::Secret => term(fields.flags, flag::SECRET),
            Condition::Covered(workspace, pattern) => Box::new(BooleanQuery::intersection(vec![
                term(fields.kind, kind::FILE),
                term(fields.ws, workspace),
                docs::query(self.covered(pattern)?),
            ])),
            Condition::Outcome(word) => term(fields.flags, &flag::outcome(word)),
            Condition::Unsearched => missing(self.live),
            Condition::Invalid => term(fields.flags, flag::INVALID),
        })
    }

    /// Versions that stood and fit.
    pub(super) fn stood(&self, fits: impl Fn(&Version<'_>) -> bool) -> Lowered {
        let Some(past) = self.past else {
            return Ok(Box::new(AllQuery));
        };
        let stood = |docs: &mut Docs, segment: &tantivy::SegmentReader| {
            let keys = segment.fast_fields().u64(FAST_NAMES.key)?;
            for doc in 0..segment.max_doc() {
                let version = keys.first(doc).and_then(|key| past.get(key));
                if version.is_some_and(|one| fits(&one)) {
                    docs.insert(doc);
                }
            }
            Ok(())
        };
        Ok(docs::query(self.each(stood)?))
    }

    /// What may match: by the words of the text, or by the path.
    pub(super) fn candidates(&self, pattern: &Pattern, phrase: Option<&str>) -> Lowered {
        let text: Box<dyn Query> =
            match narrow::candidates(self.live, self.searcher, pattern.need())? {
                Some(sets) => docs::query(sets),
                None => Box::new(AllQuery),
            };
        match phrase {
            Some(phrase) => {
                let path = self.paths_with(&folded_path(phrase), |_| true)?;
                Ok(Box::new(BooleanQuery::union(vec![text, docs::query(path)])))
            }
            None => Ok(text),
        }
    }

    /// Documents whose folded path has `piece` and fits.
    pub(super) fn paths_with(
        &self,
        piece: &str,
        fits: impl Fn(&str) -> bool,
    ) -> tantivy::Result<BySegment> {
        self.each(|docs, segment| {
            let paths = self
                .live
                .vocabularies
                .paths(segment, self.live.fields.path)?;
            let numbers = if piece.is_empty() {
                paths.all(&fits)
            } else {
                paths.numbers(piece, &fits)
            };
            let mut wanted = Docs::none(u32::try_from(paths.len()).unwrap_or(u32::MAX));
            for number in numbers {
                wanted.insert(u32::try_from(number).unwrap_or(u32::MAX));
            }
            if let Some(column) = segment.fast_fields().str(FAST_NAMES.path)? {
                for doc in 0..segment.max_doc() {
                    let ord = column.ords().first(doc);
                    let ord = ord.and_then(|ord| u32::try_from(ord).ok());
                    if ord.is_some_and(|ord| wanted.has(ord)) {
                        docs.insert(doc);
                    }
                }
            }
            Ok(())
        })
    }

    /// Documents whose path `pattern` covers, as it is written.
    fn covered(&self, pattern: &lock::Pattern) -> tantivy::Result<BySegment> {
        self.each(|docs, segment| {
            let Some(column) = segment.fast_fields().str(FAST_NAMES.path)? else {
                return Ok(());
            };
            let mut paths = column.dictionary().stream()?;
            let mut numbers = std::collections::HashSet::new();
            while paths.advance() {
                if pattern.covers(&String::from_utf8_lossy(paths.key())) {
                    numbers.insert(paths.term_ord());
                }
            }
            if numbers.is_empty() {
                return Ok(());
            }
            for doc in 0..segment.max_doc() {
                let ord = column.ords().first(doc);
                if ord.is_some_and(|ord| numbers.contains(&ord)) {
                    docs.insert(doc);
                }
            }
            Ok(())
        })
    }

    fn each(
        &self,
        mut fill: impl FnMut(&mut Docs, &tantivy::SegmentReader) -> tantivy::Result<()>,
    ) -> tantivy::Result<BySegment> {
        let mut all = BySegment::new();
        for segment in self.searcher.segment_readers() {
            let mut docs = Docs::none(segment.max_doc());
            fill(&mut docs, segment)?;
            all.insert(segment.segment_id(), docs);
        }
        Ok(all)
    }

    fn path(&self, text: &str) -> Lowered {
        // `*.rs` is the most common glob, and the ending has a list of its own.
        let ending = text.strip_prefix("*.");
        let is_plain = |rest: &&str| !rest.contains(['*', '?', '/', '.']);
        if let Some(ending) = ending.filter(is_plain) {
            return Ok(term(self.live.fields.ext, &ending.to_lowercase()));
        }
        let text = &*countersign_protocol::path::normal(text);
        let Ok(pattern) = regex::Regex::new(&glob::path_pattern(text)) else {
            return Ok(Box::new(EmptyQuery));
        };
        let pieces = text.trim_matches('/').split(['*', '?']);
        let longest = pieces.max_by_key(|piece| piece.len()).unwrap_or_default();
        let found = self.paths_with(&folded_path(longest), |path| pattern.is_match(path))?;
        Ok(docs::query(found))
    }

    /// A name as it is in the index, or whatever its case and placeholders find.
    fn name(&self, field: Field, column: &str, name: &Name) -> Lowered {
        let mut terms = vec![Term::from_field_text(field, &name.0)];
        if let Ok(pattern) = regex::Regex::new(&name.pattern()) {
            for segment in self.searcher.segment_readers() {
                let Some(values) = segment.fast_fields().str(column)? else {
                    continue;
                };
                let mut values = values.dictionary().stream()?;
                while values.advance() {
                    let value = String::from_utf8_lossy(values.key());
                    let folded = folded(&value);
                    let has =
                        !name.is_open() && folded.contains(&super::super::fold::folded(&name.0));
                    if pattern.is_match(&folded) || (has && column == FAST_NAMES.by) {
                        terms.push(Term::from_field_text(field, &value));
                    }
                }
            }
        }
        let set = TermSetQuery::new(terms);
        Ok(Box::new(ConstScoreQuery::new(Box::new(set), 0.0)))
    }

    /// A word wherever it stands.
    fn word(&self, word: &str) -> Box<dyn Query> {
        let (text, head) = (self.live.fields.text, self.live.fields.head);
        let Some(in_text) = in_field(text, word) else {
            return Box::new(EmptyQuery);
        };
        let mut any = vec![in_text];
        if let Ok(digest) = word.to_ascii_lowercase().parse::<Digest>() {
            let term = Term::from_field_bytes(self.live.fields.digest, &digest.0);
            any.push(Box::new(TermQuery::new(term, IndexRecordOption::Basic)));
        }
        if let Some(in_head) = in_field(head, word) {
            any.push(Box::new(BoostQuery::new(in_head, HEAD)));
        }
        Box::new(BooleanQuery::union(any))
    }

    fn inside(&self, word: &str) -> Box<dyn Query> {
        in_field(self.live.fields.text, word).unwrap_or_else(|| Box::new(AllQuery))
    }
}

/// `word` in `field`: its runs next to each other, or the parts of its runs. `None` when there is no letter in it.
fn in_field(field: Field, word: &str) -> Option<Box<dyn Query>> {
    let runs = tokens::runs(word);
    let wholes: Vec<&str> = runs.iter().map(|run| run.word.as_str()).collect();
    let parts = runs.iter().flat_map(|run| &run.parts).map(String::as_str);
    let parts: Vec<&str> = parts.collect();
    let adjacent = |words: &[&str]| -> Option<Box<dyn Query>> {
        let term = |word: &&str| Term::from_field_text(field, word);
        match words {
            [] => None,
            [one] => Some(Box::new(TermQuery::new(
                term(one),
                IndexRecordOption::WithFreqs,
            ))),
            several => Some(Box::new(PhraseQuery::new(
                several.iter().map(term).collect(),
            ))),
        }
    };
    let whole = adjacent(&wholes)?;
    match adjacent(&parts) {
        Some(by_parts) if parts != wholes => {
            Some(Box::new(BooleanQuery::union(vec![whole, by_parts])))
        }
        _ => Some(whole),
    }
}

fn between(start: Term, end: Term) -> Box<dyn Query> {
    let range = RangeQuery::new(Bound::Included(start), Bound::Excluded(end));
    Box::new(ConstScoreQuery::new(Box::new(range), 0.0))
}

fn term(field: Field, text: &str) -> Box<dyn Query> {
    let term = Term::from_field_text(field, text);
    let query = TermQuery::new(term, IndexRecordOption::Basic);
    Box::new(ConstScoreQuery::new(Box::new(query), 0.0))
}

/// Returns what a caller may see: documents of its workspaces, without files that it may not read.
pub(super) fn access(live: &Live, ask: &Ask) -> Box<dyn Query> {
    let within = in_workspaces(live, &ask.workspaces);
    let flags = live.fields.flags;
    let Reader::User(uid) = ask.reader else {
        return within;
    };
    let closed: Box<dyn Query> = Box::new(BooleanQuery::new(vec![
        (Occur::Must, term(flags, flag::PRIVATE)),
        (Occur::MustNot, term(flags, &flag::owner(uid))),
    ]));
    Box::new(BooleanQuery::new(vec![
        (Occur::Must, within),
        (Occur::MustNot, closed),
    ]))
}

fn in_workspaces(live: &Live, workspaces: &[String]) -> Box<dyn Query> {
    let ws = live.fields.ws;
    // A set is looked up as a pattern over all names, and its documents gathered before the search begins.
    if let [only] = workspaces {
        return term(ws, only);
    }
    let terms = workspaces
        .iter()
        .map(|name| Term::from_field_text(ws, name));
    let set = TermSetQuery::new(terms.collect::<Vec<_>>());
    Box::new(ConstScoreQuery::new(Box::new(set), 0.0))
}

/// Files with text that is not in the index.
pub(super) fn missing(live: &Live) -> Box<dyn Query> {
    let any = flag::MISSING
        .iter()
        .map(|flag| term(live.fields.flags, flag));
    Box::new(BooleanQuery::union(any.collect()))
}

/// Documents with a text that is scanned for patterns.
pub(super) fn kinds(live: &Live, kinds: &[&'static str]) -> Box<dyn Query> {
    let all = kinds.iter().map(|kind| term(live.fields.kind, kind));
    Box::new(BooleanQuery::union(all.collect()))
}

/// Every kind there is.
pub(super) const ALL_KINDS: &[&str] = &[
    kind::FILE,
    kind::HANDOFF,
    kind::DECISION,
    kind::COMMENT,
    kind::REFUSED,
    kind::CHECKPOINT,
];
