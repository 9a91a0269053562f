//! What holds agents back: real attacks by real users, each refused, or found, put right and told.
//!
//! As the superuser the suite attacks as users of their own; without, agents have the user of the daemon, and
//! only what the kernel offers to everybody holds them back.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the attacks are made here"
)]

mod claims;
mod delegation;
mod gate;
mod mounts;
mod outside;
mod ownership;
mod release;
mod state;
mod terminals;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::Command,
};

use countersign_protocol::{HandoffId, decision::Outcome as Decided};
use countersign_tests::{
    attack::{
        ARES, HERMES, Outcome, Scene, Target, VARIABLE, attack_by, attacks, attacks_by, neighbour,
        perform,
    },
    bed::{TestBed, WORKSPACE},
    http::base64,
    repo,
    skip::skip,
    wait,
};
use serde_json::{Value, json};

use self::outside::Outside;

/// The child of every attack; nothing in this process.
#[test]
fn attacker() {
    perform();
}

/// Who attacks, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Setting {
    /// Another user than the daemon, in the shared folder.
    OtherUser,
    /// Another user, started by `countersign run`.
    OtherUserConfined,
    /// The user of the daemon itself, started by `countersign run`.
    SameUserConfined,
    /// The user of the daemon itself, in the shared folder: nothing holds it back.
    SameUser,
}

use Setting::{OtherUser, OtherUserConfined, SameUser, SameUserConfined};

impl Setting {
    const ALL: [Self; 4] = [OtherUser, OtherUserConfined, SameUserConfined, SameUser];

    fn is_other_user(self) -> bool {
        matches!(self, OtherUser | OtherUserConfined)
    }

    fn is_confined(self) -> bool {
        matches!(self, OtherUserConfined | SameUserConfined)
    }

