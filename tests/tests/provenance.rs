//! Who wrote what is handed over, as the kernel tells it beside what agents claim.
//!
//! Where the kernel does not tell (another user than root, an overlay), the same scenes must end with claims and nothing
//! that looks observed; `countersign doctor` says which of both holds here.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the agents of the scene are made here"
)]

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use countersign_tests::{bed::TestBed, skip::skip, wait};
use serde_json::{Value, json};

/// The agents of the scene with their users.
const AGENTS: [(&str, u32); 5] = [
    ("hermes", 40_001),
    ("ares", 40_002),
    ("athena", 40_003),
    ("apollo", 40_004),
    ("artemis", 40_005),
];
/// Handoffs of each of them.
const ROUNDS: usize = 2;
/// Files of each handoff; a document names no more.
const FILES: usize = 1_000;

fn config() -> String {
    let agents = AGENTS
        .iter()
        .map(|(name, user)| format!("[[agent]]\nid = \"{name}\"\nuser = \"{user}\"\n"));
    format!("[observe]\nwriters = true\n{}", agents.collect::<String>())
}

/// Whether the kernel tells who writes below the workspace of the bed.
fn is_heard(bed: &TestBed) -> bool {
    let workspace = bed.workspace();
    let (_, out, _) = bed.run(&["doctor", "--json", workspace.to_str().unwrap()]);
    let report: Value = serde_json::from_str(&out).unwrap();
    let all = report.to_string();
    assert!(all.contains("who writes files"), "{all}");
    let heard = all.contains("heard from the kernel");
    if !heard {
        skip("the kernel does not tell here who writes");
    }
    heard
}

/// A folder of the workspace that anybody may write into.
fn folder(bed: &TestBed, name: &str, user: u32) -> PathBuf {
    let folder = bed.workspace().join(name);
    fs::create_dir(&folder).unwrap();
    if rustix::process::geteuid().is_root() {
        chown(&folder, Some(user), Some(user)).unwrap();
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    folder
}

/// A shell that runs `script` in `folder` as that user, where we may become it, and then waits for the end of its
/// input: a process that is gone at once cannot be looked at.
fn shell(folder: &Path, user: u32, script: &str) -> Child {
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            &format!("{script}\necho done > .done\nread -r end || :"),
        ])
        .stdin(Stdio::piped())
        .current_dir(folder);
    if rustix::process::geteuid().is_root() {
        command.uid(user).gid(user);
    }
    let child = command.spawn().unwrap();
    wait::until("the script", || fs::remove_file(folder.join(".done")).ok());
    child
}

/// Lets a shell end.
fn ends(mut shell: Child) {
    drop(shell.stdin.take());
    assert!(shell.wait().unwrap().success());
}

/// What a reviewer sees of the handoff in a folder, once it is there.
fn card(bed: &TestBed, folder: &str) -> Value {
    let id = wait::until("the handoff", || {
        let page = bed.http().fetch("/api/v1/handoffs").expect(200).json();
        let mut rows = page["rows"].as_array().unwrap().iter();
        let row = rows.find(|row| row["folder"] == json!(folder))?;
        Some(row["id"].as_str().unwrap().to_owned())
    });
    let path = format!("/api/v1/handoffs/{id}/review");
    bed.http().fetch(&path).expect(200).json()
}

fn file<'a>(card: &'a Value, path: &str) -> &'a Value {
    let mut files = card["files"].as_array().unwrap().iter();
    files.find(|file| file["path"] == json!(path)).unwrap()
}

fn checks(card: &Value) -> String {
    card["checks"].to_string()
}

/// Writes its files in two goes each, and hands them over.
fn script(agent: &str) -> String {
    format!(
        r#"
i=0
while [ $i -lt {FILES} ]; do
    echo "$i by {agent}" > f$i.txt
    [ $((i % 3)) -eq 0 ] && echo "more" >> f$i.txt
    i=$((i + 1))
done
i=0
{{
    printf '%s' '{{"handoff_version":"1.0","from_agent":"{agent}","task":"Files of '"$PWD"'","artifacts":['
    while [ $i -lt {FILES} ]; do
        [ $i -gt 0 ] && printf ','
        printf '{{"path":"f%s.txt"}}' $i
        i=$((i + 1))
    done
    printf ']}}'
}} > .new
mv .new handoff.json
"#
    )
}

