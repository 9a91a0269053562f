//! Answers: what fulfils a condition, in order, with the lines that show why.

mod collect;
mod condition;
mod confirm;
mod docs;
mod lines;
mod lower;
mod narrow;
mod need;
mod pattern;
mod read;

use std::{collections::HashMap, sync::Arc, time::Duration};

use tantivy::{
    DocAddress, Searcher, TantivyError,
    collector::Count,
    query::{BooleanQuery, Occur, Query},
};

pub use collect::Order;
pub use condition::{Condition, Name};
pub use lines::Line;
pub use pattern::Pattern;
pub use read::Document;

use super::{
    Search,
    live::{IndexError, Live, guarded},
    schema::{FAST_NAMES, kind},
    standing::Standing,
};
use collect::{Gather, Ranked, sort_first};
use lines::Wanted;
use lower::Lower;
use read::{Columns, Text};

/// After the page is full, counting goes on for so long.
const SPARE: Duration = Duration::from_millis(3);

/// Permissions on files by which results are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reader {
    /// Every file.
    #[default]
    Anything,
    /// Files that every user may read, and those of this user.
    User(u32),
}

/// What is asked.
#[derive(Debug, Default)]
pub struct Ask {
    /// What every result fulfils.
    pub condition: Condition,
    /// Words that bring results forward. Without a condition a result has one of them.
    pub about: Vec<String>,
    /// The kind of document; all when there is none.
    pub kind: Option<&'static str>,
    /// The workspaces that may be looked into.
    pub workspaces: Vec<String>,
    /// Whose permissions on files count.
    pub reader: Reader,
    /// The order.
    pub order: Order,
    /// How many to leave out at the start.
    pub skip: usize,
    /// How many to give.
    pub limit: usize,
    /// Whether all are to be counted, however long it takes.
    pub count_all: bool,
    /// Whether lines are wanted.
    pub lines: bool,
    /// What is searched instead of the files as they are: these versions of them, and nothing else.
    pub past: Option<Arc<Standing>>,
}

/// One result.
#[derive(Debug)]
pub struct Match {
    /// What it is.
    pub document: Document,
    /// Lines that match.
    pub lines: Vec<Line>,
    /// Why some of its text is not searched, one sentence.
    pub note: Option<String>,
}

/// How often each value of some columns occurs: operator, then value and count.
pub type Spread = Vec<(&'static str, Vec<(String, u64)>)>;

/// What was found.
#[derive(Debug, Default)]
pub struct Answer {
    /// The results that were asked for, in order.
    pub results: Vec<Match>,
    /// How many there are in all.
    pub total: u64,
    /// Whether that is all; else there are at least so many.
    pub is_exact: bool,
    /// How they spread over the values of some operators.
    pub spread: Spread,
    /// How many files would be among them if their text fits, and have text that was not searched.
    pub unsearched: u64,
    /// How many versions of what stood were not read yet; the next question goes on with them.
    pub unread: u64,
}

impl Search {
    /// Answers `ask`. `None` while there is no index. May take as long as it takes to scan what the index does
    /// not decide, so it belongs on a thread that may block.
    pub fn find(&self, ask: &Ask) -> Result<Option<Answer>, IndexError> {
        let Some(past) = &ask.past else {
            let Some(live) = self.live() else {
                return Ok(None);
            };
            let found = self.find_in(&live, ask);
            if let Err(error) = &found
                && !error.may_pass()
            {
                self.rebuild(error.to_string());
            }
            return found.map(Some);
        };
        let find = || {
            let (live, unread) = self.past.with(past)?;
            let answer = self.find_in(&live, ask)?;
            Ok(Answer { unread, ..answer })
        };
        let found = find().or_else(|error: IndexError| {
            if error.may_pass() {
                return Err(error);
            }
            tracing::warn!(%error, "the index of versions is made anew");
            self.past.clear()?;
            find()
        });
        found.map(Some)
    }

    fn find_in(&self, live: &Live, ask: &Ask) -> Result<Answer, IndexError> {
        guarded(|| {
            let searcher = live.searcher();
            Finder {
                live,
                searcher: &searcher,
                search: self,
                past: ask.past.as_ref(),
                begun: self.clock.monotonic(),
            }
            .find(ask)
        })
        .map_err(|error| match error {
            IndexError::Index(TantivyError::InvalidArgument(why)) if why == confirm::TOO_SLOW => {
                IndexError::TooSlow
            }
            other => other,
        })
    }
}

struct Finder<'a> {
    live: &'a Live,
    searcher: &'a Searcher,
    search: &'a Search,
    past: Option<&'a Arc<Standing>>,
    /// When the question came, by the monotonic clock.
    begun: Duration,
}

