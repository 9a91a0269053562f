//! What counts are the bytes of our copy.

use std::os::unix::fs::PermissionsExt as _;

use countersign_protocol::Digest;

use crate::{
    testing::{Rig, handoff},
    workspace::Settings,
};

#[test]
fn a_large_file_is_kept_by_its_digest_for_us_alone() {
    let rig = Rig::new();
    let bytes = vec![7; 300_000];
    rig.write("big.bin", &bytes);
    rig.write("again.bin", &bytes);
    rig.deliver(
        "handoff.json",
        handoff("Write it", &["big.bin", "again.bin"]),
    );
    let name = Digest::of(&bytes).to_string();
    let object = rig.outside("objects").join(&name[..2]).join(&name[2..]);
    let metadata = object.metadata().unwrap();
    assert_eq!(metadata.len(), 300_000);
    assert_eq!(metadata.permissions().mode() & 0o777, 0o400);
    let shelf = std::fs::read_dir(rig.outside("objects")).unwrap();
    assert_eq!(shelf.count(), 1, "nothing unfinished is left");

    // The agent's own file may change; the copy does not.
    rig.write("big.bin", "forged");
    assert_eq!(
        Digest::of(&std::fs::read(object).unwrap()).to_string(),
        name
    );
}

#[test]
fn above_the_limit_only_the_digest_is_taken_and_that_is_said() {
    let rig = Rig::with(Settings {
        keep_up_to: 100_000,
        ..Settings::default()
    });
    rig.write("big.bin", vec![7; 100_001]);
    rig.deliver("handoff.json", handoff("Write it", &["big.bin"]));
    let entry = rig.card().newest().accepted.manifest.entries[0].clone();
    assert_eq!((entry.kept, entry.size), (false, 100_001));
    assert_eq!(entry.sha256, Digest::of(&vec![7; 100_001]));
}

#[test]
fn many_small_files_do_not_all_go_through_memory() {
    let rig = Rig::new();
    let names: Vec<String> = (0..80).map(|number| format!("f{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        rig.write(name, vec![u8::try_from(number).unwrap(); 60_000]);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    rig.deliver("handoff.json", handoff("Write it", &names));
    let entries = rig.card().newest().accepted.manifest.entries.clone();
    assert!(entries.iter().all(|entry| entry.kept));
    let inline = entries
        .iter()
        .filter(|entry| rig.ledger().object(entry.sha256).unwrap().is_some());
    assert_eq!(inline.count(), 4 * 1024 * 1024 / 60_000);
}

#[test]
fn whether_a_file_can_be_run_is_part_of_what_is_sealed() {
    let rig = Rig::new();
    rig.write("tool.sh", "#!/bin/sh\n");
    rig.deliver("handoff.json", handoff("Write it", &["tool.sh"]));
    rig.set_mode("tool.sh", 0o755);
    rig.deliver("handoff.json", handoff("Write it", &["tool.sh"]));
    let card = rig.card();
    let runs: Vec<bool> = card
        .revisions
        .iter()
        .map(|one| one.accepted.manifest.entries[0].executable)
        .collect();
    assert_eq!(runs, [false, true]);
}
