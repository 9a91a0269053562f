//! The pages: ask the desk, fill the context of a template, render it.
//!
//! Every action is a plain form and every page works without scripts. Reading a page changes nothing.

mod accounts;
mod activity;
mod agents;
mod answer;
mod approval;
mod artifact;
mod batch;
mod beside;
mod cards;
mod confirm;
mod dead_letters;
mod decide;
mod decided;
mod each;
mod edit;
mod file;
mod file_view;
mod first_run;
mod growing;
mod held;
mod help;
mod insights;
mod listing;
mod locks;
mod locks_view;
mod look;
mod messages;
mod moved;
mod outsiders;
mod ownership;
mod passkeys;
mod people;
mod person_tokens;
mod problem;
mod queue;
mod queue_row;
mod queue_view;
mod reasons;
mod remarks;
mod review;
mod review_view;
mod search;
mod search_view;
mod settings;
mod sign_in;
mod step_up;
mod terms;
#[cfg(test)]
mod tests;
mod threads;
mod turns;
mod value_form;
mod view;
mod visit;
mod workspaces;

use axum::{
    Router,
    response::Redirect,
    routing::{get, post},
};

pub(crate) use moved::moved;
pub use problem::problem;
pub(crate) use queue_row::QueueRow;
pub(crate) use sign_in::inside;

use crate::{assets, state::AppState};

/// All pages.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/queue") }))
        .route("/queue", get(queue::show))
        .route("/batch", get(batch::show).post(batch::act))
        .route("/h/{id}", get(review::show))
        .route("/h/{id}/decision", post(decide::decide))
        .route("/h/{id}/viewed", post(review::viewed))
        .route("/h/{id}/comments", post(threads::say))
        .route("/h/{id}/threads/{thread}/comments", post(threads::reply))
        .route("/h/{id}/threads/{thread}/resolve", post(threads::resolve))
        .route("/h/{id}/threads/{thread}/reopen", post(threads::reopen))
        .route("/h/{id}/drafts/{draft}", post(threads::edit))
        .route("/h/{id}/drafts/{draft}/remove", post(threads::remove))
        .route("/h/{id}/ticks", post(threads::tick))
        .route("/h/{id}/confirm", get(confirm::show).post(confirm::decide))
        .route("/mail/stop", get(confirm::mail).post(confirm::stop_mail))
        .route("/h/{id}/decided", get(decided::show))
        .route("/h/{id}/undo", post(held::undo))
        .route("/h/{id}/edits", post(edit::act))
        .route("/h/{id}/r/{revision}/edit", get(edit::show))
        .route("/h/{id}/r/{revision}/file", get(file::show))
        .route("/h/{id}/r/{revision}/raw", get(file::raw))
        .route("/h/{id}/r/{revision}/picture", get(file::picture))
        .route("/h/{id}/r/{revision}/captions", get(file::captions))
        .route("/h/{id}/claim", post(people::claim))
        .route("/h/{id}/release", post(people::release))
        .route("/h/{id}/assign", post(people::assign))
        .route("/h/{id}/escalate", post(people::escalate))
        .route("/h/{id}/snooze", post(people::snooze))
        .route(
            "/h/{id}/outsiders",
            get(outsiders::show).post(outsiders::invite),
        )
        .route(
            "/h/{id}/outsiders/{invitation}/revoke",
            post(outsiders::revoke),
        )
        .route("/outside", get(outsiders::link).post(outsiders::enter))
        .route("/dead-letters/{seq}/redrive", post(people::redrive))
        .route("/dead-letters", get(dead_letters::show))
        .route("/messages", get(messages::show))
        .route("/messages/{name}/enable", post(messages::enable))
        .route("/messages/{name}/redrive", post(messages::redrive))
        .route("/agents", get(agents::show))
        .route("/activity", get(activity::show))
        .route("/insights", get(insights::show))
        .route("/locks", get(locks::show))
        .route("/locks/{id}/ask", post(locks::ask))
        .route("/locks/{id}/break", post(locks::break_up))
        .route("/search", get(search::show))
        .route("/search/saved", post(search::save))
        .route("/search/saved/remove", post(search::remove))
        .route("/settings", get(settings::show))
        .route("/settings/messages", post(settings::wish))
        .route("/settings/preferences", post(settings::prefer))
        .route("/settings/tokens/{id}/revoke", post(settings::revoke))
        .route("/settings/person-tokens", post(person_tokens::create))
        .route(
            "/settings/person-tokens/{id}/revoke",
            post(person_tokens::revoke),
        )
        .route("/workspaces", get(workspaces::show))
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/invitation", get(sign_in::invited).post(sign_in::accept))
        .route("/account", get(accounts::account))
        .route("/account/password", post(accounts::change_password))
        .route("/account/passkeys", post(passkeys::add))
        .route("/account/passkeys/{id}/remove", post(passkeys::remove))
        .route("/sessions/{id}/end", post(accounts::end_session))
        .route("/people", get(accounts::people).post(accounts::add))
        .route("/people/{id}/reset", post(accounts::reset))
        .route("/people/{id}/disable", post(accounts::disable))
        .route("/people/{id}/enable", post(accounts::enable))
        .route(
            "/workspaces/claim",
            get(ownership::show_claim).post(ownership::answer_claim),
        )
        .route("/workspaces/{name}/offer", post(ownership::offer))
        .route("/workspaces/{name}/withdraw", post(ownership::withdraw))
        .route("/workspaces/{name}/accept", post(ownership::accept))
        .route("/workspaces/{name}/decline", post(ownership::decline))
        .route("/workspaces/{name}/return", post(ownership::give_back))
        .route("/help", get(help::show))
        .route("/assets/{name}", get(assets::serve))
}

