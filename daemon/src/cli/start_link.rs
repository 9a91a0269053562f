//! Where the link that signs the operator in is told: only where nobody else reads it.

use std::{
    fs::File,
    io::IsTerminal as _,
    os::{fd::AsFd as _, unix::fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use rustix::process::geteuid;

use super::output::inert;
use crate::{
    endpoint::START_LINK_FILE,
    fs::{self, Dir},
};

const OTHERS_READ: u32 = 0o044;
const OTHERS_SEARCH: u32 = 0o011;

/// What the output says of a link.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The link itself.
    Link(String),
    /// The file that has it.
    File(PathBuf),
    /// Nothing; `countersign open` makes another.
    Nothing,
}

/// Returns what the output may say of `link`, and writes the file in `data_dir` where the output may not.
pub(super) fn told(link: &str, data_dir: &Path) -> Told {
    if is_private() {
        return Told::Link(link.to_owned());
    }
    match write(link, data_dir) {
        Ok(path) => Told::File(path),
        Err(error) => {
            tracing::warn!(error = %inert(&error.to_string()), "the link that signs in cannot be written");
            Told::Nothing
        }
    }
}

fn write(link: &str, data_dir: &Path) -> Result<PathBuf, fs::Error> {
    let dir = Dir::open(data_dir)?;
    let text = format!("{link}\n");
    dir.publish(Path::new(START_LINK_FILE), text.as_bytes(), 0o600, false)?;
    Ok(data_dir.join(START_LINK_FILE))
}

/// Checks whether nobody but this user reads the standard output: a terminal, or a file that others cannot open. Where
/// a pipe or a socket leads, nobody knows; to a journal, most likely.
fn is_private() -> bool {
    let out = std::io::stdout();
    if out.is_terminal() {
        return true;
    }
    let Ok(file) = out.as_fd().try_clone_to_owned().map(File::from) else {
        return false;
    };
    let Ok(path) = std::fs::read_link("/proc/self/fd/1") else {
        return false;
    };
    is_closed(&file, &path)
}

/// Checks whether `file` at `path` is a regular one that other users cannot read, or cannot get to.
fn is_closed(file: &File, path: &Path) -> bool {
    let is_own = |found: &std::fs::Metadata| found.uid() == geteuid().as_raw();
    let Ok(found) = file.metadata() else {
        return false;
    };
    if !found.is_file() || !path.is_absolute() {
        return false;
    }
    let closes = |folder: &Path| {
        let found = std::fs::symlink_metadata(folder);
        found.is_ok_and(|found| {
            found.is_dir() && is_own(&found) && found.mode() & OTHERS_SEARCH == 0
        })
    };
    is_own(&found) && found.mode() & OTHERS_READ == 0 || path.ancestors().skip(1).any(closes)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the scene is set on the disk")]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn only_what_others_cannot_open_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("open/log");
        fs::create_dir(folder.path().join("open")).unwrap();
        let file = File::create(&at).unwrap();
        let set = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        for (above, folder_mode, mode, private) in [
            (0o755, 0o755, 0o644, false),
            (0o755, 0o755, 0o640, false),
            (0o755, 0o755, 0o600, true),
            (0o755, 0o700, 0o644, true),
            (0o700, 0o755, 0o644, true),
            (0o711, 0o755, 0o644, false),
        ] {
            set(folder.path(), above);
            set(&folder.path().join("open"), folder_mode);
            set(&at, mode);
            assert_eq!(
                is_closed(&file, &at),
                private,
                "{above:o} {folder_mode:o} {mode:o}"
            );
        }
        let pipe = std::io::pipe().unwrap().1;
        let pipe = File::from(std::os::fd::OwnedFd::from(pipe));
        assert!(!is_closed(&pipe, Path::new("pipe:[1]")));
    }

    #[test]
    fn the_link_is_in_a_file_of_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = write("http://127.0.0.1:1/start?t=x", folder.path()).unwrap();
        assert_eq!(path, folder.path().join(START_LINK_FILE));
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "http://127.0.0.1:1/start?t=x\n"
        );
    }
}
