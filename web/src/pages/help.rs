//! `GET /help`: the keys, also without scripts.

use axum::response::Html;
use serde::Serialize;

use super::visit::{Chrome, Visit};
use crate::{error::Problem, templates::Page};

#[derive(Debug, Serialize)]
pub(super) struct HelpPage {
    chrome: Chrome,
}

/// Shows the list of keys.
pub(super) async fn show(visit: Visit) -> Result<Html<String>, Problem> {
    let chrome = visit.chrome("help").await?;
    visit.render(&HelpPage { chrome })
}

impl Page for HelpPage {
    const TEMPLATE: &'static str = "pages/help.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        vec![Self {
            chrome: Chrome::sample("help"),
        }]
    }
}
