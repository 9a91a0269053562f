//! `GET /dead-letters`: deliveries that could not be read, with the line and the way out.

use axum::{extract::State, response::Html};
use serde::Serialize;

use super::{
    view::{Now, ViolationView, When},
    visit::{Chrome, Visit},
};
use crate::{
    desk::{DeadLetter, routing::Stranded},
    error::Problem,
    render::words,
    state::AppState,
    templates::Page,
};

#[derive(Debug, Serialize)]
pub(super) struct DeadLettersPage {
    chrome: Chrome,
    heading: String,
    letters: Vec<Letter>,
    stranded: Vec<Lost>,
}

/// A handoff that nobody answered.
#[derive(Debug, Serialize)]
struct Lost {
    seq: u64,
    id: String,
    workspace: String,
    title: String,
    rule: String,
    at: When,
}

#[derive(Debug, Serialize)]
struct Letter {
    seq: u64,
    anchor: String,
    workspace: String,
    file: String,
    title: &'static str,
    kind: &'static str,
    at: When,
    errors: Vec<ViolationView>,
    text: Option<String>,
}

/// Shows the list.
pub(super) async fn show(
    visit: Visit,
    State(app): State<AppState>,
) -> Result<Html<String>, Problem> {
    let letters = app.desk.dead_letters(&visit.caller()).await?;
    let chrome = visit.chrome("dead-letters").await?;
    let stranded = app.desk.stranded(&visit.caller()).await?;
    visit.render(&DeadLettersPage::new(
        chrome,
        &letters,
        &stranded,
        visit.now(),
    ))
}

impl DeadLettersPage {
    fn new(chrome: Chrome, letters: &[DeadLetter], stranded: &[Stranded], now: Now<'_>) -> Self {
        Self {
            chrome,
            heading: if letters.is_empty() {
                "Everything could be read".to_owned()
            } else {
                format!(
                    "{} could not be read",
                    words::count(letters.len(), "handoff")
                )
            },
            letters: letters
                .iter()
                .map(|letter| Letter::new(letter, now))
                .collect(),
            stranded: stranded
                .iter()
                .map(|one| Lost {
                    seq: one.seq,
                    id: one.id.to_string(),
                    workspace: one.workspace.clone(),
                    title: one.title.clone(),
                    rule: one.rule.clone(),
                    at: When::new(one.at, now),
                })
                .collect(),
        }
    }
}

impl Letter {
    fn new(letter: &DeadLetter, now: Now<'_>) -> Self {
        let text = letter.text.as_deref();
        Self {
            seq: letter.seq,
            anchor: format!("e{}", letter.seq),
            workspace: letter.workspace.clone(),
            file: format!("{}/{}", letter.workspace, letter.file),
            title: letter.kind.title(),
            kind: letter.kind.name(),
            at: When::new(letter.at, now),
            errors: letter
                .errors
                .iter()
                .map(|error| ViolationView::new(error, text))
                .collect(),
            text: letter.text.clone(),
        }
    }
}

impl Page for DeadLettersPage {
    const TEMPLATE: &'static str = "pages/dead-letters.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        use crate::showcase::sample;
        let letters = sample::dead_letters();
        let mut binary = letters.clone();
        binary[0].text = None;
        binary[0].errors[0].line = 0;
        binary[0].errors[0].fix = None;
        [letters, binary, Vec::new()]
            .iter()
            .map(|letters| {
                let stranded = [Stranded {
                    id: countersign_protocol::HandoffId(9),
                    workspace: "sandbox".to_owned(),
                    title: "Reply to 14 supplier disputes".to_owned(),
                    rule: "disputes".to_owned(),
                    at: sample::now(),
                    seq: 77,
                }];
                Self::new(
                    Chrome::sample("dead-letters"),
                    letters,
                    &stranded,
                    Now::utc(sample::now()),
                )
            })
            .collect()
    }
}
