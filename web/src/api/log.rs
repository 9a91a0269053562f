//! The list of events: what happened, entry by entry, for programs that look on.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use countersign_protocol::{HandoffId, log::LogLine};
use futures_util::{Stream, StreamExt as _, stream};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::openapi::Problems;
use crate::{
    desk::{DeskError, observe::LogQuery},
    error::Problem,
    live::{self, Stopping},
    security::{QueryOf, Signed, standing::Standing},
    state::AppState,
};

/// Lines of an answer, at most.
const MOST: usize = 1_000;
/// The longest wait, in seconds.
const LONGEST: u64 = 60;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(stream_of))
}

/// Which events.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Those after this entry; 0 for all there are.
    after: Option<u64>,
    /// Those of this workspace.
    workspace: Option<String>,
    /// Those about this card.
    handoff: Option<String>,
    /// Those about this agent.
    agent: Option<String>,
    /// Seconds to wait for one when there is none, at most 60. Not for the stream.
    #[param(maximum = 60)]
    timeout: Option<u64>,
}

impl Wanted {
    fn query(&self) -> Result<LogQuery, Problem> {
        let handoff = self.handoff.as_deref().map(str::parse::<HandoffId>);
        Ok(LogQuery {
            workspace: self.workspace.clone(),
            handoff: handoff
                .transpose()
                .map_err(|error| Problem::invalid("handoff", error.to_string()))?,
            agent: self.agent.clone(),
        })
    }
}

/// Some events, and where to go on.
#[derive(Serialize, ToSchema)]
pub(super) struct Lines {
    /// Oldest first, at most 1000.
    lines: Vec<LogLine>,
    /// The `after` that goes on from here.
    next: u64,
}

/// What happened, entry by entry, oldest first.
#[utoipa::path(
    get, path = "/api/v1/log", operation_id = "listEvents", tag = "ledger", params(Wanted),
    responses((status = 200, description = "The events", body = Lines), Problems)
)]
pub(super) async fn list(
    State(app): State<AppState>,
    Signed(who): Signed,
    standing: Standing,
    stopping: Option<Extension<Stopping>>,
    QueryOf(wanted): QueryOf<Wanted>,
) -> Result<Json<Lines>, Problem> {
    let query = wanted.query()?;
    let mut head = app.desk.head();
    head.borrow_and_update();
    let after = wanted.after.unwrap_or(0);
    let (lines, next) = app.desk.log(&who, &query, after, MOST).await?;
    let timeout = wanted.timeout.unwrap_or(0).min(LONGEST);
    if !lines.is_empty() || timeout == 0 {
        return Ok(Json(Lines { lines, next }));
    }
    let _place = Arc::clone(app.places.of(&who))
        .try_acquire_owned()
        .map_err(|_| live::full())?;
    let waited = async {
        let mut next = next;
        loop {
            let changed = head.changed().await;
            let Some(who) = standing.caller().await.filter(|_| changed.is_ok()) else {
                return Ok((Vec::new(), next));
            };
            let (lines, looked) = app.desk.log(&who, &query, next, MOST).await?;
            next = looked;
            if !lines.is_empty() {
                return Ok::<_, DeskError>((lines, next));
            }
        }
    };
    let stopped = live::stopped(stopping);
    let (lines, next) = tokio::select! {
        found = waited => found?,
        () = stopped.cancelled() => (Vec::new(), next),
        () = tokio::time::sleep(Duration::from_secs(timeout)) => (Vec::new(), next),
    };
    Ok(Json(Lines { lines, next }))
}

/// What happens from now on, or after the entry that `after` or `Last-Event-ID` names: one event for each entry,
/// with its name as the name of the event, its number as id and the line as data.
#[utoipa::path(
    get, path = "/api/v1/log/stream", operation_id = "streamEvents", tag = "ledger",
    params(Wanted, ("last-event-id" = Option<u64>, Header, description = "The last number that was seen")),
    responses(
        (status = 200, description = "A stream of events", body = String, content_type = "text/event-stream"),
        Problems
    )
)]
pub(super) async fn stream_of(
    State(app): State<AppState>,
    Signed(who): Signed,
    standing: Standing,
    stopping: Option<Extension<Stopping>>,
    headers: HeaderMap,
    QueryOf(wanted): QueryOf<Wanted>,
) -> Result<Response, Problem> {
    let query = wanted.query()?;
    let place = Arc::clone(app.places.of(&who))
        .try_acquire_owned()
        .map_err(|_| live::full())?;
    let now = *app.desk.head().borrow();
    let after = live::last_seen(&headers).or(wanted.after).unwrap_or(now);
    let over = live::over(stopping, standing.clone());
    let lines = told(app, standing, query, after)
        .take_until(over)
        .map(move |line| {
            let _held = &place;
            let data = serde_json::to_string(&line).unwrap_or_default();
            Ok::<_, Infallible>(
                Event::default()
                    .event(line.event)
                    .id(line.seq.to_string())
                    .data(data),
            )
        });
    Ok(live::answer(Sse::new(lines)).into_response())
}

/// The lines after `after`, and each that comes.
fn told(
    app: AppState,
    standing: Standing,
    query: LogQuery,
    after: u64,
) -> impl Stream<Item = LogLine> {
    let head = app.desk.head();
    let pages = stream::unfold((head, after), move |(mut head, after)| {
        let (app, standing, query) = (app.clone(), standing.clone(), query.clone());
        async move {
            let mut after = after;
            loop {
                head.borrow_and_update();
                // Who lost a role is told nothing by it, and who lost the way in nothing at all.
                let who = standing.caller().await?;
                // A desk that cannot be read ends the stream; its reader comes back.
                let (lines, next) = app.desk.log(&who, &query, after, MOST).await.ok()?;
                if !lines.is_empty() {
                    return Some((stream::iter(lines), (head, next)));
                }
                let is_behind = next > after;
                after = next;
                if !is_behind {
                    head.changed().await.ok()?;
                }
            }
        }
    });
    pages.flatten()
}
