//! Numbers for Prometheus.

use axum::{
    Extension, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, header};

use crate::{
    desk::Caller,
    error::Problem,
    security::{Identity, Peer, Scraper},
    settings::MetricsFor,
    state::AppState,
};

/// The media type of the text format 0.0.4.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The route.
pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/metrics", get(metrics))
}

/// How the daemon fares, in numbers. They name workspaces, agents' counts and receivers: the program that knows the
/// token reads them, where the operator says so programs of this machine, and people those that they may know.
async fn metrics(
    State(app): State<AppState>,
    identity: Option<Extension<Identity>>,
    scraper: Option<Extension<Scraper>>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let is_local = app.settings.metrics == MetricsFor::Loopback
        && peer.is_some_and(|Extension(Peer(peer))| peer.ip().to_canonical().is_loopback())
        && !is_forwarded(&headers);
    let who = match identity {
        Some(Extension(identity)) => match identity.caller {
            Caller::Person(person) => Some(person),
            Caller::Agent(_) => return Err(Problem::people_only()),
        },
        None if scraper.is_some() || is_local => None,
        None => {
            return Err(Problem::sign_in().hint(
                "A program shows the `metrics_token` of `[observe]`, or asks from this machine where `metrics = \"loopback\"`.",
            ));
        }
    };
    let text = app.desk.metrics(who.as_ref()).await?;
    Ok(([(header::CONTENT_TYPE, TEXT)], text).into_response())
}

/// Whether somebody else asked a proxy of this machine.
fn is_forwarded(headers: &HeaderMap) -> bool {
    let names = headers.keys().map(http::HeaderName::as_str);
    let mut named = names.filter(|name| name.starts_with("x-forwarded-"));
    named.next().is_some()
        || headers.contains_key(header::FORWARDED)
        || headers.contains_key(header::VIA)
}
