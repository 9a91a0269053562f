//! Files change hands: from the top down to a person, so that nobody adds to what is done; from the bottom up to
//! agents, so that nobody reaches what is not.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use countersign_protocol::{names, ownership::Settlement};

use super::listing::{Listing, stays};
use crate::{
    fault,
    fs::{Attributes, Dir, Error, FileKind, Owner},
    workspace::Account,
};

/// Nobody adds to the boxes of a workspace that agents may only read.
const CLOSED: u32 = 0o700;
/// Rights of group and others to write.
const OTHERS_WRITE: u32 = 0o022;

/// To whom, and whose may be given.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// The user and group that everything belongs to afterwards.
    pub(super) to: Account,
    /// The users whose files may be given: those of agents and people, and our own. What else lies here may be
    /// a foreign file under a name of the workspace.
    pub(super) known: BTreeSet<u32>,
    /// Of these, the users of agents.
    pub(super) agents: BTreeSet<u32>,
    /// Whether we may give away at all.
    pub(super) is_root: bool,
}

impl Terms {
    /// Whose it becomes; else why it does not change.
    fn owner(&self, seen: &Attributes) -> Result<Owner, String> {
        let own = rustix::process::geteuid().as_raw();
        if !self.is_root && seen.uid != own {
            let why = "only the superuser can give it away";
            return Err(format!("it belongs to user {}; {why}", seen.uid));
        }
        if !self.known.contains(&seen.uid) {
            let why = "which is no agent or person of the configuration";
            return Err(format!("it belongs to user {}, {why}", seen.uid));
        }
        let is_lent = seen.kind == FileKind::File && seen.links > 1;
        if is_lent && !self.agents.contains(&seen.uid) && seen.uid != self.to.uid {
            return Err("it has other names, so it may be a foreign file".to_owned());
        }
        let (uid, gid) = if self.is_root {
            (self.to.uid, self.to.gid)
        } else {
            (seen.uid, seen.gid)
        };
        let (least, special) = match seen.kind {
            FileKind::Folder => (0o700, 0o3000),
            _ => (0o600, 0),
        };
        let mode = (seen.mode & (0o777 | special) | least) & !OTHERS_WRITE;
        Ok(Owner {
            uid,
            gid,
            mode,
            ..Owner::default()
        })
    }
}

