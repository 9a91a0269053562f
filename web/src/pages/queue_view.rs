//! What the queue page shows.

use countersign_protocol::Digest;
use jiff::SignedDuration;
use minijinja::Value;
use serde::Serialize;

use super::{
    artifact::FileName,
    first_run::FirstRun,
    terms,
    view::{Now, RiskView, state_word},
    visit::Chrome,
};
use crate::{
    desk::{Change, HandoffRow, Health, Queue, QueueCounts, QueueView, Review},
    render::words,
    templates::Page,
};

/// Files in the preview pane.
const PEEK_FILES: usize = 5;

#[derive(Debug, Serialize)]
pub(super) struct QueuePage {
    chrome: Chrome,
    /// `turn`, `agents` or `decided`.
    view: &'static str,
    heading: String,
    /// Under the heading.
    lead: String,
    tabs: Vec<Tab>,
    dead: Option<DeadNotice>,
    troubles: Vec<String>,
    sections: Vec<Section>,
    shown: usize,
    total: usize,
    next: Option<String>,
    peek: Option<Peek>,
    /// Before the first delivery ever.
    first_run: Option<FirstRun>,
}

#[derive(Debug, Serialize)]
struct Tab {
    view: &'static str,
    word: &'static str,
    count: usize,
    current: bool,
}

/// What could not be read, in one line.
#[derive(Debug, Serialize)]
struct DeadNotice {
    count: usize,
    file: String,
    title: String,
    pointer: String,
    message: String,
}

#[derive(Debug, Serialize)]
struct Section {
    title: &'static str,
    /// As rendered.
    rows: Vec<Value>,
}

/// The preview pane.
#[derive(Debug, Serialize)]
pub(super) struct Peek {
    id: String,
    revision: u32,
    title: String,
    agent: String,
    ask: String,
    why: String,
    waiting: bool,
    state: &'static str,
    risk: RiskView,
    class: String,
    passed: usize,
    attention: Vec<String>,
    effects: Vec<(String, String)>,
    changed: usize,
    base: Option<String>,
    files: Vec<PeekFile>,
    more: usize,
}

#[derive(Debug, Serialize)]
struct PeekFile {
    name: FileName,
    change: &'static str,
    digest: Digest,
}

impl Peek {
    pub(super) fn new(review: &Review) -> Self {
        let row = &review.row;
        let mut files: Vec<_> = review.files.iter().collect();
        files.sort_by_key(|file| file.change == Change::Unchanged);
        let effects = review
            .effects
            .iter()
            .filter(|effect| matches!(effect.answer.as_str(), "approve" | "none"))
            .map(|effect| {
                if effect.answer == "none" {
                    return ("No answer".to_owned(), effect.text.clone());
                }
                let terms = terms::of_rule(review.terms).into_iter();
                let text = terms.fold(effect.text.clone(), |text, term| format!("{text} {term}."));
                ("If approved".to_owned(), text)
            })
            .collect();
        Self {
            id: row.id.to_string(),
            revision: row.revision,
            title: row.title.clone(),
            agent: row.agent.clone(),
            ask: review.ask.clone(),
            why: row.why.clone(),
            waiting: row.state == "waiting",
            state: state_word(&row.state),
            risk: RiskView::new(&row.risk),
            class: row.class.clone(),
            passed: review.checks.iter().filter(|check| check.ok).count(),
            attention: review
                .checks
                .iter()
                .filter(|check| !check.ok)
                .map(|check| check.text.clone())
                .collect(),
            effects,
            changed: review
                .files
                .iter()
                .filter(|file| file.change != Change::Unchanged)
                .count(),
            base: review.base.as_ref().map(|base| base.label.clone()),
            more: files.len().saturating_sub(PEEK_FILES),
            files: files
                .iter()
                .take(PEEK_FILES)
                .map(|file| PeekFile {
                    name: FileName::new(&file.path),
                    change: match file.change {
                        Change::Added => "new",
                        Change::Modified => "changed",
                        Change::Renamed => "renamed",
                        Change::Unchanged => "same",
                        Change::Removed => "removed",
                    },
                    digest: file.sha256,
                })
                .collect(),
        }
    }
}

