//! `GET /h/{id}/r/{revision}/edit` and `POST /h/{id}/edits`: a text file as the person wants it.

use axum::{
    extract::State,
    response::{Html, IntoResponse, Redirect, Response},
};
use countersign_protocol::{HandoffId, content::SNIFFED, content::sniff};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use similar::Algorithm;

use super::{
    artifact::{Card, FileName, Place},
    look::Asked,
    visit::{Chrome, Visit},
};
use crate::{
    desk::{
        DeskError, FileRow, Review,
        edits::{FileEdit, LARGEST_EDIT},
    },
    error::Problem,
    render::preview::{Look, Side, preview},
    security::{FormOf, PathOf, QueryOf},
    state::AppState,
    templates::Page,
};

/// The form of one file.
#[derive(Debug, Serialize)]
pub(super) struct EditPage {
    chrome: Chrome,
    id: String,
    title: String,
    agent: String,
    revision: u32,
    file: FileName,
    text: String,
    /// How high the field is.
    rows: usize,
    /// Whether the person keeps a text for the file.
    kept: bool,
    /// What differs from the agent's file; absent when nothing does.
    card: Option<Card>,
    error: Option<String>,
    back: String,
}

/// Which file.
#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    path: String,
}

/// Shows the form.
pub(super) async fn show(
    visit: Visit,
    State(app): State<AppState>,
    PathOf((id, revision)): PathOf<(HandoffId, u32)>,
    QueryOf(choice): QueryOf<Choice>,
) -> Result<Html<String>, Problem> {
    let caller = visit.caller();
    let review = app.desk.review(&caller, id, Some(revision), None).await?;
    let before = original(&visit, &review, &choice.path).await?;
    let kept = app.desk.edited(&visit.person, id, &choice.path).await?;
    let typed = Typed {
        kept: kept.is_some(),
        text: kept.unwrap_or_else(|| before.clone()),
        error: None,
    };
    visit.render(&EditPage::new(
        visit.chrome("queue").await?,
        &review,
        (row(&review, &choice.path)?, &before),
        typed,
    ))
}

/// What was typed.
struct Typed {
    text: String,
    kept: bool,
    error: Option<String>,
}

/// The form as the browser sends it.
#[derive(Debug, Deserialize)]
pub(super) struct EditForm {
    revision: u32,
    path: String,
    #[serde(default)]
    text: String,
    /// `keep` or `drop`.
    #[serde(rename = "do")]
    what: String,
}

/// Keeps what was typed, or throws it away.
pub(super) async fn act(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(id): PathOf<HandoffId>,
    FormOf(form): FormOf<EditForm>,
) -> Result<Response, Problem> {
    let EditForm {
        revision,
        path,
        text,
        what,
    } = form;
    let anchor = FileName::new(&path).anchor;
    let back = Redirect::to(&format!("/h/{id}#{anchor}"));
    if what == "drop" {
        app.desk.drop_edit(&visit.person, id, &path).await?;
        return Ok(back.into_response());
    }
    let caller = visit.caller();
    let shown = app.desk.review(&caller, id, Some(revision), None).await?;
    let before = original(&visit, &shown, &path).await?;
    let text = as_written(&text, &before);
    let edit = FileEdit {
        path: path.clone(),
        text: text.clone(),
    };
    let (status, review, before, error) = match app
        .desk
        .keep_edit(&visit.person, id, revision, edit)
        .await
    {
        Ok(()) => return Ok(back.into_response()),
        Err(DeskError::Stale { revision, .. }) => {
            let review = app.desk.review(&caller, id, None, None).await?;
            let before = original(&visit, &review, &path).await?;
            let error = format!(
                "Revision {revision} arrived meanwhile, so nothing was kept. Your text stands below, beside what it changes in the new file"
            );
            (StatusCode::CONFLICT, review, before, error)
        }
        Err(DeskError::Invalid { message, .. }) => {
            (StatusCode::UNPROCESSABLE_ENTITY, shown, before, message)
        }
        Err(error) => return Err(error.into()),
    };
    let typed = Typed {
        text,
        kept: false,
        error: Some(error),
    };
    let chrome = visit.chrome("queue").await?;
    let page = EditPage::new(chrome, &review, (row(&review, &path)?, &before), typed);
    Ok((status, visit.render(&page)?).into_response())
}

