//! `GET /h/{id}/r/{revision}/file` and `…/raw`: one file, as a page, a part of a page, or bytes.

use axum::{
    extract::State,
    response::{Html, Response},
};
use countersign_protocol::HandoffId;
use http::{HeaderMap, Method};
use serde::Deserialize;

use super::{
    cards,
    review_view::{FilePage, FilePart},
    visit::Visit,
};
use crate::{
    api::files,
    error::Problem,
    security::{PathOf, QueryOf},
    state::AppState,
};

/// Which file, and how.
#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    path: String,
    base: Option<u32>,
    /// `1` for the content alone.
    part: Option<u8>,
}

/// Shows one file.
pub(super) async fn show(
    visit: Visit,
    State(app): State<AppState>,
    PathOf((id, revision)): PathOf<(HandoffId, u32)>,
    QueryOf(choice): QueryOf<Choice>,
) -> Result<Html<String>, Problem> {
    let review = app
        .desk
        .review(&visit.caller(), id, Some(revision), choice.base)
        .await?;
    let row = review
        .files
        .iter()
        .find(|file| file.path == choice.path)
        .ok_or_else(|| Problem::not_found(format!("`{}` in {id}", choice.path)))?;
    let card = cards::card(&visit, &review, row, &review.earlier_requests).await?;
    if choice.part == Some(1) {
        return visit.render(&FilePart { card });
    }
    visit.render(&FilePage {
        chrome: visit.chrome("queue").await?,
        id: id.to_string(),
        title: review.row.title.clone(),
        revision,
        base: review.base.clone(),
        card,
    })
}

/// Sends the bytes, as the API does: a picture as what it is, everything else as a download that no
/// browser opens.
pub(super) async fn raw(
    visit: Visit,
    State(app): State<AppState>,
    PathOf((id, revision)): PathOf<(HandoffId, u32)>,
    QueryOf(choice): QueryOf<Choice>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = visit.caller();
    let file = app.desk.open(&caller, id, revision, &choice.path).await?;
    files::send(file, &method, &headers).await
}
