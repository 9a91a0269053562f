//! Work that goes from agent to agent.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{Extension, Json, extract::State};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use countersign_protocol::{HandoffId, transfer::AnswerReceipt};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::openapi::Problems;
use crate::{
    desk::{
        DeskError,
        transfer::{HopAnswer, Mesh, Reread, TaskPath, WorkItem},
    },
    error::Problem,
    live::Stopping,
    security::{JsonOf, PathOf, QueryOf, Signed, SignedIn},
    state::AppState,
};

/// The longest wait, in seconds.
const LONGEST: u64 = 60;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(meshes))
        .routes(routes!(path))
        .routes(routes!(next))
        .routes(routes!(answer))
        .routes(routes!(read_anew))
}

/// Which agents may hand to which, with what is under way between them.
#[utoipa::path(
    get, path = "/api/v1/routes", operation_id = "listRoutes", tag = "agents",
    responses((status = 200, description = "The agents of each workspace", body = Vec<Mesh>), Problems)
)]
pub(super) async fn meshes(
    State(app): State<AppState>,
    Signed(who): Signed,
) -> Result<Json<Vec<Mesh>>, Problem> {
    Ok(Json(app.desk.meshes(&who).await?))
}

/// The whole path of a task, hop by hop: who had it, and for how long.
#[utoipa::path(
    get, path = "/api/v1/handoffs/{id}/path", operation_id = "getPath", tag = "agents",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    responses((status = 200, description = "The path", body = TaskPath), Problems)
)]
pub(super) async fn path(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(id): PathOf<HandoffId>,
) -> Result<Json<TaskPath>, Problem> {
    Ok(Json(app.desk.path(&who, id).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Next {
    /// Seconds to wait for work, at most 60; none when left out.
    #[param(maximum = 60)]
    timeout: Option<u64>,
}

/// What waits for an agent.
#[derive(Serialize, ToSchema)]
pub(super) struct NextWork {
    /// The oldest work, when there is some.
    work: Option<WorkItem>,
}

/// The oldest work that waits for an agent. It stays there until the agent answers.
#[utoipa::path(
    get, path = "/api/v1/agents/{agent}/next", operation_id = "nextWork", tag = "agents",
    params(("agent" = String, Path, description = "Name of the agent"), Next),
    responses((status = 200, description = "The work, or none", body = NextWork), Problems)
)]
pub(super) async fn next(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(agent): PathOf<String>,
    stopping: Option<Extension<Stopping>>,
    QueryOf(query): QueryOf<Next>,
) -> Result<Json<NextWork>, Problem> {
    let busy = |why: &str| Problem::from(DeskError::Unavailable(why.to_owned()));
    let timeout = Duration::from_secs(query.timeout.unwrap_or(0).min(LONGEST));
    let _place = Arc::clone(app.places.of(&who))
        .try_acquire_owned()
        .map_err(|_| busy("Too many callers wait already"))?;
    let waited = app.desk.next_work(&who, &agent, timeout);
    let work = match stopping {
        Some(Extension(Stopping(stopped))) => tokio::select! {
            work = waited => work,
            () = stopped.cancelled() => return Err(busy("The daemon is stopping")),
        },
        None => waited.await,
    };
    Ok(Json(NextWork { work: work? }))
}

/// Reads `workspace.toml` of each workspace anew: participants, routes, contracts, limits. What cannot be read
/// leaves that workspace as it is.
#[utoipa::path(
    post, path = "/api/v1/workspaces/reload", operation_id = "reloadWorkspaces", tag = "agents",
    responses((status = 200, description = "What became of each", body = Vec<Reread>), Problems)
)]
pub(super) async fn read_anew(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
) -> Result<Json<Vec<Reread>>, Problem> {
    Ok(Json(app.desk.read_anew(&person).await?))
}

/// What a receiver says about a hop.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    /// The answer, as the schema `answer-1.0` says.
    #[schema(value_type = Object)]
    answer: Value,
    /// Files that come with it: path to base64. Others are read from the folder of the agent.
    #[serde(default)]
    files: BTreeMap<String, String>,
}

/// Takes the answer of the receiver of a hop: accept, decline, queue, progress, complete and so on.
#[utoipa::path(
    post, path = "/api/v1/handoffs/{id}/hops/{hop}/answer", operation_id = "answerHop", tag = "agents",
    params(
        ("id" = String, Path, description = "The number, with or without `H-`"),
        ("hop" = u32, Path, description = "The hop, from 1")
    ),
    request_body = Answer,
    responses((status = 200, description = "Recorded, or known before", body = AnswerReceipt), Problems)
)]
pub(super) async fn answer(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf((id, hop)): PathOf<(HandoffId, u32)>,
    JsonOf(body): JsonOf<Answer>,
) -> Result<Json<AnswerReceipt>, Problem> {
    let mut files = BTreeMap::new();
    for (path, text) in body.files {
        let bytes = BASE64_STANDARD.decode(text.as_bytes()).map_err(|error| {
            let pointer = format!("/files/{}", path.replace('~', "~0").replace('/', "~1"));
            Problem::invalid(pointer, format!("This is not base64: {error}."))
        })?;
        files.insert(path, bytes);
    }
    let answer = HopAnswer {
        id,
        hop,
        document: serde_json::to_vec_pretty(&body.answer).unwrap_or_default(),
        files,
    };
    Ok(Json(app.desk.answer_hop(&who, answer).await?))
}
