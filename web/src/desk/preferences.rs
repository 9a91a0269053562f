//! How a person wants the pages to behave, in every browser.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DeskError, Person};

/// What a person chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Preferences {
    /// Whether the next handoff opens after a decision, instead of the page with the stamp.
    pub open_next: bool,
}

/// What a person chose.
#[async_trait]
pub trait PreferencesDesk: Send + Sync + 'static {
    /// What this person chose.
    async fn preferences(&self, who: &Person) -> Result<Preferences, DeskError>;
    /// Remembers it.
    async fn prefer(&self, who: &Person, preferences: Preferences) -> Result<(), DeskError>;
}
