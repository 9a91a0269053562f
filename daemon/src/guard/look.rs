//! What is not as approved.

use std::path::Path;

use countersign_protocol::{
    HandoffId, names,
    release::{Difference, DifferenceKind},
};

use super::{GuardError, Inner, READ_AGAIN, Room};
use crate::{
    fs::{Attributes, Dir, FileKind, is_temporary},
    ledger::released,
    release::{Expected, FOLDER, Strictness, compare},
    workspace::Workspace,
};

/// Nobody but the owner of `approved/` may write in it.
const OTHERS_WRITE: u32 = 0o022;

impl Inner {
    /// Looks at a room; finds what is not as approved.
    pub(super) fn look(
        &self,
        room: &Room,
        workspace: &Workspace,
    ) -> Result<Vec<Difference>, GuardError> {
        if Self::is_away(workspace) {
            return Ok(Vec::new());
        }
        match room.1 {
            Some(id) => Ok(self.look_at_release(room, id, workspace)),
            None => self.look_at_approved(workspace),
        }
    }

    /// What the release of `id` must be; `None` when nothing was released yet.
    pub(super) fn expected(&self, id: HandoffId) -> Option<Expected> {
        let record = {
            let state = self.ledger.state();
            let card = state.card(id).filter(|card| card.released.is_some())?;
            released(&state, card)?.0
        };
        Some(Expected::of(&record))
    }

    fn look_at_release(
        &self,
        room: &Room,
        id: HandoffId,
        workspace: &Workspace,
    ) -> Vec<Difference> {
        let Some(expected) = self.expected(id) else {
            return Vec::new();
        };
        let root = workspace.dir();
        let place = Path::new(names::APPROVED).join(id.to_string());
        let kind = match root.attributes(&place) {
            Ok(Some(found)) if found.kind != FileKind::Folder => Some(DifferenceKind::Replaced),
            Ok(Some(found)) if found.uid != ours() => Some(DifferenceKind::Owner),
            Ok(Some(_)) => None,
            Ok(None) => Some(DifferenceKind::Missing),
            // A link on the way.
            Err(_) => Some(DifferenceKind::Replaced),
        };
        if let Some(kind) = kind {
            return vec![itself(kind, String::new())];
        }
        let folder = match root.folder(&place) {
            Ok(folder) => folder,
            Err(error) => {
                let why = error.source.to_string();
                return vec![itself(DifferenceKind::Unreadable, why)];
            }
        };
        let now = self.clock.monotonic();
        let known = self.known(room, |known| {
            let is_old = known
                .read_at
                .is_none_or(|at| now.saturating_sub(at) >= READ_AGAIN);
            if is_old {
                known.good.clear();
                known.read_at = Some(now);
            }
            known.good.clone()
        });
        let is_new = known.is_empty();
        let strictness = Strictness {
            owner: Some(ours()),
            modes: true,
        };
        let checked = compare(&folder, &expected, strictness, &|path, stamp| {
            known.get(path) == Some(&stamp)
        });
        self.known(room, |known| {
            known.good = checked.good.into_iter().collect();
        });
        if is_new && checked.differences.is_empty() && workspace.settings.immutable {
            // Where the file system or our rights do not allow it, `countersign doctor` says so.
            let _ = crate::release::freeze(&folder, &expected, true);
        }
        checked.differences
    }

    fn look_at_approved(&self, workspace: &Workspace) -> Result<Vec<Difference>, GuardError> {
        // Nothing is released meanwhile, so every unfinished folder was left by an earlier run.
        let _alone = workspace.answering();
        let name = Path::new(names::APPROVED);
        let found = workspace.dir().attributes(name)?;
        let has_releases = self.has_releases(&workspace.name);
        let mut differences = of_approved(found.as_ref(), has_releases);
        let is_ours = found.is_some_and(|found| found.kind == FileKind::Folder);
        if !has_releases {
            // Made by whoever set up the workspace, and nothing in it is ours yet.
            if is_ours && !differences.is_empty() {
                settle(&workspace.dir().folder(name)?);
            }
            return Ok(Vec::new());
        }
        let is_replaced = differences
            .iter()
            .any(|one| one.kind != DifferenceKind::Mode);
        if is_replaced {
            return Ok(differences);
        }
        let approved = workspace.dir().folder(name)?;
        for one in approved.list()? {
            if self.belongs(&workspace.name, &approved, &one.path) {
                continue;
            }
            differences.push(Difference {
                path: one.path.to_string_lossy().into_owned(),
                kind: DifferenceKind::Extra,
                detail: String::new(),
                sha256: None,
            });
        }
        Ok(differences)
    }

    fn has_releases(&self, workspace: &str) -> bool {
        let state = self.ledger.state();
        state
            .cards()
            .any(|card| card.workspace == workspace && card.released.is_some())
    }

    /// Whether `name` in `approved/` is a release, or one that is being made.
    fn belongs(&self, workspace: &str, approved: &Dir, name: &Path) -> bool {
        let text = name.to_string_lossy();
        if is_temporary(name) {
            let left = text.contains("folder-H-");
            let found = approved.attributes(name).ok().flatten();
            return left && found.is_some_and(|found| found.uid == ours());
        }
        let Ok(id) = text.parse::<HandoffId>() else {
            return false;
        };
        let state = self.ledger.state();
        id.to_string() == text
            && state.card(id).is_some_and(|card| {
                let approved =
                    |one: &crate::ledger::CardDecision| one.decided.outcome.is_approval();
                card.workspace == workspace && card.decisions.iter().any(approved)
            })
    }
}

/// The user that we are, and that everything in `approved/` belongs to.
pub(super) fn ours() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn itself(kind: DifferenceKind, detail: String) -> Difference {
    Difference {
        path: ".".to_owned(),
        kind,
        detail,
        sha256: None,
    }
}

fn of_approved(found: Option<&Attributes>, has_releases: bool) -> Vec<Difference> {
    let Some(found) = found else {
        let missing = itself(DifferenceKind::Missing, String::new());
        return has_releases.then_some(missing).into_iter().collect();
    };
    if found.kind != FileKind::Folder {
        return vec![itself(DifferenceKind::Replaced, String::new())];
    }
    if found.uid != ours() {
        let whose = format!("user {} instead of {}", found.uid, ours());
        return vec![itself(DifferenceKind::Owner, whose)];
    }
    if found.mode & OTHERS_WRITE != 0 {
        let mode = format!("{:04o} instead of {FOLDER:04o}", found.mode);
        return vec![itself(DifferenceKind::Mode, mode)];
    }
    Vec::new()
}

/// Takes `approved/` over, as far as our rights go, before anything of ours is in it.
fn settle(approved: &Dir) {
    let taken = approved
        .take_over()
        .and_then(|()| approved.set_mode(FOLDER));
    if let Err(error) = taken {
        tracing::warn!(%error, "the folder for approved work belongs to somebody else");
    }
}
