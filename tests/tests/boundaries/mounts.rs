//! Foreign folders under a name of the workspace: bind mounts, also while they come and go.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use countersign_tests::{bed::TestBed, skip::skip, wait};
use serde_json::{Value, json};

const SECRET: &str = "a foreign secret";
/// So many handoffs are delivered while the mount comes and goes.
const TRIES: usize = 60;

/// A bind mount; gone when dropped.
struct Bound(PathBuf);

impl Bound {
    /// `None` where mounting is not allowed.
    fn over(foreign: &Path, folder: &Path) -> Option<Self> {
        let done = Command::new("mount")
            .arg("--bind")
            .args([foreign, folder])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        done.then(|| Self(folder.to_owned()))
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

fn document(task: &str, artifact: &str) -> String {
    json!({
        "handoff_version": "1.0", "from_agent": "hermes", "task": task, "artifacts": [artifact],
    })
    .to_string()
}

/// Puts a document in its place at once, as agents do.
fn deliver(folder: &Path, text: &str) {
    fs::write(folder.join("new"), text).unwrap();
    fs::rename(folder.join("new"), folder.join("handoff.json")).unwrap();
}

fn answered(folder: &Path) -> Option<Value> {
    let read = |name: &str| fs::read(folder.join(name)).ok();
    let bytes = read("handoff.errors.json").or_else(|| read("handoff.receipt.json"))?;
    serde_json::from_slice(&bytes).ok()
}

fn foreign(bed: &TestBed) -> PathBuf {
    let foreign = bed.home.join("foreign");
    fs::create_dir_all(&foreign).unwrap();
    fs::write(foreign.join("secret.md"), SECRET).unwrap();
    fs::write(
        foreign.join("handoff.json"),
        document("Foreign", "secret.md"),
    )
    .unwrap();
    foreign
}

#[test]
fn what_is_mounted_in_a_workspace_is_not_handed_over_from_and_not_found() {
    let bed = TestBed::start();
    let foreign = foreign(&bed);
    let run = bed.workspace().join("run");
    fs::create_dir_all(run.join("data")).unwrap();
    let Some(mounted) = Bound::over(&foreign, &run.join("data")) else {
        skip("mounting takes the superuser");
        return;
    };
    deliver(&run, &document("Lent", "data/secret.md"));
    let errors = wait::until("the refusal", || answered(&run));
    assert_eq!(errors["errors"][0]["code"], "mount_on_the_way", "{errors}");
    // A file can be covered as well as a folder.
    let file = bed.workspace().join("file");
    fs::create_dir_all(&file).unwrap();
    fs::write(file.join("plain.md"), "mine").unwrap();
    let over = Bound::over(&foreign.join("secret.md"), &file.join("plain.md"));
    deliver(&file, &document("Covered", "plain.md"));
    let errors = wait::until("the refusal of the file", || answered(&file));
    assert_eq!(errors["errors"][0]["code"], "mount_on_the_way", "{errors}");
    drop(over);
    // The document in the mount itself is none of ours, and nothing of it is searched.
    let found = bed.run(&["search", "foreign secret", "--json"]).1;
    assert!(!found.contains(SECRET), "{found}");
    assert_eq!(bed.reviewer().turn().unwrap(), []);
    drop(mounted);
    fs::write(run.join("data/own.md"), "mine").unwrap();
    deliver(&run, &document("Own", "data/own.md"));
    wait::until("the card", || {
        let turn = bed.reviewer().turn().ok()?;
        (turn.len() == 1).then_some(())
    });
}

#[test]
fn a_mount_that_comes_and_goes_while_files_are_sealed_lends_nothing() {
    let bed = TestBed::start();
    let foreign = foreign(&bed);
    let data = bed.workspace().join("data");
    fs::create_dir_all(&data).unwrap();
    if Bound::over(&foreign, &data).is_none() {
        return;
    }
    // The name is there, with or without the mount.
    fs::write(data.join("secret.md"), "my own words").unwrap();
    let stop = AtomicBool::new(false);
    let (mut taken, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Relaxed) {
                drop(Bound::over(&foreign, &data));
            }
        });
        let http = bed.http();
        for number in 0..TRIES {
            let document = document(&format!("Try {number}"), "data/secret.md");
            let body = json!({ "folder": "", "document": document });
            let path = "/api/v1/workspaces/work/handoffs";
            let told = http.push(path, &body);
            if told.status == 201 {
                taken += 1;
            } else {
                refused += 1;
            }
        }
        stop.store(true, Relaxed);
    });
    eprintln!("{TRIES} tries while it came and went: {taken} taken, {refused} refused");
    assert!(taken > 0, "nothing was ever sealed, so nothing was shown");
    // Whatever was sealed is the agent's own.
    let mut seen = 0;
    for id in 1..=taken {
        let raw = format!("/api/v1/handoffs/H-{id}/revisions/1/files/data/secret.md");
        let bytes = bed.http().fetch(&raw).text();
        assert!(!bytes.contains(SECRET), "H-{id}");
        seen += usize::from(bytes.contains("my own words"));
    }
    assert_eq!(seen, taken, "every sealed file was looked at");
}
