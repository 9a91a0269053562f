//! What is refused, and how it is told: nothing is sent to anybody, the agent reads why.

use countersign_protocol::{Digest, problem::ProblemKind};
use serde_json::json;

use crate::{
    testing::{Rig, handoff},
    workspace::Settings,
};

/// The only dead letter: kind, code and pointer of its first violation.
fn refused(rig: &Rig) -> (ProblemKind, String, String) {
    let kind = {
        let state = rig.ledger().state();
        state.dead_letters().next().map(|dead| dead.kind)
    };
    let (code, pointer) = rig.dead().remove(0);
    assert_eq!(rig.cards().len(), 0);
    (kind.unwrap(), code, pointer)
}

fn told(kind: ProblemKind, code: &str, pointer: &str) -> (ProblemKind, String, String) {
    (kind, code.to_owned(), pointer.to_owned())
}

fn naming(artifact: serde_json::Value) -> String {
    json!({
        "handoff_version": "1.0", "from_agent": "hermes", "task": "Write it",
        "artifacts": [artifact],
    })
    .to_string()
}

#[test]
fn a_missing_file_is_named_with_pointer_line_and_column() {
    let rig = Rig::new();
    let document = "{\n  \"handoff_version\": \"1.0\",\n  \"from_agent\": \"hermes\",\n  \"task\": \"Write it\",\n  \"artifacts\": [\n    \"a.txt\",\n    \"gone.md\"\n  ]\n}";
    rig.write("a.txt", "here");
    rig.deliver("handoff.json", document);
    assert_eq!(
        refused(&rig),
        told(ProblemKind::MissingArtifact, "missing", "/artifacts/1")
    );
    let errors = rig.json("handoff.errors.json");
    let error = &errors["errors"][0];
    assert_eq!((&error["line"], &error["column"]), (&json!(7), &json!(5)));
    assert!(error["message"].as_str().unwrap().contains("gone.md"));
    assert!(!error["fix"].as_str().unwrap().is_empty());
    assert!(!rig.exists("handoff.receipt.json"));
}

#[test]
fn every_broken_rule_is_told_at_once() {
    let rig = Rig::new();
    rig.deliver("handoff.json", handoff("Write it", &["a", "b", "c"]));
    let pointers: Vec<String> = rig.dead().into_iter().map(|(_, at)| at).collect();
    assert_eq!(pointers, ["/artifacts/0", "/artifacts/1", "/artifacts/2"]);
}

#[test]
fn another_digest_or_size_than_stated_is_refused() {
    for (stated, code) in [
        (
            json!({"path": "a.txt", "sha256": Digest::of(b"other").to_string()}),
            "sha256",
        ),
        (json!({"path": "a.txt", "size": 3}), "size"),
    ] {
        let rig = Rig::new();
        rig.write("a.txt", "words");
        rig.deliver("handoff.json", naming(stated));
        let pointer = format!("/artifacts/0/{code}");
        assert_eq!(
            refused(&rig),
            told(ProblemKind::DigestMismatch, code, &pointer)
        );
    }
}

#[test]
fn the_stated_digest_and_size_are_accepted() {
    let rig = Rig::new();
    rig.write("a.txt", "words");
    let stated = json!({"path": "a.txt", "sha256": Digest::of(b"words").to_string(), "size": 5});
    rig.deliver("handoff.json", naming(stated));
    assert_eq!(rig.cards().len(), 1);
}

#[test]
fn what_is_no_regular_file_is_never_opened() {
    for name in ["fifo", "device", "folder", "link", "dangling", "socket"] {
        let rig = Rig::new();
        match name {
            "fifo" => make_node(&rig, name, rustix::fs::FileType::Fifo),
            "device" if !rustix::process::geteuid().is_root() => continue,
            // The device that /dev/zero is: reading it would never end.
            "device" => make_node(&rig, name, rustix::fs::FileType::CharacterDevice),
            "folder" => rig.make_folder(name),
            "link" => {
                rig.write("target", "words");
                rig.link("target", name);
            }
            "dangling" => rig.link("/nowhere", name),
            _ => drop(std::os::unix::net::UnixListener::bind(rig.path(name)).unwrap()),
        }
        rig.deliver("handoff.json", handoff("Write it", &[name]));
        let expected = told(ProblemKind::PathRefused, "not_regular", "/artifacts/0");
        assert_eq!(refused(&rig), expected, "{name}");
    }
}

