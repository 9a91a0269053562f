//! `GET /workspaces`: what agents may do where, and what holds them to it.

use axum::{extract::State, response::Html};
use serde::Serialize;

use super::{
    ownership::{self, OwnershipPart},
    view::Now,
    visit::{Chrome, Visit},
};
use crate::{
    desk::{
        boundaries::{BoundaryRow, Holds, WorkspaceBoundaries},
        ownership::OwnershipRow,
        people::TargetRow,
    },
    error::Problem,
    state::AppState,
    templates::Page,
};

#[derive(Debug, Serialize)]
pub(super) struct WorkspacesPage {
    chrome: Chrome,
    workspaces: Vec<View>,
    /// To whom a workspace can be offered.
    people: Vec<TargetRow>,
}

#[derive(Debug, Serialize)]
struct View {
    name: String,
    path: String,
    tried_as: String,
    agents: String,
    people: String,
    protect: bool,
    releases: usize,
    rows: Vec<Row>,
    mechanisms: Vec<Mechanism>,
    violations: Vec<String>,
    /// Whether every room is held for agents that are started through us.
    is_held: bool,
    ownership: Option<OwnershipPart>,
}

#[derive(Debug, Serialize)]
struct Row {
    room: String,
    promise: String,
    shared: Tag,
    run: Tag,
    detail: String,
}

#[derive(Debug, Serialize)]
struct Mechanism {
    name: String,
    held: Tag,
    detail: String,
}

#[derive(Debug, Serialize)]
struct Tag {
    words: &'static str,
    class: &'static str,
}

/// Shows them.
pub(super) async fn show(
    visit: Visit,
    State(app): State<AppState>,
) -> Result<Html<String>, Problem> {
    let found = app.desk.boundaries(&visit.person).await?;
    let owned = app.desk.ownerships(&visit.caller()).await?;
    let chrome = visit.chrome("workspaces").await?;
    let people = ownership::people(&visit).await;
    let page = WorkspacesPage::new(chrome, &found, &owned, people, visit.now());
    visit.render(&page)
}

impl WorkspacesPage {
    fn new(
        chrome: Chrome,
        found: &[WorkspaceBoundaries],
        owned: &[OwnershipRow],
        people: Vec<TargetRow>,
        now: Now<'_>,
    ) -> Self {
        let view = |one: &WorkspaceBoundaries| {
            let row = owned.iter().find(|row| row.workspace == one.workspace);
            View {
                ownership: row.map(|row| OwnershipPart::new(row, now)),
                ..View::new(one)
            }
        };
        Self {
            chrome,
            workspaces: found.iter().map(view).collect(),
            people,
        }
    }
}

impl View {
    fn new(found: &WorkspaceBoundaries) -> Self {
        let named = |names: &[String], otherwise: &str| match names {
            [] => otherwise.to_owned(),
            names => names.join(", "),
        };
        Self {
            name: found.workspace.clone(),
            path: found.path.clone(),
            tried_as: found.tried_as.clone(),
            agents: named(&found.agents, "any"),
            people: named(&found.people, "everybody who signs in"),
            protect: found.protect,
            releases: found.releases,
            rows: found.rows.iter().map(Row::new).collect(),
            mechanisms: found
                .mechanisms
                .iter()
                .map(|one| Mechanism {
                    name: one.name.clone(),
                    held: Tag::new(one.holds),
                    detail: one.detail.clone(),
                })
                .collect(),
            violations: found.violations.clone(),
            is_held: found.rows.iter().all(|row| row.run == Holds::Kernel),
            ownership: None,
        }
    }
}

impl Row {
    fn new(row: &BoundaryRow) -> Self {
        Self {
            room: row.room.clone(),
            promise: row.promise.clone(),
            shared: Tag::new(row.shared),
            run: Tag::new(row.run),
            detail: row.detail.clone(),
        }
    }
}

impl Tag {
    fn new(holds: Holds) -> Self {
        Self {
            words: holds.words(),
            class: match holds {
                Holds::Kernel | Holds::Modes => "ok",
                Holds::Detected => "warn",
                Holds::Open => "bad",
                Holds::NotTried => "",
            },
        }
    }
}

impl Page for WorkspacesPage {
    const TEMPLATE: &'static str = "pages/workspaces.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let found = crate::showcase::boundaries::sample();
        let mut quiet = found.clone();
        quiet[0].violations.clear();
        quiet[0].protect = false;
        quiet[0].rows.retain(|row| row.run == Holds::Kernel);
        [found, quiet, Vec::new()]
            .iter()
            .map(|found| {
                let owned = crate::showcase::ownership::sample();
                let people = vec![TargetRow {
                    target: "maya".to_owned(),
                    name: "Maya Okafor".to_owned(),
                }];
                let now = Now::utc(crate::showcase::sample::now());
                Self::new(Chrome::sample("workspaces"), found, &owned, people, now)
            })
            .collect()
    }
}
