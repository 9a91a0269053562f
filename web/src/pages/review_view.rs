//! What the review page shows.

use countersign_protocol::decision::ChangeRequest;
use serde::Serialize;

use super::{
    agents::PathPart,
    answer::{Draft, FieldError, FormView},
    approval::ApprovalPart,
    artifact::{Card, FileName, Shown},
    each::{EACH, EachView},
    growing::{GrowingView, ResultView},
    held::{CameBackView, HeldView},
    listing::{Against, Folder, More, base_query, folders},
    look::Asked,
    people::RoutingPart,
    remarks::{RemarkView, is_viewed, unsent},
    view::{
        Due, Gauge, Now, RiskView, Stamp, ViolationView, When, delivered_to, delivered_when, place,
        state_word, undelivered,
    },
    visit::Chrome,
};
use crate::{
    desk::{Base, Change, Check, EvidenceRef, FileRow, Review, TimelineItem, versions::MarkRow},
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
    workspace: String,
    approval: Option<ApprovalPart>,
    place: String,
    revision: u32,
    newest: u32,
    manifest: String,
    handed: When,
    due: Option<Due>,
    waiting: bool,
    state: &'static str,
    stalled: bool,
    claimed: Option<String>,
    looking: Option<String>,
    notice: Option<Notice>,
    /// An answer that can still be taken back.
    held: Option<HeldView>,
    ask: String,
    summary: Option<String>,
    why: String,
    effects: Vec<EffectView>,
    gauge: Option<Gauge>,
    risk: RiskView,
    class: String,
    checks: Vec<Check>,
    evidence: Vec<EvidenceRef>,
    partial: Option<GrowingView>,
    result: Option<ResultView>,
    changed: Changed,
    questions: Vec<String>,
    lists: Vec<List>,
    folders: Vec<Folder>,
    /// Absent when all files are on the page.
    more: Option<More>,
    files: usize,
    progress: Progress,
    habits: Vec<Habit>,
    cards: Vec<Card>,
    unchanged: Vec<Card>,
    base: Option<Base>,
    bases: Vec<BaseChoice>,
    timeline: Vec<Moment>,
    /// How people and programs were told.
    pub(super) messages: Vec<MessageView>,
    /// What was said, where no card of a file on the page tells it.
    remarks: Vec<RemarkView>,
    /// Threads that are open.
    open_threads: usize,
    /// The files whose edited version goes with the answer.
    edited: Vec<FileName>,
    /// How many comments go with the answer, in words.
    unsent: Option<String>,
    facts: Vec<(String, String)>,
    warnings: Vec<ViolationView>,
    document: Option<String>,
    stamp: Option<Stamp>,
    delivered: bool,
    /// The folders of the answer, and when it was put there.
    delivered_to: String,
    delivered_when: String,
    /// When the answer could not be put there.
    undelivered: Option<String>,
    position: Option<(usize, usize)>,
    previous: Option<String>,
    next: Option<String>,
    /// Absent when no answer can be given.
    form: Option<FormView>,
    /// What the agent asks thing by thing, where that says more than one sentence.
    each: Option<EachView>,
    /// Words that were typed and could not be sent.
    kept: Option<String>,
    attention: Vec<String>,
    /// Who is asked; absent when the desk cannot say.
    routing: Option<RoutingPart>,
    pub(super) path: Option<PathPart>,
}

/// What the page can be compared with.
#[derive(Debug, Serialize)]
struct BaseChoice {
    /// A revision or an anchor.
    value: String,
    label: String,
    selected: bool,
}

/// Why the page is not what the person expected.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Notice {
    /// A newer revision came before the answer; the page shows it against the answered one.
    Stale { answered: u32, files: Vec<FileName> },
    /// An older revision was asked for.
    Old,
    /// The answer of this person counts as one vote of several.
    Voted { words: String, open_to: Vec<String> },
    /// It opened by itself once another one was decided.
    After { id: String, held: Option<HeldView> },
    /// What this person answered was not given.
    CameBack { answer: CameBackView },
    /// The answer came too late, or nobody is asked.
    Late { why: String },
}

