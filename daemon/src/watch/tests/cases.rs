//! The cases of `cases.txt`.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, mkfifoat};

use super::{Bed, Told};

#[test]
fn every_case_leads_to_its_hints() {
    let mut failures = Vec::new();
    for case in include_str!("cases.txt").split("\n== ").skip(1) {
        let (name, lines) = case.split_once('\n').expect("a name and steps");
        let mut bed = Bed::new();
        for block in blocks(lines) {
            for step in &block.steps {
                take(&bed, step);
            }
            let mut told = bed.hints_until_now();
            told.retain(|hint| !block.perhaps.contains(hint) || block.files.contains(hint));
            let (alive, files): (BTreeSet<_>, BTreeSet<_>) = told
                .into_iter()
                .partition(|hint| matches!(hint, Told::Activity(_)));
            let is_lively = block.alive.is_subset(&alive);
            if files != block.files || !is_lively || (block.is_silent && !alive.is_empty()) {
                failures.push(format!("{name}: {:?}: {files:?} {alive:?}", block.steps));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Steps and what they lead to.
#[derive(Default)]
struct Block<'a> {
    steps: Vec<&'a str>,
    files: BTreeSet<Told>,
    /// What may come of a state that lasted a moment.
    perhaps: BTreeSet<Told>,
    alive: BTreeSet<Told>,
    is_silent: bool,
    is_closed: bool,
}

fn blocks(lines: &str) -> Vec<Block<'_>> {
    let mut blocks = vec![Block::default()];
    for line in lines.lines().filter(|line| !line.is_empty()) {
        let is_closed = blocks.last().is_some_and(|block| block.is_closed);
        if is_closed && !line.starts_with('>') {
            blocks.push(Block::default());
        }
        let block = blocks.last_mut().expect("a block");
        let Some(hint) = line.strip_prefix("> ") else {
            block.steps.push(line);
            continue;
        };
        block.is_closed = true;
        let (files, hint) = match hint.strip_prefix("perhaps ") {
            Some(hint) => (&mut block.perhaps, hint),
            None => (&mut block.files, hint),
        };
        match hint.split_once(' ') {
            Some(("look", path)) => files.insert(Told::Look(path.into())),
            Some(("gone", path)) => files.insert(Told::Gone(path.into())),
            Some(("alive", ".")) => block.alive.insert(Told::Activity(PathBuf::new())),
            Some(("alive", path)) => block.alive.insert(Told::Activity(path.into())),
            None if hint == "nothing" => true,
            None if hint == "silent" => {
                block.is_silent = true;
                true
            }
            _ => panic!("no such hint: {line}"),
        };
    }
    blocks
}

/// Does one step.
fn take(bed: &Bed, step: &str) {
    let words: Vec<&str> = step.split(' ').collect();
    let path = |index: usize| bed.at(words[index]);
    let parents = |path: &Path| {
        fs::create_dir_all(path.parent().expect("a parent")).expect("parents");
    };
    let done = match words[0] {
        "mkdir" => fs::create_dir_all(path(1)),
        "write" => {
            parents(&path(1));
            fs::write(path(1), "one")
        }
        "rewrite" => fs::OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(path(1))
            .and_then(|mut file| file.write_all(b"another")),
        "hold" => fs::OpenOptions::new()
            .write(true)
            .open(path(1))
            .and_then(|file| {
                file.set_len(0)?;
                // Kept open until the tests end.
                std::mem::forget(file);
                Ok(())
            }),
        "pass" => {
            bed.pass(Duration::from_millis(
                words[1].parse().expect("milliseconds"),
            ));
            Ok(())
        }
        "read" => fs::File::open(path(1))
            .and_then(|mut file| file.read_to_end(&mut Vec::new()))
            .map(|_| ()),
        "move" => fs::rename(path(1), path(2)),
        "link" => fs::hard_link(path(1), path(2)),
        "tmpfile" => publish_nameless(&path(1)).map_err(Into::into),
        "symlink" => std::os::unix::fs::symlink(words[1], path(2)),
        "pipe" => mkfifoat(CWD, path(1), Mode::from_raw_mode(0o600)).map_err(Into::into),
        "remove" if path(1).is_dir() => fs::remove_dir_all(path(1)),
        "remove" => fs::remove_file(path(1)),
        "chmod" => {
            let mode = u32::from_str_radix(words[1], 8).expect("a mode");
            fs::set_permissions(path(2), fs::Permissions::from_mode(mode))
        }
        other => panic!("no such step: {other}"),
    };
    done.unwrap_or_else(|error| panic!("{step}: {error}"));
}

/// Writes a file that has no name and then gives it one (open(2), `O_TMPFILE`).
fn publish_nameless(path: &Path) -> rustix::io::Result<()> {
    let flags = OFlags::TMPFILE | OFlags::WRONLY;
    let folder = path.parent().expect("a parent");
    let file = rustix::fs::open(folder, flags, Mode::from_raw_mode(0o600))?;
    rustix::io::write(&file, b"one")?;
    let nameless = format!("/proc/self/fd/{}", file.as_raw_fd());
    linkat(CWD, nameless, CWD, path, AtFlags::SYMLINK_FOLLOW)
}

#[test]
fn files_of_any_name_are_told_of_when_they_come_change_and_go() {
    let mut bed = Bed::new();
    fs::create_dir(bed.at("src")).expect("a folder");
    fs::write(bed.at("src/a.rs"), "1").expect("a file");
    bed.hints_until_now();
    assert!(bed.changed().contains(&("src/a.rs".into(), true)));
    fs::write(bed.at("src/a.rs"), "2").expect("a file");
    fs::remove_file(bed.at("src/a.rs")).expect("removed");
    fs::create_dir(bed.at(".git")).expect("a folder");
    fs::write(bed.at(".git/x"), "1").expect("a file");
    bed.hints_until_now();
    let told = bed.changed();
    assert!(told.contains(&("src/a.rs".into(), true)), "{told:?}");
    assert!(
        !told.iter().any(|(path, _)| path.starts_with(".git")),
        "{told:?}"
    );
    // A tree that is moved in makes no event of its own for what is in it.
    fs::create_dir_all(bed.beside("tree/deep")).expect("folders");
    fs::write(bed.beside("tree/deep/b.rs"), "1").expect("a file");
    fs::rename(bed.beside("tree"), bed.at("tree")).expect("moved");
    bed.hints_until_now();
    bed.pass(super::settings().second_look);
    assert!(bed.changed().contains(&("tree/deep/b.rs".into(), true)));
    fs::rename(bed.at("tree"), bed.beside("gone")).expect("moved");
    bed.hints_until_now();
    assert!(bed.changed().contains(&("tree".into(), true)));
}
