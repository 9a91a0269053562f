//! Power cuts: what was acknowledged is there afterwards, and everything is in one place.

#![expect(clippy::print_stdout, reason = "a long run says what it did")]

use std::{
    fs::{self, File},
    path::Path,
    process::Command,
};

use countersign_protocol::{Digest, HandoffId};
use countersign_tests::{
    agent::Care,
    bed::TestBed,
    life::Manners,
    loopdisk::{Cut, Kind, LoopDisk, left_behind},
    machine::{Build, Machine},
};

/// Power cuts in one run of this suite; the variable asks for a longer one.
fn cycles() -> u32 {
    std::env::var("COUNTERSIGN_POWER_CUTS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(24)
}

/// Cuts the power of a machine `cycles` times; a fresh one every now and then keeps its disks small.
/// The error is what does not hold, with the number of cuts it took.
fn cut(build: Build, cycles: u32) -> Result<(), (u32, String)> {
    const EACH: u32 = 10;
    let mut done = 0;
    while done < cycles {
        let seed = build.seed + u64::from(done);
        let Some(mut machine) = Machine::new(Build { seed, ..build }) else {
            return Ok(());
        };
        let round = EACH.min(cycles - done);
        let result = (0..round)
            .try_for_each(|_| {
                done += 1;
                machine.cycle()
            })
            .and_then(|()| machine.recovers());
        if let Err(why) = result {
            let kept = machine.keep(&format!("powercut-{seed}"));
            return Err((
                done,
                format!("seed {seed}, {build:?}\n{why}\nsee {}", kept.display()),
            ));
        }
        println!("{:?} cut {done} times: {}", build.kind, machine.tally());
    }
    Ok(())
}

fn must_hold(build: Build) {
    if let Err((cuts, why)) = cut(build, cycles().div_ceil(4)) {
        panic!("after {cuts} power cuts: {why}");
    }
}

#[test]
fn nothing_is_lost_on_ext4() {
    for (two_disks, manners) in [(false, Manners::Careless), (true, Manners::Mixed)] {
        must_hold(Build {
            kind: Kind::Ext4,
            two_disks,
            manners,
            seed: 1_000,
            broken: None,
        });
    }
}

#[test]
fn nothing_is_lost_on_xfs() {
    for (two_disks, manners) in [(false, Manners::Mixed), (true, Manners::Careless)] {
        must_hold(Build {
            kind: Kind::Xfs,
            two_disks,
            manners,
            seed: 2_000,
            broken: None,
        });
    }
}

/// A harness that passes a broken program is no harness: each missing sync must be caught.
fn must_be_caught(broken: &'static str) {
    if LoopDisk::make(Kind::Ext4).is_none() {
        return;
    }
    for kind in [Kind::Ext4, Kind::Xfs] {
        for two_disks in [true, false] {
            let manners = Manners::Careless;
            let build = Build {
                kind,
                two_disks,
                manners,
                seed: 3_000,
                broken: Some(broken),
            };
            if let Err((cuts, why)) = cut(build, 30) {
                println!(
                    "`{broken}` was caught by cut {cuts}: {}",
                    why.lines().nth(1).unwrap_or_default()
                );
                return;
            }
        }
    }
    panic!("`{broken}` was not caught");
}

#[test]
fn a_missing_sync_of_files_is_caught() {
    must_be_caught("no-file-fsync");
}

#[test]
fn a_missing_sync_of_folders_is_caught() {
    must_be_caught("no-dir-fsync");
}

#[test]
fn a_ledger_that_syncs_too_little_is_caught() {
    must_be_caught("sqlite-normal");
}

#[test]
fn a_cut_loses_what_was_not_synced_and_keeps_what_was() {
    for kind in [Kind::Ext4, Kind::Xfs] {
        let Some(mut disk) = LoopDisk::make(kind) else {
            return;
        };
        let write = |name: &str, sync: bool| {
            #[expect(clippy::disallowed_methods, reason = "outside of the program")]
            fs::write(disk.path().join(name), name).unwrap();
            if sync {
                File::open(disk.path().join(name))
                    .unwrap()
                    .sync_all()
                    .unwrap();
                File::open(disk.path()).unwrap().sync_all().unwrap();
            }
        };
        write("synced", true);
        write("not-synced", false);
        disk.cut(Cut::Nothing);
        disk.remount();
        let read = |name: &str| fs::read_to_string(disk.path().join(name)).unwrap_or_default();
        assert_eq!(read("synced"), "synced", "{kind:?}");
        assert_eq!(read("not-synced"), "", "{kind:?}");
        let folder = disk.outside().to_owned();
        drop(disk);
        assert_eq!(left_behind(&folder), Vec::<String>::new());
    }
}

/// How many blocks of `path` other files share, as `filefrag` of e2fsprogs tells.
fn shared(path: &Path) -> usize {
    let told = Command::new("filefrag").arg("-v").arg(path).output();
    let told = told.expect("filefrag is installed with the tools of ext4");
    String::from_utf8_lossy(&told.stdout)
        .lines()
        .filter(|line| line.contains("shared"))
        .count()
}

#[test]
fn sealed_bytes_take_no_room_of_their_own_where_files_may_share_it() {
    const LARGE: usize = 32 << 20;
    let Some(disk) = LoopDisk::make(Kind::Xfs) else {
        return;
    };
    let mut bed = TestBed::at(&disk.path());
    bed.up();
    let agent = bed.agent("ada");
    let film = vec![7; LARGE];
    let digest = Digest::of(&film);
    let package = agent.package("a film").sealed_file("film.bin", film);
    let delivery = agent.write("film", &package, Care::Rename);
    let receipt = delivery.expect("the workspace is writable").receipt();
    assert_eq!(receipt.handoff_id, HandoffId(1));
    let name = digest.to_string();
    let kept = bed.data().join("objects").join(&name[..2]).join(&name[2..]);
    assert!(shared(&kept) > 0, "{} was copied", kept.display());
    // What the agent does to its file afterwards is done to its own blocks.
    let mine = bed.workspace().join("film/film.bin");
    #[expect(clippy::disallowed_methods, reason = "the tests play the agents")]
    fs::write(&mine, vec![8; LARGE]).expect("the file is the agent's");
    let sealed = fs::read(&kept).expect("the bytes are kept");
    assert_eq!(Digest::of(&sealed), digest);
    bed.down();
}
