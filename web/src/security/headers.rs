//! Headers on every answer, refusals included.

use std::fmt::Write as _;

use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::extract::Nonce;
use crate::settings::Settings;

/// The nonce of one request, which its page and the policy of its answer share.
pub(crate) fn nonce(settings: &Settings) -> Nonce {
    Nonce(random_text(settings))
}

/// Returns 128 random bits in hexadecimal.
pub(super) fn random_text(settings: &Settings) -> String {
    let mut bytes = [0; 16];
    (settings.random)(&mut bytes);
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Gives the answer its headers, to a page with those that its `nonce` may run. A handler may set a stricter policy or a
/// longer cache time; it wins.
pub(crate) fn set(settings: &Settings, nonce: Option<&Nonce>, response: &mut Response) {
    let headers = response.headers_mut();
    headers.reserve(FIXED.len() + 2);
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert_with(|| match nonce {
            Some(nonce) => content_security_policy(&nonce.0),
            None => HeaderValue::from_static(NOTHING),
        });
    for (name, value) in FIXED {
        put(headers, name, HeaderValue::from_static(value));
    }
    if settings.https() {
        let year = HeaderValue::from_static("max-age=31536000");
        put(headers, header::STRICT_TRANSPORT_SECURITY, year);
    }
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

/// The policy of what is no page, should somebody open it as one.
const NOTHING: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";

#[expect(clippy::expect_used, reason = "the nonce is hexadecimal")]
fn content_security_policy(nonce: &str) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' data:; media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types countersign"
    );
    HeaderValue::from_str(&policy).expect("the policy is visible ASCII")
}
