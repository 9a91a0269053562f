//! `GET` and `POST /batch`: several handoffs at once, each checked on a page of its own first and each
//! decided against its own digest.

use axum::{
    extract::State,
    response::{Html, IntoResponse, Redirect, Response},
};
use countersign_protocol::{Digest, HandoffId, content::sniff, decision::Outcome, terms::Terms};
use jiff::SignedDuration;
use serde::Serialize;

use super::{
    answer::NO_ANSWER,
    view::{RiskView, place},
    visit::{Chrome, Visit},
};
use crate::{
    desk::{Answer, Answered, Care, Change, DeskError, Review, RiskLevel, people::TargetRow},
    error::Problem,
    render::{text, visible::visible, words},
    security::{FormOf, QueryOf},
    state::AppState,
    templates::Page,
};

/// The most handoffs in one batch.
const MOST: usize = 50;
/// What is shown of each: lines of its first file, of at most so many bytes and characters.
const LINES: usize = 4;
const BYTES: usize = 2_000;
const WIDTH: usize = 160;

#[derive(Debug, Serialize)]
pub(super) struct BatchPage {
    chrome: Chrome,
    items: Vec<Item>,
    /// What is left out, and why.
    left: Vec<Left>,
    /// Those that can be approved.
    good: usize,
    targets: Vec<TargetRow>,
}

/// A handoff of the batch.
#[derive(Debug, Serialize)]
struct Item {
    id: String,
    title: String,
    risk: RiskView,
    agent: String,
    place: String,
    passed: String,
    confidence: Option<f64>,
    /// What names it in the form: number, revision and digest.
    value: String,
    effect: String,
    files: String,
    first: String,
}

#[derive(Debug, Serialize)]
struct Left {
    id: String,
    title: String,
    why: String,
    /// What names it for what is no approval.
    value: Option<String>,
}

/// What became of each.
#[derive(Debug, Serialize)]
pub(super) struct BatchDone {
    chrome: Chrome,
    heading: String,
    results: Vec<Outcomes>,
}

#[derive(Debug, Serialize)]
struct Outcomes {
    id: String,
    title: String,
    done: bool,
    text: String,
}

/// Why a handoff needs an answer of its own.
fn needs_its_own(review: &Review) -> Option<String> {
    let row = &review.row;
    if row.state != "waiting" {
        return Some("waits for nobody any more".to_owned());
    }
    if row.stalled || row.trigger == countersign_protocol::handoff::Trigger::Error {
        return Some("stopped with an error and needs its own answer".to_owned());
    }
    if row.risk.level == RiskLevel::High {
        return Some("is of high risk and needs its own look".to_owned());
    }
    if !review.answers.iter().any(|answer| answer == "approve") {
        return Some("asks a question, which an approval does not answer".to_owned());
    }
    let care = &review.care;
    if care.type_id || !care.checklist.is_empty() {
        return Some("has a checklist of its own".to_owned());
    }
    if care.step_up {
        return Some("asks you to show that it is you".to_owned());
    }
    if care.view_files && !super::remarks::all_viewed(review) {
        return Some("has changed files that you have not viewed".to_owned());
    }
    if !review.drafts.is_empty() {
        return Some("has comments of yours that are not sent yet".to_owned());
    }
    if review.edits.iter().any(|edit| edit.current) {
        return Some("has files that you edited".to_owned());
    }
    let open = review.threads.iter().filter(|row| row.resolved.is_none());
    if let open @ 1.. = open.count() {
        return Some(format!("has {}", words::count(open, "open thread")));
    }
    let check = review.checks.iter().find(|check| !check.ok)?;
    Some(format!("needs attention: {}", check.text))
}

impl Item {
    fn new(review: &Review, first: String) -> Self {
        let row = &review.row;
        let passed = review.checks.iter().filter(|check| check.ok).count();
        let effect = review.effects.iter().find(|one| one.answer == "approve");
        Self {
            id: row.id.to_string(),
            title: row.title.clone(),
            risk: RiskView::new(&row.risk),
            agent: row.agent.clone(),
            place: place(row),
            passed: format!("{passed} of {}", review.checks.len()),
            confidence: row.confidence,
            value: value(review),
            effect: effect.map(|one| one.text.clone()).unwrap_or_default(),
            files: words::count(row.files, "file"),
            first,
        }
    }
}

fn value(review: &Review) -> String {
    format!(
        "{} {} {}",
        review.row.id, review.revision, review.manifest_sha256
    )
}

