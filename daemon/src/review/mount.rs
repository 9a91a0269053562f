//! The folder that people mount: each workspace as it is now under `workspaces/`, and what waits for a person,
//! as it was sealed, under `review/`.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use countersign_protocol::{HandoffId, manifest::ManifestEntry, names};
use countersign_web::desk::{
    Caller, ContentDesk as _, DeskError, MountDesk, OpenFile,
    mount::{MountFile, MountNode},
};
use jiff::Timestamp;

use super::{
    LedgerDesk,
    access::{sees, sees_card, visible_card},
    row::is_waiting,
};
use crate::{
    fs::{Dir, FileKind, Stamp},
    ledger::Revision,
    walk,
    workspace::Workspace,
};

const WORKSPACES: &str = "workspaces";
const REVIEW: &str = "review";

/// Where a path leads.
enum Spot<'p> {
    Top,
    Workspaces,
    /// In the folder of a workspace.
    Live(&'p str, &'p str),
    Review,
    /// In the newest revision of a card.
    Sealed(HandoffId, &'p str),
}

fn missing(path: &str) -> DeskError {
    DeskError::NotFound(format!("`{path}`"))
}

fn unavailable(error: impl std::fmt::Display) -> DeskError {
    DeskError::Unavailable(error.to_string())
}

impl<'p> Spot<'p> {
    fn find(path: &'p str) -> Result<Self, DeskError> {
        let is_part = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
        if path.is_empty() {
            return Ok(Self::Top);
        }
        if !path.split('/').all(is_part) {
            return Err(missing(path));
        }
        let (room, rest) = path.split_once('/').unwrap_or((path, ""));
        let (name, beneath) = rest.split_once('/').unwrap_or((rest, ""));
        match (room, name) {
            (WORKSPACES, "") => Ok(Self::Workspaces),
            (WORKSPACES, name) => Ok(Self::Live(name, beneath)),
            (REVIEW, "") => Ok(Self::Review),
            (REVIEW, name) => {
                let id: HandoffId = name.parse().map_err(|_| missing(path))?;
                // One folder has one name.
                if id.to_string() != name {
                    return Err(missing(path));
                }
                Ok(Self::Sealed(id, beneath))
            }
            _ => Err(missing(path)),
        }
    }
}

fn folder(name: &str, modified: Option<Timestamp>) -> MountNode {
    MountNode {
        name: name.to_owned(),
        modified,
        file: None,
    }
}

/// What people do not see of a workspace: rooms of the daemon, and boxes into which agents only put things.
fn is_hidden(relative: &Path) -> bool {
    let is_released = relative.starts_with(names::APPROVED);
    (walk::is_skipped(relative) && !is_released) || relative.starts_with(names::INBOX)
}

fn tag(stamp: &Stamp) -> String {
    format!("{:x}-{:x}-{:x}", stamp.ino, stamp.size, stamp.changed)
}

/// What stands there as a file or a folder; nothing for all else.
fn live_node(name: &str, kind: FileKind, stamp: &Stamp) -> Option<MountNode> {
    let modified = Timestamp::from_nanosecond(stamp.modified).ok();
    let file = match kind {
        FileKind::Folder => None,
        FileKind::File => Some(MountFile {
            size: stamp.size,
            tag: tag(stamp),
        }),
        FileKind::Link | FileKind::Special => return None,
    };
    Some(MountNode {
        file,
        ..folder(name, modified)
    })
}

/// What is at `path` in a workspace.
fn live(dir: &Dir, name: &str, path: &str) -> Result<Option<MountNode>, DeskError> {
    let found = match path {
        "" => dir
            .attributes(Path::new(""))
            .map(|found| found.map(|all| (all.kind, all.stamp))),
        path => dir.look_beneath(Path::new(path)),
    };
    match found {
        Ok(found) => Ok(found.and_then(|(kind, stamp)| live_node(name, kind, &stamp))),
        // A link or a mount on the way leads nowhere.
        Err(error) if error.is_not_found() || error.is_link() || error.is_mount() => Ok(None),
        Err(error) => Err(unavailable(error)),
    }
}

