//! Releasing approved work: from the sealed bytes, never from the agent's folder.

use std::{
    fmt::Write as _,
    io::{Cursor, Read},
    path::Path,
};

use countersign_protocol::{Digest, event::Accepted, names};
use jiff::Timestamp;

use super::{MANY, Writeback, WritebackError};
use crate::{
    fault,
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
            // The rename is the last step, so what is there is whole.
            return Ok(());
        }
        let temporary = approved.stage_folder(&id)?;
        let durable = accepted.manifest.entries.len() < MANY;
        let mut sums = String::new();
        for entry in accepted
            .manifest
            .entries
            .iter()
            .filter(|entry| entry.declared && entry.kept)
        {
            let path = Path::new(&entry.path);
            let folder = match path.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => {
                    temporary.make_folder(parent, FOLDER_MODE)?
                }
                _ => temporary.folder(Path::new(""))?,
            };
            let name = path.file_name().map_or(path, Path::new);
            let mode = if entry.executable { 0o555 } else { 0o444 };
            // Hashed once more on the way: what is released is what was decided.
            folder.publish_copy(
                name,
                &mut *self.sealed(entry.sha256)?,
                entry.sha256,
                mode,
                durable,
            )?;
            let _ = writeln!(sums, "{}  {}", entry.sha256, entry.path);
            fault::step("release.file");
        }
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
        if !durable {
            temporary.sync_file_system()?;
        }
        fault::step("release.before_rename");
        approved.publish_folder(&id)?;
        fault::step("release.after_rename");
        Ok(())
    }

    fn sealed(&self, sha256: Digest) -> Result<Box<dyn Read>, WritebackError> {
        if let Some(file) = self.objects.open_object(sha256)? {
            return Ok(Box::new(file));
        }
        match self.ledger.object(sha256)? {
            Some(bytes) => Ok(Box::new(Cursor::new(bytes))),
            None => Err(WritebackError::Ledger(format!(
                "the sealed bytes {sha256} are missing; nothing is released"
            ))),
        }
    }
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
