//! `/h/{id}/confirm`: a link in a message opens it. Reading it changes nothing, however often a scanner does;
//! only its form decides. `/mail/stop`: no more mail, by one click (RFC 8058).

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use countersign_protocol::HandoffId;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{
    view::{Now, RiskView, When},
    visit::{Bare, Chrome},
};
use crate::{
    desk::{Answered, Caller, LinkError, LinkView, Person, Risk},
    error::Problem,
    render::words,
    security::{FormOf, PathOf, QueryOf, Signed},
    state::AppState,
    templates::Page,
};

/// The query of a link.
#[derive(Debug, Deserialize)]
pub(super) struct Token {
    #[serde(default)]
    t: String,
}

/// The form of the page.
#[derive(Debug, Deserialize)]
pub(super) struct ConfirmForm {
    t: String,
    #[serde(default)]
    note: String,
}

#[derive(Debug, Serialize)]
pub(super) struct ConfirmPage {
    chrome: Chrome,
    id: String,
    title: String,
    agent: String,
    revision: u32,
    approve: bool,
    files: String,
    names: Vec<String>,
    risk: RiskView,
    effect: String,
    sent_to: String,
    sent: When,
    until: When,
    /// Who is asked now, when the person of the link no longer is.
    given_to: Option<String>,
    token: String,
    /// What was typed before.
    note: String,
    /// What is wrong with it.
    error: Option<String>,
}

/// Who is signed in, when somebody is, and what a page of theirs needs.
struct Reader {
    person: Option<Person>,
    chrome: Chrome,
}

impl Reader {
    fn new(signed: Result<Signed, Problem>, chrome: Chrome) -> Self {
        let person = match signed {
            Ok(Signed(Caller::Person(person))) => Some(person),
            Ok(Signed(Caller::Agent(_))) | Err(_) => None,
        };
        Self { person, chrome }
    }
}

/// Shows what a link is for.
pub(super) async fn show(
    State(app): State<AppState>,
    PathOf(id): PathOf<HandoffId>,
    QueryOf(token): QueryOf<Token>,
    signed: Result<Signed, Problem>,
    Bare(chrome): Bare,
) -> Result<Response, Problem> {
    let reader = Reader::new(signed, chrome);
    let now = (app.settings.now)();
    let view = app
        .desk
        .link(id, &token.t, now)
        .await
        .map_err(|error| problem(id, &error))?;
    Ok(app
        .render(&ConfirmPage::new(
            reader.chrome,
            &view,
            &token.t,
            Now::new(now, &view.zone),
        ))?
        .into_response())
}

/// Decides.
pub(super) async fn decide(
    State(app): State<AppState>,
    PathOf(id): PathOf<HandoffId>,
    signed: Result<Signed, Problem>,
    Bare(chrome): Bare,
    FormOf(form): FormOf<ConfirmForm>,
) -> Result<Response, Problem> {
    let reader = Reader::new(signed, chrome);
    let now = (app.settings.now)();
    let view = app
        .desk
        .link(id, &form.t, now)
        .await
        .map_err(|error| problem(id, &error))?;
    let note = Some(form.note.trim().to_owned()).filter(|note| !note.is_empty());
    if view.answer == "changes" && note.is_none() {
        let mut page = ConfirmPage::new(reader.chrome, &view, &form.t, Now::new(now, &view.zone));
        page.error = Some("Say what should change.".to_owned());
        let mut response = app.render(&page)?.into_response();
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(response);
    }
    let answered = app
        .desk
        .answer_by_link(id, &form.t, reader.person.as_ref(), note)
        .await;
    let answered = answered.map_err(|error| problem(id, &error))?;
    Ok(app
        .render(&DonePage::answered(reader.chrome, &view, &answered))?
        .into_response())
}

