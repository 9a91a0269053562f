//! What people and agents say about the work without deciding.

use axum::{Json, extract::State, response::IntoResponse};
use countersign_protocol::{HandoffId, place::Place};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::openapi::Problems;
use crate::{
    desk::threads::Remark,
    error::Problem,
    security::{JsonOf, PathOf, Signed, SignedIn},
    state::AppState,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(comment))
        .routes(routes!(resolve))
}

/// A comment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewComment {
    /// Plain text.
    text: String,
    /// The thread to go on with; a new one is opened when none is named.
    thread: Option<u32>,
    /// What a new thread is about; the whole handoff when nothing is named.
    #[serde(default)]
    place: Place,
    /// The revision that the place is in; the newest when none is named.
    revision: Option<u32>,
}

/// A comment that was recorded.
#[derive(Serialize, ToSchema)]
struct CommentAt {
    /// The thread in which it stands.
    thread: u32,
}

/// Records a comment. It decides nothing.
#[utoipa::path(
    post, path = "/api/v1/handoffs/{id}/comments", operation_id = "comment", tag = "answers",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    request_body = NewComment,
    responses((status = 201, description = "Recorded", body = CommentAt), Problems)
)]
async fn comment(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(id): PathOf<HandoffId>,
    JsonOf(body): JsonOf<NewComment>,
) -> Result<(StatusCode, Json<CommentAt>), Problem> {
    let thread = match body.thread {
        Some(thread) if body.place == Place::default() => {
            app.desk.reply(&who, id, thread, body.text).await?;
            thread
        }
        Some(_) => {
            return Err(Problem::invalid(
                "place",
                "A thread has its place; leave `place` out, or `thread`.",
            ));
        }
        None => {
            let remark = Remark {
                revision: body.revision,
                place: body.place,
                text: body.text,
            };
            app.desk.say(&who, id, remark).await?
        }
    };
    Ok((StatusCode::CREATED, Json(CommentAt { thread })))
}

/// What a thread is from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ThreadState {
    /// Whether it is held for done.
    resolved: bool,
}

/// Resolves a thread, or opens it anew.
#[utoipa::path(
    put, path = "/api/v1/handoffs/{id}/threads/{thread}", operation_id = "resolveThread", tag = "answers",
    params(
        ("id" = String, Path, description = "The number, with or without `H-`"),
        ("thread" = u32, Path, description = "The number of the thread within the handoff")
    ),
    request_body = ThreadState,
    responses((status = 204, description = "Recorded"), Problems)
)]
async fn resolve(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf((id, thread)): PathOf<(HandoffId, u32)>,
    JsonOf(body): JsonOf<ThreadState>,
) -> Result<impl IntoResponse, Problem> {
    app.desk.resolve(&person, id, thread, body.resolved).await?;
    Ok(StatusCode::NO_CONTENT)
}
