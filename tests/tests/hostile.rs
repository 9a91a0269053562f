//! Hostile input at the door: each gets the refusal that the contract names, and the next good
//! handoff is accepted as if nothing had happened.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "agents write what they like"
)]

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::{self, File},
    io::Write as _,
    os::unix::{ffi::OsStrExt as _, fs::symlink, net::UnixListener},
    path::Path,
    process::Command,
};

use countersign_protocol::{
    Digest,
    decision::Outcome,
    problem::ProblemKind::{self, *},
    receipt::ErrorsDocument,
};
use countersign_tests::{
    agent::{Agent, Care, Delivery},
    bed::TestBed,
    skip::skip,
    wait,
};

/// Fills the folder of a handoff.
type Prepare = Box<dyn FnOnce(&Path)>;

/// A scene, and a check at its end that the daemon still takes good work.
struct Door {
    bed: TestBed,
    agent: Agent,
}

impl Door {
    fn open() -> Self {
        let bed = TestBed::start();
        let agent = bed.agent("mallory");
        Self { bed, agent }
    }

    /// Delivers `document` in a folder that `prepare` fills.
    fn deliver(&self, folder: &str, document: &[u8], prepare: impl FnOnce(&Path)) -> Delivery {
        let path = self.bed.workspace().join(folder);
        fs::create_dir_all(&path).unwrap();
        prepare(&path);
        let files = BTreeMap::new();
        self.agent
            .write_as(folder, "handoff.json", document, &files, Care::Rename)
            .unwrap()
    }

    /// The refusal of a document.
    fn refusal(&self, folder: &str, document: &[u8]) -> ErrorsDocument {
        self.deliver(folder, document, |_| {}).errors()
    }

    /// The refusal of a handoff that names the artifact `path`.
    fn refusal_of_artifact(
        &self,
        folder: &str,
        path: &str,
        prepare: impl FnOnce(&Path),
    ) -> ErrorsDocument {
        let package = self.agent.package(folder).with("artifacts", vec![path]);
        self.deliver(folder, &package.text(), prepare).errors()
    }

    /// The daemon lives, nobody was asked, and good work is taken.
    fn still_works(&self) {
        assert_eq!(
            self.bed.reviewer().turn().unwrap(),
            [],
            "nothing reached a person"
        );
        let good = self.agent.package("good work").file("a.txt", "a");
        let delivery = self.agent.write("good", &good, Care::Rename).unwrap();
        assert_eq!(delivery.receipt().revision, 1);
    }
}

fn assert_refused(errors: &ErrorsDocument, kind: ProblemKind) {
    assert_eq!(errors.code, kind, "{errors:#?}");
    assert_eq!(
        errors.type_uri,
        format!("urn:countersign:problem:{}", kind.name())
    );
    assert!(!errors.valid);
    assert!(!errors.errors.is_empty());
    for violation in &errors.errors {
        assert!(
            violation.fix.as_ref().is_some_and(|fix| !fix.is_empty()),
            "{violation:?}"
        );
    }
}

