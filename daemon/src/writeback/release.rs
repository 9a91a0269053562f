//! Releasing approved work: from the sealed bytes, never from the agent's folder.

use std::{
    collections::HashMap,
    io::{Cursor, Read},
    path::Path,
};

use countersign_protocol::{Digest, event::Accepted, manifest::ManifestEntry, names};
use jiff::Timestamp;

use super::{MANY, Writeback, WritebackError};
use crate::{
    fault,
    fs::{Dir, Error, FileKind, Listed, digest_of},
    workspace::{FOLDER_MODE, Workspace, json},
};

/// The list that `sha256sum -c` accepts.
const SUMS: &str = "SHA256SUMS";
/// What was released, by which decision.
const RELEASE: &str = "release.json";

impl Writeback {
    /// Puts the approved files into `approved/<id>/`, which appears whole or not at all.
    pub(super) fn release(
        &self,
        workspace: &Workspace,
        accepted: &Accepted,
        decided_at: Timestamp,
    ) -> Result<(), WritebackError> {
        let id = accepted.handoff.to_string();
        let approved = workspace
            .dir()
            .make_folder(Path::new(names::APPROVED), FOLDER_MODE)?;
        if approved.kind(Path::new(&id))?.is_some() {
            if is_released(&approved, &id, accepted) {
                // Renamed before a crash; whether that was synced is not known.
                approved.sync()?;
                return Ok(workspace.dir().sync()?);
            }
            set_aside(&approved, &id)?;
        }
        let (temporary, staged) = approved.stage_folder(&id)?;
        let entries = accepted.manifest.entries.iter();
        let entries: Vec<ManifestEntry> = entries.filter(|one| one.declared).cloned().collect();
        let sums = self.fill(&temporary, "", &entries)?;
        fault::step("release.file");
        let record = json(&serde_json::json!({
            "release_version": "1.0",
            "handoff_id": accepted.handoff,
            "revision": accepted.revision,
            "manifest_sha256": accepted.manifest_sha256,
            "approved_at": decided_at,
            "files": accepted.manifest.entries,
        }));
        let (sums_name, record_name) = free_names(accepted);
        temporary.publish(Path::new(&sums_name), sums.as_bytes(), 0o444, true)?;
        temporary.publish(Path::new(&record_name), &record, 0o444, true)?;
        if entries.len() >= MANY {
            temporary.sync_file_system()?;
        }
        fault::step("release.before_rename");
        approved.publish_folder(&staged, &id)?;
        fault::step("release.after_rename");
        Ok(())
    }

    pub(super) fn sealed(&self, sha256: Digest) -> Result<Box<dyn Read>, WritebackError> {
        if let Some(file) = self.objects.open_object(sha256)? {
            return Ok(Box::new(file));
        }
        match self.ledger.object(sha256)? {
            Some(bytes) => Ok(Box::new(Cursor::new(bytes))),
            None => Err(WritebackError::Missing(sha256)),
        }
    }
}

/// Whether the folder `id` holds the files that are to be released, our two lists, and nothing else.
fn is_released(approved: &Dir, id: &str, accepted: &Accepted) -> bool {
    let released: HashMap<&Path, Digest> = accepted
        .manifest
        .entries
        .iter()
        .filter(|entry| entry.declared && entry.kept)
        .map(|entry| (Path::new(&entry.path), entry.sha256))
        .collect();
    let (sums, record) = free_names(accepted);
    let Ok(folder) = approved.folder(Path::new(id)) else {
        return false;
    };
    let Ok(Some(listed)) = folder.list_deep(released.len() * 64 + 64) else {
        return false;
    };
    let is_ours = |one: &Listed| {
        if one.kind != FileKind::File {
            return false;
        }
        match released.get(one.path.as_path()) {
            Some(sha256) => folder
                .open_file(&one.path)
                .is_ok_and(|mut file| digest_of(&mut file).is_ok_and(|found| found == *sha256)),
            None => one.path == Path::new(&sums) || one.path == Path::new(&record),
        }
    };
    listed.len() == released.len() + 2 && listed.iter().all(is_ours)
}

/// Moves what stands in the place of a release aside: nobody but us released anything.
pub(super) fn set_aside(approved: &Dir, id: &str) -> Result<(), Error> {
    for number in 1.. {
        let aside = format!("{id}.found-{number}");
        if approved.kind(Path::new(&aside))?.is_none() {
            tracing::warn!(folder = %approved.path().display(), id, aside, "what is not ours stood in the place of a release");
            return approved.rename_new(Path::new(id), Path::new(&aside));
        }
    }
    Ok(())
}

/// Names for our two files that no released file has.
fn free_names(accepted: &Accepted) -> (String, String) {
    let free = |name: &str| {
        let mut free = name.to_owned();
        while accepted.manifest.get(&free).is_some() {
            free.insert(0, '_');
        }
        free
    };
    (free(SUMS), free(RELEASE))
}
