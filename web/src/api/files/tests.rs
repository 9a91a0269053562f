//! What goes out, with which headers, and how much of it.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use countersign_protocol::Digest;
use http_body_util::BodyExt as _;

use super::*;
use crate::desk::ReadAt;

fn file(path: &str, bytes: &[u8]) -> SealedFile {
    let (sha256, size) = (Digest::of(bytes), bytes.len() as u64);
    SealedFile::new(path.to_owned(), sha256, size, bytes.to_vec())
}

async fn get(file: SealedFile, range: Option<&'static str>) -> Result<Response, Problem> {
    let mut headers = HeaderMap::new();
    if let Some(range) = range {
        headers.insert(header::RANGE, HeaderValue::from_static(range));
    }
    send(file, &Method::GET, &headers).await
}

async fn body(response: Response) -> Vec<u8> {
    let body = response.into_body().collect().await.unwrap();
    body.to_bytes().to_vec()
}

#[tokio::test]
async fn a_page_of_an_agent_is_only_ever_stored() {
    for (path, bytes) in [
        ("a.html", &b"<script>alert(1)</script>"[..]),
        ("a.png", b"<!doctype html>"),
        ("a.pdf", b"%PDF-1.7\n%\xe2\xe3"),
        ("a.txt", b"plain"),
        (
            "a.xml",
            b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>",
        ),
    ] {
        let response = get(file(path, bytes), None).await.unwrap();
        let headers = response.headers();
        assert_eq!(
            headers["content-type"], "application/octet-stream",
            "{path}"
        );
        assert_eq!(headers["content-security-policy"], SANDBOX);
        assert_eq!(headers["content-length"], bytes.len().to_string());
        let disposition = headers["content-disposition"].to_str().unwrap();
        assert!(disposition.starts_with("attachment;"), "{disposition}");
        assert_eq!(body(response).await, bytes);
    }
}

#[tokio::test]
async fn what_a_browser_shows_is_told_by_the_bytes_and_still_has_no_rights() {
    for (bytes, kind, opens) in [
        (&b"\x89PNG\r\n\x1a\nrest"[..], "image/png", true),
        (b"RIFF\x01\0\0\0WEBPVP8 ", "image/webp", true),
        (b"GIF89a\x01\0", "image/gif", true),
        (b"\xff\xd8\xff\xe0", "image/jpeg", true),
        (b"RIFF\x01\0\0\0WAVE", "audio/wav", false),
        (b"\x1aE\xdf\xa3\0webm", "video/webm", false),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            "image/svg+xml",
            false,
        ),
    ] {
        let response = get(file("x.html", bytes), None).await.unwrap();
        let headers = response.headers();
        assert_eq!(headers["content-type"], kind);
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with(SANDBOX), "{policy}");
        let disposition = headers["content-disposition"].to_str().unwrap();
        let wanted = if opens { "inline;" } else { "attachment;" };
        assert!(disposition.starts_with(wanted), "{kind}: {disposition}");
    }
}

#[tokio::test]
async fn a_part_is_sent_as_a_part() {
    for (range, status, place, bytes) in [
        (None, 200, None, &b"0123456789"[..]),
        (Some("bytes=2-4"), 206, Some("bytes 2-4/10"), b"234"),
        (Some("bytes=7-"), 206, Some("bytes 7-9/10"), b"789"),
        (Some("bytes=-2"), 206, Some("bytes 8-9/10"), b"89"),
        (Some("bytes=0-0,2-3"), 200, None, b"0123456789"),
    ] {
        let response = get(file("a", b"0123456789"), range).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{range:?}");
        let told = response.headers().get("content-range");
        assert_eq!(told.map(|place| place.to_str().unwrap()), place);
        assert_eq!(
            response.headers()["content-length"],
            bytes.len().to_string()
        );
        assert_eq!(body(response).await, bytes, "{range:?}");
    }
    let problem = get(file("a", b"0123456789"), Some("bytes=10-"))
        .await
        .unwrap_err();
    assert_eq!(problem.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(problem.headers[0].1, "bytes */10");
}

/// Zeros without end, and how far they were read.
struct Zeros(Arc<AtomicU64>);

impl ReadAt for Zeros {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        buffer.fill(0);
        self.0
            .fetch_max(offset + buffer.len() as u64, Ordering::Relaxed);
        Ok(buffer.len())
    }
}

#[tokio::test]
async fn a_file_larger_than_memory_is_read_as_it_is_taken() {
    let far = Arc::new(AtomicU64::new(0));
    let size = 1 << 50;
    let huge = SealedFile::new("a".to_owned(), Digest::ZERO, size, Zeros(Arc::clone(&far)));
    let response = get(huge, None).await.unwrap();
    assert_eq!(response.headers()["content-length"], size.to_string());
    let mut body = response.into_body();
    for _ in 0..4 {
        let frame = body.frame().await.unwrap().unwrap();
        assert!(frame.into_data().unwrap().len() <= 1 << 20);
    }
    assert!(far.load(Ordering::Relaxed) <= 4 << 20);
}

#[tokio::test]
async fn a_file_that_ends_early_is_an_error_and_no_shorter_file() {
    let cut = SealedFile::new("a".to_owned(), Digest::ZERO, 11, b"0123456789".to_vec());
    let response = get(cut, None).await.unwrap();
    assert_eq!(response.headers()["content-length"], "11");
    assert!(response.into_body().collect().await.is_err());
}

#[tokio::test]
async fn only_get_knows_parts() {
    let mut headers = HeaderMap::new();
    headers.insert(header::RANGE, HeaderValue::from_static("bytes=2-4"));
    let response = send(file("a", b"0123456789"), &Method::HEAD, &headers)
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-length"], "10");
}

#[tokio::test]
async fn answers_if_none_match() {
    let tag = format!("\"{}\"", Digest::of(b"data"));
    for (known, status) in [
        (tag.clone(), StatusCode::NOT_MODIFIED),
        (format!("\"other\", W/{tag}"), StatusCode::NOT_MODIFIED),
        ("*".to_owned(), StatusCode::NOT_MODIFIED),
        ("\"other\"".to_owned(), StatusCode::OK),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, value(&known));
        let response = send(file("a.txt", b"data"), &Method::GET, &headers).await;
        let response = response.unwrap();
        assert_eq!(response.status(), status, "{known}");
        let is_empty = body(response).await.is_empty();
        assert_eq!(is_empty, status == StatusCode::NOT_MODIFIED, "{known}");
    }
}
