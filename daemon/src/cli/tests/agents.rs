//! What an agent runs: `validate`, `submit`, `checkpoint`.

use serde_json::{Value, json};

use super::{Bed, HANDOFF, digest, problem, receipt};

#[test]
fn a_document_that_breaks_the_contract_is_drawn_for_a_person() {
    let bed = Bed::new();
    let text = "{\n  \"handoff_version\": \"1.0\",\n  \"from_agent\": \"writer\",\n  \
                \"task\": \"Draft\",\n  \"confidence\": \"high\"\n}\n";
    bed.write("team/job/handoff.json", text);
    let ran = bed.run(&["validate"]);
    assert_eq!((ran.exit, ran.out.as_str()), (3, ""));
    let head = "error: `handoff.json` does not match the contract\n\nerror: /confidence ";
    assert!(ran.err.starts_with(head), "{}", ran.err);
    let drawn =
        " --> handoff.json:5:17\n  |\n5 |   \"confidence\": \"high\"\n  |                 ^^^^^^\n";
    assert!(ran.err.contains(drawn), "{}", ran.err);
    let ran = bed.run(&["validate", "--json"]);
    let json = ran.json();
    assert_eq!((ran.exit, ran.err.as_str()), (3, ""));
    assert_eq!(json["schema"], "handoff.errors/1");
    assert_eq!(json["handoff_sha256"], digest(text));
    assert_eq!(json["errors"][0]["pointer"], "/confidence");
}

