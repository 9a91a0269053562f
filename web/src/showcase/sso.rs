//! A provider that lets whoever comes back with `good` in.

use std::time::Duration;

use async_trait::async_trait;

use super::Showcase;
use crate::desk::{
    NewSession, SsoDesk,
    access::Visitor,
    sso::{SsoAnswer, SsoBegin, SsoFailed},
};

/// Where the provider is.
pub const PROVIDER: &str = "https://login.example.org/authorize?state=s";

#[async_trait]
impl SsoDesk for Showcase {
    fn sso_name(&self) -> Option<String> {
        Some("Example login".to_owned())
    }

    async fn sso_begin(&self, _: bool) -> Result<SsoBegin, SsoFailed> {
        Ok(SsoBegin {
            cookie: "1.secret".to_owned(),
            state: "s".to_owned(),
            url: PROVIDER.to_owned(),
        })
    }

    async fn sso_finish(&self, answer: SsoAnswer, _: Visitor) -> Result<NewSession, SsoFailed> {
        if answer.cookie != "1.secret" || answer.state != "s" {
            let why = "another browser began this sign-in";
            return Err(SsoFailed::NotBegun(why.to_owned()));
        }
        if answer.code != "good" {
            return Err(SsoFailed::Provider("it refused the code".to_owned()));
        }
        let secret = "session-by-sso".to_owned();
        self.record(|state| state.sessions.insert(secret.clone()));
        Ok(NewSession {
            secret,
            lifetime: Duration::from_hours(12),
        })
    }
}