/// The first lines of the first file that is text.
async fn first_lines(visit: &Visit, review: &Review) -> String {
    let mut files = review.files.iter();
    let Some(file) = files.find(|file| file.kept && file.change != Change::Removed) else {
        return String::new();
    };
    let (desk, id) = (&visit.app.desk, review.row.id);
    let caller = visit.caller();
    let opened = desk.open(&caller, id, review.revision, &file.path);
    let Ok(sealed) = opened.await else {
        return String::new();
    };
    let Ok(bytes) = sealed.open.read(0, BYTES).await else {
        return String::new();
    };
    let complete = bytes.len() as u64 == sealed.open.size;
    if !sniff(&bytes, complete, &file.path).kind.is_text() {
        return format!("{}, {}", file.path, words::size(file.size));
    }
    let read = text::decode(&bytes, complete);
    let lines = read.text.lines().take(LINES);
    let lines: Vec<String> = lines
        .map(|line| visible(&line.chars().take(WIDTH).collect::<String>()).into_owned())
        .collect();
    lines.join("\n")
}

/// Shows what would happen. Changes nothing.
pub(super) async fn show(
    visit: Visit,
    State(app): State<AppState>,
    QueryOf(fields): QueryOf<Vec<(String, String)>>,
) -> Result<Html<String>, Problem> {
    let ids = fields
        .iter()
        .filter(|(name, _)| name == "id")
        .map(|(_, id)| id.parse::<HandoffId>())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| Problem::bad_request("The address names a handoff that cannot be."))?;
    if ids.len() > MOST {
        let message = format!("Take at most {MOST} handoffs at once.");
        return Err(Problem::invalid("id", message));
    }
    let mut page = BatchPage {
        chrome: visit.chrome("queue").await?,
        items: Vec::new(),
        left: Vec::new(),
        good: 0,
        targets: app.desk.targets(&visit.person).await.unwrap_or_default(),
    };
    for id in ids {
        let review = match app.desk.review(&visit.caller(), id, None, None).await {
            Ok(review) => review,
            // What a person may not know of is left out without a word.
            Err(DeskError::NotFound(_) | DeskError::NotAllowed(_)) => continue,
            Err(error) => return Err(error.into()),
        };
        match needs_its_own(&review) {
            None => {
                let first = first_lines(&visit, &review).await;
                page.items.push(Item::new(&review, first));
            }
            Some(why) => page.left.push(Left {
                id: id.to_string(),
                title: review.row.title.clone(),
                why,
                value: (review.row.state == "waiting").then(|| value(&review)),
            }),
        }
    }
    page.good = page.items.len();
    visit.render(&page)
}

/// What the form of the check page says.
#[derive(Default)]
struct Wish {
    what: String,
    to: String,
    minutes: i64,
    items: Vec<(HandoffId, u32, Digest)>,
}

impl Wish {
    fn read(fields: Vec<(String, String)>) -> Option<Self> {
        let mut wish = Self::default();
        for (name, value) in fields {
            match name.as_str() {
                "do" => wish.what = value,
                "to" => wish.to = value,
                "minutes" => wish.minutes = value.parse().ok()?,
                "item" | "other" => {
                    let mut parts = value.split(' ');
                    let id = parts.next()?.parse().ok()?;
                    let revision = parts.next()?.parse().ok()?;
                    let digest = parts.next()?.parse().ok()?;
                    // What needs an answer of its own can be put off with the rest, and not approved.
                    if name == "item" || wish.what != "approve" {
                        wish.items.push((id, revision, digest));
                    }
                }
                _ => {}
            }
        }
        (wish.items.len() <= MOST).then_some(wish)
    }
}

