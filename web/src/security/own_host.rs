//! A host name that belongs to this daemon alone.
//!
//! Cookies know no ports (RFC 6265, section 8.5): what is set at `127.0.0.1` goes to every server of this machine that a
//! browser opens at that address. So browsers get pages and sessions only at a name under `localhost`
//! (RFC 6761, section 6.3) that nobody can guess and no agent is told. A browser that proves a session at the
//! plain address is sent there with a key that works once.

use std::{collections::VecDeque, sync::Mutex};

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use jiff::{SignedDuration, Timestamp};

use super::{
    client::Place, device, extract::Nonce, headers::random_text, identity::Identity, session,
};
use crate::{
    desk::NewSession,
    error::Problem,
    pages,
    settings::{PublicUrl, Settings},
    state::AppState,
};

/// Route that takes a key.
const ENTER: &str = "/enter";
/// Time until a key is void.
const KEY_LIFETIME: SignedDuration = SignedDuration::from_secs(60);
/// Most keys at a time. A further one ends the oldest.
const MAX_KEYS: usize = 64;

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route(ENTER, get(enter))
}

/// A session that begins with this answer, and the page to go on to.
#[derive(Clone, Debug)]
pub(crate) struct Entered {
    pub(crate) session: NewSession,
    pub(crate) next: String,
    /// The account whose password was right; the browser is known to it from now on.
    pub(crate) account: Option<String>,
}

struct Waiting {
    key: String,
    entered: Entered,
    until: Timestamp,
}

/// Sessions on their way from the plain address to the own host.
#[derive(Default)]
pub(crate) struct Keys(Mutex<VecDeque<Waiting>>);

impl Keys {
    /// Returns a key for `entered`.
    fn add(&self, settings: &Settings, entered: Entered) -> String {
        let key = random_text(settings);
        let now = (settings.now)();
        let mut waiting = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        waiting.retain(|one| one.until > now);
        if waiting.len() == MAX_KEYS {
            waiting.pop_front();
        }
        waiting.push_back(Waiting {
            key: key.clone(),
            entered,
            until: now.saturating_add(KEY_LIFETIME).unwrap_or(Timestamp::MAX),
        });
        key
    }

    /// Takes the session of `key`, which is void afterwards.
    fn take(&self, key: &str, now: Timestamp) -> Option<Entered> {
        let mut waiting = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let at = waiting.iter().position(|one| one.key == key)?;
        let found = waiting.remove(at)?;
        (found.until > now).then_some(found.entered)
    }
}

/// Checks whether a browser asks, rather than a program that keeps its cookies by itself.
pub(super) fn is_browser(headers: &HeaderMap) -> bool {
    let agent = headers.get(header::USER_AGENT);
    headers.contains_key("sec-fetch-mode")
        || headers.contains_key("sec-fetch-site")
        || agent.is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/"))
}

/// Returns the address at which a sign-in with a provider takes place, where that is not `place`.
pub(super) fn elsewhere(settings: &Settings, place: Place) -> Option<String> {
    let own = settings.own_host.as_ref().filter(|_| place == Place::Own)?;
    let public = settings.public_url.as_ref();
    Some(public.map_or_else(|| own.address.clone(), PublicUrl::origin))
}

/// Checks whether the browser knows no names under `localhost`: Safari asks the resolver of macOS, which has but the bare
/// name (November 2026). Everything else on a desktop is Chromium or Firefox, which resolve them by themselves.
fn is_without_names(headers: &HeaderMap) -> bool {
    let agent = headers.get(header::USER_AGENT);
    let agent = agent
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or_default();
    let has = |word: &str| agent.contains(word);
    has("Safari/") && has("Version/") && !["Chrome/", "Chromium/", "Android"].into_iter().any(has)
}

/// The browser keeps its session at the plain address, where servers at other ports get it. Its pages say so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared;

/// What a browser asked for at the plain address: a script leads on to it at the own host, where that is known.
#[derive(Clone, Debug)]
pub(crate) struct Misplaced(pub(crate) String);

/// What to do with the cookies of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cookies {
    /// Set them.
    At(Place),
    /// Set none: the browser is to go to the own host.
    Elsewhere,
}

