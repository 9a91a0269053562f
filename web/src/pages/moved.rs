//! The page that leads a browser from the plain address to the daemon's own host.

use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;

use super::visit::Chrome;
use crate::{security::Nonce, state::AppState, templates::Page};

#[derive(Debug, Serialize)]
pub(super) struct MovedPage {
    chrome: Chrome,
    /// As in `Origin`.
    home: String,
    /// The way there, which works once.
    link: String,
}

impl Page for MovedPage {
    const TEMPLATE: &'static str = "pages/moved.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        vec![Self {
            chrome: Chrome::bare_sample(),
            home: "http://cs-2b7k.localhost:7420".to_owned(),
            link: "http://cs-2b7k.localhost:7420/enter?k=00".to_owned(),
        }]
    }
}

/// Leads to `link`; a script remembers `home`, so that later links need no sign-in.
pub(crate) fn moved(app: &AppState, nonce: &Nonce, home: &str, link: &str) -> Response {
    let page = MovedPage {
        chrome: Chrome::bare(nonce),
        home: home.to_owned(),
        link: link.to_owned(),
    };
    match app.render(&page) {
        Ok(Html(text)) => Html(text).into_response(),
        Err(problem) => problem.into_response(),
    }
}
