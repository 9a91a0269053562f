//! Editing before approving. What is being edited is a value of its person; with the decision it becomes sealed
//! bytes, in the transaction that records who approved them.

use std::time::Duration;

use async_trait::async_trait;
use countersign_protocol::{
    Digest, HandoffId,
    access::Permission,
    decision::Outcome,
    edit::{Edit, Edited},
    event::Accepted,
    manifest::ManifestEntry,
};
use countersign_web::desk::{
    Answer, Caller, ContentDesk as _, DeskError, Person,
    edits::{EditRow, EditsDesk, FileEdit, LARGEST_EDIT},
};
use serde::{Deserialize, Serialize};
use similar::TextDiff;

use super::{LedgerDesk, access::visible_card, row::is_waiting, threads::prefix, votes::plan_of};
use crate::{ledger::Card, store::Space};

/// Most files that one person edits in one handoff.
const MOST_EDITS: usize = 50;
/// After that time two texts are compared roughly; the patch is still true.
const PATIENCE: Duration = Duration::from_secs(1);

/// An edited file as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    revision: u32,
    before: Digest,
    text: String,
}

/// What goes into the ledger with an approval of edited files.
pub(super) struct Sealing {
    pub(super) edited: Edited,
    /// The texts and the patch.
    pub(super) objects: Vec<(Digest, Vec<u8>)>,
}

fn invalid(message: String) -> DeskError {
    DeskError::Invalid {
        field: "edits".to_owned(),
        message,
    }
}

/// Whether the newest revision of a card is one that a person can edit and approve.
pub(super) fn takes_edits(card: &Card) -> Result<(), &'static str> {
    let accepted = &card.newest().accepted;
    if !accepted.violated.is_empty() {
        return Err("nobody is asked for other files here");
    }
    if card.stopped().is_some() {
        return Err("the receiver gets what its sender handed over; request changes instead");
    }
    if plan_of(card).is_some_and(|plan| !plan.is_met_by_one()) {
        return Err("several people have to agree to the same bytes; request changes instead");
    }
    Ok(())
}

/// Whether `entry` is a file that could be edited, as far as its size tells.
pub(super) fn could_be_edited(entry: &ManifestEntry) -> bool {
    entry.kept && entry.declared && entry.size <= LARGEST_EDIT as u64
}

fn entry_of<'a>(accepted: &'a Accepted, path: &str) -> Result<&'a ManifestEntry, DeskError> {
    let entry = accepted.manifest.get(path).ok_or_else(|| {
        let revision = accepted.revision;
        invalid(format!("There is no `{path}` in revision {revision}"))
    })?;
    if !could_be_edited(entry) {
        return Err(invalid(format!(
            "`{path}` cannot be edited here: it is not released, or larger than {} KiB",
            LARGEST_EDIT / 1024
        )));
    }
    Ok(entry)
}

impl LedgerDesk {
    async fn kept_edits(
        &self,
        who: &Person,
        id: HandoffId,
    ) -> Result<Vec<(String, Kept)>, DeskError> {
        self.kept(Space::Edit, (who, id), MOST_EDITS).await
    }

    /// The keys of what `who` edited, for the transaction that ends it.
    pub(super) async fn edit_keys(
        &self,
        who: &Person,
        id: HandoffId,
    ) -> Result<Vec<String>, DeskError> {
        let prefix = prefix(who, id);
        let kept = self.kept_edits(who, id).await?.into_iter();
        Ok(kept.map(|(path, _)| format!("{prefix}{path}")).collect())
    }

