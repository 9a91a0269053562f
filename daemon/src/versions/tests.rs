//! Questions about what changed, asked of the desk as people ask them.

use countersign_protocol::{HandoffId, anchor::Anchor, changes::FileChange, decision::Outcome};
use countersign_web::desk::{
    Agent, Caller, DeskError, VersionsDesk as _,
    versions::{ArchiveFormat, Changed, ChangedQuestion, NewMark},
};

use crate::{
    ledger::MAX_AGENT_MARKS,
    testing::{Rig, WORKSPACE, handoff, maya},
};

const ONE: HandoffId = HandoffId(1);

fn me() -> Caller {
    Caller::Person(maya())
}

fn ask(rig: &Rig, question: ChangedQuestion) -> Result<Changed, DeskError> {
    rig.wait(rig.desk().changed(&me(), question))
}

fn since(rig: &Rig, anchor: &str) -> Changed {
    let question = ChangedQuestion {
        workspace: Some(WORKSPACE.to_owned()),
        from: Some(Anchor::read(anchor, jiff::Timestamp::UNIX_EPOCH).unwrap()),
        ..ChangedQuestion::default()
    };
    ask(rig, question).unwrap()
}

fn lines(changed: &Changed) -> Vec<String> {
    let line = |row: &countersign_web::desk::versions::ChangedRow| {
        let from = row.from_path.as_ref();
        let from = from.map(|path| format!(" from {path}")).unwrap_or_default();
        format!(
            "{} {}{from} by {} r{}",
            row.change.word(),
            row.path,
            row.handoff,
            row.revision
        )
    };
    changed.rows.iter().map(line).collect()
}

fn mark(rig: &Rig, kind: &str, value: &str) {
    let mark = NewMark {
        workspace: WORKSPACE.to_owned(),
        kind: kind.to_owned(),
        value: Some(value.to_owned()),
        note: None,
    };
    rig.wait(rig.desk().mark(&me(), mark)).unwrap();
}

fn deliver(rig: &Rig, files: &[(&str, &str)]) {
    for (path, text) in files {
        rig.write(path, text);
    }
    let names: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
    rig.deliver("handoff.json", handoff("Write it", &names));
}

#[test]
fn what_changed_since_a_build_is_told_with_the_entry_that_did_it() {
    let rig = Rig::new();
    deliver(
        &rig,
        &[
            ("a.md", "1"),
            ("b.md", "1"),
            ("old.md", "text that moves\n"),
        ],
    );
    mark(&rig, "build", "318");
    deliver(
        &rig,
        &[
            ("a.md", "2"),
            ("b.md", "2"),
            ("new.md", "text that moves\n"),
        ],
    );
    deliver(
        &rig,
        &[
            ("a.md", "3"),
            ("b.md", "1"),
            ("new.md", "text that moves\n"),
        ],
    );
    let changed = since(&rig, "@last-build");
    assert_eq!(
        lines(&changed),
        [
            "modified a.md by H-1 r3",
            "renamed new.md from old.md by H-1 r2"
        ]
    );
    assert_eq!(changed.restored, 1, "b.md is what it was");
    assert_eq!(changed.spans[0].from.anchor, "@last-build");
    assert_eq!(changed.spans[0].from.label, "build 318, marked by Maya");
    let cited = rig
        .events()
        .get(usize::try_from(changed.rows[0].seq - 1).unwrap())
        .cloned();
    assert!(format!("{cited:?}").contains("revision: 3"), "{cited:?}");

    mark(&rig, "build", "319");
    assert_eq!(lines(&since(&rig, "@last-build")), [] as [&str; 0]);
    assert_eq!(
        since(&rig, "@build:318").rows,
        changed.rows,
        "the same answer twice"
    );
}

#[test]
fn a_restart_does_not_change_the_answer() {
    let mut rig = Rig::new();
    deliver(&rig, &[("a.md", "1")]);
    mark(&rig, "release", "1.0");
    deliver(&rig, &[("a.md", "2"), ("b.md", "1")]);
    let before = since(&rig, "@last-mark:release");
    assert_eq!(before.rows.len(), 2);
    rig.restart();
    let after = since(&rig, "@last-mark:release");
    assert_eq!(
        (before.rows, before.spans[0].from.seq),
        (after.rows, after.spans[0].from.seq)
    );
}

