//! Deliveries over HTTP, and checks without a delivery.

use std::collections::BTreeMap;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use countersign_protocol::{
    Digest,
    contract::{self, Rules},
    dialect::{self, Format},
    handoff::Profile,
    problem::{Refusal, Violation},
    receipt::{ErrorsDocument, Receipt, ReceiptStatus},
    trace::TraceParent,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use tower::limit::GlobalConcurrencyLimitLayer;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt as _},
    routes,
};

use super::openapi::Problems;
use crate::{
    desk::{Caller, DeskError, Submission},
    error::Problem,
    security::{JsonOf, PathOf, QueryOf, Signed},
    state::AppState,
};

/// Deliveries that are read at the same time. The others wait, so that memory has a bound.
const AT_ONCE: usize = 4;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    let large = routes!(submit).layer(GlobalConcurrencyLimitLayer::new(AT_ONCE));
    OpenApiRouter::new()
        .routes(large)
        .routes(routes!(checkpoint))
        .routes(routes!(validate))
}

/// A handoff with its files.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDelivery {
    /// Folder in the workspace that the paths are relative to and where answers go.
    #[serde(default)]
    folder: String,
    /// The handoff document as text, byte for byte. Either this or `handoff`.
    document: Option<String>,
    /// The handoff document as JSON.
    #[schema(value_type = Option<Object>)]
    handoff: Option<Box<RawValue>>,
    /// Whether `document` is YAML.
    #[serde(default)]
    yaml: bool,
    /// Files that come with it: path to base64. Others are read from the folder.
    #[serde(default)]
    files: BTreeMap<String, String>,
}

/// The span that a request comes from; one that cannot be read is none (W3C Trace Context, section 4.3).
fn traceparent(headers: &HeaderMap) -> Option<TraceParent> {
    headers.get("traceparent")?.to_str().ok()?.parse().ok()
}

/// Takes a delivery.
#[utoipa::path(
    post, path = "/api/v1/workspaces/{workspace}/handoffs", operation_id = "submit", tag = "deliveries",
    params(
        ("workspace" = String, Path, description = "Name of the workspace"),
        ("traceparent" = Option<String>, Header, description = "The span of the sender (W3C Trace Context), where the document names none")
    ),
    request_body = NewDelivery,
    responses(
        (status = 201, description = "Recorded", body = Receipt),
        (status = 200, description = "The same was recorded before", body = Receipt),
        (
            status = 422, description = "Refused; nothing was sent to anybody",
            body = ErrorsDocument, content_type = "application/problem+json"
        ),
        Problems
    )
)]
async fn submit(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(workspace): PathOf<String>,
    headers: HeaderMap,
    JsonOf(body): JsonOf<NewDelivery>,
) -> Result<Response, Problem> {
    reaches(&who, &workspace)?;
    let document = match (body.document, body.handoff) {
        (Some(text), None) => text,
        (None, Some(json)) if !body.yaml => json.get().to_owned(),
        (None, Some(_)) => {
            return Err(Problem::invalid(
                "/yaml",
                "`handoff` is JSON; leave out `yaml`.",
            ));
        }
        _ => {
            let message = "Send either `document` or `handoff`.";
            return Err(Problem::invalid("/document", message));
        }
    };
    let digest = Digest::of(document.as_bytes());
    let files =
        body.files.into_iter().map(
            |(path, text)| match BASE64_STANDARD.decode(text.as_bytes()) {
                Ok(bytes) => Ok((path, bytes)),
                Err(error) => Err(Problem::invalid(
                    format!("/files/{}", path.replace('~', "~0").replace('/', "~1")),
                    format!("This is not base64: {error}."),
                )),
            },
        );
    let submission = Submission {
        workspace,
        folder: body.folder,
        yaml: body.yaml,
        files: files.collect::<Result<_, _>>()?,
        document,
        traceparent: traceparent(&headers),
    };
    let format = format_of(submission.yaml);
    match app.desk.submit(&who, submission).await {
        Ok(receipt) => Ok(received(&receipt)),
        Err(DeskError::Refused(refusal)) => Err(refused(&app, &refusal, format, digest)),
        Err(error) => Err(error.into()),
    }
}