    /// What an approval of edited files seals: the files that came with it, or else those that `who` keeps.
    /// `None` for every other answer.
    pub(super) async fn sealing(
        &self,
        who: &Person,
        id: HandoffId,
        answer: &Answer,
    ) -> Result<Option<Sealing>, DeskError> {
        let card = visible_card(&self.ledger.state(), &Caller::Person(who.clone()), id)?;
        let accepted = &card.newest().accepted;
        let kept = self.kept_edits(who, id).await?.into_iter();
        let current = kept.filter(|(path, kept)| is_current(accepted, path, kept));
        let mut edits: Vec<FileEdit> = current
            .map(|(path, kept)| FileEdit {
                path,
                text: kept.text,
            })
            .collect();
        if answer.outcome == Outcome::Approved && !edits.is_empty() {
            let names: Vec<String> = edits
                .iter()
                .map(|edit| format!("`{}`", edit.path))
                .collect();
            return Err(invalid(format!(
                "You edited {}. Approve your edit, or throw it away first",
                names.join(", ")
            )));
        }
        if answer.outcome != Outcome::Edited {
            return match answer.edits.first() {
                None => Ok(None),
                Some(_) => Err(invalid(
                    "Only the answer `edited` comes with files".to_owned(),
                )),
            };
        }
        if !answer.edits.is_empty() {
            edits.clone_from(&answer.edits);
        }
        if let Err(why) = takes_edits(&card) {
            return Err(invalid(format!("Edited files cannot be approved: {why}")));
        }
        self.seal(who, accepted, edits).await.map(Some)
    }

    async fn seal(
        &self,
        who: &Person,
        accepted: &Accepted,
        mut edits: Vec<FileEdit>,
    ) -> Result<Sealing, DeskError> {
        if edits.is_empty() {
            return Err(invalid(
                "Edit a file first, or approve it as it is".to_owned(),
            ));
        }
        edits.sort_by(|a, b| a.path.cmp(&b.path));
        if edits.len() > MOST_EDITS || edits.windows(2).any(|two| two[0].path == two[1].path) {
            return Err(invalid(format!(
                "Each file is edited once, and at most {MOST_EDITS} are"
            )));
        }
        let mut files = Vec::with_capacity(edits.len());
        let mut objects = Vec::with_capacity(edits.len() + 1);
        let mut patch = String::new();
        for FileEdit { path, text } in edits {
            let before = self.text_before(who, accepted, &path).await?;
            checked(&path, &text)?;
            if before == text {
                return Err(invalid(format!("`{path}` is as the agent handed it over")));
            }
            patch.push_str(&unified(&path, &before, &text));
            let bytes = text.into_bytes();
            files.push(Edit {
                path,
                before_sha256: Digest::of(before.as_bytes()),
                sha256: Digest::of(&bytes),
                size: bytes.len() as u64,
            });
            objects.push((Digest::of(&bytes), bytes));
        }
        let patch_sha256 = Digest::of(patch.as_bytes());
        objects.push((patch_sha256, patch.into_bytes()));
        Ok(Sealing {
            edited: Edited::new(&accepted.manifest, files, patch_sha256),
            objects,
        })
    }

    /// The sealed text of a file, byte for byte.
    async fn text_before(
        &self,
        who: &Person,
        accepted: &Accepted,
        path: &str,
    ) -> Result<String, DeskError> {
        entry_of(accepted, path)?;
        let who = Caller::Person(who.clone());
        let (id, revision) = (accepted.handoff, accepted.revision);
        let file = self
            .file(&who, id, revision, path, LARGEST_EDIT as u64)
            .await?;
        let text = String::from_utf8(file.bytes).ok();
        text.filter(|text| !text.contains('\0'))
            .ok_or_else(|| invalid(format!("`{path}` is no text, so it cannot be edited here")))
    }
}

fn checked(path: &str, text: &str) -> Result<(), DeskError> {
    if text.len() > LARGEST_EDIT {
        return Err(invalid(format!(
            "`{path}` would be larger than {} KiB",
            LARGEST_EDIT / 1024
        )));
    }
    if text.contains('\0') {
        return Err(invalid(format!("`{path}` would be no text any more")));
    }
    Ok(())
}

/// Whether what was edited is still what the agent hands over.
fn is_current(accepted: &Accepted, path: &str, kept: &Kept) -> bool {
    let entry = accepted.manifest.get(path);
    entry.is_some_and(|entry| could_be_edited(entry) && entry.sha256 == kept.before)
}

