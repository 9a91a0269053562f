//! Whose a workspace is: the part of `/workspaces` with its forms, and `/workspaces/claim`, which a link opens.
//! Reading it changes nothing; only its form answers.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use countersign_protocol::ownership::Left;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{
    view::{Now, When},
    visit::{Bare, Chrome, Visit},
};
use crate::{
    desk::{
        DeskError,
        ownership::{Claimant, NewOffer, OwnershipRow, OwnershipStep, USUAL_OFFER},
        people::TargetRow,
    },
    error::Problem,
    render::words,
    security::{FormOf, PathOf, QueryOf},
    state::AppState,
    templates::Page,
};

/// What the page says about whose a workspace is.
#[derive(Debug, Serialize)]
pub(super) struct OwnershipPart {
    owner: String,
    held: bool,
    since: Option<When>,
    offer: Option<OfferView>,
    files: Option<FilesView>,
    settling: bool,
    may_offer: bool,
    may_answer: bool,
    may_withdraw: bool,
    may_return: bool,
}

#[derive(Debug, Serialize)]
struct OfferView {
    to: String,
    by: String,
    note: Option<String>,
    expires: When,
}

#[derive(Debug, Serialize)]
struct FilesView {
    done: String,
    whole: bool,
    left: Vec<Left>,
    more: u64,
    limits: Vec<String>,
}

impl OwnershipPart {
    pub(super) fn new(row: &OwnershipRow, now: Now<'_>) -> Self {
        let may = |step| row.may.contains(&step);
        Self {
            owner: row.owner.name.clone(),
            held: row.held,
            since: row.since.map(|at| When::new(at, now)),
            offer: row.offer.as_ref().map(|offer| OfferView {
                to: offer.to.name.clone(),
                by: offer.by.clone(),
                note: offer.note.clone(),
                expires: When::planned(offer.expires, now),
            }),
            files: row.files.as_ref().map(|files| {
                let count = |count: u64, word| {
                    words::count(usize::try_from(count).unwrap_or(usize::MAX), word)
                };
                let mut done = format!(
                    "{} and {} follow",
                    count(files.files, "file"),
                    count(files.folders, "folder")
                );
                if files.copied > 0 {
                    let copied = count(files.copied, "file");
                    done = format!("{done}; {copied} that others had open or under other names were replaced by copies");
                }
                FilesView {
                    done,
                    whole: files.is_whole(),
                    left: files.left.clone(),
                    more: files.more,
                    limits: files.limits.clone(),
                }
            }),
            settling: row.settling,
            may_offer: may(OwnershipStep::Offer),
            may_answer: may(OwnershipStep::Answer),
            may_withdraw: may(OwnershipStep::Withdraw),
            may_return: may(OwnershipStep::Return),
        }
    }
}

/// The people to whom a workspace can be offered.
pub(super) async fn people(visit: &Visit) -> Vec<TargetRow> {
    let targets = visit.app.desk.targets(&visit.person).await;
    let people = targets.unwrap_or_default().into_iter();
    people
        .filter_map(|row| {
            let id = row.target.strip_prefix("person:")?.to_owned();
            Some(TargetRow {
                target: id,
                name: row.name,
            })
        })
        .collect()
}

/// The form that offers.
#[derive(Debug, Deserialize)]
pub(super) struct OfferForm {
    to: String,
    #[serde(default)]
    note: String,
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.trim().is_empty())
}

fn back() -> Response {
    Redirect::to("/workspaces").into_response()
}

/// `POST /workspaces/{name}/offer`.
pub(super) async fn offer(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(name): PathOf<String>,
    FormOf(form): FormOf<OfferForm>,
) -> Result<Response, Problem> {
    let offer = NewOffer {
        to: form.to,
        note: some(form.note),
        waits: USUAL_OFFER,
    };
    app.desk
        .offer_ownership(&visit.caller(), &name, offer)
        .await?;
    Ok(back())
}

/// `POST /workspaces/{name}/withdraw`.
pub(super) async fn withdraw(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(name): PathOf<String>,
) -> Result<Response, Problem> {
    app.desk.withdraw_offer(&visit.caller(), &name).await?;
    Ok(back())
}

/// The form that answers, or gives back.
#[derive(Debug, Default, Deserialize)]
pub(super) struct WordsForm {
    #[serde(default)]
    reason: String,
}

/// `POST /workspaces/{name}/accept`.
pub(super) async fn accept(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(name): PathOf<String>,
) -> Result<Response, Problem> {
    let who = Claimant::Person(visit.person);
    app.desk.answer_offer(&who, &name, true, None).await?;
    Ok(back())
}

