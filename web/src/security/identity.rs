//! Who is calling: a session cookie or a bearer token.

use std::net::IpAddr;

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign_protocol::Digest;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::{
    client::{Client, Peer, Place},
    csrf,
    outside::{self, OnlyCard},
    session,
    standing::Standing,
};
use crate::{dav, desk::Caller, error::Problem, live, server::Known, state::AppState};

/// Who is calling, as it was found out.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Person or agent.
    pub caller: Caller,
    /// The secret of the session; absent for tokens.
    pub session: Option<String>,
    /// The token that was shown; absent for sessions.
    pub(super) token: Option<String>,
}

/// A program that showed the token for the numbers, which opens nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Scraper;

/// Finds the [`Identity`]. A bearer token that is not valid is refused here and never falls back to
/// the cookie; no token and no session is nobody, and the handler says what that means. What goes on to its route
/// passes [`csrf::check`] first, which has to know who asks.
pub(crate) async fn find(app: AppState, mut request: Request, next: Next) -> Response {
    let address = request
        .extensions()
        .get::<Client>()
        .map(|client| client.address);
    if request.uri().path() == "/metrics" && is_scraper(&app, request.headers()) {
        request.extensions_mut().insert(Scraper);
        return csrf::check(&app, request, next).await;
    }
    let is_mount = dav::is_beneath(request.uri().path());
    let identity = match authorization(request.headers(), is_mount) {
        Some(value) => match by_token(&app, address, value, is_mount).await {
            Ok(identity) => Some(identity),
            Err(problem) if is_mount => return dav::challenge(problem).into_response(),
            Err(problem) => return problem.into_response(),
        },
        // The network folder takes a token and nothing else: what a browser sends by itself opens no files.
        None if is_mount => None,
        None => match said_by_proxy(&app, &request) {
            Said::Nothing => by_cookie(&app, shown(&app, &request)).await,
            Said::Nobody => None,
            Said::Person(name) => return by_proxy(app, name, request, next).await,
        },
    };
    let Some(identity) = identity else {
        return csrf::check(&app, request, next).await;
    };
    run(app, identity, request, next).await
}

/// Answers as `identity`. What is only read is given up when it takes long and the identity ends meanwhile.
async fn run(app: AppState, identity: Identity, request: Request, next: Next) -> Response {
    let card = match &identity.caller {
        Caller::Person(person) => person.access.card().map(|(card, _)| card),
        Caller::Agent(_) => None,
    };
    let Some(card) = card else {
        return answered(app, identity, request, next).await;
    };
    let path = request.uri().path();
    let mut response = if outside::reaches(card, path) {
        answered(app, identity, request, next).await
    } else {
        Problem::not_found(format!("`{}`", path.escape_debug())).into_response()
    };
    response.extensions_mut().insert(OnlyCard(card));
    response
}

async fn answered(app: AppState, identity: Identity, mut request: Request, next: Next) -> Response {
    if let Some(known) = request.extensions().get::<Known>() {
        known.set();
    }
    // What changes something is done in the end, and asks for no standing.
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        request.extensions_mut().insert(identity);
        return csrf::check(&app, request, next).await;
    }
    let standing = Standing::new(app.clone(), &identity);
    request.extensions_mut().insert(identity);
    request.extensions_mut().insert(standing.clone());
    let answer = csrf::check(&app, request, next);
    tokio::select! {
        response = answer => response,
        () = standing.over() => Problem::sign_in().into_response(),
    }
}

/// Digests are compared, so that the time it takes says nothing of the token.
fn is_scraper(app: &AppState, headers: &HeaderMap) -> bool {
    let shown = headers.get(header::AUTHORIZATION).and_then(bearer);
    let known = app.settings.metrics_token;
    shown.is_some_and(|shown| Some(Digest::of(shown.as_bytes())) == known)
}

/// What a trusted proxy says about who asks.
enum Said {
    /// It is not asked, or it is not one that we trust: the header is nothing then.
    Nothing,
    /// It is one that we trust, and it names nobody, or more than one.
    Nobody,
    Person(String),
}

fn said_by_proxy(app: &AppState, request: &Request) -> Said {
    let Some(header) = &app.settings.proxy_user else {
        return Said::Nothing;
    };
    let peer = request.extensions().get::<Peer>();
    if !peer.is_some_and(|peer| app.settings.trusts(peer.0.ip().to_canonical())) {
        return Said::Nothing;
    }
    let mut names = request.headers().get_all(header).iter();
    match (names.next().map(HeaderValue::to_str), names.next()) {
        (Some(Ok(name)), None) if !name.trim().is_empty() => Said::Person(name.trim().to_owned()),
        _ => Said::Nobody,
    }
}

