//! Raw bytes of sealed files. Whatever an agent wrote, a browser only stores it or shows a picture.

mod disposition;
mod range;

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use countersign_protocol::HandoffId;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::openapi::Problems;
use crate::{
    desk::FileBytes,
    error::Problem,
    security::{PathOf, Signed},
    state::AppState,
};
use range::Part;

/// The largest file that is sent, in bytes. Larger ones are read from the folder.
pub(crate) const LARGEST: u64 = 64 << 20;
/// No script, no form, no origin of ours, nothing loaded, wherever the bytes are opened.
const SANDBOX: &str = "sandbox; default-src 'none'";

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
        Problems
    )
)]
pub(super) async fn download(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf((id, revision, path)): PathOf<(HandoffId, u32, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let file = app.desk.file(&who, id, revision, &path, LARGEST).await?;
    send(file, &headers)
}

/// The answer with the bytes, or with the part of them that was asked for.
pub(crate) fn send(file: FileBytes, request: &HeaderMap) -> Result<Response, Problem> {
    if file.size > file.bytes.len() as u64 {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "Something is over its size limit",
            format!(
                "The file has {} bytes; at most {LARGEST} are sent.",
                file.size
            ),
        )
        .hint("Read it in the workspace, and compare its SHA-256.")
        .with("sha256", file.sha256.to_string())
        .with("size", file.size));
    }
    let kind = picture(&file.bytes);
    let tag = format!("\"{}\"", file.sha256);
    let part = match range::wanted(request, &tag, file.bytes.len()) {
        Part::Whole => None,
        Part::Some(first, last) => Some((first, last)),
        Part::Outside => {
            let all = value(&format!("bytes */{}", file.bytes.len()));
            return Err(Problem::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "range",
                "This part is not in the file",
                format!("The file has {} bytes.", file.bytes.len()),
            )
            .header(header::CONTENT_RANGE, all));
        }
    };
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static(kind.unwrap_or("application/octet-stream")),
        ),
        (
            header::CONTENT_DISPOSITION,
            value(&disposition::of(&file.path, kind.is_some())),
        ),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(SANDBOX),
        ),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (header::ETAG, value(&tag)),
    ];
    let Some((first, last)) = part else {
        return Ok((headers, Body::from(file.bytes)).into_response());
    };
    let place = value(&format!("bytes {first}-{last}/{}", file.bytes.len()));
    let bytes = axum::body::Bytes::from(file.bytes).slice(first..=last);
    let place = [(header::CONTENT_RANGE, place)];
    Ok((StatusCode::PARTIAL_CONTENT, headers, place, bytes).into_response())
}

/// The media type of a picture that every browser shows without running anything, by its first bytes
/// and never by its name. SVG is not among them: it is a program.
fn picture(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("image/webp"),
        _ => None,
    }
}

/// A header value of text that was made of visible ASCII.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use countersign_protocol::Digest;
    use http_body_util::BodyExt as _;

    use super::*;

    fn file(path: &str, bytes: &[u8]) -> FileBytes {
        FileBytes {
            path: path.to_owned(),
            sha256: Digest::of(bytes),
            size: bytes.len() as u64,
            bytes: bytes.to_vec(),
        }
    }

    async fn body(response: Response) -> Vec<u8> {
        response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .to_vec()
    }

    #[tokio::test]
    async fn a_page_of_an_agent_is_only_ever_stored() {
        for (path, bytes) in [
            ("a.html", &b"<script>alert(1)</script>"[..]),
            ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            ("a.png", b"<!doctype html>"),
            ("a.pdf", b"%PDF-1.7"),
            ("a.txt", b"plain"),
        ] {
            let response = send(file(path, bytes), &HeaderMap::new()).unwrap();
            let headers = response.headers();
            assert_eq!(
                headers["content-type"], "application/octet-stream",
                "{path}"
            );
            assert_eq!(headers["content-security-policy"], SANDBOX);
            let disposition = headers["content-disposition"].to_str().unwrap();
            assert!(disposition.starts_with("attachment;"), "{disposition}");
            assert_eq!(body(response).await, bytes);
        }
    }

    #[tokio::test]
    async fn a_picture_is_one_by_its_bytes() {
        let response = send(file("x.html", b"\x89PNG\r\n\x1a\nrest"), &HeaderMap::new()).unwrap();
        assert_eq!(response.headers()["content-type"], "image/png");
        assert_eq!(response.headers()["content-security-policy"], SANDBOX);
        assert_eq!(picture(b"RIFF\x01\x02\x03\x04WEBPVP8 "), Some("image/webp"));
        assert_eq!(picture(b"GIF89a"), Some("image/gif"));
        assert_eq!(picture(b"\xff\xd8\xff\xe0"), Some("image/jpeg"));
        assert_eq!(picture(b"RIFF\x01\x02\x03\x04WAVE"), None);
        assert_eq!(picture(b""), None);
    }

    #[tokio::test]
    async fn a_part_is_sent_as_a_part() {
        let mut request = HeaderMap::new();
        request.insert(header::RANGE, HeaderValue::from_static("bytes=2-4"));
        let response = send(file("a", b"0123456789"), &request).unwrap();
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(response.headers()["content-range"], "bytes 2-4/10");
        assert_eq!(body(response).await, b"234");
        request.insert(header::RANGE, HeaderValue::from_static("bytes=10-"));
        let problem = send(file("a", b"0123456789"), &request).unwrap_err();
        assert_eq!(problem.status, StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(problem.headers[0].1, "bytes */10");
    }

    #[test]
    fn a_file_that_did_not_come_whole_is_not_sent_as_if_it_had() {
        let mut cut = file("a", b"0123456789");
        cut.size = 11;
        let problem = send(cut, &HeaderMap::new()).unwrap_err();
        assert_eq!(problem.status, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