    /// Against an agent that is the daemon itself, only approved work is kept.
    fn attacks(self, target: Target) -> bool {
        match target {
            Target::Release | Target::Approved => true,
            Target::Machine | Target::Network => self.is_confined(),
            Target::Inbox | Target::Record | Target::Foreign => self != SameUser,
        }
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

const CONFIG: &str = r#"
[[agent]]
id = "hermes"
user = "40001"

[[agent]]
id = "ares"
user = "40002"

[[boundary]]
protect = true
"#;

/// A scene with two workspaces in which agents of a setting work.
struct Theatre {
    bed: TestBed,
    setting: Setting,
    outside: Outside,
}

impl Theatre {
    fn open(setting: Setting) -> Self {
        let outside = Outside::open(setting);
        let secret = outside.folder.join("secret");
        let config = format!(
            "{CONFIG}\n[observe]\nmetrics_token = {{ file = \"{}\" }}\n",
            secret.display()
        );
        let mut bed = TestBed::prepare().configured(&config);
        let root = &bed.launch.roots[0];
        fs::create_dir_all(root.join("other")).unwrap();
        fs::write(root.join("other/secret.md"), "secret").unwrap();
        let area = bed.workspace().join("hermes");
        fs::create_dir(&area).unwrap();
        let mode = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(&bed.home, 0o755);
        mode(&bed.workspace(), 0o777);
        mode(&root.join("other"), 0o700);
        if is_root() {
            chown(&area, Some(HERMES), Some(HERMES)).unwrap();
            if !setting.is_other_user() {
                let user = HERMES.to_string();
                let as_agent = [
                    "setpriv",
                    "--reuid",
                    &user,
                    "--regid",
                    &user,
                    "--clear-groups",
                ];
                bed.launch.wrapper = as_agent.map(str::to_owned).to_vec();
                own(&bed.home.clone(), HERMES);
            }
        }
        bed.up();
        let theatre = Self {
            bed,
            setting,
            outside,
        };
        theatre.set();
        theatre
    }

    /// What the neighbour left in its box, and something in the quarantine.
    fn set(&self) {
        let quarantine = self.bed.workspace().join(".countersign/quarantine");
        fs::create_dir(&quarantine).unwrap();
        fs::write(quarantine.join("foreign"), "foreign").unwrap();
        fs::set_permissions(&quarantine, fs::Permissions::from_mode(0o700)).unwrap();
        if is_root() && !self.setting.is_other_user() {
            own(&quarantine, HERMES);
        }
        let boxed = self.bed.workspace().join("inbox/ares");
        fs::create_dir_all(&boxed).unwrap();
        let delivery = boxed.join("delivery.txt");
        fs::write(&delivery, "ares").unwrap();
        fs::set_permissions(&delivery, fs::Permissions::from_mode(0o640)).unwrap();
        if is_root() && self.setting.is_other_user() {
            chown(&delivery, Some(ARES), Some(ARES)).unwrap();
        }
    }

    /// Approved work; its handoff.
    fn release(&self) -> HandoffId {
        self.release_by(|id| drop(self.bed.reviewer().decide(id, Decided::Approved, "")))
    }

    /// A release that was approved with these words of the command line.
    fn release_with(&self, words: &[&str]) -> HandoffId {
        self.release_by(|id| {
            let id = id.to_string();
            let (exit, _, errors) = self.bed.run(&[&["approve", &id], words].concat());
            assert_eq!(exit, 0, "{errors}");
        })
    }

    fn release_by(&self, approve: impl FnOnce(HandoffId)) -> HandoffId {
        let http = self.bed.http();
        let document = json!({
            "handoff_version": "1.0", "from_agent": "hermes", "artifacts": ["report.md", "tool.sh"],
            "task": format!("Report {}", self.activity().len()),
        });
        let body = json!({
            "folder": "", "document": document.to_string(),
            "files": {
                "report.md": base64(b"the report\n"),
                "tool.sh": base64(b"#!/bin/sh\n"),
            },
        });
        let path = format!("/api/v1/workspaces/{WORKSPACE}/handoffs");
        let receipt = http.push(&path, &body).expect(201).json();
        let id: HandoffId = receipt["handoff_id"].as_str().unwrap().parse().unwrap();
        approve(id);
        wait::until("the release", || {
            let told = self.events("artifact.approved");
            told.iter()
                .any(|row| row["handoff"] == id.to_string())
                .then_some(())
        });
        id
    }

    fn scene(&self, release: &str) -> Scene {
        Scene {
            workspace: self.bed.workspace(),
            release: release.to_owned(),
            other: self.bed.launch.roots[0].join("other"),
            data: self.bed.data().to_owned(),
            pid: self.bed.endpoint().pid,
            port: self.outside.port(),
            shared: self.outside.shared.key,
            outside: self.outside.folder.clone(),
        }
    }

    /// Starts this test program as the agent of the setting.
    fn agent(&self, more: &[&str]) -> Command {
        let program = std::env::current_exe().unwrap();
        if self.setting.is_confined() {
            let program = program.to_str().unwrap();
            let mut command = self.run(&["--read", program, "--env", VARIABLE]);
            command.args(more).arg("--").arg(program);
            command
        } else if is_root() {
            neighbour(&program)
        } else {
            Command::new(program)
        }
    }

    /// `countersign run` for hermes.
    fn run(&self, more: &[&str]) -> Command {
        let workspace = self.bed.workspace();
        let mut command = self.bed.launch.command(&["run", "--agent", "hermes"]);
        command
            .args(["--dir", "hermes", "--workspace"])
            .arg(workspace)
            .args(more)
            .current_dir("/");
        command
    }

    fn activity(&self) -> Vec<Value> {
        let rows = self.bed.http().fetch("/api/v1/activity?limit=500").json();
        rows.as_array().cloned().unwrap_or_default()
    }

    fn events(&self, name: &str) -> Vec<Value> {
        let mut rows = self.activity();
        rows.retain(|row| row["event"] == name);
        rows
    }

    /// How often a release, or `approved/` itself, was said to be changed and to be put right.
    fn told(&self, id: Option<HandoffId>) -> (usize, usize) {
        let of = |name: &str| {
            let about = json!(id.map(|id| id.to_string()));
            let rows = self.events(name);
            rows.iter().filter(|row| row["handoff"] == about).count()
        };
        (of("artifact.violation"), of("artifact.restored"))
    }
}

/// Gives a tree to a user.
fn own(path: &Path, user: u32) {
    chown(path, Some(user), Some(user)).unwrap();
    if path.is_dir() {
        for one in fs::read_dir(path).unwrap() {
            own(&one.unwrap().path(), user);
        }
    }
}

/// Everything in a tree: kind, mode and bytes by path.
fn picture(root: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut seen = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(path) = open.pop() {
        let Ok(found) = path.symlink_metadata() else {
            continue;
        };
        let bytes = if found.is_file() {
            fs::read(&path).unwrap_or_default()
        } else if found.is_symlink() {
            b"a link".to_vec()
        } else {
            Vec::new()
        };
        seen.insert(path.clone(), (found.mode(), bytes));
        if found.is_dir() {
            let inside = fs::read_dir(&path).into_iter().flatten().flatten();
            open.extend(inside.map(|one| one.path()));
        }
    }
    // What is being made is nobody's business yet.
    seen.retain(|path, _| !path.to_string_lossy().contains(".countersign-tmp-"));
    seen
}

/// Attacks that may be done without changing anything that counts.
const NO_EFFECT: [&str; 1] = ["take an approved file over"];

/// What an attack came to, in the words of the table.
fn refused(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Refused(why) => {
            let why = why.split(" (os error").next().unwrap_or_default();
            format!("refused: {}", why.to_lowercase())
        }
        Outcome::Done => "**done**".to_owned(),
    }
}

/// Performs the attacks on the machine and the network; what came of each, by its number.
fn attacks_on_the_machine(theatre: &Theatre) -> BTreeMap<usize, String> {
    let mut said = BTreeMap::new();
    for (target, more) in [
        (Target::Machine, &[][..]),
        // Nobody listens at this port, which is granted.
        (Target::Network, &["--network", "1"][..]),
    ] {
        let all = attacks();
        let numbers: Vec<usize> = (0..all.len())
            .filter(|number| all[*number].target == target)
            .collect();
        let mut agent = theatre.agent(&[&["--require"], more].concat());
        agent.env("COUNTERSIGN_OUTSIDE_SECRET", "x");
        let outcomes = attacks_by(agent, &numbers, &theatre.scene("H-1"));
        said.extend(numbers.into_iter().zip(outcomes.iter().map(refused)));
    }
    said
}

/// Performs all attacks of a setting; what came of each.
fn attack_all(setting: Setting) -> Vec<String> {
    let theatre = Theatre::open(setting);
    let mut outcomes = Vec::new();
    theatre.release();
    let mut on_the_machine = if setting.is_confined() {
        attacks_on_the_machine(&theatre)
    } else {
        BTreeMap::new()
    };
    for (number, attack) in attacks().iter().enumerate() {
        if !setting.attacks(attack.target) {
            outcomes.push("not tried".to_owned());
            continue;
        }
        if let Some(said) = on_the_machine.remove(&number) {
            outcomes.push(said);
            continue;
        }
        let release = match attack.target {
            Target::Release => theatre.release(),
            _ => HandoffId(1),
        };
        let approved = theatre.bed.workspace().join("approved");
        let before = picture(&approved);
        let scene = theatre.scene(&release.to_string());
        let outcome = attack_by(theatre.agent(&[]), number, &scene);
        let guarded = match attack.target {
            Target::Release => Some(Some(release)),
            Target::Approved => Some(None),
            _ => None,
        };
        wait::until(
            &format!("{setting:?}: {}: approved work as approved", attack.name),
            || (picture(&approved) == before).then_some(()),
        );
        let said = match (outcome, guarded) {
            (outcome @ Outcome::Refused(_), _) => refused(&outcome),
            (Outcome::Done, Some(_)) if NO_EFFECT.contains(&attack.name) => "no effect".to_owned(),
            (Outcome::Done, Some(about)) => {
                wait::until(&format!("{setting:?}: {}: it is told", attack.name), || {
                    let (violated, restored) = theatre.told(about);
                    (violated > 0 && violated == restored).then_some(())
                });
                "found, put right, told".to_owned()
            }
            (Outcome::Done, None) => "**done**".to_owned(),
        };
        outcomes.push(said);
    }
    let cards = theatre.bed.reviewer().everything();
    drop(cards);
    let queue = theatre
        .bed
        .http()
        .fetch("/api/v1/handoffs?limit=200")
        .json();
    let asked = queue["rows"]
        .as_array()
        .unwrap()
        .iter()
        .any(|row| row["agent"] == "countersign");
    let was_hit = outcomes.iter().any(|one| one.starts_with("found"));
    assert_eq!(
        asked, was_hit,
        "a person is asked when, and only when, work was changed"
    );
    let (exit, said, errors) = theatre.bed.run(&["verify", "approved"]);
    assert_eq!(exit, 0, "{said}{errors}");
    outcomes
}

#[test]
fn every_attack_is_refused_or_found_put_right_and_told() {
    let mut columns = Vec::new();
    for setting in Setting::ALL {
        if setting.is_other_user() && !is_root() {
            skip(&format!("{setting:?} needs the superuser"));
            continue;
        }
        let outcomes = attack_all(setting);
        for (attack, outcome) in attacks().iter().zip(&outcomes) {
            assert_ne!(outcome, "**done**", "{setting:?}: {}", attack.name);
        }
        columns.push(outcomes);
    }
    let tried: usize = columns
        .iter()
        .flatten()
        .filter(|one| *one != "not tried")
        .count();
    assert!(attacks().len() >= 100 && tried >= 124, "{tried}");
    if columns.len() == Setting::ALL.len() {
        hold_to_documentation(&columns);
    }
}

/// The table in docs/boundaries.md is what was seen.
fn hold_to_documentation(columns: &[Vec<String>]) {
    const FILE: &str = "docs/boundaries.md";
    const START: &str = "<!-- attacks -->\n";
    const END: &str = "<!-- /attacks -->";
    let mut table = String::from(
        "| attack | other user | other user, `run` | same user, `run` | same user |\n|---|---|---|---|---|\n",
    );
    for (row, attack) in attacks().iter().enumerate() {
        let _ = write!(table, "| {} |", attack.name);
        for column in columns {
            let _ = write!(table, " {} |", column[row]);
        }
        table.push('\n');
    }
    let text = repo::read(FILE);
    let (before, rest) = text.split_once(START).expect("the page has the mark");
    let (written, after) = rest.split_once(END).expect("the table ends with a mark");
    if std::env::var_os("COUNTERSIGN_WRITE_TABLE").is_some() {
        let page = format!("{before}{START}{table}{END}{after}");
        fs::write(repo::root().join(FILE), page).unwrap();
        return;
    }
    assert_eq!(
        written, table,
        "{FILE} says something else; COUNTERSIGN_WRITE_TABLE=1 writes it anew"
    );
}

#[test]
fn kill_9_between_finding_and_putting_right_loses_no_violation() {
    for step in [
        "guard.violation_recorded",
        "guard.exchanged",
        "guard.restored",
    ] {
        let mut theatre = Theatre::open(SameUser);
        let id = theatre.release();
        let approved = theatre.bed.workspace().join("approved");
        let before = picture(&approved);
        let crash = ("COUNTERSIGN_CRASH_AT".to_owned(), format!("{step}:1"));
        theatre.bed.launch.env.push(crash);
        theatre.bed.restart();
        let report = approved.join(id.to_string()).join("report.md");
        fs::set_permissions(&report, fs::Permissions::from_mode(0o644)).unwrap();
        fs::write(&report, "forged").unwrap();
        wait::until("the daemon to die", || theatre.bed.daemon().ended());
        assert!(theatre.bed.daemon().was_killed(), "{step}");
        theatre
            .bed
            .launch
            .env
            .retain(|(name, _)| name != "COUNTERSIGN_CRASH_AT");
        theatre.bed.up();
        wait::until(&format!("{step}: put right"), || {
            (picture(&approved) == before).then_some(())
        });
        wait::until(&format!("{step}: told"), || {
            (theatre.told(Some(id)) == (1, 1)).then_some(())
        });
        let quarantine = theatre.bed.workspace().join(".countersign/quarantine");
        let kept: Vec<_> = fs::read_dir(quarantine).unwrap().collect();
        assert_eq!(kept.len(), 2, "{step}: the foreign bytes are kept once");
    }
}

#[test]
fn an_agent_is_started_with_what_its_workspace_grants() {
    let setting = if is_root() {
        OtherUserConfined
    } else {
        SameUserConfined
    };
    let theatre = Theatre::open(setting);
    let shell = |more: &[&str], script: &str| {
        let output = theatre
            .run(more)
            .args(["--", "/bin/sh", "-c", script])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status, said, errors)
    };
    // It works where it may work, and hands over by moving into its box.
    let script = "mkdir pkg && echo hi > pkg/a.txt && \
        echo '{\"handoff_version\":\"1.0\",\"from_agent\":\"hermes\",\"task\":\"Boxed\",\"artifacts\":[\"a.txt\"]}' > pkg/handoff.json && \
        mv pkg ../inbox/hermes/pkg && echo moved; ls ../inbox/hermes 2>/dev/null && echo listed; \
        cat ../inbox/hermes/pkg/a.txt 2>/dev/null && echo read; id -u; touch \"$HOME/x\" && echo home";
    let (status, said, errors) = shell(&["--require"], script);
    assert!(status.success(), "{said}{errors}");
    assert!(
        said.contains("moved") && said.contains("home"),
        "{said}{errors}"
    );
    assert!(!said.contains("listed") && !said.contains("read"), "{said}");
    if is_root() {
        assert!(said.contains("40001"), "{said}");
    }
    wait::until("the package on a card", || {
        let turn = theatre.bed.reviewer().turn().ok()?;
        (turn.len() == 1).then_some(())
    });
    // What it dropped itself is out of its reach as well.
    for attack in [
        "cat ../inbox/hermes/second",
        "echo x > ../inbox/hermes/second",
        "echo x >> ../inbox/hermes/second",
        "truncate -s 0 ../inbox/hermes/second",
        "rm -f ../inbox/hermes/second",
        "mv ../inbox/hermes/second back",
        "echo y > mine; mv -f mine ../inbox/hermes/second",
        "ln ../inbox/hermes/second same",
        "cp own ../inbox/hermes/new",
        "mknod ../inbox/hermes/pipe p",
        "ln -s /etc ../inbox/hermes/link",
    ] {
        let script = format!("echo own > own; mv own ../inbox/hermes/second 2>/dev/null; {attack}");
        let (status, said, _) = shell(&[], &script);
        assert!(!status.success(), "{attack}: {said}");
    }
    // Codes and signals pass through.
    assert_eq!(shell(&[], "exit 7").0.code(), Some(7));
    let killed = shell(&[], "kill -SEGV $$").0;
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&killed),
        Some(11)
    );
    let (_, said, _) = shell(
        &["--network", "none"],
        "python3 -c 'import socket; socket.socket()' 2>&1 || true",
    );
    assert!(
        said.contains("Permission denied") || said.contains("not found"),
        "{said}"
    );
}

