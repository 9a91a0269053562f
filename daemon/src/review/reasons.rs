//! Words that are kept ready for answers, as the configuration has them for a card.

use countersign_protocol::HandoffId;
use countersign_web::desk::{Answer, DeskError, ReasonRow};

use super::LedgerDesk;
use crate::{ledger::Card, policy};

impl LedgerDesk {
    pub(super) fn reasons_of(&self, card: &Card) -> Vec<ReasonRow> {
        let accepted = &card.newest().accepted;
        let known = self.policy.catalog().policy().reasons.iter();
        known
            .filter(|reason| policy::reasons::fits(reason, accepted))
            .map(|reason| ReasonRow {
                name: reason.name.to_string(),
                words: reason.words.value.clone(),
                answers: reason.answers.value.clone(),
            })
            .collect()
    }

    /// Refuses reasons that there are not for that answer to `id`.
    pub(super) fn knows_reasons(&self, id: HandoffId, answer: &Answer) -> Result<(), DeskError> {
        let state = self.ledger.state();
        let Some(card) = state.card(id).filter(|_| !answer.reasons.is_empty()) else {
            return Ok(());
        };
        let known = self.reasons_of(card);
        let fits = |name: &&String| {
            let mut known = known.iter();
            known.any(|one| one.name == **name && one.answers.contains(&answer.outcome))
        };
        match answer.reasons.iter().find(|name| !fits(name)) {
            None => Ok(()),
            Some(name) => Err(DeskError::Invalid {
                field: "reasons".to_owned(),
                message: format!("`{name}` is no reason for this answer here"),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
