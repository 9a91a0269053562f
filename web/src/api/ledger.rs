//! What the ledger says: activity, refusals, the state of the chain.

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::openapi::Problems;
use crate::{
    desk::{ActivityRow, ChainReport, DeadLetter},
    error::Problem,
    security::{QueryOf, Signed, SignedIn},
    state::AppState,
};

/// Refused deliveries that nobody has fixed yet, newest first.
#[utoipa::path(
    get, path = "/api/v1/dead-letters", operation_id = "listDeadLetters", tag = "ledger",
    responses((status = 200, description = "The refusals", body = Vec<DeadLetter>), Problems)
)]
pub(super) async fn dead_letters(
    State(app): State<AppState>,
    Signed(who): Signed,
) -> Result<Json<Vec<DeadLetter>>, Problem> {
    Ok(Json(app.desk.dead_letters(&who).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Span {
    /// Entries before that number.
    before: Option<u64>,
    /// Entries, at most 500.
    #[param(maximum = 500)]
    limit: Option<usize>,
}

/// Recent entries, newest first.
#[utoipa::path(
    get, path = "/api/v1/activity", operation_id = "listActivity", tag = "ledger", params(Span),
    responses((status = 200, description = "The entries", body = Vec<ActivityRow>), Problems)
)]
pub(super) async fn activity(
    State(app): State<AppState>,
    Signed(who): Signed,
    QueryOf(span): QueryOf<Span>,
) -> Result<Json<Vec<ActivityRow>>, Problem> {
    let limit = span.limit.unwrap_or(100).clamp(1, 500);
    Ok(Json(app.desk.activity(&who, span.before, limit).await?))
}

/// Checks the whole chain.
#[utoipa::path(
    get, path = "/api/v1/audit/verify", operation_id = "verifyChain", tag = "ledger",
    responses((status = 200, description = "Whether it holds", body = ChainReport), Problems)
)]
pub(super) async fn verify(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
) -> Result<Json<ChainReport>, Problem> {
    Ok(Json(app.desk.verify_chain(&person).await?))
}
