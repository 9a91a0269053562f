//! Searches that people keep, questions that no rule understood, and what can be typed next.

use countersign_protocol::{event::Event, query::Operator};
use countersign_web::desk::{Completion, DeskError, Person, SavedSearch, Unmatched};

use super::super::{LedgerDesk, access::person_actor, unavailable};
use crate::{ledger::Draft, store::Space};

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
                crate::ledger::TransactError::Refused(message) => invalid(message),
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
                crate::ledger::TransactError::Refused(name) => {
                    DeskError::NotFound(format!("The search `{name}`"))
                }
                other => unavailable(other),
            })?;
        Ok(())
    }

    pub(super) async fn unmatched(&self) -> Result<Vec<Unmatched>, DeskError> {
        let values = self
            .ledger
            .read(|store| store.values(Space::Question))
            .await;
        let values = values.map_err(|error| DeskError::Unavailable(error.to_string()))?;
        let read = values
            .iter()
            .filter_map(|(_, text)| serde_json::from_str::<Unmatched>(text).ok());
        let mut questions: Vec<_> = read.collect();
        questions.sort_by_key(|question| std::cmp::Reverse(question.at));
        Ok(questions)
    }
}

/// Operators that begin with the last word of `text`.
pub(super) fn operators(text: &str, limit: usize) -> Vec<Completion> {
    let start = text.rfind([' ', '(', '-']).map_or(0, |at| at + 1);
    let typed = &text[start..];
    let known = Operator::all().filter(|operator| operator.name().starts_with(typed));
    known
        .take(limit)
        .map(|operator| Completion {
            text: format!("{}{}:", &text[..start], operator.name()),
            value: format!("{}:", operator.name()),
            help: operator.help().to_owned(),
        })
        .collect()
}
