//! Waiting for an answer.

use std::time::Duration;

use countersign_protocol::{HandoffId, decision::Outcome, state::HandoffState};
use countersign_web::desk::{Caller, DeskError, WaitAnswer};

use super::{LedgerDesk, access::visible_card};
use crate::ledger::decision_document;

impl LedgerDesk {
    pub(super) async fn wait_for(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: Option<u32>,
        timeout: Duration,
    ) -> Result<WaitAnswer, DeskError> {
        let mut head = self.ledger.head();
        let revision = match revision {
            Some(revision) => revision,
            None => {
                visible_card(&self.ledger.state(), who, id)?
                    .newest()
                    .accepted
                    .revision
            }
        };
        let answered = async {
            loop {
                head.borrow_and_update();
                let now = self.answer_now(who, id, revision)?;
                if now.state != "waiting" || head.changed().await.is_err() {
                    return Ok(now);
                }
            }
        };
        match tokio::time::timeout(timeout, answered).await {
            Ok(answer) => answer,
            Err(_) => self.answer_now(who, id, revision),
        }
    }

    fn answer_now(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: u32,
    ) -> Result<WaitAnswer, DeskError> {
        let state = self.ledger.state();
        let card = visible_card(&state, who, id)?;
        if card.revision(revision).is_none() {
            return Err(DeskError::NotFound(format!("{id} revision {revision}")));
        }
        // An agent that is told of released files must find them.
        let decision = card
            .decision(revision)
            .and_then(|decision| decision_document(&state, &card, decision))
            .filter(|document| document.released_to.is_none() || card.released.is_some());
        let word = match &card.state {
            _ if decision.is_some() => "decided",
            HandoffState::Closed {
                outcome: Outcome::Cancelled,
                ..
            } => "withdrawn",
            _ if card.newest().accepted.revision > revision => "superseded",
            _ => "waiting",
        };
        Ok(WaitAnswer {
            id,
            revision,
            state: word.to_owned(),
            decision,
        })
    }
}
