//! What approved work must be.

use axum::{Json, extract::State};
use countersign_protocol::HandoffId;

use super::openapi::Problems;
use crate::{
    desk::boundaries::Release,
    error::Problem,
    security::{PathOf, Signed},
    state::AppState,
};

/// What was released for a handoff and by which decision: all that is needed to check the files.
#[utoipa::path(
    get, path = "/api/v1/handoffs/{id}/release", operation_id = "getRelease", tag = "handoffs",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    responses((status = 200, description = "The release", body = Release), Problems)
)]
pub(super) async fn release(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(id): PathOf<HandoffId>,
) -> Result<Json<Release>, Problem> {
    Ok(Json(app.desk.released(&who, id).await?))
}
