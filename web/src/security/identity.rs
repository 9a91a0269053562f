//! Who is calling: a session cookie or a bearer token.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use countersign_protocol::Digest;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{client::Client, session};
use crate::{desk::Caller, error::Problem, state::AppState};

/// Who is calling, as it was found out.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Person or agent.
    pub caller: Caller,
    /// The secret of the session; absent for bearer tokens.
    pub session: Option<String>,
}

/// A program that showed the token for the numbers, which opens nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Scraper;

/// Finds the [`Identity`]. A bearer token that is not valid is refused here and never falls back to
/// the cookie; no token and no session is nobody, and the handler says what that means.
pub(crate) async fn find(
    State(app): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let address = request
        .extensions()
        .get::<Client>()
        .map(|client| client.address);
    if request.uri().path() == "/metrics" && is_scraper(&app, request.headers()) {
        request.extensions_mut().insert(Scraper);
        return next.run(request).await;
    }
    let identity = match request.headers().get(header::AUTHORIZATION) {
        Some(value) => match by_token(&app, address, value).await {
            Ok(identity) => Some(identity),
            Err(problem) => return problem.into_response(),
        },
        None => by_cookie(&app, request.headers()).await,
    };
    if let Some(identity) = identity {
        request.extensions_mut().insert(identity);
    }
    next.run(request).await
}

/// Digests are compared, so that the time it takes says nothing of the token.
fn is_scraper(app: &AppState, headers: &HeaderMap) -> bool {
    let shown = headers.get(header::AUTHORIZATION).and_then(bearer);
    let known = app.settings.metrics_token;
    shown.is_some_and(|shown| Some(Digest::of(shown.as_bytes())) == known)
}

async fn by_token(
    app: &AppState,
    address: Option<IpAddr>,
    value: &HeaderValue,
) -> Result<Identity, Problem> {
    if let Some(seconds) = address.and_then(|address| app.must_wait(address)) {
        return Err(too_many(seconds));
    }
    let caller = match bearer(value) {
        Some(secret) => app.desk.bearer(secret).await,
        None => None,
    };
    let Some(caller) = caller else {
        address.inspect(|address| app.failed(*address));
        return Err(Problem::bad_token());
    };
    Ok(Identity {
        caller,
        session: None,
    })
}

async fn by_cookie(app: &AppState, headers: &HeaderMap) -> Option<Identity> {
    let secret = session::secret(&app.settings, headers)?;
    let person = app.desk.session(secret).await?;
    Some(Identity {
        caller: Caller::Person(person),
        session: Some(secret.to_owned()),
    })
}

/// The token of `Bearer token` (RFC 6750, section 2.1).
fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Somebody guesses.
pub(crate) fn too_many(seconds: u64) -> Problem {
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too-many-attempts",
        "Too many attempts",
        format!("Too many tokens from this address were not valid. Wait {seconds} s."),
    )
    .header(header::RETRY_AFTER, HeaderValue::from(seconds))
}
