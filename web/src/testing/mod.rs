//! Requests against the desk in memory, in words.

mod ask;

use std::sync::Arc;

pub(crate) use ask::{Ask, Told};
use axum::Router;

pub(crate) use crate::showcase::{
    SESSION, Showcase,
    small::{ALPHA, BETA, OPERATOR, START, manifest},
};
use crate::{Settings, showcase::sample};

/// The port of [`Showcase::router`].
pub(crate) const PORT: u16 = 7420;

impl Showcase {
    /// Everything that is served, on this desk.
    pub(crate) fn router(&self) -> Router {
        self.router_with(settings())
    }

    /// The same with other settings.
    pub(crate) fn router_with(&self, settings: Settings) -> Router {
        crate::router(Arc::new(self.clone()), settings)
    }
}

/// Settings of a daemon that only this machine reaches.
pub(crate) fn settings() -> Settings {
    Settings::local(PORT, Arc::new(sample::now))
}
