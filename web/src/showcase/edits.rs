//! Edited files of the desk in memory.

use async_trait::async_trait;
use countersign_protocol::{Digest, HandoffId};

use super::Showcase;
use crate::desk::{
    Caller, DeskError, Person,
    edits::{EditRow, EditsDesk, FileEdit},
};

#[async_trait]
impl EditsDesk for Showcase {
    async fn keep_edit(
        &self,
        who: &Person,
        id: HandoffId,
        revision: u32,
        edit: FileEdit,
    ) -> Result<(), DeskError> {
        let mut state = self.lock();
        let card = state.card(&Caller::Person(who.clone()), id)?;
        let row = &card.review.row;
        if row.revision != revision {
            return Err(DeskError::Stale {
                id,
                revision: row.revision,
                manifest_sha256: row.manifest_sha256,
                answered: revision,
            });
        }
        let before = card.files(revision).and_then(|files| files.get(&edit.path));
        let (bytes, _) = before.ok_or_else(|| DeskError::Invalid {
            field: "edits".to_owned(),
            message: format!("There is no `{}` in revision {revision}", edit.path),
        })?;
        let row = EditRow {
            path: edit.path.clone(),
            revision,
            before_sha256: Digest::of(bytes),
            sha256: Digest::of(edit.text.as_bytes()),
            current: true,
        };
        card.review.edits.retain(|known| known.path != edit.path);
        card.review.edits.push(row);
        card.texts.insert(edit.path, edit.text);
        Ok(())
    }

    async fn drop_edit(&self, who: &Person, id: HandoffId, path: &str) -> Result<(), DeskError> {
        let mut state = self.lock();
        let card = state.card(&Caller::Person(who.clone()), id)?;
        card.review.edits.retain(|known| known.path != path);
        card.texts.remove(path);
        Ok(())
    }

    async fn edits(&self, who: &Person, id: HandoffId) -> Result<Vec<EditRow>, DeskError> {
        let mut state = self.lock();
        let card = state.card(&Caller::Person(who.clone()), id)?;
        Ok(card.review.edits.clone())
    }

    async fn edited(
        &self,
        who: &Person,
        id: HandoffId,
        path: &str,
    ) -> Result<Option<String>, DeskError> {
        let mut state = self.lock();
        let card = state.card(&Caller::Person(who.clone()), id)?;
        Ok(card.texts.get(path).cloned())
    }

    async fn patch(&self, who: &Caller, id: HandoffId) -> Result<String, DeskError> {
        let mut state = self.lock();
        state.card(who, id)?;
        Ok("--- a/notes.md\n+++ b/notes.md\n@@ -1 +1 @@\n-one\n+1\n".to_owned())
    }
}
