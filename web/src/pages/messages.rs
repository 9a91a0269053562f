//! `GET /messages`: who is told by which way, how that goes, and the way back for what failed.

use axum::{
    extract::State,
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Serialize;

use super::{
    view::{Now, When},
    visit::{Chrome, Visit},
};
use crate::{
    desk::ReceiverRow, error::Problem, security::PathOf, state::AppState, templates::Page,
};

#[derive(Debug, Serialize)]
pub(super) struct MessagesPage {
    chrome: Chrome,
    receivers: Vec<ReceiverView>,
}

#[derive(Debug, Serialize)]
struct ReceiverView {
    name: String,
    /// `works`, `fails` or `left alone`.
    state: &'static str,
    since: Option<When>,
    last_sent: Option<When>,
    waiting: usize,
    failed: usize,
    why: Option<String>,
}

impl ReceiverView {
    fn new(row: ReceiverRow, now: Now<'_>) -> Self {
        let (state, since) = match (row.disabled_since, row.failing_since) {
            (Some(since), _) => ("left alone", Some(since)),
            (None, Some(since)) => ("fails", Some(since)),
            (None, None) => ("works", None),
        };
        Self {
            name: row.name,
            state,
            since: since.map(|since| When::new(since, now)),
            last_sent: row.last_sent.map(|at| When::new(at, now)),
            waiting: row.waiting,
            failed: row.failed,
            why: row
                .disabled_why
                .or(row.last_failure.filter(|_| row.failing_since.is_some())),
        }
    }
}

impl MessagesPage {
    fn new(chrome: Chrome, rows: Vec<ReceiverRow>, now: Now<'_>) -> Self {
        let view = |row| ReceiverView::new(row, now);
        Self {
            chrome,
            receivers: rows.into_iter().map(view).collect(),
        }
    }
}

/// Shows the list.
pub(super) async fn show(
    visit: Visit,
    State(app): State<AppState>,
) -> Result<Html<String>, Problem> {
    let rows = app.desk.receivers(&visit.person).await?;
    let chrome = visit.chrome("messages").await?;
    visit.render(&MessagesPage::new(chrome, rows, visit.now()))
}

/// `POST /messages/{name}/enable`: lets a receiver be tried again.
pub(super) async fn enable(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(name): PathOf<String>,
) -> Result<Response, Problem> {
    app.desk.enable_receiver(&visit.person, &name).await?;
    Ok(Redirect::to("/messages").into_response())
}

/// `POST /messages/{name}/redrive`: lets what failed for good be tried again.
pub(super) async fn redrive(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(name): PathOf<String>,
) -> Result<Response, Problem> {
    app.desk.redrive_receiver(&visit.person, &name).await?;
    Ok(Redirect::to("/messages").into_response())
}

impl Page for MessagesPage {
    const TEMPLATE: &'static str = "pages/messages.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        use crate::showcase::sample;
        let now = Now::utc(sample::now());
        let row = |name: &str, failing: bool, disabled: bool| ReceiverRow {
            name: name.to_owned(),
            disabled_since: disabled.then_some(now.at),
            disabled_why: disabled.then(|| "it has failed for five days: <b>503</b>".to_owned()),
            last_sent: (!disabled).then_some(now.at),
            failing_since: failing.then_some(now.at),
            last_failure: failing.then(|| "cannot connect: <script>\u{202E}".to_owned()),
            waiting: 3,
            failed: usize::from(failing) * 2,
        };
        let all = vec![
            row("mail", false, false),
            row("ci", true, false),
            row("slack-payments", true, true),
        ];
        vec![
            Self::new(Chrome::sample("messages"), all, now),
            Self::new(Chrome::sample("messages"), Vec::new(), now),
        ]
    }
}
