//! Searches that people keep.

use countersign_protocol::event::Event;
use countersign_web::desk::{DeskError, Person, SavedSearch};

use super::super::{LedgerDesk, access::person_actor, unavailable};
use crate::ledger::{Draft, TransactError};

/// Longest name of a search, in characters.
const NAME: usize = 80;
/// Most searches of one person.
const MOST: usize = 100;

impl LedgerDesk {
    pub(super) fn kept_searches(&self, who: &Person) -> Vec<SavedSearch> {
        let state = self.ledger.state();
        let searches = state.searches(&who.id);
        searches
            .map(|(name, kept)| SavedSearch {
                name: name.to_owned(),
                query: kept.query.clone(),
                at: kept.at,
            })
            .collect()
    }

    pub(super) async fn keep_search(
        &self,
        who: &Person,
        name: &str,
        query: String,
    ) -> Result<SavedSearch, DeskError> {
        let name = name.trim().to_owned();
        let invalid = |message: &str| DeskError::Invalid {
            field: "name".to_owned(),
            message: message.to_owned(),
        };
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(invalid("Give the search a name of visible characters."));
        }
        if name.chars().count() > NAME {
            return Err(invalid("Use a name of at most 80 characters."));
        }
        if query.is_empty() {
            return Err(invalid("There is nothing to keep: the query is empty."));
        }
        let actor = person_actor(who);
        let person = who.id.clone();
        let (saved, _) = self
            .ledger
            .transact(move |state, now| {
                let mut kept = state.searches(&person);
                let is_new = kept.all(|(other, _)| other != name);
                if is_new && state.searches(&person).count() >= MOST {
                    return Err("You keep 100 searches already. Remove one first.");
                }
                let saved = SavedSearch {
                    name: name.clone(),
                    query: query.clone(),
                    at: now,
                };
                let event = Event::SearchSaved { name, query };
                Ok(Draft::of(vec![(actor, event)], saved))
            })
            .await
            .map_err(|error| match error {
                TransactError::Refused(message) => invalid(message),
                other => unavailable(other),
            })?;
        Ok(saved)
    }

    pub(super) async fn forget_search(&self, who: &Person, name: &str) -> Result<(), DeskError> {
        let actor = person_actor(who);
        let person = who.id.clone();
        let wanted = name.to_owned();
        self.ledger
            .transact(move |state, _| {
                let mut kept = state.searches(&person);
                if kept.all(|(other, _)| other != wanted) {
                    return Err(wanted);
                }
                let event = Event::SearchRemoved { name: wanted };
                Ok(Draft::of(vec![(actor, event)], ()))
            })
            .await
            .map_err(|error| match error {
                TransactError::Refused(name) => DeskError::NotFound(format!("The search `{name}`")),
                other => unavailable(other),
            })?;
        Ok(())
    }
}
