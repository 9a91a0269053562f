//! People without an account who are invited to one handoff.

use axum::{Json, extract::State};
use countersign_protocol::HandoffId;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::openapi::Problems;
use crate::{
    desk::outsiders::{NewOutsider, OutsiderRow},
    error::Problem,
    security::{JsonOf, PathOf, SignedIn},
    state::AppState,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, invite))
        .routes(routes!(revoke))
}

/// An invitation that was made.
#[derive(Serialize, ToSchema)]
struct InvitedOutsider {
    /// What is known about it from now on.
    outsider: OutsiderRow,
    /// The whole link. It is shown this once.
    link: String,
}

/// Who was invited from outside, without the secrets of their links.
#[utoipa::path(
    get, path = "/api/v1/handoffs/{id}/outsiders", operation_id = "listOutsiders", tag = "access",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    responses((status = 200, description = "The invitations", body = Vec<OutsiderRow>), Problems)
)]
async fn list(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(id): PathOf<HandoffId>,
) -> Result<Json<Vec<OutsiderRow>>, Problem> {
    Ok(Json(app.desk.outsiders(&person, id).await?))
}

/// Invites somebody from outside to one handoff.
#[utoipa::path(
    post, path = "/api/v1/handoffs/{id}/outsiders", operation_id = "inviteOutsider", tag = "access",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    request_body = NewOutsider,
    responses((status = 201, description = "The invitation", body = InvitedOutsider), Problems)
)]
async fn invite(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(id): PathOf<HandoffId>,
    JsonOf(body): JsonOf<NewOutsider>,
) -> Result<(StatusCode, Json<InvitedOutsider>), Problem> {
    let (outsider, link) = app.desk.invite_outsider(&person, id, body).await?;
    Ok((
        StatusCode::CREATED,
        Json(InvitedOutsider { outsider, link }),
    ))
}

/// Takes an invitation back. Its sessions end at once.
#[utoipa::path(
    delete, path = "/api/v1/handoffs/{id}/outsiders/{invitation}", operation_id = "revokeOutsider", tag = "access",
    params(
        ("id" = String, Path, description = "The number, with or without `H-`"),
        ("invitation" = String, Path, description = "Public id of the invitation")
    ),
    responses((status = 204, description = "It opens nothing any more"), Problems)
)]
async fn revoke(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf((id, invitation)): PathOf<(HandoffId, String)>,
) -> Result<StatusCode, Problem> {
    app.desk.revoke_outsider(&person, id, &invitation).await?;
    Ok(StatusCode::NO_CONTENT)
}
