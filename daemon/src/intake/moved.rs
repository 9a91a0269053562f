//! Handoffs whose folder was moved or copied after they were accepted.

use std::path::Path;

use countersign_protocol::{
    Digest, HandoffId,
    event::{Event, Location},
    handoff::Handoff,
    names,
    receipt::Receipt,
};

use super::{Inner, admit::subject};
use crate::{
    fs::{Dir, FileKind, read_limited},
    ledger::{Card, KeyUse, State},
    workspace::{Workspace, package},
};

/// Largest receipt that is read, in bytes.
const MAX_RECEIPT: u64 = 1024 * 1024;

/// Returns the fact that the known delivery `used` was found at `at`, if its answer has to know of that place.
pub(super) fn found_again(state: &State, used: KeyUse, at: &Location) -> Option<Event> {
    let card = state.card(used.handoff)?;
    let is_newest = card.newest().accepted.revision == used.revision;
    // What is dropped into an inbox is answered in the mirror of that inbox.
    let is_dropped = |at: &Location| package(&at.folder).is_some();
    if !is_newest || is_dropped(at) || is_dropped(&card.newest().accepted.at) {
        return None;
    }
    let is_known = card.places(used.revision).contains(&at);
    (!is_known || state.is_undelivered(card.id)).then(|| Event::Found {
        handoff: used.handoff,
        revision: used.revision,
        at: at.clone(),
    })
}

impl Inner {
    /// Returns the card that `handoff` goes on with, when its folder was moved to that of `at` since the card was
    /// handed over. A receipt of ours that came along names the card; it must be one of this agent about the
    /// same task, and must no longer stand where it was. In a copied folder new work begins.
    pub(super) fn moved_card(
        &self,
        workspace: &Workspace,
        folder: &Dir,
        at: &Location,
        handoff: &Handoff,
    ) -> Option<HandoffId> {
        if handoff.task_id.is_some() || package(&at.folder).is_some() {
            return None;
        }
        let here = subject(handoff, at);
        let is_known = |state: &State| state.card_of_subject(&at.workspace, &here).is_some();
        if is_known(&self.ledger.state()) {
            return None;
        }
        let named = self.receipt_in(folder, at);
        let card = {
            let state = self.ledger.state();
            let id = named.or_else(|| state.card_found_in(&at.workspace, &at.folder))?;
            state.card(id).cloned()?
        };
        let newest = &card.newest().accepted;
        let first = card.revision(1)?;
        let is_its_own = card.workspace == at.workspace
            && card.state.takes_revisions()
            && newest.from_agent == handoff.from_agent.id
            && subject(handoff, &first.accepted.at) == card.subject;
        (is_its_own && !is_elsewhere(workspace, &card, at)).then_some(card.id)
    }

    /// Returns the card that the receipt in `folder` names, if we wrote it.
    pub(super) fn receipt_in(&self, folder: &Dir, at: &Location) -> Option<HandoffId> {
        let name = names::answers_for(&at.file).receipt;
        let name = Path::new(&name);
        if folder.kind(name).ok()? != Some(FileKind::File) {
            return None;
        }
        let file = folder.open_file(name).ok()?;
        let (bytes, _) = read_limited(&file, MAX_RECEIPT).ok()?;
        let receipt: Receipt = serde_json::from_slice(&bytes).ok()?;
        let is_own = self.ledger.wrote(Digest::of(&bytes)).ok()?;
        is_own.then_some(receipt.handoff_id)
    }
}

/// Whether the newest document of `card` stands in another folder than that of `at`.
fn is_elsewhere(workspace: &Workspace, card: &Card, at: &Location) -> bool {
    let places = card.places(card.newest().accepted.revision);
    let mut others = places.into_iter().filter(|place| place.folder != at.folder);
    others.any(|place| {
        let path = Path::new(&place.folder).join(&place.file);
        !matches!(workspace.dir().kind(&path), Ok(None))
    })
}
