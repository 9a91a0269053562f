//! An answer that can still be taken back: its page, and `POST /h/{id}/undo`.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use countersign_protocol::{HandoffId, decision::Outcome};
use serde::Serialize;

use super::{
    view::{Now, When, stamp_word, tone},
    visit::{Chrome, Visit},
};
use crate::{
    desk::{
        HandoffRow,
        undo::{CameBackRow, HeldRow},
    },
    error::Problem,
    render::words,
    security::PathOf,
    state::AppState,
    templates::Page,
};

/// An answer that is given in a moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub(super) struct HeldView {
    word: &'static str,
    tone: &'static str,
    by: String,
    mine: bool,
    /// Whether it will count as one vote of several.
    vote: bool,
    until: When,
    /// Seconds until then.
    left: i64,
}

impl HeldView {
    pub(super) fn new(row: &HeldRow, now: Now<'_>) -> Self {
        Self {
            word: stamp_word(row.outcome),
            tone: tone(row.outcome),
            by: row.by.clone(),
            mine: row.mine,
            vote: row.vote,
            until: When::planned(row.until, now),
            left: row.until.duration_since(now.at).as_secs().max(0) + 1,
        }
    }
}

/// An answer that was not given.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub(super) struct CameBackView {
    /// For example `approval`.
    what: &'static str,
    revision: u32,
    why: Option<String>,
}

impl CameBackView {
    pub(super) fn new(row: &CameBackRow) -> Self {
        Self {
            what: noun(row.outcome),
            revision: row.revision,
            why: row.why.clone(),
        }
    }
}

fn noun(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Approved | Outcome::Edited => "approval",
        Outcome::ChangesRequested => "request for changes",
        Outcome::Rejected => "rejection",
        _ => "answer",
    }
}

#[derive(Debug, Serialize)]
pub(super) struct HeldPage {
    chrome: Chrome,
    id: String,
    title: String,
    agent: String,
    held: HeldView,
    comment: Option<String>,
    next: Option<(String, String)>,
    waiting: String,
}

impl HeldPage {
    pub(super) fn new(
        chrome: Chrome,
        row: &HandoffRow,
        held: &HeldRow,
        next: Option<(String, String)>,
        now: Now<'_>,
    ) -> Self {
        Self {
            id: row.id.to_string(),
            title: row.title.clone(),
            agent: row.agent.clone(),
            held: HeldView::new(held, now),
            comment: held.comment.clone(),
            next,
            waiting: words::count(chrome.turn, "handoff"),
            chrome,
        }
    }
}

/// Takes the answer back.
pub(super) async fn undo(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(id): PathOf<HandoffId>,
) -> Result<Response, Problem> {
    app.desk.undo(&visit.person, id).await?;
    Ok(Redirect::to(&format!("/h/{id}")).into_response())
}

impl Page for HeldPage {
    const TEMPLATE: &'static str = "pages/held.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        use crate::showcase::sample;
        let now = Now::utc(sample::now());
        let page = |outcome, comment: Option<&str>, next| {
            let held = HeldRow {
                outcome,
                by: sample::HOSTILE.to_owned(),
                mine: true,
                vote: comment.is_some(),
                comment: comment.map(str::to_owned),
                until: now.at,
            };
            let chrome = Chrome::sample("queue");
            Self::new(chrome, &sample::review().row, &held, next, now)
        };
        let next = Some(("H-9".to_owned(), sample::HOSTILE.to_owned()));
        vec![
            page(Outcome::Approved, None, next),
            page(Outcome::Rejected, Some(sample::HOSTILE), None),
        ]
    }
}
