//! Searching: reads the text, runs the query, and says what it did.

mod answer;
mod changes;
mod complete;
mod conditions;
mod facts;
pub(super) mod homes;
mod past;
mod questions;
mod saved;

use async_trait::async_trait;
use countersign_protocol::{
    access::Permission,
    query::{Note, Now, Query, question},
};
use countersign_web::desk::{
    Caller, Changes, Completion, Counted, DeskError, Facet, Hit, IndexStatus, Partial, Person,
    ReadAs, Relaxed, SavedSearch, SearchAnswer, SearchDesk, SearchError, SearchRequest, StoodAt,
    Unmatched,
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
    stood: Vec<StoodAt>,
    partial: Option<Partial>,
    unsearched: u64,
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
        let now = self.now_of(who, request.zone.as_deref())?;
        let read = self.read_text(who, &request, &now).await?;
        let mut query = read.query;
        let zone = || now.zone.iana_name().unwrap_or("UTC").to_owned();
        let mut reading = ReadAs {
            zone: query.depends_on_zone().then(zone),
            query: query.to_string(),
            question: read.question,
            left_over: read.left_over,
            notes: read.notes,
        };
        query.sort = query.sort.or(request.sort);
        let page = Page {
            cursor: request.cursor.as_deref(),
            limit: request.limit.clamp(1, MOST),
        };
        let found = self.run(who, &query, page, &now).await?;
        let relaxed = if found.total == 0 {
            self.relax(who, &query, &now).await?
        } else {
            Vec::new()
        };
        reading.notes.extend(found.notes);
        let mut hits = found.hits;
        self.place(&mut hits);
        Ok(SearchAnswer {
            reading,
            hits,
            total: found.total,
            exact: found.exact,
            next_cursor: found.next_cursor,
            facets: found.facets,
            groups: found.groups,
            changes: found.changes,
            stood: found.stood,
            partial: found.partial,
            unsearched: found.unsearched,
            relaxed,
            seq: found.seq,
        })
    }

    async fn complete(
        &self,
        who: &Caller,
        text: &str,
        limit: usize,
    ) -> Result<Vec<Completion>, DeskError> {
        Ok(complete::next(text, &self.vocabulary(who), limit))
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
        let caller = Caller::Person(who.clone());
        let now = self.now_of(&caller, None)?;
        let read = question::read(text, &self.vocabulary(&caller), &now)?;
        Ok(self.keep_search(who, name, read.query.to_string()).await?)
    }

    async fn remove_search(&self, who: &Person, name: &str) -> Result<(), DeskError> {
        self.forget_search(who, name).await
    }

    async fn unmatched_questions(&self, who: &Person) -> Result<Vec<Unmatched>, DeskError> {
        who.check(Permission::Maintain, None)?;
        self.unmatched().await
    }

    async fn index_status(&self, who: &Caller) -> Result<IndexStatus, DeskError> {
        let status = self.how_far();
        // The counts are of all workspaces.
        Ok(if who.may(Permission::Activity, None) {
            status
        } else {
            IndexStatus {
                state: status.state,
                why: status.why,
                ..IndexStatus::default()
            }
        })
    }

    async fn rebuild_index(&self, who: &Person) -> Result<IndexStatus, DeskError> {
        who.check(Permission::Maintain, None)?;
        let (search, why) = (self.search.clone(), format!("{} asked for it", who.display));
        let begun = tokio::task::spawn_blocking(move || search.rebuild(why)).await;
        begun.map_err(|error| DeskError::Unavailable(error.to_string()))?;
        Ok(self.how_far())
    }
}

impl LedgerDesk {
    /// Runs a query: on the ledger when it asks what changed, else where everything can be found.
    async fn run(
        &self,
        who: &Caller,
        query: &Query,
        page: Page<'_>,
        now: &Now,
    ) -> Result<Found, DeskError> {
        match self.find_changes(who, query, page, now).await? {
            Some(found) => Ok(found),
            None => self.find(who, query, page, now).await,
        }
    }

    /// Says where the handoff of each file is, so that a page can lead to the file in it.
    fn place(&self, hits: &mut [Hit]) {
        let state = self.ledger.state();
        for hit in hits.iter_mut().filter(|hit| hit.folder.is_none()) {
            let card = hit.handoff.and_then(|id| state.card(id));
            hit.folder = card.map(|card| card.newest().accepted.at.folder.clone());
        }
    }

    /// What each term less would find, the ones that leave most of the query standing first.
    async fn relax(
        &self,
        who: &Caller,
        query: &Query,
        now: &Now,
    ) -> Result<Vec<Relaxed>, DeskError> {
        let page = Page {
            cursor: None,
            limit: 0,
        };
        let mut relaxed = Vec::new();
        let pills = query.pills();
        let filters = pills.iter().filter(|pill| pill.filters);
        if filters.clone().count() < 2 {
            return Ok(relaxed);
        }
        for pill in filters.take(RELAXED) {
            let found = self.run(who, &pill.without, page, now).await?;
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
        Ok(relaxed)
    }
}
