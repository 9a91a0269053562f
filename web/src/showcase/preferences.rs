//! What people chose, of the desk in memory.

use async_trait::async_trait;

use super::Showcase;
use crate::desk::{
    DeskError, Person,
    preferences::{Preferences, PreferencesDesk},
};

#[async_trait]
impl PreferencesDesk for Showcase {
    async fn preferences(&self, _: &Person) -> Result<Preferences, DeskError> {
        Ok(self.lock().preferences)
    }

    async fn prefer(&self, _: &Person, preferences: Preferences) -> Result<(), DeskError> {
        self.lock().preferences = preferences;
        Ok(())
    }
}
