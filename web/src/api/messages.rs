//! Messages: how they fared, and who gets them.

use axum::{Json, extract::State};
use countersign_protocol::HandoffId;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::openapi::Problems;
use crate::{
    desk::{MessageRow, ReceiverRow, TestResult},
    error::Problem,
    security::{JsonOf, PathOf, Signed, SignedIn},
    state::AppState,
};

/// The messages about a handoff, newest first.
#[utoipa::path(
    get, path = "/api/v1/handoffs/{id}/messages", operation_id = "listMessages", tag = "messages",
    params(("id" = String, Path, description = "For example H-7")),
    responses((status = 200, description = "The messages", body = Vec<MessageRow>), Problems)
)]
pub(super) async fn of_handoff(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(id): PathOf<HandoffId>,
) -> Result<Json<Vec<MessageRow>>, Problem> {
    Ok(Json(app.desk.messages(&who, id).await?))
}

/// All receivers of messages, and how they fare.
#[utoipa::path(
    get, path = "/api/v1/receivers", operation_id = "listReceivers", tag = "messages",
    responses((status = 200, description = "The receivers", body = Vec<ReceiverRow>), Problems)
)]
pub(super) async fn receivers(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
) -> Result<Json<Vec<ReceiverRow>>, Problem> {
    Ok(Json(app.desk.receivers(&person).await?))
}

/// Lets a receiver be tried again.
#[utoipa::path(
    post, path = "/api/v1/receivers/{name}/enable", operation_id = "enableReceiver", tag = "messages",
    params(("name" = String, Path, description = "Name of the receiver")),
    responses((status = 204, description = "It is tried again"), Problems)
)]
pub(super) async fn enable(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(name): PathOf<String>,
) -> Result<StatusCode, Problem> {
    app.desk.enable_receiver(&person, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How many go out again.
#[derive(Serialize, ToSchema)]
pub(super) struct Redriven {
    /// The messages.
    count: u64,
}

/// Lets the failed messages of a receiver be tried again.
#[utoipa::path(
    post, path = "/api/v1/receivers/{name}/redrive", operation_id = "redriveMessages", tag = "messages",
    params(("name" = String, Path, description = "Name of the receiver")),
    responses((status = 200, description = "How many", body = Redriven), Problems)
)]
pub(super) async fn redrive(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(name): PathOf<String>,
) -> Result<Json<Redriven>, Problem> {
    let count = app.desk.redrive_messages(&person, &name).await?;
    Ok(Json(Redriven { count }))
}

/// Which samples to send where.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TestRequest {
    /// The receiver; all when left out.
    receiver: Option<String>,
    /// The mail address for samples by mail.
    to: Option<String>,
}

/// Sends a sample of each kind, and says what became of them.
#[utoipa::path(
    post, path = "/api/v1/receivers/test", operation_id = "testMessages", tag = "messages",
    request_body = TestRequest,
    responses((status = 200, description = "What became of them", body = Vec<TestResult>), Problems)
)]
pub(super) async fn test(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    JsonOf(body): JsonOf<TestRequest>,
) -> Result<Json<Vec<TestResult>>, Problem> {
    let results = app
        .desk
        .test_messages(&person, body.receiver.as_deref(), body.to.as_deref())
        .await?;
    Ok(Json(results))
}
