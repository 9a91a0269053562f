//! Folders that rules leave out, such as `node_modules`. They take no watch, for there are few and tools fill
//! very many folders; a document in one is found by the next scan, and from then on its folder is watched.

use std::path::Path;
use std::sync::Arc;

use super::layout;
use super::site::{Hands, Site};
use crate::walk::{Purpose, Rules};

impl Site {
    /// Whether rules leave `folder` out, or one around it. Released work must not change, whatever it is called.
    pub(super) fn is_quiet(&self, folder: &Path) -> bool {
        if layout::is_approved(folder) {
            return false;
        }
        let inside = folder.ancestors().filter(|inner| *inner != Path::new(""));
        inside.into_iter().any(|inner| {
            let around = inner.parent().unwrap_or(inner);
            self.rules_in(around)
                .leaves_out(inner, true, Purpose::Documents)
        })
    }

    /// The rules that hold in `folder`.
    fn rules_in(&self, folder: &Path) -> Arc<Rules> {
        let known = folder.ancestors().find_map(|around| self.rules.get(around));
        known.map(Arc::clone).unwrap_or_default()
    }

    /// Takes note of the rules in `folder`, which has a file of them. Folders in it are entered after that.
    pub(super) fn read_rules(&mut self, folder: &Path) {
        // One that cannot be opened is told of where it is listed.
        let Ok(dir) = self.open(folder) else { return };
        let rules = self.rules_in(folder).inside(&dir, folder);
        self.rules.insert(folder.to_owned(), rules);
    }

    /// Sets the watch of the folder of `document`.
    pub(super) fn listen(&mut self, document: &Path, hands: &mut Hands<'_>) {
        let Some(folder) = document.parent() else {
            return;
        };
        let place = self.tree.folders.get(folder).map(|folder| folder.place);
        if let Some(place) = place {
            let path = self.absolute(folder);
            let is_watched = self
                .watch(folder, (&path, false), place, hands)
                .unwrap_or(false);
            if let Some(folder) = self.tree.folders.get_mut(folder) {
                folder.is_watched = is_watched;
            }
        }
    }
}
