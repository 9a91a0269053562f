//! What the program tells those who watch over it, as they see it: a collector of spans, Prometheus's own tool, readers
//! of the list of events, and agents that are told of work by a webhook.

mod events;
mod numbers;
mod traces;
mod work;

use std::fs;

use countersign_tests::{bed::TestBed, mesh::Member};

/// Two agents: `a` begins and hands to `b`.
const MESH: &str = r#"
[transfer]
acknowledge_within = "1h"

[[participant]]
id = "a"
start = true
hands_to = ["b"]

[[participant]]
id = "b"
"#;

/// A scene with two agents, and a daemon that is configured by `config`.
#[expect(clippy::disallowed_methods, reason = "the scene is set on the disk")]
fn scene(config: &str, settings: &str) -> (TestBed, Member, Member) {
    let bed = TestBed::prepare().configured(config);
    let workspace = bed.workspace();
    fs::write(workspace.join("workspace.toml"), settings).expect("the scene can be set");
    let member = |name: &str| Member::new(name, &workspace);
    let (a, b) = (member("a"), member("b"));
    (bed, a, b)
}