/// Why something was not given, in words.
fn why(error: &Error) -> String {
    if error.is_mount() {
        return "something else is mounted there; it is not entered".to_owned();
    }
    error.source.to_string()
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Gives everything beneath `root` to a person. What has its owner already is found to have it, so this can be
/// done again after a crash.
pub(super) fn to_person(root: &Dir, terms: &Terms) -> Settlement {
    let mut done = Settlement::default();
    done.user = terms.is_root.then_some(terms.to.uid);
    close_inbox(root, &mut done);
    let mut open = vec![PathBuf::new()];
    while let Some(path) = open.pop() {
        let dir = match root.folder(&path) {
            Ok(dir) => dir,
            Err(error) if error.is_not_found() => continue,
            Err(error) => {
                done.leave(shown(&path), why(&error));
                continue;
            }
        };
        match folder_to_person(&dir, terms) {
            Ok(()) => done.folders += 1,
            Err(reason) => done.leave(shown(&path), reason),
        }
        let names = match dir.list() {
            Ok(names) => names,
            Err(error) => {
                done.leave(shown(&path), why(&error));
                continue;
            }
        };
        for one in names {
            let inner = path.join(&one.path);
            if stays(&inner) {
                continue;
            }
            if one.kind == FileKind::Folder {
                open.push(inner);
                continue;
            }
            match name_to_person(&dir, &one.path, terms) {
                Ok(copied) => {
                    done.files += 1;
                    done.copied += u64::from(copied);
                }
                Err(reason) if reason.is_empty() => {}
                Err(reason) => done.leave(shown(&inner), reason),
            }
            fault::step("ownership.file");
        }
    }
    done
}

fn close_inbox(root: &Dir, done: &mut Settlement) {
    let closed = root
        .folder(Path::new(names::INBOX))
        .and_then(|inbox| inbox.set_mode(CLOSED));
    if let Err(error) = closed
        && !error.is_not_found()
    {
        done.leave(names::INBOX, why(&error));
    }
}

fn folder_to_person(dir: &Dir, terms: &Terms) -> Result<(), String> {
    let seen = dir.attributes(Path::new(""));
    let seen = seen.map_err(|error| why(&error))?;
    let Some(seen) = seen else { return Ok(()) };
    dir.hand_over(&terms.owner(&seen)?)
        .map_err(|error| why(&error))
}

/// Gives a file or a link; says whether by a copy. Without words when it is gone.
fn name_to_person(dir: &Dir, name: &Path, terms: &Terms) -> Result<bool, String> {
    let seen = dir.attributes(name).map_err(|error| why(&error))?;
    let seen = seen.ok_or_else(String::new)?;
    hand_over(dir, name, &seen, &terms.owner(&seen)?)
}

fn hand_over(dir: &Dir, name: &Path, seen: &Attributes, owner: &Owner) -> Result<bool, String> {
    let done = match seen.kind {
        FileKind::File => dir.hand_over_file(name, seen, owner),
        FileKind::Link if (seen.uid, seen.gid) == (owner.uid, owner.gid) => Ok(false),
        FileKind::Link => dir
            .hand_over_link(name, owner.uid, owner.gid)
            .map(|()| false),
        FileKind::Special => return Err("it is a pipe, a socket or a device".to_owned()),
        FileKind::Folder => return Err("it is a folder by now".to_owned()),
    };
    done.map_err(|error| why(&error))
}

/// Gives what `terms` gave to a person back to whom it belonged.
pub(super) fn to_agents(root: &Dir, terms: &Terms, listing: &Listing) -> Settlement {
    let mut done = Settlement::default();
    let mut folders = vec![PathBuf::new()];
    let mut at = 0;
    while let Some(path) = folders.get(at).cloned() {
        at += 1;
        let inner = root.folder(&path).and_then(|dir| dir.list());
        let inner = inner.unwrap_or_default().into_iter();
        folders.extend(
            inner
                .filter(|one| one.kind == FileKind::Folder)
                .map(|one| path.join(one.path))
                .filter(|path| !stays(path)),
        );
    }
    for path in folders.iter().rev() {
        match folder_to_agents(root, path, (terms, listing), &mut done) {
            Ok(()) => {}
            Err(error) if error.is_not_found() => {}
            Err(error) => done.leave(shown(path), why(&error)),
        }
    }
    let inbox = Path::new(names::INBOX);
    let opened =
        root.folder(inbox)
            .and_then(|dir| match listing.owner(inbox, FileKind::Folder, CLOSED) {
                Some(owner) => dir.set_mode(owner.mode),
                None => Ok(()),
            });
    if let Err(error) = opened
        && !error.is_not_found()
    {
        done.leave(names::INBOX, why(&error));
    }
    done
}

fn folder_to_agents(
    root: &Dir,
    path: &Path,
    (terms, listing): (&Terms, &Listing),
    done: &mut Settlement,
) -> Result<(), Error> {
    let dir = root.folder(path)?;
    for one in dir.list()? {
        let inner = path.join(&one.path);
        if one.kind == FileKind::Folder || stays(&inner) {
            continue;
        }
        let Some(seen) = dir.attributes(&one.path)? else {
            continue;
        };
        let Some(owner) = due(&inner, &seen, terms, listing) else {
            continue;
        };
        match hand_over(&dir, &one.path, &seen, &owner) {
            Ok(copied) => {
                done.files += 1;
                done.copied += u64::from(copied);
            }
            Err(reason) => done.leave(shown(&inner), reason),
        }
        fault::step("ownership.file");
    }
    if let Some(seen) = dir.attributes(Path::new(""))?
        && let Some(owner) = due(path, &seen, terms, listing)
    {
        dir.hand_over(&owner)?;
        done.folders += 1;
    }
    Ok(())
}

/// Whose it becomes again; none when it is not ours to give, or is theirs already.
fn due(path: &Path, seen: &Attributes, terms: &Terms, listing: &Listing) -> Option<Owner> {
    let own = rustix::process::geteuid().as_raw();
    if seen.uid != terms.to.uid && seen.uid != own {
        return None;
    }
    let mut owner = listing.owner(path, seen.kind, seen.mode)?;
    if !terms.is_root {
        (owner.uid, owner.gid) = (seen.uid, seen.gid);
    }
    Some(owner)
}
