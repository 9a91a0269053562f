//! How fast people look and answer.

use axum::{Json, extract::State};
use jiff::SignedDuration;
use serde::Deserialize;
use utoipa::IntoParams;

use super::openapi::Problems;
use crate::{
    desk::{Caller, service::ServiceReport},
    error::Problem,
    security::{QueryOf, SignedIn},
    state::AppState,
};

/// Longest span of a report, in days.
const LONGEST: i64 = 3_660;

/// Of which span.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Days {
    /// What was handed over in the last so many days; else 30.
    days: Option<i64>,
    /// Promises of workspaces in periods of so many days; else 7.
    period_days: Option<u32>,
}

/// How fast people looked and answered, beside what was promised: for each rule, each who was asked, and each
/// workspace. And what workspaces promise in `[service]`, by period, with what was not kept.
#[utoipa::path(
    get, path = "/api/v1/service", operation_id = "getService", tag = "routing", params(Days),
    responses((status = 200, description = "The report", body = ServiceReport), Problems)
)]
pub(super) async fn service(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    QueryOf(wish): QueryOf<Days>,
) -> Result<Json<ServiceReport>, Problem> {
    let days = wish.days.unwrap_or(30);
    if !(1..=LONGEST).contains(&days) {
        let hint = format!("Ask for 1 to {LONGEST} days.");
        return Err(Problem::invalid("days", hint));
    }
    let period_days = wish.period_days.unwrap_or(7);
    if period_days == 0 || i64::from(period_days) > LONGEST {
        let hint = format!("Ask for periods of 1 to {LONGEST} days.");
        return Err(Problem::invalid("period_days", hint));
    }
    let since = (app.settings.now)() - SignedDuration::from_hours(24 * days);
    let caller = Caller::Person(person);
    Ok(Json(app.desk.service(&caller, since, period_days).await?))
}
