//! Deliveries by each door are held to the permissions of the agent's own user.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::Path,
    process::Command,
};

use countersign_tests::{
    attack::{ARES, HERMES},
    http::{Http, base64},
    skip::skip,
    wait,
};
use serde_json::{Value, json};

use super::{Setting::OtherUser, Theatre, is_root};

const SECRET: &str = "a secret of ares";

/// Writes a file as a user, as an agent would.
fn write_as(user: u32, path: &Path, text: &str) {
    let done = Command::new("/bin/sh")
        .args(["-c", "printf %s \"$1\" > \"$2\"", "sh", text])
        .arg(path)
        .uid(user)
        .gid(user)
        .status()
        .unwrap();
    assert!(done.success(), "{}", path.display());
}

fn document(agent: &str, artifact: &str) -> String {
    json!({
        "handoff_version": "1.0", "from_agent": agent, "task": "Report",
        "artifacts": [artifact],
    })
    .to_string()
}

/// Two agents with users of their own; `ares` has handed over in a folder of its own, which `hermes` may not enter,
/// and in one that both may write.
fn scene() -> Theatre {
    let theatre = Theatre::open(OtherUser);
    let root = theatre.bed.workspace();
    for (folder, mode) in [("ares", 0o700), ("shared", 0o1777)] {
        fs::create_dir(root.join(folder)).unwrap();
        chown(root.join(folder), Some(ARES), Some(ARES)).unwrap();
        fs::set_permissions(root.join(folder), fs::Permissions::from_mode(mode)).unwrap();
        let at = root.join(folder);
        write_as(ARES, &at.join("plan.md"), SECRET);
        write_as(ARES, &at.join("handoff.json"), &document("ares", "plan.md"));
        wait::until("the receipt of ares", || {
            at.join("handoff.receipt.json").exists().then_some(())
        });
    }
    let private = root.join("shared/private.txt");
    write_as(ARES, &private, SECRET);
    fs::set_permissions(&private, fs::Permissions::from_mode(0o600)).unwrap();
    theatre
}

fn token(theatre: &Theatre, agent: &str) -> String {
    let words = ["--json", "token", "create", agent, "--workspace", "work"];
    let (exit, said, errors) = theatre.bed.run(&words);
    assert_eq!(exit, 0, "{errors}");
    let said: Value = serde_json::from_str(&said).unwrap();
    said["secret"].as_str().unwrap().to_owned()
}

#[test]
fn holds_deliveries_to_permissions_of_their_user() {
    if !is_root() {
        skip("it needs the superuser");
        return;
    }
    let theatre = scene();
    let root = theatre.bed.workspace();
    let http = Http::new(
        &theatre.bed.endpoint().url,
        Some(&token(&theatre, "hermes")),
    );
    let before = |folder: &str| fs::read(root.join(folder).join("handoff.receipt.json")).unwrap();
    let (own, shared) = (before("ares"), before("shared"));
    let sent = |folder: &str, artifact: &str, given: bool| {
        let mut body = json!({ "folder": folder, "document": document("hermes", artifact) });
        if given {
            body["files"] = json!({ artifact: base64(b"mine") });
        }
        let reply = http.push("/api/v1/workspaces/work/handoffs", &body);
        let status = reply.status;
        let code = reply.json()["errors"][0]["code"].clone();
        (status, code.as_str().unwrap_or_default().to_owned())
    };
    let refused = |code: &str| (422, code.to_owned());
    // By HTTP: a folder that its user may not enter, one with answers to another agent, a box.
    assert_eq!(sent("ares", "n.txt", true), refused("not_its_folder"));
    assert_eq!(sent("shared", "n.txt", true), refused("not_its_folder"));
    assert_eq!(sent("inbox/ares", "n.txt", true), refused("not_its_folder"));
    // By HTTP: bytes that its user may not read.
    let code = "not_readable_by_agent";
    assert_eq!(sent("", "shared/private.txt", false), refused(code));
    assert_eq!(sent("", "ares/plan.md", false), refused(code));
    // By a file: the same, in its own folder and by another ending of the name.
    let errors = |file: &Path| {
        let errors: Value = wait::until("the refusal", || {
            serde_json::from_slice(&fs::read(file).ok()?).ok()
        });
        errors["errors"][0]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let twin = root.join("shared/handoff.yaml");
    write_as(HERMES, &twin, &document("hermes", "plan.md"));
    assert_eq!(
        errors(&root.join("shared/handoff.errors.json")),
        "not_its_folder"
    );
    let steal = root.join("steal.handoff.json");
    write_as(HERMES, &steal, &document("hermes", "shared/private.txt"));
    assert_eq!(errors(&root.join("steal.handoff.errors.json")), code);
    assert_eq!((before("ares"), before("shared")), (own, shared));
    // What its user may do is taken as before.
    assert_eq!(sent("hermes", "n.txt", true).0, 201);
    assert_eq!(sent("shared/../hermes", "n.txt", true).0, 422);
}

#[test]
fn shows_agents_what_their_user_may_read() {
    if !is_root() {
        skip("it needs the superuser");
        return;
    }
    let theatre = scene();
    let url = theatre.bed.endpoint().url.clone();
    let people = theatre.bed.http();
    let agents = ["hermes", "ares"].map(|agent| Http::new(&url, Some(&token(&theatre, agent))));
    let [hermes, ares] = &agents;
    let query = "/api/v1/search?q=%22a%20secret%20of%20ares%22";
    let found = |http: &Http| {
        let found = http.fetch(query).json();
        let hits = found["hits"].as_array().unwrap();
        let mut paths: Vec<String> = hits
            .iter()
            .map(|hit| hit["path"].as_str().unwrap_or_default().to_owned())
            .collect();
        paths.sort();
        (found["total"].as_u64().unwrap_or_default(), paths)
    };
    let all = ["ares/plan.md", "shared/plan.md", "shared/private.txt"];
    let all: Vec<String> = all.map(str::to_owned).to_vec();
    wait::until("the index", || (found(&people).1 == all).then_some(()));
    assert_eq!(found(ares), (3, all));
    assert_eq!(found(hermes), (1, vec!["shared/plan.md".to_owned()]));
    // A folder that is closed later counts at once, whatever the index says.
    let shared = theatre.bed.workspace().join("shared");
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(found(hermes).1, [""; 0]);
}