/// Takes the cookies from a request of a browser at the plain address; those of a sign-in with a provider are
/// good for nothing else and have to come back to where the provider leads.
pub(crate) fn sort(request: &mut Request) -> Cookies {
    let place = Place::of(request.extensions());
    if place != Place::Address || !is_browser(request.headers()) {
        return Cookies::At(place);
    }
    if is_without_names(request.headers()) {
        request.extensions_mut().insert(Shared);
        return Cookies::At(place);
    }
    if let (&Method::GET, Some(asked)) = (request.method(), request.uri().path_and_query()) {
        let asked = Misplaced(asked.to_string());
        request.extensions_mut().insert(asked);
    }
    let kept: Vec<String> = session::pairs(request.headers())
        .filter(|(name, _)| name.contains(session::SSO_MARK))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    request.headers_mut().remove(header::COOKIE);
    if let Ok(kept) = HeaderValue::from_str(&kept.join("; "))
        && !kept.is_empty()
    {
        request.headers_mut().insert(header::COOKIE, kept);
    }
    Cookies::Elsewhere
}

/// Gives an answer that begins a session its cookie, or the way to the own host; takes from one for a browser at the
/// plain address whatever else it sets.
pub(crate) fn finish(
    app: &AppState,
    cookies: Cookies,
    nonce: Option<&Nonce>,
    mut response: Response,
) -> Response {
    let entered = response.extensions_mut().remove::<Entered>();
    match (cookies, entered) {
        (Cookies::At(place), Some(entered)) => {
            let session = &entered.session;
            let seconds = session.lifetime.as_secs();
            let cookie = session::cookie(&app.settings, place, &session.secret, seconds);
            let account = entered.account.as_deref();
            let device = account.and_then(|account| device::cookie(&app.settings, place, account));
            // It comes first: the browser is told of the session before anything else.
            let headers = response.headers_mut();
            let others: Vec<_> = headers
                .get_all(header::SET_COOKIE)
                .iter()
                .cloned()
                .collect();
            headers.insert(header::SET_COOKIE, cookie);
            for other in device.into_iter().chain(others) {
                headers.append(header::SET_COOKIE, other);
            }
            response
        }
        (Cookies::At(_), None) => response,
        (Cookies::Elsewhere, entered) => {
            let (cookies, mut response) = match entered.and_then(|one| moved(app, nonce, one)) {
                Some(page) => (response.headers().clone(), page),
                None => (response.headers().clone(), response),
            };
            response.headers_mut().remove(header::SET_COOKIE);
            for cookie in cookies.get_all(header::SET_COOKIE) {
                let name = cookie.as_bytes().split(|byte| *byte == b'=').next();
                let name = name.and_then(|name| std::str::from_utf8(name).ok());
                if name.is_some_and(|name| name.contains(session::SSO_MARK)) {
                    response
                        .headers_mut()
                        .append(header::SET_COOKIE, cookie.clone());
                }
            }
            response
        }
    }
}

/// Returns the page that leads a browser on. It is a page and no redirect, since the policy of forms lets none lead
/// to another host, and since its script has to remember the way.
fn moved(app: &AppState, nonce: Option<&Nonce>, entered: Entered) -> Option<Response> {
    let own = app.settings.own_host.as_ref()?;
    let origin = own.origin(app.settings.port);
    let key = app.keys.add(&app.settings, entered);
    let nonce = nonce.cloned().unwrap_or(Nonce(String::new()));
    Some(pages::moved(
        app,
        &nonce,
        &origin,
        &format!("{origin}{ENTER}?k={key}"),
    ))
}

/// `GET /enter?k=…`: sets the cookie of a session that was proved at the plain address.
async fn enter(State(app): State<AppState>, request: Request) -> Response {
    if Place::of(request.extensions()) != Place::Own {
        return Problem::not_found(format!("`{ENTER}`")).into_response();
    }
    if session::looks_ahead(request.headers()) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let query = request.uri().query().unwrap_or_default();
    let key = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "k");
    let entered = key.and_then(|(_, key)| app.keys.take(&key, (app.settings.now)()));
    match entered {
        Some(entered) => session::enter(entered.session, &entered.next, entered.account),
        // The link again in the browser that used it: it is in already.
        None if request.extensions().get::<Identity>().is_some() => {
            Redirect::to("/queue").into_response()
        }
        None => Problem::new(
            StatusCode::GONE,
            "start-link",
            "This link was used before, or it is not known",
            "It works once, for a minute.",
        )
        .hint("Sign in again, or run `countersign open` on the machine of the daemon.")
        .into_response(),
    }
}

#[cfg(test)]
mod tests;
