//! Work for an agent: a sealed package in its folder, which appears whole or not at all.

use std::{fmt::Write as _, path::Path};

use countersign_protocol::{
    event::Event,
    manifest::ManifestEntry,
    names,
    principal::Actor,
    transfer::{Offered, document_name, transfer_document},
};

use super::{MANY, Page, Writeback, WritebackError};
use crate::{
    fault,
    fs::{Dir, Error, FileKind, read_limited},
    ledger::{Card, HopStage},
    release::set_aside,
    workspace::{FILE_MODE, FOLDER_MODE, Workspace, json},
};

/// The list that `sha256sum -c` accepts.
const SUMS: &str = "SHA256SUMS";
/// Largest `transfer.json`, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

impl Writeback {
    /// Puts the package of a hop into the folder of its receiver, once. A receiver that has answered had it.
    pub(super) fn package(
        &self,
        workspace: &Workspace,
        offered: &Offered,
        page: &mut Page,
    ) -> Result<(), WritebackError> {
        let Some(card) = self.ledger.state().card(offered.handoff).cloned() else {
            return Ok(());
        };
        let Some(hop) = card.hop(offered.hop) else {
            return Ok(());
        };
        let folder = folder_of(&offered.to);
        let name = names::package_of(offered.handoff, offered.hop);
        if hop.delivered.is_some() {
            return Ok(());
        }
        if !hop.answers.is_empty() {
            // The receiver was faster than the entry that notes where the package stands.
            let place = Path::new(&folder).join(&name);
            if workspace.dir().kind(&place)?.is_some() {
                page.delivered(offered, &folder, &name);
            }
            return Ok(());
        }
        if hop.stage != HopStage::Offered {
            return Ok(());
        }
        let Some(revision) = card.revision(offered.revision) else {
            return Ok(());
        };
        let agent = workspace
            .dir()
            .make_folder(Path::new(&folder), FOLDER_MODE)?;
        let transfer = json(&transfer_document(&revision.accepted, offered));
        if agent.kind(Path::new(&name))?.is_some() {
            if is_ours(&agent, &name, &transfer)? {
                // Renamed before a crash; whether that was synced is not known.
                agent.sync()?;
                page.delivered(offered, &folder, &name);
                return Ok(());
            }
            set_aside(&agent, &name)?;
        }
        let (temporary, staged) = agent.stage_folder(&name)?;
        let sealed = temporary.make_folder(Path::new(names::SEALED), FOLDER_MODE)?;
        let mut entries = revision.accepted.manifest.files();
        let own = document_name(&revision.accepted);
        if !entries.iter().any(|entry| entry.path == own) {
            entries.push(ManifestEntry {
                path: own.to_owned(),
                size: 0,
                sha256: revision.accepted.manifest.document,
                executable: false,
                declared: true,
                kept: true,
                role: None,
                title: None,
            });
        }
        let sums = self.fill(&sealed, names::SEALED, &entries)?;
        temporary.publish(Path::new(SUMS), sums.as_bytes(), 0o444, true)?;
        temporary.publish(Path::new(names::TRANSFER), &transfer, 0o444, true)?;
        if entries.len() >= MANY {
            temporary.sync_file_system()?;
        }
        fault::step("package.before_rename");
        agent.publish_folder(&staged, &name)?;
        fault::step("package.after_rename");
        page.delivered(offered, &folder, &name);
        Ok(())
    }

    /// Copies sealed files into `into`; gives the lines of a list that names them below `shown`.
    pub(super) fn fill(
        &self,
        into: &Dir,
        shown: &str,
        entries: &[ManifestEntry],
    ) -> Result<String, WritebackError> {
        let durable = entries.len() < MANY;
        let mut sums = String::new();
        for entry in entries.iter().filter(|entry| entry.kept) {
            let path = Path::new(&entry.path);
            let folder = match path.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => {
                    into.make_folder(parent, FOLDER_MODE)?
                }
                _ => into.folder(Path::new(""))?,
            };
            let name = path.file_name().map_or(path, Path::new);
            let mode = if entry.executable { 0o555 } else { 0o444 };
            // Hashed once more on the way: what is handed on is what was sealed.
            let source = &mut *self.sealed(entry.sha256)?;
            folder.publish_copy(name, source, entry.sha256, mode, durable)?;
            let _ = match shown {
                "" => writeln!(sums, "{}  {}", entry.sha256, entry.path),
                shown => writeln!(sums, "{}  {shown}/{}", entry.sha256, entry.path),
            };
        }
        Ok(sums)
    }

    /// Tells a receiver that it is waited for.
    pub(super) fn reminder(
        workspace: &Workspace,
        card: &Card,
        hop: u32,
    ) -> Result<(), WritebackError> {
        let Some(hop) = card.hop(hop).filter(|hop| hop.stage.is_open()) else {
            return Ok(());
        };
        let offered = &hop.offered;
        let folder = Path::new(names::AGENTS).join(&offered.to);
        let folder = workspace.dir().make_folder(&folder, FOLDER_MODE)?;
        let name = names::reminder_file(offered.handoff, offered.hop);
        let reminder = serde_json::json!({
            "reminder_version": "1.0",
            "handoff_id": offered.handoff,
            "hop": offered.hop,
            "number": hop.reminders,
            "acknowledge_by": offered.acknowledge_by,
            "answer": names::answer_file(offered.handoff, offered.hop),
        });
        folder.publish(Path::new(&name), &json(&reminder), FILE_MODE, true)?;
        Ok(())
    }
}

impl Page {
    fn delivered(&mut self, offered: &Offered, folder: &str, name: &str) {
        let event = Event::PackageDelivered {
            handoff: offered.handoff,
            hop: offered.hop,
            folder: format!("{folder}/{name}"),
        };
        self.events.push((Actor::Daemon, event));
    }
}

/// The folder of an agent, relative to the workspace.
pub(super) fn folder_of(agent: &str) -> String {
    format!("{}/{agent}", names::AGENTS)
}

/// Whether the folder `name` is the package that was to be put there.
fn is_ours(agent: &Dir, name: &str, transfer: &[u8]) -> Result<bool, Error> {
    if agent.kind(Path::new(name))? != Some(FileKind::Folder) {
        return Ok(false);
    }
    let Ok(file) = agent.open_file(&Path::new(name).join(names::TRANSFER)) else {
        return Ok(false);
    };
    let found = read_limited(&file, LARGEST);
    Ok(found.is_ok_and(|(found, _)| found == transfer))
}
