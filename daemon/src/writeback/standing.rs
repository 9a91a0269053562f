//! Answers that have to stand, looked at now and then: what of ours is missing is written again.

use std::{path::Path, sync::Arc};

use super::{
    Page, Writeback, WritebackError,
    decision::{is_current, own_folder},
    destination::destinations,
};
use crate::{
    ledger::{Card, CardDecision},
    store::Space,
    workspace::Workspace,
};
use countersign_protocol::names;

/// Cards that are looked at between two turns of the new answers.
const TOGETHER: usize = 64;

impl Writeback {
    /// Looks at the answers that were put into folders and stand for the newest revision there. Our copy is written
    /// again where it is missing, and the answer where we took it out ourselves; what an agent moved away stays away.
    pub async fn look_at_answers(&self) -> Result<(), WritebackError> {
        let cards: Vec<Arc<Card>> = {
            let state = self.ledger.state();
            let answered = state.cards().filter(|card| answered(card).is_some());
            answered.cloned().collect()
        };
        for some in cards.chunks(TOGETHER) {
            let _turn = self.turn.lock().await;
            let (me, some) = (self.clone(), some.to_vec());
            let looked = tokio::task::spawn_blocking(move || {
                let mut page = Page::default();
                for card in some {
                    me.look_at(&card, &mut page)?;
                }
                Ok::<_, WritebackError>(page)
            });
            let page = looked
                .await
                .map_err(|error| WritebackError::Ledger(error.to_string()))??;
            if !page.written.is_empty() {
                self.record(page, None).await?;
            }
        }
        Ok(())
    }

    fn look_at(&self, card: &Card, page: &mut Page) -> Result<(), WritebackError> {
        let Some((decision, workspace)) = answered(card).zip(self.workspaces.get(&card.workspace))
        else {
            return Ok(());
        };
        let is_missing = match self.is_missing(&workspace, card, decision) {
            Ok(is_missing) => is_missing,
            // A folder that cannot be read is told when something is owed to it.
            Err(WritebackError::Fs(error)) => {
                tracing::debug!(%error, handoff = %card.id, "its answer is not looked at");
                false
            }
            Err(error) => return Err(error),
        };
        if !is_missing {
            return Ok(());
        }
        tracing::warn!(handoff = %card.id, "its answer is missing and is written again");
        let entry = (decision.seq, decision.at);
        self.decision(&workspace, entry, &decision.decided, page)?;
        Ok(())
    }

    fn is_missing(
        &self,
        workspace: &Workspace,
        card: &Card,
        decision: &CardDecision,
    ) -> Result<bool, WritebackError> {
        let revision = decision.decided.revision;
        if !is_current(&self.ledger.state(), card, revision) {
            return Ok(false);
        }
        let own = own_folder(workspace, card.id)?;
        let record = format!("decision.r{revision}.json");
        if own.kind(Path::new(&record))?.is_none() {
            return Ok(true);
        }
        for destination in destinations(workspace, card, revision)? {
            let name = names::answers_for(&destination.at.file).decision;
            let key = destination.answers.key(&name);
            if self.ledger.value(Space::Written, key)?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The decision about the newest revision of `card`, once the agent had it. Cards that the daemon made itself are
/// answered nowhere.
fn answered(card: &Card) -> Option<&CardDecision> {
    let newest = card.newest();
    let decision = card.decision(newest.accepted.revision)?;
    (decision.delivered.is_some() && newest.accepted.violated.is_empty()).then_some(decision)
}
