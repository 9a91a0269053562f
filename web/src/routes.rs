//! The one table of routes, and the layers around all of them.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{self, Next},
    response::Response,
};
use http::{HeaderValue, Method, StatusCode, header};

use crate::{
    api,
    desk::Desk,
    error::Problem,
    pages,
    security::{Nonce, OnlyCard, client, csrf, headers, identity, session, sso},
    settings::Settings,
    state::AppState,
};

/// The most that a body may hold where a route does not say otherwise, in bytes.
const BODY_LIMIT: usize = 1 << 20;

/// Everything that is served.
pub fn router(desk: Arc<dyn Desk>, settings: Settings) -> Router {
    let app = AppState::new(desk, settings);
    let with = |app: &AppState| app.clone();
    // The last layer is the outermost.
    Router::new()
        .merge(pages::routes())
        .merge(api::routes())
        .merge(session::routes())
        .merge(sso::routes())
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn_with_state(with(&app), csrf::check))
        .layer(middleware::from_fn_with_state(with(&app), identity::find))
        .layer(middleware::from_fn_with_state(with(&app), client::check))
        .layer(middleware::from_fn_with_state(with(&app), write_problems))
        .layer(middleware::from_fn_with_state(with(&app), headers::set))
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

/// Writes the body of a [`Problem`]: JSON below `/api/`, a page elsewhere.
async fn write_problems(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let wanted = request.method() == Method::GET;
    let wanted = wanted.then(|| request.uri().to_string());
    let nonce = request.extensions().get::<Nonce>().cloned();
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Arc<Problem>>() else {
        return response;
    };
    if !path.starts_with("/api/") {
        let nonce = nonce.unwrap_or(Nonce(String::new()));
        let (parts, _) = response.into_parts();
        let only = parts.extensions.get::<OnlyCard>().map(|only| only.0);
        let mut page = pages::problem(&app, &problem, &nonce, (wanted.as_deref(), only));
        *page.status_mut() = parts.status;
        page.headers_mut().extend(parts.headers);
        return page;
    }
    let document = problem.document(&path).to_string();
    let (mut parts, _) = response.into_parts();
    parts.headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    Response::from_parts(parts, document.into())
}