/// What is in the folder at `path` of a workspace, by name. A name that is no UTF-8 is left out: no handoff can
/// name it either.
fn live_in(dir: &Dir, path: &str) -> Result<Vec<MountNode>, DeskError> {
    let inner;
    let dir = match path {
        "" => dir,
        path => {
            inner = dir.folder(Path::new(path)).map_err(unavailable)?;
            &inner
        }
    };
    let mut nodes = Vec::new();
    for listed in Dir::names(dir).map_err(unavailable)? {
        let listed = listed.map_err(unavailable)?;
        let Some(name) = listed.path.to_str() else {
            continue;
        };
        if is_hidden(&Path::new(path).join(name)) {
            continue;
        }
        match dir.look(&listed.path) {
            Ok((kind, stamp)) => nodes.extend(live_node(name, kind, &stamp)),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(unavailable(error)),
        }
    }
    nodes.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(nodes)
}

fn open_live(dir: &Dir, path: &str) -> Result<(OpenFile, String), DeskError> {
    let file = dir.open_file(Path::new(path)).map_err(|error| {
        if error.is_not_found() || error.is_link() || error.is_mount() {
            missing(path)
        } else {
            unavailable(error)
        }
    })?;
    let metadata = file.metadata().map_err(unavailable)?;
    if !metadata.is_file() {
        return Err(missing(path));
    }
    let stamp = Stamp::of(&metadata);
    let open = OpenFile::new(path.to_owned(), stamp.size, file);
    Ok((open, tag(&stamp)))
}

/// The last part of a path; nothing of the empty one.
fn last_part(path: &str) -> Option<&str> {
    path.rsplit('/').next().filter(|part| !part.is_empty())
}

fn sealed_node(name: &str, entry: &ManifestEntry, at: Timestamp) -> MountNode {
    MountNode {
        file: Some(MountFile {
            size: entry.size,
            tag: entry.sha256.to_string(),
        }),
        ..folder(name, Some(at))
    }
}

/// The kept files beneath a folder of a revision, each with its path from there on.
fn beneath<'r>(
    revision: &'r Revision,
    path: &str,
) -> impl Iterator<Item = (&'r str, &'r ManifestEntry)> {
    let prefix = match path {
        "" => String::new(),
        path => format!("{path}/"),
    };
    let entries = &revision.accepted.manifest.entries;
    let first = entries.partition_point(|entry| *entry.path < *prefix);
    entries[first..]
        .iter()
        .map_while(move |entry| Some((entry.path.strip_prefix(&prefix)?, &**entry)))
        .filter(|(_, entry)| entry.kept)
}

/// What is at `path` in a revision.
fn sealed(revision: &Revision, path: &str) -> Option<MountNode> {
    let name = last_part(path).unwrap_or_default();
    if let Some(entry) = revision.accepted.manifest.get(path) {
        return entry.kept.then(|| sealed_node(name, entry, revision.at));
    }
    let is_folder = path.is_empty() || beneath(revision, path).next().is_some();
    is_folder.then(|| folder(name, Some(revision.at)))
}

/// What is in the folder at `path` of a revision, by name.
fn sealed_in(revision: &Revision, path: &str) -> Vec<MountNode> {
    let mut nodes: Vec<MountNode> = Vec::new();
    for (rest, entry) in beneath(revision, path) {
        match rest.split_once('/') {
            None => nodes.push(sealed_node(rest, entry, revision.at)),
            // All files of one folder follow one another.
            Some((name, _)) if nodes.last().is_none_or(|last| last.name != name) => {
                nodes.push(folder(name, Some(revision.at)));
            }
            Some(_) => {}
        }
    }
    nodes.sort_by(|one, other| one.name.cmp(&other.name));
    nodes
}