/// Lets the person in whom a proxy names: by their session, or, for a page, by a new one. What changes something
/// needs the session, since a browser sends whatever the proxy goes by also for other sites.
async fn by_proxy(app: AppState, name: String, mut request: Request, next: Next) -> Response {
    let known = by_cookie(&app, shown(&app, &request)).await;
    let same = |identity: &Identity| matches!(&identity.caller, Caller::Person(person) if person.id == name);
    if let Some(identity) = known.filter(same) {
        return run(app, identity, request, next).await;
    }
    let accept = request.headers().get(header::ACCEPT);
    let is_page = request.method() == Method::GET
        && accept
            .and_then(|value| value.to_str().ok())
            .is_some_and(|text| text.contains("text/html"));
    if !is_page {
        return csrf::check(&app, request, next).await;
    }
    let (parts, body) = request.into_parts();
    let from = session::visitor(&app, &parts);
    request = Request::from_parts(parts, body);
    let Some(new) = app.desk.enter_by_proxy(&name, from).await else {
        return csrf::check(&app, request, next).await;
    };
    let seconds = new.lifetime.as_secs();
    let cookie = session::cookie(&app.settings, Place::Public, &new.secret, seconds);
    if let Some(person) = app.desk.session(&new.secret).await {
        request.extensions_mut().insert(Identity {
            caller: Caller::Person(person),
            session: Some(new.secret),
            token: None,
        });
    }
    let mut response = csrf::check(&app, request, next).await;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

async fn by_token(
    app: &AppState,
    address: Option<IpAddr>,
    value: &HeaderValue,
    is_mount: bool,
) -> Result<Identity, Problem> {
    if let Some(seconds) = address.and_then(|address| app.must_wait(address)) {
        return Err(too_many(seconds));
    }
    // A browser sends a password again by itself, whoever made it ask; so it opens nothing but the folder for reading.
    let password = is_mount.then(|| password(value)).flatten();
    let token = password.or_else(|| bearer(value).map(str::to_owned));
    let caller = match &token {
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
        token,
    })
}

/// Returns the secret that a request shows, and whether it only opens the stream of an open page.
fn shown(app: &AppState, request: &Request) -> Option<(String, bool)> {
    let place = Place::of(request.extensions());
    let secret = session::secret(&app.settings, place, request.headers())?;
    Some((secret.to_owned(), request.uri().path() == live::PATH))
}

async fn by_cookie(app: &AppState, shown: Option<(String, bool)>) -> Option<Identity> {
    let (secret, is_stream) = shown?;
    // A page that is open opens its stream again and again, and nobody may be at it.
    let person = if is_stream {
        app.desk.peek(&secret).await?
    } else {
        app.desk.session(&secret).await?
    };
    Some(Identity {
        caller: Caller::Person(person),
        session: Some(secret),
        token: None,
    })
}

/// Returns the credentials that are meant for us. A reverse proxy passes on what a browser showed to it (Basic,
/// Negotiate, Digest), so outside of the mount only Bearer counts, well-formed or not.
fn authorization(headers: &HeaderMap, is_mount: bool) -> Option<&HeaderValue> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    all.find(|value| is_mount || is_bearer(value))
}

fn is_bearer(value: &HeaderValue) -> bool {
    let mut words = value.as_bytes().split(|byte| *byte == b' ');
    words
        .next()
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer"))
}

/// The token of `Bearer token` (RFC 6750, section 2.1).
fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The password of `Basic user:password` (RFC 7617, section 2).
fn password(value: &HeaderValue) -> Option<String> {
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    let is_basic = scheme.eq_ignore_ascii_case("basic");
    let decoded = STANDARD.decode(is_basic.then_some(encoded)?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':')
        .map(|(_, password)| password.to_owned())
}

/// Somebody guesses.
pub(crate) fn too_many(seconds: u64) -> Problem {
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too-many-attempts",
        "Too many attempts",
        format!(
            "Too many attempts from this address or for this account failed. Wait {seconds} s."
        ),
    )
    .header(header::RETRY_AFTER, HeaderValue::from(seconds))
}
