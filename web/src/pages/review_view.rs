//! What the review page shows.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    answer::{Draft, FieldError, FormView},
    artifact::{Card, FileName, Shown},
    view::{Due, Gauge, RiskView, Stamp, ViolationView, When, place, state_word},
    visit::Chrome,
};
use crate::{
    desk::{Base, Change, Check, Comment, Review, TimelineItem},
    render::words,
    templates::Page,
};

#[derive(Debug, Serialize)]
pub(super) struct ReviewPage {
    chrome: Chrome,
    id: String,
    title: String,
    agent: String,
    sender: String,
    place: String,
    revision: u32,
    newest: u32,
    manifest: String,
    handed: When,
    due: Option<Due>,
    waiting: bool,
    state: &'static str,
    stalled: bool,
    notice: Option<Notice>,
    ask: String,
    summary: Option<String>,
    why: String,
    effects: Vec<EffectView>,
    gauge: Option<Gauge>,
    risk: RiskView,
    class: String,
    checks: Vec<Check>,
    changed: Changed,
    questions: Vec<String>,
    lists: Vec<List>,
    folders: Vec<Folder>,
    files: usize,
    cards: Vec<Card>,
    unchanged: Vec<Card>,
    base: Option<Base>,
    bases: Vec<Base>,
    timeline: Vec<Moment>,
    comments: Vec<CommentView>,
    facts: Vec<(String, String)>,
    warnings: Vec<ViolationView>,
    document: Option<String>,
    stamp: Option<Stamp>,
    delivered: bool,
    position: Option<(usize, usize)>,
    previous: Option<String>,
    next: Option<String>,
    /// Absent when no answer can be given.
    form: Option<FormView>,
    /// Words that were typed and could not be sent.
    kept: Option<String>,
    attention: Vec<String>,
}

/// Why the page is not what the person expected.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Notice {
    /// A newer revision came before the answer; the page shows it against the answered one.
    Stale { answered: u32, files: Vec<FileName> },
    /// An older revision was asked for.
    Old,
    /// The answer came too late, or nobody is asked.
    Late { why: String },
}

#[derive(Debug, Serialize)]
struct EffectView {
    word: String,
    text: String,
}

/// The fourth part of the slip.
#[derive(Debug, Serialize)]
struct Changed {
    heading: String,
    words: String,
    differing: usize,
    added: usize,
    removed: usize,
    /// False when some files are not compared yet.
    counted: bool,
    /// What was asked in the last round.
    asked: Vec<String>,
}

