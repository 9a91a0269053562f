//! Advisory locks.

use std::{future::Future, sync::Arc, time::Duration};

use axum::{Extension, Json, extract::State};
use countersign_protocol::lock::{Kind, LONGEST, LockId, MAX_KEY, Mode, SHORTEST};
use http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::openapi::Problems;
use crate::{
    desk::{
        Caller, DeskError,
        locks::{LockList, LockRow, LockWish},
    },
    error::Problem,
    live::Stopping,
    security::{JsonOf, PathOf, QueryOf, Signed, SignedIn},
    state::AppState,
};

/// The longest that one request waits, in seconds.
const PATIENCE: u64 = 60;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, acquire))
        .routes(routes!(show, release))
        .routes(routes!(renew))
        .routes(routes!(ask))
        .routes(routes!(break_up))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Place {
    /// Only those of this workspace.
    workspace: Option<String>,
}

/// Locks that are held and waited for, who reads what, and locks of the kernel.
#[utoipa::path(
    get, path = "/api/v1/locks", operation_id = "listLocks", tag = "locks",
    params(Place),
    responses((status = 200, description = "What is known of locks", body = LockList), Problems)
)]
pub(super) async fn list(
    State(app): State<AppState>,
    Signed(who): Signed,
    QueryOf(place): QueryOf<Place>,
) -> Result<Json<LockList>, Problem> {
    Ok(Json(
        app.desk.locks(&who, place.workspace.as_deref()).await?,
    ))
}

/// What is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    /// The workspace.
    workspace: String,
    /// A path or glob relative to it; a folder ends in a slash, the workspace itself is `.`.
    path: String,
    /// What the path is; else its spelling tells.
    kind: Option<Kind>,
    /// Alone or with others; alone when absent.
    #[serde(default)]
    mode: Mode,
    /// After so many seconds without a sign of life it ends: 5 to 86400, 600 when absent.
    #[schema(minimum = 5, maximum = 86400)]
    ttl_seconds: Option<u32>,
    /// Why, in your words.
    #[schema(max_length = 500)]
    reason: Option<String>,
    /// The agent it is for. Only the operator may name one; a token names its own.
    agent: Option<String>,
    /// A process of the daemon's machine: with its end the lock ends.
    pid: Option<u32>,
    /// A second request with the same key, while the first one lasts, is the first one.
    #[schema(max_length = 200)]
    key: Option<String>,
    /// Wait in line, and so many seconds for the answer, at most 60. Without it, what is taken is refused.
    #[schema(maximum = 60)]
    wait_seconds: Option<u64>,
}

