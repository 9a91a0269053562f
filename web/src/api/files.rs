//! Raw bytes of files. Whatever an agent wrote, a browser only stores it, or shows it as a
//! picture, a sound or a film.

mod disposition;
mod range;
mod stream;
#[cfg(test)]
mod tests;

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use countersign_protocol::{
    HandoffId,
    content::{Kind, SNIFFED, sniff},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::openapi::Problems;
use crate::{
    desk::{DeskError, OpenFile, SealedFile},
    error::Problem,
    render::kind::served_as,
    security::{PathOf, Signed},
    state::AppState,
};
use range::Part;

/// No script, no form, no origin of ours, nothing loaded, wherever the bytes are opened.
pub(crate) const SANDBOX: &str = "sandbox; default-src 'none'";
/// The same for a drawing, whose own styles are part of the picture.
const SANDBOX_SVG: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'";

/// A sealed file, byte for byte.
#[utoipa::path(
    get, path = "/api/v1/handoffs/{id}/revisions/{revision}/files/{*path}", operation_id = "getFile",
    tag = "handoffs",
    params(
        ("id" = String, Path, description = "The number, with or without `H-`"),
        ("revision" = u32, Path, description = "The revision"),
        ("path" = String, Path, description = "Path relative to the folder of the handoff"),
    ),
    responses(
        (
            status = 200, description = "The bytes; `ETag` is their SHA-256", body = Vec<u8>,
            content_type = "application/octet-stream"
        ),
        (status = 206, description = "The part that `Range` asked for"),
        (status = 304, description = "`If-None-Match` names these bytes"),
        Problems
    )
)]
pub(super) async fn download(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf((id, revision, path)): PathOf<(HandoffId, u32, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let file = app.desk.open(&who, id, revision, &path).await?;
    send(file, &method, &headers).await
}

/// A file of a result that waits for a decision, byte for byte.
#[utoipa::path(
    get, path = "/api/v1/handoffs/{id}/hops/{hop}/files/{*path}", operation_id = "getResultFile",
    tag = "handoffs",
    params(
        ("id" = String, Path, description = "The number, with or without `H-`"),
        ("hop" = u32, Path, description = "The hop, from 1"),
        ("path" = String, Path, description = "Path relative to the folder of the result"),
    ),
    responses(
        (
            status = 200, description = "The bytes; `ETag` is their SHA-256", body = Vec<u8>,
            content_type = "application/octet-stream"
        ),
        (status = 206, description = "The part that `Range` asked for"),
        (status = 304, description = "`If-None-Match` names these bytes"),
        Problems
    )
)]
pub(super) async fn result(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf((id, hop, path)): PathOf<(HandoffId, u32, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let file = app.desk.result_file(&who, id, hop, &path).await?;
    send(file, &method, &headers).await
}

/// The answer with the bytes of a sealed file, whose tag is their digest.
pub(crate) async fn send(
    file: SealedFile,
    method: &Method,
    request: &HeaderMap,
) -> Result<Response, Problem> {
    let tag = file.sha256.to_string();
    send_open(file.open, &tag, method, request).await
}

/// The answer with the bytes, or with the part of them that was asked for. They are read as the
/// client takes them, so that a file of any size costs the memory of two pieces. `tag` differs when they do.
pub(crate) async fn send_open(
    file: OpenFile,
    tag: &str,
    method: &Method,
    request: &HeaderMap,
) -> Result<Response, Problem> {
    let failed = |error: std::io::Error| DeskError::Unavailable(error.to_string());
    let head = file.read(0, SNIFFED).await.map_err(failed)?;
    let file_type = sniff(&head, head.len() as u64 == file.size, &file.path);
    let tag = format!("\"{tag}\"");
    if is_known(request, &tag) {
        let headers = [(header::ETAG, value(&tag))];
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let part = match range::wanted(method, request, &tag, file.size) {
        Part::Whole => None,
        Part::Some(first, last) => Some((first, last)),
        Part::Outside => {
            let all = value(&format!("bytes */{}", file.size));
            return Err(Problem::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "range",
                "This part is not in the file",
                format!("The file has {} bytes.", file.size),
            )
            .header(header::CONTENT_RANGE, all));
        }
    };
    let shown = file_type.kind == Kind::Image;
    let sandbox = match file_type.kind {
        Kind::Svg => SANDBOX_SVG,
        _ => SANDBOX,
    };
    let (first, length) = match part {
        Some((first, last)) => (first, last - first + 1),
        None => (0, file.size),
    };
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static(served_as(&file_type)),
        ),
        (
            header::CONTENT_DISPOSITION,
            value(&disposition::of(&file.path, shown)),
        ),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(sandbox),
        ),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (header::ETAG, value(&tag)),
        (header::CONTENT_LENGTH, HeaderValue::from(length)),
    ];
    let place = part.map(|(first, last)| value(&format!("bytes {first}-{last}/{}", file.size)));
    let body = Body::from_stream(stream::of(file, first, length));
    Ok(match place {
        None => (headers, body).into_response(),
        Some(place) => {
            let place = [(header::CONTENT_RANGE, place)];
            (StatusCode::PARTIAL_CONTENT, headers, place, body).into_response()
        }
    })
}

/// A header value of text that was made of visible ASCII.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// Whether the client has the bytes with the entity tag `tag` (RFC 9110, section 13.1.2).
fn is_known(request: &HeaderMap, tag: &str) -> bool {
    let lists = request.get_all(header::IF_NONE_MATCH).into_iter();
    let mut tags = lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim);
    // Weak comparison: a `W/` in front makes no difference.
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}