#[test]
fn each_of_ten_thousand_files_is_known_to_be_its_writers() {
    let mut bed = TestBed::prepare().configured(&config());
    bed.up();
    let heard = is_heard(&bed);
    let places = AGENTS.iter().flat_map(|(agent, user)| {
        (0..ROUNDS).map(move |round| (*agent, *user, format!("{agent}-{round}")))
    });
    let places: Vec<_> = places
        .map(|(agent, user, name)| (agent, user, folder(&bed, &name, user), name))
        .collect();
    // All of them at once, each in its folder.
    let shells: Vec<Child> = std::thread::scope(|scope| {
        let running: Vec<_> = places
            .iter()
            .map(|(agent, user, place, _)| scope.spawn(|| shell(place, *user, &script(agent))))
            .collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let is_root = rustix::process::geteuid().is_root();
    for ((agent, _, _, name), shell) in places.iter().zip(shells) {
        let card = card(&bed, name);
        let files = card["files"].as_array().unwrap();
        assert_eq!(files.len(), FILES);
        let expected = if heard { "observed" } else { "claimed" };
        let others = files
            .iter()
            .find(|file| file["provenance"] != json!(expected));
        assert_eq!(others, None, "{name}");
        let told = checks(&card);
        if heard {
            // The very process, and no other.
            let writers = card["observed"]["writers"].as_array().unwrap();
            assert_eq!(writers.len(), 1, "{writers:?}");
            assert_eq!(writers[0]["pid"], json!(shell.id()));
            let who = if is_root {
                format!("{agent} with /")
            } else {
                "with /".to_owned()
            };
            assert!(
                told.contains("the kernel saw who wrote this") && told.contains(&who),
                "{told}"
            );
            assert!(!told.contains("handed over by"), "{told}");
        } else {
            assert_eq!(card.get("observed"), None);
            assert!(!told.contains("the kernel saw"), "{told}");
        }
        ends(shell);
    }
    bed.down();
}

#[test]
fn what_another_agent_wrote_is_told_and_what_was_there_before_is_not_made_up() {
    let mut bed = TestBed::prepare().configured(&config());
    let (hermes, ares) = (AGENTS[0], AGENTS[1]);
    let place = folder(&bed, "mixed", hermes.1);
    // Before anybody listens.
    fs::write(place.join("old.txt"), "old\n").unwrap();
    fs::write(place.join("grown.txt"), "begun before\n").unwrap();
    for name in ["old.txt", "grown.txt"] {
        fs::set_permissions(place.join(name), fs::Permissions::from_mode(0o666)).unwrap();
    }
    bed.up();
    let heard = is_heard(&bed);
    let own = "umask 0; echo mine > mine.txt; echo ours > ours.txt; echo more >> grown.txt";
    let mut shells = vec![shell(&place, hermes.1, own)];
    shells.push(shell(&place, ares.1, "echo his >> ours.txt"));
    let document = json!({
        "handoff_version": "1.0", "handoff_id": "mixed", "from_agent": "hermes", "task": "Look",
        "artifacts": [{"path": "old.txt"}, {"path": "grown.txt"}, {"path": "mine.txt"}, {"path": "ours.txt"}],
    });
    let deliver = format!("cat > .new <<'END'\n{document}\nEND\nmv .new handoff.json");
    shells.push(shell(&place, hermes.1, &deliver));
    let card = card(&bed, "mixed");
    shells.into_iter().for_each(ends);
    let of = |path: &str| file(&card, path)["provenance"].as_str().unwrap().to_owned();
    assert_eq!(of("old.txt"), "claimed", "nobody saw it written");
    if heard {
        assert_eq!(of("grown.txt"), "partly", "it is older than the watch");
        assert_eq!(
            (of("mine.txt"), of("ours.txt")),
            ("observed".into(), "observed".into())
        );
    } else {
        assert_eq!(
            (of("grown.txt"), of("ours.txt")),
            ("claimed".into(), "claimed".into())
        );
    }
    let told = checks(&card);
    let foreign = "ours.txt: written by ares, and handed over by hermes";
    let is_root = rustix::process::geteuid().is_root();
    assert_eq!(told.contains(foreign), heard && is_root, "{told}");
    bed.down();
}
