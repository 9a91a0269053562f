//! Whose everything in a workspace is, written down before any of it changes hands.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use countersign_protocol::names;
use serde::{Deserialize, Serialize};

use crate::fs::{Dir, Error, FileKind, Owner, is_temporary};

/// Whose something was.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Was {
    uid: u32,
    gid: u32,
    mode: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    acl: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default_acl: Option<String>,
}

/// Whose everything was, by path relative to the workspace. Names that are no text are not in it; they go the way
/// of their folder.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Listing {
    listing_version: String,
    entries: BTreeMap<String, Was>,
}

impl Listing {
    /// Looks at everything beneath `root` that can change hands.
    pub(super) fn of(root: &Dir) -> Result<Self, Error> {
        let mut listing = Self {
            listing_version: "1.0".to_owned(),
            entries: BTreeMap::new(),
        };
        listing.add(root, Path::new(""), Path::new(""))?;
        let inbox = Path::new(names::INBOX);
        listing.add(root, inbox, inbox)?;
        let mut open = vec![PathBuf::new()];
        while let Some(folder) = open.pop() {
            let dir = match root.folder(&folder) {
                // What we may not look into we cannot give away either; that is told when it is tried.
                Err(_) if !folder.as_os_str().is_empty() => continue,
                other => other?,
            };
            for listed in dir.list()? {
                let path = folder.join(&listed.path);
                if stays(&path) {
                    continue;
                }
                listing.add(&dir, &listed.path, &path)?;
                if listed.kind == FileKind::Folder {
                    open.push(path);
                }
            }
        }
        Ok(listing)
    }

    fn add(&mut self, dir: &Dir, name: &Path, path: &Path) -> Result<(), Error> {
        let (Some(seen), Some(text)) = (dir.attributes(name).unwrap_or(None), path.to_str()) else {
            return Ok(());
        };
        let owner = match dir.owner_of(name, &seen) {
            Err(error) if error.is_not_found() || error.is_mount() => return Ok(()),
            other => other?,
        };
        let text_of = |bytes: Option<Vec<u8>>| bytes.map(|bytes| BASE64_STANDARD.encode(bytes));
        let was = Was {
            uid: owner.uid,
            gid: owner.gid,
            mode: owner.mode,
            acl: text_of(owner.acl),
            default_acl: text_of(owner.default_acl),
        };
        self.entries.insert(text.to_owned(), was);
        Ok(())
    }

    /// Whose `path` was; of one that was not there, whose the folder was in which it is, with its own rights.
    pub(super) fn owner(&self, path: &Path, kind: FileKind, mode: u32) -> Option<Owner> {
        let bytes_of = |text: &Option<String>| {
            let text = text.as_ref()?;
            BASE64_STANDARD.decode(text).ok()
        };
        if let Some(was) = path.to_str().and_then(|text| self.entries.get(text)) {
            return Some(Owner {
                uid: was.uid,
                gid: was.gid,
                mode: was.mode,
                acl: bytes_of(&was.acl),
                default_acl: bytes_of(&was.default_acl),
            });
        }
        let mut around = path.ancestors().skip(1);
        let was = around.find_map(|folder| self.entries.get(folder.to_str()?))?;
        let folder = kind == FileKind::Folder;
        Some(Owner {
            uid: was.uid,
            gid: was.gid,
            mode: if folder { was.mode } else { mode | 0o600 },
            acl: bytes_of(&was.acl).filter(|_| folder),
            default_acl: bytes_of(&was.default_acl).filter(|_| folder),
        })
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        crate::workspace::json(self)
    }

    pub(super) fn of_bytes(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| format!("the list cannot be read: {error}"))
    }
}

/// Whether what is at `path` belongs to the daemon whoever owns the workspace.
pub(super) fn stays(path: &Path) -> bool {
    let room = path.iter().next().unwrap_or_default();
    let rooms = [names::APPROVED, names::OWN_FOLDER, names::INBOX];
    rooms.iter().any(|name| room == *name) || is_temporary(path)
}
