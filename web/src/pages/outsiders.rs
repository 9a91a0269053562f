//! `/h/{id}/outsiders`: who was invited from outside; `/outside`: the way in for them. Reading either changes nothing.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use countersign_protocol::{HandoffId, access::Permission};
use http::StatusCode;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{
    view::{Now, When},
    visit::{Bare, Chrome, Visit},
};
use crate::{
    desk::{
        DeskError,
        outsiders::{NewOutsider, OutsiderRow},
    },
    error::Problem,
    render::words,
    security::{self, FormOf, PathOf, QueryOf, identity, session},
    state::AppState,
    templates::Page,
};

#[derive(Debug, Serialize)]
struct OutsiderView {
    id: String,
    name: String,
    by: String,
    decides: bool,
    state: String,
    until: When,
    opened: Option<When>,
}

impl OutsiderView {
    fn new(row: OutsiderRow, now: Now<'_>) -> Self {
        Self {
            id: row.id,
            name: row.name,
            by: row.invited_by,
            decides: row.decides,
            state: row.state,
            until: When::planned(row.expires_at, now),
            opened: row.opened_at.map(|at| When::new(at, now)),
        }
    }
}

/// `GET /h/{id}/outsiders`.
#[derive(Debug, Serialize)]
pub(super) struct OutsidersPage {
    chrome: Chrome,
    id: String,
    title: String,
    rows: Vec<OutsiderView>,
    /// Whether the person may let them decide.
    may_decide: bool,
    /// How long one is good for when nothing is chosen.
    usual: String,
    /// Shown once.
    link: Option<String>,
    typed: String,
    error: Option<String>,
}

impl Page for OutsidersPage {
    const TEMPLATE: &'static str = "pages/outsiders.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        use crate::showcase::{outsiders, sample};
        let page = |rows: Vec<OutsiderRow>, link: Option<&str>, error: Option<&str>| Self {
            chrome: Chrome::sample("queue"),
            id: "H-1".to_owned(),
            title: sample::HOSTILE.to_owned(),
            rows: rows
                .into_iter()
                .map(|row| OutsiderView::new(row, Now::utc(sample::now())))
                .collect(),
            may_decide: link.is_none(),
            usual: "3 days".to_owned(),
            link: link.map(str::to_owned),
            typed: sample::HOSTILE.to_owned(),
            error: error.map(str::to_owned),
        };
        let revoked = OutsiderRow {
            state: "revoked".to_owned(),
            opened_at: Some(sample::now()),
            decides: false,
            ..outsiders::row()
        };
        vec![
            page(Vec::new(), None, None),
            page(
                vec![outsiders::row(), revoked],
                Some("http://x/outside?t=x"),
                None,
            ),
            page(Vec::new(), None, Some(sample::HOSTILE)),
        ]
    }
}

async fn page_of(visit: &Visit, id: HandoffId) -> Result<OutsidersPage, Problem> {
    let (desk, now) = (&visit.app.desk, visit.now());
    let rows = desk.outsiders(&visit.person, id).await?.into_iter();
    let row = desk.row(&visit.caller(), id).await?;
    let access = &visit.person.access;
    Ok(OutsidersPage {
        chrome: visit.chrome("queue").await?,
        id: id.to_string(),
        may_decide: access.may_on(Permission::Decide, id, &row.workspace),
        usual: words::span(
            SignedDuration::try_from(desk.usual_invitation()).unwrap_or(SignedDuration::MAX),
        ),
        title: row.title,
        rows: rows.map(|row| OutsiderView::new(row, now)).collect(),
        link: None,
        typed: String::new(),
        error: None,
    })
}

/// `GET /h/{id}/outsiders`.
pub(super) async fn show(visit: Visit, PathOf(id): PathOf<HandoffId>) -> Result<Response, Problem> {
    let page = page_of(&visit, id).await?;
    Ok(visit.render(&page)?.into_response())
}

/// The form.
#[derive(Deserialize)]
pub(super) struct InviteForm {
    name: String,
    #[serde(default)]
    decides: Option<String>,
    #[serde(default)]
    days: String,
}

