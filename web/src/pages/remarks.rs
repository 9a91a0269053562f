//! What is said about the work, as the pages show it: threads, and drafts of the person who looks.

use std::fmt::Write as _;

use countersign_protocol::{Digest, access::Permission, place::Place};
use serde::Serialize;

use super::{
    view::{Now, When},
    visit::Visit,
};
use crate::{
    desk::{
        Change, FileRow, Review,
        threads::{Comment, DraftRow, Landing, Standing, ThreadRow},
    },
    render::{
        diff::{Diff, Row},
        preview::{Body, Preview},
    },
};

/// Words in a thread.
#[derive(Clone, Debug, Serialize)]
pub(super) struct CommentView {
    by: String,
    agent: bool,
    at: When,
    text: String,
}

/// A thread or a draft.
#[derive(Clone, Debug, Serialize)]
pub(super) struct RemarkView {
    /// Where it is on the page.
    pub(super) anchor: String,
    /// The number of the thread; absent for a draft.
    pub(super) thread: Option<u32>,
    /// The name of the draft; absent for a thread.
    draft: Option<String>,
    /// The place in words, with the path where no card says it.
    place: String,
    /// What became of the place.
    since: String,
    /// True when it was asked for with a decision.
    asked: bool,
    resolved: Option<(String, When)>,
    comments: Vec<CommentView>,
    /// The words of a draft.
    text: String,
    /// The file in the shown revision.
    #[serde(skip)]
    pub(super) path: Option<String>,
    /// The line that it stands under, where that is on the page.
    pub(super) line: Option<u32>,
}

impl CommentView {
    fn new(comment: &Comment, now: Now<'_>) -> Self {
        Self {
            by: comment.by.clone(),
            agent: comment.agent,
            at: When::new(comment.at, now),
            text: comment.text.clone(),
        }
    }
}

/// What the lines that follow say of a place.
fn since(revision: u32, shown: u32, place: &Place, landing: &Landing) -> String {
    let what = match place {
        Place { line: Some(_), .. } => "these lines",
        Place { cell: Some(_), .. }
        | Place {
            region: Some(_), ..
        } => "the file",
        _ => "it",
    };
    let mut text = match landing.standing {
        Standing::Here if revision == shown => String::new(),
        Standing::Here => format!("said about revision {revision}"),
        Standing::Changed => format!("said about revision {revision}; {what} changed since"),
        Standing::Gone => format!("said about revision {revision}; the file is not in {shown}"),
    };
    if revision > shown {
        // Who looks at an older revision sees what came later.
        text = format!("said about revision {revision}");
    }
    text
}

/// For example `scripts/apply.sh lines 4 to 9`.
fn words(place: &Place, landing: &Landing, with_path: bool) -> String {
    let moved = Place {
        line: landing.line.or(place.line),
        end_line: landing.end_line.or(place.end_line),
        ..place.clone()
    };
    let shown = if landing.standing == Standing::Here {
        &moved
    } else {
        place
    };
    match &place.path {
        Some(path) if with_path => format!("{path} {shown}").trim_end().to_owned(),
        _ => shown.to_string(),
    }
}

impl RemarkView {
    pub(super) fn of_thread(row: &ThreadRow, shown: u32, now: Now<'_>) -> Self {
        Self {
            anchor: format!("t-{}", row.thread),
            thread: Some(row.thread),
            asked: row.request.is_some(),
            resolved: row
                .resolved
                .as_ref()
                .map(|(by, at)| (by.clone(), When::new(*at, now))),
            comments: row
                .comments
                .iter()
                .map(|comment| CommentView::new(comment, now))
                .collect(),
            draft: None,
            text: String::new(),
            ..Self::at(&row.place, &row.now, row.revision, shown)
        }
    }

    pub(super) fn of_draft(row: &DraftRow, shown: u32) -> Self {
        Self {
            anchor: format!("d-{}", row.draft),
            draft: Some(row.draft.clone()),
            text: row.text.clone(),
            ..Self::at(&row.place, &row.now, row.revision, shown)
        }
    }

    fn at(place: &Place, landing: &Landing, revision: u32, shown: u32) -> Self {
        let has_card = landing.path.is_some();
        Self {
            anchor: String::new(),
            thread: None,
            draft: None,
            place: words(place, landing, !has_card),
            since: since(revision, shown, place, landing),
            asked: false,
            resolved: None,
            comments: Vec::new(),
            text: String::new(),
            path: landing.path.clone(),
            line: landing.end_line.or(landing.line),
        }
    }

