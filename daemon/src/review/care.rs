//! What an approval needs besides the will to approve, as its workspace says: more at higher risk.

use std::collections::BTreeSet;

use countersign_protocol::{Digest, HandoffId, decision::Outcome};
use countersign_web::desk::{
    Answer, Caller, Care, CareNeeded, DeskError, Person, edits::EditsDesk as _,
};

use super::{LedgerDesk, access::visible_card, base};
use crate::{
    ledger::{Card, Revision},
    policy::Level,
};

fn invalid(message: String) -> DeskError {
    DeskError::Invalid {
        field: "care".to_owned(),
        message,
    }
}

impl LedgerDesk {
    /// What an approval of the newest revision of `card` needs.
    pub(super) fn care_of(&self, card: &Card) -> CareNeeded {
        let level = self.verdict(card).level;
        let holds = |from: Option<&str>| {
            let from = from.and_then(Level::named);
            from.is_some_and(|from| level >= from)
        };
        let workspace = &card.newest().accepted.at.workspace;
        let care = self.with_settings(workspace, |settings| settings.care.clone());
        CareNeeded {
            resolve_threads: care.resolve_threads,
            view_files: holds(care.view_files),
            type_id: holds(care.type_id),
            step_up: holds(care.step_up),
            checklist: care.checklist,
        }
    }

    /// Whether an approval of `id` waits until all threads are resolved.
    pub(super) fn must_resolve(&self, id: HandoffId) -> bool {
        let state = self.ledger.state();
        let card = state.card(id);
        card.is_some_and(|card| self.care_of(card).resolve_threads)
    }

    /// Whether an answer to `id` waits until the person has shown once more that it is them.
    pub(super) fn must_verify(&self, id: HandoffId, outcome: Outcome) -> bool {
        let state = self.ledger.state();
        let card = state.card(id).filter(|_| outcome.is_approval());
        card.is_some_and(|card| self.care_of(card).step_up)
    }

    /// Whether an approval of `id` by `who` needs anything that only its page asks for: care, checks that are over, or word
    /// of what becomes of the files that `who` edited.
    pub(super) async fn needs_page(&self, who: &Person, id: HandoffId) -> bool {
        let edits = self.edits(who, id).await.unwrap_or_default();
        let state = self.ledger.state();
        let card = state.card(id);
        edits.iter().any(|edit| edit.current)
            || card.is_some_and(|card| {
                card.must_pass_first() || self.care_of(card) != CareNeeded::default()
            })
    }

    /// Refuses an approval that was given with less care than its workspace asks for. That threads are resolved is
    /// asked in the transaction of the decision.
    pub(super) async fn takes_care(
        &self,
        who: &Person,
        id: HandoffId,
        answer: &Answer,
    ) -> Result<(), DeskError> {
        if !answer.outcome.is_approval() {
            return Ok(());
        }
        let caller = Caller::Person(who.clone());
        let card = visible_card(&self.ledger.state(), &caller, id)?;
        if card.must_pass_first() {
            return Err(invalid(format!("Wait until the checks of {id} are over")));
        }
        let needed = self.care_of(&card);
        said(id, &needed, &answer.care)?;
        if needed.view_files {
            let ticked = self.ticked(who, id).await?;
            let base = {
                let state = self.ledger.state();
                base::fitting(&state, &card, &caller, card.newest().accepted.revision)
            };
            let left = unseen(&card, base.as_ref().map(|base| &*base.revision), &ticked);
            if left > 0 {
                let files = if left == 1 { "file" } else { "files" };
                return Err(invalid(format!(
                    "View the {left} changed {files} that you have not ticked off yet"
                )));
            }
        }
        Ok(())
    }
}

/// Whether what was typed and ticked is what is needed.
fn said(id: HandoffId, needed: &CareNeeded, care: &Care) -> Result<(), DeskError> {
    let typed = care.typed.as_deref().map(str::trim);
    if needed.type_id && !typed.is_some_and(|typed| typed.eq_ignore_ascii_case(&id.to_string())) {
        return Err(invalid(format!("Type {id} to approve it")));
    }
    let missing = needed
        .checklist
        .iter()
        .find(|line| !care.checked.contains(line));
    match missing {
        Some(line) => Err(invalid(format!("Tick off “{line}”"))),
        None => Ok(()),
    }
}

/// How many files differ from what this person would compare with, and were not viewed.
fn unseen(card: &Card, base: Option<&Revision>, ticked: &BTreeSet<Digest>) -> usize {
    let newest = &card.newest().accepted;
    let known: BTreeSet<Digest> = base
        .iter()
        .flat_map(|base| &base.accepted.manifest.entries)
        .map(|entry| entry.sha256)
        .collect();
    let entries = newest.manifest.entries.iter();
    entries
        .filter(|entry| !known.contains(&entry.sha256) && !ticked.contains(&entry.sha256))
        .count()
}

#[cfg(test)]
mod tests;