/// A way in which all files of the page are shown.
#[derive(Debug, Serialize)]
struct Habit {
    label: &'static str,
    key: &'static str,
    href: String,
    on: bool,
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
    /// What was asked in the last round, and what became of it.
    asked: Vec<(String, &'static str)>,
}

/// How far the person has come with the files.
#[derive(Debug, Serialize)]
struct Progress {
    viewed: usize,
    all: usize,
    /// What differs and was not viewed.
    left: usize,
    /// What differs.
    changed: usize,
}

impl Progress {
    fn new(review: &Review) -> Self {
        let there = || {
            let files = review.files.iter();
            files.filter(|file| file.change != Change::Removed)
        };
        let viewed = |file: &&FileRow| is_viewed(review, file.sha256);
        let changed = || there().filter(|file| file.change != Change::Unchanged);
        Self {
            viewed: there().filter(viewed).count(),
            all: there().count(),
            left: changed().filter(|file| !viewed(file)).count(),
            changed: changed().count(),
        }
    }
}

/// What the agent says, as a list with a heading.
#[derive(Debug, Serialize)]
struct List {
    heading: &'static str,
    items: Vec<String>,
}

/// A message about the handoff.
#[derive(Debug, Serialize)]
pub(super) struct MessageView {
    to: String,
    kind: String,
    state: String,
    at: When,
    failed: bool,
    said: Option<String>,
    receiver: String,
}

impl MessageView {
    pub(super) fn new(row: &crate::desk::MessageRow, now: Now<'_>) -> Self {
        let failed = matches!(row.state.as_str(), "failed" | "retrying" | "held");
        let tries = match row.attempts {
            0 | 1 => String::new(),
            tries => format!(" after {tries} attempts"),
        };
        Self {
            to: row.to.clone().unwrap_or_else(|| row.receiver.clone()),
            kind: row.kind.clone(),
            state: match row.state.as_str() {
                "retrying" => format!("tried again{tries}"),
                "held" => "waits for its receiver".to_owned(),
                "later" => "told with others".to_owned(),
                state => format!("{state}{tries}"),
            },
            at: When::planned(row.at.unwrap_or(row.since), now),
            failed,
            said: row
                .said
                .clone()
                .filter(|_| failed || row.state == "dropped"),
            receiver: row.receiver.clone(),
        }
    }
}

#[derive(Debug, Serialize)]
struct Moment {
    dot: &'static str,
    title: String,
    detail: Option<String>,
    at: When,
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
        (cards, more): (Vec<Card>, Option<More>),
        (asked, against): (&Asked, Option<&Against>),
        typed: Typed,
        now: Now<'_>,
    ) -> Self {
        let row = &review.row;
        let is_newest = review.revision == row.revision;
        let back = row.came_back.as_ref().filter(|_| is_newest);
        let notice = typed.notice.or((!is_newest).then_some(Notice::Old));
        let notice = notice.or_else(|| {
            let answer = CameBackView::new(back?);
            Some(Notice::CameBack { answer })
        });
        let mut draft = typed.draft;
        if draft.note.is_empty() {
            let words = back.and_then(|back| back.comment.clone());
            draft.note = words.unwrap_or_default();
        }
        let open = is_newest && !review.answers.is_empty();
        let missing = typed.errors.iter().find(|error| error.field == EACH);
        let missing = missing.map(|error| error.message.clone());
        // Several people decide about the whole.
        let one_by_one = open && review.approval.is_none();
        let each = EachView::new(&review.requests, &draft.each, one_by_one, missing, now);
        let note = draft.note.clone();
        let form = open.then(|| FormView::new(review, draft, typed.errors));
        let changed = Changed::new(review, &cards, against);
        let mut remarks = RemarkView::all(review, now);
        let has_card = |path: &String| cards.iter().any(|card| card.file.path == *path);
        remarks.retain(|remark| !remark.path.as_ref().is_some_and(has_card));
        let progress = Progress::new(review);
        let folders = folders(&cards);
        let (unchanged, cards) = cards
            .into_iter()
            .partition(|card: &Card| card.change == Change::Unchanged);
        Self {
            chrome,
            id: row.id.to_string(),
            title: row.title.clone(),
            agent: row.agent.clone(),
            sender: review.sender.clone(),
            workspace: row.workspace.clone(),
            approval: review
                .approval
                .as_ref()
                .map(|approval| ApprovalPart::new(approval, now)),
            place: place(row),
            revision: review.revision,
            newest: row.revision,
            manifest: review.manifest_sha256.to_string(),
            handed: When::new(row.handed_over_at, now),
            due: row.due_at.map(|due| Due::new(due, now)),
            waiting: row.state == "waiting",
            state: state_word(&row.state),
            stalled: row.stalled,
            claimed: row.claimed_by.clone(),
            looking: row.looking.clone(),
            notice,
            held: row.held.as_ref().map(|held| HeldView::new(held, now)),
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
            evidence: review.evidence.clone(),
            partial: GrowingView::of(review, now),
            result: review.result.as_deref().map(ResultView::new),
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
            more,
            files: review.files.len(),
            progress,
            habits: habits(review, asked, against),
            cards,
            unchanged,
            base: review.base.clone(),
            bases: revisions(review, against.is_none()),
            messages: Vec::new(),
            timeline: review
                .timeline
                .iter()
                .map(|item| Moment::new(item, now))
                .collect(),
            remarks,
            open_threads: review
                .threads
                .iter()
                .filter(|row| row.resolved.is_none())
                .count(),
            edited: review
                .edits
                .iter()
                .filter(|edit| edit.current)
                .map(|edit| FileName::new(&edit.path))
                .collect(),
            unsent: unsent(review.drafts.len()),
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
            delivered_to: delivered_to(review),
            delivered_when: delivered_when(review, now),
            undelivered: undelivered(review, now),
            position: review.position,
            previous: review.previous.map(|id| id.to_string()),
            next: review.next.map(|id| id.to_string()),
            kept: (form.is_none() && !note.trim().is_empty()).then_some(note),
            form,
            each,
            routing: None,
            path: None,
        }
    }

