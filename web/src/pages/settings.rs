//! `GET /settings`: how this browser behaves, what messages may tell, and tokens of one's own and of agents.

use axum::{
    extract::State,
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    person_tokens::{self, PersonTokensPart},
    view::{Now, When},
    visit::{Chrome, Visit},
};
use crate::{
    desk::{DeskError, TokenRow, messages::Disclosed, preferences::Preferences, wishes::Wishes},
    error::Problem,
    security::{FormOf, PathOf},
    state::AppState,
    templates::Page,
};

#[derive(Debug, Serialize)]
pub(super) struct SettingsPage {
    chrome: Chrome,
    preferences: Preferences,
    disclosed: Vec<Disclosed>,
    receivers: usize,
    /// Absent where nobody can be told.
    wishes: Option<WishesPart>,
    tokens: Vec<TokenView>,
    /// Whether those of agents are this person's business.
    manages: bool,
    mine: PersonTokensPart,
}

#[derive(Debug, Serialize)]
struct TokenView {
    id: String,
    agent: String,
    workspaces: String,
    made: When,
    until: Option<When>,
    /// `good`, `taken back` or `over`.
    state: &'static str,
}

impl TokenView {
    fn new(row: TokenRow, now: Now<'_>) -> Self {
        Self {
            id: row.id,
            agent: row.agent,
            workspaces: row.workspaces.join(", "),
            made: When::new(row.created_at, now),
            until: row.expires_at.map(|at| When::planned(at, now)),
            state: match row.expires_at {
                _ if row.revoked => "taken back",
                Some(until) if until <= now.at => "over",
                _ => "good",
            },
        }
    }
}

/// Shows the page.
pub(super) async fn show(visit: Visit) -> Result<Html<String>, Problem> {
    let mine = PersonTokensPart::load(&visit, &person_tokens::nothing()).await?;
    let page = SettingsPage::load(&visit, mine).await?;
    visit.render(&page)
}

impl SettingsPage {
    pub(super) async fn load(visit: &Visit, mine: PersonTokensPart) -> Result<Self, Problem> {
        let desk = &visit.app.desk;
        let (mut tokens, manages) = match desk.tokens(&visit.person).await {
            Ok(tokens) => (tokens, true),
            Err(DeskError::MayNot { .. }) => (Vec::new(), false),
            Err(error) => return Err(error.into()),
        };
        tokens.sort_by_key(|row| (row.revoked, std::cmp::Reverse(row.created_at)));
        let receivers = desk.receivers(&visit.person).await.unwrap_or_default();
        Ok(Self {
            chrome: visit.chrome("settings").await?,
            preferences: desk.preferences(&visit.person).await?,
            disclosed: desk.disclosed(&visit.person).await?,
            receivers: receivers.len(),
            wishes: desk.wishes(&visit.person).await?.map(WishesPart::new),
            tokens: tokens
                .into_iter()
                .map(|row| TokenView::new(row, visit.now()))
                .collect(),
            manages,
            mine,
        })
    }
}

/// What was chosen; a box that is not ticked is not sent.
#[derive(Debug, Deserialize)]
pub(super) struct Chosen {
    open_next: Option<String>,
}

/// `POST /settings/preferences`.
pub(super) async fn prefer(
    visit: Visit,
    State(app): State<AppState>,
    FormOf(chosen): FormOf<Chosen>,
) -> Result<Response, Problem> {
    let preferences = Preferences {
        open_next: chosen.open_next.is_some(),
    };
    app.desk.prefer(&visit.person, preferences).await?;
    Ok(Redirect::to("/settings").into_response())
}

/// How a person is told, for the page.
#[derive(Debug, Serialize)]
struct WishesPart {
    ways: Vec<String>,
    quiet: Vec<String>,
    digest: String,
    zone: String,
    rows: Vec<WishPart>,
}

#[derive(Debug, Serialize)]
struct WishPart {
    topic: String,
    words: String,
    ways: Vec<bool>,
    collected: Option<bool>,
}

impl WishesPart {
    fn new(wishes: Wishes) -> Self {
        let rows = wishes.rows.into_iter().map(|row| WishPart {
            topic: row.topic,
            words: row.words,
            ways: row.ways,
            collected: row.collected,
        });
        Self {
            rows: rows.collect(),
            ways: wishes.ways,
            quiet: wishes.quiet,
            digest: wishes.digest,
            zone: wishes.zone,
        }
    }
}

/// `POST /settings/messages`: how one is told of what; a box that is not ticked is not sent.
pub(super) async fn wish(
    visit: Visit,
    State(app): State<AppState>,
    FormOf(fields): FormOf<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let known = app.desk.wishes(&visit.person).await?;
    let rows = known.map(|known| known.rows).unwrap_or_default();
    let chosen = rows.into_iter().map(|row| {
        let ticked = || fields.iter().filter(|(topic, _)| *topic == row.topic);
        let ways = ticked().filter_map(|(_, value)| value.strip_prefix("way:"));
        let ways = ways.map(str::to_owned).collect();
        let collected = ticked().any(|(_, value)| value == "collected");
        (row.topic.clone(), ways, collected)
    });
    app.desk.wish(&visit.person, chosen.collect()).await?;
    Ok(Redirect::to("/settings#notifications").into_response())
}

/// `POST /settings/tokens/{id}/revoke`.
pub(super) async fn revoke(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(id): PathOf<String>,
) -> Result<Response, Problem> {
    app.desk.revoke_token(&visit.person, &id).await?;
    Ok(Redirect::to("/settings#tokens").into_response())
}

impl Page for SettingsPage {
    const TEMPLATE: &'static str = "pages/settings.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        use crate::showcase::{messages::disclosed, sample};
        let now = Now::utc(sample::now());
        let token = |revoked, expires_at| {
            let row = TokenRow {
                id: "t1".to_owned(),
                agent: sample::HOSTILE.to_owned(),
                workspaces: vec!["billing-backfill".to_owned()],
                created_at: now.at,
                expires_at,
                revoked,
            };
            TokenView::new(row, now)
        };
        let page = |manages, receivers, mine| Self {
            chrome: Chrome::sample("settings"),
            preferences: Preferences {
                open_next: receivers > 0,
            },
            disclosed: disclosed(),
            receivers,
            wishes: (receivers > 0).then(|| WishesPart::new(crate::showcase::wishes::wishes())),
            tokens: vec![
                token(false, None),
                token(true, Some(now.at)),
                token(false, Some(now.at)),
            ],
            manages,
            mine,
        };
        let mut pages: Vec<_> = PersonTokensPart::samples()
            .into_iter()
            .map(|mine| page(true, 2, mine))
            .collect();
        let parts = PersonTokensPart::samples().into_iter();
        pages.extend(parts.take(1).map(|mine| Self {
            tokens: Vec::new(),
            ..page(true, 0, mine)
        }));
        let parts = PersonTokensPart::samples().into_iter();
        pages.extend(parts.take(1).map(|mine| page(false, 0, mine)));
        pages
    }
}
