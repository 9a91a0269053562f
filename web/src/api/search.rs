//! Searching over HTTP.

use axum::{Json, extract::State};
use countersign_protocol::query::Sort;
use http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::openapi::Problems;
use crate::{
    desk::{Completion, IndexStatus, SavedSearch, SearchAnswer, SearchRequest, Unmatched},
    error::Problem,
    security::{JsonOf, PathOf, QueryOf, Signed, SignedIn},
    state::AppState,
};

/// Hits on a page when nobody says how many.
const PAGE: usize = 50;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(search))
        .routes(routes!(completions))
        .routes(routes!(saved, save))
        .routes(routes!(remove))
        .routes(routes!(unmatched))
        .routes(routes!(status))
        .routes(routes!(rebuild))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// A query or a question; the language is in `docs/search.md`.
    #[serde(default)]
    q: String,
    /// True to take the words of `q` as words, even where they could be a question.
    #[serde(default)]
    verbatim: bool,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Hits on the page, at most 200.
    #[param(maximum = 200)]
    limit: Option<usize>,
    /// The order, when `q` does not say one.
    #[param(inline)]
    sort: Option<Sort>,
    /// The time zone that days are counted in, by its IANA name, for example `Europe/Zagreb`; else the one of
    /// the caller in the configuration, else UTC.
    tz: Option<String>,
}

/// Finds files, handoffs, decisions, comments, refusals, checkpoints and events.
#[utoipa::path(
    get, path = "/api/v1/search", operation_id = "search", tag = "search", params(Asked),
    responses((status = 200, description = "What was found", body = SearchAnswer), Problems)
)]
pub(super) async fn search(
    State(app): State<AppState>,
    Signed(who): Signed,
    QueryOf(asked): QueryOf<Asked>,
) -> Result<Json<SearchAnswer>, Problem> {
    let request = SearchRequest {
        text: asked.q,
        verbatim: asked.verbatim,
        cursor: asked.cursor,
        limit: asked.limit.unwrap_or(PAGE).clamp(1, 200),
        sort: asked.sort,
        zone: asked.tz,
    };
    Ok(Json(app.desk.search(&who, request).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Typed {
    /// What was typed so far.
    #[serde(default)]
    q: String,
}

/// What could be typed next.
#[utoipa::path(
    get, path = "/api/v1/search/completions", operation_id = "completeSearch", tag = "search",
    params(Typed),
    responses((status = 200, description = "At most 20, best first", body = Vec<Completion>), Problems)
)]
pub(super) async fn completions(
    State(app): State<AppState>,
    Signed(who): Signed,
    QueryOf(typed): QueryOf<Typed>,
) -> Result<Json<Vec<Completion>>, Problem> {
    Ok(Json(app.desk.complete(&who, &typed.q, 20).await?))
}

/// The searches that the caller keeps.
#[utoipa::path(
    get, path = "/api/v1/searches", operation_id = "listSearches", tag = "search",
    responses((status = 200, description = "By name", body = Vec<SavedSearch>), Problems)
)]
pub(super) async fn saved(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
) -> Result<Json<Vec<SavedSearch>>, Problem> {
    Ok(Json(app.desk.saved_searches(&person).await?))
}

/// A search to keep.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    /// Its name, at most 80 characters.
    name: String,
    /// A query or a question; it is kept as the query that it is read as.
    query: String,
}

/// Keeps a search under a name, in the place of an older one of that name.
#[utoipa::path(
    post, path = "/api/v1/searches", operation_id = "saveSearch", tag = "search", request_body = Kept,
    responses((status = 201, description = "As it is kept", body = SavedSearch), Problems)
)]
pub(super) async fn save(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    JsonOf(kept): JsonOf<Kept>,
) -> Result<(StatusCode, Json<SavedSearch>), Problem> {
    let saved = app
        .desk
        .save_search(&person, &kept.name, &kept.query)
        .await?;
    Ok((StatusCode::CREATED, Json(saved)))
}

/// Forgets a search.
#[utoipa::path(
    delete, path = "/api/v1/searches/{name}", operation_id = "removeSearch", tag = "search",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 204, description = "Forgotten"), Problems)
)]
pub(super) async fn remove(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(name): PathOf<String>,
) -> Result<StatusCode, Problem> {
    app.desk.remove_search(&person, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Questions that no rule understood. They stay on this machine.
#[utoipa::path(
    get, path = "/api/v1/search/unmatched", operation_id = "listUnmatchedQuestions", tag = "search",
    responses((status = 200, description = "Newest first", body = Vec<Unmatched>), Problems)
)]
pub(super) async fn unmatched(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
) -> Result<Json<Vec<Unmatched>>, Problem> {
    Ok(Json(app.desk.unmatched_questions(&person).await?))
}

/// How far the index is.
#[utoipa::path(
    get, path = "/api/v1/search/index", operation_id = "getIndexStatus", tag = "search",
    responses((status = 200, description = "Its state", body = IndexStatus), Problems)
)]
pub(super) async fn status(
    State(app): State<AppState>,
    Signed(who): Signed,
) -> Result<Json<IndexStatus>, Problem> {
    Ok(Json(app.desk.index_status(&who).await?))
}

/// Has the index made anew, as when it was damaged. Until it is complete, answers say that they are not.
#[utoipa::path(
    post, path = "/api/v1/search/index/rebuild", operation_id = "rebuildIndex", tag = "search",
    responses((status = 202, description = "How far it is", body = IndexStatus), Problems)
)]
pub(super) async fn rebuild(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
) -> Result<(StatusCode, Json<IndexStatus>), Problem> {
    let status = app.desk.rebuild_index(&person).await?;
    Ok((StatusCode::ACCEPTED, Json(status)))
}
