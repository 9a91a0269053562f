//! What a person keeps beside a handoff until they answer: edited files, comments, and what they have viewed.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use countersign_protocol::{Digest, HandoffId, place::Place};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::openapi::Problems;
use crate::{
    desk::{
        Caller,
        edits::{EditRow, FileEdit},
        threads::{DraftRow, Remark},
    },
    error::Problem,
    security::{JsonOf, PathOf, QueryOf, Signed, SignedIn},
    state::AppState,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(edits, keep_edit, drop_edit))
        .routes(routes!(patch))
        .routes(routes!(drafts, new_draft))
        .routes(routes!(change_draft, drop_draft))
        .routes(routes!(ticks))
        .routes(routes!(tick))
}

/// The files that you changed and did not approve yet.
#[utoipa::path(
    get, path = "/api/v1/handoffs/{id}/edits", operation_id = "listEdits", tag = "answers",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    responses((status = 200, description = "By path", body = [EditRow]), Problems)
)]
async fn edits(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(id): PathOf<HandoffId>,
) -> Result<Json<Vec<EditRow>>, Problem> {
    Ok(Json(app.desk.edits(&person, id).await?))
}

/// A file as it should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewEdit {
    /// The revision that was looked at.
    revision: u32,
    /// Path relative to the folder of the handoff.
    path: String,
    /// All of the file; text without NUL, at most 256 KiB.
    text: String,
}

/// Keeps a changed file until you answer. It is released with the answer `edited`.
#[utoipa::path(
    put, path = "/api/v1/handoffs/{id}/edits", operation_id = "keepEdit", tag = "answers",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    request_body = NewEdit,
    responses(
        (status = 204, description = "Kept"),
        (
            status = 409, description = "Another revision is pending",
            body = inline(super::openapi::ProblemDocument), content_type = "application/problem+json"
        ),
        Problems
    )
)]
async fn keep_edit(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(id): PathOf<HandoffId>,
    JsonOf(body): JsonOf<NewEdit>,
) -> Result<StatusCode, Problem> {
    let NewEdit {
        revision,
        path,
        text,
    } = body;
    let edit = FileEdit { path, text };
    app.desk.keep_edit(&person, id, revision, edit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which file.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OfFile {
    /// Path relative to the folder of the handoff.
    path: String,
}

/// Throws what you changed in a file away.
#[utoipa::path(
    delete, path = "/api/v1/handoffs/{id}/edits", operation_id = "dropEdit", tag = "answers",
    params(("id" = String, Path, description = "The number, with or without `H-`"), OfFile),
    responses((status = 204, description = "Gone"), Problems)
)]
async fn drop_edit(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(id): PathOf<HandoffId>,
    QueryOf(file): QueryOf<OfFile>,
) -> Result<StatusCode, Problem> {
    app.desk.drop_edit(&person, id, &file.path).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a person changed before approving, for `patch -p1` and `git apply`.
#[utoipa::path(
    get, path = "/api/v1/handoffs/{id}/patch", operation_id = "getPatch", tag = "handoffs",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    responses(
        (status = 200, description = "A unified patch", body = String, content_type = "text/plain"),
        Problems
    )
)]
async fn patch(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(id): PathOf<HandoffId>,
) -> Result<Response, Problem> {
    let patch = app.desk.patch(&who, id).await?;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, plain)], patch).into_response())
}

/// Your comments that go with your next answer.
#[utoipa::path(
    get, path = "/api/v1/handoffs/{id}/drafts", operation_id = "listDrafts", tag = "answers",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    responses((status = 200, description = "Oldest first", body = [DraftRow]), Problems)
)]
async fn drafts(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(id): PathOf<HandoffId>,
) -> Result<Json<Vec<DraftRow>>, Problem> {
    let who = Caller::Person(person);
    let review = app.desk.review(&who, id, None, None).await?;
    Ok(Json(review.drafts))
}

