//! Tokens with which programs work in the name of a person.

use axum::{Json, extract::State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::openapi::Problems;
use crate::{
    desk::person_tokens::{NewPersonToken, PersonTokenRow},
    error::Problem,
    security::{JsonOf, PathOf, QueryOf, SignedIn},
    state::AppState,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(revoke))
}

/// Whose tokens.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whose {
    #[serde(default)]
    all: bool,
}

/// A new token of a person.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedPersonToken {
    /// What is known about it from now on.
    token: PersonTokenRow,
    /// The secret. It is shown this once.
    secret: String,
}

/// Good tokens of people, without their secrets: one's own, or with `all` those of everybody.
#[utoipa::path(
    get, path = "/api/v1/person-tokens", operation_id = "listPersonTokens", tag = "access",
    params(("all" = Option<bool>, Query, description = "Those of everybody")),
    responses((status = 200, description = "The tokens", body = Vec<PersonTokenRow>), Problems)
)]
pub(super) async fn list(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    QueryOf(whose): QueryOf<Whose>,
) -> Result<Json<Vec<PersonTokenRow>>, Problem> {
    Ok(Json(app.desk.person_tokens(&person, whose.all).await?))
}

/// Makes a token with which a program works in one's name.
#[utoipa::path(
    post, path = "/api/v1/person-tokens", operation_id = "createPersonToken", tag = "access",
    request_body = NewPersonToken,
    responses((status = 201, description = "The token", body = CreatedPersonToken), Problems)
)]
pub(super) async fn create(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    JsonOf(body): JsonOf<NewPersonToken>,
) -> Result<(StatusCode, Json<CreatedPersonToken>), Problem> {
    let (token, secret) = app.desk.create_person_token(&person, body).await?;
    let created = CreatedPersonToken { token, secret };
    Ok((StatusCode::CREATED, Json(created)))
}

/// Takes a token of a person back.
#[utoipa::path(
    delete, path = "/api/v1/person-tokens/{id}", operation_id = "revokePersonToken", tag = "access",
    params(("id" = String, Path, description = "Public id of the token")),
    responses((status = 204, description = "It opens nothing any more"), Problems)
)]
pub(super) async fn revoke(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(id): PathOf<String>,
) -> Result<StatusCode, Problem> {
    app.desk.revoke_person_token(&person, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
