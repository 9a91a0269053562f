//! What one sign-in hangs on: a secret in the browser that began it.

use countersign_protocol::Digest;
use jiff::Timestamp;
use openidconnect::{CsrfToken, Nonce, PkceCodeVerifier};

/// One sign-in, from the side of the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// When it began.
    pub at: Timestamp,
    secret: String,
}

impl Beginning {
    pub(super) fn new(at: Timestamp, random: &str) -> Self {
        Self {
            at,
            secret: format!("{}.{random}", at.as_second()),
        }
    }

    /// What lies in the cookie.
    pub fn cookie(&self) -> &str {
        &self.secret
    }

    pub(super) fn read(cookie: &str) -> Option<Self> {
        let (at, random) = cookie.split_once('.')?;
        let at = Timestamp::from_second(at.parse().ok()?).ok()?;
        // A secret that somebody could guess is none.
        (random.len() >= 43).then(|| Self {
            at,
            secret: cookie.to_owned(),
        })
    }

    /// Each use has a value of its own, and none tells anything about another one.
    fn made(&self, purpose: &str) -> String {
        let text = format!("countersign-sso-{purpose}-v1\0{}", self.secret);
        Digest::of(text.as_bytes()).to_string()
    }

    /// Returns the `state` that the provider sends back.
    pub fn state(&self) -> String {
        self.made("state")
    }

    pub(super) fn csrf(&self) -> CsrfToken {
        CsrfToken::new(self.state())
    }

    pub(super) fn nonce(&self) -> Nonce {
        Nonce::new(self.made("nonce"))
    }

    /// 64 characters (RFC 7636, section 4.1, wants 43 to 128).
    pub(super) fn verifier(&self) -> PkceCodeVerifier {
        PkceCodeVerifier::new(self.made("pkce"))
    }
}