fn problem(id: HandoffId, error: &LinkError) -> Problem {
    let (status, kind) = match error {
        LinkError::Unknown => (StatusCode::NOT_FOUND, "link-unknown"),
        LinkError::Expired(_) | LinkError::Used => (StatusCode::GONE, "link-over"),
        LinkError::Overtaken(_) => (StatusCode::CONFLICT, "link-overtaken"),
        LinkError::SignIn(_) => (StatusCode::FORBIDDEN, "sign-in"),
        LinkError::Refused(_) => (StatusCode::FORBIDDEN, "not-allowed"),
        LinkError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    let hint = match error {
        LinkError::Refused(_) => "Ask the operator, or leave it to the others.".to_owned(),
        _ => format!("Sign in and open {id} in the queue to see how it stands."),
    };
    Problem::new(
        status,
        kind,
        error.to_string(),
        "Nothing was decided by it.",
    )
    .hint(hint)
    .with("handoff_id", id.to_string())
}

impl ConfirmPage {
    fn new(chrome: Chrome, view: &LinkView, token: &str, now: Now<'_>) -> Self {
        Self {
            chrome,
            id: view.id.to_string(),
            title: view.title.clone(),
            agent: view.agent.clone(),
            revision: view.revision,
            approve: view.answer == "approve",
            files: words::count(view.files, "file"),
            names: view.names.clone(),
            risk: RiskView::new(&Risk {
                level: view.risk,
                reasons: Vec::new(),
            }),
            effect: view.effect.clone(),
            sent_to: view.sent_to.clone(),
            sent: When::new(view.sent_at, now),
            until: When::new(view.expires, now),
            given_to: view.given_to.as_ref().map(|names| names.join(", ")),
            token: token.to_owned(),
            note: String::new(),
            error: None,
        }
    }
}

/// What was done, or can be done with one button.
#[derive(Debug, Serialize)]
pub(super) struct DonePage {
    chrome: Chrome,
    heading: String,
    text: String,
    /// The token and word of a button, when there is something to do.
    button: Option<(String, &'static str)>,
    /// `stop` or `resume`.
    wish: &'static str,
}

impl DonePage {
    fn answered(chrome: Chrome, view: &LinkView, answered: &Answered) -> Self {
        let id = view.id;
        if let Answered::Counted(approval) = answered {
            let open_to = approval.open_to();
            let others = if open_to.is_empty() {
                "others".to_owned()
            } else {
                open_to.join(", ")
            };
            return Self {
                chrome,
                heading: format!("{id}: {}", approval.words()),
                text: format!(
                    "It is still open: {others} may answer next, and {} hears nothing before the last vote. The link is spent.",
                    view.agent
                ),
                button: None,
                wish: "",
            };
        }
        let (heading, then) = match view.answer.as_str() {
            "approve" => (format!("{} was approved", view.id), "goes on"),
            _ => (format!("{} was sent back", view.id), "gets your words"),
        };
        Self {
            chrome,
            heading,
            text: format!(
                "Recorded for revision {}. {} {then}. The link is spent.",
                view.revision, view.agent
            ),
            button: None,
            wish: "",
        }
    }

    fn mail(chrome: Chrome, token: &str, stopped: bool) -> Self {
        let (heading, text, word, wish) = if stopped {
            (
                "You get no more mail",
                "Handoffs that need you are still in the queue, and nobody is told that you do not read them.",
                "Get mail again",
                "resume",
            )
        } else {
            (
                "No more mail from here?",
                "Opening this page changed nothing. After the button below no mail about handoffs is sent to you.",
                "Stop mail",
                "stop",
            )
        };
        Self {
            chrome,
            heading: heading.to_owned(),
            text: text.to_owned(),
            button: Some((token.to_owned(), word)),
            wish,
        }
    }
}

/// `GET /mail/stop`.
pub(super) async fn mail(
    State(app): State<AppState>,
    QueryOf(token): QueryOf<Token>,
    Bare(chrome): Bare,
) -> Result<Response, Problem> {
    let stopped = app.desk.mail_stopped(&token.t).await;
    let stopped = stopped.ok_or_else(|| Problem::not_found("This link"))?;
    Ok(app
        .render(&DonePage::mail(chrome, &token.t, stopped))?
        .into_response())
}

/// The form of the page; a mail program sends `List-Unsubscribe=One-Click` instead (RFC 8058, section 3.1).
#[derive(Debug, Default, Deserialize)]
pub(super) struct StopForm {
    #[serde(default)]
    wish: String,
}

/// `POST /mail/stop`: acts without asking again.
pub(super) async fn stop_mail(
    State(app): State<AppState>,
    QueryOf(token): QueryOf<Token>,
    Bare(chrome): Bare,
    FormOf(form): FormOf<StopForm>,
) -> Result<Response, Problem> {
    let stop = form.wish != "resume";
    if !app.desk.stop_mail(&token.t, stop).await? {
        return Err(Problem::not_found("This link"));
    }
    Ok(app
        .render(&DonePage::mail(chrome, &token.t, stop))?
        .into_response())
}

impl Page for ConfirmPage {
    const TEMPLATE: &'static str = "pages/confirm.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let now = Now::utc(crate::showcase::sample::now());
        let mut view = sample(now.at);
        let first = Self::new(Chrome::bare_sample(), &view, "token", now);
        view.answer = "changes".to_owned();
        view.title = "<script>alert(1)</script>\u{202E}".to_owned();
        view.names.clear();
        let mut second = Self::new(Chrome::sample("queue"), &view, "token", now);
        second.error = Some("Say what should change.".to_owned());
        vec![first, second]
    }
}

impl Page for DonePage {
    const TEMPLATE: &'static str = "pages/done.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let now = crate::showcase::sample::now();
        let bare = || Chrome::bare_sample();
        vec![
            Self::answered(
                bare(),
                &sample(now),
                &Answered::Decided(Box::new(crate::showcase::sample::decision())),
            ),
            Self::answered(bare(), &sample(now), &Answered::Counted(Box::default())),
            Self::mail(bare(), "token", false),
            Self::mail(bare(), "token", true),
        ]
    }
}

#[cfg(test)]
fn sample(now: jiff::Timestamp) -> LinkView {
    LinkView {
        id: HandoffId(7),
        revision: 1,
        answer: "approve".to_owned(),
        title: "Release notes for 4.18".to_owned(),
        agent: "release-scribe".to_owned(),
        files: 1,
        names: vec!["notes/4.18.md".to_owned()],
        risk: crate::desk::RiskLevel::Low,
        effect: "1 file is released to approved/H-7/.".to_owned(),
        sent_to: "maya@example.org".to_owned(),
        sent_at: now,
        expires: now,
        zone: jiff::tz::TimeZone::UTC,
        given_to: Some(vec![crate::showcase::sample::HOSTILE.to_owned()]),
    }
}
