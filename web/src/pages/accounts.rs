//! One's own account, and the people there are.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use countersign_protocol::access::Permission;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{
    passkeys::PasskeysView,
    sign_in::{busy, slow_down, was_wrong},
    view::{Now, When},
    visit::{Chrome, Visit},
};
use crate::{
    desk::{
        DeskError, Person,
        access::{
            Invitation, NewAccount, PeopleReport, PersonRow, RoleRow, RolesIn, SessionRow,
            SignInError,
        },
    },
    error::Problem,
    render,
    security::{self, FormOf, Origin, PathOf, Shown, session},
    state::AppState,
    templates::Page,
};

/// A session in a table.
#[derive(Debug, Serialize)]
struct SessionView {
    id: String,
    name: String,
    by: String,
    address: Option<String>,
    browser: String,
    /// As the browser says it.
    stated: String,
    since: When,
    seen: When,
    ends: When,
    current: bool,
    may_end: bool,
}

impl SessionView {
    fn new(row: SessionRow, viewer: &Person, now: Now<'_>) -> Self {
        let may_end = row.person == viewer.id || viewer.access.may(Permission::ManagePeople, None);
        Self {
            id: row.id,
            name: row.name,
            by: format!("by {}", row.by.replace('_', " ")),
            address: row.address,
            browser: render::agent::browser(&row.browser),
            stated: row.browser,
            since: When::new(row.since, now),
            seen: When::new(row.seen_at, now),
            ends: When::planned(row.expires_at, now),
            current: row.current,
            may_end,
        }
    }
}

/// Roles in one workspace, in words.
#[derive(Debug, Serialize)]
struct RolesView {
    workspace: String,
    roles: String,
}

impl RolesView {
    fn all(rows: Vec<RolesIn>) -> Vec<Self> {
        let view = |row: RolesIn| Self {
            workspace: row.workspace,
            roles: row.roles.join(", "),
        };
        rows.into_iter().map(view).collect()
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Wrong {
    pub(super) field: &'static str,
    pub(super) message: String,
}

/// `GET /account`.
#[derive(Debug, Serialize)]
pub(super) struct AccountPage {
    chrome: Chrome,
    id: String,
    roles: Vec<RolesView>,
    sessions: Vec<SessionView>,
    has_password: bool,
    passkeys: PasskeysView,
    error: Option<Wrong>,
}

impl Page for AccountPage {
    const TEMPLATE: &'static str = "pages/account.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        use crate::showcase::{sample, step_up};
        let page = |roles, error, has_password| Self {
            chrome: Chrome::sample("account"),
            id: "maya".to_owned(),
            roles: RolesView::all(roles),
            sessions: samples::sessions(),
            has_password,
            passkeys: PasskeysView::new(
                if has_password {
                    vec![step_up::row()]
                } else {
                    Vec::new()
                },
                has_password.then(|| r#"{"challenge":"YQ"}"#.to_owned()),
                Now::utc(sample::now()),
            ),
            error,
        };
        let wrong = Wrong {
            field: "old",
            message: sample::HOSTILE.to_owned(),
        };
        vec![
            page(samples::roles(), None, true),
            page(Vec::new(), Some(wrong), true),
            page(samples::roles(), None, false),
        ]
    }
}

/// `GET /account`.
pub(super) async fn account(
    visit: Visit,
    Shown(secret): Shown,
    Origin(origin): Origin,
) -> Result<Response, Problem> {
    let page = account_page(&visit, secret.as_deref(), &origin, None).await?;
    Ok(visit.render(&page)?.into_response())
}

pub(super) async fn account_page(
    visit: &Visit,
    secret: Option<&str>,
    origin: &str,
    error: Option<Wrong>,
) -> Result<AccountPage, Problem> {
    let (desk, now) = (&visit.app.desk, visit.now());
    let own = desk.own_account(&visit.person).await?;
    let sessions = desk.sessions(&visit.person, false, secret).await?;
    let passkeys = desk.passkeys(&visit.person).await?;
    let options = desk.passkey_to_make(&visit.person, origin).await?;
    let view = |row| SessionView::new(row, &visit.person, now);
    Ok(AccountPage {
        passkeys: PasskeysView::new(passkeys, options, now),
        chrome: visit.chrome("account").await?,
        has_password: own.account.is_some(),
        id: own.id,
        roles: RolesView::all(own.roles),
        sessions: sessions.into_iter().map(view).collect(),
        error,
    })
}

/// The form for another password.
#[derive(Deserialize)]
pub(super) struct PasswordForm {
    old: String,
    new: String,
}

/// `POST /account/password`.
pub(super) async fn change_password(
    visit: Visit,
    State(app): State<AppState>,
    security::From(from): security::From,
    Shown(secret): Shown,
    Origin(origin): Origin,
    FormOf(form): FormOf<PasswordForm>,
) -> Result<Response, Problem> {
    let name = visit.person.id.clone();
    slow_down(&app, &from, &name)?;
    let changed = app
        .desk
        .change_password(&visit.person, &form.old, &form.new, from.clone())
        .await;
    let wrong = match changed {
        Ok(new) => return Ok(session::enter(new, "/account", Some(name))),
        Err(SignInError::Refused) => {
            was_wrong(&app, &from, name);
            Wrong {
                field: "old",
                message: "The password now is another one".to_owned(),
            }
        }
        Err(SignInError::Desk(DeskError::Invalid { message, .. })) => Wrong {
            field: "new",
            message,
        },
        Err(SignInError::Busy) => return Err(busy()),
        Err(SignInError::Desk(error)) => return Err(error.into()),
    };
    let page = account_page(&visit, secret.as_deref(), &origin, Some(wrong)).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, visit.render(&page)?).into_response())
}

