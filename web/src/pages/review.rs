//! `GET /h/{id}`: everything that a decision needs, on one page.

use axum::{
    extract::State,
    response::{Html, IntoResponse, Redirect, Response},
};
use countersign_protocol::HandoffId;
use http::{HeaderMap, Method};
use serde::Deserialize;

use super::{
    cards,
    review_view::{ReviewPage, Typed},
    visit::Visit,
};
use crate::{
    desk::Review,
    error::Problem,
    security::{FormOf, PathOf, QueryOf},
    state::AppState,
};

/// The query of the review page.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Choice {
    revision: Option<u32>,
    base: Option<u32>,
}

/// Shows the review page. That it was seen is noted, unless the browser only looks ahead.
pub(super) async fn show(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(id): PathOf<HandoffId>,
    QueryOf(choice): QueryOf<Choice>,
    method: Method,
    headers: HeaderMap,
) -> Result<Html<String>, Problem> {
    let review = app
        .desk
        .review(&visit.caller(), id, choice.revision, choice.base)
        .await?;
    let looks_ahead = headers
        .get("sec-purpose")
        .is_some_and(|value| value.as_bytes().starts_with(b"prefetch"));
    if method == Method::GET && !looks_ahead {
        let noted = app
            .desk
            .viewed(&visit.person, id, review.revision, review.manifest_sha256)
            .await;
        if let Err(error) = noted {
            // A page that can be read is worth more than the note that it was.
            tracing::warn!(%id, %error, "a view was not noted");
        }
    }
    page(&visit, &review, Typed::default()).await
}

/// The page of a review, with what was typed before.
pub(super) async fn page(
    visit: &Visit,
    review: &Review,
    typed: Typed,
) -> Result<Html<String>, Problem> {
    let cards = cards::cards(visit, review).await?;
    let chrome = visit.chrome("queue").await?;
    visit.render(&ReviewPage::new(chrome, review, cards, typed, visit.now()))
}

/// The form of the discussion.
#[derive(Debug, Deserialize)]
pub(super) struct CommentForm {
    text: String,
}

/// `POST /h/{id}/comments`.
pub(super) async fn comment(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(id): PathOf<HandoffId>,
    FormOf(form): FormOf<CommentForm>,
) -> Result<Response, Problem> {
    let text = form.text.replace("\r\n", "\n").trim().to_owned();
    if text.is_empty() {
        return Err(Problem::invalid("text", "A comment needs words."));
    }
    app.desk.comment(&visit.caller(), id, text).await?;
    Ok(Redirect::to(&format!("/h/{id}#discussion")).into_response())
}
