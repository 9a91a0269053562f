//! The way in with name and password, and the page on which somebody sets a password.

use std::fmt::Write as _;

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::visit::{Bare, Chrome};
use crate::{
    desk::{Caller, DeskError, access::SignInError},
    error::Problem,
    security::{self, Devices, FormOf, QueryOf, Signed, identity, session},
    state::AppState,
    templates::Page,
};

/// Longest name that is looked up, in bytes.
const NAME: usize = 64;

/// Where somebody comes in.
#[derive(Debug, Serialize)]
pub(super) struct SignInPage {
    chrome: Chrome,
    /// Whether anybody can sign in with a password.
    accounts: bool,
    /// Whether there is an own host, to which a script leads a browser that was there before.
    own_host: bool,
    /// The name of the provider of the house.
    sso: Option<String>,
    /// Where it leads.
    next: String,
    /// What was typed before.
    name: String,
    error: Option<&'static str>,
}

impl Page for SignInPage {
    const TEMPLATE: &'static str = "pages/sign-in.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let page = |accounts| Self {
            chrome: Chrome::bare_sample(),
            accounts,
            own_host: accounts,
            sso: accounts.then(|| crate::showcase::sample::HOSTILE.to_owned()),
            next: "/h/3?\"<script>alert(1)</script>".to_owned(),
            name: String::new(),
            error: None,
        };
        let wrong = Self {
            name: crate::showcase::sample::HOSTILE.to_owned(),
            error: Some(WRONG),
            ..page(true)
        };
        vec![page(true), page(false), wrong]
    }
}

const WRONG: &str = "The name or the password is not right";

impl SignInPage {
    pub(super) fn new(app: &AppState, chrome: Chrome, next: Option<&str>) -> Self {
        Self {
            chrome,
            accounts: app.desk.has_accounts(),
            own_host: app.settings.own_host.is_some(),
            sso: app.desk.sso_name(),
            next: inside(next),
            name: String::new(),
            error: None,
        }
    }
}

/// A page of ours to go on to, so that no link leads from the sign-in to another site. Letters that an address
/// cannot have, hidden ones among them, are written as it has them, so that forms and headers carry them unchanged.
pub(crate) fn inside(next: Option<&str>) -> String {
    let ours = |text: &&str| {
        text.starts_with('/')
            && !text.starts_with("//")
            && !text.contains(['\\', '\n', '\r', '\t'])
            && text.len() <= 2_000
    };
    let ways_in = ["/sign-in", "/sso", "/start", "/invitation", "/sign-out"];
    let next = next
        .filter(ours)
        .filter(|text| !ways_in.iter().any(|way| text.starts_with(way)))
        .unwrap_or("/queue");
    next.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_graphic() {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Next {
    next: Option<String>,
}

/// `GET /sign-in`.
pub(super) async fn show(
    State(app): State<AppState>,
    signed: Result<Signed, Problem>,
    Bare(chrome): Bare,
    QueryOf(query): QueryOf<Next>,
) -> Result<Response, Problem> {
    if signed.is_ok() {
        return Ok(Redirect::to(&inside(query.next.as_deref())).into_response());
    }
    let page = SignInPage::new(&app, chrome, query.next.as_deref());
    Ok(app.render(&page)?.into_response())
}

/// The form.
#[derive(Deserialize)]
pub(super) struct SignInForm {
    name: String,
    password: String,
    next: Option<String>,
}

/// Returns the name under which failures of an account are counted. A browser with a session of that account has a
/// count of its own, and so has one in which it was signed in before, so that a stranger who guesses cannot keep its person out.
fn counted(name: &str, signed: Option<&Caller>, devices: &Devices) -> String {
    match signed {
        Some(Caller::Person(person)) if person.id == name => format!("{name}\0signed in"),
        _ => match devices.number(name) {
            Some(number) => format!("{name}\0{number}"),
            None => name.to_owned(),
        },
    }
}

/// Refuses to try once more when an address or an account failed too often.
pub(super) fn slow_down(
    app: &AppState,
    from: &crate::desk::access::Visitor,
    name: &String,
) -> Result<(), Problem> {
    let now = (app.settings.now)();
    let address = from.address.and_then(|address| app.must_wait(address));
    match address.max(app.sign_ins.must_wait(name, now)) {
        Some(seconds) => Err(identity::too_many(seconds)),
        None => Ok(()),
    }
}

/// Notes that it was not the right password.
pub(super) fn was_wrong(app: &AppState, from: &crate::desk::access::Visitor, name: String) {
    from.address.inspect(|address| app.failed(*address));
    app.sign_ins.failed(name, (app.settings.now)());
}

/// `POST /sign-in`.
pub(super) async fn sign_in(
    State(app): State<AppState>,
    signed: Result<Signed, Problem>,
    security::From(from): security::From,
    devices: Devices,
    Bare(chrome): Bare,
    FormOf(form): FormOf<SignInForm>,
) -> Result<Response, Problem> {
    let name = form.name.trim().to_owned();
    if name.len() > NAME {
        return Ok(refused(&app, chrome, form)?.into_response());
    }
    let who = signed.as_ref().ok().map(|Signed(who)| who);
    let counted = counted(&name, who, &devices);
    slow_down(&app, &from, &counted)?;
    match app.desk.sign_in(&name, &form.password, from.clone()).await {
        Ok(session) => {
            app.sign_ins.succeeded(&counted);
            let next = inside(form.next.as_deref());
            Ok(session::enter(session, &next, Some(name)))
        }
        Err(SignInError::Refused) => {
            tracing::info!(address = ?from.address, "a sign-in was refused");
            was_wrong(&app, &from, counted);
            refused(&app, chrome, form)
        }
        Err(SignInError::Busy) => Err(busy()),
        Err(SignInError::Desk(error)) => Err(error.into()),
    }
}

/// Hashes are being made already.
pub(super) fn busy() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "busy",
        "Too many people sign in at this moment",
        "Each password is checked slowly on purpose.",
    )
    .hint("Try again in a few seconds.")
    .header(header::RETRY_AFTER, HeaderValue::from_static("5"))
}