fn row<'r>(review: &'r Review, path: &str) -> Result<&'r FileRow, Problem> {
    let mut files = review.files.iter();
    let id = review.row.id;
    files
        .find(|file| file.path == path)
        .ok_or_else(|| Problem::not_found(format!("`{path}` in {id}")))
}

/// The text that the agent handed over.
async fn original(visit: &Visit, review: &Review, path: &str) -> Result<String, Problem> {
    let caller = visit.caller();
    let (id, revision) = (review.row.id, review.revision);
    let limit = LARGEST_EDIT as u64;
    let file = visit
        .app
        .desk
        .file(&caller, id, revision, path, limit + 1)
        .await?;
    let text = (file.size <= limit)
        .then(|| String::from_utf8(file.bytes).ok())
        .flatten();
    text.filter(|text| !text.contains('\0')).ok_or_else(|| {
        Problem::invalid("path", "Only text of at most 256 KiB can be edited here.")
            .hint("Request changes and say what should be different, or download the file.")
    })
}

/// Returns what a browser made of a text, written as the file was: browsers send CRLF for every line end (HTML,
/// section 4.10.22.4), and drop a byte order mark. A line that is still there keeps its own end, whichever it was.
fn as_written(sent: &str, before: &str) -> String {
    const MARK: char = '\u{FEFF}';
    let sent = sent.replace("\r\n", "\n").replace('\r', "\n");
    let (old, new) = (lines(before.trim_start_matches(MARK)), lines(&sent));
    let words = |lines: &[(&str, &str)]| -> Vec<String> {
        lines.iter().map(|(text, _)| (*text).to_owned()).collect()
    };
    let count = |end: &str| old.iter().filter(|(_, other)| *other == end).count();
    let usual = ["\n", "\r\n", "\r"]
        .into_iter()
        .rev()
        .max_by_key(|end| count(end))
        .filter(|end| count(end) > 0)
        .unwrap_or("\n");
    // A line that took the place of another one has its end, and a new one that of the line before it.
    let mut ends: Vec<Option<&str>> = vec![None; new.len()];
    for op in similar::capture_diff_slices(Algorithm::Patience, &words(&old), &words(&new)) {
        for (at, was) in op.new_range().zip(op.old_range()) {
            ends[at] = Some(old[was].1);
        }
    }
    let mut text = String::with_capacity(before.len().max(sent.len()));
    if before.starts_with(MARK) && !sent.starts_with(MARK) {
        text.push(MARK);
    }
    let mut last = usual;
    for ((line, end), kept) in new.iter().zip(ends) {
        text.push_str(line);
        if !end.is_empty() {
            last = kept.filter(|end| !end.is_empty()).unwrap_or(last);
            text.push_str(last);
        }
    }
    text
}

/// The lines of a text, each with its end, which is empty where the text stops without one.
fn lines(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let at = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let length = match &rest.as_bytes()[at..] {
            [b'\r', b'\n', ..] => 2,
            [] => 0,
            _ => 1,
        };
        found.push((&rest[..at], &rest[at..at + length]));
        rest = &rest[at + length..];
    }
    found
}

/// Whether a file that starts with `bytes` is text that can be edited here.
pub(super) fn is_editable(row: &FileRow, bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(SNIFFED)];
    let kind = sniff(start, bytes.len() as u64 == row.size, &row.path).kind;
    row.kept && row.declared && row.size <= LARGEST_EDIT as u64 && kind.is_text()
}

