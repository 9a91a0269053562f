//! Start links for people and tokens for agents. Only a person makes them.

use axum::{Json, extract::State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::openapi::Problems;
use crate::{
    desk::{NewToken, TokenRow},
    error::Problem,
    security::{JsonOf, PathOf, SignedIn},
    state::AppState,
};

/// A link that signs in once.
#[derive(Serialize, ToSchema)]
pub(super) struct StartLink {
    /// The whole link.
    url: String,
}

/// Makes a one-time start link.
#[utoipa::path(
    post, path = "/api/v1/start-links", operation_id = "createStartLink", tag = "access",
    responses((status = 201, description = "The link", body = StartLink), Problems)
)]
pub(super) async fn start_link(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
) -> Result<(StatusCode, Json<StartLink>), Problem> {
    let url = app.desk.start_link(&person).await?;
    Ok((StatusCode::CREATED, Json(StartLink { url })))
}

/// All agent tokens, without their secrets.
#[utoipa::path(
    get, path = "/api/v1/tokens", operation_id = "listTokens", tag = "access",
    responses((status = 200, description = "The tokens", body = Vec<TokenRow>), Problems)
)]
pub(super) async fn tokens(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
) -> Result<Json<Vec<TokenRow>>, Problem> {
    Ok(Json(app.desk.tokens(&person).await?))
}

/// What to make a token for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenRequest {
    /// The agent it speaks for.
    agent: String,
    /// The workspaces it reaches.
    workspaces: Vec<String>,
    /// Days it is good for.
    days: Option<u32>,
}

/// A new token.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedToken {
    /// What is known about it from now on.
    token: TokenRow,
    /// The secret. It is shown this once.
    secret: String,
}

/// Makes an agent token.
#[utoipa::path(
    post, path = "/api/v1/tokens", operation_id = "createToken", tag = "access",
    request_body = TokenRequest,
    responses((status = 201, description = "The token", body = CreatedToken), Problems)
)]
pub(super) async fn create_token(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    JsonOf(body): JsonOf<TokenRequest>,
) -> Result<(StatusCode, Json<CreatedToken>), Problem> {
    let wanted = NewToken {
        agent: body.agent,
        workspaces: body.workspaces,
        days: body.days,
    };
    let (token, secret) = app.desk.create_token(&person, wanted).await?;
    Ok((StatusCode::CREATED, Json(CreatedToken { token, secret })))
}

/// Takes a token back.
#[utoipa::path(
    delete, path = "/api/v1/tokens/{id}", operation_id = "revokeToken", tag = "access",
    params(("id" = String, Path, description = "Public id of the token")),
    responses((status = 204, description = "Taken back"), Problems)
)]
pub(super) async fn revoke_token(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(id): PathOf<String>,
) -> Result<StatusCode, Problem> {
    app.desk.revoke_token(&person, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
