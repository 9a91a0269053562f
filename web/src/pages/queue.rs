//! `GET /queue`: what waits, for whom.

use axum::{extract::State, response::Html};
use serde::Deserialize;

use super::{
    queue_row::QueueRow,
    queue_view::{Peek, QueuePage},
    visit::Visit,
};
use crate::{
    desk::{DeskError, QueueView},
    error::Problem,
    security::QueryOf,
    state::AppState,
};

/// Rows of one page.
const ROWS: usize = 50;

/// The query of the queue page.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Choice {
    #[serde(default)]
    view: QueueView,
    cursor: Option<String>,
    /// The card in the preview pane, for example `H-7`.
    peek: Option<String>,
}

/// Shows the queue.
pub(super) async fn show(
    visit: Visit,
    State(app): State<AppState>,
    QueryOf(choice): QueryOf<Choice>,
) -> Result<Html<String>, Problem> {
    let caller = visit.caller();
    let queue = app
        .desk
        .queue(&caller, choice.view, choice.cursor.as_deref(), ROWS)
        .await?;
    let wanted = choice
        .peek
        .and_then(|text| text.parse().ok())
        .or_else(|| queue.rows.first().map(|row| row.id));
    let (peek, selected) = match wanted {
        Some(id) => match app.desk.review(&caller, id, None, None).await {
            Ok(review) => (Some(Peek::new(&review)), Some(id)),
            // It may be gone by now; the list is still worth showing.
            Err(DeskError::NotFound(_) | DeskError::NotAllowed(_)) => (None, None),
            Err(error) => return Err(error.into()),
        },
        None => (None, None),
    };
    let health = app.desk.health().await.seen_by(&visit.caller());
    let chrome = visit.chrome_of("queue", &queue);
    let now = visit.now();
    let row = |row| app.row(QueueRow::new(choice.view, row, selected, now));
    let rows = queue.rows.iter().map(row).collect::<Result<_, _>>()?;
    let page = QueuePage::new(chrome, choice.view, (&queue, rows), peek, &health, now);
    visit.render(&page)
}
