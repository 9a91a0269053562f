//! Swaps between the check and the use: ten thousand tries, and none passes.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests play the agents, who do not use our door"
)]

use std::{
    fs::{self, File},
    io::Read as _,
    os::unix::fs::symlink,
    path::Path,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use countersign_protocol::Digest;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::*;

const TRIES: usize = 10_000;
const GOOD: &[u8] = b"good: deploy version 1\n";
const EVIL: &[u8] = b"evil: deploy version 2\n";

fn wanted() -> Wanted {
    Wanted {
        sha256: Digest::of(GOOD),
        size: GOOD.len() as u64,
        mode: 0o444,
        bytes: None,
    }
}

/// Swaps what lies under the name `plan` until it is told to stop: by renames, by links, and in place.
fn attack(folder: &Path, stop: &AtomicBool) {
    let plan = folder.join("plan");
    let exchange = |with: &str| {
        renameat_with(CWD, folder.join(with), CWD, &plan, RenameFlags::EXCHANGE).unwrap();
    };
    let mut held = File::options()
        .write(true)
        .open(folder.join("third"))
        .unwrap();
    let mut round = 0_u64;
    while !stop.load(Relaxed) {
        round += 1;
        match round % 3 {
            0 => {
                exchange("evil");
                exchange("evil");
            }
            1 => {
                exchange("link");
                exchange("link");
            }
            _ => {
                use std::os::unix::fs::FileExt as _;
                exchange("third");
                held.write_all_at(EVIL, 0).unwrap();
                held.write_all_at(GOOD, 0).unwrap();
                exchange("third");
            }
        }
    }
    drop(std::mem::replace(&mut held, File::open(&plan).unwrap()));
}

#[test]
fn ten_thousand_swaps_between_check_and_use_never_pass() {
    let temporary = crate::testing::memory_folder();
    let folder = temporary.path();
    for (name, bytes) in [("plan", GOOD), ("third", GOOD), ("evil", EVIL)] {
        fs::write(folder.join(name), bytes).unwrap();
    }
    symlink("evil", folder.join("link")).unwrap();
    let dir = Dir::open(folder).unwrap();
    let expected = Expected {
        files: [("plan".into(), wanted())].into(),
        folders: std::collections::BTreeSet::new(),
    };
    let stop = AtomicBool::new(false);
    let (mut held, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| attack(folder, &stop));
        for number in 0..TRIES {
            let target = crate::testing::memory_folder();
            let into = Dir::open(target.path()).unwrap();
            // Both ways to hold, in turn; what is held is read while the attack goes on.
            let read = if number % 2 == 0 {
                copy(&dir, &expected, &into).map(|()| fs::read(target.path().join("plan")).unwrap())
            } else {
                in_memory(&dir, Path::new("plan"), &wanted()).map(|held| {
                    let mut bytes = Vec::new();
                    let mut file = File::open(held.path()).unwrap();
                    file.read_to_end(&mut bytes).unwrap();
                    bytes
                })
            };
            match read {
                Ok(bytes) => {
                    assert_eq!(bytes, GOOD, "try {number} passed");
                    held += 1;
                }
                Err(GateError::Differs { .. }) => refused += 1,
                Err(other) => panic!("try {number}: {other}"),
            }
        }
        stop.store(true, Relaxed);
    });
    assert_eq!(held + refused, TRIES);
    assert!(held > 0, "nothing was ever good, so nothing was shown");
    assert!(refused > 0, "no swap ever met a try, so nothing was shown");
}

#[test]
fn sealed_memory_cannot_be_changed_by_anybody() {
    let temporary = crate::testing::memory_folder();
    fs::write(temporary.path().join("plan"), GOOD).unwrap();
    let dir = Dir::open(temporary.path()).unwrap();
    let held = in_memory(&dir, Path::new("plan"), &wanted()).unwrap();
    assert!(fs::write(held.path(), EVIL).is_err());
    let opened = File::options().write(true).open(held.path());
    if let Ok(file) = opened {
        use std::os::unix::fs::FileExt as _;
        assert!(file.write_at(EVIL, 0).is_err());
        assert!(file.set_len(0).is_err());
    }
    assert_eq!(fs::read(held.path()).unwrap(), GOOD);
}
