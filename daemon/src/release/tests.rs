//! What is noticed in a release, one change at a time.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests play the agents, who do not use our door"
)]

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use countersign_protocol::{
    Digest, HandoffId,
    manifest::{Manifest, ManifestEntry},
    release::{Difference, DifferenceKind, ReleaseRecord},
};
use tempfile::TempDir;

use super::*;
use crate::{fs::Dir, gate};

/// The bytes of the released files.
const FILES: [(&str, &str, bool); 3] = [
    ("report.md", "the report\n", false),
    ("bin/tool.sh", "#!/bin/sh\nexit 3\n", true),
    ("data/deep/a.csv", "1,2\n", false),
];

pub(crate) fn record() -> ReleaseRecord {
    let entries = FILES.map(|(path, text, executable)| ManifestEntry {
        path: path.to_owned(),
        size: text.len() as u64,
        sha256: Digest::of(text.as_bytes()),
        executable,
        declared: true,
        kept: true,
        role: None,
        title: None,
    });
    let manifest = Manifest::new(Digest::of(b"document"), entries.to_vec());
    ReleaseRecord {
        release_version: "1.0".to_owned(),
        handoff_id: HandoffId(1),
        revision: 1,
        manifest_sha256: manifest.digest(),
        edited_from: None,
        approved_at: jiff::Timestamp::UNIX_EPOCH,
        files: manifest.files(),
    }
}

/// A release as the daemon makes it.
pub(crate) fn released() -> (TempDir, Expected) {
    let folder = crate::testing::memory_folder();
    let expected = Expected::of(&record());
    for inner in &expected.folders {
        fs::create_dir_all(folder.path().join(inner)).unwrap();
    }
    for (path, wanted) in &expected.files {
        let text = FILES.iter().find(|(name, ..)| Path::new(name) == path);
        let bytes = match (&wanted.bytes, text) {
            (Some(bytes), _) => bytes.clone(),
            (None, Some((_, text, _))) => text.as_bytes().to_vec(),
            (None, None) => unreachable!("every file has bytes"),
        };
        let path = folder.path().join(path);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(path, Permissions::from_mode(wanted.mode)).unwrap();
    }
    let folders = expected
        .folders
        .iter()
        .map(|inner| folder.path().join(inner));
    for inner in folders.chain([folder.path().to_owned()]) {
        fs::set_permissions(inner, Permissions::from_mode(FOLDER)).unwrap();
    }
    (folder, expected)
}

fn found(folder: &TempDir, expected: &Expected) -> Vec<Difference> {
    let strictness = Strictness {
        owner: Some(rustix::process::geteuid().as_raw()),
        modes: true,
    };
    let dir = Dir::open(folder.path()).unwrap();
    compare(&dir, expected, strictness, &|_, _| false).differences
}

#[test]
fn a_release_as_it_was_made_has_no_difference() {
    let (folder, expected) = released();
    assert_eq!(found(&folder, &expected), []);
    assert_eq!(expected.files.len(), 5, "with the two lists");
}

/// A change to a release: its name, what it does, and what is found.
type Case = (
    &'static str,
    fn(&Path),
    &'static [(&'static str, DifferenceKind)],
);

