//! Start links, accounts and sessions of people, and tokens for agents.

use axum::{Json, extract::State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::openapi::Problems;
use crate::{
    desk::{
        NewToken, TokenRow,
        access::{Invitation, NewAccount, PeopleReport, PersonRow, SessionRow},
    },
    error::Problem,
    security::{JsonOf, PathOf, QueryOf, Shown, SignedIn},
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

/// Who the caller is, and the roles in each workspace.
#[utoipa::path(
    get, path = "/api/v1/me", operation_id = "getMe", tag = "access",
    responses((status = 200, description = "The person", body = PersonRow), Problems)
)]
pub(super) async fn me(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
) -> Result<Json<PersonRow>, Problem> {
    Ok(Json(app.desk.own_account(&person).await?))
}

/// Everybody who can come in or be asked, and what each role may do.
#[utoipa::path(
    get, path = "/api/v1/people", operation_id = "listPeople", tag = "access",
    responses((status = 200, description = "People and roles", body = PeopleReport), Problems)
)]
pub(super) async fn people(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
) -> Result<Json<PeopleReport>, Problem> {
    Ok(Json(app.desk.people(&person).await?))
}

/// Makes an account, with a link to set its password.
#[utoipa::path(
    post, path = "/api/v1/accounts", operation_id = "createAccount", tag = "access",
    request_body = NewAccount,
    responses((status = 201, description = "The account and its link", body = Invitation), Problems)
)]
pub(super) async fn create_account(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    JsonOf(body): JsonOf<NewAccount>,
) -> Result<(StatusCode, Json<Invitation>), Problem> {
    let made = app.desk.add_account(&person, body).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Makes a link with which the owner of an account sets another password.
#[utoipa::path(
    post, path = "/api/v1/accounts/{id}/reset", operation_id = "resetAccount", tag = "access",
    params(("id" = String, Path, description = "The name to sign in with")),
    responses((status = 201, description = "The account and its link", body = Invitation), Problems)
)]
pub(super) async fn reset_account(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(id): PathOf<String>,
) -> Result<(StatusCode, Json<Invitation>), Problem> {
    let made = app.desk.reset_account(&person, &id).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Disables an account; its sessions end.
#[utoipa::path(
    post, path = "/api/v1/accounts/{id}/disable", operation_id = "disableAccount", tag = "access",
    params(("id" = String, Path, description = "The name to sign in with")),
    responses((status = 204, description = "Nobody signs in with it any more"), Problems)
)]
pub(super) async fn disable_account(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(id): PathOf<String>,
) -> Result<StatusCode, Problem> {
    app.desk.disable_account(&person, &id, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Enables an account again.
#[utoipa::path(
    post, path = "/api/v1/accounts/{id}/enable", operation_id = "enableAccount", tag = "access",
    params(("id" = String, Path, description = "The name to sign in with")),
    responses((status = 204, description = "It can be used again"), Problems)
)]
pub(super) async fn enable_account(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(id): PathOf<String>,
) -> Result<StatusCode, Problem> {
    app.desk.disable_account(&person, &id, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whose sessions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whose {
    #[serde(default)]
    all: bool,
}

/// Open sessions: one's own, or with `all` those of everybody.
#[utoipa::path(
    get, path = "/api/v1/sessions", operation_id = "listSessions", tag = "access",
    params(("all" = Option<bool>, Query, description = "Those of everybody")),
    responses((status = 200, description = "The sessions", body = Vec<SessionRow>), Problems)
)]
pub(super) async fn sessions(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    Shown(secret): Shown,
    QueryOf(whose): QueryOf<Whose>,
) -> Result<Json<Vec<SessionRow>>, Problem> {
    let rows = app.desk.sessions(&person, whose.all, secret.as_deref());
    Ok(Json(rows.await?))
}

/// Ends a session.
#[utoipa::path(
    delete, path = "/api/v1/sessions/{id}", operation_id = "endSession", tag = "access",
    params(("id" = String, Path, description = "Public id of the session")),
    responses((status = 204, description = "It signs nobody in any more"), Problems)
)]
pub(super) async fn end_session(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(id): PathOf<String>,
) -> Result<StatusCode, Problem> {
    app.desk.end_session(&person, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
