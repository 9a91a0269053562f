//! Who is asked, and what people do before they decide.

use axum::{Json, extract::State};
use countersign_protocol::HandoffId;
use http::StatusCode;
use jiff::SignedDuration;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::openapi::Problems;
use crate::{
    desk::{
        people::TargetRow,
        routing::{RouteReport, Routing, Stranded},
    },
    error::Problem,
    security::{JsonOf, PathOf, Signed, SignedIn},
    state::AppState,
};

/// Longest time that something can be put off, in seconds.
pub(crate) const LONGEST_SNOOZE: i64 = 30 * 86_400;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(routing))
        .routes(routes!(route_test))
        .routes(routes!(claim))
        .routes(routes!(release))
        .routes(routes!(assign))
        .routes(routes!(escalate))
        .routes(routes!(snooze))
        .routes(routes!(targets))
        .routes(routes!(stranded))
        .routes(routes!(redrive))
}

/// Who is asked about the newest revision, by which rule, and what happens when nobody answers.
#[utoipa::path(
    get, path = "/api/v1/handoffs/{id}/routing", operation_id = "getRouting", tag = "routing",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    responses((status = 200, description = "Who is asked", body = Routing), Problems)
)]
pub(super) async fn routing(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(id): PathOf<HandoffId>,
) -> Result<Json<Routing>, Problem> {
    Ok(Json(app.desk.routing(&who, id).await?))
}

/// How the newest revision would be routed now, and why each rule does or does not hold.
#[utoipa::path(
    get, path = "/api/v1/handoffs/{id}/route-test", operation_id = "testRoute", tag = "routing",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    responses((status = 200, description = "What the rules say", body = RouteReport), Problems)
)]
pub(super) async fn route_test(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(id): PathOf<HandoffId>,
) -> Result<Json<RouteReport>, Problem> {
    let caller = crate::desk::Caller::Person(person);
    Ok(Json(app.desk.route_test(&caller, id).await?))
}

/// Takes a handoff, so that others need not look.
#[utoipa::path(
    post, path = "/api/v1/handoffs/{id}/claim", operation_id = "claim", tag = "routing",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    responses((status = 204, description = "It is yours"), Problems)
)]
pub(super) async fn claim(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(id): PathOf<HandoffId>,
) -> Result<StatusCode, Problem> {
    app.desk.claim(&person, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives it back to those who are asked.
#[utoipa::path(
    post, path = "/api/v1/handoffs/{id}/release", operation_id = "release", tag = "routing",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    responses((status = 204, description = "It is no longer yours"), Problems)
)]
pub(super) async fn release(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(id): PathOf<HandoffId>,
) -> Result<StatusCode, Problem> {
    app.desk.release(&person, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// To whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Assignment {
    /// As rules name them: `maya`, `group:editors`, `queue:claims`, `oncall:data`.
    to: String,
    /// Words to them.
    note: Option<String>,
}

/// Asks others instead.
#[utoipa::path(
    post, path = "/api/v1/handoffs/{id}/assign", operation_id = "assign", tag = "routing",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    request_body = Assignment,
    responses((status = 204, description = "They are asked now"), Problems)
)]
pub(super) async fn assign(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(id): PathOf<HandoffId>,
    JsonOf(body): JsonOf<Assignment>,
) -> Result<StatusCode, Problem> {
    app.desk.assign(&person, id, &body.to, body.note).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// To whom, as well.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Escalation {
    /// As rules name them, separated by spaces; without it whoever would be asked next if nobody answered.
    #[serde(default)]
    to: String,
    /// Words to them.
    note: Option<String>,
}

/// Asks others as well. Who is asked already stays so.
#[utoipa::path(
    post, path = "/api/v1/handoffs/{id}/escalate", operation_id = "escalate", tag = "routing",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    request_body = Escalation,
    responses((status = 204, description = "They are asked, too"), Problems)
)]
pub(super) async fn escalate(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(id): PathOf<HandoffId>,
    JsonOf(body): JsonOf<Escalation>,
) -> Result<StatusCode, Problem> {
    app.desk.escalate(&person, id, &body.to, body.note).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// For how long.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pause {
    /// Seconds from now; 0 brings it back. At most thirty days.
    seconds: i64,
}

/// Puts a handoff off. Deadlines go on.
#[utoipa::path(
    post, path = "/api/v1/handoffs/{id}/snooze", operation_id = "snooze", tag = "routing",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    request_body = Pause,
    responses((status = 204, description = "It comes back then"), Problems)
)]
pub(super) async fn snooze(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(id): PathOf<HandoffId>,
    JsonOf(body): JsonOf<Pause>,
) -> Result<StatusCode, Problem> {
    if !(0..=LONGEST_SNOOZE).contains(&body.seconds) {
        return Err(Problem::invalid(
            "seconds",
            "Put it off for at most thirty days.",
        ));
    }
    let until = (app.settings.now)() + SignedDuration::from_secs(body.seconds);
    app.desk.snooze(&person, id, until).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Everybody whom a handoff can be handed to.
#[utoipa::path(
    get, path = "/api/v1/targets", operation_id = "listTargets", tag = "routing",
    responses((status = 200, description = "People, groups, queues and calendars", body = Vec<TargetRow>), Problems)
)]
pub(super) async fn targets(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
) -> Result<Json<Vec<TargetRow>>, Problem> {
    Ok(Json(app.desk.targets(&person).await?))
}

/// Handoffs that nobody answered, newest first.
#[utoipa::path(
    get, path = "/api/v1/stranded", operation_id = "listStranded", tag = "routing",
    responses((status = 200, description = "The handoffs", body = Vec<Stranded>), Problems)
)]
pub(super) async fn stranded(
    State(app): State<AppState>,
    Signed(who): Signed,
) -> Result<Json<Vec<Stranded>>, Problem> {
    Ok(Json(app.desk.stranded(&who).await?))
}

/// Sends a dead letter on its way again.
#[utoipa::path(
    post, path = "/api/v1/dead-letters/{seq}/redrive", operation_id = "redrive", tag = "routing",
    params(("seq" = u64, Path, description = "The ledger entry of the dead letter")),
    responses((status = 204, description = "It is on its way"), Problems)
)]
pub(super) async fn redrive(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(seq): PathOf<u64>,
) -> Result<StatusCode, Problem> {
    app.desk.redrive(&person, seq).await?;
    Ok(StatusCode::NO_CONTENT)
}
