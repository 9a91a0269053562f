//! The JSON API. Each handler also describes itself; the OpenAPI document is made of that.

mod access;
mod answers;
mod boundaries;
mod deliveries;
mod diff;
pub(crate) mod files;
mod handoffs;
mod health;
mod ledger;
mod locks;
mod log;
mod messages;
mod metrics;
pub(crate) mod openapi;
mod outsiders;
mod ownership;
mod partial;
mod person_tokens;
mod routing;
mod schemas;
mod search;
mod service;
#[cfg(test)]
mod tests;
mod threads;
mod transfer;
mod unsent;
pub(crate) mod versions;
mod wait;

use axum::{Router, routing::get};
use http::Uri;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use openapi::document;
pub(crate) use routing::LONGEST_SNOOZE;

use crate::{live, state::AppState};

/// Checks whether a request to `uri` may bring a handoff with its files, which may be larger than all else.
pub(crate) fn brings_files(uri: &Uri) -> bool {
    let path = uri.path().strip_prefix("/api/v1/workspaces/");
    path.is_some_and(|rest| rest.ends_with("/handoffs"))
}

/// All routes of the API and the two probes.
pub fn routes() -> Router<AppState> {
    let (router, _) = described().split_for_parts();
    router
        .merge(health::probes())
        .merge(metrics::routes())
        .route("/api/v1/openapi.json", get(openapi::serve))
}

/// The routes that the OpenAPI document lists.
fn described() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::frame())
        .routes(routes!(handoffs::list))
        .routes(routes!(handoffs::row))
        .routes(routes!(handoffs::review))
        .routes(routes!(files::download))
        .routes(routes!(files::result))
        .routes(routes!(partial::so_far))
        .routes(routes!(diff::diff))
        .merge(versions::routes())
        .routes(routes!(wait::wait))
        .routes(routes!(answers::decide))
        .routes(routes!(answers::withdraw))
        .routes(routes!(boundaries::release))
        .routes(routes!(boundaries::use_approval))
        .routes(routes!(boundaries::list))
        .merge(routing::routes())
        .routes(routes!(service::service))
        .merge(locks::routes())
        .merge(threads::routes())
        .merge(unsent::routes())
        .merge(outsiders::routes())
        .merge(ownership::routes())
        .merge(transfer::routes())
        .merge(deliveries::routes())
        .merge(search::routes())
        .routes(routes!(schemas::schema))
        .routes(routes!(ledger::dead_letters))
        .routes(routes!(ledger::activity))
        .routes(routes!(ledger::verify))
        .routes(routes!(health::health))
        .routes(routes!(live::events))
        .merge(log::routes())
        .routes(routes!(access::start_link))
        .routes(routes!(access::tokens, access::create_token))
        .routes(routes!(access::revoke_token))
        .merge(person_tokens::routes())
        .routes(routes!(access::me))
        .routes(routes!(access::people))
        .routes(routes!(access::create_account))
        .routes(routes!(access::reset_account))
        .routes(routes!(access::disable_account))
        .routes(routes!(access::enable_account))
        .routes(routes!(access::sessions))
        .routes(routes!(access::end_session))
        .routes(routes!(messages::of_handoff))
        .routes(routes!(messages::receivers))
        .routes(routes!(messages::test))
        .routes(routes!(messages::enable))
        .routes(routes!(messages::redrive))
}
