//! What each person chose for the pages: a value of theirs, and no fact.

use async_trait::async_trait;
use countersign_web::desk::{
    DeskError, Person,
    preferences::{Preferences, PreferencesDesk},
};

use super::LedgerDesk;
use crate::store::Space;

#[async_trait]
impl PreferencesDesk for LedgerDesk {
    async fn preferences(&self, who: &Person) -> Result<Preferences, DeskError> {
        let id = who.id.clone();
        let read = move |store: &mut dyn crate::store::Store| store.value(Space::Preference, &id);
        let found = self.ledger.read(read).await;
        let found = found.map_err(|error| DeskError::Unavailable(error.to_string()))?;
        // What another version wrote and this one cannot read is not chosen.
        let chosen = found.and_then(|value| serde_json::from_str(&value).ok());
        Ok(chosen.unwrap_or_default())
    }

    async fn prefer(&self, who: &Person, preferences: Preferences) -> Result<(), DeskError> {
        let chosen = (preferences != Preferences::default())
            .then(|| serde_json::to_string(&preferences).unwrap_or_default());
        self.keep(Space::Preference, who.id.clone(), chosen).await
    }
}
