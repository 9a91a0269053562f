//! Holding approved work still while a command uses it.
//!
//! Between a check and a use anybody may change a file. So what is used is not what lies in the folder but a
//! copy that was hashed while it was made, in a place that no other user can name: a file system in memory that
//! only the command sees, made read-only before the command starts. Where the kernel gives none, one file alone
//! can still be held, in sealed memory. A process of the same user that is not confined can trace the command
//! itself; against that nothing holds, and the documentation says so.

#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io::Read as _,
    os::fd::{AsRawFd as _, OwnedFd},
    path::{Path, PathBuf},
};

use crate::{
    fs::{self, Dir, PrivatePlace},
    release::{Expected, Wanted},
};

/// Why nothing was held.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// What lies there is not what was approved.
    #[error("`{}` is not what was approved: {why}", path.display())]
    Differs {
        /// The file, relative to the release.
        path: PathBuf,
        /// What the copy said.
        why: String,
    },
    /// It cannot be held here.
    #[error("it cannot be held still here: {0}")]
    CannotHold(String),
}

/// Approved work that cannot change as long as this is there.
#[derive(Debug)]
pub struct Held {
    path: PathBuf,
    way: Way,
}

/// What must live as long as the work is held.
#[derive(Debug)]
enum Way {
    Place { _mounted: PrivatePlace },
    Memory { _open: OwnedFd },
}

impl Held {
    /// Where the command finds it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it is held, in words.
    pub fn how(&self) -> &'static str {
        match &self.way {
            Way::Place { .. } => "a read-only file system in memory that only the command sees",
            Way::Memory { .. } => "sealed memory",
        }
    }
}

/// Holds what `expected` says of the release `folder`, which is called `name`. `below` is what the command was
/// given: the empty path for all of it.
pub fn hold(
    folder: &Dir,
    name: &str,
    expected: &Expected,
    below: &Path,
) -> Result<Held, GateError> {
    match PrivatePlace::make() {
        Ok(place) => {
            let ours = |error: fs::Error| GateError::CannotHold(error.to_string());
            let inside = Dir::open(place.path())
                .and_then(|root| root.make_folder(Path::new(name), 0o755))
                .map_err(ours)?;
            copy(folder, expected, &inside)?;
            place.freeze().map_err(ours)?;
            let mut path = place.path().join(name);
            if !below.as_os_str().is_empty() {
                path.push(below);
            }
            Ok(Held {
                path,
                way: Way::Place { _mounted: place },
            })
        }
        Err(error) => match expected.files.get(below) {
            Some(wanted) => in_memory(folder, below, wanted),
            None => Err(GateError::CannotHold(format!(
                "{error}; a single file could be held in sealed memory, a folder cannot"
            ))),
        },
    }
}

/// Copies what `expected` says from `folder` into `into`. A file gets its name only when the copy itself has the
/// approved bytes, so it does not matter who changes what meanwhile.
pub fn copy(folder: &Dir, expected: &Expected, into: &Dir) -> Result<(), GateError> {
    let ours = |error: fs::Error| GateError::CannotHold(error.to_string());
    for (path, wanted) in &expected.files {
        let source = open(folder, path)?;
        let parent = path.parent().unwrap_or(Path::new(""));
        let target = into.make_folder(parent, 0o755).map_err(ours)?;
        let name = path.file_name().map_or(path.as_path(), Path::new);
        // One byte more than approved is enough to know.
        let mut bytes = source.take(wanted.size.saturating_add(1));
        target
            .publish_copy(name, &mut bytes, wanted.sha256, wanted.mode, false)
            .map_err(|error| GateError::Differs {
                path: path.clone(),
                why: error.source.to_string(),
            })?;
    }
    Ok(())
}

/// Holds one file in sealed memory.
pub fn in_memory(folder: &Dir, path: &Path, wanted: &Wanted) -> Result<Held, GateError> {
    let source = open(folder, path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut bytes = source.take(wanted.size.saturating_add(1));
    let memory = fs::sealed_memory(&name, &mut bytes, wanted.sha256).map_err(|error| {
        GateError::Differs {
            path: path.to_owned(),
            why: error.to_string(),
        }
    })?;
    Ok(Held {
        path: format!("/proc/self/fd/{}", memory.as_raw_fd()).into(),
        way: Way::Memory { _open: memory },
    })
}

/// Opens a file of the release: beneath it, no link on the way, a regular file.
fn open(folder: &Dir, path: &Path) -> Result<File, GateError> {
    let differs = |why: String| GateError::Differs {
        path: path.to_owned(),
        why,
    };
    let file = folder
        .open_file(path)
        .map_err(|error| differs(error.source.to_string()))?;
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(file),
        Ok(_) => Err(differs("it is no regular file".to_owned())),
        Err(error) => Err(differs(error.to_string())),
    }
}
