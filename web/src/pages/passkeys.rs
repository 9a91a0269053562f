//! The part of one's account with passkeys.

use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{
    accounts::{Wrong, account_page},
    step_up::OfPage,
    view::{Now, When},
    visit::Visit,
};
use crate::{
    desk::{DeskError, access::SignInError, step_up::PasskeyRow},
    error::Problem,
    security::{FormOf, PathOf, Shown},
};

/// A passkey in the table.
#[derive(Debug, Serialize)]
struct PasskeyView {
    id: String,
    name: String,
    site: String,
    made: When,
    used: Option<When>,
}

/// What the template shows.
#[derive(Debug, Serialize)]
pub(super) struct PasskeysView {
    keys: Vec<PasskeyView>,
    /// What a browser is asked to make one with; absent where this page can have none.
    options: Option<String>,
}

impl PasskeysView {
    pub(super) fn new(rows: Vec<PasskeyRow>, options: Option<String>, now: Now<'_>) -> Self {
        let view = |row: PasskeyRow| PasskeyView {
            id: row.id,
            name: row.name,
            site: row.site,
            made: When::new(row.made_at, now),
            used: row.used_at.map(|at| When::new(at, now)),
        };
        Self {
            keys: rows.into_iter().map(view).collect(),
            options,
        }
    }
}

/// The form for a new one.
#[derive(Deserialize)]
pub(super) struct NewPasskey {
    name: String,
    #[serde(default)]
    password: String,
    said: String,
}

/// `POST /account/passkeys`.
pub(super) async fn add(
    visit: Visit,
    page: OfPage,
    Shown(secret): Shown,
    FormOf(form): FormOf<NewPasskey>,
) -> Result<Response, Problem> {
    let desk = &visit.app.desk;
    let said = (form.said.as_str(), page.origin());
    let proof = page.proof(String::new(), form.password);
    let work = desk.add_passkey(&visit.person, &form.name, said, proof.clone());
    let (field, message) = match page.count(&visit, &proof, work).await? {
        Ok(()) => return Ok(Redirect::to("/account#passkeys").into_response()),
        Err(SignInError::Desk(DeskError::Invalid { message, .. })) => ("passkey-name", message),
        Err(SignInError::Desk(error)) => return Err(error.into()),
        Err(_) => {
            let why = "Type your password as it is now, or sign in again first";
            ("passkey-password", why.to_owned())
        }
    };
    let wrong = Some(Wrong { field, message });
    let page = account_page(&visit, secret.as_deref(), page.origin(), wrong).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, visit.render(&page)?).into_response())
}

/// `POST /account/passkeys/{id}/remove`.
pub(super) async fn remove(visit: Visit, PathOf(id): PathOf<String>) -> Result<Response, Problem> {
    visit.app.desk.remove_passkey(&visit.person, &id).await?;
    Ok(Redirect::to("/account#passkeys").into_response())
}