impl LedgerDesk {
    /// Does something with the folder of a workspace that `who` may see, on a thread that may wait.
    async fn in_workspace<T: Send + 'static>(
        &self,
        who: &Caller,
        name: &str,
        path: &str,
        look: impl FnOnce(&Workspace, &str) -> Result<T, DeskError> + Send + 'static,
    ) -> Result<T, DeskError> {
        let found = self.workspaces.get(name);
        let workspace = found.filter(|_| sees(who, name) && !is_hidden(Path::new(path)));
        let workspace = workspace.ok_or_else(|| missing(path))?;
        let path = path.to_owned();
        let looked = tokio::task::spawn_blocking(move || look(&workspace, &path)).await;
        looked.map_err(unavailable)?
    }

    /// The newest revision of a card that `who` may see, where its bytes are still kept, with its number.
    fn sealed_last(&self, who: &Caller, id: HandoffId) -> Result<(Arc<Revision>, u32), DeskError> {
        let state = self.ledger.state();
        let card = visible_card(&state, who, id)?;
        let newest = card.newest();
        if newest.is_forgotten {
            return Err(missing(&id.to_string()));
        }
        Ok((Arc::clone(newest), newest.accepted.revision))
    }

    /// A folder for each card that waits for a person, by number.
    fn waiting_folders(&self, who: &Caller) -> Vec<MountNode> {
        let state = self.ledger.state();
        let waiting = state
            .cards()
            .filter(|card| is_waiting(card) && sees_card(who, card));
        waiting
            .filter(|card| !card.newest().is_forgotten)
            .map(|card| folder(&card.id.to_string(), Some(card.newest().at)))
            .collect()
    }
}

#[async_trait]
impl MountDesk for LedgerDesk {
    async fn mounted(&self, who: &Caller, path: &str) -> Result<MountNode, DeskError> {
        match Spot::find(path)? {
            Spot::Top => Ok(folder("", None)),
            Spot::Workspaces => Ok(folder(WORKSPACES, None)),
            Spot::Review => Ok(folder(REVIEW, None)),
            Spot::Live(name, path) => {
                let last = last_part(path).unwrap_or(name).to_owned();
                let look = move |workspace: &Workspace, path: &str| {
                    live(workspace.dir(), &last, path)?.ok_or_else(|| missing(path))
                };
                self.in_workspace(who, name, path, look).await
            }
            Spot::Sealed(id, path) => {
                let (revision, _) = self.sealed_last(who, id)?;
                let found = sealed(&revision, path).ok_or_else(|| missing(path))?;
                let name = last_part(path).map_or_else(|| id.to_string(), str::to_owned);
                Ok(MountNode { name, ..found })
            }
        }
    }

    async fn mounted_in(&self, who: &Caller, path: &str) -> Result<Vec<MountNode>, DeskError> {
        match Spot::find(path)? {
            Spot::Top => Ok(vec![folder(REVIEW, None), folder(WORKSPACES, None)]),
            Spot::Workspaces => {
                let mut all = self.workspaces.all();
                all.retain(|workspace| sees(who, &workspace.name));
                all.sort_by(|one, other| one.name.cmp(&other.name));
                Ok(all.iter().map(|one| folder(&one.name, None)).collect())
            }
            Spot::Review => Ok(self.waiting_folders(who)),
            Spot::Live(name, path) => {
                let look = |workspace: &Workspace, path: &str| live_in(workspace.dir(), path);
                self.in_workspace(who, name, path, look).await
            }
            Spot::Sealed(id, path) => Ok(sealed_in(&self.sealed_last(who, id)?.0, path)),
        }
    }

    async fn mounted_file(
        &self,
        who: &Caller,
        path: &str,
    ) -> Result<(OpenFile, String), DeskError> {
        match Spot::find(path)? {
            Spot::Top | Spot::Workspaces | Spot::Review => Err(missing(path)),
            Spot::Live(name, path) => {
                let look = |workspace: &Workspace, path: &str| open_live(workspace.dir(), path);
                self.in_workspace(who, name, path, look).await
            }
            Spot::Sealed(id, path) => {
                let (_, number) = self.sealed_last(who, id)?;
                let sealed = self.open(who, id, number, path).await?;
                Ok((sealed.open, sealed.sha256.to_string()))
            }
        }
    }
}

#[cfg(test)]
mod tests;
