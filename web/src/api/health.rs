//! How the daemon is.

use axum::{Json, Router, extract::State, routing::get};
use http::StatusCode;

use super::openapi::Problems;
use crate::{desk::Health, error::Problem, security::Signed, state::AppState};

/// Two probes for machines. They need no sign-in and say next to nothing.
pub(super) fn probes() -> Router<AppState> {
    Router::new()
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(ready))
}

async fn ready(State(app): State<AppState>) -> (StatusCode, &'static str) {
    if app.desk.health().await.ready {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

/// How the daemon is. Everybody is told about their own workspaces only.
#[utoipa::path(
    get, path = "/api/v1/health", operation_id = "getHealth", tag = "health",
    responses((status = 200, description = "How it is", body = Health), Problems)
)]
pub(super) async fn health(
    State(app): State<AppState>,
    Signed(who): Signed,
) -> Result<Json<Health>, Problem> {
    Ok(Json(app.desk.health().await.seen_by(&who)))
}
