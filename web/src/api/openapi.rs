//! The OpenAPI 3.1 document.

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde::Serialize;
use utoipa::{
    IntoResponses, OpenApi, ToSchema,
    openapi::{
        self, ContentBuilder, RefOr, ResponseBuilder, SecurityRequirement,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

/// The document, as it is committed in `web/openapi.json`.
pub fn document() -> openapi::OpenApi {
    let mut document = super::described().into_openapi();
    // The router says by a star that a part may hold slashes; OpenAPI has no word for it.
    document.paths.paths = std::mem::take(&mut document.paths.paths)
        .into_iter()
        .map(|(path, item)| (path.replace("{*", "{"), item))
        .collect();
    document
}

/// `GET /api/v1/openapi.json`.
pub(super) async fn serve() -> Response {
    let json = HeaderValue::from_static("application/json");
    let text = document().to_json().unwrap_or_default();
    ([(header::CONTENT_TYPE, json)], text).into_response()
}

/// The document without its paths.
pub(super) fn frame() -> openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(
        info(
            title = "Countersign",
            description = "Handoffs of agents, and the answers of people.\n\nA person comes with \
                the cookie of a session, or with the operator token of the machine. Whatever may \
                change something and carries the cookie needs the header `X-CSRF-Token`. An agent \
                comes with a token, reaches its own workspaces only, and never decides.",
            license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT"),
            contact(),
        ),
        components(schemas(ProblemDocument))
    )]
    struct Frame;

    let mut frame = Frame::openapi();
    frame.info.contact = None;
    let components = frame.components.get_or_insert_default();
    components.add_security_scheme(
        "bearer",
        SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
    );
    components.add_security_scheme(
        "session",
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("__Host-countersign"))),
    );
    frame.security = Some(vec![
        SecurityRequirement::new("bearer", Vec::<String>::new()),
        SecurityRequirement::new("session", Vec::<String>::new()),
    ]);
    frame
}

/// A problem (RFC 9457). A refused document has the members of `handoff.errors.json` as well.
#[derive(Serialize, ToSchema)]
#[schema(title = "Problem")]
pub(crate) struct ProblemDocument {
    /// Names the kind of problem: `urn:countersign:problem:…`.
    #[serde(rename = "type")]
    kind: String,
    /// One sentence that is the same for every problem of this kind.
    title: String,
    /// The HTTP status.
    status: u16,
    /// One sentence about this very case.
    detail: String,
    /// The path that was asked for.
    instance: String,
    /// What to do about it.
    hint: Option<String>,
}

/// Every other answer of every operation.
pub(crate) struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let content = ContentBuilder::new()
            .schema(Some(
                openapi::Ref::from_schema_name(ProblemDocument::name()),
            ))
            .build();
        let response = ResponseBuilder::new()
            .description("A problem")
            .content("application/problem+json", content)
            .build();
        BTreeMap::from([("default".to_owned(), RefOr::T(response))])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The committed document is the one that is served. To write it anew:
    /// `cargo run -p countersign-web --example openapi > web/openapi.json`.
    #[test]
    fn the_committed_document_is_up_to_date() {
        let committed = include_str!("../../openapi.json");
        let current = document().to_pretty_json().unwrap() + "\n";
        assert!(committed == current, "web/openapi.json is out of date");
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_operation_has_its_own_name() {
        let document = serde_json::to_value(document()).unwrap();
        let mut names = Vec::new();
        let mut places = vec![&document];
        while let Some(place) = places.pop() {
            if let Some(target) = place.get("$ref").and_then(|target| target.as_str()) {
                let pointer = target.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{target}");
            }
            if let Some(name) = place.get("operationId") {
                assert!(!names.contains(&name), "{name}");
                names.push(name);
            }
            match place {
                serde_json::Value::Object(members) => places.extend(members.values()),
                serde_json::Value::Array(items) => places.extend(items),
                _ => {}
            }
        }
        assert!(names.len() >= 20, "{names:?}");
    }
}
