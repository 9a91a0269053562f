//! Looking at a release: every name in it, what it is, whose it is, and every byte.

use std::path::{Path, PathBuf};

use countersign_protocol::release::{Difference, DifferenceKind};

use super::{Expected, FOLDER, Wanted};
use crate::fs::{Attributes, Dir, Error, FileKind, Stamp, digest_of};

/// What else must hold beside names and bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strictness {
    /// The user that everything must belong to.
    pub owner: Option<u32>,
    /// Whether every bit of the mode must be as released. Else only the owner's right to run counts, and
    /// that the file takes nobody's identity; a copy elsewhere has the other bits of its own place.
    pub modes: bool,
}

/// What was looked at.
#[derive(Debug, Default)]
pub struct Checked {
    /// What is not as it should be, by path.
    pub differences: Vec<Difference>,
    /// The files whose bytes are known to be right, each with how it looked.
    pub good: Vec<(PathBuf, Stamp)>,
}

/// More names than this for each one that is expected are not listed.
const CROWD: usize = 16;

/// Looks at all that is in `folder`. `is_known` says that a file that looks like this had the right bytes
/// before, so that they are not read again.
pub fn compare(
    folder: &Dir,
    expected: &Expected,
    strictness: Strictness,
    is_known: &dyn Fn(&Path, Stamp) -> bool,
) -> Checked {
    let mut look = Look {
        expected,
        strictness,
        is_known,
        checked: Checked::default(),
        met: std::collections::BTreeSet::new(),
        unread: Vec::new(),
        left: expected.files.len().saturating_mul(CROWD) + 1_000,
    };
    if let Ok(Some(own)) = folder.attributes(Path::new("")) {
        look.folder_itself(Path::new("."), &own);
    }
    look.enter(folder, Path::new(""));
    look.missing();
    let mut checked = look.checked;
    checked.differences.sort();
    checked
}

/// Looks at the one file `path` in `folder`.
pub fn compare_file(
    folder: &Dir,
    path: &Path,
    wanted: &Wanted,
    strictness: Strictness,
) -> Result<Vec<Difference>, Error> {
    let mut found = Vec::new();
    match folder.attributes(path)? {
        None => found.push(difference(path, DifferenceKind::Missing, String::new())),
        Some(attributes) if attributes.kind != FileKind::File => {
            found.push(difference(
                path,
                DifferenceKind::Replaced,
                kind_word(attributes.kind).to_owned(),
            ));
        }
        Some(attributes) => {
            found.extend(of_attributes(path, &attributes, wanted.mode, strictness));
            found.extend(bytes(folder, path, path, wanted).err());
        }
    }
    Ok(found)
}

struct Look<'a> {
    expected: &'a Expected,
    strictness: Strictness,
    is_known: &'a dyn Fn(&Path, Stamp) -> bool,
    checked: Checked,
    met: std::collections::BTreeSet<PathBuf>,
    /// Folders that could not be listed: nobody knows what is in them.
    unread: Vec<PathBuf>,
    /// How many names are still looked at.
    left: usize,
}

