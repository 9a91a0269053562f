//! Whether it is really them: passkeys, and what a person shows before an answer that asks for it.

use async_trait::async_trait;
use countersign_protocol::HandoffId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, Answered, DeskError, Person, access::SignInError};

/// A passkey of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PasskeyRow {
    /// Public id, which opens nothing.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// The name of the site that it is for.
    pub site: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it was last used.
    pub used_at: Option<Timestamp>,
}

/// What a person shows.
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    /// What the browser says of a passkey, as JSON, and the origin of the page that asked.
    Passkey {
        /// `AuthenticationResponseJSON`.
        said: String,
        /// As in `Origin`.
        origin: String,
    },
    /// The password, typed once more.
    Password(String),
    /// The secret of a session, which counts while its sign-in is fresh.
    Session(String),
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Passkey { .. } => "Passkey",
            Self::Password(_) => "Password",
            Self::Session(_) => "Session",
        })
    }
}

/// What a person can show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ways {
    /// What the browser is asked for a passkey, as JSON; absent where there is none for this site.
    pub passkey: Option<String>,
    /// Whether there is a password.
    pub password: bool,
    /// Whether the provider of the house can be asked to sign the person in anew.
    pub provider: bool,
    /// Whether it is the person of the machine, who gets a new link there.
    pub start_link: bool,
}

/// Passkeys, and answers that ask for one.
#[async_trait]
pub trait StepUpDesk: Send + Sync + 'static {
    /// The passkeys of `who`, the newest first.
    async fn passkeys(&self, who: &Person) -> Result<Vec<PasskeyRow>, DeskError>;
    /// What a browser is asked to make a passkey with, as JSON; absent where the page of `origin` can have none.
    /// Nothing is kept of it.
    async fn passkey_to_make(
        &self,
        who: &Person,
        origin: &str,
    ) -> Result<Option<String>, DeskError>;
    /// Keeps the passkey of which the browser says `said`. Since it opens more than a session does, `proof` is asked.
    async fn add_passkey(
        &self,
        who: &Person,
        name: &str,
        (said, origin): (&str, &str),
        proof: Proof,
    ) -> Result<(), SignInError>;
    /// Forgets a passkey.
    async fn remove_passkey(&self, who: &Person, id: &str) -> Result<(), DeskError>;

    /// What `who` can show for exactly this answer, on the page of `origin`. Nothing is kept of it.
    async fn ways_to_confirm(
        &self,
        who: &Person,
        id: HandoffId,
        answer: &Answer,
        origin: &str,
    ) -> Result<Ways, DeskError>;
    /// [`Desk::decide`](super::Desk::decide) with what the person showed, which is looked at where it is asked for.
    async fn decide_confirmed(
        &self,
        who: &Person,
        id: HandoffId,
        answer: Answer,
        proof: Proof,
    ) -> Result<Answered, SignInError>;
}