#[cfg(test)]
mod registry {
    use std::collections::BTreeSet;

    use crate::templates::{Page, Templates};

    fn render<P: Page>(templates: &Templates, seen: &mut BTreeSet<String>) {
        let samples = P::samples();
        assert!(!samples.is_empty(), "{} has no samples", P::TEMPLATE);
        for (at, sample) in samples.iter().enumerate() {
            let html = templates
                .render(sample)
                .unwrap_or_else(|error| panic!("{} {at}: {error}", P::TEMPLATE));
            for hostile in ["<script>alert", "onfocus=\"x", "\u{202E}", "\u{200B}"] {
                assert!(!html.contains(hostile), "{} {at}: {hostile}", P::TEMPLATE);
            }
            // Whoever is signed in needs the token, also on a page that anybody may open.
            for form in html.split("<form").skip(1) {
                let form = form.split("</form>").next().unwrap_or_default();
                let is_post = form.contains("method=\"post\"");
                let has_token = form.contains("name=\"csrf\"");
                assert!(!is_post || has_token, "{} {at}: {form}", P::TEMPLATE);
            }
        }
        seen.insert(P::TEMPLATE.to_owned());
    }

    /// The registry: a page that is not named here fails the second half of the test.
    #[test]
    fn every_page_renders_with_every_sample() {
        let templates = Templates::embedded();
        let mut seen = BTreeSet::new();
        render::<super::accounts::AccountPage>(&templates, &mut seen);
        render::<super::accounts::PeoplePage>(&templates, &mut seen);
        render::<super::sign_in::InvitationPage>(&templates, &mut seen);
        render::<super::sign_in::SignInPage>(&templates, &mut seen);
        render::<super::activity::ActivityPage>(&templates, &mut seen);
        render::<super::agents::AgentsPage>(&templates, &mut seen);
        render::<super::batch::BatchPage>(&templates, &mut seen);
        render::<super::batch::BatchDone>(&templates, &mut seen);
        render::<super::dead_letters::DeadLettersPage>(&templates, &mut seen);
        render::<super::confirm::ConfirmPage>(&templates, &mut seen);
        render::<super::confirm::DonePage>(&templates, &mut seen);
        render::<super::decided::DecidedPage>(&templates, &mut seen);
        render::<super::edit::EditPage>(&templates, &mut seen);
        render::<super::held::HeldPage>(&templates, &mut seen);
        render::<super::help::HelpPage>(&templates, &mut seen);
        render::<super::insights::InsightsPage>(&templates, &mut seen);
        render::<super::messages::MessagesPage>(&templates, &mut seen);
        render::<super::locks_view::LocksPage>(&templates, &mut seen);
        render::<super::moved::MovedPage>(&templates, &mut seen);
        render::<super::outsiders::OutsidePage>(&templates, &mut seen);
        render::<super::outsiders::OutsidersPage>(&templates, &mut seen);
        render::<super::ownership::ClaimPage>(&templates, &mut seen);
        render::<super::problem::ProblemPage>(&templates, &mut seen);
        render::<super::queue_view::QueuePage>(&templates, &mut seen);
        render::<super::QueueRow>(&templates, &mut seen);
        render::<super::file_view::FilePage>(&templates, &mut seen);
        render::<super::file_view::FilePart>(&templates, &mut seen);
        render::<super::review_view::ReviewPage>(&templates, &mut seen);
        render::<super::search_view::SearchPage>(&templates, &mut seen);
        render::<super::settings::SettingsPage>(&templates, &mut seen);
        render::<super::step_up::StepUpPage>(&templates, &mut seen);
        render::<super::workspaces::WorkspacesPage>(&templates, &mut seen);
        let names = Templates::names().filter(|name| name.starts_with("pages/"));
        assert_eq!(seen, names.collect::<BTreeSet<_>>());
    }
}