#[test]
fn a_signal_goes_to_the_agent_and_a_crash_becomes_a_card_with_its_last_checkpoint() {
    let setting = if is_root() {
        OtherUserConfined
    } else {
        SameUserConfined
    };
    let theatre = Theatre::open(setting);
    let area = theatre.bed.workspace().join("hermes");
    let script =
        "trap 'echo stopped > stopped; exit 0' TERM; echo > ready; while :; do sleep 0.05; done";
    let mut started = theatre
        .run(&["--", "/bin/sh", "-c", script])
        .spawn()
        .unwrap();
    wait::until("the agent at work", || {
        area.join("ready").exists().then_some(())
    });
    let pid = rustix::process::Pid::from_child(&started);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(started.wait().unwrap().success());
    assert!(area.join("stopped").exists());
    assert_eq!(theatre.bed.reviewer().turn().unwrap(), []);
    let script = "echo '{\"checkpoint_version\":\"1.0\",\"from_agent\":\"hermes\",\"step\":4,\"completed\":[\"read\"],\"remaining\":[\"write\"]}' > checkpoint.json; kill -KILL $$";
    let status = theatre
        .run(&["--", "/bin/sh", "-c", script])
        .status()
        .unwrap();
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(9)
    );
    let shown = wait::until("the card of the crash", || {
        theatre.bed.reviewer().turn().ok()?.pop()
    });
    let row = theatre.bed.reviewer().row(shown.id);
    assert_eq!(row["title"], "hermes crashed after step 4");
    assert_eq!(row["trigger"], "error");
}

