//! The JSON API.

use axum::{Router, extract::State, routing::get};
use http::StatusCode;

use crate::{live, state::AppState};

/// All routes of the API and the two probes.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/events", get(live::events))
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(ready))
}

/// Whether the daemon takes work; the words are for people.
async fn ready(State(app): State<AppState>) -> (StatusCode, &'static str) {
    if app.desk.health().await.ready {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}
