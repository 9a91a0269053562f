//! What approved work must be.

use axum::{Json, extract::State};
use countersign_protocol::{HandoffId, terms::Use};

use super::openapi::Problems;
use crate::{
    desk::boundaries::{Release, UseWish, WorkspaceBoundaries},
    error::Problem,
    security::{JsonOf, PathOf, Signed, SignedIn},
    state::AppState,
};

/// What holds agents back in each workspace, as it was tried.
#[utoipa::path(
    get, path = "/api/v1/boundaries", operation_id = "listBoundaries", tag = "workspaces",
    responses((status = 200, description = "One for each workspace", body = Vec<WorkspaceBoundaries>), Problems)
)]
pub(super) async fn list(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
) -> Result<Json<Vec<WorkspaceBoundaries>>, Problem> {
    Ok(Json(app.desk.boundaries(&person).await?))
}

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

/// Uses an approval that is good for one use, before the work is used. The same id again is the same use.
#[utoipa::path(
    post, path = "/api/v1/handoffs/{id}/use", operation_id = "useApproval", tag = "handoffs",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    request_body = UseWish,
    responses((status = 200, description = "The use is yours", body = Use), Problems)
)]
pub(super) async fn use_approval(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(id): PathOf<HandoffId>,
    JsonOf(wish): JsonOf<UseWish>,
) -> Result<Json<Use>, Problem> {
    Ok(Json(app.desk.use_approval(&who, id, wish).await?))
}
