//! What a change that the kernel reports leads to.

use std::path::Path;
use std::sync::Arc;

use countersign_protocol::names::OWN_FOLDER;

use super::Hint;
use super::layout;
use super::sensor::{Change, ChangeKind};
use super::sight;
use super::site::{Hands, Later, Site};
use super::visit::{Reach, Visit};

impl Site {
    /// Handles a change at `relative`. A document is hinted at once.
    pub(crate) fn change(&mut self, change: &Change, relative: &Path, hands: &mut Hands<'_>) {
        let kind = change.kind;
        if self.is_offline() {
            return;
        }
        if relative.file_name().is_none() {
            if kind == ChangeKind::Left {
                self.is_there();
            }
            return;
        }
        if relative.starts_with(OWN_FOLDER) {
            if self.probe.hear(relative) {
                self.counts.probes_seen += 1;
            }
            return;
        }
        if layout::is_unwatched(relative) {
            return;
        }
        let is_approved = layout::is_approved(relative);
        // A folder that appeared is told of file by file, once it is watched.
        let is_folder = self.tree.folders.contains_key(relative);
        if !is_folder || is_approved || kind == ChangeKind::Left {
            self.changed(relative, kind != ChangeKind::Written, hands);
        }
        let is_document = layout::is_document(relative) && !is_approved;
        if let Some(sight) = change.hinted {
            self.note(relative, sight);
            return;
        }
        match kind {
            ChangeKind::Appeared | ChangeKind::Arrived => {
                let complete = kind == ChangeKind::Arrived;
                self.appeared(relative, is_document, complete, hands);
            }
            ChangeKind::Left if self.tree.folders.contains_key(relative) => {
                self.folder_left(relative, hands);
            }
            ChangeKind::Altered if self.trouble.contains_key(relative) => {
                self.visit_again(relative, Reach::Unknown);
            }
            ChangeKind::Altered if self.tree.folders.contains_key(relative) => {}
            ChangeKind::Written if is_document => {
                let until = hands.now + hands.settings.write_pause;
                self.put_off(until, Later::Look(relative.to_owned()));
            }
            ChangeKind::Closed | ChangeKind::Altered | ChangeKind::Left if is_document => {
                self.look_at(relative, hands);
            }
            _ => self.something_at(relative, hands),
        }
    }

    /// Tells of a path, whatever is there.
    pub(super) fn changed(&self, path: &Path, is_over: bool, hands: &Hands<'_>) {
        if layout::is_approved(path) {
            return hands.herald.tell(Hint::Approved {
                workspace: Arc::clone(&self.workspace),
                path: path.to_owned(),
            });
        }
        hands.herald.tell(Hint::Changed {
            workspace: Arc::clone(&self.workspace),
            path: path.to_owned(),
            is_over,
        });
    }

    fn appeared(
        &mut self,
        relative: &Path,
        is_document: bool,
        complete: bool,
        hands: &mut Hands<'_>,
    ) {
        match sight::look(&self.absolute(relative)) {
            Ok(sight) if sight.is_folder => self.visit_again(relative, Reach::Unknown),
            Ok(sight) if is_document => {
                self.saw(relative, sight, complete, hands);
            }
            _ => self.something_at(relative, hands),
        }
    }

    /// The name of a known folder is gone, or it came back in the meantime as another folder.
    fn folder_left(&mut self, relative: &Path, hands: &mut Hands<'_>) {
        let found = sight::look(&self.absolute(relative));
        if !self.is_there() {
            return;
        }
        for document in self.tree.documents_below(relative) {
            self.look_at(&document, hands);
        }
        match found {
            // `notify` ends the watches of the whole subtree by name, those of the new folders too.
            Ok(sight) if sight.is_folder => self.visit_again(relative, Reach::Everything),
            _ => {
                for folder in self.tree.forget_folders(relative) {
                    self.trouble.remove(&folder);
                }
                self.something_at(relative, hands);
            }
        }
    }

    fn visit_again(&mut self, folder: &Path, reach: Reach) {
        self.urgent.push(Visit {
            folder: folder.to_owned(),
            reach,
            is_rewatched: true,
        });
    }

    fn something_at(&mut self, relative: &Path, hands: &Hands<'_>) {
        if let Some(folder) = relative.parent()
            && !layout::is_approved(relative)
            && !relative.file_name().is_some_and(layout::is_own)
        {
            self.sign_of_life(folder, hands);
        }
    }

    /// Passes on that something happened in a folder, not more often than the settings say.
    pub(super) fn sign_of_life(&mut self, folder: &Path, hands: &Hands<'_>) {
        let Some(known) = self.tree.folders.get_mut(folder) else {
            return;
        };
        let is_due = known
            .last_activity
            .is_none_or(|last| hands.now >= last + hands.settings.activity_pause);
        if is_due {
            known.last_activity = Some(hands.now);
            hands.herald.tell(Hint::Activity {
                workspace: Arc::clone(&self.workspace),
                folder: folder.to_owned(),
            });
        }
    }
}
