//! The page about a problem, and the one for somebody who is not signed in.

use axum::response::{Html, IntoResponse, Response};
use countersign_protocol::HandoffId;
use http::StatusCode;
use serde::Serialize;

use super::{sign_in::SignInPage, visit::Chrome};
#[cfg(test)]
use crate::desk::DeskError;
use crate::{
    error::Problem,
    security::{Nonce, csrf},
    state::AppState,
    templates::Page,
};

#[derive(Debug, Serialize)]
pub(super) struct ProblemPage {
    chrome: Chrome,
    status: u16,
    title: String,
    detail: String,
    /// How it comes to such a thing, where the case itself does not say.
    cause: &'static str,
    hint: Option<String>,
    /// Where one can go from here: address and words, the best first.
    ways: Vec<(String, &'static str)>,
    /// True when signing in is the way on.
    sign_in: bool,
}

impl Page for ProblemPage {
    const TEMPLATE: &'static str = "pages/problem.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let page = |problem: Problem| Self::new(Chrome::sample(""), &problem, None);
        vec![
            page(Problem::sign_in()),
            page(Problem::not_found("H-9")),
            page(Problem::people_only()),
            page(Problem::new(StatusCode::GONE, "link-over", "a", "b").with("handoff_id", "H-9")),
            page(DeskError::Unavailable("full".to_owned()).into()),
            Self::new(
                Chrome::sample(""),
                &Problem::not_found("H-9"),
                Some(HandoffId(1)),
            ),
        ]
    }
}

impl ProblemPage {
    fn new(chrome: Chrome, problem: &Problem, only: Option<HandoffId>) -> Self {
        Self {
            chrome,
            status: problem.status.as_u16(),
            title: problem.title.clone(),
            detail: problem.detail.clone(),
            cause: cause(problem.kind, problem.status),
            hint: problem.hint.clone(),
            ways: match only {
                None => ways(problem),
                Some(card) => vec![(format!("/h/{card}"), "Go back to the handoff")],
            },
            sign_in: matches!(problem.kind, "sign-in" | "start-link"),
        }
    }
}

/// What most often leads to a problem.
fn cause(kind: &str, status: StatusCode) -> &'static str {
    match status {
        // A link for somebody from outside works again and again, and the case says why not.
        _ if kind == "invitation-over" => "",
        _ if kind == "sso-provider" => {
            "The provider did not answer as it should, or `[sso]` does not fit it. The log says which."
        }
        _ if kind == "sso-refused" => {
            "You are known at the provider. It does not let you in here, or a rule here does not take what it says."
        }
        _ if kind == "sso-unknown" => {
            "You are known at the provider, and nothing here is for you yet."
        }
        _ if kind == csrf::CROSS_SITE => {
            "Your session began anew while the page was open, or another site sent this in your name."
        }
        _ if kind == "template" => {
            "A template of this installation names what the program does not give it; the log says which, and the line."
        }
        StatusCode::FORBIDDEN => {
            "You are signed in, and your roles do not reach this. Nothing was changed."
        }
        StatusCode::NOT_FOUND => {
            "The address may be mistyped, or name what you may not see; both look the same from here."
        }
        StatusCode::CONFLICT => {
            "The work went on while your page was open. Nothing of what you sent was recorded."
        }
        StatusCode::GONE => {
            "Links work once, for a while, and for the revision they were made for."
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            "More was sent than is taken in one piece. Nothing was recorded."
        }
        StatusCode::TOO_MANY_REQUESTS => {
            "Somebody asked too often, and everybody has to wait a little."
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            "The disk may be full, or the ledger busy. What was accepted before is safe."
        }
        status if status.is_server_error() => {
            "This is a defect of the program; its log has more. What was accepted before is safe."
        }
        _ => "",
    }
}

/// The ways on.
fn ways(problem: &Problem) -> Vec<(String, &'static str)> {
    let mut ways = Vec::new();
    if let Some(id) = problem.more.get("handoff_id").and_then(|id| id.as_str()) {
        ways.push((format!("/h/{id}"), "Open it as it stands"));
    }
    match problem.status {
        StatusCode::NOT_FOUND => ways.push(("/search".to_owned(), "Search for it")),
        _ if problem.kind.starts_with("sso-") => {
            ways.push(("/sign-in".to_owned(), "Sign in again"));
        }
        StatusCode::FORBIDDEN if problem.kind != csrf::CROSS_SITE => {
            ways.push(("/account".to_owned(), "See your roles"));
        }
        StatusCode::GONE => ways.push(("/sign-in".to_owned(), "Sign in")),
        _ => {}
    }
    if problem.kind != "invitation-over" {
        ways.push(("/queue".to_owned(), "Go to the queue"));
    }
    ways
}

/// The page about a problem. When not even that can be rendered, its words as plain text.
///
/// `wanted` is the page that was asked for: who has to sign in first is led there afterwards. `only` is the one card
/// that somebody from outside sees, who is led nowhere else.
pub fn problem(
    app: &AppState,
    problem: &Problem,
    nonce: &Nonce,
    (wanted, only): (Option<&str>, Option<HandoffId>),
) -> Response {
    if problem.kind == "sign-in" && problem.status == StatusCode::UNAUTHORIZED {
        let page = SignInPage::new(app, Chrome::bare(nonce), wanted);
        if let Ok(html) = app.settings.templates.render(&page) {
            return Html(html).into_response();
        }
    }
    let page = ProblemPage::new(Chrome::bare(nonce), problem, only);
    match app.settings.templates.render(&page) {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "the page about a problem cannot be rendered");
            format!("{}\n{}\n", problem.title, problem.detail).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_refused_by_a_form_of_another_session_is_not_sent_to_their_roles() {
        let by = |kind| {
            let problem = Problem::new(StatusCode::FORBIDDEN, kind, "a", "b");
            let ways: Vec<_> = ways(&problem).into_iter().map(|way| way.1).collect();
            (cause(kind, problem.status), ways)
        };
        let (cause, ways) = by(csrf::CROSS_SITE);
        assert!(cause.starts_with("Your session began anew"), "{cause}");
        assert_eq!(ways, ["Go to the queue"]);
        let (cause, ways) = by("not-allowed");
        assert!(cause.contains("roles"), "{cause}");
        assert_eq!(ways, ["See your roles", "Go to the queue"]);
    }
}