/// An agent that speaks in the name of another one, and one that is not admitted.
#[test]
fn an_agent_with_a_user_of_its_own_cannot_speak_for_another() {
    if !is_root() {
        skip("it needs the superuser");
        return;
    }
    let theatre = Theatre::open(OtherUser);
    let area = theatre.bed.workspace().join("hermes");
    let document = area.join("handoff.json");
    let forged = r#"{"handoff_version":"1.0","from_agent":"ares","task":"Forged"}"#;
    let written = Command::new("/bin/sh")
        .args(["-c", "printf %s \"$1\" > \"$2\"", "sh", forged])
        .arg(&document)
        .uid(HERMES)
        .gid(HERMES)
        .status()
        .unwrap();
    assert!(written.success());
    let errors = wait::until("the refusal", || {
        let text = fs::read(area.join("handoff.errors.json")).ok()?;
        serde_json::from_slice::<Value>(&text).ok()
    });
    assert_eq!(errors["code"], "principal-mismatch");
    assert_eq!(theatre.bed.reviewer().turn().unwrap(), []);
}

#[test]
fn require_starts_no_agent_as_the_superuser() {
    if !is_root() {
        skip("it needs the superuser");
        return;
    }
    let bed = TestBed::start();
    let started = |require: &[&str]| {
        let run = ["run", "--agent", "zeus", "--workspace", "work"];
        let command = ["--", "/usr/bin/id", "-u"];
        bed.run(&[&run[..], require, &command[..]].concat())
    };
    let (code, out, errors) = started(&["--require"]);
    assert_eq!((code, out.as_str()), (4, ""), "{errors}");
    assert!(errors.contains("superuser"), "{errors}");
    let (code, out, errors) = started(&[]);
    assert_eq!((code, out.trim()), (0, "0"), "{errors}");
    assert!(errors.contains("not enforced"), "{errors}");
}

