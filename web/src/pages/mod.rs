//! The pages.

use axum::{
    Router,
    response::{Html, IntoResponse},
};

use crate::{error::Problem, security::Nonce, state::AppState};

/// All pages.
pub fn routes() -> Router<AppState> {
    Router::new()
}

/// The page about a problem.
pub fn problem(_: &AppState, problem: &Problem, _: &Nonce) -> impl IntoResponse + use<> {
    let escape = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    };
    let hint = problem.hint.as_deref().unwrap_or_default();
    Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <h1>{title}</h1><p>{detail}</p><p>{hint}</p></html>",
        title = escape(&problem.title),
        detail = escape(&problem.detail),
        hint = escape(hint),
    ))
}