#[test]
fn without_an_anchor_it_is_what_came_since_my_own_decision() {
    let rig = Rig::new();
    let question = || ChangedQuestion {
        handoff: Some(ONE),
        ..ChangedQuestion::default()
    };
    deliver(&rig, &[("a.md", "1")]);
    assert_eq!(
        lines(&ask(&rig, question()).unwrap()),
        ["created a.md by H-1 r1"],
        "all of it is new"
    );
    rig.decide(ONE, Outcome::ChangesRequested).unwrap();
    deliver(&rig, &[("a.md", "1"), ("b.md", "1")]);
    let changed = ask(&rig, question()).unwrap();
    assert_eq!(lines(&changed), ["created b.md by H-1 r2"]);
    assert_eq!(changed.rows[0].change, FileChange::Created);
    let from = &changed.spans[0].from;
    assert_eq!(
        (from.anchor.as_str(), from.revision),
        ("@my-last-review", Some(1))
    );
}

#[test]
fn an_anchor_that_names_nothing_says_what_would() {
    let rig = Rig::new();
    deliver(&rig, &[("a.md", "1")]);
    let question = ChangedQuestion {
        workspace: Some(WORKSPACE.to_owned()),
        from: Some(Anchor::last_mark("build")),
        ..ChangedQuestion::default()
    };
    let told = ask(&rig, question).unwrap_err();
    assert_eq!(
        told.to_string(),
        "no build is marked in the workspace `w`; `countersign mark build` marks one"
    );
}

#[test]
fn all_versions_are_listed_newest_first() {
    let rig = Rig::new();
    let checkpoint =
        r#"{"checkpoint_version": "1.0", "from_agent": "hermes", "task_id": "t", "step": 3}"#;
    rig.deliver("checkpoint.json", checkpoint);
    deliver(&rig, &[("a.md", "1")]);
    rig.decide(ONE, Outcome::ChangesRequested).unwrap();
    deliver(&rig, &[("a.md", "22")]);
    let versions = rig.wait(rig.desk().versions(&me(), ONE)).unwrap();
    let told: Vec<_> = versions
        .iter()
        .map(|one| (one.kind.as_str(), one.revision, one.size))
        .collect();
    assert_eq!(
        told,
        [
            ("revision", 2, 2),
            ("decision", 1, 1),
            ("revision", 1, 1),
            ("checkpoint", 0, 0)
        ]
    );
}