impl Look<'_> {
    fn add(&mut self, path: &Path, kind: DifferenceKind, detail: impl Into<String>) {
        self.checked
            .differences
            .push(difference(path, kind, detail.into()));
    }

    fn folder_itself(&mut self, path: &Path, found: &Attributes) {
        let differences = of_attributes(path, found, FOLDER, self.strictness);
        self.checked.differences.extend(differences);
    }

    fn enter(&mut self, dir: &Dir, at: &Path) {
        let listed = match dir.list() {
            Ok(listed) => listed,
            Err(error) => return self.cannot(at, &error),
        };
        for one in listed {
            let Some(left) = self.left.checked_sub(1) else {
                self.unread.push(at.to_owned());
                let detail = "there are more names than anybody released; not all were looked at";
                return self.add(at, DifferenceKind::Extra, detail);
            };
            self.left = left;
            let path = at.join(&one.path);
            let found = match dir.attributes(&one.path) {
                Ok(Some(found)) => found,
                Ok(None) => continue,
                Err(error) => {
                    self.cannot(&path, &error);
                    continue;
                }
            };
            self.name(dir, &one.path, path, &found);
        }
    }

    fn name(&mut self, dir: &Dir, name: &Path, path: PathBuf, found: &Attributes) {
        let expected = self.expected;
        if let Some(wanted) = expected.files.get(&path) {
            if found.kind == FileKind::File {
                self.file(dir, name, &path, wanted, found);
            } else {
                let kind = kind_word(found.kind);
                self.add(&path, DifferenceKind::Replaced, kind);
            }
            self.met.insert(path);
        } else if expected.folders.contains(&path) {
            if found.kind == FileKind::Folder {
                self.folder_itself(&path, found);
                match dir.folder(name) {
                    Ok(inner) => self.enter(&inner, &path),
                    Err(error) => self.cannot(&path, &error),
                }
            } else {
                self.unread.push(path.clone());
                let kind = kind_word(found.kind);
                self.add(&path, DifferenceKind::Replaced, kind);
            }
            self.met.insert(path);
        } else {
            self.add(&path, DifferenceKind::Extra, kind_word(found.kind));
        }
    }

    fn file(&mut self, dir: &Dir, name: &Path, path: &Path, wanted: &Wanted, found: &Attributes) {
        let differences = of_attributes(path, found, wanted.mode, self.strictness);
        self.checked.differences.extend(differences);
        if (self.is_known)(path, found.stamp) {
            self.checked.good.push((path.to_owned(), found.stamp));
            return;
        }
        match bytes(dir, name, path, wanted) {
            Ok(stamp) => self.checked.good.push((path.to_owned(), stamp)),
            Err(difference) => self.checked.differences.push(difference),
        }
    }

    fn cannot(&mut self, path: &Path, error: &Error) {
        self.unread.push(path.to_owned());
        self.met.insert(path.to_owned());
        self.add(path, DifferenceKind::Unreadable, error.source.to_string());
    }

    fn missing(&mut self) {
        let expected = self.expected;
        let names = expected.files.keys().chain(&expected.folders);
        let absent: Vec<&PathBuf> = names
            .filter(|path| !self.met.contains(*path))
            .filter(|path| !self.unread.iter().any(|unread| path.starts_with(unread)))
            .collect();
        for path in absent {
            self.add(path, DifferenceKind::Missing, "");
        }
    }
}

/// Whether the file `name` of `dir` has the bytes that are wanted; how it looked when it did.
fn bytes(dir: &Dir, name: &Path, path: &Path, wanted: &Wanted) -> Result<Stamp, Difference> {
    let unreadable = |error: &dyn std::fmt::Display| {
        difference(path, DifferenceKind::Unreadable, error.to_string())
    };
    let mut file = dir
        .open_file(name)
        .map_err(|error| unreadable(&error.source))?;
    let before = file.metadata().map_err(|error| unreadable(&error))?;
    if !before.is_file() {
        let detail = "it was replaced while it was looked at".to_owned();
        return Err(difference(path, DifferenceKind::Replaced, detail));
    }
    let stamp = Stamp::of(&before);
    // A file that cannot be right is not read to its end, which an agent may have put far away.
    let found = if stamp.size == wanted.size || stamp.size <= 64 * 1024 * 1024 {
        Some(digest_of(&mut file).map_err(|error| unreadable(&error))?)
    } else {
        None
    };
    let after = file.metadata().map_err(|error| unreadable(&error))?;
    let mut changed = difference(path, DifferenceKind::Changed, String::new());
    changed.sha256 = found;
    if found != Some(wanted.sha256) {
        changed.detail = format!("{} bytes instead of {}", stamp.size, wanted.size);
        return Err(changed);
    }
    if Stamp::of(&after) != stamp {
        "it changed while it was looked at".clone_into(&mut changed.detail);
        return Err(changed);
    }
    Ok(stamp)
}

fn of_attributes(
    path: &Path,
    found: &Attributes,
    mode: u32,
    strictness: Strictness,
) -> Vec<Difference> {
    /// The owner's right to run, and the bits that lend an identity.
    const RUN: u32 = 0o6100;
    let mut differences = Vec::new();
    let mask = if strictness.modes { 0o7777 } else { RUN };
    if found.mode & mask != mode & mask {
        let detail = format!("{:04o} instead of {mode:04o}", found.mode);
        differences.push(difference(path, DifferenceKind::Mode, detail));
    }
    if let Some(owner) = strictness.owner.filter(|owner| *owner != found.uid) {
        let detail = format!("user {} instead of {owner}", found.uid);
        differences.push(difference(path, DifferenceKind::Owner, detail));
    }
    differences
}

fn difference(path: &Path, kind: DifferenceKind, detail: String) -> Difference {
    Difference {
        path: path.to_string_lossy().into_owned(),
        kind,
        detail,
        sha256: None,
    }
}

fn kind_word(kind: FileKind) -> &'static str {
    match kind {
        FileKind::File => "a file",
        FileKind::Folder => "a folder",
        FileKind::Link => "a symbolic link",
        FileKind::Special => "a FIFO, a socket or a device",
    }
}
