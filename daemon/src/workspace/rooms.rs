//! Owners and modes of the rooms of a workspace, where the daemon may set them.
//!
//! They hold back agents of other users: `approved/` is read only, and a box in the inbox takes new names and
//! shows none. They do not keep an agent from its own delivery, nor a descriptor from writing on; that is what
//! sealing by copy is for.

use std::path::Path;

use countersign_protocol::names;

use super::{Account, FOLDER_MODE};
use crate::fs::{Dir, Error, FileKind};

/// Nobody lists whose boxes there are.
const INBOX: u32 = 0o711;
/// Its agent adds and finds what it can name; nobody removes what is not theirs.
const BOX: u32 = 0o1730;
/// The same where the agent is in no group of ours.
const OPEN_BOX: u32 = 0o1733;
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
        note(own_box(root, agent, account));
    }
    failed
}

/// The box of an agent in the inbox.
pub fn own_box(root: &Dir, agent: &str, account: Account) -> Result<(), Error> {
    let name = Path::new(names::INBOX).join(agent);
    let made = root.make_folder(&name, 0o700)?;
    let found = made.attributes(Path::new(""))?;
    if found.is_some_and(|found| found.uid != rustix::process::geteuid().as_raw()) {
        made.take_over()?;
    }
    let mode = match made.give_to_group(account.gid) {
        Ok(()) => BOX,
        Err(_) => OPEN_BOX,
    };
    made.set_mode(mode)
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
    room.set_mode(mode)
}