/// Nothing chosen is the usual time.
fn days(text: &str) -> Result<Option<u32>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let bad = |_| Problem::bad_request("The form has a wrong `days`.");
    text.parse().map(Some).map_err(bad)
}

/// `POST /h/{id}/outsiders`. The link is on the page that answers, and nowhere else.
pub(super) async fn invite(
    visit: Visit,
    PathOf(id): PathOf<HandoffId>,
    FormOf(form): FormOf<InviteForm>,
) -> Result<Response, Problem> {
    let new = NewOutsider {
        name: form.name.clone(),
        decides: form.decides.is_some(),
        days: days(&form.days)?,
    };
    let made = visit.app.desk.invite_outsider(&visit.person, id, new).await;
    let (status, link, error) = match made {
        Ok((_, link)) => (StatusCode::CREATED, Some(link), None),
        Err(DeskError::Invalid { message, .. }) => {
            (StatusCode::UNPROCESSABLE_ENTITY, None, Some(message))
        }
        Err(error) => return Err(error.into()),
    };
    let page = OutsidersPage {
        typed: if error.is_some() {
            form.name
        } else {
            String::new()
        },
        link,
        error,
        ..page_of(&visit, id).await?
    };
    Ok((status, visit.render(&page)?).into_response())
}

/// `POST /h/{id}/outsiders/{invitation}/revoke`.
pub(super) async fn revoke(
    visit: Visit,
    PathOf((id, invitation)): PathOf<(HandoffId, String)>,
) -> Result<Response, Problem> {
    let desk = &visit.app.desk;
    desk.revoke_outsider(&visit.person, id, &invitation).await?;
    Ok(Redirect::to(&format!("/h/{id}/outsiders")).into_response())
}

/// The secret of a link.
#[derive(Deserialize)]
pub(super) struct Token {
    #[serde(default)]
    t: String,
}

/// `GET /outside?t=…`.
#[derive(Debug, Serialize)]
pub(super) struct OutsidePage {
    chrome: Chrome,
    id: String,
    display: String,
    until: When,
    token: String,
}

impl Page for OutsidePage {
    const TEMPLATE: &'static str = "pages/outside.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        use crate::showcase::sample;
        vec![Self {
            chrome: Chrome::bare_sample(),
            id: "H-1".to_owned(),
            display: sample::HOSTILE.to_owned(),
            until: When::new(sample::now(), Now::utc(sample::now())),
            token: "x".to_owned(),
        }]
    }
}

fn over() -> Problem {
    Problem::new(
        StatusCode::GONE,
        "invitation-over",
        "This invitation is over, or it is not known",
        "It was taken back, its time has passed, or the work may not leave the house any more.",
    )
    .hint("Ask whoever invited you for another link.")
}

/// `GET /outside?t=…`: says what it is for. A scanner that follows it changes nothing.
pub(super) async fn link(
    State(app): State<AppState>,
    security::From(from): security::From,
    Bare(chrome): Bare,
    QueryOf(query): QueryOf<Token>,
) -> Result<Response, Problem> {
    if let Some(seconds) = from.address.and_then(|address| app.must_wait(address)) {
        return Err(identity::too_many(seconds));
    }
    let Some(link) = app.desk.outside_link(&query.t).await else {
        from.address.inspect(|address| app.failed(*address));
        return Err(over());
    };
    let page = OutsidePage {
        chrome,
        id: link.handoff.to_string(),
        display: link.display,
        until: When::planned(link.until, Now::utc((app.settings.now)())),
        token: query.t,
    };
    Ok(app.render(&page)?.into_response())
}

/// `POST /outside`: begins the session.
pub(super) async fn enter(
    State(app): State<AppState>,
    security::From(from): security::From,
    FormOf(form): FormOf<Token>,
) -> Result<Response, Problem> {
    if let Some(seconds) = from.address.and_then(|address| app.must_wait(address)) {
        return Err(identity::too_many(seconds));
    }
    match app.desk.enter_outside(&form.t, from.clone()).await {
        Ok((new, id)) => Ok(session::enter(new, &format!("/h/{id}"), None)),
        Err(DeskError::NotFound(_)) => {
            from.address.inspect(|address| app.failed(*address));
            Err(over())
        }
        Err(error) => Err(error.into()),
    }
}