fn refused(app: &AppState, chrome: Chrome, form: SignInForm) -> Result<Response, Problem> {
    let mut page = SignInPage::new(app, chrome, form.next.as_deref());
    page.name = form.name.chars().take(NAME).collect();
    page.error = Some(WRONG);
    let mut response = app.render(&page)?.into_response();
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

/// Where somebody sets a password.
#[derive(Debug, Serialize)]
pub(super) struct InvitationPage {
    chrome: Chrome,
    token: String,
    id: String,
    name: String,
    is_reset: bool,
    error: Option<String>,
}

impl Page for InvitationPage {
    const TEMPLATE: &'static str = "pages/invitation.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let page = |error: Option<&str>, is_reset| Self {
            chrome: Chrome::bare_sample(),
            token: crate::showcase::sample::HOSTILE.to_owned(),
            id: "maya".to_owned(),
            name: crate::showcase::sample::HOSTILE.to_owned(),
            is_reset,
            error: error.map(str::to_owned),
        };
        vec![
            page(None, false),
            page(Some("A password has at least 12 characters."), true),
        ]
    }
}

/// The token in a link.
#[derive(Debug, Deserialize)]
pub(super) struct Token {
    #[serde(default)]
    t: String,
}

/// `GET /invitation?t=…`. Looking spends nothing.
pub(super) async fn invited(
    State(app): State<AppState>,
    security::From(from): security::From,
    Bare(chrome): Bare,
    QueryOf(token): QueryOf<Token>,
) -> Result<Response, Problem> {
    let page = invitation(&app, &from, chrome, token.t, None).await?;
    Ok(app.render(&page)?.into_response())
}

async fn invitation(
    app: &AppState,
    from: &crate::desk::access::Visitor,
    chrome: Chrome,
    token: String,
    error: Option<String>,
) -> Result<InvitationPage, Problem> {
    if let Some(seconds) = from.address.and_then(|address| app.must_wait(address)) {
        return Err(identity::too_many(seconds));
    }
    let Some(invited) = app.desk.invited(&token).await else {
        from.address.inspect(|address| app.failed(*address));
        return Err(spent());
    };
    Ok(InvitationPage {
        chrome,
        token,
        id: invited.id,
        name: invited.name,
        is_reset: invited.is_reset,
        error,
    })
}

fn spent() -> Problem {
    Problem::new(
        StatusCode::GONE,
        "invitation",
        "This link was used before, or it is not known",
        "A link to set a password works once, for 24 hours.",
    )
    .hint("Ask whoever runs the daemon for a new one: `countersign user reset NAME`.")
}

/// The form.
#[derive(Deserialize)]
pub(super) struct InvitationForm {
    t: String,
    password: String,
}

/// `POST /invitation`.
pub(super) async fn accept(
    State(app): State<AppState>,
    security::From(from): security::From,
    Bare(chrome): Bare,
    FormOf(form): FormOf<InvitationForm>,
) -> Result<Response, Problem> {
    // Whether it is known comes first: nobody learns what makes a good password by a bad link.
    let page = invitation(&app, &from, chrome, form.t.clone(), None).await?;
    match app
        .desk
        .accept_invitation(&form.t, &form.password, from)
        .await
    {
        Ok(session) => Ok(session::enter(session, "/queue", Some(page.id))),
        Err(DeskError::Invalid { message, .. }) => {
            let page = InvitationPage {
                error: Some(message),
                ..page
            };
            let mut response = app.render(&page)?.into_response();
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(response)
        }
        Err(DeskError::NotFound(_)) => Err(spent()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