/// A comment that is not sent yet.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDraft {
    /// Plain text.
    text: String,
    /// What it is about; the whole handoff when nothing is named.
    #[serde(default)]
    place: Place,
    /// The revision that the place is in; the newest when none is named.
    revision: Option<u32>,
}

/// A draft that is kept.
#[derive(Serialize, ToSchema)]
struct DraftAt {
    /// Names it.
    draft: String,
}

/// Keeps a comment until you answer; it is then one of the requests of the decision.
#[utoipa::path(
    post, path = "/api/v1/handoffs/{id}/drafts", operation_id = "keepDraft", tag = "answers",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    request_body = NewDraft,
    responses((status = 201, description = "Kept", body = DraftAt), Problems)
)]
async fn new_draft(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(id): PathOf<HandoffId>,
    JsonOf(body): JsonOf<NewDraft>,
) -> Result<(StatusCode, Json<DraftAt>), Problem> {
    let remark = Remark {
        revision: body.revision,
        place: body.place,
        text: body.text,
    };
    let draft = app.desk.keep_draft(&person, id, None, remark).await?;
    Ok((StatusCode::CREATED, Json(DraftAt { draft })))
}

/// Other words.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DraftWords {
    /// Plain text.
    text: String,
}

/// Says a draft in other words; it stays where it is.
#[utoipa::path(
    put, path = "/api/v1/handoffs/{id}/drafts/{draft}", operation_id = "changeDraft", tag = "answers",
    params(
        ("id" = String, Path, description = "The number, with or without `H-`"),
        ("draft" = String, Path, description = "The name of the draft")
    ),
    request_body = DraftWords,
    responses((status = 204, description = "Kept"), Problems)
)]
async fn change_draft(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf((id, draft)): PathOf<(HandoffId, String)>,
    JsonOf(body): JsonOf<DraftWords>,
) -> Result<StatusCode, Problem> {
    let remark = Remark {
        revision: None,
        place: Place::default(),
        text: body.text,
    };
    let desk = &app.desk;
    desk.keep_draft(&person, id, Some(&draft), remark).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Throws a draft away.
#[utoipa::path(
    delete, path = "/api/v1/handoffs/{id}/drafts/{draft}", operation_id = "dropDraft", tag = "answers",
    params(
        ("id" = String, Path, description = "The number, with or without `H-`"),
        ("draft" = String, Path, description = "The name of the draft")
    ),
    responses((status = 204, description = "Gone"), Problems)
)]
async fn drop_draft(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf((id, draft)): PathOf<(HandoffId, String)>,
) -> Result<StatusCode, Problem> {
    app.desk.drop_draft(&person, id, &draft).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The files that you have viewed, by the digest of their bytes.
#[utoipa::path(
    get, path = "/api/v1/handoffs/{id}/ticks", operation_id = "listTicks", tag = "answers",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    responses((status = 200, description = "Digests", body = [Digest]), Problems)
)]
async fn ticks(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(id): PathOf<HandoffId>,
) -> Result<Json<Vec<Digest>>, Problem> {
    let who = Caller::Person(person);
    let review = app.desk.review(&who, id, None, None).await?;
    Ok(Json(review.viewed.into_iter().collect()))
}

/// Whether it was viewed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Tick {
    /// False takes the tick away.
    viewed: bool,
}

/// Notes whether you have viewed the file with these bytes.
#[utoipa::path(
    put, path = "/api/v1/handoffs/{id}/ticks/{sha256}", operation_id = "tickFile", tag = "answers",
    params(
        ("id" = String, Path, description = "The number, with or without `H-`"),
        ("sha256" = Digest, Path, description = "Digest of the bytes of the file")
    ),
    request_body = Tick,
    responses((status = 204, description = "Noted"), Problems)
)]
async fn tick(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf((id, sha256)): PathOf<(HandoffId, Digest)>,
    JsonOf(body): JsonOf<Tick>,
) -> Result<StatusCode, Problem> {
    app.desk.tick(&person, id, sha256, body.viewed).await?;
    Ok(StatusCode::NO_CONTENT)
}
