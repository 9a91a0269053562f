//! `GET /h/{id}`: everything that a decision needs, on one page.

use axum::{
    extract::State,
    response::{Html, IntoResponse, Redirect, Response},
};
use countersign_protocol::{Digest, HandoffId};
use serde::Deserialize;

use super::{
    agents::PathPart,
    cards,
    held::HeldView,
    listing::{Against, Listing, Part},
    look::Asked,
    people::RoutingPart,
    review_view::{MessageView, Notice, ReviewPage, Typed},
    visit::Visit,
};
use crate::{
    api::versions::reviewed,
    desk::{Approval, Review, versions::MarkRow},
    error::Problem,
    security::{FormOf, PathOf, QueryOf},
    state::AppState,
};

/// The query of the review page.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Choice {
    revision: Option<u32>,
    /// A revision or an anchor.
    base: Option<String>,
    folder: Option<String>,
    files: Option<usize>,
    /// The handoff that was decided before this one opened.
    after: Option<HandoffId>,
    /// Present when a vote of the person was just recorded.
    voted: Option<u8>,
    diff: Option<String>,
    space: Option<String>,
}

/// Shows the review page.
pub(super) async fn show(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(id): PathOf<HandoffId>,
    QueryOf(choice): QueryOf<Choice>,
) -> Result<Html<String>, Problem> {
    let base = choice.base.filter(|base| !base.is_empty());
    let caller = visit.caller();
    let (review, label) = reviewed(&app, &caller, id, choice.revision, base.as_deref()).await?;
    let asked = Asked::of(choice.diff, choice.space);
    let part = Part {
        folder: choice.folder,
        files: choice.files,
        against: base
            .zip(label)
            .map(|(anchor, label)| Against { anchor, label }),
    };
    let voted = choice.voted.and(review.approval.as_ref()).map(voted);
    let typed = Typed {
        notice: voted.or(after(&visit, choice.after).await),
        ..Typed::default()
    };
    page(&visit, &review, &part, &asked, typed).await
}

/// Returns the notice that the answer of the person counts as a vote.
fn voted(approval: &Approval) -> Notice {
    Notice::Voted {
        words: approval.words(),
        open_to: approval.open_to(),
    }
}

/// That another one was answered before this one opened.
async fn after(visit: &Visit, id: Option<HandoffId>) -> Option<Notice> {
    let id = id?;
    let row = visit.app.desk.row(&visit.caller(), id).await.ok()?;
    let held = row.held.filter(|held| held.mine);
    let held = held.map(|held| HeldView::new(&held, visit.now()));
    let id = id.to_string();
    Some(Notice::After { id, held })
}

/// The form that the page sends by itself once it is shown.
#[derive(Debug, Deserialize)]
pub(super) struct SeenForm {
    revision: u32,
    manifest_sha256: Digest,
}

/// `POST /h/{id}/viewed`: a person has the page before them. Where scripts are off only a decision says so.
pub(super) async fn viewed(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(id): PathOf<HandoffId>,
    FormOf(form): FormOf<SeenForm>,
) -> Result<Response, Problem> {
    app.desk
        .viewed(&visit.person, id, form.revision, form.manifest_sha256)
        .await?;
    Ok(Redirect::to(&format!("/h/{id}")).into_response())
}

/// The page of a review, with what was typed before.
pub(super) async fn page(
    visit: &Visit,
    review: &Review,
    part: &Part,
    asked: &Asked,
    typed: Typed,
) -> Result<Html<String>, Problem> {
    let listing = Listing::new(review, cards::place(review), part, asked);
    let cards = cards::cards(visit, review, &listing.rows, asked).await?;
    let chrome = visit.chrome("queue").await?;
    let files = (cards, listing.more);
    let routing = RoutingPart::load(visit, &review.row).await;
    let against = part.against.as_ref();
    let mut page = ReviewPage::new(chrome, review, files, (asked, against), typed, visit.now());
    page.offer(&marks(visit, review).await, against);
    // A page that can be read is worth more than the list of who was told.
    let (desk, caller) = (&visit.app.desk, visit.caller());
    let told = desk.messages(&caller, review.row.id).await;
    let path = desk.path(&caller, review.row.id).await;
    page.path = path.ok().and_then(|path| PathPart::new(&path, visit.now()));
    let told = told.unwrap_or_default();
    page.messages = told
        .iter()
        .map(|row| MessageView::new(row, visit.now()))
        .collect();
    visit.render(&page.with_routing(routing))
}

/// The marks that were set since the first revision, newest first. A page that can be read is worth more
/// than its list of marks.
async fn marks(visit: &Visit, review: &Review) -> Vec<MarkRow> {
    let Some(first) = review.timeline.iter().map(|item| item.seq).min() else {
        return Vec::new();
    };
    let workspace = &review.row.workspace;
    let marks = visit.app.desk.marks(&visit.caller(), Some(workspace)).await;
    let mut marks = marks.unwrap_or_default();
    marks.retain(|mark| mark.seq > first);
    marks
}
