//! Searching: reads the text, runs the query, and says what it did.

mod plain;
mod saved;

use async_trait::async_trait;
use countersign_protocol::query::{self, Note, Query};
use countersign_web::desk::{
    Caller, Changes, Completion, Counted, DeskError, Facet, Hit, IndexStatus, Partial, Person,
    ReadAs, Relaxed, SavedSearch, SearchAnswer, SearchDesk, SearchError, SearchRequest, Unmatched,
};

use super::LedgerDesk;

/// Most hits on one page.
const MOST: usize = 200;
/// Most terms that are tried without when nothing was found.
const RELAXED: usize = 8;

/// What a query finds.
#[derive(Debug, Default)]
struct Found {
    hits: Vec<Hit>,
    total: u64,
    exact: bool,
    next_cursor: Option<String>,
    facets: Vec<Facet>,
    groups: Vec<Counted>,
    changes: Option<Changes>,
    partial: Option<Partial>,
    notes: Vec<Note>,
    seq: u64,
}

/// The part of the hits that is wanted.
#[derive(Clone, Copy, Debug)]
struct Page<'a> {
    cursor: Option<&'a str>,
    /// May be 0, when only the number matters.
    limit: usize,
}

#[async_trait]
impl SearchDesk for LedgerDesk {
    async fn search(
        &self,
        who: &Caller,
        request: SearchRequest,
    ) -> Result<SearchAnswer, SearchError> {
        let parsed = query::parse(&request.text)?;
        let mut query = parsed.query;
        let reading = ReadAs {
            query: query.to_string(),
            question: false,
            left_over: Vec::new(),
            notes: parsed.notes,
        };
        query.sort = query.sort.or(request.sort);
        let page = Page {
            cursor: request.cursor.as_deref(),
            limit: request.limit.clamp(1, MOST),
        };
        let found = self.find(who, &query, page);
        let relaxed = if found.total == 0 {
            self.relax(who, &query)
        } else {
            Vec::new()
        };
        let mut reading = reading;
        reading.notes.extend(found.notes);
        Ok(SearchAnswer {
            reading,
            hits: found.hits,
            total: found.total,
            exact: found.exact,
            next_cursor: found.next_cursor,
            facets: found.facets,
            groups: found.groups,
            changes: found.changes,
            partial: found.partial,
            relaxed,
            seq: found.seq,
        })
    }

    async fn complete(
        &self,
        _who: &Caller,
        text: &str,
        limit: usize,
    ) -> Result<Vec<Completion>, DeskError> {
        Ok(saved::operators(text, limit))
    }

    async fn saved_searches(&self, who: &Person) -> Result<Vec<SavedSearch>, DeskError> {
        Ok(self.kept_searches(who))
    }

    async fn save_search(
        &self,
        who: &Person,
        name: &str,
        text: &str,
    ) -> Result<SavedSearch, SearchError> {
        let query = query::parse(text)?.query.to_string();
        Ok(self.keep_search(who, name, query).await?)
    }

    async fn remove_search(&self, who: &Person, name: &str) -> Result<(), DeskError> {
        self.forget_search(who, name).await
    }

    async fn unmatched_questions(&self, _who: &Person) -> Result<Vec<Unmatched>, DeskError> {
        self.unmatched().await
    }

    async fn index_status(&self, _who: &Caller) -> Result<IndexStatus, DeskError> {
        Ok(IndexStatus {
            state: "off".to_owned(),
            why: Some("handoffs are searched without an index".to_owned()),
            seq: self.ledger.state().head.seq,
            ..IndexStatus::default()
        })
    }
}

impl LedgerDesk {
    /// What each term less would find, the ones that leave most of the query standing first.
    fn relax(&self, who: &Caller, query: &Query) -> Vec<Relaxed> {
        let page = Page {
            cursor: None,
            limit: 0,
        };
        let mut relaxed = Vec::new();
        let pills = query.pills();
        let filters = pills.iter().filter(|pill| pill.filters);
        if filters.clone().count() < 2 {
            return relaxed;
        }
        for pill in filters.take(RELAXED) {
            let found = self.find(who, &pill.without, page);
            if found.total > 0 {
                relaxed.push(Relaxed {
                    without: pill.text.clone(),
                    query: pill.without.to_string(),
                    total: found.total,
                });
            }
        }
        // Fewest first: what leaves the least in is nearest to what was asked.
        relaxed.sort_by_key(|relaxed| relaxed.total);
        relaxed
    }
}
