//! A workspace changes hands: the agent's next write is refused by the file system, every byte is the person's, and
//! kill -9 anywhere in between changes nothing of that.

use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::Path,
    process::Command,
};

use countersign_tests::{
    attack::HERMES,
    bed::{TestBed, WORKSPACE},
    skip::skip,
    wait,
};
use serde_json::{Value, json};

use super::{is_root, own};

const PRIYA: u32 = 50_001;
const CONFIG: &str = r#"
[[agent]]
id = "hermes"
user = "40001"

[[person]]
id = "priya"
name = "Priya Raman"
user = "50001"

[[boundary]]
owner = "priya"
protect = true
"#;

/// A workspace in which hermes has been at work.
fn stage() -> TestBed {
    let mut bed = TestBed::prepare().configured(CONFIG);
    let area = bed.workspace().join("hermes/deep");
    fs::create_dir_all(&area).unwrap();
    fs::write(area.join("draft.md"), "a draft").unwrap();
    fs::write(bed.workspace().join("hermes/open.md"), "still open").unwrap();
    if is_root() {
        own(&bed.workspace().join("hermes"), HERMES);
        chown(bed.workspace(), Some(HERMES), Some(HERMES)).unwrap();
    }
    for folder in [bed.home.clone(), bed.launch.roots[0].clone()] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    bed.up();
    bed
}

/// Runs a line of shell as hermes; says whether it worked.
fn hermes(bed: &TestBed, line: &str) -> bool {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", line]).current_dir("/");
    shell
        .env("W", bed.workspace())
        .stderr(std::process::Stdio::null());
    if is_root() {
        shell.uid(HERMES).gid(HERMES);
    }
    shell.status().unwrap().success()
}

fn row(bed: &TestBed) -> Value {
    let rows = bed.http().fetch("/api/v1/workspaces").json();
    rows.as_array().unwrap()[0].clone()
}

fn settled(bed: &TestBed) -> Value {
    wait::until("the files of the workspace", || {
        let row = row(bed);
        (row["settling"] == json!(false) && !row["files"].is_null()).then_some(row)
    })
}

/// The secret at the end of the address that an offer prints.
fn offer(bed: &TestBed) -> String {
    let (exit, said, errors) = bed.run(&["transfer", WORKSPACE, "--to", "Priya Raman"]);
    assert_eq!(exit, 0, "{said}{errors}");
    let url = said.lines().find(|line| line.contains("claim?t=")).unwrap();
    url.to_owned()
}

fn accept(bed: &TestBed, claim: &str) {
    let (exit, said, errors) = bed.run(&["transfer", WORKSPACE, "--accept", "--claim", claim]);
    assert_eq!(exit, 0, "{said}{errors}");
}

/// Whose everything beneath `path` is, but for the rooms of the daemon.
fn owners(path: &Path, found: &mut Vec<(String, u32)>) {
    let metadata = path.symlink_metadata().unwrap();
    found.push((path.display().to_string(), metadata.uid()));
    if metadata.is_dir() {
        for one in fs::read_dir(path).unwrap() {
            let one = one.unwrap();
            let name = one.file_name();
            if !["approved", "inbox", ".countersign"]
                .iter()
                .any(|room| name == *room)
            {
                owners(&one.path(), found);
            }
        }
    }
}

fn all_owned_by(bed: &TestBed, user: u32) {
    let mut found = Vec::new();
    owners(&bed.workspace(), &mut found);
    let others: Vec<_> = found.iter().filter(|(_, uid)| *uid != user).collect();
    assert!(others.is_empty() && found.len() >= 5, "{others:?}");
}

const WRITES: [&str; 6] = [
    "echo more >> $W/hermes/deep/draft.md",
    "echo new > $W/hermes/new.md",
    "rm $W/hermes/deep/draft.md",
    "mv $W/hermes/deep $W/away",
    "chmod 777 $W/hermes",
    "echo x > $W/inbox/hermes/x",
];

