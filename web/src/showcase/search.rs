//! Searching the desk in memory: titles and paths, by every word.

use async_trait::async_trait;
use countersign_protocol::{
    names::joined,
    query::{self, Filter, HitKind, Query, What},
};

use super::{Showcase, card::Card, sample};
use crate::desk::{
    Caller, Completion, DeskError, Facet, Hit, IndexStatus, MatchedLine, Person, ReadAs,
    SavedSearch, SearchAnswer, SearchDesk, SearchError, SearchRequest, Unmatched,
};

#[async_trait]
impl SearchDesk for Showcase {
    async fn search(
        &self,
        who: &Caller,
        request: SearchRequest,
    ) -> Result<SearchAnswer, SearchError> {
        let parsed = query::parse(&request.text)?;
        let state = self.lock();
        let things = state.seen_by(who).flat_map(things);
        let mut hits: Vec<Hit> = things
            .filter(|hit| parsed.query.show.is_none_or(|show| hit.kind == show))
            .filter_map(|hit| matched(hit, &parsed.query))
            .collect();
        let total = hits.len() as u64;
        let skip: usize = request
            .cursor
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        let end = skip.saturating_add(request.limit).min(hits.len());
        let facets = HitKind::all().filter_map(|(kind, word)| {
            let count = hits.iter().filter(|hit| hit.kind == kind).count() as u64;
            let value = word.to_owned();
            (count > 0).then_some(crate::desk::Counted { value, count })
        });
        let facets = vec![Facet {
            operator: "show".to_owned(),
            values: facets.collect(),
        }];
        Ok(SearchAnswer {
            reading: ReadAs {
                query: parsed.query.to_string(),
                notes: parsed.notes,
                ..ReadAs::default()
            },
            next_cursor: (end < hits.len()).then(|| end.to_string()),
            hits: hits.drain(skip.min(end)..end).collect(),
            total,
            exact: true,
            facets,
            seq: self.seq(),
            ..SearchAnswer::default()
        })
    }

    async fn complete(&self, _: &Caller, _: &str, _: usize) -> Result<Vec<Completion>, DeskError> {
        Ok(Vec::new())
    }

    async fn saved_searches(&self, _: &Person) -> Result<Vec<SavedSearch>, DeskError> {
        Ok(self.lock().searches.clone())
    }

    async fn save_search(
        &self,
        _: &Person,
        name: &str,
        text: &str,
    ) -> Result<SavedSearch, SearchError> {
        let saved = SavedSearch {
            name: name.to_owned(),
            query: query::parse(text)?.query.to_string(),
            at: sample::now(),
        };
        let kept = saved.clone();
        self.record(|state| {
            state.searches.retain(|other| other.name != kept.name);
            state.searches.push(kept);
        });
        Ok(saved)
    }

    async fn remove_search(&self, _: &Person, name: &str) -> Result<(), DeskError> {
        let known = self.lock().searches.iter().any(|other| other.name == name);
        if !known {
            return Err(DeskError::NotFound(format!("The search `{name}`")));
        }
        self.record(|state| state.searches.retain(|other| other.name != name));
        Ok(())
    }

    async fn unmatched_questions(&self, _: &Person) -> Result<Vec<Unmatched>, DeskError> {
        Ok(Vec::new())
    }

    async fn index_status(&self, _: &Caller) -> Result<IndexStatus, DeskError> {
        Ok(IndexStatus {
            state: "ready".to_owned(),
            seq: self.seq(),
            ..IndexStatus::default()
        })
    }

    async fn rebuild_index(&self, _: &Person) -> Result<IndexStatus, DeskError> {
        Ok(IndexStatus {
            state: "rebuilding".to_owned(),
            why: Some("the search index is being made anew".to_owned()),
            ..IndexStatus::default()
        })
    }
}

fn things(card: &Card) -> Vec<Hit> {
    let row = &card.review.row;
    let handoff = Hit {
        kind: HitKind::Handoff,
        workspace: row.workspace.clone(),
        path: None,
        folder: Some(row.folder.clone()),
        member: None,
        handoff: Some(row.id),
        revision: Some(row.revision),
        title: row.title.clone(),
        agent: Some(row.agent.clone()),
        by: None,
        state: Some(row.state.clone()),
        change: None,
        renamed_from: None,
        size: None,
        at: row.handed_over_at,
        seq: row.id.0,
        lines: Vec::new(),
        errors: Vec::new(),
        note: None,
    };
    let files = card.revisions.last().into_iter().flatten();
    let files = files.map(|(path, (bytes, _))| Hit {
        kind: HitKind::File,
        path: Some(joined(&row.folder, path)),
        size: Some(bytes.len() as u64),
        ..handoff.clone()
    });
    let mut things: Vec<_> = files.collect();
    things.insert(0, handoff);
    things
}

/// The hit with the first place of each word, when it has all of them.
fn matched(mut hit: Hit, query: &Query) -> Option<Hit> {
    let whole = std::slice::from_ref(&query.filter);
    let parts = match &query.filter {
        Filter::And(parts) => parts.as_slice(),
        _ => whole,
    };
    let text = hit.path.clone().unwrap_or_else(|| hit.title.clone());
    let lower = text.to_lowercase();
    let mut matches = Vec::new();
    for part in parts {
        if let Filter::Term(term) = part
            && let What::Word(word) | What::Phrase(word) = &term.what
        {
            let word = word.to_lowercase();
            let at = lower.find(&word)?;
            matches.push((at, at + word.len()));
        }
    }
    matches.sort_unstable();
    if !matches.is_empty() {
        hit.lines.push(MatchedLine {
            place: None,
            number: hit.path.is_some().then_some(1),
            field: None,
            text,
            matches,
        });
    }
    Some(hit)
}