/// What the agent says, as a list with a heading.
#[derive(Debug, Serialize)]
struct List {
    heading: &'static str,
    items: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Folder {
    name: String,
    files: Vec<FileLink>,
}

#[derive(Debug, Serialize)]
struct FileLink {
    file: FileName,
    note: String,
    sha256: String,
    changed: bool,
}

#[derive(Debug, Serialize)]
struct Moment {
    dot: &'static str,
    title: String,
    detail: Option<String>,
    at: When,
}

#[derive(Debug, Serialize)]
struct CommentView {
    by: String,
    agent: bool,
    at: When,
    text: String,
}

/// What came with the request for the page.
#[derive(Default)]
pub(super) struct Typed {
    pub(super) draft: Draft,
    pub(super) errors: Vec<FieldError>,
    pub(super) notice: Option<Notice>,
}

impl ReviewPage {
    pub(super) fn new(
        chrome: Chrome,
        review: &Review,
        cards: Vec<Card>,
        typed: Typed,
        now: Timestamp,
    ) -> Self {
        let row = &review.row;
        let is_newest = review.revision == row.revision;
        let notice = typed.notice.or((!is_newest).then_some(Notice::Old));
        let open = is_newest && !review.answers.is_empty();
        let note = typed.draft.note.clone();
        let form = open.then(|| FormView::new(review, typed.draft, typed.errors));
        let changed = Changed::new(review, &cards);
        let folders = folders(&cards);
        let files = cards.len();
        let (unchanged, cards) = cards
            .into_iter()
            .partition(|card: &Card| card.change == Change::Unchanged);
        Self {
            chrome,
            id: row.id.to_string(),
            title: row.title.clone(),
            agent: row.agent.clone(),
            sender: review.sender.clone(),
            place: place(row),
            revision: review.revision,
            newest: row.revision,
            manifest: review.manifest_sha256.to_string(),
            handed: When::new(row.handed_over_at, now),
            due: row.due_at.map(|due| Due::new(due, now)),
            waiting: row.state == "waiting",
            state: state_word(&row.state),
            stalled: row.stalled,
            notice,
            ask: review.ask.clone(),
            summary: review.summary.clone(),
            why: row.why.clone(),
            effects: review.effects.iter().map(EffectView::new).collect(),
            gauge: Gauge::of(row),
            risk: RiskView::new(&row.risk),
            class: row.class.clone(),
            attention: review
                .checks
                .iter()
                .filter(|check| !check.ok)
                .map(|check| check.text.clone())
                .collect(),
            checks: review.checks.clone(),
            changed,
            // The ask is often the only question; once is enough.
            questions: review
                .questions
                .iter()
                .filter(|question| **question != review.ask)
                .cloned()
                .collect(),
            lists: lists(review),
            folders,
            files,
            cards,
            unchanged,
            base: review.base.clone(),
            bases: review.bases.clone(),
            timeline: review
                .timeline
                .iter()
                .map(|item| Moment::new(item, now))
                .collect(),
            comments: review
                .comments
                .iter()
                .map(|comment| CommentView::new(comment, now))
                .collect(),
            facts: review.facts.clone(),
            warnings: review
                .warnings
                .iter()
                .map(|warning| ViolationView::new(warning, review.document.as_deref()))
                .collect(),
            document: review.document.clone(),
            stamp: review
                .decision
                .as_ref()
                .map(|document| Stamp::of_document(document, now)),
            delivered: review.delivered,
            position: review.position,
            previous: review.previous.map(|id| id.to_string()),
            next: review.next.map(|id| id.to_string()),
            kept: (form.is_none() && !note.trim().is_empty()).then_some(note),
            form,
        }
    }
}

impl EffectView {
    fn new(effect: &crate::desk::Effect) -> Self {
        let word = match effect.answer.as_str() {
            "approve" => "Approve",
            "changes" => "Changes",
            "reject" => "Reject",
            "respond" => "Answer",
            "none" => "No answer",
            other => other,
        };
        Self {
            word: word.to_owned(),
            text: effect.text.clone(),
        }
    }
}

impl Changed {
    fn new(review: &Review, cards: &[Card]) -> Self {
        let differing = || cards.iter().filter(|card| card.change != Change::Unchanged);
        let stats = || differing().filter_map(|card| card.stat);
        Self {
            heading: match &review.base {
                Some(base) => format!("Changed since {}", base.label),
                None => "Changed".to_owned(),
            },
            words: match (&review.base, words::count(cards.len(), "file")) {
                (Some(_), all) => format!("{} of {all}", differing().count()),
                (None, all) => format!("Nothing to compare with yet, {all}"),
            },
            differing: differing().count(),
            added: stats().map(|(added, _)| added).sum(),
            removed: stats().map(|(_, removed)| removed).sum(),
            counted: stats().count() > 0
                && differing().all(|card| !matches!(card.shown, Shown::Later { .. })),
            asked: review
                .earlier_requests
                .iter()
                .map(|request| request.text.clone())
                .collect(),
        }
    }
}

fn lists(review: &Review) -> Vec<List> {
    [
        ("Done", &review.completed),
        ("Left to do", &review.remaining),
        ("Choices made", &review.choices),
        ("Traps met", &review.pitfalls),
    ]
    .into_iter()
    .filter(|(_, items)| !items.is_empty())
    .map(|(heading, items)| List {
        heading,
        items: items.clone(),
    })
    .collect()
}

/// The files in the order of their paths, one group for each folder.
fn folders(cards: &[Card]) -> Vec<Folder> {
    let mut cards: Vec<_> = cards.iter().collect();
    cards.sort_by(|a, b| a.file.path.cmp(&b.file.path));
    let mut folders: Vec<Folder> = Vec::new();
    for card in cards {
        let link = FileLink {
            file: card.file.clone(),
            note: note(card),
            sha256: card.sha256.clone(),
            changed: card.change != Change::Unchanged,
        };
        match folders
            .iter_mut()
            .find(|folder| folder.name == card.file.folder)
        {
            Some(folder) => folder.files.push(link),
            None => folders.push(Folder {
                name: card.file.folder.clone(),
                files: vec![link],
            }),
        }
    }
    folders
}

fn note(card: &Card) -> String {
    let change = match (card.change, card.stat) {
        (Change::Removed, _) => "removed".to_owned(),
        (Change::Unchanged, _) => "same".to_owned(),
        (_, Some((added, removed))) => format!("+{added} −{removed}"),
        (Change::Added, None) => "new".to_owned(),
        (Change::Modified, None) => "changed".to_owned(),
    };
    format!("{change}, {}", card.size)
}

impl Moment {
    fn new(item: &TimelineItem, now: Timestamp) -> Self {
        Self {
            dot: match item.kind.as_str() {
                "revision" | "decision" => "acc",
                "silence" => "warn",
                "checkpoint" | "delivered" | "released" => "full",
                _ => "",
            },
            title: item.title.clone(),
            detail: item.detail.clone(),
            at: When::new(item.at, now),
        }
    }
}

impl CommentView {
    fn new(comment: &Comment, now: Timestamp) -> Self {
        Self {
            by: comment.by.clone(),
            agent: comment.agent,
            at: When::new(comment.at, now),
            text: comment.text.clone(),
        }
    }
}

/// How many files differ, for a notice.
pub(super) fn changed_files(review: &Review) -> Vec<FileName> {
    review
        .files
        .iter()
        .filter(|file| file.change != Change::Unchanged)
        .map(|file| FileName::new(&file.path))
        .collect()
}

impl Page for ReviewPage {
    const TEMPLATE: &'static str = "pages/review.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        use super::artifact::samples::cards;
        use crate::showcase::sample;
        let now = sample::now();
        let review = sample::review();
        let chrome = || Chrome::sample("queue");
        let page = |review: &Review, typed| Self::new(chrome(), review, cards(), typed, now);
        let mut closed = review.clone();
        closed.answers.clear();
        closed.decision = Some(sample::decision());
        let mut bare = review.clone();
        bare.base = None;
        bare.bases.clear();
        bare.row.confidence = None;
        bare.row.due_at = None;
        bare.row.stalled = true;
        bare.position = None;
        bare.files.clear();
        bare.document = None;
        let draft = Draft {
            note: "Leave credit notes out".to_owned(),
            ..Draft::default()
        };
        let errors = vec![FieldError {
            field: "note".to_owned(),
            message: "Say why it is rejected".to_owned(),
        }];
        let typed = |notice, errors| Typed {
            draft: draft.clone(),
            errors,
            notice,
        };
        let stale = Notice::Stale {
            answered: 2,
            files: changed_files(&review),
        };
        let late = Notice::Late {
            why: "was already approved by Sam Ito".to_owned(),
        };
        let mut old = review.clone();
        old.revision = 1;
        vec![
            page(&review, Typed::default()),
            page(&review, typed(None, errors)),
            page(&review, typed(Some(stale), Vec::new())),
            page(&closed, typed(Some(late), Vec::new())),
            page(&old, Typed::default()),
            Self::new(chrome(), &bare, Vec::new(), Typed::default(), now),
        ]
    }
}

/// The page of one file, and the part of it that is fetched into a review.
#[derive(Debug, Serialize)]
pub(super) struct FilePage {
    pub(super) chrome: Chrome,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) revision: u32,
    pub(super) base: Option<Base>,
    pub(super) card: Card,
}

impl Page for FilePage {
    const TEMPLATE: &'static str = "pages/file.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        super::artifact::samples::cards()
            .into_iter()
            .map(|card| Self {
                chrome: Chrome::sample("queue"),
                id: "H-7".to_owned(),
                title: "Backfill".to_owned(),
                revision: 2,
                base: Some(Base {
                    revision: 1,
                    label: "revision 1".to_owned(),
                }),
                card,
            })
            .collect()
    }
}

/// Only the content of a card.
#[derive(Debug, Serialize)]
pub(super) struct FilePart {
    pub(super) card: Card,
}

impl Page for FilePart {
    const TEMPLATE: &'static str = "pages/file-part.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        super::artifact::samples::cards()
            .into_iter()
            .map(|card| Self { card })
            .collect()
    }
}
