//! What an agent tries, in a process of its own, on bait: nothing of anybody is touched.

use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use countersign_protocol::names;
use countersign_web::desk::boundaries::SHUT;
use serde::{Deserialize, Serialize};

/// Where it is tried.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ground {
    /// The workspace.
    pub workspace: PathBuf,
    /// The agent.
    pub agent: String,
    /// A folder of the agent, on the file system of the workspace.
    pub scratch: PathBuf,
    /// A release that is none, in `approved/`, with the file `bait` in it.
    pub bait: PathBuf,
    /// The name that the agent gives what it drops.
    pub dropped: String,
    /// The boxes of other agents.
    pub boxes: Vec<PathBuf>,
    /// The daemon's own folder.
    pub data: PathBuf,
    /// Other workspaces.
    pub others: Vec<PathBuf>,
}

/// A room, and what is promised of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Room {
    /// The boxes of other agents.
    Inbox,
    /// The agent's own box.
    Box,
    /// Released work.
    Approved,
    /// What the daemon writes for agents.
    Own,
    /// The daemon's folder.
    Daemon,
    /// Other workspaces.
    Others,
}

/// Something that worked though it should not have, or that failed though it should work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breach {
    /// Where.
    pub room: Room,
    /// What.
    pub what: String,
}

/// Tries everything; gives what does not hold.
#[expect(
    clippy::disallowed_methods,
    reason = "this plays the agent, which does not use our door"
)]
pub fn attempt(ground: &Ground) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut must_fail = |room: Room, what: &str, result: io::Result<()>| {
        if result.is_ok() {
            breaches.push(Breach {
                room,
                what: what.to_owned(),
            });
        }
    };
    let root = &ground.workspace;
    let inbox = root.join(names::INBOX);
    must_fail(Room::Inbox, "the boxes can be listed", listed(&inbox));
    for other in &ground.boxes {
        must_fail(
            Room::Inbox,
            "the box of another can be listed",
            listed(other),
        );
        must_fail(
            Room::Inbox,
            "the box of another takes files",
            made(&other.join(&ground.dropped)),
        );
    }
    let own = inbox.join(&ground.agent);
    let dropped = own.join(&ground.dropped);
    match drop_into(&ground.scratch, &dropped) {
        Ok(()) => {
            must_fail(Room::Box, "it can be listed", listed(&own));
            must_fail(
                Room::Box,
                "what was dropped can be read",
                File::open(&dropped).map(drop),
            );
            must_fail(
                Room::Box,
                "what was dropped can be replaced",
                File::options().write(true).open(&dropped).map(drop),
            );
            must_fail(
                Room::Box,
                "what was dropped can be removed",
                fs::remove_file(&dropped),
            );
        }
        Err(error) => must_fail_not(&mut breaches, &error),
    }
    let mut must_fail = |room: Room, what: &str, result: io::Result<()>| {
        if result.is_ok() {
            breaches.push(Breach {
                room,
                what: what.to_owned(),
            });
        }
    };
    let bait = ground.bait.join("bait");
    let approved = [
        (
            "a file can be written",
            File::options().write(true).open(&bait).map(drop),
        ),
        (
            "a mode can be changed",
            fs::set_permissions(&bait, Permissions::from_mode(0o444)),
        ),
        ("a file can be added", made(&ground.bait.join("added"))),
        (
            "a file can be renamed",
            fs::rename(&bait, ground.bait.join("renamed")),
        ),
        (
            "a file can be removed",
            fs::remove_file(ground.bait.join("renamed")).or_else(|_| fs::remove_file(&bait)),
        ),
        (
            "a release can be made up",
            made(&root.join(names::APPROVED).join(&ground.dropped)),
        ),
    ];
    for (what, result) in approved {
        must_fail(Room::Approved, what, result);
    }
    let record = root.join(names::OWN_FOLDER).join(&ground.dropped);
    must_fail(Room::Own, "a file can be added", made(&record));
    must_fail(
        Room::Daemon,
        "its folder can be listed",
        listed(&ground.data),
    );
    let key = ground.data.join(crate::endpoint::ENDPOINT_FILE);
    must_fail(
        Room::Daemon,
        "the key of the operator can be read",
        File::open(key).map(drop),
    );
    for other in &ground.others {
        let what = format!("{} can be listed", other.display());
        must_fail(Room::Others, &what, listed(other));
    }
    breaches
}

fn must_fail_not(breaches: &mut Vec<Breach>, error: &io::Error) {
    breaches.push(Breach {
        room: Room::Box,
        what: format!("{SHUT}: {error}"),
    });
}

fn listed(path: &Path) -> io::Result<()> {
    fs::read_dir(path).map(drop)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this plays the agent, which does not use our door"
)]
fn made(path: &Path) -> io::Result<()> {
    File::options().write(true).create_new(true).open(path)?;
    fs::remove_file(path)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this plays the agent, which does not use our door"
)]
fn drop_into(scratch: &Path, dropped: &Path) -> io::Result<()> {
    let finished = scratch.join("finished");
    File::options()
        .write(true)
        .create_new(true)
        .open(&finished)?;
    fs::rename(&finished, dropped)
}