fn make_node(rig: &Rig, name: &str, kind: rustix::fs::FileType) {
    rustix::fs::mknodat(
        rustix::fs::CWD,
        rig.path(name),
        kind,
        rustix::fs::Mode::from_raw_mode(0o666),
        rustix::fs::makedev(1, 5),
    )
    .unwrap();
}

#[test]
fn a_document_that_is_no_regular_file_is_refused() {
    let rig = Rig::new();
    make_node(&rig, "handoff.json", rustix::fs::FileType::Fifo);
    rig.look("handoff.json");
    assert_eq!(
        refused(&rig),
        told(ProblemKind::PathRefused, "not_regular", "")
    );
}

#[test]
fn a_link_on_the_way_leads_nowhere() {
    let rig = Rig::new();
    std::os::unix::fs::symlink("/etc", rig.path("etc")).unwrap();
    rig.deliver("handoff.json", handoff("Write it", &["etc/passwd"]));
    assert_eq!(
        refused(&rig),
        told(ProblemKind::PathRefused, "link_on_the_way", "/artifacts/0")
    );
}

#[test]
fn a_document_behind_a_link_is_not_there() {
    let rig = Rig::new();
    rig.write("real/handoff.json", handoff("Write it", &[]));
    rig.link("real", "linked");
    rig.look("linked/handoff.json");
    assert_eq!(rig.events().len(), 0);
    assert_eq!(rig.intake().backlog(), 0, "nothing is tried again for ever");
}

#[test]
fn a_hard_link_out_is_sealed_as_it_is_and_changes_nothing_later() {
    let rig = Rig::new();
    rig.write("inside.txt", "sealed");
    rig.hard_link(rig.path("inside.txt"), "named.txt");
    rig.deliver("handoff.json", handoff("Write it", &["named.txt"]));
    rig.write("inside.txt", "forged");
    let sha256 = rig.card().newest().accepted.manifest.entries[0].sha256;
    assert_eq!(sha256, Digest::of(b"sealed"));
    assert_eq!(
        rig.ledger().object(sha256).unwrap().as_deref(),
        Some(&b"sealed"[..])
    );
}

#[test]
fn too_many_files_are_refused_named_or_not() {
    let few = || Settings {
        max_files: 2,
        ..Settings::default()
    };
    let rig = Rig::with(few());
    rig.deliver("handoff.json", handoff("Write it", &["a", "b", "c"]));
    assert_eq!(
        refused(&rig),
        told(ProblemKind::TooLarge, "too_many_files", "")
    );

    let rig = Rig::with(few());
    for file in 0..5 {
        rig.write(&format!("inbox/hermes/q3/{file}"), "words");
    }
    rig.deliver("inbox/hermes/q3/handoff.json", handoff("Write it", &[]));
    assert_eq!(
        refused(&rig),
        told(ProblemKind::TooLarge, "too_many_files", "")
    );
}

#[test]
fn a_document_over_the_limit_is_refused_unread() {
    let rig = Rig::new();
    rig.write("handoff.json", "");
    let file = rig.open_to_write("handoff.json");
    file.set_len(300 * 1024 * 1024).unwrap();
    drop(file);
    rig.look("handoff.json");
    assert_eq!(
        refused(&rig),
        told(ProblemKind::TooLarge, "document_too_large", "")
    );
}

#[test]
fn broken_json_is_kept_and_told_with_its_place() {
    let rig = Rig::new();
    rig.deliver("handoff.json", "{\n  \"task\": ");
    let (kind, ..) = refused(&rig);
    assert_eq!(kind, ProblemKind::MalformedJson);
    let sha256 = Digest::of(b"{\n  \"task\": ");
    assert!(
        rig.ledger().object(sha256).unwrap().is_some(),
        "the bytes are kept"
    );
    assert_eq!(rig.json("handoff.errors.json")["errors"][0]["line"], 2);
}

