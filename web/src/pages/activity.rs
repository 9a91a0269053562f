//! `GET /activity`: the ledger, newest first, and the end of its chain.

use axum::{extract::State, response::Html};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    view::When,
    visit::{Chrome, Visit},
};
use crate::{
    desk::{ActivityRow, Health},
    error::Problem,
    security::QueryOf,
    state::AppState,
    templates::Page,
};

/// Entries of one page.
const ROWS: usize = 100;

#[derive(Debug, Serialize)]
pub(super) struct ActivityPage {
    chrome: Chrome,
    head_seq: u64,
    head_hash: String,
    ready: bool,
    troubles: Vec<String>,
    rows: Vec<Row>,
    older: Option<u64>,
    newest_page: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    seq: u64,
    at: When,
    actor: String,
    event: String,
    handoff: Option<String>,
    text: String,
}

/// The query of the activity page.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Choice {
    before: Option<u64>,
}

/// Shows the list.
pub(super) async fn show(
    visit: Visit,
    State(app): State<AppState>,
    QueryOf(choice): QueryOf<Choice>,
) -> Result<Html<String>, Problem> {
    let rows = app
        .desk
        .activity(&visit.caller(), choice.before, ROWS)
        .await?;
    let health = app.desk.health().await;
    let chrome = visit.chrome("activity").await?;
    let newest_page = choice.before.is_none();
    visit.render(&ActivityPage::new(
        chrome,
        &rows,
        &health,
        newest_page,
        visit.now(),
    ))
}

impl ActivityPage {
    fn new(
        chrome: Chrome,
        rows: &[ActivityRow],
        health: &Health,
        newest_page: bool,
        now: Timestamp,
    ) -> Self {
        Self {
            chrome,
            head_seq: health.head.seq,
            head_hash: health.head.hash.to_string(),
            ready: health.ready,
            troubles: health.troubles.clone(),
            older: rows
                .last()
                .map(|row| row.seq)
                .filter(|seq| *seq > 1 && rows.len() == ROWS),
            rows: rows.iter().map(|row| Row::new(row, now)).collect(),
            newest_page,
        }
    }
}

impl Row {
    fn new(row: &ActivityRow, now: Timestamp) -> Self {
        Self {
            seq: row.seq,
            at: When::new(row.at, now),
            actor: row.actor.clone(),
            event: row.event.replace(['_', '.'], " "),
            handoff: row.handoff.map(|id| id.to_string()),
            text: row.text.clone(),
        }
    }
}

impl Page for ActivityPage {
    const TEMPLATE: &'static str = "pages/activity.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        use crate::showcase::sample;
        let rows = sample::activity();
        let mut health = sample::health();
        let page = |rows: &[ActivityRow], health: &Health, newest| {
            Self::new(
                Chrome::sample("activity"),
                rows,
                health,
                newest,
                sample::now(),
            )
        };
        let many: Vec<_> = rows.iter().cycle().take(ROWS).cloned().collect();
        let first = page(&rows, &health, true);
        health.ready = false;
        health.troubles = vec!["The disk is full".to_owned()];
        vec![first, page(&many, &health, false), page(&[], &health, true)]
    }
}
