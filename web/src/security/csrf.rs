//! Whether a person or a page of somebody else sends this.
//!
//! Two independent checks before anything that may change state and carries no bearer token: where
//! the browser says the request comes from, and a token that only our own pages know.

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use countersign_protocol::Digest;
use http::{HeaderMap, HeaderName, StatusCode, header};
use sha2::{Digest as _, Sha256};

use super::{
    client::{Client, PublicOrigin},
    identity::Identity,
    session,
};
use crate::{error::Problem, state::AppState};

/// The kind of the problem when a form is refused.
pub(crate) const CROSS_SITE: &str = "cross-site";
const TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The most that a form may hold, in bytes: a text of the largest size that is edited, each of its bytes a line end, which a
/// browser sends as six.
pub(crate) const FORM_LIMIT: usize = 2 << 20;

/// The token of a session. The session secret has 256 random bits, so its digest tells nothing about
/// it, and a page that was open across a restart of the daemon still works.
pub(crate) fn token(session: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"countersign-csrf-v1\0");
    hash.update(session.as_bytes());
    hash.finalize()
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
            }
            text
        })
}

/// Refuses what another site sends in the name of a person, and lets the rest through to its route.
pub(super) async fn check(app: &AppState, mut request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let session = match request.extensions().get::<Identity>() {
        Some(Identity { session: None, .. }) => return next.run(request).await,
        Some(identity) => identity.session.clone(),
        None => None,
    };
    let known = request.extensions();
    let asked = known.get::<Client>().map(|client| &*client.origin);
    let public = known.get::<PublicOrigin>().map(|public| &*public.0);
    if !from_here(request.headers(), &[asked, public]) {
        return refused("The browser says that another site sent this.").into_response();
    }
    let Some(session) = session else {
        return next.run(request).await;
    };
    let given = match request.headers().get(TOKEN) {
        Some(value) => Some(value.as_bytes().to_vec()),
        None if is_form(request.headers()) => {
            let (parts, body) = request.into_parts();
            let Ok(bytes) = to_bytes(body, FORM_LIMIT).await else {
                return Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "too-large",
                    "Something is over its size limit",
                    format!("The form has more than {} MiB.", FORM_LIMIT >> 20),
                )
                .hint("Say it in fewer words, or put what is long into a file.")
                .into_response();
            };
            let given = field(&bytes);
            request = Request::from_parts(parts, Body::from(bytes));
            given
        }
        None => None,
    };
    let given = given.unwrap_or_default();
    let (given, key) = parts(&given);
    if !same(given, token(&session).as_bytes()) {
        return refused("The form token is missing or belongs to another session.").into_response();
    }
    // Whoever has lost the key can still end the session.
    let is_end = request.uri().path() == session::SIGN_OUT;
    if !is_end && !app.desk.holds_page_key(&session, key) {
        return refused("The key that this browser keeps for the session is missing.")
            .hint("Sign out and sign in again. Nothing was recorded.")
            .into_response();
    }
    next.run(request).await
}

/// Returns the two parts of a form token: the one of the session, and the digest of the key that a script adds behind a
/// dot. The key is in the storage of the page's origin, so that a server at another port of our name, which a browser
/// sends our cookie to, has no form of it.
fn parts(given: &[u8]) -> (&[u8], Option<Digest>) {
    match given.iter().position(|byte| *byte == b'.') {
        Some(at) => (&given[..at], Some(Digest::of(&given[at + 1..]))),
        None => (given, None),
    }
}

fn refused(detail: &str) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        CROSS_SITE,
        "This did not come from a page of ours",
        detail,
    )
    .hint("Open the page again and send it from there. Nothing was recorded.")
}

/// `Sec-Fetch-Site` decides where there is one, else `Origin`. A browser sends `Origin: null` under
/// our own referrer policy, which says nothing; then the token alone decides.
fn from_here(headers: &HeaderMap, ours: &[Option<&str>]) -> bool {
    if let Some(site) = headers.get(FETCH_SITE) {
        return site == "same-origin" || site == "none";
    }
    headers.get(header::ORIGIN).is_none_or(|given| {
        let is_ours = |origin: &&str| given.as_bytes().eq_ignore_ascii_case(origin.as_bytes());
        given == "null" || ours.iter().flatten().any(is_ours)
    })
}

fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|text| {
            let essence = text.split(';').next().unwrap_or_default().trim();
            essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        })
}

/// The only field `csrf` of a form.
fn field(body: &[u8]) -> Option<Vec<u8>> {
    let mut fields = form_urlencoded::parse(body).filter(|(name, _)| name == "csrf");
    let value = fields.next()?.1.into_owned().into_bytes();
    fields.next().is_none().then_some(value)
}

/// Compares without telling by time where the first difference is.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |diff, (a, b)| diff | (a ^ b)) == 0
}

#[cfg(test)]
mod tests;