/// What leads from one text to the other, for `patch -p1` and `git apply`.
fn unified(path: &str, before: &str, after: &str) -> String {
    let diff = TextDiff::configure()
        .timeout(PATIENCE)
        .diff_lines(before, after);
    let mut unified = diff.unified_diff();
    unified.header(&format!("a/{path}"), &format!("b/{path}"));
    unified.to_string()
}

#[async_trait]
impl EditsDesk for LedgerDesk {
    async fn keep_edit(
        &self,
        who: &Person,
        id: HandoffId,
        revision: u32,
        edit: FileEdit,
    ) -> Result<(), DeskError> {
        let FileEdit { path, text } = edit;
        let card = visible_card(&self.ledger.state(), &Caller::Person(who.clone()), id)?;
        let caller = Caller::Person(who.clone());
        caller.check_on(Permission::Decide, id, &card.workspace)?;
        let newest = &card.newest().accepted;
        if newest.revision != revision {
            return Err(DeskError::Stale {
                id,
                revision: newest.revision,
                manifest_sha256: newest.manifest_sha256,
                answered: revision,
            });
        }
        if !is_waiting(&card) {
            let why = "waits for no answer".to_owned();
            return Err(DeskError::Conflict { id, why });
        }
        if let Err(why) = takes_edits(&card) {
            return Err(invalid(format!("This cannot be edited: {why}")));
        }
        let before = self.text_before(who, newest, &path).await?;
        checked(&path, &text)?;
        if before == text {
            // Changed back is not changed.
            return self.drop_edit(who, id, &path).await;
        }
        let known = self.kept_edits(who, id).await?;
        if known.len() >= MOST_EDITS && known.iter().all(|(known, _)| *known != path) {
            return Err(invalid(format!(
                "You edit {MOST_EDITS} files already. Request changes instead"
            )));
        }
        let kept = Kept {
            revision,
            before: Digest::of(before.as_bytes()),
            text,
        };
        let value = serde_json::to_string(&kept).unwrap_or_default();
        let key = format!("{}{path}", prefix(who, id));
        self.keep(Space::Edit, key, Some(value)).await
    }

    async fn drop_edit(&self, who: &Person, id: HandoffId, path: &str) -> Result<(), DeskError> {
        let key = format!("{}{path}", prefix(who, id));
        self.keep(Space::Edit, key, None).await
    }

    async fn edits(&self, who: &Person, id: HandoffId) -> Result<Vec<EditRow>, DeskError> {
        let card = visible_card(&self.ledger.state(), &Caller::Person(who.clone()), id)?;
        let accepted = &card.newest().accepted;
        let kept = self.kept_edits(who, id).await?.into_iter();
        let row = |(path, kept): (String, Kept)| EditRow {
            current: is_current(accepted, &path, &kept),
            revision: kept.revision,
            before_sha256: kept.before,
            sha256: Digest::of(kept.text.as_bytes()),
            path,
        };
        Ok(kept.map(row).collect())
    }

    async fn edited(
        &self,
        who: &Person,
        id: HandoffId,
        path: &str,
    ) -> Result<Option<String>, DeskError> {
        visible_card(&self.ledger.state(), &Caller::Person(who.clone()), id)?;
        let kept = self.kept_edits(who, id).await?.into_iter();
        let mut found = kept.filter(|(known, _)| known == path);
        Ok(found.next().map(|(_, kept)| kept.text))
    }

    async fn patch(&self, who: &Caller, id: HandoffId) -> Result<String, DeskError> {
        let missing = || DeskError::NotFound(format!("an edit of {id}"));
        let patch = {
            let state = self.ledger.state();
            let card = visible_card(&state, who, id)?;
            let mut decisions = card.decisions.iter().rev();
            let edited = decisions.find_map(|one| one.decided.edited.as_ref());
            edited.ok_or_else(missing)?.patch_sha256
        };
        let bytes = match self.sealed(patch).await?.ok_or_else(missing)? {
            super::content::Bytes::Small(bytes) => bytes,
            super::content::Bytes::Large(_) => return Err(missing()),
        };
        String::from_utf8(bytes).map_err(|_| missing())
    }
}

#[cfg(test)]
mod tests;
