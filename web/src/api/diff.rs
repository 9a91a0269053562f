//! All text of a revision as one unified diff.

use std::{fmt::Write as _, time::Duration};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use countersign_protocol::HandoffId;
use http::{HeaderValue, header};
use serde::Deserialize;
use similar::TextDiff;
use utoipa::IntoParams;

use super::openapi::Problems;
use crate::{
    desk::{Caller, Change, Desk, DeskError, FileRow},
    error::Problem,
    security::{PathOf, QueryOf, Signed},
    state::AppState,
};

/// Files above that size are only named, in bytes.
const LARGEST: u64 = 1 << 20;
/// No more files are added to a diff above that size, in bytes.
const ENOUGH: usize = 8 << 20;
/// After that time a file is compared roughly.
const PATIENCE: Duration = Duration::from_millis(500);

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Span {
    /// The older moment: a revision such as `2`, or any anchor such as `@last-build`; what was decided last,
    /// or nothing, when none is named.
    from: Option<String>,
    /// The newer moment; the newest revision when none is named.
    to: Option<String>,
}

/// What changed between two revisions.
#[utoipa::path(
    get, path = "/api/v1/handoffs/{id}/diff", operation_id = "getDiff", tag = "handoffs",
    params(("id" = String, Path, description = "The number, with or without `H-`"), Span),
    responses(
        (status = 200, description = "A unified diff", body = String, content_type = "text/plain"),
        Problems
    )
)]
pub(super) async fn diff(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(id): PathOf<HandoffId>,
    QueryOf(span): QueryOf<Span>,
) -> Result<Response, Problem> {
    let from = revision(&app, &who, id, span.from.as_deref()).await?;
    let to = revision(&app, &who, id, span.to.as_deref()).await?;
    if to == Some(0) {
        return Err(Problem::not_found(format!(
            "A revision of {id} at that time"
        )));
    }
    let review = app.desk.review(&who, id, to, from).await?;
    let base = review.base.as_ref().map(|base| base.revision);
    let wanted = from.filter(|from| *from > 0);
    if from.is_some() && base != wanted {
        return Err(Problem::not_found(format!(
            "Revision {} of {id}",
            wanted.unwrap_or_default()
        )));
    }
    let mut text = String::new();
    for file in &review.files {
        if file.change == Change::Unchanged {
            continue;
        }
        if text.len() > ENOUGH {
            text.push_str("The diff is too long; the rest is left out.\n");
            break;
        }
        let side = |revision: Option<u32>, absent: bool| {
            let revision = revision.filter(|_| !absent);
            side(app.desk.as_ref(), &who, id, revision, file)
        };
        let old = side(base, file.change == Change::Added).await?;
        let new = side(Some(review.revision), file.change == Change::Removed).await?;
        let path = file.path.clone();
        let one = tokio::task::spawn_blocking(move || compare(&path, &old, &new))
            .await
            .map_err(|_| DeskError::Unavailable("The comparison failed".to_owned()))?;
        text.push_str(&one);
    }
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, plain)], text).into_response())
}

/// The revision that a moment falls on; 0 for before the first.
async fn revision(
    app: &AppState,
    who: &Caller,
    id: HandoffId,
    text: Option<&str>,
) -> Result<Option<u32>, Problem> {
    let Some(text) = text else {
        return Ok(None);
    };
    if let Ok(number) = text.parse() {
        return Ok(Some(number));
    }
    let anchor = super::versions::anchor(app, "from", text)?;
    let moment = app.desk.moment(who, id, &anchor).await?;
    Ok(moment.revision)
}

/// One side of a comparison.
#[derive(Debug)]
enum Side {
    Absent,
    Text(String),
    /// Too large, not text, or not kept.
    Other,
}

async fn side(
    desk: &dyn Desk,
    who: &Caller,
    id: HandoffId,
    revision: Option<u32>,
    file: &FileRow,
) -> Result<Side, DeskError> {
    let Some(revision) = revision else {
        return Ok(Side::Absent);
    };
    if !file.kept || file.size > LARGEST {
        return Ok(Side::Other);
    }
    let found = desk
        .file(who, id, revision, &file.path, LARGEST + 1)
        .await?;
    if found.size > LARGEST || found.bytes.contains(&0) {
        return Ok(Side::Other);
    }
    Ok(String::from_utf8(found.bytes).map_or(Side::Other, Side::Text))
}

/// The diff of one file.
fn compare(path: &str, old: &Side, new: &Side) -> String {
    let mut text = format!("diff --countersign a/{path} b/{path}\n");
    let (old_text, new_text) = match (old, new) {
        (Side::Other, _) | (_, Side::Other) => {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "The file a/{path} or b/{path} is no text, or too large."
            );
            return text;
        }
        (old, new) => (words(old), words(new)),
    };
    let name = |side: &Side, letter| match side {
        Side::Absent => "/dev/null".to_owned(),
        Side::Text(_) | Side::Other => format!("{letter}/{path}"),
    };
    let diff = TextDiff::configure()
        .timeout(PATIENCE)
        .diff_lines(old_text, new_text);
    let mut unified = diff.unified_diff();
    unified.header(&name(old, 'a'), &name(new, 'b'));
    text.push_str(&unified.to_string());
    text
}

fn words(side: &Side) -> &str {
    match side {
        Side::Text(text) => text,
        Side::Absent | Side::Other => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: &str) -> Side {
        Side::Text(words.to_owned())
    }

    #[test]
    fn a_change_shows_both_sides() {
        let diff = compare("notes/a.md", &text("one\ntwo\n"), &text("one\n2\n"));
        assert_eq!(
            diff,
            "diff --countersign a/notes/a.md b/notes/a.md\n--- a/notes/a.md\n+++ b/notes/a.md\n\
             @@ -1,2 +1,2 @@\n one\n-two\n+2\n"
        );
    }

    #[test]
    fn what_is_new_comes_from_nowhere_and_what_is_no_text_is_named() {
        let diff = compare("a", &Side::Absent, &text("one\n"));
        assert!(diff.contains("--- /dev/null\n+++ b/a\n"), "{diff}");
        assert!(diff.contains("\n+one\n"), "{diff}");
        let diff = compare("a", &text("one\n"), &Side::Absent);
        assert!(diff.contains("--- a/a\n+++ /dev/null\n"), "{diff}");
        let diff = compare("a", &Side::Other, &text("one\n"));
        assert!(diff.ends_with("is no text, or too large.\n"), "{diff}");
    }
}
