//! The way in by a provider: out to it, and back with an answer that only the browser which began it can use.

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;

use super::{From, QueryOf, identity, session};
use crate::{
    desk::sso::{SsoAnswer, SsoFailed},
    error::Problem,
    pages::inside,
    settings::Settings,
    state::AppState,
};

/// How long the browser keeps the secret of a sign-in, in seconds.
const PATIENCE: u64 = 900;

/// The routes of it.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/sso/start", get(start))
        .route("/sso/callback", get(callback))
}

/// As that of the session, and of the same strength.
fn cookie_name(settings: &Settings) -> String {
    format!("{}-sso", session::cookie_name(settings))
}

fn cookie(settings: &Settings, value: &str, seconds: u64) -> HeaderValue {
    session::named_cookie(&cookie_name(settings), settings, value, seconds)
}

/// What the browser kept: the secret, and where it wanted to go.
fn kept(settings: &Settings, headers: &HeaderMap) -> Option<(String, Option<String>)> {
    let value = session::value_of(&cookie_name(settings), headers)?;
    let (secret, next) = value.split_once('~')?;
    let next = URL_SAFE_NO_PAD.decode(next).ok();
    let next = next.and_then(|bytes| String::from_utf8(bytes).ok());
    Some((secret.to_owned(), next))
}

#[derive(Deserialize)]
struct Start {
    next: Option<String>,
    /// Whether the provider is to ask, even when it still knows the browser.
    #[serde(default)]
    anew: bool,
}

/// `GET /sso/start?next=…`.
async fn start(
    State(app): State<AppState>,
    From(from): From,
    method: Method,
    QueryOf(query): QueryOf<Start>,
) -> Result<Response, Problem> {
    if method == Method::HEAD {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    if app.desk.sso_name().is_none() {
        return Err(Problem::not_found("`/sso/start`"));
    }
    if let Some(seconds) = from.address.and_then(|address| app.must_wait(address)) {
        return Err(identity::too_many(seconds));
    }
    let begun = app.desk.sso_begin(query.anew).await;
    let begun = begun.map_err(|error| failed(&error))?;
    let next = URL_SAFE_NO_PAD.encode(inside(query.next.as_deref()));
    let value = format!("{}~{next}", begun.cookie);
    let cookie = cookie(&app.settings, &value, PATIENCE);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&begun.url)).into_response())
}

#[derive(Deserialize)]
struct Callback {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// `GET /sso/callback?code=…&state=…`. It works once; the cookie of the sign-in ends in any case.
async fn callback(
    State(app): State<AppState>,
    From(from): From,
    method: Method,
    headers: HeaderMap,
    QueryOf(query): QueryOf<Callback>,
) -> Result<Response, Problem> {
    if method == Method::HEAD {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    if app.desk.sso_name().is_none() {
        return Err(Problem::not_found("`/sso/callback`"));
    }
    if let Some(seconds) = from.address.and_then(|address| app.must_wait(address)) {
        return Err(identity::too_many(seconds));
    }
    let over = cookie(&app.settings, "", 0);
    let kept = kept(&app.settings, &headers);
    let (secret, next) = kept.unwrap_or_default();
    let answer = SsoAnswer {
        cookie: secret,
        code: query.code.unwrap_or_default(),
        state: query.state.unwrap_or_default(),
        issuer: query.iss,
    };
    let finished = match &query.error {
        // It is a word of a list (RFC 6749, section 4.1.2.1), and anybody may have written it.
        Some(word) => Err(SsoFailed::Provider(format!("it says `{}`", plain(word)))),
        None => app.desk.sso_finish(answer, from.clone()).await,
    };
    let mut response = match finished {
        Ok(session) => session::enter(&app.settings, &session, &inside(next.as_deref())),
        Err(error) => {
            tracing::info!(%error, address = ?from.address, "a sign-in by the provider failed");
            if !matches!(error, SsoFailed::Desk(_)) {
                from.address.inspect(|address| app.failed(*address));
            }
            failed(&error).into_response()
        }
    };
    response.headers_mut().append(header::SET_COOKIE, over);
    Ok(response)
}

/// The letters that such a word can have.
fn plain(word: &str) -> String {
    let good = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    word.chars().filter(good).take(64).collect()
}

fn failed(error: &SsoFailed) -> Problem {
    let (status, kind, title) = match error {
        SsoFailed::NotBegun(_) => (
            StatusCode::BAD_REQUEST,
            "sso-not-begun",
            "This browser did not begin this sign-in",
        ),
        SsoFailed::Provider(_) => (
            StatusCode::BAD_GATEWAY,
            "sso-provider",
            "The provider did not sign you in",
        ),
        SsoFailed::Unknown(_) => (
            StatusCode::FORBIDDEN,
            "sso-unknown",
            "Nobody has given you a way in here",
        ),
        SsoFailed::Desk(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "It cannot be recorded now",
        ),
    };
    let mut detail = error.to_string();
    if let Some(first) = detail.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Problem::new(status, kind, title, format!("{detail}."))
        .hint("Go to `/sign-in` and begin again. Nothing was changed.")
}

#[cfg(test)]
mod tests;