#[test]
fn the_next_write_of_the_agent_is_refused_and_every_byte_is_the_persons() {
    let bed = stage();
    assert_eq!(row(&bed)["owner"]["name"], "Priya Raman");
    let mut kept = File::options()
        .append(true)
        .open(bed.workspace().join("hermes/open.md"))
        .unwrap();
    if is_root() {
        assert!(hermes(&bed, "echo more >> $W/hermes/deep/draft.md"));
    }
    let claim = offer(&bed);
    // An offer alone changes nothing, and neither does opening its page, however often.
    for _ in 0..3 {
        let page = bed.stranger().fetch(
            claim
                .split_once("/workspaces")
                .map(|(_, rest)| format!("/workspaces{rest}"))
                .unwrap()
                .as_str(),
        );
        assert!(page.text().contains("Priya Raman"));
    }
    assert_eq!(row(&bed)["held"], false);
    accept(&bed, &claim);
    let row = settled(&bed);
    assert_eq!(row["held"], true);
    if !is_root() {
        let limits = row["files"]["limits"].to_string();
        assert!(limits.contains("not as the superuser"), "{limits}");
        skip("only the superuser gives files away");
        return;
    }
    assert_eq!(row["files"]["left"], Value::Null, "{row}");
    all_owned_by(&bed, PRIYA);
    for line in WRITES {
        assert!(!hermes(&bed, line), "{line}");
    }
    // Nor through what it kept open.
    kept.write_all(b" and written to").unwrap();
    let text = fs::read_to_string(bed.workspace().join("hermes/open.md")).unwrap();
    assert_eq!(text, "still open");
    // A used claim is worth nothing.
    let again = bed.run(&["transfer", WORKSPACE, "--accept", "--claim", &claim]);
    assert_ne!(again.0, 0);
    let refused = bed.run(&[
        "run",
        "--agent",
        "hermes",
        "--workspace",
        WORKSPACE,
        "--",
        "true",
    ]);
    assert_eq!(refused.0, 4, "{refused:?}");
    // The daemon keeps it closed after a restart as well.
    let mut bed = bed;
    bed.restart();
    for line in WRITES {
        assert!(!hermes(&bed, line), "after a restart: {line}");
    }
    let (exit, said, errors) = bed.run(&["transfer", WORKSPACE, "--to", "agents"]);
    assert_eq!(exit, 0, "{said}{errors}");
    settled(&bed);
    all_owned_by(&bed, HERMES);
    for line in &WRITES[..2] {
        assert!(hermes(&bed, line), "{line}");
    }
    assert!(hermes(&bed, WRITES[5]), "the box takes deliveries again");
}

#[test]
fn kill_9_at_every_step_of_changing_hands_loses_nothing() {
    if !is_root() {
        skip("it needs the superuser");
        return;
    }
    for (step, hit) in [
        ("ownership.listed", 1),
        ("ownership.file", 1),
        ("ownership.file", 2),
        ("ownership.given", 1),
    ] {
        for is_return in [false, true] {
            if is_return && step == "ownership.listed" {
                continue;
            }
            let mut bed = stage();
            let claim = offer(&bed);
            if is_return {
                accept(&bed, &claim);
                settled(&bed);
            }
            let crash = ("COUNTERSIGN_CRASH_AT".to_owned(), format!("{step}:{hit}"));
            bed.launch.env.push(crash);
            bed.restart();
            if is_return {
                let _ = bed.run(&["transfer", WORKSPACE, "--to", "agents"]);
            } else {
                let _ = bed.run(&["transfer", WORKSPACE, "--accept", "--claim", &claim]);
            }
            wait::until("the daemon to die", || bed.daemon().ended());
            assert!(bed.daemon().was_killed(), "{step}");
            bed.launch
                .env
                .retain(|(name, _)| name != "COUNTERSIGN_CRASH_AT");
            bed.up();
            let row = settled(&bed);
            assert_eq!(row["held"], json!(!is_return), "{step} {hit}");
            all_owned_by(&bed, if is_return { HERMES } else { PRIYA });
            let told = bed.http().fetch("/api/v1/activity?limit=500").json();
            let count = |name: &str| {
                let rows = told.as_array().unwrap().iter();
                rows.filter(|row| row["event"] == name).count()
            };
            assert_eq!(count("ownership.accepted"), 1, "{step}");
            assert_eq!(count("ownership.listed"), 1, "{step}");
            assert_eq!(
                count("ownership.settled"),
                1 + usize::from(is_return),
                "{step}"
            );
            let (exit, said, _) = bed.run(&["audit", "verify"]);
            assert_eq!(exit, 0, "{said}");
        }
    }
}