    /// Offers to compare with `marks`, and with what the page is compared `against`.
    pub(super) fn offer(&mut self, marks: &[MarkRow], against: Option<&Against>) {
        let is_chosen = |anchor: &str| against.is_some_and(|against| against.anchor == anchor);
        let marks = marks.iter().take(MARKS).map(|mark| BaseChoice {
            value: mark.anchor.clone(),
            label: match &mark.value {
                Some(value) => format!("{} {value}, {}", mark.kind, mark.by),
                None => format!("{}, {}", mark.kind, mark.by),
            },
            selected: is_chosen(&mark.anchor),
        });
        self.bases.extend(marks);
        if let Some(against) = against
            && !self.bases.iter().any(|base| base.selected)
        {
            self.bases.push(BaseChoice {
                value: against.anchor.clone(),
                label: against.label.clone(),
                selected: true,
            });
        }
    }

    /// The page with who is asked.
    pub(super) fn with_routing(self, routing: Option<RoutingPart>) -> Self {
        Self { routing, ..self }
    }
}

/// The most marks that can be chosen from; others are named in the address.
const MARKS: usize = 20;

fn revisions(review: &Review, is_revision: bool) -> Vec<BaseChoice> {
    let base = review.base.as_ref().filter(|_| is_revision);
    let choice = |one: &Base| BaseChoice {
        value: one.revision.to_string(),
        label: one.label.clone(),
        selected: base.is_some_and(|base| base.revision == one.revision),
    };
    review.bases.iter().map(choice).collect()
}

