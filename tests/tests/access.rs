//! Who comes in and what the API says to anything: the whole program, from outside.

use std::{process::Command, time::Duration};

use countersign_protocol::decision::Outcome;
use countersign_tests::{agent::Care, bed::TestBed, python};
use serde_json::json;

/// The release that is installed.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";
/// How long it looks for trouble at the most.
const SEARCH: Duration = Duration::from_mins(2);

/// Requests made from the description of the API, good and bad ones: none makes the daemon fail, and every answer is
/// one that the description names.
#[test]
fn no_request_that_can_be_made_of_the_description_breaks_the_api() {
    let bed = TestBed::start();
    let agent = bed.agent("hermes");
    let package = agent.package("Look at it").file("a.md", "words\n");
    let delivery = agent.write("job", &package, Care::Rename).expect("a disk");
    let id = delivery.receipt().handoff_id;
    bed.reviewer()
        .decide(id, Outcome::ChangesRequested, "Shorter");
    let endpoint = bed.endpoint();
    let programs = python::environment("schemathesis", "schemathesis", &[SCHEMATHESIS]);
    let output = Command::new(programs.join("schemathesis"))
        // It keeps what it found where it is started.
        .current_dir(&bed.home)
        .arg("run")
        .arg(format!("{}/api/v1/openapi.json", endpoint.url))
        .args([
            "--header",
            &format!("Authorization: Bearer {}", endpoint.token),
        ])
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance",
        ])
        .args([
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            "20",
            "--seed",
            "7",
        ])
        .args(["--suppress-health-check", "all", "--request-timeout", "20"])
        // These wait, or never end, by design; the last would end the sessions of this very run.
        .args(["--exclude-path-regex", "/(wait|events|next)$"])
        .args(["--generation-database", "none", "--no-color"])
        .arg("--max-time")
        .arg(SEARCH.as_secs().to_string())
        .env("COLUMNS", "200")
        .output()
        .expect("it starts");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{told}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // Still there, and the chain holds.
    let verified = bed.http().fetch("/api/v1/audit/verify").expect(200).json();
    assert_eq!(verified["ok"], json!(true));
}
