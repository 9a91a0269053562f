//! The way in and out: start link, cookie, sign-out.

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use countersign_protocol::HandoffId;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};

use super::{
    client::{Client, Place},
    extract::SignedIn,
    identity::{self, Identity},
    own_host::Entered,
};
use crate::{
    desk::{NewSession, access::Visitor},
    error::Problem,
    settings::Settings,
    state::AppState,
};

/// Route that ends a session.
pub(super) const SIGN_OUT: &str = "/sign-out";

/// The routes that make and end a session.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/start", get(start))
        .route(SIGN_OUT, post(sign_out))
        .route("/session/key", post(take_key))
}

/// The cookie. Over TLS the prefix makes the browser refuse one that another name or path set
/// (RFC 6265bis, section 4.1.3.2). Without TLS the port is in the name, since cookies ignore ports
/// and a second daemon on this machine would overwrite it.
pub(super) fn cookie_name(settings: &Settings, place: Place) -> String {
    if settings.https_at(place) {
        "__Host-countersign".to_owned()
    } else {
        format!("countersign-{}", settings.port)
    }
}

/// Part of the names of cookies of a sign-in with a provider.
pub(super) const SSO_MARK: &str = "-sso-";

/// The session secret in the cookies of a request.
pub(crate) fn secret<'a>(
    settings: &Settings,
    place: Place,
    headers: &'a HeaderMap,
) -> Option<&'a str> {
    value_of(&cookie_name(settings, place), headers)
}

/// The time zone that the browser says it is in.
pub(crate) fn zone(headers: &HeaderMap) -> Option<&str> {
    value_of("countersign-zone", headers)
}

/// The value of the cookie `wanted`.
pub(super) fn value_of<'a>(wanted: &str, headers: &'a HeaderMap) -> Option<&'a str> {
    pairs(headers)
        .find(|(name, value)| *name == wanted && !value.is_empty())
        .map(|(_, value)| value)
}

/// The cookies of a request, names and values, in its order.
pub(super) fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

pub(crate) fn cookie(settings: &Settings, place: Place, value: &str, seconds: u64) -> HeaderValue {
    named_cookie(
        &cookie_name(settings, place),
        (settings, place),
        value,
        seconds,
    )
}

/// A cookie for us alone: no script reads it, and no form of another site sends it.
pub(super) fn named_cookie(
    name: &str,
    (settings, place): (&Settings, Place),
    value: &str,
    seconds: u64,
) -> HeaderValue {
    let secure = if settings.https_at(place) {
        "; Secure"
    } else {
        ""
    };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    // A secret that is no header value would be a defect of the desk; then nobody is signed in.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// The way into a session that was made, and on to `next`; `account` is that of a password. Where its cookie is set, `own_host::finish` decides.
pub(crate) fn enter(session: NewSession, next: &str, account: Option<String>) -> Response {
    let mut response = Redirect::to(next).into_response();
    response.extensions_mut().insert(Entered {
        session,
        next: next.to_owned(),
        account,
    });
    response
}

/// Where a request comes from, for the list of sessions.
pub(crate) fn visitor(app: &AppState, parts: &Parts) -> Visitor {
    let browser = parts.headers.get(header::USER_AGENT);
    let place = Place::of(&parts.extensions);
    Visitor {
        address: parts
            .extensions
            .get::<Client>()
            .map(|client| client.address),
        browser: browser
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned(),
        shown: secret(&app.settings, place, &parts.headers).map(str::to_owned),
    }
}

/// `GET /start?t=…`: spends the token once and goes on to a URL without it: with `h=H-7` to that handoff. Nothing
/// is spent by `HEAD` or by a browser that only looks ahead.
async fn start(State(app): State<AppState>, request: Request) -> Response {
    let signed_in = request.extensions().get::<Identity>().is_some();
    if request.method() == Method::HEAD || looks_ahead(request.headers()) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let address = request
        .extensions()
        .get::<Client>()
        .map(|client| client.address);
    if let Some(seconds) = address.and_then(|address| app.must_wait(address)) {
        return identity::too_many(seconds).into_response();
    }
    let query = request.uri().query().unwrap_or_default();
    let field = |wanted: &str| {
        let mut fields = form_urlencoded::parse(query.as_bytes());
        fields.find_map(|(name, value)| (name == wanted).then_some(value))
    };
    let token = field("t").map(std::borrow::Cow::into_owned);
    // No address is taken from the link, or it could lead to somebody else's page.
    let handoff: Option<HandoffId> = field("h").and_then(|text| text.parse().ok());
    let on = handoff.map_or_else(|| "/".to_owned(), |id| format!("/h/{id}"));
    let (parts, _) = request.into_parts();
    let session = match &token {
        Some(token) => {
            let from = visitor(&app, &parts);
            app.desk.redeem_start_token(token, from).await
        }
        None => None,
    };
    match session {
        Some(session) => enter(session, &on, None),
        // The link again in the browser that used it: it is in already.
        None if signed_in => Redirect::to(&on).into_response(),
        None => {
            address.inspect(|address| app.failed(*address));
            Problem::new(
                StatusCode::GONE,
                "start-link",
                "This link was used before, or it is not known",
                "A start link works once.",
            )
            .hint("Run `countersign open` on the machine of the daemon to get a new one.")
            .into_response()
        }
    }
}

pub(super) fn looks_ahead(headers: &HeaderMap) -> bool {
    ["sec-purpose", "purpose"].iter().any(|name| {
        headers
            .get(*name)
            .is_some_and(|value| value.as_bytes().starts_with(b"prefetch"))
    })
}

/// `POST /session/key`: shows the key of a page for the first time; the form token was checked with it.
async fn take_key(_: SignedIn) -> StatusCode {
    StatusCode::NO_CONTENT
}

/// `POST /sign-out`: ends the session and forgets the cookie.
async fn sign_out(State(app): State<AppState>, request: Request) -> Response {
    if let Some(session) = request
        .extensions()
        .get::<Identity>()
        .and_then(|identity| identity.session.as_deref())
    {
        app.desk.sign_out(session).await;
    }
    let place = Place::of(request.extensions());
    let cookie = cookie(&app.settings, place, "", 0);
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}