/// `POST /workspaces/{name}/decline`.
pub(super) async fn decline(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(name): PathOf<String>,
    FormOf(form): FormOf<WordsForm>,
) -> Result<Response, Problem> {
    let who = Claimant::Person(visit.person);
    let answered = app.desk.answer_offer(&who, &name, false, some(form.reason));
    answered.await?;
    Ok(back())
}

/// `POST /workspaces/{name}/return`.
pub(super) async fn give_back(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(name): PathOf<String>,
    FormOf(form): FormOf<WordsForm>,
) -> Result<Response, Problem> {
    let returned = app
        .desk
        .return_ownership(&visit.person, &name, some(form.reason));
    returned.await?;
    Ok(back())
}

/// The query of a link.
#[derive(Debug, Deserialize)]
pub(super) struct Token {
    #[serde(default)]
    t: String,
}

/// The page that a link opens, before and after the answer.
#[derive(Debug, Serialize)]
pub(super) struct ClaimPage {
    chrome: Chrome,
    workspace: String,
    to: String,
    by: String,
    note: Option<String>,
    until: Option<When>,
    token: String,
    /// What was answered.
    answer: Option<&'static str>,
}

impl ClaimPage {
    fn new(chrome: Chrome, row: &OwnershipRow, token: &str, now: Now<'_>) -> Self {
        let offer = row.offer.as_ref();
        Self {
            chrome,
            workspace: row.workspace.clone(),
            to: offer.map_or_else(String::new, |offer| offer.to.name.clone()),
            by: offer.map_or_else(String::new, |offer| offer.by.clone()),
            note: offer.and_then(|offer| offer.note.clone()),
            until: offer.map(|offer| When::planned(offer.expires, now)),
            token: token.to_owned(),
            answer: None,
        }
    }
}

/// A link says no more than that it does not work.
fn over(error: DeskError) -> Problem {
    match error {
        DeskError::NotFound(_) => Problem::new(
            http::StatusCode::GONE,
            "link-over",
            "This offer is over",
            "It was answered, taken back, replaced by another one, or nobody answered in time.",
        )
        .hint("Ask for a new one. Nothing was changed."),
        error => error.into(),
    }
}

/// The page of an offer, for the person to whom it was made.
fn claim_page(app: &AppState, chrome: Chrome, row: &OwnershipRow, token: &str) -> ClaimPage {
    let offer = row.offer.as_ref();
    let zone = offer.and_then(|offer| app.desk.zone(&offer.to.id));
    let zone = zone.unwrap_or(TimeZone::UTC);
    let now = Now::new((app.settings.now)(), &zone);
    ClaimPage::new(chrome, row, token, now)
}

/// `GET /workspaces/claim`.
pub(super) async fn show_claim(
    State(app): State<AppState>,
    QueryOf(token): QueryOf<Token>,
    Bare(chrome): Bare,
) -> Result<Response, Problem> {
    let row = app.desk.claimed(&token.t).await.map_err(over)?;
    let page = claim_page(&app, chrome, &row, &token.t);
    Ok(app.render(&page)?.into_response())
}

/// The form of that page.
#[derive(Debug, Deserialize)]
pub(super) struct ClaimForm {
    t: String,
    answer: String,
    #[serde(default)]
    reason: String,
}

/// `POST /workspaces/claim`.
pub(super) async fn answer_claim(
    State(app): State<AppState>,
    Bare(chrome): Bare,
    FormOf(form): FormOf<ClaimForm>,
) -> Result<Response, Problem> {
    let accept = match form.answer.as_str() {
        "accept" => true,
        "decline" => false,
        _ => return Err(Problem::invalid("answer", "Accept it or decline it.")),
    };
    let row = app.desk.claimed(&form.t).await.map_err(over)?;
    let who = Claimant::Secret(form.t.clone());
    let answered = app
        .desk
        .answer_offer(&who, &row.workspace, accept, some(form.reason));
    answered.await.map_err(over)?;
    let mut page = claim_page(&app, chrome, &row, "");
    page.answer = Some(if accept { "accepted" } else { "declined" });
    Ok(app.render(&page)?.into_response())
}

impl Page for ClaimPage {
    const TEMPLATE: &'static str = "pages/claim.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let now = Now::utc(crate::showcase::sample::now());
        let rows = crate::showcase::ownership::sample();
        let of = |row, answer| Self {
            answer,
            ..Self::new(Chrome::bare_sample(), row, "token", now)
        };
        let answers = [None, Some("accepted"), Some("declined")];
        rows.iter()
            .flat_map(|row| answers.map(|answer| of(row, answer)))
            .collect()
    }
}
