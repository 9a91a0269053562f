//! What stands in `locks/`, and what a request there says.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use countersign_protocol::{
    Digest,
    lock::{self, MOST, RequestFile},
    names,
    principal::{Actor, Principal},
    problem::{ProblemKind, Refusal},
};

use crate::{
    fs::{Dir, FileKind, ReadProblem, Stamp, Writers, read_limited, writers},
    workspace::Workspace,
};

/// Largest request, in bytes.
const LARGEST: u64 = 16 * 1024;

/// The folder as it is now.
#[derive(Default)]
pub(super) struct Listing {
    pub(super) requests: BTreeMap<String, Stamp>,
    pub(super) answers: BTreeSet<String>,
}

/// A request that was read.
pub(super) struct Asks {
    pub(super) owner: Actor,
    pub(super) request: lock::FileRequest,
    pub(super) file: RequestFile,
}

/// What a look at a request gave.
pub(super) enum Look {
    Asks(Box<Asks>),
    Refused(Refusal),
    /// Somebody is still at it, or it is gone: look again.
    Later,
}

/// The requests and answers in `locks/`, at most as many as one owner may have. `None` when the workspace is away.
pub(super) fn list(workspace: &Workspace) -> Result<Option<Listing>, String> {
    let mut listing = Listing::default();
    let folder = match workspace.dir().folder(Path::new(names::LOCKS)) {
        Ok(folder) => folder,
        Err(_) if !workspace.is_there() => return Ok(None),
        Err(error) if error.is_not_found() => return Ok(Some(listing)),
        // A link in its place, or a folder that we may not read: there are no requests that we could read.
        Err(error) => return Err(error.to_string()),
    };
    for listed in folder.list().map_err(|error| error.to_string())? {
        let Some(name) = listed.path.to_str() else {
            continue;
        };
        if listed.kind != FileKind::File {
            continue;
        }
        if lock::is_request(name) && listing.requests.len() < MOST {
            if let Ok((FileKind::File, stamp)) = folder.look(&listed.path) {
                listing.requests.insert(name.to_owned(), stamp);
            }
        } else if name.ends_with(".answer.json") {
            listing.answers.insert(name.to_owned());
        }
    }
    Ok(Some(listing))
}

pub(super) fn look(workspace: &Workspace, name: &str) -> Look {
    let folder: Dir = match workspace.dir().folder(Path::new(names::LOCKS)) {
        Ok(folder) => folder,
        Err(_) => return Look::Later,
    };
    let Ok(file) = folder.open_file(Path::new(name)) else {
        return Look::Later;
    };
    if writers(&file) == Writers::Some {
        return Look::Later;
    }
    let unreadable = |why: String| {
        let fix = "write a regular file of at most 16 KiB";
        Look::Refused(Refusal::new(ProblemKind::Unreadable, "lock", why, fix))
    };
    let (bytes, stamp) = match read_limited(&file, LARGEST) {
        Ok(read) => read,
        Err(ReadProblem::Changed) => return Look::Later,
        Err(problem) => return unreadable(problem.to_string()),
    };
    let uid = match file.metadata() {
        Ok(metadata) => std::os::unix::fs::MetadataExt::uid(&metadata),
        Err(error) => return unreadable(error.to_string()),
    };
    match lock::read(&bytes) {
        Ok(request) => Look::Asks(Box::new(Asks {
            owner: Actor::Agent {
                name: request.from_agent.clone(),
                principal: Principal::FileOwner { uid },
            },
            request,
            file: RequestFile {
                name: name.to_owned(),
                sha256: Digest::of(&bytes),
                inode: stamp.ino,
            },
        })),
        Err(refusal) => Look::Refused(refusal),
    }
}