    /// Everything that was said, threads before drafts.
    pub(super) fn all(review: &Review, now: Now<'_>) -> Vec<Self> {
        let shown = review.revision;
        let threads = review.threads.iter();
        let threads = threads.map(|row| Self::of_thread(row, shown, now));
        let drafts = review.drafts.iter();
        threads
            .chain(drafts.map(|row| Self::of_draft(row, shown)))
            .collect()
    }

    /// Whether it still waits for somebody: a draft, or a thread that is open.
    pub(super) fn is_open(&self) -> bool {
        self.resolved.is_none()
    }

    /// What became of an earlier request, in a word.
    pub(super) fn fate(row: &ThreadRow) -> &'static str {
        match (&row.resolved, row.now.standing) {
            (Some(_), _) => "resolved",
            (None, Standing::Here) => "open",
            (None, Standing::Changed) => "changed, look",
            (None, Standing::Gone) => "file gone",
        }
    }
}

/// The form to say something about a file.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SayForm {
    pub(super) id: String,
    pub(super) csrf: String,
    pub(super) revision: u32,
    /// `lines`, `cell`, `region` or empty.
    pub(super) part: &'static str,
    /// Width and height of a picture.
    pub(super) size: Option<(u32, u32)>,
    /// Whether this person has viewed the file.
    pub(super) viewed: bool,
}

impl SayForm {
    /// The form, for who may comment here.
    pub(super) fn offered(visit: &Visit, review: &Review, row: &FileRow) -> Option<Self> {
        let caller = visit.caller();
        let may = caller.may(Permission::Comment, Some(&review.row.workspace));
        may.then(|| Self::new(visit, review, row))
    }

    fn new(visit: &Visit, review: &Review, row: &FileRow) -> Self {
        Self {
            id: review.row.id.to_string(),
            csrf: visit.csrf().to_owned(),
            revision: review.revision,
            part: "",
            size: None,
            viewed: row.change != Change::Removed && is_viewed(review, row.sha256),
        }
    }

    /// Says which places the preview has.
    pub(super) fn shown(&mut self, preview: &Preview) {
        (self.part, self.size) = match &preview.body {
            Body::Diff(_) | Body::Text { .. } | Body::Window(_) => ("lines", None),
            Body::Table { .. } => ("cell", None),
            Body::Image {
                new: Some(size), ..
            } => ("region", Some(*size)),
            _ => ("", None),
        };
    }
}

/// Whether the person has viewed the file with these bytes.
pub(super) fn is_viewed(review: &Review, sha256: Digest) -> bool {
    review.viewed.contains(&sha256)
}

/// Whether the person has viewed all files that differ.
pub(super) fn all_viewed(review: &Review) -> bool {
    let files = review.files.iter();
    let mut differing =
        files.filter(|file| !matches!(file.change, Change::Unchanged | Change::Removed));
    differing.all(|file| is_viewed(review, file.sha256))
}

/// The lines of the new side that a preview shows.
pub(super) fn lines_of(body: &Body) -> Vec<u32> {
    let of_diff = |diff: &Diff| -> Vec<u32> {
        let of_pairs = diff.pairs.iter().filter_map(|pair| pair.new.as_ref()?.new);
        let of_rows = diff.rows.iter().filter_map(|row| match row {
            Row::Line(line) => line.new,
            Row::Fold { .. } => None,
        });
        let all = of_pairs.chain(of_rows);
        all.filter_map(|line| u32::try_from(line).ok()).collect()
    };
    match body {
        Body::Diff(diff) => of_diff(diff),
        Body::Text { lines, .. } => lines
            .iter()
            .filter_map(|line| u32::try_from(line.number).ok())
            .collect(),
        Body::Window(window) => window
            .lines
            .iter()
            .filter_map(|line| u32::try_from(line.number?).ok())
            .collect(),
        _ => Vec::new(),
    }
}

/// `2 comments go with your answer`; nothing when there are none.
pub(super) fn unsent(drafts: usize) -> Option<String> {
    let mut text = String::new();
    match drafts {
        0 => return None,
        1 => text.push_str("1 comment goes with your answer"),
        many => {
            // Writing to a string cannot fail.
            let _ = write!(text, "{many} comments go with your answer");
        }
    }
    Some(text)
}
