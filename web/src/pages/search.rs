//! `GET /search`: ask or type, see how it was read, and what was found.

use axum::{
    extract::State,
    response::{Html, IntoResponse, Redirect, Response},
};
use countersign_protocol::query::{Place, QueryError, Sort};
use http::StatusCode;
use serde::Deserialize;

use super::{
    search_view::{SearchPage, link},
    visit::Visit,
};
use crate::{
    desk::{DeskError, SearchError, SearchRequest},
    error::Problem,
    security::{FormOf, QueryOf},
    state::AppState,
};

/// Hits of one page.
const HITS: usize = 50;

/// The query of the search page.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Choice {
    /// What is in the box.
    #[serde(default)]
    pub(super) q: String,
    /// `1` to take words as words.
    #[serde(default)]
    pub(super) verbatim: u8,
    pub(super) cursor: Option<String>,
    pub(super) sort: Option<Sort>,
    /// The time zone that days are counted in.
    pub(super) tz: Option<String>,
}

/// Shows the search page.
pub(super) async fn show(
    visit: Visit,
    State(app): State<AppState>,
    QueryOf(choice): QueryOf<Choice>,
) -> Result<Response, Problem> {
    let chrome = visit.chrome("search").await?;
    let saved = app.desk.saved_searches(&visit.person).await?;
    let index = app.desk.index_status(&visit.caller()).await?;
    let mut page = SearchPage::new(chrome, &choice, &saved, &index);
    let mut status = StatusCode::OK;
    if !choice.q.trim().is_empty() {
        let request = SearchRequest {
            text: choice.q.clone(),
            verbatim: choice.verbatim == 1,
            cursor: choice.cursor.clone(),
            limit: HITS,
            sort: choice.sort,
            zone: choice.tz.clone().or_else(|| visit.zone()),
        };
        match app.desk.search(&visit.caller(), request).await {
            Ok(answer) => page.answer(&choice, answer, visit.now()),
            Err(SearchError::Query(error)) => {
                status = StatusCode::BAD_REQUEST;
                page.wrong(&choice.q, &error);
            }
            // What the query names is not there: the text stays where it can be mended.
            Err(SearchError::Desk(
                error @ (DeskError::Invalid { .. } | DeskError::NotFound(_)),
            )) => {
                status = StatusCode::BAD_REQUEST;
                let end = choice.q.len();
                let error = QueryError {
                    message: match error {
                        DeskError::Invalid { message, .. } => message,
                        other => other.to_string(),
                    },
                    place: Place { start: 0, end },
                    hint: "the rest was not searched for either".to_owned(),
                };
                page.wrong(&choice.q, &error);
            }
            Err(error) => return Err(error.into()),
        }
    }
    let html: Html<String> = visit.render(&page)?;
    Ok((status, html).into_response())
}

/// The form that keeps a search, and the one that forgets it.
#[derive(Debug, Deserialize)]
pub(super) struct Kept {
    name: String,
    #[serde(default)]
    q: String,
}

/// Keeps a search.
pub(super) async fn save(
    visit: Visit,
    State(app): State<AppState>,
    FormOf(kept): FormOf<Kept>,
) -> Result<Redirect, Problem> {
    let saved = app
        .desk
        .save_search(&visit.person, &kept.name, &kept.q)
        .await?;
    Ok(Redirect::to(&link(&saved.query)))
}

/// Forgets a search, and shows again what was on the page.
pub(super) async fn remove(
    visit: Visit,
    State(app): State<AppState>,
    FormOf(kept): FormOf<Kept>,
) -> Result<Redirect, Problem> {
    app.desk.remove_search(&visit.person, &kept.name).await?;
    Ok(Redirect::to(&link(&kept.q)))
}
