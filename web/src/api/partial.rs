//! The result that grows beside a handoff, as far as it is there.

use std::io;

use axum::{
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use countersign_protocol::HandoffId;
use futures_util::stream;
use http::{HeaderValue, header};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{files::SANDBOX, openapi::Problems};
use crate::{
    desk::{Caller, DeskError},
    error::Problem,
    security::{PathOf, QueryOf, Signed},
    state::AppState,
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct From {
    /// The first chunk; 1 when none is named.
    from: Option<u32>,
}

/// The chunks up to the first that is missing, one after the other.
#[utoipa::path(
    get, path = "/api/v1/handoffs/{id}/partial", operation_id = "getPartial", tag = "handoffs",
    params(("id" = String, Path, description = "The number, with or without `H-`"), From),
    responses(
        (
            status = 200, description = "The bytes so far; `X-Through` is the number of the last chunk",
            body = Vec<u8>, content_type = "application/octet-stream"
        ),
        Problems
    )
)]
pub(super) async fn so_far(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(id): PathOf<HandoffId>,
    QueryOf(query): QueryOf<From>,
) -> Result<Response, Problem> {
    let row = app.desk.row(&who, id).await?;
    let Some(partial) = row.partial else {
        let what = format!("a result that grows beside {id}");
        return Err(DeskError::NotFound(what).into());
    };
    let (first, last) = (query.from.unwrap_or(1).max(1), partial.seen.through);
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        ),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"partial\""),
        ),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(SANDBOX),
        ),
        (
            header::HeaderName::from_static("x-through"),
            HeaderValue::from(last),
        ),
    ];
    let body = Body::from_stream(chunks(app, who, id, first, last));
    Ok((headers, body).into_response())
}

/// The chunks from `first` to `last`. One that cannot be read ends the stream with an error, so that no client
/// takes a part for the whole.
fn chunks(
    app: AppState,
    who: Caller,
    id: HandoffId,
    first: u32,
    last: u32,
) -> impl stream::Stream<Item = io::Result<Bytes>> + Send {
    stream::unfold(Some((app, who, first)), move |left| async move {
        let (app, who, number) = left?;
        if number > last {
            return None;
        }
        match app.desk.chunk(&who, id, number).await {
            Ok(chunk) => Some((Ok(chunk.bytes.into()), Some((app, who, number + 1)))),
            Err(error) => Some((Err(io::Error::other(error)), None)),
        }
    })
}
