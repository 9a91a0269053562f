//! `GET /h/{id}/decided`: the stamp, and what the agent gets.

use axum::{extract::State, response::Html};
use countersign_protocol::{
    HandoffId,
    decision::{DecisionDocument, Outcome},
};
use serde::Serialize;

use super::{
    held::HeldPage,
    view::{Now, Stamp, delivered_to, undelivered},
    visit::{Chrome, Visit},
};
use crate::{
    desk::{Queue, QueueView, Review},
    error::Problem,
    render::words,
    security::PathOf,
    state::AppState,
    templates::Page,
};

#[derive(Debug, Serialize)]
pub(super) struct DecidedPage {
    chrome: Chrome,
    id: String,
    title: String,
    heading: String,
    stamp: Stamp,
    /// Where the answer goes.
    place: String,
    delivered: bool,
    /// When the answer could not be put there.
    undelivered: Option<String>,
    released_to: Option<String>,
    released: String,
    document: String,
    log: u64,
    /// A newer revision that came after the decision.
    newer: Option<u32>,
    next: Option<(String, String)>,
    waiting: usize,
}

/// Shows the last decision.
pub(super) async fn show(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(id): PathOf<HandoffId>,
) -> Result<Html<String>, Problem> {
    let caller = visit.caller();
    let row = app.desk.row(&caller, id).await?;
    if let Some(held) = row.held.as_ref().filter(|held| held.mine) {
        let queue = app.desk.queue(&caller, QueueView::Turn, None, 1).await?;
        let next = next(&queue);
        let chrome = visit.chrome_of("queue", &queue);
        return visit.render(&HeldPage::new(chrome, &row, held, next, visit.now()));
    }
    let Some(decided) = &row.decided else {
        return Err(Problem::not_found(format!("A decision about {id}"))
            .hint(format!("Nobody has answered {id} yet.")));
    };
    let review = app
        .desk
        .review(&caller, id, Some(decided.revision), None)
        .await?;
    let Some(document) = &review.decision else {
        return Err(Problem::not_found(format!("The decision about {id}")));
    };
    let queue = app.desk.queue(&caller, QueueView::Turn, None, 1).await?;
    let next = next(&queue);
    let chrome = visit.chrome_of("queue", &queue);
    let page = DecidedPage::new(chrome, &review, document, next, visit.now());
    visit.render(&page)
}

/// The handoff that needs the person next.
fn next(queue: &Queue) -> Option<(String, String)> {
    let first = queue.rows.first()?;
    Some((first.id.to_string(), first.title.clone()))
}

impl DecidedPage {
    fn new(
        chrome: Chrome,
        review: &Review,
        document: &DecisionDocument,
        next: Option<(String, String)>,
        now: Now<'_>,
    ) -> Self {
        let row = &review.row;
        Self {
            id: row.id.to_string(),
            title: row.title.clone(),
            heading: heading(document.outcome, &row.agent),
            stamp: Stamp::of_document(document, now),
            place: delivered_to(review),
            delivered: review.delivered,
            undelivered: undelivered(review, now),
            released_to: document.released_to.clone(),
            released: words::count(document.artifacts.len(), "file"),
            document: pretty(document),
            log: document.log.index,
            newer: (row.revision > document.revision).then_some(row.revision),
            next,
            waiting: chrome.turn,
            chrome,
        }
    }
}

fn heading(outcome: Outcome, agent: &str) -> String {
    match outcome {
        Outcome::Approved => format!("Approved, {agent} goes on"),
        Outcome::Edited => format!("Approved with your edit, {agent} goes on"),
        Outcome::ChangesRequested => format!("Sent back to {agent}"),
        Outcome::Rejected => format!("Rejected, {agent} stops"),
        Outcome::Responded => format!("Answered, {agent} goes on"),
        Outcome::Cancelled => format!("Withdrawn by {agent}"),
        Outcome::Expired => "The deadline passed".to_owned(),
        Outcome::Ignored => format!("Set aside, {agent} goes on without it"),
        Outcome::Abstained => "Left to others".to_owned(),
        Outcome::Rerouted => "Handed on".to_owned(),
        Outcome::Completed => "Completed".to_owned(),
    }
}

fn pretty(document: &DecisionDocument) -> String {
    // A document of strings and numbers has a JSON form.
    serde_json::to_string_pretty(document).unwrap_or_default()
}

impl Page for DecidedPage {
    const TEMPLATE: &'static str = "pages/decided.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        use crate::showcase::sample;
        let now = Now::utc(sample::now());
        let mut review = sample::review();
        let mut document = sample::decision();
        let page = |review: &Review, document: &DecisionDocument, next| {
            Self::new(Chrome::sample("queue"), review, document, next, now)
        };
        let next = Some(("H-9".to_owned(), "Next one".to_owned()));
        let first = page(&review, &document, next);
        review.delivered = true;
        document.outcome = Outcome::Approved;
        document.released_to = Some("approved/H-7".to_owned());
        document.revision = 1;
        let delivered = page(&review, &document, None);
        review.delivered = false;
        review.delivery = Some(sample::undelivered());
        vec![first, delivered, page(&review, &document, None)]
    }
}
