//! Headers on every answer, refusals included.

use std::fmt::Write as _;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::extract::Nonce;
use crate::state::AppState;

/// Gives the request a nonce and the answer its headers. A handler may set a stricter policy or a
/// longer cache time; it wins.
pub(crate) async fn set(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    let mut bytes = [0; 16];
    (app.settings.random)(&mut bytes);
    let nonce = bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    let policy = content_security_policy(&nonce);
    request.extensions_mut().insert(Nonce(nonce));
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.reserve(FIXED.len() + 2);
    put(headers, header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in FIXED {
        put(headers, name, HeaderValue::from_static(value));
    }
    if app.settings.https() {
        let year = HeaderValue::from_static("max-age=31536000");
        put(headers, header::STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

const FIXED: [(HeaderName, &str); 8] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
    (header::CACHE_CONTROL, "no-store"),
];

fn put(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    headers.entry(name).or_insert(value);
}

#[expect(clippy::expect_used, reason = "the nonce is hexadecimal")]
fn content_security_policy(nonce: &str) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' data:; media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types countersign"
    );
    HeaderValue::from_str(&policy).expect("the policy is visible ASCII")
}