impl QueuePage {
    pub(super) fn new(
        chrome: Chrome,
        view: QueueView,
        (queue, rows): (&Queue, Vec<Value>),
        peek: Option<Peek>,
        health: &Health,
        now: Now<'_>,
    ) -> Self {
        let counts = queue.counts;
        let total = match view {
            QueueView::Turn => counts.turn,
            QueueView::Team => counts.team,
            QueueView::Snoozed => counts.snoozed,
            QueueView::Agents => counts.agents,
            QueueView::Decided => counts.decided,
        };
        let tab = |of: QueueView, word, count| Tab {
            view: name(of),
            word,
            count,
            current: of == view,
        };
        Self {
            view: name(view),
            heading: heading(view, total),
            lead: lead(view, queue, now),
            tabs: vec![
                tab(QueueView::Turn, "Your turn", counts.turn),
                tab(QueueView::Team, "Team", counts.team),
                tab(QueueView::Agents, "Waiting on agents", counts.agents),
                tab(QueueView::Snoozed, "Snoozed", counts.snoozed),
                tab(QueueView::Decided, "Decided", counts.decided),
            ],
            dead: dead(queue),
            troubles: troubles(health),
            sections: sections(view, &queue.rows, rows, now),
            shown: queue.rows.len(),
            total,
            next: queue.next_cursor.clone(),
            peek,
            first_run: (counts == QueueCounts::default()).then(|| FirstRun::new(health)),
            chrome,
        }
    }
}

pub(super) fn name(view: QueueView) -> &'static str {
    match view {
        QueueView::Turn => "turn",
        QueueView::Team => "team",
        QueueView::Agents => "agents",
        QueueView::Snoozed => "snoozed",
        QueueView::Decided => "decided",
    }
}

fn heading(view: QueueView, total: usize) -> String {
    match (view, total) {
        (QueueView::Turn, 0) => "Nothing needs you".to_owned(),
        (QueueView::Turn, 1) => "1 handoff needs you".to_owned(),
        (QueueView::Turn, _) => format!("{total} handoffs need you"),
        (QueueView::Team, 0) => "Nobody else is asked".to_owned(),
        (QueueView::Team, 1) => "1 handoff is with others".to_owned(),
        (QueueView::Team, _) => format!("{total} handoffs are with others"),
        (QueueView::Snoozed, 0) => "Nothing is put off".to_owned(),
        (QueueView::Snoozed, 1) => "1 handoff is put off".to_owned(),
        (QueueView::Snoozed, _) => format!("{total} handoffs are put off"),
        (QueueView::Agents, 0) => "No agent owes you anything".to_owned(),
        (QueueView::Agents, 1) => "1 handoff is with its agent".to_owned(),
        (QueueView::Agents, _) => format!("{total} handoffs are with their agents"),
        (QueueView::Decided, 0) => "Nothing has been decided yet".to_owned(),
        (QueueView::Decided, 1) => "1 decided handoff".to_owned(),
        (QueueView::Decided, _) => format!("{total} decided handoffs"),
    }
}

fn lead(view: QueueView, queue: &Queue, now: Now<'_>) -> String {
    let oldest = queue.rows.iter().map(|row| row.handed_over_at).min();
    match (view, oldest) {
        (QueueView::Turn, Some(oldest)) => format!(
            "{} has waited {}.",
            if queue.next_cursor.is_none() {
                "The oldest"
            } else {
                "The oldest on this page"
            },
            words::span(now.at.duration_since(oldest))
        ),
        (QueueView::Turn, None) => "New work appears here by itself.".to_owned(),
        (QueueView::Team, _) => {
            "In a queue of yours, asked of others, or taken by somebody. Anybody may answer."
                .to_owned()
        }
        (QueueView::Snoozed, _) => "Each comes back at its time. Deadlines go on.".to_owned(),
        (QueueView::Agents, _) => {
            "Sent back for changes; each returns as a new revision.".to_owned()
        }
        (QueueView::Decided, _) => "Newest first.".to_owned(),
    }
}

