//! The way in by a provider: out to it, and back with an answer that only the browser which began it can use.

use axum::{
    Extension, Router,
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign_protocol::Digest;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use serde::Deserialize;

use super::{
    From, QueryOf,
    client::{Client, Place},
    identity, own_host, session,
};
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

/// Most sign-ins that one browser has under way. Further ones end the oldest.
const MAX_UNDER_WAY: usize = 8;

/// What the cookies of all sign-ins begin with: as that of the session, and of the same strength.
fn cookie_prefix(settings: &Settings) -> String {
    let name = session::cookie_name(settings, Place::Public);
    format!("{name}{}", session::SSO_MARK)
}

/// Returns the name of the cookie of one sign-in. Each tab has its own.
fn cookie_name(settings: &Settings, state: &str) -> String {
    let digest = Digest::of(state.as_bytes()).to_string();
    let at = digest.len().saturating_sub(16);
    format!("{}{}", cookie_prefix(settings), &digest[at..])
}

/// Returns the cookies that end the oldest sign-ins. A browser sends older cookies first (RFC 6265, section 5.4).
fn surplus(settings: &Settings, headers: &HeaderMap) -> Vec<HeaderValue> {
    let prefix = cookie_prefix(settings);
    let names: Vec<_> = session::pairs(headers)
        .map(|(name, _)| name)
        .filter(|name| name.starts_with(&prefix))
        .collect();
    let over = (names.len() + 1).saturating_sub(MAX_UNDER_WAY);
    let over = names.into_iter().take(over);
    over.map(|name| session::named_cookie(name, (settings, Place::Public), "", 0))
        .collect()
}

/// What the browser kept: the secret, and where it wanted to go.
fn kept(name: &str, headers: &HeaderMap) -> Option<(String, Option<String>)> {
    let value = session::value_of(name, headers)?;
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
    Extension(client): Extension<Client>,
    uri: Uri,
    method: Method,
    headers: HeaderMap,
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
    if let Some(address) = own_host::elsewhere(&app.settings, client.place) {
        // The provider leads back to the address that it knows, and what the browser keeps has to be there.
        return Ok(Redirect::to(&format!("{address}{uri}")).into_response());
    }
    let begun = app.desk.sso_begin(query.anew).await;
    let begun = begun.map_err(|error| failed(&error))?;
    let next = URL_SAFE_NO_PAD.encode(inside(query.next.as_deref()));
    let value = format!("{}~{next}", begun.cookie);
    let name = cookie_name(&app.settings, &begun.state);
    let cookie = session::named_cookie(&name, (&app.settings, Place::Public), &value, PATIENCE);
    let mut response = ([(header::SET_COOKIE, cookie)], Redirect::to(&begun.url)).into_response();
    for over in surplus(&app.settings, &headers) {
        response.headers_mut().append(header::SET_COOKIE, over);
    }
    Ok(response)
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
    let name = cookie_name(&app.settings, query.state.as_deref().unwrap_or_default());
    let over = session::named_cookie(&name, (&app.settings, Place::Public), "", 0);
    let kept = kept(&name, &headers);
    let (secret, next) = kept.unwrap_or_default();
    let answer = SsoAnswer {
        cookie: secret,
        code: query.code.unwrap_or_default(),
        state: query.state.unwrap_or_default(),
        issuer: query.iss,
    };
    let finished = match &query.error {
        // It is a word of a list (RFC 6749, section 4.1.2.1), and anybody may have written it.
        Some(word) if REFUSALS.contains(&word.as_str()) => {
            Err(SsoFailed::Refused(format!("the provider says `{word}`")))
        }
        Some(word) => Err(SsoFailed::Provider(format!("it says `{}`", plain(word)))),
        None => app.desk.sso_finish(answer, from.clone()).await,
    };
    let mut response = match finished {
        Ok(session) => session::enter(session, &inside(next.as_deref()), None),
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

/// Errors by which a provider says that it does not let this person in, or that they left (RFC 6749, section 4.1.2.1;
/// `OpenID` Connect Core, section 3.1.2.6).
const REFUSALS: [&str; 5] = [
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "login_required",
];

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
        SsoFailed::Refused(_) => (
            StatusCode::FORBIDDEN,
            "sso-refused",
            "What the provider says does not let you in",
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
    let hint = match error {
        SsoFailed::Refused(_) => {
            "Let the provider put this right, such as confirm your address there, or ask the operator of this \
             installation. Then go to `/sign-in` and begin again. Nothing was changed."
        }
        SsoFailed::Unknown(_) => {
            "Ask the operator for an account, or for a role by one of your groups. Nothing was changed."
        }
        _ => "Go to `/sign-in` and begin again. Nothing was changed.",
    };
    Problem::new(status, kind, title, format!("{detail}.")).hint(hint)
}

#[cfg(test)]
mod tests;
