//! Who is asked, on the review page, and the forms to take, hand on and put off.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use countersign_protocol::HandoffId;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{
    view::{Now, When},
    visit::Visit,
};
use crate::{
    api::LONGEST_SNOOZE,
    desk::{
        HandoffRow,
        people::TargetRow,
        routing::{AskedRow, Routing, RuleRow},
    },
    error::Problem,
    security::{FormOf, PathOf},
    state::AppState,
};

/// What the page says about who is asked.
#[derive(Debug, Serialize)]
pub(super) struct RoutingPart {
    rule: String,
    why: String,
    asked: Vec<AskedRow>,
    triggers: Vec<String>,
    ladder: Vec<LadderView>,
    claim: Option<ClaimView>,
    snoozed: Option<SnoozeView>,
    held: bool,
    sampled: bool,
    dead: bool,
    rules: Vec<RuleRow>,
    targets: Vec<TargetRow>,
    /// Who is above, as words and as the form sends them.
    above: Option<(String, String)>,
    open: bool,
}

#[derive(Debug, Serialize)]
struct LadderView {
    text: String,
    at: When,
    taken: bool,
}

#[derive(Debug, Serialize)]
struct ClaimView {
    by: String,
    mine: bool,
    at: When,
}

#[derive(Debug, Serialize)]
struct SnoozeView {
    by: String,
    until: When,
}

impl RoutingPart {
    /// What the desk knows about `row`. A page without it is better than none.
    pub(super) async fn load(visit: &Visit, row: &HandoffRow) -> Option<Self> {
        let (desk, caller) = (&visit.app.desk, visit.caller());
        let routing = desk.routing(&caller, row.id).await.ok()?;
        let targets = desk.targets(&visit.person).await.unwrap_or_default();
        let report = desk.route_test(&caller, row.id).await.ok();
        let rules = report.map(|report| report.rules).unwrap_or_default();
        Some(Self::new(
            routing,
            rules,
            targets,
            row.state == "waiting",
            visit.now(),
        ))
    }

    pub(super) fn new(
        routing: Routing,
        rules: Vec<RuleRow>,
        targets: Vec<TargetRow>,
        open: bool,
        now: Now<'_>,
    ) -> Self {
        let words = |pick: fn(&TargetRow) -> &str, between: &str| {
            let words: Vec<_> = routing.above.iter().map(pick).collect();
            words.join(between)
        };
        let above = (words(|one| &one.name, ", "), words(|one| &one.target, " "));
        Self {
            above: Some(above).filter(|_| !routing.above.is_empty()),
            rule: routing.rule,
            why: routing.why,
            asked: routing.asked,
            triggers: routing.triggers.into_iter().map(|one| one.why).collect(),
            ladder: routing
                .ladder
                .into_iter()
                .map(|step| LadderView {
                    text: step.text,
                    at: When::planned(step.taken_at.unwrap_or(step.at), now),
                    taken: step.taken_at.is_some(),
                })
                .collect(),
            claim: routing.claim.map(|claim| ClaimView {
                by: claim.by,
                mine: claim.mine,
                at: When::new(claim.at, now),
            }),
            snoozed: routing.snoozed.map(|(until, by)| SnoozeView {
                by,
                until: When::planned(until, now),
            }),
            held: routing.held,
            sampled: routing.sampled,
            dead: routing.dead,
            rules,
            targets,
            open,
        }
    }
}

/// Where a form was sent from.
#[derive(Debug, Default, Deserialize)]
pub(super) struct From {
    /// `queue`, or the page of the handoff.
    #[serde(default)]
    back: String,
}

fn back(id: HandoffId, from: &str) -> Response {
    if from == "queue" {
        return Redirect::to("/queue").into_response();
    }
    Redirect::to(&format!("/h/{id}")).into_response()
}

/// `POST /h/{id}/claim`.
pub(super) async fn claim(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(id): PathOf<HandoffId>,
    FormOf(from): FormOf<From>,
) -> Result<Response, Problem> {
    app.desk.claim(&visit.person, id).await?;
    Ok(back(id, &from.back))
}

/// `POST /h/{id}/release`.
pub(super) async fn release(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(id): PathOf<HandoffId>,
) -> Result<Response, Problem> {
    app.desk.release(&visit.person, id).await?;
    Ok(back(id, ""))
}

/// The form that hands it on.
#[derive(Debug, Deserialize)]
pub(super) struct AssignForm {
    to: String,
    #[serde(default)]
    note: String,
}

/// `POST /h/{id}/assign`.
pub(super) async fn assign(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(id): PathOf<HandoffId>,
    FormOf(form): FormOf<AssignForm>,
) -> Result<Response, Problem> {
    let note = Some(form.note.trim().to_owned()).filter(|note| !note.is_empty());
    app.desk.assign(&visit.person, id, &form.to, note).await?;
    Ok(back(id, ""))
}

/// `POST /h/{id}/escalate`.
pub(super) async fn escalate(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(id): PathOf<HandoffId>,
    FormOf(form): FormOf<AssignForm>,
) -> Result<Response, Problem> {
    let note = Some(form.note.trim().to_owned()).filter(|note| !note.is_empty());
    app.desk.escalate(&visit.person, id, &form.to, note).await?;
    Ok(back(id, ""))
}

/// The form that puts it off.
#[derive(Debug, Deserialize)]
pub(super) struct SnoozeForm {
    minutes: i64,
    #[serde(default)]
    back: String,
}

/// `POST /h/{id}/snooze`.
pub(super) async fn snooze(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(id): PathOf<HandoffId>,
    FormOf(form): FormOf<SnoozeForm>,
) -> Result<Response, Problem> {
    if !(0..=LONGEST_SNOOZE / 60).contains(&form.minutes) {
        return Err(Problem::invalid(
            "minutes",
            "Put it off for at most thirty days.",
        ));
    }
    let until = visit.now().at + SignedDuration::from_mins(form.minutes);
    app.desk.snooze(&visit.person, id, until).await?;
    Ok(back(id, &form.back))
}

/// `POST /dead-letters/{seq}/redrive`.
pub(super) async fn redrive(
    visit: Visit,
    State(app): State<AppState>,
    PathOf(seq): PathOf<u64>,
) -> Result<Response, Problem> {
    app.desk.redrive(&visit.person, seq).await?;
    Ok(Redirect::to("/dead-letters").into_response())
}
