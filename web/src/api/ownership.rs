//! Who owns a workspace, and how it changes hands.

use std::time::Duration;

use axum::{Json, extract::State};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::openapi::Problems;
use crate::{
    desk::ownership::{Claimant, NewOffer, OfferMade, OwnershipRow, USUAL_OFFER},
    error::Problem,
    security::{JsonOf, PathOf, Signed, SignedIn},
    state::AppState,
};

/// The shortest and the longest that an offer waits, in seconds.
const WAITS: std::ops::RangeInclusive<u64> = 60..=30 * 24 * 3600;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(offer, withdraw))
        .routes(routes!(accept))
        .routes(routes!(decline))
        .routes(routes!(give_back))
}

/// The workspaces, and whose they are.
#[utoipa::path(
    get, path = "/api/v1/workspaces", operation_id = "listWorkspaces", tag = "workspaces",
    responses((status = 200, description = "One for each workspace", body = Vec<OwnershipRow>), Problems)
)]
pub(super) async fn list(
    State(app): State<AppState>,
    Signed(who): Signed,
) -> Result<Json<Vec<OwnershipRow>>, Problem> {
    Ok(Json(app.desk.ownerships(&who).await?))
}

/// What is offered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Offer {
    /// A person, by id, name or e-mail address.
    to: String,
    /// Words to the person.
    note: Option<String>,
    /// The offer is over after so many seconds: 60 to 2592000, three days when absent.
    #[schema(minimum = 60, maximum = 2_592_000)]
    waits_seconds: Option<u64>,
}

/// Offers a workspace to a person, in the place of an older offer. An agent may offer where it works.
#[utoipa::path(
    post, path = "/api/v1/workspaces/{workspace}/offer", operation_id = "offerWorkspace", tag = "workspaces",
    params(("workspace" = String, Path, description = "Its name")),
    request_body = Offer,
    responses((status = 201, description = "It waits for an answer", body = OfferMade), Problems)
)]
pub(super) async fn offer(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(workspace): PathOf<String>,
    JsonOf(body): JsonOf<Offer>,
) -> Result<(StatusCode, Json<OfferMade>), Problem> {
    let waits = match body.waits_seconds {
        None => USUAL_OFFER,
        Some(seconds) if WAITS.contains(&seconds) => Duration::from_secs(seconds),
        Some(_) => {
            let why = "An offer waits 60 seconds to 30 days.";
            return Err(Problem::invalid("/waits_seconds", why));
        }
    };
    let offer = NewOffer {
        to: body.to,
        note: body.note,
        waits,
    };
    let made = app.desk.offer_ownership(&who, &workspace, offer).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Takes an offer back.
#[utoipa::path(
    delete, path = "/api/v1/workspaces/{workspace}/offer", operation_id = "withdrawOffer", tag = "workspaces",
    params(("workspace" = String, Path, description = "Its name")),
    responses((status = 204, description = "It is over"), Problems)
)]
pub(super) async fn withdraw(
    State(app): State<AppState>,
    Signed(who): Signed,
    PathOf(workspace): PathOf<String>,
) -> Result<StatusCode, Problem> {
    app.desk.withdraw_offer(&who, &workspace).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The answer of the person who is asked.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfferAnswer {
    /// The secret of the claim, when somebody else answers in the name of that person.
    claim: Option<String>,
    /// Why not.
    reason: Option<String>,
}

impl OfferAnswer {
    async fn give(
        self,
        app: &AppState,
        person: crate::desk::Person,
        workspace: &str,
        accept: bool,
    ) -> Result<StatusCode, Problem> {
        let who = match self.claim {
            Some(secret) => Claimant::Secret(secret),
            None => Claimant::Person(person),
        };
        let answered = app.desk.answer_offer(&who, workspace, accept, self.reason);
        answered.await?;
        Ok(StatusCode::NO_CONTENT)
    }
}

/// Accepts an offer: agents may only read from then on, and files follow as far as privileges allow.
#[utoipa::path(
    post, path = "/api/v1/workspaces/{workspace}/accept", operation_id = "acceptWorkspace", tag = "workspaces",
    params(("workspace" = String, Path, description = "Its name")),
    request_body = OfferAnswer,
    responses((status = 204, description = "It is theirs"), Problems)
)]
pub(super) async fn accept(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(workspace): PathOf<String>,
    JsonOf(body): JsonOf<OfferAnswer>,
) -> Result<StatusCode, Problem> {
    body.give(&app, person, &workspace, true).await
}

/// Declines an offer.
#[utoipa::path(
    post, path = "/api/v1/workspaces/{workspace}/decline", operation_id = "declineWorkspace", tag = "workspaces",
    params(("workspace" = String, Path, description = "Its name")),
    request_body = OfferAnswer,
    responses((status = 204, description = "It stays whose it was"), Problems)
)]
pub(super) async fn decline(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(workspace): PathOf<String>,
    JsonOf(body): JsonOf<OfferAnswer>,
) -> Result<StatusCode, Problem> {
    body.give(&app, person, &workspace, false).await
}

/// Words to those who get it back.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Return {
    /// The words.
    note: Option<String>,
}

/// Lets agents work in a workspace again. Whoever had it stays its owner.
#[utoipa::path(
    post, path = "/api/v1/workspaces/{workspace}/return", operation_id = "returnWorkspace", tag = "workspaces",
    params(("workspace" = String, Path, description = "Its name")),
    request_body = Return,
    responses((status = 204, description = "Agents work in it again"), Problems)
)]
pub(super) async fn give_back(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    PathOf(workspace): PathOf<String>,
    JsonOf(body): JsonOf<Return>,
) -> Result<StatusCode, Problem> {
    let returned = app.desk.return_ownership(&person, &workspace, body.note);
    returned.await?;
    Ok(StatusCode::NO_CONTENT)
}
