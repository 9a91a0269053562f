//! Whether who was let in would be let in again: what takes long asks that now and then.

use std::time::Duration;

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::identity::Identity;
use crate::{desk::Caller, error::Problem, state::AppState};

/// How often it is asked. A session or token that was taken back ends what it had open within that time.
const AGAIN: Duration = Duration::from_secs(15);

/// What a request showed.
#[derive(Clone)]
pub(crate) struct Standing {
    app: AppState,
    session: Option<String>,
    token: Option<String>,
}

impl Standing {
    pub(super) fn new(app: AppState, identity: &Identity) -> Self {
        Self {
            app,
            session: identity.session.clone(),
            token: identity.token.clone(),
        }
    }

    /// Who it opens for now, with what they may do now.
    pub(crate) async fn caller(&self) -> Option<Caller> {
        let desk = &self.app.desk;
        match (&self.session, &self.token) {
            (Some(secret), _) => desk.peek(secret).await.map(Caller::Person),
            (None, Some(secret)) => desk.bearer(secret).await,
            (None, None) => None,
        }
    }

    /// Done when it opens nothing any more.
    pub(crate) async fn over(&self) {
        loop {
            tokio::time::sleep(AGAIN).await;
            if self.caller().await.is_none() {
                return;
            }
        }
    }
}

impl FromRequestParts<AppState> for Standing {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(Problem::sign_in)
    }
}
