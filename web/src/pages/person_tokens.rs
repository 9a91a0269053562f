//! The part of the settings with tokens for programs that work in one's own name.

use axum::response::{IntoResponse, Redirect, Response};
use countersign_protocol::access::Permission;
use http::StatusCode;
use serde::Serialize;

use super::{
    settings::SettingsPage,
    view::{Now, When},
    visit::Visit,
};
use crate::{
    dav,
    desk::{
        DeskError,
        person_tokens::{NewPersonToken, PersonTokenRow},
    },
    error::Problem,
    security::{FormOf, PathOf},
};

/// A token in the table.
#[derive(Debug, Serialize)]
struct TokenView {
    id: String,
    name: String,
    reaches: String,
    may: String,
    made: When,
    used: Option<When>,
    until: When,
}

impl TokenView {
    fn new(row: PersonTokenRow, now: Now<'_>) -> Self {
        let may: Vec<_> = row.may.iter().map(|one| one.words()).collect();
        Self {
            id: row.id,
            name: row.name,
            reaches: row
                .workspaces
                .map_or_else(|| "every workspace".to_owned(), |names| names.join(", ")),
            may: may.join("; "),
            made: When::new(row.made_at, now),
            used: row.used_at.map(|at| When::new(at, now)),
            until: When::planned(row.expires_at, now),
        }
    }
}

/// Something that can be ticked.
#[derive(Debug, Serialize)]
struct Choice {
    value: String,
    words: String,
    ticked: bool,
}

/// Days to choose from.
const DAYS: [u32; 4] = [7, 30, 90, 365];

/// What the template shows.
#[derive(Debug, Serialize)]
pub(super) struct PersonTokensPart {
    tokens: Vec<TokenView>,
    workspaces: Vec<Choice>,
    permissions: Vec<Choice>,
    days: [u32; 4],
    chosen_days: u32,
    typed: String,
    /// The secret of the one that was just made.
    secret: Option<String>,
    pub(super) error: Option<String>,
    /// Where the folder is that a token opens.
    mount: String,
}

impl PersonTokensPart {
    fn new(
        rows: Vec<PersonTokenRow>,
        workspaces: impl Iterator<Item = String>,
        may: impl Iterator<Item = Permission>,
        wished: &NewPersonToken,
        now: Now<'_>,
    ) -> Self {
        let named = |name: &String| wished.workspaces.iter().flatten().any(|one| one == name);
        Self {
            tokens: rows
                .into_iter()
                .map(|row| TokenView::new(row, now))
                .collect(),
            workspaces: workspaces
                .map(|name| Choice {
                    ticked: named(&name),
                    words: name.clone(),
                    value: name,
                })
                .collect(),
            permissions: may
                .map(|one| Choice {
                    value: one.name().to_owned(),
                    words: one.words().to_owned(),
                    ticked: wished.may.contains(&one),
                })
                .collect(),
            days: DAYS,
            chosen_days: wished.days.unwrap_or(30),
            typed: wished.name.clone(),
            secret: None,
            error: None,
            mount: format!("{}/", dav::PREFIX),
        }
    }

    /// The part for `visit`, with the form as it was sent.
    pub(super) async fn load(visit: &Visit, wished: &NewPersonToken) -> Result<Self, Problem> {
        let desk = &visit.app.desk;
        let rows = desk.person_tokens(&visit.person, false).await?;
        let own = desk.own_account(&visit.person).await?;
        let access = &visit.person.access;
        let may = Permission::all().filter(|one| one.is_delegable() && access.may_somewhere(*one));
        let seen = own
            .roles
            .into_iter()
            .map(|row| row.workspace)
            .filter(|name| access.may(Permission::Read, Some(name)));
        Ok(Self {
            mount: format!("{}{}/", visit.origin(), dav::PREFIX),
            ..Self::new(rows, seen, may, wished, visit.now())
        })
    }

    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        use crate::showcase::{person_tokens, sample};
        let part = |rows, typed: &str| {
            let wished = NewPersonToken {
                name: typed.to_owned(),
                ..nothing()
            };
            let names = ["billing-backfill".to_owned(), sample::HOSTILE.to_owned()];
            let may = [Permission::Read, Permission::Decide];
            Self::new(
                rows,
                names.into_iter(),
                may.into_iter(),
                &wished,
                Now::utc(sample::now()),
            )
        };
        let used = PersonTokenRow {
            used_at: Some(sample::now()),
            workspaces: None,
            ..person_tokens::row()
        };
        vec![
            part(Vec::new(), ""),
            Self {
                secret: Some("csp_p2_secret".to_owned()),
                ..part(vec![person_tokens::row(), used], "")
            },
            Self {
                error: Some(sample::HOSTILE.to_owned()),
                ..part(Vec::new(), sample::HOSTILE)
            },
        ]
    }
}

/// The empty form: to read, for a month.
pub(super) fn nothing() -> NewPersonToken {
    NewPersonToken {
        name: String::new(),
        workspaces: None,
        may: vec![Permission::Read],
        days: None,
    }
}

/// The form as it was sent; boxes come as fields of one name.
fn wish(fields: Vec<(String, String)>) -> Result<NewPersonToken, Problem> {
    let mut wish = NewPersonToken {
        may: Vec::new(),
        ..nothing()
    };
    for (name, value) in fields {
        match name.as_str() {
            "name" => wish.name = value,
            "workspace" => wish.workspaces.get_or_insert_default().push(value),
            "may" => wish.may.push(
                value
                    .parse()
                    .map_err(|why: String| Problem::invalid("may", why))?,
            ),
            "days" => wish.days = value.parse().ok(),
            _ => {}
        }
    }
    Ok(wish)
}

/// `POST /settings/person-tokens`. The page shows the secret; a redirect would have to carry it in an address.
pub(super) async fn create(
    visit: Visit,
    FormOf(fields): FormOf<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let wished = wish(fields)?;
    let made = visit
        .app
        .desk
        .create_person_token(&visit.person, wished.clone())
        .await;
    let (status, part) = match made {
        Ok((_, secret)) => {
            let part = PersonTokensPart::load(&visit, &nothing()).await?;
            let secret = Some(secret);
            (StatusCode::CREATED, PersonTokensPart { secret, ..part })
        }
        Err(DeskError::Invalid { message, .. }) => {
            let part = PersonTokensPart::load(&visit, &wished).await?;
            let error = Some(message);
            (
                StatusCode::UNPROCESSABLE_ENTITY,
                PersonTokensPart { error, ..part },
            )
        }
        Err(error) => return Err(error.into()),
    };
    let page = SettingsPage::load(&visit, part).await?;
    Ok((status, visit.render(&page)?).into_response())
}

/// `POST /settings/person-tokens/{id}/revoke`.
pub(super) async fn revoke(visit: Visit, PathOf(id): PathOf<String>) -> Result<Response, Problem> {
    match visit.app.desk.revoke_person_token(&visit.person, &id).await {
        // It may have been taken back from elsewhere.
        Ok(()) | Err(DeskError::NotFound(_)) => {
            Ok(Redirect::to("/settings#person-tokens").into_response())
        }
        Err(error) => Err(error.into()),
    }
}
