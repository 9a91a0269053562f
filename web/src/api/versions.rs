//! What changed, all versions, archives of them, and marks.

use axum::{
    Json,
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use countersign_protocol::{HandoffId, anchor::Anchor};
use futures_util::stream;
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::openapi::Problems;
use crate::{
    desk::{
        Caller, DeskError, Review,
        versions::{
            Archive, ArchiveFormat, Changed, ChangedQuestion, CollectedRow, MarkRow, NewMark,
            VersionRow,
        },
    },
    error::Problem,
    security::{JsonOf, PathOf, QueryOf, Signed, SignedIn},
    state::AppState,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(changes))
        .routes(routes!(versions))
        .routes(routes!(archive))
        .routes(routes!(snapshot))
        .routes(routes!(marks, mark))
        .routes(routes!(collect))
}

/// Reads the anchor in the query member `field`.
fn anchor(app: &AppState, field: &str, text: &str) -> Result<Anchor, Problem> {
    let read = Anchor::read(text, (app.settings.now)());
    read.map_err(|error| {
        Problem::from(DeskError::Invalid {
            field: field.to_owned(),
            message: error.to_string(),
        })
    })
}

/// The revision that a moment falls on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct At {
    /// 0 for before the first.
    pub(crate) revision: u32,
    /// What the moment is, where it was not named by the number of its revision.
    pub(crate) label: Option<String>,
}

/// Reads `text`, the number of a revision or an anchor, in the query member `field`.
pub(crate) async fn moment(
    app: &AppState,
    who: &Caller,
    id: HandoffId,
    field: &str,
    text: &str,
) -> Result<At, Problem> {
    if let Ok(revision) = text.parse() {
        return Ok(At {
            revision,
            label: None,
        });
    }
    let anchor = anchor(app, field, text)?;
    if let Anchor::Revision(revision) = anchor {
        return Ok(At {
            revision,
            label: None,
        });
    }
    let moment = app.desk.moment(who, id, &anchor).await?;
    Ok(At {
        revision: moment.revision.unwrap_or_default(),
        label: Some(moment.label),
    })
}

/// Everything about a revision against `base`, which [`moment`] reads; with what the moment is called.
pub(crate) async fn reviewed(
    app: &AppState,
    who: &Caller,
    id: HandoffId,
    revision: Option<u32>,
    base: Option<&str>,
) -> Result<(Review, Option<String>), Problem> {
    let at = match base {
        Some(text) => Some(moment(app, who, id, "base", text).await?),
        None => None,
    };
    let base = at.as_ref().map(|at| at.revision);
    let mut review = app.desk.review(who, id, revision, base).await?;
    let label = at.and_then(|at| at.label);
    if let (Some(base), Some(label)) = (&mut review.base, &label) {
        let number = match base.revision {
            0 => base.label.clone(),
            number => format!("revision {number}"),
        };
        base.label = if label.contains(&number) {
            label.clone()
        } else {
            format!("{label} ({number})")
        };
    }
    Ok((review, label))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Between {
    /// The workspace; all that the caller may see when none is named.
    workspace: Option<String>,
    /// One handoff, such as `H-7`; then its workspace is the one.
    handoff: Option<String>,
    /// From when on: an anchor such as `@last-build`, `@rev:2`, `2h` or `2026-11-01`; the last decision of
    /// the person when none is named.
    from: Option<String>,
    /// Until when; now when none is named.
    to: Option<String>,
    /// Whether files that were changed on the way and are what they were are listed, too.
    #[serde(default)]
    restored: bool,
}

/// What changed between two moments. Each row cites the ledger entry that changed it last.
#[utoipa::path(
    get, path = "/api/v1/changes", operation_id = "listChanges", tag = "versions", params(Between),
    responses((status = 200, description = "What changed", body = Changed), Problems)
)]
pub(super) async fn changes(
    State(app): State<AppState>,
    Signed(who): Signed,
    QueryOf(between): QueryOf<Between>,
) -> Result<Json<Changed>, Problem> {
    let read = |field: &str, text: &Option<String>| {
        text.as_deref()
            .map(|text| anchor(&app, field, text))
            .transpose()
    };
    let handoff = between.handoff.as_deref().map(str::parse::<HandoffId>);
    let handoff = handoff.transpose().map_err(|error| DeskError::Invalid {
        field: "handoff".to_owned(),
        message: error.to_string(),
    })?;
    let question = ChangedQuestion {
        from: read("from", &between.from)?,
        to: read("to", &between.to)?,
        workspace: between.workspace,
        handoff,
        restored: between.restored,
    };
    Ok(Json(app.desk.changed(&who, question).await?))
}

