//! Released work: from the sealed bytes, whole, and only ours.

use std::{os::unix::fs::PermissionsExt as _, process::Command};

use countersign_protocol::{HandoffId, decision::Outcome};

use crate::testing::{Rig, handoff};

const ONE: HandoffId = HandoffId(1);

fn approved() -> Rig {
    let rig = Rig::new();
    rig.write("run/report.md", "the report");
    rig.write("run/bin/deep/tool.sh", "#!/bin/sh\n");
    rig.set_mode("run/bin/deep/tool.sh", 0o755);
    rig.write("run/big.bin", vec![7; 200_000]);
    let names = ["report.md", "bin/deep/tool.sh", "big.bin"];
    rig.deliver("run/handoff.json", handoff("Release it", &names));
    // What the agent does to its own files after it handed over changes nothing.
    rig.write("run/report.md", "forged");
    rig.remove("run/big.bin");
    rig.decide(ONE, Outcome::Approved).unwrap();
    rig
}

fn check_sums(rig: &Rig) {
    let checked = Command::new("sha256sum")
        .args(["--check", "--strict", "SHA256SUMS"])
        .current_dir(rig.path("approved/H-1"))
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
    let lines = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(lines.lines().count(), 3, "{lines}");
}

#[test]
fn what_is_released_is_what_was_sealed() {
    let rig = approved();
    rig.round();
    check_sums(&rig);
    assert_eq!(
        rig.text("approved/H-1/report.md").as_deref(),
        Some("the report")
    );
    let mode = |name: &str| {
        let metadata = rig.path("approved/H-1").join(name).metadata().unwrap();
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode("report.md"), 0o444);
    assert_eq!(mode("bin/deep/tool.sh"), 0o555);
    assert_eq!(rig.json("run/decision.json")["released_to"], "approved/H-1");
    assert_eq!(rig.json("approved/H-1/release.json")["revision"], 1);
    assert_eq!(rig.count("artifact.approved"), 1);
}

#[test]
fn a_release_that_stands_is_left_as_it_is() {
    use std::os::unix::fs::MetadataExt as _;
    let mut rig = approved();
    rig.round();
    let inode = |rig: &Rig| rig.path("approved/H-1/report.md").metadata().unwrap().ino();
    let before = inode(&rig);
    rig.remove("run/decision.json");
    rig.remove(".countersign");
    forget_progress(&rig);
    rig.restart();
    rig.round();
    assert_eq!(inode(&rig), before);
    assert_eq!(rig.count("artifact.approved"), 1);
}

fn forget_progress(rig: &Rig) {
    use crate::store::{Batch, Space, Store as _};
    let batch = Batch {
        values: vec![(Space::Progress, "writeback".to_owned(), None)],
        ..Batch::default()
    };
    rig.stored().append(&batch).unwrap();
}

#[test]
fn a_folder_that_an_agent_put_there_first_is_not_passed_off_as_released() {
    for forged in ["report.md", "extra.md", "bin/deep/tool.sh"] {
        let rig = approved();
        rig.write(&format!("approved/H-1/{forged}"), "forged");
        rig.round();
        check_sums(&rig);
        assert!(!rig.exists("approved/H-1/extra.md"), "{forged}");
        assert_eq!(
            rig.text("approved/H-1/report.md").as_deref(),
            Some("the report")
        );
        let kept = rig
            .files()
            .into_iter()
            .find(|name| name.starts_with("approved/H-1.found-") && name.ends_with(forged));
        assert_eq!(rig.text(&kept.unwrap()).as_deref(), Some("forged"));
    }
}

#[test]
fn what_stands_in_the_way_of_the_staging_does_not_stop_a_release() {
    for stage in ["folder", "file", "link", "left by a crash"] {
        let rig = approved();
        rig.make_folder("approved");
        let name = "approved/.countersign-tmp-folder-H-1";
        match stage {
            "folder" => rig.write(&format!("{name}/x.md"), "words"),
            "file" => rig.write(name, "words"),
            "link" => rig.link(rig.outside("objects"), name),
            _ => rig.write(&format!("{name}-0011223344556677/x.md"), "words"),
        }
        rig.round();
        check_sums(&rig);
        assert!(!rig.exists("approved/H-1/x.md"));
        assert!(rig.outside("objects").exists());
    }
}

#[test]
fn the_names_of_our_own_lists_give_way_to_those_of_the_work() {
    let rig = Rig::new();
    rig.write("SHA256SUMS", "not a list");
    rig.deliver("handoff.json", handoff("Release it", &["SHA256SUMS"]));
    rig.decide(ONE, Outcome::Approved).unwrap();
    rig.round();
    assert_eq!(
        rig.text("approved/H-1/SHA256SUMS").as_deref(),
        Some("not a list")
    );
    assert!(rig.exists("approved/H-1/_SHA256SUMS"));
}

#[test]
fn nothing_is_released_but_by_an_approval() {
    for outcome in [
        Outcome::ChangesRequested,
        Outcome::Rejected,
        Outcome::Responded,
    ] {
        let rig = Rig::new();
        rig.write("a.txt", "words");
        rig.deliver("handoff.json", handoff("Release it", &["a.txt"]));
        rig.decide(ONE, outcome).unwrap();
        rig.round();
        assert!(!rig.exists("approved"), "{outcome:?}");
        assert!(rig.json("decision.json")["released_to"].is_null());
    }
}
