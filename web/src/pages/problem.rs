//! The page about a problem, and the one for somebody who is not signed in.

use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;

use super::{sign_in::SignInPage, visit::Chrome};
use crate::{error::Problem, security::Nonce, state::AppState, templates::Page};

#[derive(Debug, Serialize)]
pub(super) struct ProblemPage {
    chrome: Chrome,
    status: u16,
    title: String,
    detail: String,
    hint: Option<String>,
    /// True when signing in is the way on.
    sign_in: bool,
}

impl Page for ProblemPage {
    const TEMPLATE: &'static str = "pages/problem.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let page = |problem: Problem| Self::new(Chrome::sample(""), &problem);
        vec![
            page(Problem::sign_in()),
            page(Problem::not_found("H-9")),
            page(Problem::people_only()),
        ]
    }
}

impl ProblemPage {
    fn new(chrome: Chrome, problem: &Problem) -> Self {
        Self {
            chrome,
            status: problem.status.as_u16(),
            title: problem.title.clone(),
            detail: problem.detail.clone(),
            hint: problem.hint.clone(),
            sign_in: matches!(problem.kind, "sign-in" | "start-link"),
        }
    }
}

/// The page about a problem. When not even that can be rendered, its words as plain text.
///
/// `wanted` is the page that was asked for: who has to sign in first is led there afterwards.
pub fn problem(app: &AppState, problem: &Problem, nonce: &Nonce, wanted: Option<&str>) -> Response {
    if problem.kind == "sign-in" && problem.status == StatusCode::UNAUTHORIZED {
        let page = SignInPage::new(app, nonce, wanted);
        if let Ok(html) = app.settings.templates.render(&page) {
            return Html(html).into_response();
        }
    }
    let page = ProblemPage::new(Chrome::bare(nonce), problem);
    match app.settings.templates.render(&page) {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "the page about a problem cannot be rendered");
            format!("{}\n{}\n", problem.title, problem.detail).into_response()
        }
    }
}
