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
    process::{Child, Command},
};

use countersign_tests::{bed::TestBed, wait};
use serde_json::{Value, json};

/// The agents of the scene with their users.
const AGENTS: [(&str, u32); 5] = [
    ("hermes", 40_001),
    ("ares", 40_002),
    ("athena", 40_003),
    ("apollo", 40_004),
    ("artemis", 40_005),
];
/// Files of each of them.
const FILES: usize = 2_000;

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
    all.contains("heard from the kernel")
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

/// A shell that runs `script` in `folder` as that user, where we may become it.
fn shell(folder: &Path, user: u32, script: &str) -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(folder);
    if rustix::process::geteuid().is_root() {
        command.uid(user).gid(user);
    }
    command.spawn().unwrap()
}

/// The card of an agent, once it is there.
fn card(bed: &TestBed, agent: &str) -> Value {
    wait::until("the handoff", || {
        let rows = bed.http().fetch("/api/v1/handoffs").expect(200).json();
        let rows = rows.get("rows").unwrap_or(&rows).as_array().cloned()?;
        let row = rows.into_iter().find(|row| row["agent"] == json!(agent))?;
        let id = row["id"].as_str()?.to_owned();
        Some(
            bed.http()
                .fetch(&format!("/api/v1/handoffs/{id}"))
                .expect(200)
                .json(),
        )
    })
}

fn file<'a>(card: &'a Value, path: &str) -> &'a Value {
    let mut files = card["files"].as_array().unwrap().iter();
    files.find(|file| file["path"] == json!(path)).unwrap()
}

fn checks(card: &Value) -> String {
    card["checks"].to_string()
}

#[test]
fn each_of_ten_thousand_files_is_known_to_be_its_writers() {
    let mut bed = TestBed::prepare().configured(&config());
    bed.up();
    let heard = is_heard(&bed);
    let script = |agent: &str| {
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
    printf '%s' '{{"handoff_version":"1.0","handoff_id":"of-{agent}","from_agent":"{agent}","task":"Files of {agent}","artifacts":['
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
    };
    let mut children: Vec<(&str, Child)> = AGENTS
        .iter()
        .map(|(agent, user)| {
            let folder = folder(&bed, agent, *user);
            (*agent, shell(&folder, *user, &script(agent)))
        })
        .collect();
    for (agent, child) in &mut children {
        assert!(child.wait().unwrap().success(), "{agent}");
    }
    let is_root = rustix::process::geteuid().is_root();
    for (agent, child) in &children {
        let card = card(&bed, agent);
        let files = card["files"].as_array().unwrap();
        assert_eq!(files.len(), FILES);
        let expected = if heard { "observed" } else { "claimed" };
        let others = files
            .iter()
            .find(|file| file["provenance"] != json!(expected));
        assert_eq!(others, None, "{agent}");
        let told = checks(&card);
        if heard {
            // The very process, and no other.
            let writers = card["observed"]["writers"].as_array().unwrap();
            assert_eq!(writers.len(), 1, "{writers:?}");
            assert_eq!(writers[0]["pid"], json!(child.id()));
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
            assert!(!told.contains("the kernel saw"), "{told}");
        }
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
    assert!(shell(&place, hermes.1, own).wait().unwrap().success());
    assert!(
        shell(&place, ares.1, "echo his >> ours.txt")
            .wait()
            .unwrap()
            .success()
    );
    let document = json!({
        "handoff_version": "1.0", "handoff_id": "mixed", "from_agent": "hermes", "task": "Look",
        "artifacts": [{"path": "old.txt"}, {"path": "grown.txt"}, {"path": "mine.txt"}, {"path": "ours.txt"}],
    });
    let deliver = format!("cat > .new <<'END'\n{document}\nEND\nmv .new handoff.json");
    assert!(shell(&place, hermes.1, &deliver).wait().unwrap().success());
    let card = card(&bed, "hermes");
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
