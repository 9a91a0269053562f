//! What every handler reaches: the desk and the settings.

use std::{net::IpAddr, ops::Deref, sync::Arc};

use axum::response::Html;
use http::StatusCode;

use crate::{
    desk::Desk,
    error::Problem,
    fragments::Fragments,
    live::Places,
    pages::QueueRow,
    previews::Previews,
    security::{
        attempts::{Attempts, Pace},
        own_host::Keys,
    },
    settings::Settings,
    templates::{Page, TemplateError},
};

/// Shared by all handlers; a clone is one counter, and each request makes some.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

/// What it holds.
pub struct Shared {
    /// The daemon.
    pub desk: Arc<dyn Desk>,
    /// What the operator set.
    pub settings: Settings,
    /// Failed attempts to sign in, by address.
    pub(crate) attempts: Attempts<IpAddr>,
    /// Failed attempts to sign in, by account.
    pub(crate) sign_ins: Attempts<String>,
    /// Places for live streams.
    pub(crate) places: Places,
    /// What previews of large files share.
    pub(crate) previews: Arc<Previews>,
    /// Sessions on their way to the own host.
    pub(crate) keys: Keys,
    /// Rows of the queue.
    pub(crate) rows: Fragments<QueueRow>,
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl AppState {
    /// The state of one router.
    pub fn new(desk: Arc<dyn Desk>, settings: Settings) -> Self {
        Self(Arc::new(Shared {
            desk,
            attempts: Attempts::new(Pace::ADDRESS),
            sign_ins: Attempts::new(Pace::ACCOUNT),
            previews: Arc::default(),
            keys: Keys::default(),
            rows: Fragments::default(),
            places: Places::new(settings.streams),
            settings,
        }))
    }

    /// Renders a page.
    pub(crate) fn render<P: Page>(&self, page: &P) -> Result<Html<String>, Problem> {
        let rendered = self.settings.templates.render(page);
        rendered.map(Html).map_err(|error| unrendered(&error))
    }

    /// A row of the queue as HTML, as it was rendered before where nothing of it changed.
    pub(crate) fn row(&self, row: QueueRow) -> Result<minijinja::Value, Problem> {
        let rendered = self.rows.rendered(row, &self.settings.templates);
        rendered.map_err(|error| unrendered(&error))
    }

    /// Whether `address` failed too often; then it has to wait that many seconds.
    pub(crate) fn must_wait(&self, address: IpAddr) -> Option<u64> {
        self.attempts.must_wait(&address, (self.settings.now)())
    }

    /// Notes a failed attempt from `address`.
    pub(crate) fn failed(&self, address: IpAddr) {
        self.attempts.failed_from(address, (self.settings.now)());
    }
}

fn unrendered(error: &TemplateError) -> Problem {
    tracing::error!(%error, "a page cannot be rendered");
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "template",
        "This page cannot be shown",
        "Its template does not fit this version of the program.",
    )
    .hint("Remove the template from the folder of your own templates, or bring it up to date.")
}
