//! What is refused before anything happens, by every way in; and rules that the operator changes.

#![expect(
    clippy::disallowed_methods,
    reason = "agents write into the shared folder"
)]

use std::fs;

use countersign_tests::{agent::Package, mesh::Member};
use serde_json::json;

use super::{MESH, Mesh, Way, refused};

/// Hands over what a rule forbids, by `way`; nothing happens, and the sender is told the same code.
fn refused_alike(way: Way) {
    let mesh = Mesh::start();
    for (number, (from, to, more, code)) in [
        (&mesh.a, "nobody", json!({}), "route-not-allowed"),
        (&mesh.c, "a", json!({}), "route-not-allowed"),
        (&mesh.b, "c", json!({}), "route-not-allowed"),
        (
            &mesh.a,
            "b",
            json!({"capabilities_required": ["ocr"]}),
            "missing-tools",
        ),
        (
            &mesh.a,
            "c",
            json!({"summary": "x".repeat(5_000)}),
            "context-overflow",
        ),
        (
            &mesh.a,
            "c",
            json!({"timeout_seconds": 60}),
            "deadline-too-short",
        ),
        (
            &mesh.a,
            "c",
            json!({"classification": "restricted"}),
            "route-not-allowed",
        ),
        (
            &mesh.a,
            "b",
            json!({"contract": "peer@1.0"}),
            "contract-refused",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let mut package = from.package(&format!("t-{number}"), to);
        for (name, value) in more.as_object().expect("fields") {
            package = package.with(name, value.clone());
        }
        let told = by_way(&mesh, from, &format!("work{number}"), &package, way);
        assert_eq!(told, code, "{number} by {way:?}");
    }
    let queue = mesh.bed.http().fetch("/api/v1/handoffs").json();
    assert_eq!(queue["rows"].as_array().map(Vec::len), Some(0), "{queue}");
    for member in [&mesh.a, &mesh.b, &mesh.c] {
        assert!(member.packages().is_empty());
    }
}

/// Hands `package` over from a folder of its sender; gives the code of the refusal.
fn by_way(mesh: &Mesh, from: &Member, work: &str, package: &Package, way: Way) -> String {
    let folder = format!("agents/{}/{work}", from.agent.name);
    match way {
        Way::File => refused(&from.hand(work, package)),
        Way::Http => {
            fs::create_dir_all(mesh.bed.workspace().join(&folder)).expect("the scene can be set");
            let body = json!({ "folder": folder, "handoff": package.document });
            let reply = mesh
                .bed
                .http()
                .push("/api/v1/workspaces/work/handoffs", &body);
            let code = reply.json()["code"].as_str().map(str::to_owned);
            code.unwrap_or_else(|| panic!("{reply:?}"))
        }
        Way::Cli => {
            // A folder outside, so that only the command hands it over.
            let place = mesh.bed.home.join(work);
            fs::create_dir_all(&place).expect("the scene can be set");
            fs::write(place.join("handoff.json"), package.text()).expect("the scene can be set");
            let place = place.display().to_string();
            let args = ["submit", &place, "--workspace", "work", "--json"];
            let (code, out, err) = mesh.bed.run(&args);
            assert_eq!(code, 3, "{out}{err}");
            let told = out + &err;
            let codes = [
                "route-not-allowed",
                "missing-tools",
                "context-overflow",
                "deadline-too-short",
                "contract-refused",
            ];
            let found = codes.iter().find(|code| told.contains(**code));
            (*found.unwrap_or_else(|| panic!("{told}"))).to_owned()
        }
    }
}

#[test]
fn a_route_that_is_not_allowed_is_refused_before_anything_happens() {
    refused_alike(Way::File);
}

#[test]
fn a_route_that_is_not_allowed_is_refused_over_http_in_the_same_words() {
    refused_alike(Way::Http);
}

#[test]
fn a_route_that_is_not_allowed_is_refused_from_the_command_line_in_the_same_words() {
    refused_alike(Way::Cli);
}

#[test]
fn participants_are_read_anew_when_the_operator_says_so() {
    let mesh = Mesh::start();
    let file = mesh.bed.workspace().join("workspace.toml");
    let to_c = |work: &str| mesh.b.hand(work, &mesh.b.package(work, "c"));
    assert_eq!(refused(&to_c("early")), "route-not-allowed");
    let open = MESH.replace("id = \"b\"\n", "id = \"b\"\nstart = true\n");
    fs::write(&file, &open).unwrap();
    assert_eq!(refused(&to_c("still")), "route-not-allowed");
    let (code, out, err) = mesh.bed.run(&["config", "reload"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("work  read anew"), "{out}");
    let handed = to_c("now");
    assert_eq!(handed.receipt().revision, 1);
    // A file that is not good leaves everything as it is.
    fs::write(
        &file,
        open.replace("hands_to = [\"a\", \"c\"]", "hands_to = [\"z\"]"),
    )
    .unwrap();
    let (code, out, _) = mesh.bed.run(&["config", "reload"]);
    assert_eq!(code, 1);
    assert!(
        out.contains("as it was: ") && out.contains("no participant `z`"),
        "{out}"
    );
    assert_eq!(to_c("then").receipt().revision, 1);
}
