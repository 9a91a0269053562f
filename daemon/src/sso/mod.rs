//! Sign-in by the provider of the house: `OpenID` Connect, authorization code with PKCE.
//!
//! What belongs to one sign-in hangs on a secret that lies in a cookie of the browser which began it. State, nonce
//! and PKCE verifier are made of that secret, so nothing is kept here while somebody types a password there, no
//! flood of beginnings fills anything, and a restart in between loses nothing. The secret says when it was made.

mod browser;
mod provider;
#[cfg(test)]
mod tests;
mod vouched;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use countersign_protocol::Digest;
use jiff::{SignedDuration, Timestamp};

pub use browser::Beginning;
pub use vouched::Vouched;

use crate::{
    clock::SharedClock,
    config::{Environment, Sso as Stated},
    egress::Lookup,
};
use provider::Provider;

/// How long somebody may take to sign in at the provider.
const PATIENCE: SignedDuration = SignedDuration::from_mins(15);

/// Why nobody was signed in. None of it repeats a secret.
#[derive(Debug, thiserror::Error)]
pub enum SsoError {
    /// Another browser began it, or this one long ago, or the answer was used before.
    #[error("{0}")]
    NotOurs(&'static str),
    /// The provider cannot be asked.
    #[error("the provider cannot be asked: {0}")]
    Unreachable(String),
    /// The provider signed somebody in, and a rule of ours does not take what it says.
    #[error("the provider signed you in, but {0}")]
    Refused(String),
    /// What the provider says is not good.
    #[error("what the provider says is not good: {0}")]
    NotGood(String),
}

/// What came back in the address.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// `code`.
    pub code: &'a str,
    /// `state`.
    pub state: &'a str,
    /// `iss` (RFC 9207), where the provider says it.
    pub issuer: Option<&'a str>,
}

/// The provider, with what was already used. Clones share it.
#[derive(Clone, Debug)]
pub struct Sso(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    provider: Provider,
    clock: SharedClock,
    /// Sign-ins that succeeded, by the digest of their state, until their time is over anyway.
    used: Mutex<HashMap<Digest, Timestamp>>,
}

impl Sso {
    /// The provider that `stated` names; `public_url` is where browsers come back to.
    pub fn new(
        stated: &Stated,
        public_url: &str,
        environment: &Environment,
        clock: SharedClock,
        lookup: &Lookup,
    ) -> Result<Self, String> {
        let provider = Provider::new(stated, public_url, environment, lookup)?;
        Ok(Self(Arc::new(Inner {
            provider,
            clock,
            used: Mutex::default(),
        })))
    }

    /// Its name on the button.
    pub fn name(&self) -> &str {
        self.0.provider.name()
    }

    /// Begins: `random` is a secret of 256 bits for the cookie.
    /// Where `is_anew`, the provider is to ask the person, even when it knows the browser.
    pub async fn begin(
        &self,
        random: &str,
        is_anew: bool,
    ) -> Result<(Beginning, String), SsoError> {
        let now = self.0.clock.now();
        let beginning = Beginning::new(now, random);
        let url = self.0.provider.authorize(&beginning, is_anew, now).await?;
        Ok((beginning, url))
    }

    /// Ends: who came back, by the cookie of the browser and what its address says.
    pub async fn finish(&self, cookie: &str, answer: Answer<'_>) -> Result<Vouched, SsoError> {
        let now = self.0.clock.now();
        let beginning = Beginning::read(cookie)
            .ok_or(SsoError::NotOurs("this browser did not begin the sign-in"))?;
        let age = now.duration_since(beginning.at);
        if age > PATIENCE || age.is_negative() {
            return Err(SsoError::NotOurs("the sign-in was begun too long ago"));
        }
        let state = Digest::of(answer.state.as_bytes());
        if state != Digest::of(beginning.state().as_bytes()) {
            return Err(SsoError::NotOurs("another browser began this sign-in"));
        }
        if self.was_used(state) {
            return Err(SsoError::NotOurs("this sign-in was used before"));
        }
        let vouched = self.0.provider.redeem(&beginning, answer, now).await?;
        if self.use_up(state, now) {
            Ok(vouched)
        } else {
            Err(SsoError::NotOurs("this sign-in was used before"))
        }
    }

    fn was_used(&self, state: Digest) -> bool {
        let used = self.0.used.lock();
        let used = used.unwrap_or_else(PoisonError::into_inner);
        used.contains_key(&state)
    }

    /// Of two who bring the same answer, one gets in.
    fn use_up(&self, state: Digest, now: Timestamp) -> bool {
        let used = self.0.used.lock();
        let mut used = used.unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, at| now.duration_since(*at) <= PATIENCE);
        used.insert(state, now).is_none()
    }
}