impl Finder<'_> {
    fn find(&self, ask: &Ask) -> tantivy::Result<Answer> {
        let (late, rest) = split(&ask.condition);
        let query = self.query(ask, &late, &rest)?;
        let gather = self.gather(&ask.order);
        let mut found = self.searcher.search(&query, &gather)?;
        if matches!(ask.order, Order::Path) {
            self.by_path(&mut found)?;
        }
        let wanted = ask.skip.saturating_add(ask.limit);
        let (found, is_exact) = if late.is_empty() {
            if !matches!(ask.order, Order::Path) {
                sort_first(&mut found, wanted);
            }
            (found, true)
        } else {
            self.confirmed(found, &late, wanted, ask)?
        };
        let page = found.iter().skip(ask.skip).take(ask.limit);
        let shown = Wanted::of(&ask.condition, &ask.about);
        let mut results = Vec::new();
        let mut columns = HashMap::new();
        for (_, address) in page {
            let document = self.document(*address, &mut columns)?;
            let is_scanned = ask.lines && !shown.is_nothing();
            let text = is_scanned.then(|| self.text(&document, *address));
            let places = || read::places(&document, *address, self.live, self.searcher);
            let lines = text.flatten().map(|text| match document.text {
                Text::Kept if document.size.is_some() => shown.placed(&text, &places()),
                _ => shown.lines(&text),
            });
            results.push(Match {
                note: read::note(&document, *address, self.live, self.searcher),
                lines: lines.unwrap_or_default(),
                document,
            });
        }
        Ok(Answer {
            results,
            total: found.len() as u64,
            is_exact,
            spread: self.spread(&found)?,
            unsearched: self.unsearched(ask)?,
            unread: 0,
        })
    }

    fn gather<'a>(&'a self, order: &'a Order) -> Gather<'a> {
        Gather {
            order,
            past: self.past,
        }
    }

    /// The text of a document: of a plain file what it is now, or was, else what was kept.
    fn text(&self, document: &Document, address: DocAddress) -> Option<String> {
        match (document.text, self.past) {
            (Text::None, _) => None,
            (Text::Kept, _) => read::kept(address, self.live, self.searcher),
            (Text::File, None) => read::of_file(document, &self.search.workspaces),
            (Text::File, Some(past)) => {
                let version = past.get(document.key)?;
                let path = version.path();
                self.search.past.text(path.as_str(), version.entry.sha256)
            }
        }
    }

    /// Files that fulfil everything but what is asked of their text, and have text that is not in the index.
    fn unsearched(&self, ask: &Ask) -> tantivy::Result<u64> {
        let (beside, asks_for_text) = ask.condition.beside_text();
        if !asks_for_text || ask.kind.is_some_and(|only| only != kind::FILE) {
            return Ok(0);
        }
        let missing = lower::missing(self.live);
        let missing = BooleanQuery::intersection(vec![missing, lower::access(self.live, ask)]);
        // Nearly always there are none, and then nothing else need be asked.
        if self.searcher.search(&missing, &Count)? == 0 {
            return Ok(0);
        }
        let condition = Condition::And(vec![beside, Condition::Unsearched]);
        let beside = Ask {
            condition,
            about: Vec::new(),
            kind: Some(kind::FILE),
            workspaces: ask.workspaces.clone(),
            reader: ask.reader,
            past: ask.past.clone(),
            ..Ask::default()
        };
        let query = self.query(&beside, &[], &beside.condition)?;
        Ok(self.searcher.search(&query, &Count)? as u64)
    }

    /// Everything but the patterns that are confirmed in the order of the results.
    fn query(
        &self,
        ask: &Ask,
        late: &[(&Pattern, Option<&str>)],
        rest: &Condition,
    ) -> tantivy::Result<Box<dyn Query>> {
        let lower = Lower {
            live: self.live,
            searcher: self.searcher,
            past: self.past.map(AsRef::as_ref),
        };
        let access = || lower::access(self.live, ask);
        let mut confirm = |pattern: &Pattern, phrase: &Option<String>| {
            let may = lower.candidates(pattern, phrase.as_deref())?;
            let may = BooleanQuery::intersection(vec![access(), may]);
            let order = Order::Newest;
            let found = self.searcher.search(&may, &self.gather(&order))?;
            self.exact(&found, &[(pattern, phrase.as_deref())])
        };
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = vec![(Occur::Must, access())];
        let kinds: &[&'static str] = match &ask.kind {
            Some(kind) => &[kind],
            None => lower::ALL_KINDS,
        };
        if ask.kind.is_some() {
            clauses.push((Occur::Must, lower::kinds(self.live, kinds)));
        }
        if self.past.is_some() {
            clauses.push((Occur::Must, lower.stood(|_| true)?));
        }
        let is_all = matches!(rest, Condition::All);
        if !is_all {
            clauses.push((Occur::Must, lower.query(rest, &mut confirm)?));
        }
        for (pattern, phrase) in late {
            clauses.push((Occur::Must, lower.candidates(pattern, *phrase)?));
        }
        let about = ask.about.iter().map(|word| Condition::Word(word.clone()));
        if !ask.about.is_empty() {
            let any = lower.query(&Condition::Or(about.collect()), &mut confirm)?;
            let occur = if is_all && late.is_empty() {
                Occur::Must
            } else {
                Occur::Should
            };
            clauses.push((occur, any));
        }
        Ok(Box::new(BooleanQuery::new(clauses)))
    }

    fn document(
        &self,
        address: DocAddress,
        columns: &mut HashMap<u32, Columns>,
    ) -> tantivy::Result<Document> {
        let segment = address.segment_ord;
        let of_segment = match columns.entry(segment) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(Columns::of(self.searcher.segment_reader(segment))?)
            }
        };
        Ok(of_segment.document(address.doc_id))
    }

    fn by_path(&self, found: &mut Vec<Ranked>) -> tantivy::Result<()> {
        let mut columns = HashMap::new();
        let mut named = Vec::with_capacity(found.len());
        for one in found.drain(..) {
            let document = self.document(one.1, &mut columns)?;
            named.push(((document.workspace, document.path), one));
        }
        named.sort();
        // In this order, whatever sorts them again.
        let ranks = (0..).map(|rank: i64| -rank);
        found.extend(
            named
                .into_iter()
                .zip(ranks)
                .map(|((_, (_, address)), rank)| (rank, address)),
        );
        Ok(())
    }

    /// How the results spread over kinds, workspaces, types and people.
    fn spread(&self, found: &[Ranked]) -> tantivy::Result<Spread> {
        let mut by_segment: HashMap<u32, Vec<u32>> = HashMap::new();
        for (_, address) in found {
            by_segment
                .entry(address.segment_ord)
                .or_default()
                .push(address.doc_id);
        }
        let operators = [
            ("show", FAST_NAMES.kind),
            ("ws", FAST_NAMES.ws),
            ("type", FAST_NAMES.file_type),
        ];
        let mut all = Vec::new();
        for (operator, name) in operators {
            let mut counts: HashMap<String, u64> = HashMap::new();
            for (segment, docs) in &by_segment {
                let columns = self.searcher.segment_reader(*segment).fast_fields();
                let Some(column) = columns.str(name)? else {
                    continue;
                };
                // There are as many values as workspaces, kinds or types of files: few.
                let mut by_ord = vec![0_u64; column.num_terms()];
                for doc in docs {
                    let ord = column.ords().first(*doc);
                    let count = ord.and_then(|ord| by_ord.get_mut(usize::try_from(ord).ok()?));
                    if let Some(count) = count {
                        *count += 1;
                    }
                }
                let seen = (0..).zip(by_ord).filter(|(_, count)| *count > 0);
                for (ord, count) in seen {
                    let mut value = String::new();
                    column.ord_to_str(ord, &mut value)?;
                    *counts.entry(value).or_default() += count;
                }
            }
            let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
            counts.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(&other.0)));
            all.push((operator, counts));
        }
        Ok(all)
    }
}

/// The patterns that everything must match, which are confirmed in the order of the results, and what is left.
fn split(condition: &Condition) -> (Vec<(&Pattern, Option<&str>)>, Condition) {
    let parts = match condition {
        Condition::And(parts) => parts.as_slice(),
        other => std::slice::from_ref(other),
    };
    let mut late = Vec::new();
    let mut rest = Vec::new();
    for part in parts {
        match part {
            Condition::Pattern(pattern, phrase) => late.push((pattern, phrase.as_deref())),
            other => rest.push(other.clone()),
        }
    }
    let rest = match (rest.len(), rest.pop()) {
        (_, None) => Condition::All,
        (1, Some(only)) => only,
        (_, Some(last)) => {
            rest.push(last);
            Condition::And(rest)
        }
    };
    (late, rest)
}
