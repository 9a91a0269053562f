//! Owners and modes of the rooms of a workspace, where the daemon may set them.
//!
//! They hold back agents of other users: `approved/` is read only, and a box in the inbox takes new names and
//! shows none. A box opens to the user of its agent by an access list, where the file system keeps them: that names one
//! user, needs no group of ours and no superuser. They do not keep an agent from its own delivery, nor a descriptor from writing on; that is what
//! sealing by copy is for.

use std::path::Path;

use countersign_protocol::names;

use super::{Account, FOLDER_MODE};
use crate::fs::{Acl, AclKind, Dir, Error, FileKind};

/// Nobody lists whose boxes there are.
const INBOX: u32 = 0o711;
/// Only we, before its agent is let in; nobody removes what is not theirs.
const BOX: u32 = 0o1700;
/// Its agent adds and finds what it can name, by its group.
const GROUP_BOX: u32 = 0o1730;
/// The same where the agent is in no group of ours.
const OPEN_BOX: u32 = 0o1733;
/// Rights of an agent in its box: to add and to find what it can name.
const ADDS: u8 = 0o3;
const EVERYTHING: u8 = 0o7;
const READS: u8 = 0o5;
/// Where others may write, nobody moves what is not theirs.
const STICKY: u32 = 0o1000;
const OTHERS_WRITE: u32 = 0o022;

/// Sets owners and modes as far as our rights go; gives what could not be set. `agents` are those with a user of
/// their own.
pub fn protect<'a>(root: &Dir, agents: impl Iterator<Item = (&'a str, Account)>) -> Vec<Error> {
    let mut failed = Vec::new();
    let mut note = |result: Result<(), Error>| failed.extend(result.err());
    note(keep_rooms(root));
    for name in [names::APPROVED, names::OWN_FOLDER] {
        note(own(root, Path::new(name), FOLDER_MODE));
    }
    note(own(root, Path::new(names::INBOX), INBOX));
    for (agent, account) in agents {
        note(own_box(root, agent, account).map(drop));
        note(work_area(root, agent, account));
    }
    failed
}

/// How a box opens to its agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    /// To its user alone, by an access list.
    ByList,
    /// To its group.
    ByGroup,
    /// To everybody.
    ToAll,
}

/// The box of an agent in the inbox.
pub fn own_box(root: &Dir, agent: &str, account: Account) -> Result<Opens, Error> {
    let name = Path::new(names::INBOX).join(agent);
    let made = root.make_folder(&name, 0o700)?;
    let found = made.attributes(Path::new(""))?;
    if found.is_some_and(|found| found.uid != rustix::process::geteuid().as_raw()) {
        made.take_over()?;
    }
    made.remove_acls()?;
    made.set_mode(BOX)?;
    let list = Acl {
        owner: EVERYTHING,
        users: [(account.uid, ADDS)].into(),
        ..Acl::default()
    };
    if made.set_acl(AclKind::Access, &list).is_ok() {
        return Ok(Opens::ByList);
    }
    let (mode, opens) = match made.give_to_group(account.gid) {
        Ok(()) => (GROUP_BOX, Opens::ByGroup),
        Err(_) => (OPEN_BOX, Opens::ToAll),
    };
    made.set_mode(mode)?;
    Ok(opens)
}

/// How the box of an agent opens, as it stands; `None` when it has none or nobody but we may add.
pub fn opens(root: &Dir, agent: &str) -> Option<Opens> {
    let made = root.folder(&Path::new(names::INBOX).join(agent)).ok()?;
    if made.acl_bytes(AclKind::Access).ok()?.is_some() {
        return Some(Opens::ByList);
    }
    let mode = made.attributes(Path::new("")).ok()??.mode;
    match mode {
        mode if mode & 0o002 != 0 => Some(Opens::ToAll),
        mode if mode & 0o020 != 0 => Some(Opens::ByGroup),
        _ => None,
    }
}

/// The work area of an agent, where there is one and it is ours to set: the agent works in it, other agents may
/// read, and what the agent keeps to itself the daemon can read all the same.
fn work_area(root: &Dir, agent: &str, account: Account) -> Result<(), Error> {
    let area = match root.folder(Path::new(agent)) {
        Err(error) if error.is_not_found() || error.is_link() || error.is_mount() => return Ok(()),
        other => other?,
    };
    let own = rustix::process::geteuid();
    let ours = area
        .attributes(Path::new(""))?
        .is_some_and(|found| found.uid == own.as_raw());
    if !ours && !own.is_root() {
        return Ok(());
    }
    let list = Acl {
        owner: EVERYTHING,
        users: [(account.uid, EVERYTHING), (own.as_raw(), READS)].into(),
        group: READS,
        other: READS,
    };
    for kind in [AclKind::Access, AclKind::Default] {
        if let Err(error) = area.set_acl(kind, &list) {
            tracing::debug!(%error, "the work area has no access list");
        }
    }
    Ok(())
}

/// In a folder where others may write, only the sticky bit keeps them from moving a room away.
fn keep_rooms(root: &Dir) -> Result<(), Error> {
    let Some(found) = root.attributes(Path::new(""))? else {
        return Ok(());
    };
    if found.mode & OTHERS_WRITE == 0 || found.mode & STICKY != 0 {
        return Ok(());
    }
    root.set_mode(found.mode | STICKY)
}

fn own(root: &Dir, name: &Path, mode: u32) -> Result<(), Error> {
    let room = match root.kind(name)? {
        Some(FileKind::Folder) => root.folder(name)?,
        Some(_) => return Ok(()),
        None => root.make_folder(name, mode)?,
    };
    let found = room.attributes(Path::new(""))?;
    if found.is_some_and(|found| found.uid != rustix::process::geteuid().as_raw()) {
        room.take_over()?;
    }
    // A list that was inherited could let somebody write whom the mode does not name.
    room.remove_acls()?;
    room.set_mode(mode)
}

#[cfg(test)]
mod tests;
