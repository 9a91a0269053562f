//! Handoffs to look at: the queue, one row, one revision.

use axum::{Json, extract::State};
use countersign_protocol::HandoffId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{openapi::Problems, versions::reviewed};
use crate::{
    desk::{HandoffRow, Queue, QueueView, Review},
    error::Problem,
    security::{PathOf, QueryOf, Signed},
    state::AppState,
};

/// Rows on a page when nobody says how many.
const PAGE: usize = 50;
/// The most rows on a page.
const PAGE_LIMIT: usize = 200;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// Which part of the queue.
    #[serde(default)]
    #[param(inline)]
    view: QueueView,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Rows on the page, at most 200.
    #[param(maximum = 200)]
    limit: Option<usize>,
}

/// The queue, page by page.
#[utoipa::path(
    get, path = "/api/v1/handoffs", operation_id = "listHandoffs", tag = "handoffs", params(Page),
    responses((status = 200, description = "A page of the queue", body = Queue), Problems)
)]
pub(super) async fn list(
    State(app): State<AppState>,
    Signed(who): Signed,
    QueryOf(page): QueryOf<Page>,
) -> Result<Json<Queue>, Problem> {
    let limit = page.limit.unwrap_or(PAGE).clamp(1, PAGE_LIMIT);
    let queue = app
        .desk
        .queue(&who, page.view, page.cursor.as_deref(), limit)
        .await?;
    Ok(Json(queue))
}

/// One handoff as in the queue.
#[utoipa::path(
    get, path = "/api/v1/handoffs/{id}", operation_id = "getHandoff", tag = "handoffs",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    responses((status = 200, description = "The handoff", body = HandoffRow), Problems)
)]
pub(super) async fn row(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(id): PathOf<HandoffId>,
) -> Result<Json<HandoffRow>, Problem> {
    Ok(Json(app.desk.row(&who, id).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Compared {
    /// The revision; the newest when none is named.
    revision: Option<u32>,
    /// What to compare with: a revision such as `2`, or any anchor such as `@last-build`; what was decided
    /// last when none is named. Revision 0 is what the handoff that this one continues was decided as.
    base: Option<String>,
}

/// Everything about one revision.
#[utoipa::path(
    get, path = "/api/v1/handoffs/{id}/review", operation_id = "getReview", tag = "handoffs",
    params(("id" = String, Path, description = "The number, with or without `H-`"), Compared),
    responses((status = 200, description = "The revision", body = Review), Problems)
)]
pub(super) async fn review(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(id): PathOf<HandoffId>,
    QueryOf(query): QueryOf<Compared>,
) -> Result<Json<Review>, Problem> {
    let base = query.base.as_deref();
    let (review, _) = reviewed(&app, &who, id, query.revision, base).await?;
    Ok(Json(review))
}
