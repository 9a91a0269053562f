//! Sign-in by the provider of the house.

use async_trait::async_trait;

use super::{DeskError, NewSession, access::Visitor};

/// A sign-in that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsoBegin {
    /// What the browser keeps until it comes back; a secret, visible ASCII without `;`, `,` and `~`.
    pub cookie: String,
    /// The `state` that comes back with the answer; it names the cookie, so that two tabs do not share one.
    pub state: String,
    /// Where it goes.
    pub url: String,
}

/// What a browser brings back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SsoAnswer {
    /// What it kept.
    pub cookie: String,
    /// `code`.
    pub code: String,
    /// `state`.
    pub state: String,
    /// `iss`, where the provider says it.
    pub issuer: Option<String>,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SsoFailed {
    /// Another browser began it, or this one too long ago, or it was used before.
    #[error("{0}")]
    NotBegun(String),
    /// The provider does not answer, or not well.
    #[error("{0}")]
    Provider(String),
    /// The provider signed somebody in, and a rule of ours does not take what it says.
    #[error("{0}")]
    Refused(String),
    /// The provider vouches for somebody who has no way in here.
    #[error("{0}")]
    Unknown(String),
    /// It cannot be recorded now.
    #[error(transparent)]
    Desk(#[from] DeskError),
}

/// Sign-in by the provider of the house.
#[async_trait]
pub trait SsoDesk: Send + Sync + 'static {
    /// Its name for the button; `None` where there is no provider.
    fn sso_name(&self) -> Option<String>;
    /// Begins a sign-in. Nothing is kept of it here. Where it `is_anew`, the provider is to ask the person, even when
    /// it still knows the browser.
    async fn sso_begin(&self, is_anew: bool) -> Result<SsoBegin, SsoFailed>;
    /// Ends one: the session is new, and the answer is worth nothing afterwards.
    async fn sso_finish(&self, answer: SsoAnswer, from: Visitor) -> Result<NewSession, SsoFailed>;
}
