//! The forms to say something about the work, and to tick off what was viewed.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use countersign_protocol::{
    Digest, HandoffId,
    place::{Cell, Place, Region},
};
use serde::Deserialize;

use super::{artifact::FileName, visit::Visit};
use crate::{
    desk::threads::Remark,
    error::Problem,
    security::{FormOf, PathOf},
    state::AppState,
};

/// A remark as a form sends it; what is left empty is not meant.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RemarkForm {
    text: String,
    revision: Option<u32>,
    path: String,
    line: String,
    end_line: String,
    sheet: String,
    row: String,
    column: String,
    x: String,
    y: String,
    width: String,
    height: String,
    quote: String,
    /// `now`, or with the next answer.
    send: String,
}

/// A whole number, when something stands there.
fn number(field: &'static str, text: &str) -> Result<Option<u32>, Problem> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| {
            let problem = format!("`{}` is no whole number.", text.escape_debug());
            Problem::invalid(field, problem)
        }),
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

impl RemarkForm {
    fn remark(self) -> Result<Remark, Problem> {
        let row = number("row", &self.row)?;
        let cell = row.map(|row| Cell {
            sheet: some(&self.sheet),
            row,
            column: some(&self.column),
        });
        let sides = [
            number("x", &self.x)?,
            number("y", &self.y)?,
            number("width", &self.width)?,
            number("height", &self.height)?,
        ];
        let region = match sides {
            [Some(x), Some(y), Some(width), Some(height)] => Some(Region {
                x,
                y,
                width,
                height,
            }),
            [None, None, None, None] => None,
            _ => {
                let message = "A region has a left and an upper end, a width and a height.";
                return Err(Problem::invalid("region", message));
            }
        };
        let line = number("line", &self.line)?;
        let text = words(&self.text)?;
        Ok(Remark {
            revision: self.revision,
            place: Place {
                path: Some(self.path).filter(|path| !path.is_empty()),
                sha256: None,
                line,
                end_line: number("end_line", &self.end_line)?.filter(|last| Some(*last) != line),
                cell,
                region,
                quote: some(&self.quote.replace("\r\n", "\n")),
            },
            text,
        })
    }
}

/// Browsers send CRLF (HTML, section 4.10.22.4).
fn words(text: &str) -> Result<String, Problem> {
    some(&text.replace("\r\n", "\n"))
        .ok_or_else(|| Problem::invalid("text", "A comment needs words."))
}

fn back(id: HandoffId, anchor: &str) -> Response {
    Redirect::to(&format!("/h/{id}#{anchor}")).into_response()
}

/// `POST /h/{id}/comments`: says it now, or keeps it for the next answer.
pub(super) async fn say(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(id): PathOf<HandoffId>,
    FormOf(form): FormOf<RemarkForm>,
) -> Result<Response, Problem> {
    let later = form.send == "later";
    let remark = form.remark()?;
    let anchor = if later {
        let desk = &app.desk;
        let draft = desk.keep_draft(&visit.person, id, None, remark).await?;
        format!("d-{draft}")
    } else {
        let thread = app.desk.say(&visit.caller(), id, remark).await?;
        format!("t-{thread}")
    };
    Ok(back(id, &anchor))
}

/// Words alone.
#[derive(Debug, Deserialize)]
pub(super) struct WordsForm {
    text: String,
}

/// `POST /h/{id}/threads/{thread}/comments`.
pub(super) async fn reply(
    visit: Visit,
    State(app): State<AppState>,
    PathOf((id, thread)): PathOf<(HandoffId, u32)>,
    FormOf(form): FormOf<WordsForm>,
) -> Result<Response, Problem> {
    let text = words(&form.text)?;
    app.desk.reply(&visit.caller(), id, thread, text).await?;
    Ok(back(id, &format!("t-{thread}")))
}

/// `POST /h/{id}/threads/{thread}/resolve`.
pub(super) async fn resolve(
    visit: Visit,
    State(app): State<AppState>,
    PathOf((id, thread)): PathOf<(HandoffId, u32)>,
) -> Result<Response, Problem> {
    app.desk.resolve(&visit.person, id, thread, true).await?;
    Ok(back(id, &format!("t-{thread}")))
}

/// `POST /h/{id}/threads/{thread}/reopen`.
pub(super) async fn reopen(
    visit: Visit,
    State(app): State<AppState>,
    PathOf((id, thread)): PathOf<(HandoffId, u32)>,
) -> Result<Response, Problem> {
    app.desk.resolve(&visit.person, id, thread, false).await?;
    Ok(back(id, &format!("t-{thread}")))
}

/// `POST /h/{id}/drafts/{draft}`: other words.
pub(super) async fn edit(
    visit: Visit,
    State(app): State<AppState>,
    PathOf((id, draft)): PathOf<(HandoffId, String)>,
    FormOf(form): FormOf<WordsForm>,
) -> Result<Response, Problem> {
    let remark = Remark {
        revision: None,
        place: Place::default(),
        text: words(&form.text)?,
    };
    let desk = &app.desk;
    desk.keep_draft(&visit.person, id, Some(&draft), remark)
        .await?;
    Ok(back(id, &format!("d-{draft}")))
}

/// `POST /h/{id}/drafts/{draft}/remove`.
pub(super) async fn remove(
    visit: Visit,
    State(app): State<AppState>,
    PathOf((id, draft)): PathOf<(HandoffId, String)>,
) -> Result<Response, Problem> {
    app.desk.drop_draft(&visit.person, id, &draft).await?;
    Ok(back(id, "files"))
}

/// Which file was viewed, or not.
#[derive(Debug, Deserialize)]
pub(super) struct TickForm {
    /// `1` or `0`, a space, the digest, a space, and the path to come back to.
    tick: String,
}

/// `POST /h/{id}/ticks`.
pub(super) async fn tick(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(id): PathOf<HandoffId>,
    FormOf(form): FormOf<TickForm>,
) -> Result<Response, Problem> {
    let mut parts = form.tick.splitn(3, ' ');
    let bad = || Problem::bad_request("The form has a wrong `tick`.");
    let viewed = match parts.next() {
        Some("1") => true,
        Some("0") => false,
        _ => return Err(bad()),
    };
    let sha256: Digest = parts
        .next()
        .and_then(|text| text.parse().ok())
        .ok_or_else(bad)?;
    app.desk.tick(&visit.person, id, sha256, viewed).await?;
    let anchor = parts.next().map(|path| FileName::new(path).anchor);
    Ok(back(id, anchor.as_deref().unwrap_or("files")))
}
