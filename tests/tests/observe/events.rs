//! The list of events: the file, the stream, the command, the messages.

#![expect(clippy::disallowed_methods, reason = "a crash is staged on the disk")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    path::PathBuf,
};

use countersign_protocol::log::LogLine;
use countersign_tests::{bed::TestBed, hook::Hook, mesh::acknowledged, wait};
use serde_json::{Value, json};

use super::{MESH, scene};

fn file(bed: &TestBed) -> PathBuf {
    bed.workspace().join(".countersign/events.jsonl")
}

fn lines(bed: &TestBed) -> Vec<LogLine> {
    let text = fs::read_to_string(file(bed)).unwrap_or_default();
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// Waits for a line of that event; gives all lines.
fn until(bed: &TestBed, event: &str) -> Vec<LogLine> {
    wait::until(event, || {
        Some(lines(bed)).filter(|lines| lines.iter().any(|line| line.event == event))
    })
}

/// Every number once, in order.
fn in_order(lines: &[LogLine]) {
    assert!(
        lines.windows(2).all(|pair| pair[0].seq < pair[1].seq),
        "{lines:#?}"
    );
}

#[test]
fn every_transition_is_a_line_that_says_who_and_to_whom() {
    let (mut bed, a, b) = scene("", MESH);
    bed.up();
    let handed = a.hand(
        "one",
        &a.package("t-1", "b").with("summary", "the margin is low"),
    );
    handed.receipt();
    b.takes("H-1.1");
    b.answers(
        "H-1.1",
        &json!({"answer": "progress", "percent": 40, "note": "half of it"}),
    );
    acknowledged(&handed, "progress");
    b.answers(
        "H-1.1",
        &json!({"answer": "fail", "reason": "missing_tools"}),
    );
    acknowledged(&handed, "stopped");
    let lines = until(&bed, "handoff.routed");
    in_order(&lines);
    let names: Vec<&str> = lines.iter().map(|line| line.event.as_str()).collect();
    assert_eq!(
        names,
        [
            "handoff.accepted",
            "transfer.offered",
            "transfer.delivered",
            "transfer.progressed",
            "transfer.failed",
            "transfer.stopped",
            "handoff.routed",
        ]
    );
    let failed = &lines[4];
    assert_eq!(
        failed.handoff_id.map(|id| id.to_string()).as_deref(),
        Some("H-1")
    );
    assert_eq!(
        (failed.hop, failed.agent.as_deref(), failed.to.as_deref()),
        (Some(1), Some("b"), Some("a"))
    );
    assert_eq!(failed.code.as_deref(), Some("missing_tools"));
    assert_eq!(lines[3].percent, Some(40));
    let text = fs::read_to_string(file(&bed)).unwrap();
    for word in ["margin", "half of it"] {
        assert!(!text.contains(word), "{text}");
    }
    // The same from the command line, and over HTTP for who sees the workspace.
    let (code, out, err) = bed.run(&["events", "--handoff", "H-1", "--json"]);
    assert_eq!(code, 0, "{err}");
    let told: Vec<LogLine> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(told, lines);
    let (_, out, _) = bed.run(&["events", "--agent", "b"]);
    assert!(
        out.contains("transfer.failed  H-1.1  b") && out.contains("40%"),
        "{out}"
    );
}

#[test]
fn a_list_that_a_crash_cut_off_goes_on_without_a_gap_or_a_double() {
    let (mut bed, a, _) = scene("", "");
    bed.up();
    let package = |id: &str| a.agent.package(id).with("task_id", id);
    a.hand("one", &package("t-1")).receipt();
    until(&bed, "handoff.routed");
    bed.down();
    let text = fs::read_to_string(file(&bed)).unwrap();
    let whole = text.lines().next().unwrap().len() + 1;
    // The second line was half written.
    fs::write(file(&bed), &text[..whole + 20]).unwrap();
    bed.up();
    a.hand("two", &package("t-2")).receipt();
    let grown = wait::until("both", || {
        Some(lines(&bed)).filter(|lines| lines.len() >= 4)
    });
    in_order(&grown);
    let again = fs::read_to_string(file(&bed)).unwrap();
    assert!(again.starts_with(&text), "{again}\n{text}");
    // What somebody else put there is kept aside, and the list is made anew.
    bed.down();
    fs::write(file(&bed), "{\"seq\":99999999}\n").unwrap();
    bed.up();
    let anew = wait::until("all of it", || {
        Some(lines(&bed)).filter(|lines| lines.len() >= grown.len())
    });
    assert_eq!(anew[0], grown[0]);
    in_order(&anew);
    assert!(
        file(&bed)
            .with_file_name("events.jsonl.foreign-1")
            .is_file()
    );
}

#[test]
fn a_stream_tells_each_event_with_its_agent_and_goes_on_where_it_was_left() {
    let (mut bed, a, b) = scene("", MESH);
    bed.up();
    let handed = a.hand("one", &a.package("t-1", "b"));
    handed.receipt();
    b.takes("H-1.1");
    let stream = |more: &str| {
        let endpoint = bed.endpoint();
        let address = endpoint.url.strip_prefix("http://").expect("a URL");
        let mut stream = TcpStream::connect(address).expect("it listens");
        write!(
            stream,
            "GET /api/v1/log/stream?after=0 HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n{more}\r\n",
            endpoint.token
        )
        .expect("it reads");
        BufReader::new(stream).lines().map_while(Result::ok)
    };
    let told = |lines: &mut dyn Iterator<Item = String>, count: usize| -> Vec<(String, Value)> {
        let mut found = Vec::new();
        let mut name = String::new();
        for line in lines {
            if let Some(event) = line.strip_prefix("event: ") {
                event.clone_into(&mut name);
            }
            if let Some(data) = line.strip_prefix("data: ") {
                found.push((name.clone(), serde_json::from_str(data).expect("JSON")));
            }
            if found.len() == count {
                break;
            }
        }
        found
    };
    let mut live = stream("");
    let first = told(&mut live, 3);
    assert_eq!(first[1].0, "transfer.offered");
    assert_eq!(
        (&first[1].1["agent"], &first[1].1["to"]),
        (&json!("a"), &json!("b"))
    );
    // It is open when this happens.
    b.answers("H-1.1", &json!({"answer": "accept"}));
    let next = told(&mut live, 1);
    assert_eq!(
        (next[0].0.as_str(), &next[0].1["agent"]),
        ("transfer.accepted", &json!("b"))
    );
    let last = first[2].1["seq"].as_u64().expect("a number");
    let mut again = stream(&format!("Last-Event-ID: {last}\r\n"));
    assert_eq!(told(&mut again, 1), next);
}

#[test]
fn a_program_gets_each_event_by_a_webhook() {
    let hook = Hook::kind();
    let config = hook.section("mesh", "events = [\"event\"]");
    let (mut bed, a, b) = scene(&config, MESH);
    bed.up();
    a.hand("one", &a.package("t-1", "b")).receipt();
    b.takes("H-1.1");
    let names = || -> Vec<String> {
        let bodies = hook.got();
        let event = |body: &[u8]| -> Option<String> {
            let body: Value = serde_json::from_slice(body).ok()?;
            Some(body["data"]["event"]["event"].as_str()?.to_owned())
        };
        bodies.iter().filter_map(|got| event(&got.body)).collect()
    };
    wait::until("the third", || {
        let mut names = names();
        names.sort();
        (names == ["handoff.accepted", "transfer.delivered", "transfer.offered"]).then_some(())
    });
    hook.stop();
}

#[test]
fn kill_at_every_named_step_of_the_list_loses_and_doubles_nothing() {
    let steps = countersign::fault::WATCHED.iter();
    for step in steps.filter(|step| step.starts_with("events.")) {
        let (bed, a, _) = scene("", "");
        let mut bed = bed.env("COUNTERSIGN_CRASH_AT", &format!("{step}:1"));
        bed.up();
        let package = a.agent.package("t-1").with("task_id", "t-1");
        a.hand("one", &package).receipt();
        assert!(bed.daemon().was_killed(), "{step}");
        bed.launch
            .env
            .retain(|(name, _)| name != "COUNTERSIGN_CRASH_AT");
        bed.restart();
        let lines = until(&bed, "handoff.routed");
        in_order(&lines);
        let first = lines.first().map(|line| line.event.as_str());
        assert_eq!(first, Some("handoff.accepted"), "{step}");
    }
}
