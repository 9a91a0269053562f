//! Workspaces that are away, and parts that cannot be seen.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Duration;

use rustix::thread::CapabilitySet;

use super::super::{Mode, Root};
use super::{Bed, DEADLINE, Told};
use crate::testing::skip;

/// Longer than any period of the inbox, at which the root is looked at.
const SOON: Duration = Duration::from_secs(7);

fn is_offline(bed: &Bed) -> bool {
    matches!(bed.status().mode, Mode::Offline { .. })
}

#[test]
fn a_workspace_that_is_away_loses_nothing_and_comes_back() {
    let mut bed = Bed::prepared(|root| {
        fs::create_dir(root.join("run")).expect("a folder");
        fs::write(root.join("run/handoff.json"), "{}").expect("a document");
        fs::write(root.join("handoff.json"), "{}").expect("a document");
    });
    assert_eq!(bed.so_far().len(), 2);
    fs::rename(bed.at(""), bed.beside("away")).expect("a rename");
    bed.until(|status| matches!(status.mode, Mode::Offline { .. }));
    // Another folder in its place is not the workspace.
    fs::create_dir(bed.at("")).expect("a folder");
    fs::write(bed.at("foreign.handoff.json"), "{}").expect("a document");
    bed.pass(SOON);
    assert!(is_offline(&bed));
    assert_eq!(bed.so_far(), []);

    fs::remove_dir_all(bed.at("")).expect("a removal");
    fs::remove_file(bed.beside("away/handoff.json")).expect("a removal");
    fs::write(bed.beside("away/run/q3.handoff.json"), "{}").expect("a document");
    fs::rename(bed.beside("away"), bed.at("")).expect("a rename");
    bed.pass(SOON);
    assert_eq!(bed.status().mode, Mode::Watching);
    let expected = BTreeSet::from([
        Told::Look("run/q3.handoff.json".into()),
        Told::Gone("handoff.json".into()),
    ]);
    assert_eq!(BTreeSet::from_iter(bed.so_far()), expected);
    fs::write(bed.at("run/later.handoff.json"), "{}").expect("a document");
    let look = Told::Look("run/later.handoff.json".into());
    assert!(bed.hints_until_now().contains(&look));
}

#[test]
fn takes_folder_made_again() {
    let mut bed = Bed::prepared(|root| {
        fs::write(root.join("old.handoff.json"), "{}").expect("a document");
    });
    assert_eq!(bed.so_far().len(), 1);
    // The daemon may put a probe into the folder in the middle of it.
    while fs::remove_dir_all(bed.at("")).is_err() {}
    bed.pass(SOON);
    fs::create_dir(bed.at("")).expect("a folder");
    fs::write(bed.at("new.handoff.json"), "{}").expect("a document");
    bed.pass(SOON);
    assert!(is_offline(&bed));
    assert!(!bed.handle.ready(), "it is about to be taken");
    for _ in 0..6 {
        bed.pass(SOON);
    }
    assert_eq!(bed.status().mode, Mode::Watching);
    assert!(bed.handle.ready());
    let expected = BTreeSet::from([
        Told::Look("new.handoff.json".into()),
        Told::Gone("old.handoff.json".into()),
    ]);
    assert_eq!(BTreeSet::from_iter(bed.so_far()), expected);
    fs::write(bed.at("later.handoff.json"), "{}").expect("a document");
    let look = Told::Look("later.handoff.json".into());
    assert!(bed.hints_until_now().contains(&look));
}

#[test]
fn a_workspace_that_its_thread_has_not_heard_of_is_not_ready() {
    let bed = Bed::new();
    let (enter, entered) = channel();
    let (leave, left) = channel::<()>();
    *bed.on_hint.lock().expect("a hook") = Some(Box::new(move || {
        let _ = enter.send(());
        let _ = left.recv();
    }));
    fs::write(bed.at("handoff.json"), "{}").expect("a document");
    entered.recv_timeout(DEADLINE).expect("a hint");
    let path = bed.beside("other");
    fs::create_dir(&path).expect("a workspace");
    let workspace = "other".into();
    bed.handle.add(Root { workspace, path });
    assert!(!bed.handle.ready());
    drop(leave);
    assert!(bed.handle.wait_ready(DEADLINE));
    let status = bed.handle.status();
    assert_eq!(status.len(), 2);
    assert!(status.iter().all(|one| one.is_scanned));
}

#[test]
fn a_removed_workspace_is_offline_and_its_documents_are_not_reported_gone() {
    let bed = Bed::prepared(|root| {
        fs::create_dir(root.join("run")).expect("a folder");
    });
    fs::rename(bed.at(""), bed.beside("away")).expect("a rename");
    bed.pass(SOON);
    assert!(is_offline(&bed));
    assert!(bed.handle.ready(), "one that is away keeps nobody waiting");
    bed.handle.rescan();
    bed.handle.settle();
    assert_eq!(bed.so_far(), []);
}

#[test]
fn a_mount_over_the_workspace_takes_it_offline() {
    let bed = Bed::prepared(|root| {
        fs::write(root.join("handoff.json"), "{}").expect("a document");
    });
    bed.so_far();
    let Some(mount) = Mount::over(&bed.at("")) else {
        return;
    };
    bed.pass(SOON);
    assert!(is_offline(&bed));
    drop(mount);
    bed.pass(SOON);
    assert_eq!(bed.status().mode, Mode::Watching);
    assert_eq!(bed.so_far(), []);
}