#[test]
fn links_and_odd_names_in_a_package_are_refused() {
    use std::os::unix::ffi::OsStrExt as _;
    let rig = Rig::new();
    rig.write("inbox/hermes/q3/handoff.json", handoff("Write it", &[]));
    rig.link("/etc/passwd", "inbox/hermes/q3/passwd");
    let odd = std::ffi::OsStr::from_bytes(b"inbox/hermes/q3/\xff");
    std::os::unix::fs::symlink("x", rig.path("").join(odd)).unwrap();
    rig.look("inbox/hermes/q3/handoff.json");
    let mut codes: Vec<String> = rig.dead().into_iter().map(|(code, _)| code).collect();
    codes.sort();
    assert_eq!(codes, ["not_regular", "not_utf8"]);
}

#[test]
fn what_is_over_the_quota_of_a_workspace_is_refused_with_the_numbers() {
    let rig = Rig::with(Settings {
        quota: Some(100),
        ..Settings::default()
    });
    rig.write("one/a.txt", vec![b'a'; 60]);
    rig.deliver("one/handoff.json", handoff("First", &["a.txt"]));
    assert_eq!(rig.cards().len(), 1);
    // The same bytes are kept once, so they cost nothing a second time.
    rig.write("two/again.txt", vec![b'a'; 60]);
    rig.deliver("two/handoff.json", handoff("Second", &["again.txt"]));
    assert_eq!(rig.cards().len(), 2);
    rig.write("three/b.txt", vec![b'b'; 41]);
    rig.deliver("three/handoff.json", handoff("Third", &["b.txt"]));
    assert_eq!(rig.cards().len(), 2);
    let errors = rig.json("three/handoff.errors.json");
    assert_eq!(errors["code"], "quota-exceeded");
    let error = &errors["errors"][0];
    let message = error["message"].as_str().unwrap();
    for number in ["41 new bytes", "keeps 60", "100"] {
        assert!(message.contains(number), "{message}");
    }
    assert!(error["fix"].as_str().unwrap().contains("`quota`"));
    // One byte less fits, and the receipt says that there is no room left.
    rig.write("three/b.txt", vec![b'b'; 40]);
    rig.deliver("three/handoff.json", handoff("Third", &["b.txt"]));
    assert_eq!(rig.cards().len(), 3);
    let warned = |folder: &str| {
        let receipt = rig.json(&format!("{folder}/handoff.receipt.json"));
        receipt["warnings"][0]["message"]
            .as_str()
            .map(str::to_owned)
    };
    assert_eq!((warned("one"), warned("two")), (None, None));
    let message = warned("three").unwrap();
    for number in ["100 sealed bytes of the 100", "is not counted"] {
        assert!(message.contains(number), "{message}");
    }
    assert_eq!(rig.cards()[2].newest().accepted.warnings[0].code, "quota");
}

#[test]
fn misnamed_handoff_is_refused_by_name() {
    let rig = Rig::new();
    let document = handoff("Write it", &[]);
    for (name, errors) in [
        ("a/Handoff.json", "a/Handoff.errors.json"),
        ("b/handoff.json.txt", "b/handoff.json.errors.json"),
        ("c/handoff (1).json", "c/handoff (1).errors.json"),
        ("d/handoff-1.json", "d/handoff-1.errors.json"),
    ] {
        rig.deliver(name, &document);
        assert_eq!(rig.json(errors)["errors"][0]["code"], "misnamed", "{name}");
    }
    assert_eq!(rig.dead_letters(), 4);
    rig.rename("a/Handoff.json", "a/handoff.json");
    rig.hint("a/Handoff.json");
    rig.look("a/handoff.json");
    assert!(!rig.exists("a/Handoff.errors.json"));
    assert_eq!((rig.dead_letters(), rig.cards().len()), (3, 1));
}

#[test]
fn numbered_name_beside_handoff_is_meant() {
    let rig = Rig::new();
    rig.deliver("run/handoff.json", handoff("Write it", &[]));
    rig.deliver("run/handoff-1.json", handoff("Kept from before", &[]));
    assert_eq!(rig.dead_letters(), 0);
    let copy = "run/handoff.sync-conflict-20261124-101500-ABCDEFG.json";
    rig.deliver(copy, handoff("Of another", &[]));
    assert_eq!(rig.dead_letters(), 1, "what a sync program keeps is told");
}
