//! `daemon.json` in the data folder: how programs of this machine reach the daemon that runs.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

use crate::fs::{self, Dir, ReadProblem};

/// Its name. Mode 0600: whoever can read it acts as the operator.
pub const ENDPOINT_FILE: &str = "daemon.json";

/// Name of the file with the link that signs the operator in once, where the output of the start may be read by
/// others. Mode 0600.
pub const START_LINK_FILE: &str = "start-link";

const MAX_BYTES: u64 = 1024 * 1024;

/// What it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Without a slash at the end, for example `http://127.0.0.1:7420`.
    pub url: String,
    /// Process of the daemon.
    pub pid: u32,
    /// Bearer token of the operator, new for each run.
    pub token: String,
    /// Version of the program.
    pub version: String,
    /// What it serves.
    pub workspaces: Vec<EndpointWorkspace>,
}

/// A workspace that the daemon serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointWorkspace {
    /// Its name.
    pub name: String,
    /// Its real path.
    pub path: String,
}

impl Endpoint {
    /// Reads it from the data folder. `None` when no daemon has left one.
    pub fn read(data_dir: &Path) -> io::Result<Option<Self>> {
        let none_if_missing = |error: fs::Error| {
            if error.is_not_found() {
                Ok(None)
            } else {
                Err(io::Error::other(error))
            }
        };
        let file = Dir::open(data_dir).and_then(|dir| dir.open_file(Path::new(ENDPOINT_FILE)));
        let file = match file {
            Ok(file) => file,
            Err(error) => return none_if_missing(error),
        };
        let (bytes, _) = fs::read_limited(&file, MAX_BYTES).map_err(|problem| match problem {
            ReadProblem::Io(error) => error,
            other => io::Error::other(other),
        })?;
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(io::Error::other)
    }

    /// Writes it into the data folder.
    pub fn write(&self, data_dir: &Dir) -> Result<(), fs::Error> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        data_dir.publish(Path::new(ENDPOINT_FILE), text.as_bytes(), 0o600, false)
    }

    /// Takes it away when the daemon stops.
    pub fn remove(data_dir: &Dir) -> Result<(), fs::Error> {
        data_dir.remove_own_file(Path::new(ENDPOINT_FILE))
    }

    /// The workspace that holds `folder`, a real path, with the folder relative to it.
    pub fn workspace_of(&self, folder: &Path) -> Option<(&EndpointWorkspace, String)> {
        self.workspaces.iter().find_map(|workspace| {
            let inner = folder.strip_prefix(&workspace.path).ok()?;
            Some((workspace, inner.to_str()?.to_owned()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_back_as_written_and_only_for_its_owner() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Endpoint::read(&folder.path().join("none")).unwrap(), None);
        assert_eq!(Endpoint::read(folder.path()).unwrap(), None);
        let endpoint = Endpoint {
            url: "http://127.0.0.1:1".to_owned(),
            pid: 1,
            token: "t".to_owned(),
            version: "0".to_owned(),
            workspaces: vec![EndpointWorkspace {
                name: "w".to_owned(),
                path: "/srv/w".to_owned(),
            }],
        };
        let dir = Dir::open(folder.path()).unwrap();
        endpoint.write(&dir).unwrap();
        assert_eq!(
            Endpoint::read(folder.path()).unwrap().as_ref(),
            Some(&endpoint)
        );
        let file = folder.path().join(ENDPOINT_FILE).metadata().unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
        let (found, inner) = endpoint.workspace_of(Path::new("/srv/w/a/b")).unwrap();
        assert_eq!((found.name.as_str(), inner.as_str()), ("w", "a/b"));
        assert!(endpoint.workspace_of(Path::new("/srv/words")).is_none());
        Endpoint::remove(&dir).unwrap();
        assert_eq!(Endpoint::read(folder.path()).unwrap(), None);
    }
}