#[test]
fn documents_that_are_no_handoff_are_refused_with_their_place() {
    let door = Door::open();
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep = format!(
        r#"{{"handoff_version":"1.0","from_agent":"m","task":"t","x-a":{}}}"#,
        "[".repeat(40) + &"]".repeat(40)
    );
    let cases: &[(&str, &[u8], ProblemKind)] = &[
        ("empty", b"", MalformedJson),
        ("blank", b" \n\n", MalformedJson),
        ("truncated", br#"{"handoff_version": "1.0", "from_agent": "m"#, MalformedJson),
        ("zeros", &[0; 64], MalformedJson),
        ("tail of zeros", b"{\"handoff_version\":\"1.0\",\"from_agent\":\"m\",\"task\":\"t\"}\0\0\0", MalformedJson),
        ("not text", b"{\"handoff_version\":\"1.0\",\"from_agent\":\"\xff\xfe\",\"task\":\"t\"}", MalformedJson),
        ("utf-16", b"\xff\xfe{\0}\0", MalformedJson),
        ("two documents", br#"{"handoff_version":"1.0","from_agent":"m","task":"t"} {}"#, MalformedJson),
        ("nested without end", nested.as_bytes(), TooDeep),
        ("nested too deep", deep.as_bytes(), TooDeep),
        ("key twice", br#"{"handoff_version":"1.0","from_agent":"m","task":"good","task":"evil"}"#, DuplicateKey),
        ("key twice, hidden", br#"{"handoff_version":"1.0","from_agent":"m","task":"good","t\u0061sk":"evil"}"#, DuplicateKey),
        ("key twice, deep", br#"{"handoff_version":"1.0","from_agent":"m","task":"t","context":{"a":[{"b":1,"b":2}]}}"#, DuplicateKey),
        ("other major", br#"{"handoff_version":"9.0","from_agent":"m","task":"t"}"#, UnsupportedVersion),
    ];
    for (name, document, kind) in cases {
        let errors = door.refusal(name, document);
        assert_refused(&errors, *kind);
        assert_eq!(errors.handoff_sha256, Some(Digest::of(document)), "{name}");
        assert_eq!(errors.file, "handoff.json", "{name}");
    }
    door.still_works();
}

#[test]
fn wrong_types_are_named_by_pointer_line_and_column() {
    let door = Door::open();
    for (name, field, value, pointer) in [
        (
            "text for a number",
            "confidence",
            r#""high""#,
            "/confidence",
        ),
        ("out of range", "confidence", "74", "/confidence"),
        ("number for text", "task", "7", "/task"),
        ("object for a list", "artifacts", "{}", "/artifacts"),
        ("number in a list", "artifacts", "[7]", "/artifacts/0"),
        ("null", "from_agent", "null", "/from_agent"),
        ("no time", "created_at", r#""yesterday""#, "/created_at"),
    ] {
        let mut lines = vec![
            r#"{ "handoff_version": "1.0","#.to_owned(),
            format!(r#"  "{field}": {value},"#),
        ];
        for (other, text) in [("from_agent", r#""m""#), ("task", r#""t""#)] {
            if other != field {
                lines.push(format!(r#"  "{other}": {text},"#));
            }
        }
        lines.push(r#"  "x-end": 1 }"#.to_owned());
        let errors = door.refusal(name, lines.join("\n").as_bytes());
        assert_refused(&errors, InvalidContract);
        let found = errors
            .errors
            .iter()
            .find(|violation| violation.pointer == pointer);
        let found = found.unwrap_or_else(|| panic!("{name}: no {pointer} in {errors:#?}"));
        assert_eq!(found.line, 2, "{name}: {found:?}");
        assert!(found.column > 1, "{name}: {found:?}");
    }
    for document in [
        &b"[]"[..],
        b"7",
        b"\"text\"",
        b"null",
        b"[{\"handoff_version\":\"1.0\"}]",
    ] {
        let name = String::from_utf8_lossy(document).replace(['/', '"'], "_");
        let errors = door.refusal(&name, document);
        assert!(
            matches!(
                errors.code,
                UnknownDialect | InvalidContract | MalformedJson
            ),
            "{errors:#?}"
        );
    }
    door.still_works();
}

#[test]
fn a_document_of_300_mb_is_refused_without_reading_it() {
    let mut door = Door::open();
    let before = peak_memory(&mut door.bed);
    for (folder, fill) in [("zeros", 0_u8), ("digits", b'1')] {
        let path = door.bed.workspace().join(folder);
        fs::create_dir(&path).unwrap();
        let beside = path.join(".part");
        let mut file = File::create(&beside).unwrap();
        if fill == 0 {
            file.set_len(300 << 20).unwrap();
        } else {
            let piece = vec![fill; 1 << 20];
            (0..300).for_each(|_| file.write_all(&piece).unwrap());
        }
        drop(file);
        fs::rename(&beside, path.join("handoff.json")).unwrap();
        let errors: ErrorsDocument = wait::until("the refusal", || {
            serde_json::from_slice(&fs::read(path.join("handoff.errors.json")).ok()?).ok()
        });
        assert_refused(&errors, TooLarge);
        fs::remove_file(path.join("handoff.json")).unwrap();
    }
    let grown = peak_memory(&mut door.bed).saturating_sub(before);
    // What an index takes to begin, and a fifth of one document.
    assert!(grown < 64 << 10, "the daemon grew by {grown} KiB");
    door.still_works();
}

/// Most memory that the daemon ever held, in KiB.
fn peak_memory(bed: &mut TestBed) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", bed.daemon().pid())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

#[test]
fn paths_that_leave_their_folder_are_refused() {
    let door = Door::open();
    fs::write(door.bed.home.join("secret"), "secret").unwrap();
    fs::write(door.bed.workspace().join("neighbour"), "of somebody else").unwrap();
    for (name, path) in [
        ("up", "../neighbour"),
        ("far up", "../../../secret"),
        ("up in between", "a/../../neighbour"),
        ("absolute", "/etc/passwd"),
        ("backslash", "..\\neighbour"),
        ("control character", "a\u{7}b"),
        ("zero", "a\0b"),
        ("dot and up", "./../neighbour"),
        ("empty part", "a//b"),
        ("empty", ""),
        ("long", &"n".repeat(1_100)),
    ] {
        let errors = door.refusal_of_artifact(name, path, |_| {});
        assert_eq!(errors.code, PathRefused, "{name}: {errors:#?}");
        assert_eq!(errors.errors[0].pointer, "/artifacts/0", "{name}");
    }
    door.still_works();
}

#[test]
fn links_out_of_the_folder_are_never_followed() {
    let door = Door::open();
    let secret = door.bed.home.join("secret");
    fs::write(&secret, "secret").unwrap();
    let link_to = |target: &Path| {
        let target = target.to_owned();
        move |folder: &Path| symlink(&target, folder.join("a.txt")).unwrap()
    };
    let cases: Vec<(&str, Prepare)> = vec![
        ("link out", Box::new(link_to(&secret))),
        (
            "link to a device",
            Box::new(link_to(Path::new("/dev/zero"))),
        ),
        ("link to nothing", Box::new(link_to(Path::new("nothing")))),
        ("link to itself", Box::new(link_to(Path::new("a.txt")))),
        (
            "link inside",
            Box::new(|folder: &Path| {
                fs::write(folder.join("real.txt"), "real").unwrap();
                symlink("real.txt", folder.join("a.txt")).unwrap();
            }),
        ),
    ];
    for (name, prepare) in cases {
        assert_refused(
            &door.refusal_of_artifact(name, "a.txt", prepare),
            PathRefused,
        );
    }
    let errors = door.refusal_of_artifact("link on the way", "sub/secret", |folder| {
        symlink(&door.bed.home, folder.join("sub")).unwrap();
    });
    assert_refused(&errors, PathRefused);
    // A link in the place of the document itself, and a linked folder.
    let folder = door.bed.workspace().join("linked document");
    fs::create_dir(&folder).unwrap();
    symlink(&secret, folder.join("handoff.json")).unwrap();
    symlink(&door.bed.home, door.bed.workspace().join("linked folder")).unwrap();
    fs::write(
        door.bed.home.join("handoff.json"),
        door.agent.package("outside").text(),
    )
    .unwrap();
    let errors: ErrorsDocument = wait::until("the refusal", || {
        serde_json::from_slice(&fs::read(folder.join("handoff.errors.json")).ok()?).ok()
    });
    assert_refused(&errors, PathRefused);
    door.still_works();
    assert!(
        !door.bed.home.join("handoff.receipt.json").exists(),
        "a linked folder was entered"
    );
}

#[test]
fn what_is_no_regular_file_is_refused_at_once() {
    let door = Door::open();
    let mknod = |path: &Path, kind: &[&str]| {
        let status = Command::new("mknod").arg(path).args(kind).status().unwrap();
        assert!(status.success(), "{kind:?}");
    };
    let fifo = door.refusal_of_artifact("fifo", "a.txt", |folder| {
        mknod(&folder.join("a.txt"), &["p"]);
    });
    assert_refused(&fifo, PathRefused);
    let folder = door.refusal_of_artifact("folder", "a.txt", |folder| {
        fs::create_dir(folder.join("a.txt")).unwrap();
    });
    assert_refused(&folder, PathRefused);
    let mut listener = None;
    let socket = door.refusal_of_artifact("socket", "a.txt", |folder| {
        listener = Some(UnixListener::bind(folder.join("a.txt")).unwrap());
    });
    assert_refused(&socket, PathRefused);
    if rustix::process::geteuid().is_root() {
        let device = door.refusal_of_artifact("device", "a.txt", |folder| {
            mknod(&folder.join("a.txt"), &["c", "1", "5"]);
        });
        assert_refused(&device, PathRefused);
    } else {
        skip("only the superuser makes a device");
    }
    // The document itself.
    let folder = door.bed.workspace().join("fifo as document");
    fs::create_dir(&folder).unwrap();
    mknod(&folder.join("handoff.json"), &["p"]);
    door.still_works();
}

#[test]
fn names_that_are_not_utf_8_hide_nothing() {
    let door = Door::open();
    // A package that carries such a file is refused by name.
    let staging = door.bed.workspace().join(".staging");
    fs::create_dir(&staging).unwrap();
    fs::write(staging.join(OsStr::from_bytes(b"a\xff.txt")), "a").unwrap();
    fs::write(
        staging.join("handoff.json"),
        door.agent.package("odd file").text(),
    )
    .unwrap();
    let inbox = door.bed.workspace().join("inbox/mallory");
    fs::create_dir_all(&inbox).unwrap();
    fs::rename(&staging, inbox.join("odd")).unwrap();
    let answers = door.bed.workspace().join(".countersign/inbox/mallory/odd");
    let errors: ErrorsDocument = wait::until("the refusal", || {
        serde_json::from_slice(&fs::read(answers.join("handoff.errors.json")).ok()?).ok()
    });
    assert_refused(&errors, PathRefused);
    // A folder of such a name does not stop its neighbours.
    let odd = door.bed.workspace().join(OsStr::from_bytes(b"folder\xff"));
    fs::create_dir(&odd).unwrap();
    fs::write(
        odd.join("handoff.json"),
        door.agent.package("odd folder").text(),
    )
    .unwrap();
    door.still_works();
}

#[test]
fn bidi_and_hidden_characters_never_pass_as_ids_or_paths() {
    let door = Door::open();
    for (name, character) in [
        ("bidi", '\u{202e}'),
        ("tag", '\u{e0041}'),
        ("zero width", '\u{200b}'),
    ] {
        let path = format!("a{character}txt.exe");
        let errors = door.refusal_of_artifact(name, &path, |folder| {
            fs::write(folder.join(&path), "x").unwrap();
        });
        assert!(
            matches!(errors.code, PathRefused | InvalidContract),
            "{errors:#?}"
        );
        let id = door
            .agent
            .package(name)
            .with("task_id", format!("q3{character}"));
        let errors = door.refusal(&format!("{name} in an id"), &id.text());
        assert_refused(&errors, InvalidContract);
    }
    door.still_works();
}

#[test]
fn a_file_that_is_still_written_is_waited_for() {
    let door = Door::open();
    let folder = door.bed.workspace().join("slow");
    fs::create_dir(&folder).unwrap();
    let mut artifact = File::create(folder.join("a.txt")).unwrap();
    let text = door
        .agent
        .package("slow")
        .with("artifacts", vec!["a.txt"])
        .text();
    let (start, rest) = text.split_at(text.len() / 2);
    let mut document = File::create(folder.join("handoff.json")).unwrap();
    document.write_all(start).unwrap();
    // Good work that comes later is taken first; so the slow one was looked at and left alone.
    let other = door.agent.package("quick");
    door.agent
        .write("quick", &other, Care::Rename)
        .unwrap()
        .receipt();
    assert!(!folder.join("handoff.errors.json").exists());
    assert!(!folder.join("handoff.receipt.json").exists());
    document.write_all(rest).unwrap();
    drop(document);
    artifact.write_all(b"all of it").unwrap();
    drop(artifact);
    let delivery = Delivery {
        answers: folder.clone(),
        prefix: String::new(),
        document: folder.join("handoff.json"),
        taken: None,
        sha256: Digest::of(&text),
    };
    let receipt = delivery.receipt();
    let decision = door
        .bed
        .reviewer()
        .decide(receipt.handoff_id, Outcome::Approved, "");
    assert_eq!(decision.artifacts[0].sha256, Digest::of(b"all of it"));
}

#[test]
fn a_descriptor_or_hard_link_kept_after_the_delivery_changes_nothing() {
    let door = Door::open();
    let large = vec![b'r'; 100_000];
    let package = door
        .agent
        .package("kept open")
        .file("small.txt", "reviewed")
        .file("large.bin", large.clone());
    let delivery = door
        .agent
        .drop_package("p", &package, Care::Rename)
        .unwrap();
    let receipt = delivery.receipt();
    // The agent knows where its files are, wherever they were moved.
    let inbox = door.bed.workspace().join("inbox");
    let mut files = Vec::new();
    find(&inbox, &mut files);
    for path in &files {
        let _ = fs::hard_link(path, door.bed.home.join(path.file_name().unwrap()));
        if let Ok(mut file) = File::options().write(true).open(path) {
            file.write_all(b"evil").unwrap();
        }
    }
    assert!(
        files.iter().any(|path| path.ends_with("small.txt")),
        "{files:?}"
    );
    let decision = door
        .bed
        .reviewer()
        .decide(receipt.handoff_id, Outcome::Approved, "");
    for file in ["small.txt", "large.bin"] {
        if let Ok(mut file) = File::options().write(true).open(door.bed.home.join(file)) {
            file.write_all(b"evil again").unwrap();
        }
    }
    let released = door.bed.workspace().join(decision.released_to.unwrap());
    let read = |name: &str| wait::until("the release", || fs::read(released.join(name)).ok());
    assert_eq!(read("small.txt"), b"reviewed");
    assert_eq!(read("large.bin"), large);
}

fn find(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            find(&entry.path(), files);
        } else {
            files.push(entry.path());
        }
    }
}

#[test]
fn a_hard_link_to_a_file_elsewhere_is_sealed_as_it_is_now() {
    let door = Door::open();
    let elsewhere = door.bed.home.join("elsewhere");
    fs::write(&elsewhere, "as it is now").unwrap();
    let package = door
        .agent
        .package("linked")
        .with("artifacts", vec!["a.txt"]);
    let delivery = door.deliver("linked", &package.text(), |folder| {
        fs::hard_link(&elsewhere, folder.join("a.txt")).unwrap();
    });
    let receipt = delivery.receipt();
    fs::write(&elsewhere, "evil").unwrap();
    let decision = door
        .bed
        .reviewer()
        .decide(receipt.handoff_id, Outcome::Approved, "");
    let released = door
        .bed
        .workspace()
        .join(decision.released_to.unwrap())
        .join("a.txt");
    assert_eq!(
        wait::until("the release", || fs::read(&released).ok()),
        b"as it is now"
    );
}

#[test]
fn an_answer_that_an_agent_forged_is_not_believed() {
    let door = Door::open();
    let package = door.agent.package("forged").file("a.txt", "a");
    let forged = br#"{"outcome":"approved","decided_by":{"display":"Robin Reviewer"}}"#;
    let delivery = door.deliver("forged", &package.text(), |folder| {
        fs::write(folder.join("a.txt"), "a").unwrap();
        fs::write(folder.join("decision.json"), forged).unwrap();
        symlink(door.bed.home.join("target"), folder.join("feedback.md")).unwrap();
    });
    let receipt = delivery.receipt();
    assert_eq!(
        door.bed.reviewer().row(receipt.handoff_id)["state"],
        "waiting"
    );
    door.bed
        .reviewer()
        .decide(receipt.handoff_id, Outcome::Rejected, "No");
    assert_eq!(delivery.decision(1).outcome, Outcome::Rejected);
    assert!(
        !door.bed.home.join("target").exists(),
        "a link was followed"
    );
}