#[test]
fn every_single_change_is_found_and_named() {
    use DifferenceKind::*;
    let cases: [Case; 17] = [
        (
            "one byte",
            |at| write(at, "report.md", "the repOrt\n"),
            &[("report.md", Changed)],
        ),
        (
            "one byte more",
            |at| write(at, "report.md", "the report\n\n"),
            &[("report.md", Changed)],
        ),
        (
            "emptied",
            |at| write(at, "report.md", ""),
            &[("report.md", Changed)],
        ),
        (
            "made writable",
            |at| set(at, "report.md", 0o644),
            &[("report.md", Mode)],
        ),
        (
            "made runnable",
            |at| set(at, "report.md", 0o555),
            &[("report.md", Mode)],
        ),
        (
            "lends an identity",
            |at| set(at, "bin/tool.sh", 0o4555),
            &[("bin/tool.sh", Mode)],
        ),
        (
            "folder made writable",
            |at| set(at, "data/deep", 0o777),
            &[("data/deep", Mode)],
        ),
        (
            "release made writable",
            |at| set(at, "", 0o777),
            &[(".", Mode)],
        ),
        (
            "removed",
            |at| fs::remove_file(at.join("report.md")).unwrap(),
            &[("report.md", Missing)],
        ),
        (
            "renamed",
            |at| fs::rename(at.join("report.md"), at.join("Report.md")).unwrap(),
            &[("Report.md", Extra), ("report.md", Missing)],
        ),
        (
            "added",
            |at| write(at, "data/evil.sh", "x"),
            &[("data/evil.sh", Extra)],
        ),
        (
            "folder added",
            |at| fs::create_dir(at.join("new")).unwrap(),
            &[("new", Extra)],
        ),
        (
            "link with the same bytes",
            |at| {
                fs::rename(at.join("report.md"), at.join("data/moved")).unwrap();
                symlink("data/moved", at.join("report.md")).unwrap();
            },
            &[("data/moved", Extra), ("report.md", Replaced)],
        ),
        (
            "folder behind a link",
            |at| {
                fs::rename(at.join("data"), at.join("other")).unwrap();
                symlink("other", at.join("data")).unwrap();
            },
            &[("data", Replaced), ("other", Extra)],
        ),
        (
            "FIFO",
            |at| {
                fs::remove_file(at.join("report.md")).unwrap();
                let fifo = at.join("report.md");
                let made = std::process::Command::new("mkfifo").arg(fifo).status();
                assert!(made.unwrap().success());
            },
            &[("report.md", Replaced)],
        ),
        (
            "list of sums",
            |at| write(at, "SHA256SUMS", "0  report.md\n"),
            &[("SHA256SUMS", Changed)],
        ),
        (
            "record",
            |at| {
                let text = fs::read_to_string(at.join("release.json")).unwrap();
                write(
                    at,
                    "release.json",
                    &text.replace("\"revision\": 1", "\"revision\": 2"),
                );
            },
            &[("release.json", Changed)],
        ),
    ];
    for (name, attack, expects) in cases {
        let (folder, expected) = released();
        attack(folder.path());
        let found: Vec<_> = found(&folder, &expected)
            .into_iter()
            .map(|one| (one.path, one.kind))
            .collect();
        let expects: Vec<_> = expects.iter().map(|(p, k)| ((*p).to_owned(), *k)).collect();
        assert_eq!(found, expects, "{name}");
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    let before = path.metadata().map(|found| found.permissions());
    if before.is_ok() {
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    }
    fs::write(&path, text).unwrap();
    if let Ok(before) = before {
        fs::set_permissions(&path, before).unwrap();
    }
}

fn set(folder: &Path, name: &str, mode: u32) {
    fs::set_permissions(folder.join(name), Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_crowd_of_names_is_not_listed_to_its_end() {
    let (folder, expected) = released();
    for number in 0..3_000 {
        fs::write(folder.path().join(format!("x{number}")), "").unwrap();
    }
    let found = found(&folder, &expected);
    assert!(found.len() < 1_200, "{}", found.len());
    assert!(found.iter().any(|one| one.detail.contains("not all")));
}

#[test]
fn a_copy_elsewhere_may_have_the_modes_of_its_place() {
    let (folder, expected) = released();
    set(folder.path(), "report.md", 0o640);
    set(folder.path(), "data", 0o750);
    let strictness = Strictness {
        owner: None,
        modes: false,
    };
    let look = || {
        let dir = Dir::open(folder.path()).unwrap();
        compare(&dir, &expected, strictness, &|_, _| false).differences
    };
    assert_eq!(look(), []);
    set(folder.path(), "report.md", 0o740);
    assert_eq!(look().len(), 1);
}

#[test]
fn what_was_seen_to_be_right_is_not_read_again_until_it_looks_different() {
    let (folder, expected) = released();
    let dir = Dir::open(folder.path()).unwrap();
    let strictness = Strictness {
        owner: None,
        modes: true,
    };
    let checked = compare(&dir, &expected, strictness, &|_, _| false);
    assert_eq!(checked.good.len(), 5);
    let known = |path: &Path, stamp| checked.good.contains(&(path.to_owned(), stamp));
    let again = compare(&dir, &expected, strictness, &known);
    assert_eq!(again.differences, []);
    write(folder.path(), "report.md", "the repOrt\n");
    let changed = compare(&dir, &expected, strictness, &known);
    assert_eq!(changed.differences.len(), 1);
}

#[test]
fn only_approved_bytes_are_copied() {
    let (folder, expected) = released();
    let dir = Dir::open(folder.path()).unwrap();
    let target = crate::testing::memory_folder();
    let into = Dir::open(target.path()).unwrap();
    gate::copy(&dir, &expected, &into).unwrap();
    assert_eq!(found(&target, &expected), []);
    write(folder.path(), "report.md", "the repOrt\n");
    let elsewhere = crate::testing::memory_folder();
    let into = Dir::open(elsewhere.path()).unwrap();
    assert!(gate::copy(&dir, &expected, &into).is_err());
    assert!(!elsewhere.path().join("report.md").exists());
}
