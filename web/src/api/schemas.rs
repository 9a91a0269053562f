//! The JSON Schemas of the folder contract.

use axum::response::{IntoResponse, Response};
use countersign_protocol::schema;
use http::{HeaderValue, header};

use super::openapi::Problems;
use crate::{error::Problem, security::PathOf};

/// A JSON Schema of the folder contract.
#[utoipa::path(
    get, path = "/api/v1/schema/{name}", operation_id = "getSchema", tag = "contract", security(()),
    params(("name" = String, Path, description = "For example `handoff`, `checkpoint` or `decision`")),
    responses(
        (
            status = 200, description = "A JSON Schema, draft 2020-12", body = Object,
            content_type = "application/schema+json"
        ),
        Problems
    )
)]
pub(super) async fn schema(PathOf(name): PathOf<String>) -> Result<Response, Problem> {
    let found = schema::get(&name).ok_or_else(|| {
        let names: Vec<_> = schema::ALL.iter().map(|schema| schema.name).collect();
        Problem::not_found(format!("The schema `{name}`"))
            .hint(format!("There are {}.", names.join(", ")))
    })?;
    let kind = HeaderValue::from_static("application/schema+json");
    Ok(([(header::CONTENT_TYPE, kind)], found.text).into_response())
}