/// Where the form stood.
#[derive(Deserialize)]
pub(super) struct EndForm {
    back: Option<String>,
}

/// `POST /sessions/{id}/end`.
pub(super) async fn end_session(
    visit: Visit,
    PathOf(id): PathOf<String>,
    FormOf(form): FormOf<EndForm>,
) -> Result<Response, Problem> {
    match visit.app.desk.end_session(&visit.person, &id).await {
        // It may have ended by itself.
        Ok(()) | Err(DeskError::NotFound(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let back = match form.back.as_deref() {
        Some("/people") => "/people",
        _ => "/account",
    };
    Ok(Redirect::to(back).into_response())
}

/// Somebody in the table.
#[derive(Debug, Serialize)]
struct PersonLine {
    id: String,
    name: String,
    local: bool,
    account: Option<AccountView>,
    roles: Vec<RolesView>,
}

#[derive(Debug, Serialize)]
struct AccountView {
    state: String,
    last: Option<When>,
}

impl PersonLine {
    fn new(row: PersonRow, now: Now<'_>) -> Self {
        Self {
            id: row.id,
            name: row.name,
            local: row.local,
            account: row.account.map(|account| AccountView {
                state: account.state,
                last: account.last_sign_in.map(|at| When::new(at, now)),
            }),
            roles: RolesView::all(row.roles),
        }
    }
}

/// A permission with the roles that hold it, in the order of the roles.
#[derive(Debug, Serialize)]
struct MatrixRow {
    name: &'static str,
    words: &'static str,
    held: Vec<bool>,
}

#[derive(Debug, Serialize)]
struct LinkView {
    name: String,
    link: String,
    until: When,
}

/// `GET /people`.
#[derive(Debug, Serialize)]
pub(super) struct PeoplePage {
    chrome: Chrome,
    people: Vec<PersonLine>,
    sessions: Vec<SessionView>,
    roles: Vec<RoleRow>,
    matrix: Vec<MatrixRow>,
    manage: bool,
    invitation: Option<LinkView>,
    typed: String,
    error: Option<String>,
}

impl PeoplePage {
    fn new(chrome: Chrome, report: PeopleReport, now: Now<'_>) -> Self {
        let matrix = Permission::all().map(|permission| MatrixRow {
            name: permission.name(),
            words: permission.words(),
            held: report
                .roles
                .iter()
                .map(|role| role.may.iter().any(|held| held == permission.name()))
                .collect(),
        });
        let matrix = matrix.collect();
        let line = |row| PersonLine::new(row, now);
        Self {
            chrome,
            people: report.people.into_iter().map(line).collect(),
            sessions: Vec::new(),
            roles: report.roles,
            matrix,
            manage: false,
            invitation: None,
            typed: String::new(),
            error: None,
        }
    }
}

impl Page for PeoplePage {
    const TEMPLATE: &'static str = "pages/people.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        use crate::showcase::{access, sample};
        let page = |manage| Self {
            manage,
            sessions: samples::sessions(),
            ..Self::new(
                Chrome::sample("people"),
                access::report(),
                Now::utc(sample::now()),
            )
        };
        let made = Self {
            invitation: Some(LinkView {
                name: sample::HOSTILE.to_owned(),
                link: "http://127.0.0.1:7420/invitation?t=x".to_owned(),
                until: When::new(sample::now(), Now::utc(sample::now())),
            }),
            ..page(true)
        };
        let wrong = Self {
            typed: sample::HOSTILE.to_owned(),
            error: Some(sample::HOSTILE.to_owned()),
            ..page(true)
        };
        vec![page(true), page(false), made, wrong]
    }
}

async fn people_page(visit: &Visit, secret: Option<&str>) -> Result<PeoplePage, Problem> {
    let (desk, now) = (&visit.app.desk, visit.now());
    let report = desk.people(&visit.person).await?;
    let sessions = desk.sessions(&visit.person, true, secret).await?;
    let view = |row| SessionView::new(row, &visit.person, now);
    Ok(PeoplePage {
        sessions: sessions.into_iter().map(view).collect(),
        manage: visit.person.access.may(Permission::ManagePeople, None),
        ..PeoplePage::new(visit.chrome("people").await?, report, now)
    })
}

/// `GET /people`.
pub(super) async fn people(visit: Visit, Shown(secret): Shown) -> Result<Response, Problem> {
    let page = people_page(&visit, secret.as_deref()).await?;
    Ok(visit.render(&page)?.into_response())
}

/// The form for an account.
#[derive(Deserialize)]
pub(super) struct AccountForm {
    id: String,
    #[serde(default)]
    name: String,
}

/// `POST /people`.
pub(super) async fn add(
    visit: Visit,
    Shown(secret): Shown,
    FormOf(form): FormOf<AccountForm>,
) -> Result<Response, Problem> {
    let new = NewAccount {
        id: form.id.trim().to_owned(),
        name: Some(form.name).filter(|name| !name.trim().is_empty()),
    };
    let typed = new.id.clone();
    match visit.app.desk.add_account(&visit.person, new).await {
        Ok(invitation) => linked(&visit, secret, invitation).await,
        Err(DeskError::Invalid { message, .. }) => {
            let page = PeoplePage {
                typed,
                error: Some(message),
                ..people_page(&visit, secret.as_deref()).await?
            };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, visit.render(&page)?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// The page with a link. A redirect would have to carry the secret in an address.
async fn linked(
    visit: &Visit,
    secret: Option<String>,
    invitation: Invitation,
) -> Result<Response, Problem> {
    let until = When::planned(invitation.expires_at, visit.now());
    let page = PeoplePage {
        invitation: Some(LinkView {
            name: invitation.account.name,
            link: invitation.link,
            until,
        }),
        ..people_page(visit, secret.as_deref()).await?
    };
    Ok((StatusCode::CREATED, visit.render(&page)?).into_response())
}

/// `POST /people/{id}/reset`.
pub(super) async fn reset(
    visit: Visit,
    Shown(secret): Shown,
    PathOf(id): PathOf<String>,
) -> Result<Response, Problem> {
    let invitation = visit.app.desk.reset_account(&visit.person, &id).await?;
    linked(&visit, secret, invitation).await
}

/// `POST /people/{id}/disable`.
pub(super) async fn disable(visit: Visit, PathOf(id): PathOf<String>) -> Result<Response, Problem> {
    let desk = &visit.app.desk;
    desk.disable_account(&visit.person, &id, true).await?;
    Ok(Redirect::to("/people").into_response())
}

/// `POST /people/{id}/enable`.
pub(super) async fn enable(visit: Visit, PathOf(id): PathOf<String>) -> Result<Response, Problem> {
    let desk = &visit.app.desk;
    desk.disable_account(&visit.person, &id, false).await?;
    Ok(Redirect::to("/people").into_response())
}

#[cfg(test)]
mod samples {
    use super::{Now, RolesIn, SessionView};
    use crate::showcase::{access, sample};

    pub(super) fn roles() -> Vec<RolesIn> {
        vec![RolesIn {
            workspace: sample::HOSTILE.to_owned(),
            roles: vec!["approver".to_owned(), "operator".to_owned()],
        }]
    }

    pub(super) fn sessions() -> Vec<SessionView> {
        let view = |row| SessionView::new(row, &sample::maya(), Now::utc(sample::now()));
        access::sessions().into_iter().map(view).collect()
    }
}