/// Does it, one after the other; what fails does not hold up the rest.
pub(super) async fn act(
    visit: Visit,
    State(app): State<AppState>,
    FormOf(fields): FormOf<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let bad = || Problem::bad_request("The form is not one of ours.");
    // The button comes last in the form and first in the wish.
    let (buttons, others): (Vec<_>, Vec<_>) =
        fields.into_iter().partition(|(name, _)| name == "do");
    let wish = Wish::read(buttons.into_iter().chain(others).collect()).ok_or_else(bad)?;
    // Enter on a tick does nothing but show the page again.
    if wish.what == NO_ANSWER {
        let ids = wish.items.iter().map(|(id, ..)| format!("id={id}"));
        let to = format!("/batch?{}", ids.collect::<Vec<_>>().join("&"));
        return Ok(Redirect::to(&to).into_response());
    }
    if !matches!(wish.what.as_str(), "approve" | "snooze" | "assign") {
        return Err(bad());
    }
    let mut results = Vec::with_capacity(wish.items.len());
    for (id, revision, manifest_sha256) in &wish.items {
        let title = app.desk.row(&visit.caller(), *id).await;
        let done = match wish.what.as_str() {
            "approve" => approve(&visit, *id, *revision, *manifest_sha256).await,
            "snooze" => {
                let until =
                    visit.now().at + SignedDuration::from_mins(wish.minutes.clamp(1, 43_200));
                let put_off = app.desk.snooze(&visit.person, *id, until).await;
                put_off.map(|()| "put off".to_owned())
            }
            _ => {
                let assigned = app.desk.assign(&visit.person, *id, &wish.to, None).await;
                assigned.map(|()| format!("handed to {}", wish.to))
            }
        };
        results.push(Outcomes {
            id: id.to_string(),
            title: title.map(|row| row.title).unwrap_or_default(),
            done: done.is_ok(),
            text: done.unwrap_or_else(|error| error.to_string()),
        });
    }
    let done = results.iter().filter(|one| one.done).count();
    let page = BatchDone {
        chrome: visit.chrome("queue").await?,
        heading: format!("{done} of {} done", words::count(results.len(), "handoff")),
        results,
    };
    Ok(visit.render(&page)?.into_response())
}

/// Approves one, unless it came to need an answer of its own since the check page was made.
async fn approve(
    visit: &Visit,
    id: HandoffId,
    revision: u32,
    manifest_sha256: Digest,
) -> Result<String, DeskError> {
    let desk = &visit.app.desk;
    let review = desk.review(&visit.caller(), id, None, None).await?;
    let conflict = |why: String| DeskError::Conflict { id, why };
    // An answer that was given before is found again, so that a page that is sent twice says the same.
    if review.row.state == "waiting"
        && review.row.revision == revision
        && let Some(why) = needs_its_own(&review)
    {
        return Err(conflict(why));
    }
    let answer = Answer {
        revision,
        manifest_sha256,
        edits: Vec::new(),
        outcome: Outcome::Approved,
        comment: None,
        answers: Vec::new(),
        reasons: Vec::new(),
        requests: Vec::new(),
        terms: Terms::default(),
        care: Care::default(),
        partial: None,
    };
    Ok(match desk.answer(&visit.person, id, answer).await? {
        Answered::Decided(_) => format!("revision {revision} approved"),
        Answered::Counted(approval) => format!("revision {revision}: {}", approval.words()),
        Answered::Held(held) => format!(
            "revision {revision} {}, goes out at {}; open it to take that back",
            if held.vote {
                "has your vote"
            } else {
                "approved"
            },
            words::clock(held.until, visit.now().zone)
        ),
    })
}

impl Page for BatchPage {
    const TEMPLATE: &'static str = "pages/batch.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        use crate::showcase::sample;
        let review = sample::review();
        let left = |value: Option<String>| Left {
            id: "H-9".to_owned(),
            title: sample::HOSTILE.to_owned(),
            why: "is of high risk and needs its own look".to_owned(),
            value,
        };
        let page = |items: Vec<Item>, left, targets| Self {
            chrome: Chrome::sample("queue"),
            good: items.len(),
            items,
            left,
            targets,
        };
        let target = TargetRow {
            target: "group:editors".to_owned(),
            name: sample::HOSTILE.to_owned(),
        };
        let item = || Item::new(&review, sample::HOSTILE.to_owned());
        vec![
            page(vec![item(), item()], vec![left(None)], vec![target]),
            page(
                vec![item()],
                vec![left(Some(value(&review))), left(None)],
                Vec::new(),
            ),
            page(Vec::new(), vec![left(None)], Vec::new()),
            page(Vec::new(), Vec::new(), Vec::new()),
        ]
    }
}

impl Page for BatchDone {
    const TEMPLATE: &'static str = "pages/batch-done.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let result = |done| Outcomes {
            id: "H-9".to_owned(),
            title: crate::showcase::sample::HOSTILE.to_owned(),
            done,
            text: "revision 2 approved".to_owned(),
        };
        vec![Self {
            chrome: Chrome::sample("queue"),
            heading: "1 of 2 handoffs done".to_owned(),
            results: vec![result(true), result(false)],
        }]
    }
}
