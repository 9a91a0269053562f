//! Tokens with which programs work in the name of a person.

use async_trait::async_trait;
use countersign_protocol::access::Permission;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DeskError, Person};

/// What to make a token for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPersonToken {
    /// What it is for, in the words of its owner.
    pub name: String,
    /// The workspaces it reaches. Without a list every one, and what belongs to none.
    #[serde(default)]
    pub workspaces: Option<Vec<String>>,
    /// What it allows there, as far as its owner may.
    pub may: Vec<Permission>,
    /// Days it is good for, 1 to 365; 30 when nothing is said.
    #[serde(default)]
    pub days: Option<u32>,
}

/// A token of a person, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonTokenRow {
    /// Public id, which opens nothing.
    pub id: String,
    /// Whose it is.
    pub person: String,
    /// What it is for.
    pub name: String,
    /// The workspaces it reaches; `null` for all.
    pub workspaces: Option<Vec<String>>,
    /// What it allows there at the most.
    pub may: Vec<Permission>,
    /// When it was made.
    pub made_at: Timestamp,
    /// The last request, to the minute.
    pub used_at: Option<Timestamp>,
    /// After which it is refused.
    pub expires_at: Timestamp,
}

/// Tokens of people.
#[async_trait]
pub trait PersonTokensDesk: Send + Sync + 'static {
    /// The tokens of `who` that are good, or those of everybody, the newest first.
    async fn person_tokens(
        &self,
        who: &Person,
        all: bool,
    ) -> Result<Vec<PersonTokenRow>, DeskError>;
    /// Makes a token; the second value is its secret, shown this once. Only a person who is there makes one: no
    /// token makes another.
    async fn create_person_token(
        &self,
        who: &Person,
        new: NewPersonToken,
    ) -> Result<(PersonTokenRow, String), DeskError>;
    /// Takes a token back: one's own, or with the permission to manage people anybody's.
    async fn revoke_person_token(&self, who: &Person, id: &str) -> Result<(), DeskError>;
}
