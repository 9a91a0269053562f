//! Opening a file that a document names.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use countersign_protocol::{
    path,
    problem::{ProblemKind, Refusal},
};
use unicode_normalization::UnicodeNormalization as _;

use super::{
    gather::{Problem, link_on_the_way, mount_on_the_way},
    look::{not_regular, unreadable},
};
use crate::fs::{Dir, Error, FileKind};

/// Names of a folder that are compared with one that is missing.
const MAX_NAMES: usize = 10_000;

/// What was opened.
pub(crate) struct Opened {
    pub(crate) file: File,
    /// The path by which it lies there, when it is another one than was named.
    pub(crate) lies_at: Option<String>,
}

/// Opens a named file for reading: a plain file beneath `folder`, without links on the way. Where its name is written
/// in another Unicode form on the disk, as files from a Mac are, that one is meant.
pub(crate) fn open_artifact(folder: &Dir, path: &str) -> Result<Opened, Problem> {
    // Whose fault it is decides: theirs is a refusal, ours (no descriptors, a failing disk) waits.
    let failed = |error: Error| match error.source.raw_os_error() {
        _ if error.is_not_found() => missing(folder, path),
        Some(libc::ELOOP) => Problem::Refused(link_on_the_way(path)),
        Some(libc::EXDEV) => Problem::Refused(mount_on_the_way(path)),
        Some(libc::EACCES | libc::EPERM | libc::ENAMETOOLONG) => {
            Problem::Refused(unreadable(path, &error.source))
        }
        _ => Problem::Ours(error.to_string()),
    };
    let open = |there: &Path| match folder.kind(there) {
        Ok(Some(FileKind::File)) => folder.open_file(there).map(Some).map_err(failed),
        Ok(Some(kind)) => Err(Problem::Refused(not_regular(path, kind))),
        Ok(None) => Ok(None),
        Err(error) => Err(failed(error)),
    };
    if let Some(file) = open(Path::new(path))? {
        if !path.is_ascii() {
            is_only_one(folder, path)?;
        }
        return Ok(Opened {
            file,
            lies_at: None,
        });
    }
    let same = |one: &str, other: &str| path::normal(one) == path::normal(other);
    if let Some(there) = find(folder, path, same)
        && let Some(file) = open(&there)?
    {
        return Ok(Opened {
            file,
            lies_at: there.to_str().map(str::to_owned),
        });
    }
    Err(missing(folder, path))
}

/// Refuses a name that stands there in two Unicode forms: nobody could tell which of the two files is meant.
fn is_only_one(folder: &Dir, path: &str) -> Result<(), Problem> {
    let decomposed: String = path.nfd().collect();
    if decomposed == path || !matches!(folder.kind(Path::new(&decomposed)), Ok(Some(_))) {
        return Ok(());
    }
    Err(Problem::Refused(Refusal::new(
        ProblemKind::PathRefused,
        "ambiguous_name",
        format!(
            "there are two files `{path}`, one with its name in Unicode normalisation form C and one in form D"
        ),
        "rename one of them",
    )))
}

/// Says that the file is not there, and which one is nearly called so.
fn missing(folder: &Dir, path: &str) -> Problem {
    let near = find(folder, path, path::is_alike);
    let (message, fix) = match near {
        Some(near) => {
            let near = near.display();
            (
                format!("`{path}` is not there, but `{near}` is"),
                format!("upper and lower case count; name `{near}`"),
            )
        }
        None => (
            format!("`{path}` is not there"),
            "write the file before the handoff, or take it out of `artifacts`; paths are relative to the folder of the handoff".to_owned(),
        ),
    };
    Problem::Refused(Refusal::new(
        ProblemKind::MissingArtifact,
        "missing",
        message,
        fix,
    ))
}

/// Returns the path whose names are those of `path` as far as `is_same` says.
fn find(folder: &Dir, path: &str, is_same: impl Fn(&str, &str) -> bool) -> Option<PathBuf> {
    let mut found = PathBuf::new();
    for part in path.split('/') {
        let exact = found.join(part);
        if matches!(folder.kind(&exact), Ok(Some(_))) {
            found = exact;
            continue;
        }
        let names = Dir::names(folder.folder(&found).ok()?).ok()?;
        let mut names = names.take(MAX_NAMES).filter_map(Result::ok);
        let name =
            names.find(|listed| listed.path.to_str().is_some_and(|name| is_same(name, part)))?;
        found.push(name.path);
    }
    Some(found)
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "the tests play the agents, who do not use our door"
)]
mod tests {
    use std::fs;

    use super::*;

    fn refusal(folder: &Dir, path: &str) -> String {
        match open_artifact(folder, path) {
            Err(Problem::Refused(refusal)) => {
                format!(
                    "{} {}",
                    refusal.violations[0].code, refusal.violations[0].message
                )
            }
            _ => panic!("{path} was not refused"),
        }
    }

    #[test]
    fn finds_name_in_either_form() {
        let folder = tempfile::tempdir().unwrap();
        let decomposed = "Mu\u{308}ller/U\u{308}bergabe.txt";
        fs::create_dir(folder.path().join("Mu\u{308}ller")).unwrap();
        fs::write(folder.path().join(decomposed), "x").unwrap();
        fs::write(folder.path().join("ä.txt"), "x").unwrap();
        let dir = Dir::open(folder.path()).unwrap();
        let opened = open_artifact(&dir, "Müller/Übergabe.txt").ok().unwrap();
        assert_eq!(opened.lies_at.as_deref(), Some(decomposed));
        let opened = open_artifact(&dir, "ä.txt").ok().unwrap();
        assert_eq!(opened.lies_at, None);
        fs::write(folder.path().join("a\u{308}.txt"), "other").unwrap();
        assert!(refusal(&dir, "ä.txt").starts_with("ambiguous_name "));
    }

    #[test]
    fn names_file_of_other_case() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("Out")).unwrap();
        fs::write(folder.path().join("Out/Report.MD"), "x").unwrap();
        let dir = Dir::open(folder.path()).unwrap();
        let said = refusal(&dir, "out/report.md");
        assert_eq!(
            said,
            "missing `out/report.md` is not there, but `Out/Report.MD` is"
        );
        let said = refusal(&dir, "out/other.md");
        assert_eq!(said, "missing `out/other.md` is not there");
    }
}
