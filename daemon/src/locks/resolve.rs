//! The files that a lock is really on: a folder named like a file, a link, a second name of a file.
//!
//! The table compares names. So one name is chosen for each thing before it is asked: that of the folder or file that a
//! link leads to, and of two names of one file the one that is in the table.

use std::path::{Component, Path, PathBuf};

use countersign_protocol::lock::{Kind, Pattern};

use crate::{
    fs::{Dir, FileKind},
    workspace::Workspace,
};

/// Links that are followed on the way to one file.
const MAX_LINKS: usize = 40;

/// Returns `pattern` by the one name of what it is on. What does not exist, or lies outside, keeps its name. `locked`
/// returns the files that are in the table; it is asked about a file with several names.
pub(super) fn resolve(
    workspace: &Workspace,
    locked: &dyn Fn() -> Vec<String>,
    pattern: Pattern,
) -> Pattern {
    let text = pattern.as_str().trim_end_matches('/');
    let (fixed, rest) = match pattern.kind() {
        Kind::Glob => split_glob(text),
        Kind::File | Kind::Folder => (text, ""),
    };
    let dir = workspace.dir();
    let Some(real) = real(workspace, Path::new(fixed)) else {
        return pattern;
    };
    let Some(name) = real.to_str() else {
        return pattern;
    };
    let read = |text: &str, kind| Pattern::read(text, Some(kind)).ok();
    let resolved = match pattern.kind() {
        Kind::Glob if name == fixed => None,
        Kind::Glob => read(&joined(&escaped(name), rest), Kind::Glob),
        Kind::Folder if name.is_empty() => read(".", Kind::Folder),
        Kind::Folder => read(name, Kind::Folder),
        Kind::File => match kind_of(dir, &real) {
            Some(FileKind::Folder) if name.is_empty() => read(".", Kind::Folder),
            Some(FileKind::Folder) => read(name, Kind::Folder),
            Some(FileKind::File) => match other_name(dir, locked, name) {
                Some(known) => read(&known, Kind::File),
                None => read(name, Kind::File),
            },
            _ => read(name, Kind::File),
        },
    };
    resolved.unwrap_or(pattern)
}

/// Splits a glob behind its last folder without a sign of its own.
fn split_glob(text: &str) -> (&str, &str) {
    let first = text.find(['*', '?', '[', '{']).unwrap_or(text.len());
    match text[..first].rfind('/') {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => ("", text),
    }
}

fn joined(folder: &str, rest: &str) -> String {
    countersign_protocol::names::joined(folder, rest)
}

/// Returns a name as a glob that only it fits.
fn escaped(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if matches!(c, '*' | '?' | '[' | '{') {
            text.extend(['[', c, ']']);
        } else {
            text.push(c);
        }
    }
    text
}

fn kind_of(dir: &Dir, path: &Path) -> Option<FileKind> {
    if path.as_os_str().is_empty() {
        return Some(FileKind::Folder);
    }
    dir.kind(path).ok().flatten()
}

/// Returns `path` without the links on its way, relative to the workspace; `None` when it leads out of it. What is not
/// there is kept by its name.
fn real(workspace: &Workspace, path: &Path) -> Option<PathBuf> {
    let dir = workspace.dir();
    let mut real = PathBuf::new();
    let mut left: Vec<PathBuf> = parts(path);
    let mut links = 0;
    while let Some(part) = left.pop() {
        if part == Path::new("..") {
            if !real.pop() {
                return None;
            }
            continue;
        }
        let next = real.join(&part);
        if kind_of(dir, &next) != Some(FileKind::Link) {
            real = next;
            continue;
        }
        links += 1;
        if links > MAX_LINKS {
            return None;
        }
        let target = dir.read_link(&next).ok()?;
        let target = if target.is_absolute() {
            real = PathBuf::new();
            target.strip_prefix(&workspace.path).ok()?.to_owned()
        } else {
            target
        };
        left.extend(parts(&target));
    }
    Some(real)
}

/// Returns the parts of a path, the last one first.
fn parts(path: &Path) -> Vec<PathBuf> {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(PathBuf::from(name)),
        Component::ParentDir => Some(PathBuf::from("..")),
        _ => None,
    });
    let mut parts: Vec<PathBuf> = parts.collect();
    parts.reverse();
    parts
}

/// Returns the locked name of the file that `name` is a further hard link to.
fn other_name(dir: &Dir, locked: &dyn Fn() -> Vec<String>, name: &str) -> Option<String> {
    let look = |name: &str| dir.attributes(Path::new(name)).ok().flatten();
    let found = look(name).filter(|found| found.links > 1)?;
    let place = (found.stamp.dev, found.stamp.ino);
    let is_same = |known: &String| {
        look(known).is_some_and(|other| (other.stamp.dev, other.stamp.ino) == place)
    };
    locked().into_iter().find(is_same)
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "the tests play the agents, who do not use our door"
)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;
    use crate::workspace::Settings;

    #[test]
    fn names_become_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("src/deep")).unwrap();
        fs::create_dir(root.join("a[b]")).unwrap();
        fs::write(root.join("src/a.rs"), "x").unwrap();
        fs::write(root.join("first"), "x").unwrap();
        fs::hard_link(root.join("first"), root.join("second")).unwrap();
        symlink("src", root.join("link")).unwrap();
        symlink(root.join("src/a.rs"), root.join("absolute")).unwrap();
        symlink("../src/a.rs", root.join("src/up")).unwrap();
        symlink("a[b]", root.join("odd")).unwrap();
        symlink("/etc", root.join("out")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let workspace = Workspace::open("w", &root, Settings::default()).unwrap();
        let resolved = |text: &str| {
            let pattern = Pattern::read(text, None).unwrap();
            let found = resolve(&workspace, &|| vec!["first".to_owned()], pattern);
            (found.as_str().to_owned(), found.kind())
        };
        for (asked, found, kind) in [
            ("src", "src/", Kind::Folder),
            ("./src", "src/", Kind::Folder),
            ("src/", "src/", Kind::Folder),
            ("src/a.rs", "src/a.rs", Kind::File),
            ("src/new.rs", "src/new.rs", Kind::File),
            ("new/new.rs", "new/new.rs", Kind::File),
            ("link", "src/", Kind::Folder),
            ("link/", "src/", Kind::Folder),
            ("link/a.rs", "src/a.rs", Kind::File),
            ("link/new.rs", "src/new.rs", Kind::File),
            ("link/**/*.rs", "src/**/*.rs", Kind::Glob),
            ("odd/*.rs", "a[[]b]/*.rs", Kind::Glob),
            ("absolute", "src/a.rs", Kind::File),
            ("src/up", "src/a.rs", Kind::File),
            ("out/passwd", "out/passwd", Kind::File),
            ("loop", "loop", Kind::File),
            ("first", "first", Kind::File),
            ("second", "first", Kind::File),
            ("*.rs", "*.rs", Kind::Glob),
            (".", "./", Kind::Folder),
        ] {
            assert_eq!(resolved(asked), (found.to_owned(), kind), "{asked}");
        }
    }
}