#[test]
fn named_files_must_be_there_as_declared() {
    let bed = Bed::new();
    bed.write("team/job/handoff.json", HANDOFF);
    let code = |bed: &Bed| {
        let ran = bed.run(&["validate", "--json"]);
        let json = ran.json();
        (ran.exit, json["errors"][0]["code"].clone())
    };
    assert_eq!(code(&bed), (3, json!("missing")));
    std::os::unix::fs::symlink("/etc/hostname", bed.at("team/job/a.md")).unwrap();
    assert_eq!(code(&bed), (3, json!("not_regular")));
    bed.write("team/job/a.md", "hello");
    assert_eq!(code(&bed), (0, Value::Null));
    let declared = HANDOFF.replace("\"a.md\"", r#"{"path":"a.md","size":4}"#);
    bed.write("team/job/handoff.json", &declared);
    assert_eq!(code(&bed), (3, json!("size")));
    let digest = digest("other");
    let declared = HANDOFF.replace(
        "\"a.md\"",
        &format!(r#"{{"path":"a.md","sha256":"{digest}"}}"#),
    );
    bed.write("team/job/handoff.json", &declared);
    assert_eq!(code(&bed), (3, json!("sha256")));
}

#[test]
fn the_profile_of_the_workspace_is_the_least() {
    let bed = Bed::new();
    bed.write("team/job/handoff.json", HANDOFF);
    bed.write("team/job/a.md", "hello");
    let exit = |arguments: &[&str]| bed.run(arguments).exit;
    assert_eq!(exit(&["validate"]), 0);
    assert_eq!(exit(&["validate", "--profile", "contract"]), 3);
    bed.write("team/workspace.toml", "profile = \"contract\"\n");
    assert_eq!(exit(&["validate"]), 3);
    assert_eq!(exit(&["validate", "--profile", "minimal"]), 0);
    assert_eq!(exit(&["validate", "missing.json"]), 5);
}

fn ready_to_submit(bed: &Bed) {
    bed.write("team/job/handoff.json", HANDOFF);
    bed.write("team/job/a.md", "hello");
    let receipt = receipt("H-7", 1, HANDOFF).to_string();
    bed.write("team/job/handoff.receipt.json", &receipt);
}

#[test]
fn a_submission_names_the_folder_and_repeats_the_bytes() {
    let bed = Bed::with_daemon(|_| (201, receipt("H-7", 1, HANDOFF)));
    ready_to_submit(&bed);
    let ran = bed.run(&["submit"]);
    let url = format!("{}/h/H-7", bed.daemon.as_ref().unwrap().url);
    assert_eq!(
        (ran.exit, ran.out),
        (0, format!("accepted\tH-7\t1\tteam\t{url}\n"))
    );
    let asked = bed.asked();
    assert_eq!(asked[0].line, "POST /api/v1/workspaces/team/handoffs");
    assert_eq!(asked[0].authorization.as_deref(), Some("Bearer operator"));
    let body = json!({ "folder": "job", "document": HANDOFF, "yaml": false });
    assert_eq!(asked[0].body, body);
}

#[test]
fn the_same_delivery_again_is_a_success_and_says_so() {
    let bed = Bed::with_daemon(|_| (200, receipt("H-7", 1, HANDOFF)));
    ready_to_submit(&bed);
    let ran = bed.run(&["submit", "--json"]);
    assert_eq!((ran.exit, &ran.json()["duplicate"]), (0, &json!(true)));
}

#[test]
fn a_daemon_that_saw_the_file_first_makes_no_second_delivery_of_it() {
    let bed = Bed::with_daemon(|_| (200, receipt("H-7", 1, HANDOFF)));
    bed.write("team/job/handoff.json", HANDOFF);
    bed.write("team/job/a.md", "hello");
    let ran = bed.run(&["submit", "--json"]);
    assert_eq!((ran.exit, &ran.json()["duplicate"]), (0, &json!(false)));
}

#[test]
fn an_agent_elsewhere_uploads_the_files() {
    let mut bed = Bed::with_daemon(|_| (201, receipt("H-7", 1, HANDOFF)));
    ready_to_submit(&bed);
    bed.variables
        .push(("COUNTERSIGN_TOKEN".to_owned(), "agent".to_owned()));
    let ran = bed.run(&["submit", "--workspace", "my team", "--folder", "x"]);
    assert_eq!(ran.exit, 0);
    let asked = bed.asked();
    assert_eq!(asked[0].line, "POST /api/v1/workspaces/my%20team/handoffs");
    assert_eq!(asked[0].authorization.as_deref(), Some("Bearer agent"));
    assert_eq!(asked[0].body["files"], json!({ "a.md": "aGVsbG8=" }));
}

#[test]
fn without_a_daemon_the_file_stays_where_it_will_be_found() {
    let bed = Bed::new();
    ready_to_submit(&bed);
    let ran = bed.run(&["submit"]);
    let file = bed.at("team/job/handoff.json");
    let line = format!("left for the daemon  {}\n", file.display());
    assert_eq!((ran.exit, ran.out), (0, line));
    bed.write(
        "elsewhere.handoff.json",
        r#"{"handoff_version":"1.0","from_agent":"w","task":"T"}"#,
    );
    let elsewhere = bed.at("elsewhere.handoff.json");
    let ran = bed.run(&["submit", elsewhere.to_str().unwrap()]);
    assert_eq!(ran.exit, 7, "no workspace is around it: {ran:?}");
}

#[test]
fn what_is_wrong_is_found_before_it_is_sent() {
    let bed = Bed::with_daemon(|_| problem(500, "It should not be asked."));
    bed.write("team/job/handoff.json", HANDOFF);
    assert_eq!(bed.run(&["submit"]).exit, 3);
    assert!(bed.asked().is_empty());
}

#[test]
fn what_only_the_daemon_can_refuse_is_drawn_too() {
    let bed = Bed::with_daemon(|_| {
        let (_, mut body) = problem(409, "The key was used for other content.");
        body["errors"] = json!([{ "code": "conflict", "pointer": "/task", "line": 1,
                                  "column": 53, "message": "was used before" }]);
        (409, body)
    });
    ready_to_submit(&bed);
    let ran = bed.run(&["submit"]);
    assert_eq!(ran.exit, 6);
    assert!(
        ran.err
            .starts_with("error: The key was used for other content\n")
    );
    assert!(
        ran.err
            .contains("error: /task was used before\n --> handoff.json:1:53")
    );
}

#[test]
fn a_checkpoint_is_written_like_an_agent_would() {
    let bed = Bed::new();
    let arguments = [
        "checkpoint",
        "outline",
        "--step",
        "1/2",
        "--agent",
        "writer",
        "--task-id",
        "t-1",
        "--heartbeat",
        "30s",
        "--remaining",
        "text",
    ];
    let ran = bed.run(&arguments);
    assert_eq!(
        (ran.exit, ran.out.as_str()),
        (0, "checkpoint 1/2  outline\n")
    );
    let expected = json!({
        "checkpoint_version": "1.0", "from_agent": "writer", "step": 1,
        "status": "in_progress", "title": "outline", "at": super::START, "steps": 2,
        "task_id": "t-1", "heartbeat_seconds": 30, "remaining": ["text"],
    });
    let read = |bed: &Bed| -> Value {
        serde_json::from_str(&bed.read("team/job/checkpoint.json")).unwrap()
    };
    assert_eq!(read(&bed), expected);
    let ran = bed.run(&["checkpoint", "text"]);
    assert_eq!((ran.exit, ran.out.as_str()), (0, "checkpoint 2/2  text\n"));
    let second = read(&bed);
    assert_eq!(second["status"], "completed");
    assert_eq!(second["task_id"], "t-1");
    assert_eq!(second["from_agent"], "writer");
    assert_eq!(bed.run(&["validate", "checkpoint.json"]).exit, 0);
}

#[test]
fn a_checkpoint_that_breaks_the_contract_is_not_written() {
    let bed = Bed::new();
    let ran = bed.run(&["checkpoint", "x"]);
    assert_eq!(ran.exit, 2);
    assert!(ran.err.contains("hint: add `--agent NAME`"));
    let long = "x".repeat(300);
    assert_eq!(bed.run(&["checkpoint", &long, "--agent", "w"]).exit, 3);
    assert!(!bed.at("team/job/checkpoint.json").exists());
}
