//! How the daemon is.

use axum::{Json, Router, extract::State, routing::get};
use http::StatusCode;

use super::openapi::Problems;
use crate::{
    desk::{Caller, Health},
    error::Problem,
    security::Signed,
    state::AppState,
};

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

/// How the daemon is. An agent is told about its own workspaces only.
#[utoipa::path(
    get, path = "/api/v1/health", operation_id = "getHealth", tag = "health",
    responses((status = 200, description = "How it is", body = Health), Problems)
)]
pub(super) async fn health(
    State(app): State<AppState>,
    Signed(who): Signed,
) -> Result<Json<Health>, Problem> {
    let mut health = app.desk.health().await;
    if let Caller::Agent(agent) = who {
        // They name folders of other workspaces.
        health.troubles.clear();
        health
            .workspaces
            .retain(|workspace| agent.workspaces.contains(&workspace.name));
    }
    Ok(Json(health))
}