impl EditPage {
    fn new(chrome: Chrome, review: &Review, (row, before): (&FileRow, &str), typed: Typed) -> Self {
        let place = Place {
            id: review.row.id,
            revision: review.revision,
            base: None,
        };
        let file = FileName::new(&row.path);
        Self {
            id: review.row.id.to_string(),
            title: review.row.title.clone(),
            agent: review.row.agent.clone(),
            revision: review.revision,
            rows: typed.text.lines().count().clamp(12, 40),
            kept: typed.kept,
            card: changed(row, place, before, &typed.text),
            error: typed.error,
            text: typed.text,
            back: format!("/h/{}#{}", review.row.id, file.anchor),
            file,
            chrome,
        }
    }
}

fn side<'b>(path: &'b str, text: &'b str) -> Side<'b> {
    Side {
        path,
        bytes: text.as_bytes(),
        size: text.len() as u64,
        content: None,
    }
}

/// What the text changes, as a card without links to itself.
fn changed(row: &FileRow, place: Place, before: &str, after: &str) -> Option<Card> {
    if before == after {
        return None;
    }
    // As text, whatever it could be shown as: what is edited is the text.
    let look = Look {
        view: crate::render::preview::View::Source,
        ..Look::default()
    };
    let shown = preview(
        Some(side(&row.path, after)),
        Some(side(&row.path, before)),
        &look,
    )?;
    let state = super::artifact::Shown::Later {
        what: String::new(),
    };
    let mut card = Card::new(row, place, (&[], None), state);
    card.show(shown, &Asked::default());
    card.turns = super::turns::Turns::default();
    Some(card)
}

impl Page for EditPage {
    const TEMPLATE: &'static str = "pages/edit.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        use countersign_protocol::provenance::Provenance;

        use crate::{desk::Change, showcase::sample};

        let mut review = sample::review();
        review.row.title = "\u{202E}<script>alert(1)</script>".to_owned();
        let row = FileRow {
            path: "notes.md".to_owned(),
            size: 9,
            sha256: review.manifest_sha256,
            change: Change::Modified,
            declared: true,
            kept: true,
            executable: false,
            title: None,
            from_path: None,
            percent: None,
            provenance: Provenance::Claimed,
        };
        let page = |text: &str, error: Option<&str>| {
            let typed = Typed {
                text: text.to_owned(),
                kept: error.is_none(),
                error: error.map(str::to_owned),
            };
            Self::new(
                Chrome::sample("queue"),
                &review,
                (&row, "one\n<script>alert(1)</script>\n"),
                typed,
            )
        };
        vec![
            page("one\n<script>alert(1)</script>\n", None),
            page("\n</textarea><script>alert(2)</script>\n", Some("No.")),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_line_ends_and_its_mark() {
        for (before, sent, written) in [
            ("a\r\nb\nc\r\n", "a\nb\nc\nZ", "a\r\nb\nc\r\nZ"),
            ("a\r\nb\nc\r\n", "b\nc\n", "b\nc\r\n"),
            ("a\r\nb\nc\n", "a\nnew\nb\nc\n", "a\r\nnew\r\nb\nc\n"),
            (
                "one\ntwo\r\nthree\n",
                "one\nTWO\nthree\n",
                "one\nTWO\r\nthree\n",
            ),
            ("a\rb\rc", "a\nb\nC", "a\rb\rC"),
            ("a\r\nb", "a\nb\nc", "a\r\nb\r\nc"),
            ("\u{FEFF}a\r\nb\n", "a\nb\nc\n", "\u{FEFF}a\r\nb\nc\n"),
            ("a\n", "", ""),
        ] {
            let sent = sent.replace('\n', "\r\n");
            assert_eq!(as_written(&sent, before), written, "{before:?} {sent:?}");
        }
        assert_eq!(as_written("a\r\nb\r\n", "x\ny\n"), "a\nb\n");
        assert_eq!(as_written("a\r\nb\r\n", "x\r\ny\r\n"), "a\r\nb\r\n");
        assert_eq!(as_written("a", "\u{FEFF}x"), "\u{FEFF}a");
        assert_eq!(as_written("a", ""), "a");
    }
}
