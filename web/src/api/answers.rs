//! What people answer, and what agents take back.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use countersign_protocol::{
    Digest, HandoffId,
    decision::{ChangeRequest, DecisionDocument, Outcome, RequestAnswer},
    place::{Cell, Region},
    terms::Terms,
};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::openapi::Problems;
use crate::{
    desk::{Answer, Answered, Approval, Care, edits::FileEdit},
    error::Problem,
    security::{JsonOf, PathOf, Signed, SignedIn},
    state::AppState,
};

/// An answer about one revision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDecision {
    /// The revision that was looked at.
    revision: u32,
    /// Its manifest digest.
    manifest_sha256: Digest,
    /// `approved`, `edited`, `changes_requested`, `rejected`, `responded`, `ignored` or `abstained`.
    outcome: Outcome,
    /// Words; required for changes, reject and respond.
    comment: Option<String>,
    /// Names of the reasons that were chosen; their words stand in the comment.
    #[serde(default)]
    reasons: Vec<String>,
    /// What is answered to each request of the handoff, where that is said one by one.
    #[serde(default)]
    answers: Vec<RequestAnswer>,
    /// What is asked, one by one.
    #[serde(default)]
    requests: Vec<NewRequest>,
    /// With `edited`: the files in their new version; those that you keep, when none is named.
    #[serde(default)]
    edits: Vec<FileEdit>,
    /// The care that was taken, where the workspace asks for some.
    #[serde(default)]
    care: Care,
    /// With an approval: narrower terms than those of the rule.
    #[serde(default)]
    terms: Terms,
    /// Up to which chunk you looked; needed to approve while a result still grows.
    partial: Option<u32>,
}

/// One thing that is asked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRequest {
    /// The daemon gives the ids; one that is sent is not looked at.
    #[serde(default)]
    #[schema(required = false)]
    id: String,
    /// The file, relative to the folder of the handoff.
    path: Option<String>,
    /// Line in the new version of the file, from 1.
    line: Option<u32>,
    /// The last line, when it is about several.
    end_line: Option<u32>,
    /// A cell of a table.
    cell: Option<Cell>,
    /// A region of a picture.
    region: Option<Region>,
    /// What is asked.
    text: String,
}

/// Records a decision. The answer comes when it is on the disk.
#[utoipa::path(
    post, path = "/api/v1/handoffs/{id}/decision", operation_id = "decide", tag = "answers",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    request_body = NewDecision,
    responses(
        (status = 201, description = "Recorded; it is decided", body = DecisionDocument),
        (status = 202, description = "It counts, and others have to answer, too", body = Approval),
        (
            status = 409, description = "Another revision is pending, or it is decided",
            body = inline(super::openapi::ProblemDocument),
            content_type = "application/problem+json"
        ),
        Problems
    )
)]
pub(super) async fn decide(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(id): PathOf<HandoffId>,
    JsonOf(body): JsonOf<NewDecision>,
) -> Result<Response, Problem> {
    let requests = body.requests.into_iter().map(|request| ChangeRequest {
        id: request.id,
        path: request.path,
        line: request.line,
        end_line: request.end_line,
        cell: request.cell,
        region: request.region,
        text: request.text,
        ..ChangeRequest::default()
    });
    let answer = Answer {
        revision: body.revision,
        manifest_sha256: body.manifest_sha256,
        outcome: body.outcome,
        comment: body.comment,
        reasons: body.reasons,
        answers: body.answers,
        requests: requests.collect(),
        edits: body.edits,
        terms: body.terms,
        care: body.care,
        partial: body.partial,
    };
    Ok(match app.desk.decide(&person, id, answer).await? {
        Answered::Decided(decision) => (StatusCode::CREATED, Json(decision)).into_response(),
        Answered::Counted(approval) => (StatusCode::ACCEPTED, Json(approval)).into_response(),
        Answered::Held(held) => (StatusCode::ACCEPTED, Json(held)).into_response(),
    })
}

/// Why it is taken back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Withdrawal {
    /// Plain text.
    reason: Option<String>,
}

/// Takes a handoff back.
#[utoipa::path(
    post, path = "/api/v1/handoffs/{id}/withdraw", operation_id = "withdraw", tag = "answers",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    request_body = Withdrawal,
    responses((status = 204, description = "Taken back"), Problems)
)]
pub(super) async fn withdraw(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(id): PathOf<HandoffId>,
    JsonOf(body): JsonOf<Withdrawal>,
) -> Result<impl IntoResponse, Problem> {
    app.desk.withdraw(&who, id, body.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