/// Takes a lock, or a place in line for it. The place is kept while its owner asks how it stands.
#[utoipa::path(
    post, path = "/api/v1/locks", operation_id = "acquireLock", tag = "locks",
    request_body = Wish,
    responses(
        (status = 201, description = "It is yours", body = LockRow),
        (status = 202, description = "You wait in line", body = LockRow),
        Problems
    )
)]
pub(super) async fn acquire(
    State(app): State<AppState>,
    Signed(who): Signed,
    stopping: Option<Extension<Stopping>>,
    JsonOf(wish): JsonOf<Wish>,
) -> Result<(StatusCode, Json<LockRow>), Problem> {
    check_ttl(wish.ttl_seconds)?;
    if wish
        .key
        .as_ref()
        .is_some_and(|key| key.is_empty() || key.len() > MAX_KEY)
    {
        return Err(Problem::invalid("/key", "A key has 1 to 200 bytes."));
    }
    let wait = patience(wish.wait_seconds)?;
    let asked = LockWish {
        workspace: wish.workspace,
        path: wish.path,
        kind: wish.kind,
        mode: wish.mode,
        ttl_seconds: wish.ttl_seconds,
        reason: wish.reason,
        agent: wish.agent,
        pid: wish.pid,
        key: wish.key,
    };
    let taken = app.desk.acquire_lock(&who, asked, wait);
    let row = while_it_lasts(&app, &who, wait, stopping, taken).await??;
    Ok((status(&row), Json(row)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wait {
    /// Wait so many seconds until it is held, at most 60. Of its owner that is a sign of life.
    #[param(maximum = 60)]
    wait_seconds: Option<u64>,
}

/// One lock; of somebody in line, whether it is held by now.
#[utoipa::path(
    get, path = "/api/v1/locks/{id}", operation_id = "getLock", tag = "locks",
    params(("id" = String, Path, description = "The number, with or without `L-`"), Wait),
    responses(
        (status = 200, description = "It is held", body = LockRow),
        (status = 202, description = "It is waited for", body = LockRow),
        Problems
    )
)]
pub(super) async fn show(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(id): PathOf<LockId>,
    stopping: Option<Extension<Stopping>>,
    QueryOf(query): QueryOf<Wait>,
) -> Result<(StatusCode, Json<LockRow>), Problem> {
    let wait = patience(query.wait_seconds)?;
    let row = match wait {
        None => app.desk.lock(&who, id).await?,
        Some(time) => {
            let settled = app.desk.wait_for_lock(&who, id, time);
            while_it_lasts(&app, &who, wait, stopping, settled).await??
        }
    };
    let status = if row.held {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    Ok((status, Json(row)))
}

/// A sign of life, and new terms if there are to be any.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Renewal {
    /// The fencing token; an old one is refused.
    fence: Option<u64>,
    /// The length of the lease from now on, in seconds.
    #[schema(minimum = 5, maximum = 86400)]
    ttl_seconds: Option<u32>,
    /// The process that needs it from now on.
    pid: Option<u32>,
}

/// A sign of life: the lease begins anew.
#[utoipa::path(
    post, path = "/api/v1/locks/{id}/renew", operation_id = "renewLock", tag = "locks",
    params(("id" = String, Path, description = "The number, with or without `L-`")),
    request_body = Renewal,
    responses((status = 200, description = "It is still yours", body = LockRow), Problems)
)]
pub(super) async fn renew(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(id): PathOf<LockId>,
    JsonOf(body): JsonOf<Renewal>,
) -> Result<Json<LockRow>, Problem> {
    check_ttl(body.ttl_seconds)?;
    let terms = (body.ttl_seconds, body.pid);
    Ok(Json(
        app.desk.renew_lock(&who, id, body.fence, terms).await?,
    ))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Token {
    /// The fencing token; an old one is refused.
    fence: Option<u64>,
}

/// Lets go of a lock, or of a place in line.
#[utoipa::path(
    delete, path = "/api/v1/locks/{id}", operation_id = "releaseLock", tag = "locks",
    params(("id" = String, Path, description = "The number, with or without `L-`"), Token),
    responses((status = 204, description = "It is free"), Problems)
)]
pub(super) async fn release(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(id): PathOf<LockId>,
    QueryOf(token): QueryOf<Token>,
) -> Result<StatusCode, Problem> {
    app.desk.release_lock(&who, id, token.fence).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Words to the owner.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Plea {
    /// Why.
    #[schema(max_length = 500)]
    note: Option<String>,
}

/// Asks the owner to let go. It is told with the next sign of life, and in the answer to a request by file.
#[utoipa::path(
    post, path = "/api/v1/locks/{id}/ask", operation_id = "askForLock", tag = "locks",
    params(("id" = String, Path, description = "The number, with or without `L-`")),
    request_body = Plea,
    responses((status = 204, description = "The owner is told"), Problems)
)]
pub(super) async fn ask(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(id): PathOf<LockId>,
    JsonOf(body): JsonOf<Plea>,
) -> Result<StatusCode, Problem> {
    app.desk.ask_for_lock(&who, id, body.note).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Why it is taken away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Breach {
    /// Why; the owner reads it, and it stands in the ledger.
    #[schema(max_length = 500)]
    reason: String,
}

/// Takes a lock away from its owner. Only a person may.
#[utoipa::path(
    post, path = "/api/v1/locks/{id}/break", operation_id = "breakLock", tag = "locks",
    params(("id" = String, Path, description = "The number, with or without `L-`")),
    request_body = Breach,
    responses((status = 204, description = "It is no more"), Problems)
)]
pub(super) async fn break_up(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(id): PathOf<LockId>,
    JsonOf(body): JsonOf<Breach>,
) -> Result<StatusCode, Problem> {
    app.desk.break_lock(&person, id, body.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn status(row: &LockRow) -> StatusCode {
    if row.held {
        StatusCode::CREATED
    } else {
        StatusCode::ACCEPTED
    }
}

fn check_ttl(seconds: Option<u32>) -> Result<(), Problem> {
    match seconds {
        Some(seconds) if !(SHORTEST..=LONGEST).contains(&seconds) => Err(Problem::invalid(
            "/ttl_seconds",
            format!("A lease lasts {SHORTEST} to {LONGEST} seconds."),
        )),
        _ => Ok(()),
    }
}

fn patience(seconds: Option<u64>) -> Result<Option<Duration>, Problem> {
    match seconds {
        Some(seconds) if seconds > PATIENCE => Err(Problem::invalid(
            "wait_seconds",
            "One request waits at most 60 seconds; ask again for more.",
        )),
        seconds => Ok(seconds.map(Duration::from_secs)),
    }
}

/// Waits for `work`, with one of the places that there are for those who wait, until the server stops.
async fn while_it_lasts<T>(
    app: &AppState,
    who: &Caller,
    wait: Option<Duration>,
    stopping: Option<Extension<Stopping>>,
    work: impl Future<Output = T>,
) -> Result<T, Problem> {
    if wait.is_none_or(|wait| wait.is_zero()) {
        return Ok(work.await);
    }
    let busy = |why: &str| Problem::from(DeskError::Unavailable(why.to_owned()));
    let _place = Arc::clone(app.places.of(who))
        .try_acquire_owned()
        .map_err(|_| busy("Too many callers wait already"))?;
    match stopping {
        Some(Extension(Stopping(stopped))) => tokio::select! {
            done = work => Ok(done),
            () = stopped.cancelled() => Err(busy("The daemon is stopping")),
        },
        None => Ok(work.await),
    }
}
