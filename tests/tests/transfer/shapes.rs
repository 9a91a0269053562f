//! Peers without a hub, and a hub with its spokes: which it is, the routes say.

use countersign_tests::mesh::{Member, acknowledged};
use serde_json::json;

use super::{Mesh, refused};

/// A hub that hands to two spokes, which hand back to it alone.
const SPOKES: &str = r#"
[[participant]]
id = "a"
start = true
hands_to = ["b", "c"]

[[participant]]
id = "b"
hands_to = ["a"]

[[participant]]
id = "c"
hands_to = ["a"]
"#;

/// `from` hands the task on to `to` with new work, and is told how it stands.
fn hands_on(from: &Member, to: &str, done: &[&str]) -> countersign_tests::agent::Delivery {
    let package = from
        .package("t-1", to)
        .with("completed", json!(done))
        .with("return_contract", json!({"allowed": true}));
    from.hand(&format!("work{}", done.len()), &package)
}

fn takes(to: &Member, hop: &str, handed: &countersign_tests::agent::Delivery) {
    to.takes(hop);
    to.answers(hop, &json!({"answer": "accept"}));
    acknowledged(handed, "accepted");
}

#[test]
fn spokes_hand_back_to_their_hub_and_never_to_each_other() {
    let mesh = Mesh::with(SPOKES);
    let first = hands_on(&mesh.a, "b", &["plan"]);
    takes(&mesh.b, "H-1.1", &first);
    assert_eq!(
        refused(&hands_on(&mesh.b, "c", &["plan", "read", "aside"])),
        "route-not-allowed"
    );
    let back = hands_on(&mesh.b, "a", &["plan", "read"]);
    takes(&mesh.a, "H-1.2", &back);
    let next = hands_on(&mesh.a, "c", &["plan", "read", "checked", "sent"]);
    takes(&mesh.c, "H-1.3", &next);
    let end = hands_on(
        &mesh.c,
        "a",
        &["plan", "read", "checked", "sent", "assessed"],
    );
    takes(&mesh.a, "H-1.4", &end);
    mesh.a.answers("H-1.4", &json!({"answer": "complete"}));
    mesh.becomes("H-1", "completed");
    let path = mesh.path("H-1");
    let ways: Vec<String> = path["hops"]
        .as_array()
        .expect("hops")
        .iter()
        .map(|hop| {
            format!(
                "{}>{}",
                hop["from"].as_str().unwrap_or(""),
                hop["to"].as_str().unwrap_or("")
            )
        })
        .collect();
    assert_eq!(ways, ["a>b", "b>a", "a>c", "c>a"]);
}

#[test]
fn peers_hand_to_each_other_without_anybody_in_between() {
    let mesh = Mesh::start();
    let first = hands_on(&mesh.a, "b", &["plan"]);
    takes(&mesh.b, "H-1.1", &first);
    let next = hands_on(&mesh.b, "c", &["plan", "read"]);
    takes(&mesh.c, "H-1.2", &next);
    // No person and no third agent was asked.
    let queue = mesh.bed.http().fetch("/api/v1/handoffs?view=turn").json();
    assert_eq!(queue["rows"].as_array().map(Vec::len), Some(0), "{queue}");
    assert!(mesh.a.packages().is_empty());
    mesh.c.answers("H-1.2", &json!({"answer": "complete"}));
    acknowledged(&next, "completed");
}
