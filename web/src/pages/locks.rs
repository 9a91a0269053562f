//! `GET /locks`: who holds what and who waits, beside what the kernel knows, and the forms to ask and to break.

use axum::{
    extract::State,
    response::{Html, IntoResponse, Redirect, Response},
};
use countersign_protocol::lock::LockId;
use serde::Deserialize;

use super::{locks_view::LocksPage, visit::Visit};
use crate::{
    desk::locks::LocksError,
    error::Problem,
    security::{FormOf, PathOf},
    state::AppState,
};

/// Shows the list.
pub(super) async fn show(
    visit: Visit,
    State(app): State<AppState>,
) -> Result<Html<String>, Problem> {
    let list = app.desk.locks(&visit.caller(), None).await?;
    let chrome = visit.chrome("locks").await?;
    visit.render(&LocksPage::new(chrome, &list, visit.now()))
}

/// The form that asks the owner to let go.
#[derive(Debug, Default, Deserialize)]
pub(super) struct AskForm {
    #[serde(default)]
    note: String,
}

/// `POST /locks/{id}/ask`.
pub(super) async fn ask(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(id): PathOf<LockId>,
    FormOf(form): FormOf<AskForm>,
) -> Result<Response, Problem> {
    let note = Some(form.note).filter(|note| !note.trim().is_empty());
    back(app.desk.ask_for_lock(&visit.caller(), id, note).await)
}

/// The form that takes a lock away.
#[derive(Debug, Deserialize)]
pub(super) struct BreakForm {
    reason: String,
}

/// `POST /locks/{id}/break`.
pub(super) async fn break_up(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(id): PathOf<LockId>,
    FormOf(form): FormOf<BreakForm>,
) -> Result<Response, Problem> {
    back(app.desk.break_lock(&visit.person, id, form.reason).await)
}

/// To the list, also when the lock ended meanwhile: that is what the page shows then.
fn back(done: Result<(), LocksError>) -> Result<Response, Problem> {
    match done {
        Ok(()) | Err(LocksError::Over { .. }) => Ok(Redirect::to("/locks").into_response()),
        Err(error) => Err(error.into()),
    }
}
