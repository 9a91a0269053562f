//! Which handoffs lie in which folder, kept until the ledger moves: a hit in a file is told with its handoff, and to
//! look at every card for each hit takes long where there are thousands.

use std::{collections::HashMap, sync::Arc};

use countersign_protocol::HandoffId;

use crate::ledger::{Card, State};

/// Handoffs by workspace and folder, oldest first.
pub(in crate::review) type Folders = HashMap<String, HashMap<String, Vec<HandoffId>>>;

/// Where each handoff lies.
pub(super) fn folders(state: &State) -> Folders {
    let mut folders = Folders::new();
    for card in state.cards() {
        let here = folders.entry(card.workspace.clone()).or_default();
        let folder = card.newest().accepted.at.folder.as_str();
        match here.get_mut(folder) {
            Some(ids) => ids.push(card.id),
            None => {
                here.insert(folder.to_owned(), vec![card.id]);
            }
        }
    }
    folders
}

/// The newest handoff whose newest revision names the file.
pub(super) fn naming<'a>(
    folders: &Folders,
    state: &'a State,
    workspace: &str,
    path: &str,
) -> Option<&'a Arc<Card>> {
    let here = folders.get(workspace)?;
    let ends = path.match_indices('/').map(|(at, _)| at);
    let of = |end: Option<usize>| {
        let (folder, rest) = end.map_or(("", path), |end| (&path[..end], &path[end + 1..]));
        let ids = here.get(folder)?.iter().rev();
        let mut cards = ids.filter_map(|id| state.card(*id));
        cards.find(|card| card.newest().accepted.manifest.get(rest).is_some())
    };
    let found = ends.map(Some).chain([None]).filter_map(of);
    found.max_by_key(|card| card.id)
}

#[cfg(test)]
mod tests;
