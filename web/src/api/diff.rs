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

use super::{openapi::Problems, versions::moment};
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
    let moment = async |text: Option<&str>| match text {
        Some(text) => moment(&app, &who, id, "from", text).await.map(Some),
        None => Ok(None),
    };
    let from = moment(span.from.as_deref())
        .await?
        .map(|from| from.revision);
    let to = moment(span.to.as_deref()).await?.map(|to| to.revision);
    if to == Some(0) {
        return Err(Problem::not_found(format!(
            "A revision of {id} at that time"
        )));
    }
    let review = app.desk.review(&who, id, to, from).await?;
    let base = review.base.as_ref().map(|base| base.revision);
    if let Some(from) = from.filter(|from| *from != base.unwrap_or_default()) {
        return Err(Problem::not_found(format!("Revision {from} of {id}")));
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
        let side = |revision: Option<u32>, absent: bool, path| {
            let revision = revision.filter(|_| !absent);
            side(app.desk.as_ref(), &who, id, revision, (file, path))
        };
        let old = side(base, file.change == Change::Added, file.old_path()).await?;
        let is_gone = file.change == Change::Removed;
        let new = side(Some(review.revision), is_gone, &file.path).await?;
        let (from, path) = (file.old_path().to_owned(), file.path.clone());
        let one = tokio::task::spawn_blocking(move || compare(&from, &path, &old, &new))
            .await
            .map_err(|_| DeskError::Unavailable("The comparison failed".to_owned()))?;
        text.push_str(&one);
    }
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, plain)], text).into_response())
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
    (file, path): (&FileRow, &str),
) -> Result<Side, DeskError> {
    let Some(revision) = revision else {
        return Ok(Side::Absent);
    };
    if !file.kept || file.size > LARGEST {
        return Ok(Side::Other);
    }
    let found = desk.file(who, id, revision, path, LARGEST + 1).await?;
    if found.size > LARGEST || found.bytes.contains(&0) {
        return Ok(Side::Other);
    }
    Ok(String::from_utf8(found.bytes).map_or(Side::Other, Side::Text))
}

/// The diff of one file, which was called `from` before.
fn compare(from: &str, path: &str, old: &Side, new: &Side) -> String {
    let mut text = format!("diff --countersign a/{from} b/{path}\n");
    if from != path {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "rename from {from}\nrename to {path}");
    }
    let (old_text, new_text) = match (old, new) {
        (Side::Other, _) | (_, Side::Other) => {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "The file a/{from} or b/{path} is no text, or too large."
            );
            return text;
        }
        (old, new) => (words(old), words(new)),
    };
    let name = |side: &Side, path: String| match side {
        Side::Absent => "/dev/null".to_owned(),
        Side::Text(_) | Side::Other => path,
    };
    let diff = TextDiff::configure()
        .timeout(PATIENCE)
        .diff_lines(old_text, new_text);
    let mut unified = diff.unified_diff();
    unified.header(
        &name(old, format!("a/{from}")),
        &name(new, format!("b/{path}")),
    );
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
        let diff = compare(
            "notes/a.md",
            "notes/a.md",
            &text("one\ntwo\n"),
            &text("one\n2\n"),
        );
        assert_eq!(
            diff,
            "diff --countersign a/notes/a.md b/notes/a.md\n--- a/notes/a.md\n+++ b/notes/a.md\n\
             @@ -1,2 +1,2 @@\n one\n-two\n+2\n"
        );
    }

    #[test]
    fn what_is_new_comes_from_nowhere_and_what_is_no_text_is_named() {
        let diff = compare("a", "a", &Side::Absent, &text("one\n"));
        assert!(diff.contains("--- /dev/null\n+++ b/a\n"), "{diff}");
        assert!(diff.contains("\n+one\n"), "{diff}");
        let diff = compare("a", "a", &text("one\n"), &Side::Absent);
        assert!(diff.contains("--- a/a\n+++ /dev/null\n"), "{diff}");
        let diff = compare("a", "a", &Side::Other, &text("one\n"));
        assert!(diff.ends_with("is no text, or too large.\n"), "{diff}");
    }

    #[test]
    fn a_renamed_file_is_compared_with_what_it_was() {
        let diff = compare("old.md", "new.md", &text("one\n"), &text("one\ntwo\n"));
        assert_eq!(
            diff,
            "diff --countersign a/old.md b/new.md\nrename from old.md\nrename to new.md\n\
             --- a/old.md\n+++ b/new.md\n@@ -1 +1,2 @@\n one\n+two\n"
        );
    }
}