#[test]
fn a_file_marks_once_for_the_same_bytes_and_again_for_others() {
    let rig = Rig::new();
    let build = |number: u32| {
        format!(r#"{{"mark_version": "1.0", "kind": "build", "value": {number}, "by": "ci"}}"#)
    };
    deliver(&rig, &[("a.md", "1")]);
    rig.deliver("mark.json", build(318));
    rig.deliver("mark.json", build(318));
    assert_eq!(rig.count("workspace.marked"), 1);
    deliver(&rig, &[("a.md", "2")]);
    assert_eq!(
        lines(&since(&rig, "@build:318")),
        ["modified a.md by H-1 r2"]
    );
    rig.deliver("mark.json", build(319));
    assert_eq!(rig.count("workspace.marked"), 2);
    let marks = rig.wait(rig.desk().marks(&me(), Some(WORKSPACE))).unwrap();
    assert_eq!(marks[0].anchor, "@build:319");
    assert_eq!(marks[0].by, "ci");

    rig.deliver("mark.json", r#"{"mark_version": "1.0", "kind": "Build"}"#);
    assert_eq!(rig.dead_letters(), 1);
    rig.deliver("mark.json", build(320));
    assert_eq!(rig.dead_letters(), 0);
    rig.deliver("other/mark.json", r#"{"somebody": "else"}"#);
    assert_eq!((rig.dead_letters(), rig.count("workspace.marked")), (0, 3));
}

fn archive(rig: &Rig, format: ArchiveFormat) -> Vec<u8> {
    let archive = rig.wait(rig.desk().archive(&me(), ONE, 1, format)).unwrap();
    let mut pieces = archive.pieces;
    let mut bytes = Vec::new();
    while let Some(piece) = rig.wait(pieces.recv()) {
        bytes.extend(piece.unwrap());
    }
    bytes
}

/// Runs a tool of the system on `bytes`; `None` where there is none.
fn tool(name: &str, arguments: &[&str], folder: &std::path::Path) -> Option<String> {
    let mut command = std::process::Command::new(name);
    let ran = command.args(arguments).current_dir(folder).output().ok()?;
    let told = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(
        ran.status.success(),
        "{name}: {told}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    Some(told)
}

#[test]
fn an_archive_has_the_same_bytes_every_time_and_other_tools_read_it() {
    let mut rig = Rig::new();
    let long = "x".repeat(150);
    let large = "words\n".repeat(60_000);
    let long_path = format!("{long}/a.md");
    rig.write("run.sh", "#!/bin/sh\n");
    rig.set_mode("run.sh", 0o755);
    deliver(
        &rig,
        &[
            ("run.sh", "#!/bin/sh\n"),
            ("empty", ""),
            ("big.txt", &large),
            (&long_path, "deep"),
        ],
    );
    for (format, name, list) in [
        (ArchiveFormat::Tar, "tar", ["-tvf", "a.tar"]),
        (ArchiveFormat::Zip, "unzip", ["-tq", "a.zip"]),
    ] {
        let first = archive(&rig, format);
        rig.restart();
        let again = archive(&rig, format);
        assert!(first == again, "{name}");
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join(format!("a.{}", format.extension()));
        crate::fs::Dir::open(place.path())
            .unwrap()
            .write_new(
                file.file_name().unwrap().as_ref(),
                &mut first.as_slice(),
                0o644,
            )
            .unwrap();
        let Some(told) = tool(name, &list, place.path()) else {
            continue;
        };
        if name == "tar" {
            assert!(told.contains("-rwxr-xr-x 0/0"), "{told}");
            assert!(told.contains("2026-03-02 09:00"), "{told}");
            tool("tar", &["-xf", "a.tar"], place.path());
        } else {
            tool("unzip", &["-q", "a.zip"], place.path());
        }
        let folder = place.path().join("H-1-r1");
        let sums = tool("sha256sum", &["-c", "SHA256SUMS"], &folder);
        assert_eq!(sums.map(|told| told.matches(": OK").count()), Some(4));
    }
}

#[test]
fn a_workspace_is_had_as_it_stood_at_a_moment() {
    let mut rig = Rig::new();
    deliver(&rig, &[("report.md", "first\n"), ("run.sh", "#!/bin/sh\n")]);
    mark(&rig, "build", "318");
    deliver(&rig, &[("report.md", "second\n"), ("notes.md", "new\n")]);
    let had = |rig: &Rig, at: &str| -> Vec<(String, String)> {
        let at = Anchor::read(at, jiff::Timestamp::UNIX_EPOCH).unwrap();
        let (desk, me) = (rig.desk(), me());
        let asked = desk.snapshot(&me, WORKSPACE, &at, ArchiveFormat::Tar);
        let mut archive = rig.wait(asked).unwrap();
        let mut bytes = Vec::new();
        while let Some(piece) = rig.wait(archive.pieces.recv()) {
            bytes.extend(piece.unwrap());
        }
        let mut tar = tar::Archive::new(bytes.as_slice());
        let entries = tar.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let mut text = String::new();
            std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
            (path.split_once('/').unwrap().1.to_owned(), text)
        });
        entries
            .filter(|(path, _)| path != super::archive::SUMS)
            .collect()
    };
    let pair = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let then = [pair("report.md", "first\n"), pair("run.sh", "#!/bin/sh\n")];
    let now = [pair("notes.md", "new\n"), pair("report.md", "second\n")];
    assert_eq!(had(&rig, "@build:318"), then);
    assert_eq!(had(&rig, "@now"), now);
    assert_eq!(had(&rig, "@start"), []);
    rig.restart();
    assert_eq!(had(&rig, "@build:318"), then);
    let (desk, me) = (rig.desk(), me());
    let missing = desk.snapshot(&me, "nowhere", &Anchor::Now, ArchiveFormat::Zip);
    assert!(matches!(rig.wait(missing), Err(DeskError::NotFound(_))));
}

#[test]
fn agents_set_so_many_marks_in_a_day_by_any_door() {
    let rig = Rig::new();
    let agent = Caller::Agent(Agent {
        token: "t".to_owned(),
        agent: "ares".to_owned(),
        workspaces: vec![WORKSPACE.to_owned()],
    });
    let set = |who: &Caller| {
        let mark = NewMark {
            workspace: WORKSPACE.to_owned(),
            kind: "build".to_owned(),
            value: Some("1".to_owned()),
            note: None,
        };
        rig.wait(rig.desk().mark(who, mark)).map(drop)
    };
    for _ in 0..MAX_AGENT_MARKS {
        set(&agent).unwrap();
    }
    assert!(matches!(set(&agent), Err(DeskError::NotAllowed(_))));
    let by_file = r#"{"mark_version":"1.0","kind":"build","value":"file"}"#;
    rig.deliver("ci/mark.json", by_file);
    assert_eq!(rig.dead_letters(), 1);
    set(&me()).unwrap();
    rig.clock.advance(std::time::Duration::from_hours(25));
    set(&agent).unwrap();
    rig.deliver("ci/mark.json", by_file.replace("file", "later"));
    assert_eq!(rig.dead_letters(), 0);
}
