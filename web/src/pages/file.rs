//! `GET /h/{id}/r/{revision}/file` and `…/raw`: one file, as a page, a part of a page, or bytes.

use std::fmt::Write as _;

use axum::{
    extract::State,
    response::{Html, IntoResponse, Response},
};
use countersign_protocol::HandoffId;
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;

use super::{
    cards,
    review_view::{FilePage, FilePart},
    visit::Visit,
};
use crate::{
    error::Problem,
    render::{kind, words},
    security::{PathOf, QueryOf},
    state::AppState,
};

/// Larger files are not sent over these pages: they would be held in memory whole.
const MAX_RAW: u64 = 64 << 20;

/// Which file, and how.
#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    path: String,
    base: Option<u32>,
    /// `1` for the content alone.
    part: Option<u8>,
}

/// Shows one file.
pub(super) async fn show(
    visit: Visit,
    State(app): State<AppState>,
    PathOf((id, revision)): PathOf<(HandoffId, u32)>,
    QueryOf(choice): QueryOf<Choice>,
) -> Result<Html<String>, Problem> {
    let review = app
        .desk
        .review(&visit.caller(), id, Some(revision), choice.base)
        .await?;
    let row = review
        .files
        .iter()
        .find(|file| file.path == choice.path)
        .ok_or_else(|| Problem::not_found(format!("`{}` in {id}", choice.path)))?;
    let card = cards::card(&visit, &review, row, &review.earlier_requests).await?;
    if choice.part == Some(1) {
        return visit.render(&FilePart { card });
    }
    visit.render(&FilePage {
        chrome: visit.chrome("queue").await?,
        id: id.to_string(),
        title: review.row.title.clone(),
        revision,
        base: review.base.clone(),
        card,
    })
}

/// Sends the bytes: an image as what it is, everything else as a download that no browser opens.
pub(super) async fn raw(
    visit: Visit,
    State(app): State<AppState>,
    PathOf((id, revision)): PathOf<(HandoffId, u32)>,
    QueryOf(choice): QueryOf<Choice>,
) -> Result<Response, Problem> {
    let file = app
        .desk
        .file(&visit.caller(), id, revision, &choice.path, MAX_RAW)
        .await?;
    if file.size > MAX_RAW {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "The file is too large for the browser",
            format!(
                "It has {}; at most {} are sent.",
                words::size(file.size),
                words::size(MAX_RAW)
            ),
        )
        .hint("Read it in the folder of the workspace."));
    }
    let (media_type, disposition) = match kind::detect(&file.bytes, true) {
        kind::Kind::Image(image) => (image.media_type(), HeaderValue::from_static("inline")),
        _ => ("application/octet-stream", attachment(&file.path)),
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CONTENT_DISPOSITION, disposition),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; sandbox"),
        ),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, max-age=3600"),
        ),
    ];
    Ok((headers, file.bytes).into_response())
}

/// A download under the last part of its path (RFC 6266, section 4.3; RFC 8187).
fn attachment(path: &str) -> HeaderValue {
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut value = String::from("attachment; filename*=UTF-8''");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            value.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(value, "%{byte:02X}");
        }
    }
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_leave_its_header() {
        for (path, name) in [
            ("a/report.md", "report.md"),
            ("x\r\nSet-Cookie: a", "x%0D%0ASet-Cookie%3A%20a"),
            ("a\"b\u{202E}", "a%22b%E2%80%AE"),
        ] {
            assert_eq!(
                attachment(path),
                format!("attachment; filename*=UTF-8''{name}")
            );
        }
    }
}
