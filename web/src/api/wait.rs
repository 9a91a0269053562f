//! Waiting for an answer.

use std::{sync::Arc, time::Duration};

use axum::{Extension, Json, extract::State};
use countersign_protocol::HandoffId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::openapi::Problems;
use crate::{
    desk::{DeskError, WaitAnswer},
    error::Problem,
    live::Stopping,
    security::{PathOf, QueryOf, Signed},
    state::AppState,
};

/// The longest wait, in seconds.
const LONGEST: u64 = 60;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wait {
    /// The revision; the pending one when none is named.
    revision: Option<u32>,
    /// Seconds, at most 60.
    #[param(maximum = 60)]
    timeout: Option<u64>,
}

/// Waits until a revision is decided or replaced, or the time is over.
#[utoipa::path(
    get, path = "/api/v1/handoffs/{id}/wait", operation_id = "waitForDecision", tag = "handoffs",
    params(("id" = String, Path, description = "The number, with or without `H-`"), Wait),
    responses((status = 200, description = "How it stands", body = WaitAnswer), Problems)
)]
pub(super) async fn wait(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(id): PathOf<HandoffId>,
    stopping: Option<Extension<Stopping>>,
    QueryOf(query): QueryOf<Wait>,
) -> Result<Json<WaitAnswer>, Problem> {
    let busy = |why: &str| Problem::from(DeskError::Unavailable(why.to_owned()));
    // Who finds no place may ask again; those who wait must not take every connection.
    let _place = Arc::clone(app.places.of(&who))
        .try_acquire_owned()
        .map_err(|_| busy("Too many callers wait already"))?;
    let timeout = Duration::from_secs(query.timeout.unwrap_or(LONGEST).min(LONGEST));
    let waited = app.desk.wait(&who, id, query.revision, timeout);
    let answer = match stopping {
        Some(Extension(Stopping(stopped))) => tokio::select! {
            answer = waited => answer,
            () = stopped.cancelled() => return Err(busy("The daemon is stopping")),
        },
        None => waited.await,
    };
    Ok(Json(answer?))
}
