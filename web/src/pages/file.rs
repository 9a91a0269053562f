//! `GET /h/{id}/r/{revision}/file`, `…/raw`, `…/picture` and `…/captions`: one file, as a page, a part of a page,
//! bytes, a picture of it, or its words for a player.

use axum::{
    extract::State,
    response::{Html, IntoResponse, Response},
};
use countersign_protocol::{Digest, HandoffId};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;

use super::{
    cards,
    file_view::{FilePage, FilePart},
    look::Asked,
    visit::Visit,
};
use crate::{
    api::files,
    desk::PictureOf,
    error::Problem,
    render::{self, text},
    security::{PathOf, QueryOf},
    state::AppState,
};

/// Pictures are at most so many pixels wide and high.
const SIDE: u32 = 1280;

/// Which file.
#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    path: String,
    base: Option<u32>,
    /// `1` for the content alone.
    part: Option<u8>,
}

/// Shows one file.
pub(super) async fn show(
    visit: Visit,
    State(app): State<AppState>,
    PathOf((id, revision)): PathOf<(HandoffId, u32)>,
    QueryOf(choice): QueryOf<Choice>,
    QueryOf(asked): QueryOf<Asked>,
) -> Result<Html<String>, Problem> {
    let review = app
        .desk
        .review(&visit.caller(), id, Some(revision), choice.base)
        .await?;
    let row = review
        .files
        .iter()
        .find(|file| file.path == choice.path)
        .ok_or_else(|| Problem::not_found(format!("`{}` in {id}", choice.path)))?;
    let card = cards::card(&visit, &review, row, &asked).await?;
    if choice.part == Some(1) {
        return visit.render(&FilePart { card });
    }
    visit.render(&FilePage {
        chrome: visit.chrome("queue").await?,
        id: id.to_string(),
        title: review.row.title.clone(),
        revision,
        base: review.base.clone(),
        card,
    })
}

/// Sends the bytes, as the API does: a picture, sound or film as what it is, everything else as a
/// download that no browser opens.
pub(super) async fn raw(
    visit: Visit,
    State(app): State<AppState>,
    PathOf((id, revision)): PathOf<(HandoffId, u32)>,
    QueryOf(choice): QueryOf<Choice>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = visit.caller();
    let file = app.desk.open(&caller, id, revision, &choice.path).await?;
    files::send(file, &method, &headers).await
}

/// The most of a file that is read for captions, in bytes.
const CAPTIONS: u64 = 2 << 20;

/// Sends captions for a player, written anew from the times and words of the file.
pub(super) async fn captions(
    visit: Visit,
    State(app): State<AppState>,
    PathOf((id, revision)): PathOf<(HandoffId, u32)>,
    QueryOf(choice): QueryOf<Choice>,
) -> Result<Response, Problem> {
    let caller = visit.caller();
    let file = app
        .desk
        .file(&caller, id, revision, &choice.path, CAPTIONS)
        .await?;
    let complete = file.bytes.len() as u64 == file.size;
    let captions = render::captions::captions(&text::decode(&file.bytes, complete).text);
    let captions = captions.ok_or_else(|| {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "captions",
            "There are no captions in this file",
            "It has no times as WebVTT and SubRip write them.".to_owned(),
        )
    })?;
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/vtt; charset=utf-8"),
        ),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(files::SANDBOX),
        ),
    ];
    Ok((headers, captions).into_response())
}

/// Which picture of a file.
#[derive(Debug, Deserialize)]
pub(super) struct PictureChoice {
    path: String,
    /// A page of a PDF, from 1.
    page: Option<u32>,
    /// An output of a notebook, by the digest of its bytes.
    output: Option<Digest>,
}

/// Sends a picture that was drawn anew from the pixels of the file, so that nothing of its bytes but
/// the colours reaches the browser.
pub(super) async fn picture(
    visit: Visit,
    State(app): State<AppState>,
    PathOf((id, revision)): PathOf<(HandoffId, u32)>,
    QueryOf(choice): QueryOf<PictureChoice>,
) -> Result<Response, Problem> {
    let of = match (choice.page, choice.output) {
        (Some(page), _) => PictureOf::Page(page),
        (None, Some(output)) => PictureOf::Output(output),
        (None, None) => PictureOf::Image,
    };
    let caller = visit.caller();
    let drawn = app
        .desk
        .picture(&caller, id, revision, &choice.path, of, SIDE)
        .await?;
    let picture = drawn.map_err(|cut| {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "picture",
            "There is no picture of this file",
            cut.message,
        )
    })?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/png")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(files::SANDBOX),
        ),
    ];
    Ok((headers, picture.png).into_response())
}