fn dead(queue: &Queue) -> Option<DeadNotice> {
    let first = queue.dead_letters.first()?;
    let error = first.errors.first();
    Some(DeadNotice {
        count: queue.dead_letters.len(),
        file: format!("{}/{}", first.workspace, first.file),
        title: first.kind.title().to_owned(),
        pointer: error.map(|error| error.pointer.clone()).unwrap_or_default(),
        message: words::sentence(error.map_or("", |error| &error.message)),
    })
}

/// What is wrong with the daemon, so that a quiet queue is not taken for an empty one.
fn troubles(health: &Health) -> Vec<String> {
    let workspaces = health.workspaces.iter().filter_map(|workspace| {
        let trouble = workspace.trouble.as_ref()?;
        Some(format!("{}: {trouble}", workspace.name))
    });
    health.troubles.iter().cloned().chain(workspaces).collect()
}

fn sections(
    view: QueueView,
    rows: &[HandoffRow],
    rendered: Vec<Value>,
    now: Now<'_>,
) -> Vec<Section> {
    let day = SignedDuration::from_hours(24);
    let title = |row: &HandoffRow| match (view, row.due_at) {
        (QueueView::Team, _) => "With others",
        (QueueView::Snoozed, _) => "Put off",
        (QueueView::Agents, _) => "With the agent",
        (QueueView::Decided, _) => "Decided",
        (QueueView::Turn, None) => "No deadline",
        (QueueView::Turn, Some(due)) if due < now.at => "Overdue",
        (QueueView::Turn, Some(due)) if due.duration_since(now.at) <= day => "Due within a day",
        (QueueView::Turn, Some(_)) => "Due later",
    };
    let mut sections: Vec<Section> = Vec::new();
    for (row, shown) in rows.iter().zip(rendered) {
        let title = title(row);
        match sections.iter_mut().find(|section| section.title == title) {
            Some(section) => section.rows.push(shown),
            None => sections.push(Section {
                title,
                rows: vec![shown],
            }),
        }
    }
    sections
}

impl Page for QueuePage {
    const TEMPLATE: &'static str = "pages/queue.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        use crate::showcase::sample;
        let now = Now::utc(sample::now());
        let health = sample::health();
        let full = sample::queue(QueueView::Turn);
        let review = sample::review();
        let page = |view, queue: &Queue, peek| {
            let row =
                |row| Value::from_safe_string(format!("<li>{}</li>", HandoffRow::clone(row).id));
            let rows = queue.rows.iter().map(row).collect();
            Self::new(
                Chrome::sample("queue"),
                view,
                (queue, rows),
                peek,
                &health,
                now,
            )
        };
        let empty = Queue {
            rows: Vec::new(),
            counts: crate::desk::QueueCounts::default(),
            dead_letters: Vec::new(),
            next_cursor: None,
            locks: 0,
            seq: 0,
        };
        let mut paged = full.clone();
        paged.next_cursor = Some("50".to_owned());
        vec![
            page(QueueView::Turn, &full, Some(Peek::new(&review))),
            page(QueueView::Turn, &paged, None),
            page(QueueView::Turn, &empty, None),
            page(QueueView::Agents, &empty, None),
            page(QueueView::Decided, &sample::queue(QueueView::Decided), None),
        ]
    }
}

#[cfg(test)]
mod tests {
    use countersign_protocol::terms::RuleTerms;

    use super::*;
    use crate::showcase::sample;

    #[test]
    fn a_preview_says_on_what_terms_an_approval_holds() {
        let mut review = sample::review();
        review.terms = RuleTerms {
            valid_for_seconds: Some(24 * 3_600),
            single_use: true,
        };
        let peek = Peek::new(&review);
        let (_, text) = &peek.effects[0];
        assert!(text.contains(". An approval ends after "), "{text}");
        assert!(
            text.ends_with(". An approval is good for one use."),
            "{text}"
        );
    }
}