#[test]
fn a_mount_in_the_workspace_is_not_entered_and_reported() {
    let bed = Bed::prepared(|root| {
        fs::create_dir_all(root.join("data/sub")).expect("a folder");
        fs::create_dir_all(root.join("foreign")).expect("a folder");
        fs::write(root.join("data/sub/handoff.json"), "{}").expect("a document");
    });
    assert_eq!(bed.so_far().len(), 1);
    // A bind mount has the device of the workspace itself.
    let bind: [fn(&Path, &Path) -> Option<Mount>; 2] = [
        |folder, _| Mount::over(folder),
        |folder, other| Mount::bind(other, folder),
    ];
    for mount in bind {
        let Some(mount) = mount(&bed.at("data"), &bed.at("foreign")) else {
            return;
        };
        fs::write(bed.at("data/handoff.json"), "{}").expect("a document");
        bed.handle.rescan();
        bed.handle.settle();
        let trouble = bed.status().trouble;
        assert_eq!(trouble.len(), 1);
        assert_eq!(trouble[0].folder, Path::new("data"));
        assert!(trouble[0].why.contains("mounted here"));
        let found = bed.so_far();
        assert!(
            found
                .iter()
                .all(|hint| !format!("{hint:?}").contains("data/")),
            "what the mount covers is hidden, not gone: {found:?}"
        );
        drop(mount);
        bed.handle.rescan();
        bed.handle.settle();
        assert_eq!(bed.status().trouble, []);
    }
}

#[test]
fn a_folder_that_cannot_be_read_hides_no_other() {
    without_privileges(|| {
        let mut bed = Bed::new();
        fs::create_dir_all(bed.beside("tree")).expect("a folder");
        for name in ["a", "closed", "z"] {
            fs::create_dir_all(bed.beside("tree").join(name).join("sub")).expect("a folder");
        }
        set_mode(&bed.beside("tree/closed"), 0o000);
        fs::rename(bed.beside("tree"), bed.at("tree")).expect("a rename");
        assert!(looks(&mut bed).is_empty());
        for folder in ["tree", "tree/a", "tree/a/sub", "tree/z", "tree/z/sub"] {
            let document = format!("{folder}/handoff.json");
            fs::write(bed.at(&document), "{}").expect("a document");
            assert_eq!(looks(&mut bed), [PathBuf::from(document)]);
        }
        let trouble = bed.status().trouble;
        assert_eq!(trouble.len(), 1, "{trouble:?}");
        assert_eq!(trouble[0].folder, Path::new("tree/closed"));
        assert_eq!(bed.status().mode, Mode::Watching);

        set_mode(&bed.at("tree/closed"), 0o700);
        assert!(looks(&mut bed).is_empty());
        assert_eq!(bed.status().trouble, []);
        fs::write(bed.at("tree/closed/sub/handoff.json"), "{}").expect("a document");
        let document = PathBuf::from("tree/closed/sub/handoff.json");
        assert_eq!(looks(&mut bed), [document]);

        // Closed again it is unseen, not gone.
        set_mode(&bed.at("tree/closed"), 0o000);
        bed.handle.rescan();
        bed.handle.settle();
        assert!(looks(&mut bed).is_empty());
        set_mode(&bed.at("tree/closed"), 0o700);
    });
}

#[test]
fn a_workspace_that_cannot_be_read_is_reported_and_found_when_it_can() {
    without_privileges(|| {
        let mut bed = Bed::prepared(|root| {
            fs::write(root.join("handoff.json"), "{}").expect("a document");
            set_mode(root, 0o000);
        });
        let trouble = bed.status().trouble;
        assert!(trouble.iter().any(|one| one.folder == Path::new("")));
        assert_eq!(bed.so_far(), []);
        set_mode(&bed.at(""), 0o700);
        bed.handle.rescan();
        bed.handle.settle();
        assert_eq!(bed.status().trouble, []);
        assert_eq!(bed.so_far(), [Told::Look("handoff.json".into())]);
        fs::write(bed.at("q3.handoff.json"), "{}").expect("a document");
        assert_eq!(looks(&mut bed), [PathBuf::from("q3.handoff.json")]);
    });
}

fn looks(bed: &mut Bed) -> Vec<PathBuf> {
    bed.hints_until_now()
        .into_iter()
        .filter_map(|hint| match hint {
            Told::Look(path) => Some(path),
            Told::Gone(path) => panic!("gone: {}", path.display()),
            Told::Activity(_) => None,
        })
        .collect()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

/// Runs the test on a thread that rights apply to, even if root runs the tests.
fn without_privileges(test: impl FnOnce() + Send) {
    let drop_them = || {
        let mut sets = rustix::thread::capabilities(None).expect("capabilities");
        sets.effective
            .remove(CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH);
        rustix::thread::set_capabilities(None, sets).expect("fewer capabilities");
        test();
    };
    std::thread::scope(|scope| {
        let test = scope.spawn(drop_them);
        if let Err(panic) = test.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// An empty file system over a folder.
struct Mount(PathBuf);

impl Mount {
    /// `None`, and a loud word, where mounting is not allowed.
    fn over(folder: &Path) -> Option<Self> {
        Self::with(Command::new("mount").args(["-t", "tmpfs", "none"]), folder)
    }

    fn bind(source: &Path, folder: &Path) -> Option<Self> {
        Self::with(Command::new("mount").arg("--bind").arg(source), folder)
    }

    fn with(mount: &mut Command, folder: &Path) -> Option<Self> {
        let is_mounted = mount
            .arg(folder)
            .status()
            .is_ok_and(|status| status.success());
        if !is_mounted {
            skip("mounting a file system takes root");
        }
        is_mounted.then(|| Self(folder.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let is_gone = Command::new("umount")
            .arg("--lazy")
            .arg(&self.0)
            .status()
            .is_ok_and(|status| status.success());
        assert!(is_gone || std::thread::panicking(), "cannot unmount");
    }
}