#[test]
fn released_files_with_the_immutable_flag_cannot_be_changed_even_by_the_superuser() {
    if !is_root() {
        skip("it needs the superuser");
        return;
    }
    let mut theatre = Theatre::open(OtherUser);
    let config = format!("{CONFIG}immutable = true\n");
    fs::write(theatre.bed.home.join("countersign.toml"), config).unwrap();
    theatre.bed.restart();
    let id = theatre.release();
    let report = theatre
        .bed
        .workspace()
        .join(format!("approved/{id}/report.md"));
    let frozen = wait::within(wait::LIMIT, || {
        fs::set_permissions(&report, fs::Permissions::from_mode(0o644)).err()
    });
    let Some(refused) = frozen else {
        eprintln!("this file system has no immutable flag");
        return;
    };
    assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied);
    let flag = |path: &Path, on: bool| {
        let change = if on { "+i" } else { "-i" };
        let done = Command::new("chattr")
            .args(["-R", change])
            .arg(path)
            .status();
        assert!(done.unwrap().success());
    };
    // Whoever takes the flag off and changes the file is found all the same, and the flag is back.
    let folder = report.parent().unwrap().to_owned();
    flag(&folder, false);
    fs::set_permissions(&report, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&report, "forged").unwrap();
    wait::until("put right and frozen again", || {
        let is_right = fs::read(&report).ok()? == b"the report\n";
        let writable = fs::OpenOptions::new().write(true).open(&report).is_ok();
        (is_right && !writable).then_some(())
    });
    theatre.bed.down();
    flag(&folder, false);
}