impl EffectView {
    fn new(effect: &crate::desk::Effect) -> Self {
        let word = match effect.answer.as_str() {
            "approve" => "Approve",
            "edit" => "Edit, approve",
            "changes" => "Changes",
            "reject" => "Reject",
            "respond" => "Answer",
            "ignore" => "Set aside",
            "abstain" => "Abstain",
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
    fn new(review: &Review, cards: &[Card], against: Option<&Against>) -> Self {
        let files = || review.files.iter();
        let differing = files()
            .filter(|file| file.change != Change::Unchanged)
            .count();
        let shown = || cards.iter().filter(|card| card.change != Change::Unchanged);
        let stats = || shown().filter_map(|card| card.stat);
        Self {
            heading: match (&review.base, against) {
                (Some(base), _) => format!("Changed since {}", base.label),
                (None, Some(against)) => format!("Changed since {}", against.label),
                (None, None) => "Changed".to_owned(),
            },
            words: match (&review.base, against, words::count(files().count(), "file")) {
                (Some(_), _, all) => format!("{differing} of {all}"),
                (None, Some(_), all) => format!("Nothing was handed over by then, {all} are new"),
                (None, None, all) => format!("Nothing to compare with yet, {all}"),
            },
            differing,
            added: stats().map(|(added, _)| added).sum(),
            removed: stats().map(|(_, removed)| removed).sum(),
            counted: stats().count() > 0
                && shown().count() == differing
                && shown().all(|card| !matches!(card.shown, Shown::Later { .. })),
            asked: review
                .earlier_requests
                .iter()
                .map(|request| (request.text.clone(), fate(review, request)))
                .collect(),
        }
    }
}

fn habits(review: &Review, asked: &Asked, against: Option<&Against>) -> Vec<Habit> {
    let id = review.row.id;
    let base = review.base.as_ref().map(|base| base.revision);
    let base = base_query(base, against);
    let page = format!("/h/{id}?revision={}{base}", review.revision);
    let split = if asked.split() { "&diff=split" } else { "" };
    let space = if asked.ignore_space() {
        "&space=ignore"
    } else {
        ""
    };
    let habit = |label, key, query: &str, kept: &str, on: bool| Habit {
        label,
        key,
        href: format!("{page}{}{kept}#files", if on { "" } else { query }),
        on,
    };
    vec![
        habit("Side by side", "m", "&diff=split", space, asked.split()),
        habit(
            "Ignore white space",
            "",
            "&space=ignore",
            split,
            asked.ignore_space(),
        ),
    ]
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

impl Moment {
    fn new(item: &TimelineItem, now: Now<'_>) -> Self {
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

/// What became of an earlier request; nothing is known of a note.
fn fate(review: &Review, request: &ChangeRequest) -> &'static str {
    let threads = review.threads.iter();
    let mut threads = threads.filter(|row| Some(row.thread) == request.thread);
    threads.next().map_or("", RemarkView::fate)
}

/// The most files that a notice names.
const NAMED: usize = 20;

/// The first files that differ, for a notice.
pub(super) fn changed_files(review: &Review) -> Vec<FileName> {
    review
        .files
        .iter()
        .filter(|file| file.change != Change::Unchanged)
        .take(NAMED)
        .map(|file| FileName::new(&file.path))
        .collect()
}

impl Page for ReviewPage {
    const TEMPLATE: &'static str = "pages/review.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        use super::artifact::samples::cards;
        use crate::showcase::sample;
        let now = Now::utc(sample::now());
        let review = sample::review();
        let chrome = || Chrome::sample("queue");
        let page = |review: &Review, typed| {
            Self::new(
                chrome(),
                review,
                (cards(), None),
                (&Asked::default(), None),
                typed,
                now,
            )
        };
        let mut review = review;
        review.care = crate::desk::CareNeeded {
            resolve_threads: true,
            view_files: true,
            type_id: true,
            step_up: true,
            checklist: vec![
                sample::HOSTILE.replace(['\u{202E}', '\u{200B}'], ""),
                "Way back".to_owned(),
            ],
        };
        let review = review;
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
        bare.files = crate::desk::Files::default();
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
        let voted = Notice::Voted {
            words: "your vote is recorded; 1 of 2".to_owned(),
            open_to: vec![sample::HOSTILE.to_owned()],
        };
        vec![
            page(&closed, typed(Some(voted), Vec::new())),
            Self {
                path: PathPart::new(&crate::showcase::transfer::path(), now),
                approval: Some(ApprovalPart::sample()),
                ..page(&review, Typed::default()).with_routing(Some(RoutingPart::new(
                    crate::showcase::routing::routing(),
                    Vec::new(),
                    Vec::new(),
                    true,
                    now,
                )))
            },
            page(&review, typed(None, errors)),
            page(&review, typed(Some(stale), Vec::new())),
            page(&closed, typed(Some(late), Vec::new())),
            page(&old, Typed::default()),
            Self::new(
                chrome(),
                &bare,
                (Vec::new(), None),
                (&Asked::default(), None),
                Typed::default(),
                now,
            ),
            Self::new(
                chrome(),
                &review,
                (cards(), Some(More::sample())),
                (&Asked::default(), None),
                Typed::default(),
                now,
            ),
        ]
    }
}
