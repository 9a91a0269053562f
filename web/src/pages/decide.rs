//! `POST /h/{id}/decision`: an answer, or the form again with what is missing.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use countersign_protocol::HandoffId;
use http::StatusCode;

use super::{
    answer::{Draft, FieldError},
    listing::Part,
    look::Asked,
    review,
    review_view::{Notice, Typed, changed_files},
    step_up::{Asking, Given, OfPage},
    visit::Visit,
};
use crate::{
    desk::{Answered, DeskError, QueueView},
    error::Problem,
    security::{FormOf, PathOf},
    state::AppState,
};

/// Takes the decision form.
pub(super) async fn decide(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(id): PathOf<HandoffId>,
    page: OfPage,
    FormOf(fields): FormOf<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let draft = Draft::read(fields.clone())?;
    if draft.by_enter {
        let error = FieldError {
            field: "note".to_owned(),
            message: "Choose an answer by its button; Enter sends none".to_owned(),
        };
        return again(&visit, id, draft, vec![error]).await;
    }
    let unsent = app.desk.unsent(&visit.person, id).await?;
    let (known, requests) = if draft.reasons.is_empty() && !draft.one_by_one {
        (Vec::new(), Vec::new())
    } else {
        let review = app.desk.review(&visit.caller(), id, None, None).await?;
        (review.reasons, review.requests)
    };
    let whole = match draft.whole(&requests) {
        Ok(Some(whole)) => whole,
        Ok(None) => return Err(Problem::bad_request("The form names no answer.")),
        Err(error) => return again(&visit, id, draft, vec![error]).await,
    };
    let answer = match draft.check(whole, unsent, &known, visit.now().at) {
        Ok(answer) => answer,
        Err(errors) => return again(&visit, id, draft, errors).await,
    };
    let asked = Asking::read(&visit, id, &page, fields, answer);
    match asked.decide(&page).await? {
        Given::Asked(response) => Ok(response),
        Given::Answered(answered) => answered_with(&visit, id, draft, answered).await,
    }
}

/// What a browser gets for an answer that the desk took or refused.
async fn answered_with(
    visit: &Visit,
    id: HandoffId,
    draft: Draft,
    answered: Result<Answered, DeskError>,
) -> Result<Response, Problem> {
    match answered {
        Ok(Answered::Decided(_) | Answered::Held(_)) => {
            let to = after(visit, id).await?;
            Ok(Redirect::to(&to).into_response())
        }
        // The page says that it was a vote, and who else has to answer.
        Ok(Answered::Counted(_)) => {
            let to = format!("/h/{id}?voted=1#approval");
            Ok(Redirect::to(&to).into_response())
        }
        Err(DeskError::Stale {
            revision, answered, ..
        }) => stale(visit, id, revision, answered, draft).await,
        Err(DeskError::Conflict { why, .. }) => late(visit, id, why, draft).await,
        Err(DeskError::Invalid { field, message }) => {
            let field = match field.as_str() {
                "answers" => "each".to_owned(),
                known @ ("care" | "reasons") => known.to_owned(),
                _ => "note".to_owned(),
            };
            let errors = vec![FieldError { field, message }];
            again(visit, id, draft, errors).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Where a decision leads: to its page, or to the next handoff where the person wants that and there is one.
async fn after(visit: &Visit, id: HandoffId) -> Result<String, Problem> {
    let desk = &visit.app.desk;
    if desk.preferences(&visit.person).await?.open_next {
        let queue = desk
            .queue(&visit.caller(), QueueView::Turn, None, 1)
            .await?;
        if let Some(next) = queue.rows.first() {
            return Ok(format!("/h/{}?after={id}", next.id));
        }
    }
    Ok(format!("/h/{id}/decided"))
}

/// The same page with the input kept. When a newer revision came meanwhile, that comes first.
async fn again(
    visit: &Visit,
    id: HandoffId,
    draft: Draft,
    errors: Vec<FieldError>,
) -> Result<Response, Problem> {
    let caller = visit.caller();
    let review = visit
        .app
        .desk
        .review(&caller, id, Some(draft.revision), draft.base)
        .await?;
    let newest = review.row.revision;
    if newest != draft.revision {
        let answered = draft.revision;
        return stale(visit, id, newest, answered, draft).await;
    }
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let typed = Typed {
        draft,
        errors,
        notice: None,
    };
    let page = review::page(visit, &review, &Part::default(), &Asked::default(), typed).await?;
    Ok((status, page).into_response())
}

/// The newest revision against the one that was answered, with the words kept in a form that answers
/// the newest. Nothing was recorded.
async fn stale(
    visit: &Visit,
    id: HandoffId,
    newest: u32,
    answered: u32,
    draft: Draft,
) -> Result<Response, Problem> {
    let caller = visit.caller();
    let desk = &visit.app.desk;
    let base = (answered != newest && answered > 0).then_some(answered);
    let review = match desk.review(&caller, id, Some(newest), base).await {
        Err(DeskError::NotFound(_)) => desk.review(&caller, id, None, None).await?,
        other => other?,
    };
    let typed = Typed {
        draft,
        errors: Vec::new(),
        notice: Some(Notice::Stale {
            answered,
            files: changed_files(&review),
        }),
    };
    let page = review::page(visit, &review, &Part::default(), &Asked::default(), typed).await?;
    Ok((StatusCode::CONFLICT, page).into_response())
}

/// The closed handoff, with the words that were not sent.
async fn late(
    visit: &Visit,
    id: HandoffId,
    why: String,
    draft: Draft,
) -> Result<Response, Problem> {
    let caller = visit.caller();
    let review = visit.app.desk.review(&caller, id, None, None).await?;
    let typed = Typed {
        draft,
        errors: Vec::new(),
        notice: Some(Notice::Late { why }),
    };
    let page = review::page(visit, &review, &Part::default(), &Asked::default(), typed).await?;
    Ok((StatusCode::CONFLICT, page).into_response())
}