fn received(receipt: &Receipt) -> Response {
    let status = match receipt.status {
        ReceiptStatus::Duplicate => StatusCode::OK,
        _ => StatusCode::CREATED,
    };
    let mut response = (status, Json(receipt)).into_response();
    if let Ok(place) = HeaderValue::from_str(&format!("/api/v1/handoffs/{}", receipt.handoff_id)) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

/// A checkpoint.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCheckpoint {
    /// Folder in the workspace.
    #[serde(default)]
    folder: String,
    /// The checkpoint document.
    #[schema(value_type = Object)]
    document: Box<RawValue>,
}

/// Digest of what was kept.
#[derive(Serialize, ToSchema)]
pub(super) struct Kept {
    sha256: Digest,
}

/// Keeps a checkpoint.
#[utoipa::path(
    post, path = "/api/v1/workspaces/{workspace}/checkpoint", operation_id = "checkpoint", tag = "deliveries",
    params(("workspace" = String, Path, description = "Name of the workspace")),
    request_body = NewCheckpoint,
    responses((status = 201, description = "Kept", body = Kept), Problems)
)]
async fn checkpoint(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(workspace): PathOf<String>,
    JsonOf(body): JsonOf<NewCheckpoint>,
) -> Result<(StatusCode, Json<Kept>), Problem> {
    reaches(&who, &workspace)?;
    // Read by the contract: a key that stands twice would be lost in a plain JSON value.
    let document: Value = dialect::read(body.document.get().as_bytes(), Format::Json)?.value;
    let sha256 = app
        .desk
        .checkpoint(&who, &workspace, &body.folder, document)
        .await?;
    Ok((StatusCode::CREATED, Json(Kept { sha256 })))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Against {
    /// The least strict profile to check against: `minimal`, `contract` or `regulated`.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    profile: Profile,
    /// Whether the body is YAML.
    #[serde(default)]
    yaml: bool,
}

/// A document that keeps the rules.
#[derive(Serialize, ToSchema)]
pub(super) struct Verdict {
    /// Always true.
    valid: bool,
    /// The dialect it is written in.
    dialect: &'static str,
    /// The profile it was checked against.
    profile: &'static str,
    /// What is worth knowing all the same.
    warnings: Vec<Violation>,
}

/// Checks a handoff document without delivering it. Files are not looked at.
#[utoipa::path(
    post, path = "/api/v1/validate", operation_id = "validate", tag = "deliveries", params(Against),
    request_body(content = String, description = "The document, byte for byte"),
    responses(
        (status = 200, description = "It keeps the rules", body = Verdict),
        (
            status = 422, description = "It breaks rules", body = ErrorsDocument,
            content_type = "application/problem+json"
        ),
        Problems
    )
)]
async fn validate(
    State(app): State<AppState>,
    _: Signed,
    QueryOf(query): QueryOf<Against>,
    body: Bytes,
) -> Result<Json<Verdict>, Problem> {
    let format = format_of(query.yaml);
    let rules = Rules {
        least: query.profile,
    };
    let checked = dialect::read(&body, format)
        .and_then(|document| contract::check(&document, rules))
        .map_err(|refusal| refused(&app, &refusal, format, Digest::of(&body)))?;
    Ok(Json(Verdict {
        valid: true,
        dialect: checked.dialect,
        profile: checked.handoff.profile.name(),
        warnings: checked.warnings,
    }))
}

fn format_of(yaml: bool) -> Format {
    if yaml { Format::Yaml } else { Format::Json }
}

/// The problem with all members of `handoff.errors.json`.
fn refused(app: &AppState, refusal: &Refusal, format: Format, digest: Digest) -> Problem {
    let file = match format {
        Format::Json => "handoff.json",
        Format::Yaml => "handoff.yaml",
    };
    let mut document = ErrorsDocument::new(refusal, file, Some(digest), (app.settings.now)());
    "Fix the document and send it again. Nothing was sent to reviewers."
        .clone_into(&mut document.next);
    let mut problem = Problem::from(refusal.clone());
    if let Ok(Value::Object(members)) = serde_json::to_value(document) {
        problem.more = members;
    }
    problem
}

/// An agent does not learn which other workspaces there are.
fn reaches(who: &Caller, workspace: &str) -> Result<(), Problem> {
    match who {
        Caller::Agent(agent) if !agent.workspaces.iter().any(|name| name == workspace) => {
            Err(Problem::not_found(format!("The workspace `{workspace}`")))
        }
        Caller::Agent(_) | Caller::Person(_) => Ok(()),
    }
}