/// All versions of a handoff, newest first: revisions, checkpoints and decisions.
#[utoipa::path(
    get, path = "/api/v1/handoffs/{id}/versions", operation_id = "listVersions", tag = "versions",
    params(("id" = String, Path, description = "The number, with or without `H-`")),
    responses((status = 200, description = "The versions", body = Vec<VersionRow>), Problems)
)]
pub(super) async fn versions(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(id): PathOf<HandoffId>,
) -> Result<Json<Vec<VersionRow>>, Problem> {
    Ok(Json(app.desk.versions(&who, id).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// The form of the archive; zip when none is named.
    #[serde(default)]
    #[param(inline)]
    format: ArchiveFormat,
}

/// All files of a revision in one archive, the same bytes every time. It comes as it is written; one that
/// breaks off is not whole.
#[utoipa::path(
    get, path = "/api/v1/handoffs/{id}/revisions/{revision}/archive", operation_id = "getArchive",
    tag = "versions",
    params(
        ("id" = String, Path, description = "The number, with or without `H-`"),
        ("revision" = u32, Path, description = "The revision"),
        Wanted,
    ),
    responses(
        (
            status = 200, description = "The archive", body = Vec<u8>,
            content_type = "application/octet-stream"
        ),
        Problems
    )
)]
pub(super) async fn archive(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf((id, revision)): PathOf<(HandoffId, u32)>,
    QueryOf(wanted): QueryOf<Wanted>,
) -> Result<Response, Problem> {
    let archive = app.desk.archive(&who, id, revision, wanted.format).await?;
    Ok(sent(archive))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Moment {
    /// An anchor such as `@last-build`, `@entry:17`, `2h` or `2026-11-01`; now when none is named.
    at: Option<String>,
    /// The form of the archive; zip when none is named.
    #[serde(default)]
    #[param(inline)]
    format: ArchiveFormat,
}

/// All files of a workspace as they had last been handed over at a moment, in one archive, the same bytes
/// every time. It comes as it is written; one that breaks off is not whole.
#[utoipa::path(
    get, path = "/api/v1/workspaces/{workspace}/archive", operation_id = "getSnapshot",
    tag = "versions",
    params(("workspace" = String, Path, description = "Its name"), Moment),
    responses(
        (
            status = 200, description = "The archive", body = Vec<u8>,
            content_type = "application/octet-stream"
        ),
        Problems
    )
)]
pub(super) async fn snapshot(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(workspace): PathOf<String>,
    QueryOf(wanted): QueryOf<Moment>,
) -> Result<Response, Problem> {
    let at = match &wanted.at {
        Some(text) => anchor(&app, "at", text)?,
        None => Anchor::Now,
    };
    let archive = app
        .desk
        .snapshot(&who, &workspace, &at, wanted.format)
        .await?;
    Ok(sent(archive))
}

/// The answer with an archive, whose name is ours.
fn sent(archive: Archive) -> Response {
    let disposition = format!("attachment; filename=\"{}\"", archive.name);
    let pieces = stream::unfold(archive.pieces, |mut pieces| async move {
        let piece = pieces.recv().await?;
        Some((piece.map(Bytes::from), pieces))
    });
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        ),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&disposition).unwrap_or(HeaderValue::from_static("attachment")),
        ),
    ];
    (headers, Body::from_stream(pieces)).into_response()
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Where {
    /// The workspace; all that the caller may see when none is named.
    workspace: Option<String>,
}

/// The marks, newest first.
#[utoipa::path(
    get, path = "/api/v1/marks", operation_id = "listMarks", tag = "versions", params(Where),
    responses((status = 200, description = "The marks", body = Vec<MarkRow>), Problems)
)]
pub(super) async fn marks(
    State(app): State<AppState>,
    Signed(who): Signed,
    QueryOf(place): QueryOf<Where>,
) -> Result<Json<Vec<MarkRow>>, Problem> {
    let marks = app.desk.marks(&who, place.workspace.as_deref()).await?;
    Ok(Json(marks))
}

/// How to let go.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CollectRequest {
    /// Only say what would go.
    #[serde(default)]
    dry_run: bool,
}

/// Lets go of sealed bytes that nothing needs any more. What was decided about, what waits and what is newest
/// is never among them.
#[utoipa::path(
    post, path = "/api/v1/store/collect", operation_id = "collectStore", tag = "versions",
    request_body = CollectRequest,
    responses((status = 200, description = "What went, or would", body = CollectedRow), Problems)
)]
pub(super) async fn collect(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    JsonOf(body): JsonOf<CollectRequest>,
) -> Result<Json<CollectedRow>, Problem> {
    Ok(Json(app.desk.collect(&person, body.dry_run).await?))
}

/// A moment to give a name to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MarkRequest {
    /// The workspace.
    workspace: String,
    /// What it is, for example `build`.
    kind: String,
    /// Which one, for example `318`.
    value: Option<String>,
    /// More words.
    note: Option<String>,
}

/// Gives the present moment of a workspace a name, such as `build 318`.
#[utoipa::path(
    post, path = "/api/v1/marks", operation_id = "createMark", tag = "versions",
    request_body = MarkRequest,
    responses((status = 201, description = "The mark", body = MarkRow), Problems)
)]
pub(super) async fn mark(
    State(app): State<AppState>,
    Signed(who): Signed,
    JsonOf(body): JsonOf<MarkRequest>,
) -> Result<(StatusCode, Json<MarkRow>), Problem> {
    let mark = NewMark {
        workspace: body.workspace,
        kind: body.kind,
        value: body.value,
        note: body.note,
    };
    Ok((StatusCode::CREATED, Json(app.desk.mark(&who, mark).await?)))
}
