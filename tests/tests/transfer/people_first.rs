//! A person is asked before an agent, whichever way the work comes: by file, over HTTP, from the command line.

use std::fs;

use countersign_protocol::decision::Outcome;
use countersign_tests::{agent::Package, mesh::acknowledged, wait};
use serde_json::{Value, json};

use super::{MESH, Mesh};

/// Hands `package` over from a folder of `a` by the named way.
fn by_way(mesh: &Mesh, work: &str, package: &Package, way: &str) {
    let folder = format!("agents/a/{work}");
    match way {
        "file" => {
            mesh.a.hand(work, package);
        }
        "http" => {
            fs::create_dir_all(mesh.bed.workspace().join(&folder)).expect("the scene can be set");
            let body = json!({ "folder": folder, "handoff": package.document });
            let path = "/api/v1/workspaces/work/handoffs";
            assert_eq!(mesh.bed.http().push(path, &body).status, 201);
        }
        _ => {
            let place = mesh.bed.home.join(work);
            fs::create_dir_all(&place).expect("the scene can be set");
            fs::write(place.join("handoff.json"), package.text()).expect("the scene can be set");
            let place = place.display().to_string();
            let (code, out, err) = mesh.bed.run(&["submit", &place, "--workspace", "work"]);
            assert_eq!(code, 0, "{out}{err}");
        }
    }
}

#[test]
fn hops_wait_for_a_person_by_every_way() {
    let settings = MESH.replace("[transfer]", "confidence_floor = 0.9\n[transfer]");
    let mesh = Mesh::with(&settings);
    let reasons = [
        ("confidence", json!(0.5)),
        ("trigger", json!("critical_action")),
        ("trigger", json!("sensitive")),
        ("trigger", json!("error")),
    ];
    let mut number = 0;
    for (field, value) in reasons {
        for way in ["file", "http", "cli"] {
            number += 1;
            let (work, id) = (format!("t-{number}"), format!("H-{number}"));
            let package = mesh.a.package(&work, "b").with(field, value.clone());
            by_way(&mesh, &work, &package, way);
            wait::until(&format!("{field} {value} by {way}"), || {
                let path = mesh.path(&id);
                (path["stops"][0]["why"] == "policy").then_some(())
            });
            mesh.becomes(&id, "waiting");
            let (code, out, err) = mesh.bed.run(&["route", "test", &id]);
            assert_eq!(code, 0, "{err}");
            assert!(out.contains("before b gets it"), "{out}");
        }
    }
    assert!(mesh.b.packages().is_empty(), "nothing was handed on");
}

#[test]
fn approval_hands_the_task_on() {
    let mesh = Mesh::start();
    let package = mesh.a.package("t-1", "b").with("confidence", 0.1);
    let handed = mesh.a.hand("work", &package);
    let ack = acknowledged(&handed, "stopped");
    assert_eq!(ack["reason"], "policy");
    let page: Value = mesh.bed.http().fetch("/api/v1/handoffs/H-1/review").json();
    let checks = page["checks"].to_string();
    assert!(checks.contains("b gets it when it is approved"), "{checks}");
    mesh.bed
        .reviewer()
        .decide("H-1".parse().unwrap(), Outcome::Approved, "");
    assert_eq!(mesh.b.takes("H-1.1")["from_agent"], "a");
    acknowledged(&handed, "delivered");
}
