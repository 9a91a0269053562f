//! The one table of routes, and the layers around all of them.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, StatusCode, Uri, header};

use crate::{
    api, dav,
    desk::Desk,
    error::Problem,
    pages,
    security::{Nonce, OnlyCard, body, client, headers, identity, own_host, session, sso},
    settings::Settings,
    state::AppState,
};

/// The most that a body may hold where a route does not say otherwise, in bytes.
const BODY_LIMIT: usize = 1 << 20;

/// Everything that is served.
pub fn router(desk: Arc<dyn Desk>, settings: Settings) -> Router {
    let app = AppState::new(desk, settings);
    Router::new()
        .merge(pages::routes())
        .merge(api::routes())
        .merge(dav::routes())
        .merge(session::routes())
        .merge(own_host::routes())
        .merge(sso::routes())
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(app.clone(), around))
        .with_state(app)
}

async fn nothing_here(request: Request) -> Problem {
    Problem::not_found(format!("`{}`", request.uri().path().escape_debug()))
}

async fn wrong_method(request: Request) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method",
        "This cannot be done here",
        format!(
            "`{}` does not take {}.",
            request.uri().path().escape_debug(),
            request.method()
        ),
    )
}

/// What is around every route. It is one layer, since for each request a layer costs boxes, and a clone of every
/// layer within it.
async fn around(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let is_read = request.method() == Method::GET;
    // What programs read has no page to share one with.
    let nonce = (!is_for_programs(&uri)).then(|| headers::nonce(&app.settings));
    if let Some(nonce) = &nonce {
        request.extensions_mut().insert(nonce.clone());
    }
    DefaultBodyLimit::disable().apply(&mut request);
    let limit = if api::brings_files(&uri) {
        app.settings.max_delivery
    } else {
        BODY_LIMIT
    };
    let mut request = request.map(|whole| body::bounded(whole, limit));
    let refused = client::check(&app.settings, &mut request).err();
    let refused = refused.map(IntoResponse::into_response);
    let cookies = own_host::sort(&mut request);
    let mut response = match refused {
        None => identity::find(app.clone(), request, next).await,
        Some(refused) => refused,
    };
    if let Some(problem) = response.extensions_mut().remove::<Arc<Problem>>() {
        response = written(&app, &problem, nonce.as_ref(), (&uri, is_read), response);
    }
    response = own_host::finish(&app, cookies, nonce.as_ref(), response);
    headers::set(&app.settings, nonce.as_ref(), &mut response);
    response
}

fn is_for_programs(uri: &Uri) -> bool {
    uri.path().starts_with("/api/")
}

/// The answer with the body of its [`Problem`]: a page with its nonce, or JSON for programs.
fn written(
    app: &AppState,
    problem: &Problem,
    nonce: Option<&Nonce>,
    (uri, is_read): (&Uri, bool),
    response: Response,
) -> Response {
    let (mut parts, _) = response.into_parts();
    if let Some(nonce) = nonce {
        let only = parts.extensions.get::<OnlyCard>().map(|only| only.0);
        let wanted = is_read.then(|| uri.to_string());
        let mut page = pages::problem(app, problem, nonce, (wanted.as_deref(), only));
        *page.status_mut() = parts.status;
        page.headers_mut().extend(parts.headers);
        return page;
    }
    let document = problem.document(uri.path()).to_string();
    parts.headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    Response::from_parts(parts, document.into())
}
