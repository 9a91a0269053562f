//! A file that is exchanged while a release is made is never released.

use std::{
    fs,
    io::{Cursor, Read},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use countersign::{
    fs::{Dir, Error},
    release::{Expected, Sealed, is_made, make, set_aside},
};
use countersign_protocol::{
    Digest, HandoffId,
    manifest::{Manifest, ManifestEntry},
    release::ReleaseRecord,
};

/// So often a release is made while its files are exchanged.
const TRIES: usize = 10_000;
const GOOD: &[u8] = b"approved\n";
const EVIL: &[u8] = b"forged!!\n";

/// The sealed bytes, which no agent has a name for.
struct Kept;

impl Sealed for Kept {
    type Error = Error;

    fn open(&self, _: Digest) -> Result<Box<dyn Read>, Error> {
        Ok(Box::new(Cursor::new(GOOD)))
    }
}

fn expected() -> Expected {
    let entry = |path: &str| ManifestEntry {
        path: path.to_owned(),
        size: GOOD.len() as u64,
        sha256: Digest::of(GOOD),
        executable: false,
        declared: true,
        kept: true,
        role: None,
        title: None,
    };
    let manifest = Manifest::new(Digest::of(b"document"), vec![entry("a.md"), entry("b.md")]);
    Expected::of(&ReleaseRecord {
        release_version: "1.0".to_owned(),
        handoff_id: HandoffId(1),
        revision: 1,
        manifest_sha256: manifest.digest(),
        edited_from: None,
        approved_at: jiff::Timestamp::UNIX_EPOCH,
        files: manifest.files(),
    })
}

/// Puts foreign files into whatever folder is being made, until it is told to stop. It has all the rights of the
/// daemon, which is more than an agent of another user has.
fn attack(approved: &Path, evil: &Path, stop: &AtomicBool) {
    let mut round = 0_u64;
    while !stop.load(Relaxed) {
        round += 1;
        let folders = fs::read_dir(approved).into_iter().flatten().flatten();
        let staged: Vec<PathBuf> = folders
            .map(|one| one.path())
            .filter(|path| path.to_string_lossy().contains("tmp-folder"))
            .collect();
        for folder in staged {
            let target = folder.join("a.md");
            let forged = evil.join(format!("{round}"));
            if !target.exists() || fs::write(&forged, EVIL).is_err() {
                continue;
            }
            match round % 3 {
                0 => drop(fs::rename(&forged, &target)),
                1 => drop(fs::hard_link(&forged, folder.join("c.md"))),
                _ => {
                    use std::os::unix::fs::PermissionsExt as _;
                    let open = fs::Permissions::from_mode(0o644);
                    let _ = fs::set_permissions(&target, open);
                    let _ = fs::write(&target, EVIL);
                    let closed = fs::Permissions::from_mode(0o444);
                    let _ = fs::set_permissions(&target, closed);
                }
            }
        }
    }
}

/// Ends the attack also when the test fails in between.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

#[test]
fn ten_thousand_swaps_while_a_release_is_made_never_pass() {
    // In memory where there is such a place: the syncs of a disk are not what is tried.
    let memory = Path::new("/dev/shm");
    let home = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    let home = home.unwrap();
    let (path, evil) = (home.path().join("approved"), home.path().join("evil"));
    fs::create_dir(&path).unwrap();
    fs::create_dir(&evil).unwrap();
    let approved = Dir::open(&path).unwrap();
    let expected = expected();
    let stop = AtomicBool::new(false);
    let (mut made, mut refused, mut late) = (0, 0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| attack(&path, &evil, &stop));
        let _stop = Stop(&stop);
        for number in 0..TRIES {
            match make(&approved, "H-1", &expected, &Kept) {
                Ok(()) => {
                    let mut names: Vec<_> = fs::read_dir(path.join("H-1"))
                        .unwrap()
                        .map(|one| one.unwrap().file_name().into_string().unwrap())
                        .collect();
                    names.sort();
                    let bytes = fs::read(path.join("H-1/a.md")).unwrap();
                    if names == ["SHA256SUMS", "a.md", "b.md", "release.json"] && bytes == GOOD {
                        made += 1;
                    } else {
                        // A system call of the attack that found the folder under its old name may end after the
                        // last look. Then it is as if the release had been changed later: whoever looks sees that.
                        let passes = is_made(&approved, "H-1", &expected);
                        assert!(!passes, "try {number} passed with {names:?}");
                        late += 1;
                    }
                }
                // What was in the way of a sync or a rename is a refusal, too.
                Err(_) => refused += 1,
            }
            let _ = set_aside(&approved, "H-1");
            if number % 64 == 63 {
                let aside = fs::read_dir(&path).unwrap().flatten();
                aside.for_each(|one| drop(fs::remove_dir_all(one.path())));
            }
        }
    });
    eprintln!("{TRIES} tries: {made} made, {refused} refused, {late} changed after it, 0 passed");
    assert_eq!(made + refused + late, TRIES);
    assert!(
        late * 1_000 <= TRIES,
        "{late} were changed before they were made"
    );
    assert!(made > 0, "nothing was ever made, so nothing was shown");
    assert!(refused > 0, "no swap ever met a try, so nothing was shown");
}
