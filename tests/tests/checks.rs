//! Commands of the operator look at what was handed over before anybody is asked.

#![expect(
    clippy::disallowed_methods,
    reason = "agents write into the shared folder"
)]

use std::fs;

use countersign_protocol::{HandoffId, decision::Outcome};
use countersign_tests::{agent::Delivery, bed::TestBed, mesh::Member, wait};
use serde_json::{Value, json};

/// A daemon with these `[[check]]` sections, in whose workspace every handoff is put through `named`.
fn bed(checks: &str, named: &str, more: &str) -> TestBed {
    let mut bed = scene(checks, named, more);
    bed.up();
    bed
}

fn scene(checks: &str, named: &str, more: &str) -> TestBed {
    let bed = TestBed::prepare().configured(checks);
    let text = format!("checks = {named}\n{more}");
    fs::write(bed.workspace().join("workspace.toml"), text).expect("the scene can be set");
    bed
}

fn python(name: &str, program: &str, more: &str) -> String {
    format!(
        "[[check]]\nname = \"{name}\"\ncommand = [\"python3\", \"-c\", '''{program}''']\n{more}\n"
    )
}

/// The reports of the receipt once all checks are over.
fn over(delivery: &Delivery) -> Vec<Value> {
    over_of(delivery, 1)
}

/// The same of that revision; the receipt of the one before stands there for a moment.
fn over_of(delivery: &Delivery, revision: u32) -> Vec<Value> {
    wait::until("the end of the checks", || {
        let receipt = delivery.look::<Value>("handoff.receipt.json")?;
        if receipt["revision"] != json!(revision) {
            return None;
        }
        let checks = receipt["checks"].as_array()?.clone();
        checks
            .iter()
            .all(|one| one["status"] != "pending")
            .then_some(checks)
    })
}

fn state(bed: &TestBed, id: &str) -> Value {
    bed.http().fetch(&format!("/api/v1/handoffs/{id}")).json()
}

#[test]
fn what_a_check_found_is_in_the_receipt_and_on_the_page() {
    let good = "import json, os; print(len(json.load(open('figures.json'))), os.getcwd().endswith('sealed'))";
    let bad = "import sys; print('<b>row 2 is odd</b>'); sys.exit(3)";
    let checks = python("figures", good, "") + &python("rows", bad, "");
    let bed = bed(&checks, r#"["figures", "rows"]"#, "");
    let agent = Member::new("a", &bed.workspace());
    let handed = agent.hand(
        "work",
        &agent.agent.package("t").file("figures.json", "[1, 2]"),
    );
    let found = over(&handed);
    assert_eq!(
        (&found[0]["name"], &found[0]["status"], &found[0]["ended"]),
        (
            &json!("figures"),
            &json!("passed"),
            &json!({"how": "exited", "code": 0})
        )
    );
    let said = countersign_protocol::Digest::of(b"2 True\n");
    assert_eq!(found[0]["output_sha256"], json!(said));
    assert_eq!(found[1]["ended"], json!({"how": "exited", "code": 3}));
    let page = bed.http().fetch("/h/H-1").text();
    assert!(
        page.contains("The check rows failed with exit code 3"),
        "{page}"
    );
    assert!(page.contains("&lt;b&gt;row 2 is odd"), "{page}");
    // It does not hold anything up.
    assert_eq!(state(&bed, "H-1")["state"], "waiting");
    let found = bed.http().fetch("/api/v1/activity?limit=50").text();
    assert!(found.contains("handoff.checked"), "{found}");
}

#[test]
fn work_that_must_not_fail_goes_back_to_its_agent_with_what_the_check_said() {
    let check = python(
        "figures",
        "import json; json.load(open('figures.json'))",
        "on_failure = \"refuse\"",
    );
    let bed = bed(&check, r#"["figures"]"#, "");
    let agent = Member::new("a", &bed.workspace());
    let package = |text: &str| agent.agent.package("t").file("figures.json", text);
    let handed = agent.hand("work", &package("[1, 2"));
    let decision = wait::until("a decision", || handed.look::<Value>("decision.json"));
    assert_eq!(decision["outcome"], "changes_requested");
    let feedback = fs::read_to_string(agent.folder().join("work/feedback.md")).expect("feedback");
    assert!(feedback.contains("JSONDecodeError"), "{feedback}");
    assert_eq!(over(&handed)[0]["status"], "failed");
    // Nobody was asked, and the next revision is.
    let handed = agent.hand("work", &package("[1, 2]"));
    assert_eq!(over_of(&handed, 2)[0]["status"], "passed");
    wait::until("somebody who is asked", || {
        let row = state(&bed, "H-1");
        (row["state"] == "waiting" && row["revision"] == 2).then_some(())
    });
}

/// Two agents; what goes to `b` is checked first.
const PAIR: &str = r#"
[[participant]]
id = "a"
hands_to = ["b"]

[[participant]]
id = "b"
"#;

#[test]
fn an_agent_gets_nothing_that_did_not_pass_before_a_person_says_so() {
    let check = python(
        "figures",
        "import json; json.load(open('figures.json'))",
        "on_failure = \"hold\"",
    );
    let bed = bed(&check, r#"["figures"]"#, PAIR);
    let workspace = bed.workspace();
    let (a, b) = (Member::new("a", &workspace), Member::new("b", &workspace));
    let good = a.hand("one", &a.package("t-1", "b").file("figures.json", "[]"));
    b.takes("H-1.1");
    assert_eq!(over(&good)[0]["status"], "passed");
    let bad = a.hand("two", &a.package("t-2", "b").file("figures.json", "[1"));
    let told = countersign_tests::mesh::acknowledged(&bad, "stopped");
    assert_eq!(told["reason"], "check_failed");
    assert_eq!(b.packages(), ["H-1.1"]);
    bed.reviewer().decide(HandoffId(2), Outcome::Approved, "");
    b.takes("H-2.1");
}

#[test]
fn a_check_reaches_nothing_and_costs_no_more_than_it_may() {
    let reach = r"
import os, socket, subprocess, sys
seen = []
def attempt(name, act):
    try:
        act()
        seen.append(name)
    except Exception:
        pass
work = sys.argv[1]
attempt('data', lambda: os.listdir(work + '/data'))
attempt('workspace', lambda: os.listdir(work + '/root/work'))
attempt('sealed', lambda: open('new', 'w'))
attempt('change', lambda: open('figures.json', 'w'))
attempt('network', lambda: socket.create_connection(('127.0.0.1', int(sys.argv[2]))))
attempt('session', os.setsid)
attempt('memory', lambda: bytearray(900_000_000))
attempt('environment', lambda: os.environ['COUNTERSIGN_CONFIG'])
open(os.environ['TMPDIR'] + '/new', 'w').write('x')
print(seen)
";
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let port = listener.local_addr().expect("an address").port();
    let bed = TestBed::prepare();
    let home = bed.home.display().to_string();
    fs::create_dir_all(bed.home.join("scripts")).expect("the scene can be set");
    fs::write(bed.home.join("scripts/reach.py"), reach).expect("the scene can be set");
    let checks = [
        format!(
            "[[check]]\nname = \"reach\"\ncommand = [\"python3\", \"{home}/scripts/reach.py\", \"{home}\", \"{port}\"]\n\
             read = [\"{home}/scripts\"]\n"
        ),
        python("slow", "import time; time.sleep(600)", "time = \"1s\""),
        python("loud", "print('x' * 100_000)", "output = \"1kB\""),
        "[[check]]\nname = \"gone\"\ncommand = [\"/no/such/program\"]\n".to_owned(),
        python(
            "child",
            "import subprocess; subprocess.Popen(['sleep', '600']); print('over')",
            "",
        ),
    ];
    let mut bed = bed.configured(&checks.concat());
    fs::write(
        bed.workspace().join("workspace.toml"),
        r#"checks = ["reach", "slow", "loud", "gone", "child"]"#,
    )
    .expect("the scene can be set");
    bed.up();
    let agent = Member::new("a", &bed.workspace());
    let handed = agent.hand("work", &agent.agent.package("t").file("figures.json", "[]"));
    let found = over(&handed);
    let none = countersign_protocol::Digest::of(b"[]\n");
    assert_eq!(
        found[0]["output_sha256"],
        json!(none),
        "{found:#?}\n{}",
        bed.http().fetch("/h/H-1").text()
    );
    assert_eq!(found[1]["ended"]["how"], "timed_out");
    assert_eq!(found[2]["ended"]["how"], "too_much_output");
    assert_eq!(found[2]["output_bytes"], 1000);
    assert_eq!(
        found[3]["ended"],
        json!({"how": "exited", "code": 5}),
        "{found:#?}"
    );
    assert_eq!(found[4]["status"], "passed");
    let left = fs::read_dir(bed.data().join("checks")).expect("its folder");
    assert_eq!(left.count(), 0);
}

#[test]
fn kill_during_a_check_runs_it_again_and_records_it_once() {
    for step in countersign::fault::CHECKS {
        let check = python("figures", "print('looked')", "on_failure = \"hold\"");
        let mut bed =
            scene(&check, r#"["figures"]"#, PAIR).env("COUNTERSIGN_CRASH_AT", &format!("{step}:1"));
        bed.up();
        let workspace = bed.workspace();
        let (a, b) = (Member::new("a", &workspace), Member::new("b", &workspace));
        let handed = a.hand("one", &a.package("t-1", "b").file("figures.json", "[]"));
        wait::until("its end", || bed.daemon().ended());
        assert!(bed.daemon().was_killed(), "{step}");
        bed.launch
            .env
            .retain(|(name, _)| name != "COUNTERSIGN_CRASH_AT");
        bed.up();
        b.takes("H-1.1");
        assert_eq!(over(&handed)[0]["status"], "passed", "{step}");
        let log: Value = bed.http().fetch("/api/v1/log?after=0").json();
        let rows = log["lines"].as_array().or(log.as_array()).expect("lines");
        let count = |event: &str| rows.iter().filter(|row| row["event"] == event).count();
        assert_eq!(
            (count("handoff.checked"), count("transfer.offered")),
            (1, 1),
            "{step}"
        );
    }
}

#[test]
fn a_workspace_names_only_checks_that_the_operator_has() {
    let mut bed = scene("", r#"["figures"]"#, "");
    bed.up();
    bed.trouble("the check `figures` is named, and the configuration has no `[[check]]`");
}

#[test]
fn references_to_evidence_lead_where_the_operator_says_and_the_others_are_shown_as_unresolved() {
    let looks = "import json, os, sys; said = json.load(open(os.environ['COUNTERSIGN_DOCUMENT'])); \
                 sys.exit('trace:gone' in said['context']['evidence_refs'])";
    let resolvers = "[[resolver]]\nscheme = \"trace\"\nurl = \"https://traces.example.org/t/{id}\"\n\
                     check = \"traces\"\n\
                     [[resolver]]\nscheme = \"deploy\"\nurl = \"https://deploys.example.org/?id={id}\"\n";
    let bed = bed(
        &(python("traces", looks, "") + resolvers),
        r#"["traces"]"#,
        "",
    );
    let agent = Member::new("a", &bed.workspace());
    let refs = json!({"evidence_refs": ["trace:4bf9", "trace:../x", "deploy:prod-17&x", "ticket:9", "<b>x"]});
    let package = agent.agent.package("t").with("context", refs);
    over(&agent.hand("work", &package));
    let of = |id: &str| state(&bed, &format!("{id}/review"))["evidence"].clone();
    let trace = "https://traces.example.org/t/";
    let passed = "The check traces passed";
    let row = |text: &str, url: Option<&str>, resolution: &str, why: &str| json!({"text": text, "from": null, "url": url, "resolution": resolution, "why": why});
    let url = |id: &str| Some(format!("{trace}{id}"));
    assert_eq!(
        of("H-1"),
        json!([
            row("trace:4bf9", url("4bf9").as_deref(), "found", passed),
            row("trace:../x", url("..%2Fx").as_deref(), "found", passed),
            row(
                "deploy:prod-17&x",
                Some("https://deploys.example.org/?id=prod-17%26x"),
                "linked",
                "Nothing has looked whether it is there"
            ),
            row(
                "ticket:9",
                None,
                "unresolved",
                "Nothing here knows what `ticket:` refers to"
            ),
            row(
                "<b>x",
                None,
                "unresolved",
                "It has no scheme, such as `trace:`, that says what it is"
            ),
        ])
    );
    let page = bed.http().fetch("/h/H-1").text();
    let link =
        "<a href=\"https://traces.example.org/t/4bf9\" rel=\"external noopener noreferrer\">";
    assert!(page.contains(link), "{page}");
    assert!(
        page.contains("&lt;b&gt;x") && page.contains("not resolved"),
        "{page}"
    );
    let (code, out, err) = bed.run(&["show", "H-1"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let line = "ticket:9: Nothing here knows what `ticket:` refers to";
    assert!(out.contains(line), "{out}");
    // A check that does not find one says nothing about which, so none counts as found.
    let package = agent
        .agent
        .package("u")
        .with("context", json!({"evidence_refs": ["trace:gone"]}));
    over(&agent.hand("other", &package));
    assert_eq!(of("H-2")[0]["resolution"], "unconfirmed");
    assert_eq!(
        of("H-2")[0]["why"],
        "The check traces failed with exit code 1"
    );
}

#[test]
fn references_in_files_are_read_and_a_check_answers_for_each() {
    let looks = "print('trace:a found'); print('trace:b missing: deleted in May'); \
                 print('data.json:2:3: too small'); raise SystemExit(1)";
    let resolver = "[[resolver]]\nscheme = \"trace\"\ncheck = \"traces\"\n";
    let bed = bed(
        &(python("traces", looks, "") + resolver),
        r#"["traces"]"#,
        "",
    );
    let agent = Member::new("a", &bed.workspace());
    let package = agent
        .agent
        .package("t")
        .with("evidence_refs", json!(["trace:a", "trace:c"]))
        .file(
            "data.json",
            "{\"rows\": [\n  {\"evidence_refs\": [\"trace:b\", \"trace:a\"]}\n]}",
        )
        .file("more.yaml", "evidence_refs: ['ticket:9']\n")
        .file("broken.json", "{\n  \"a\": }")
        .file("notes.txt", "{\"evidence_refs\": [\"trace:no\"]}");
    over(&agent.hand("work", &package));
    let evidence = state(&bed, "H-1/review")["evidence"].clone();
    let rows: Vec<_> = evidence.as_array().expect("a list").iter().collect();
    let told = |row: &serde_json::Value| {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        (text("text"), text("from"), text("resolution"), text("why"))
    };
    let row = |text: &str, from: &str, resolution: &str, why: &str| {
        (
            text.to_owned(),
            from.to_owned(),
            resolution.to_owned(),
            why.to_owned(),
        )
    };
    assert_eq!(
        rows.into_iter().map(told).collect::<Vec<_>>(),
        [
            row("trace:a", "", "found", "The check traces found it"),
            row(
                "trace:c",
                "",
                "unconfirmed",
                "The check traces failed with exit code 1"
            ),
            row(
                "trace:b",
                "data.json",
                "unconfirmed",
                "The check traces did not find it: deleted in May"
            ),
            row(
                "ticket:9",
                "more.yaml",
                "unresolved",
                "Nothing here knows what `ticket:` refers to"
            ),
        ]
    );
    // What the check said of a line stands there, and so does where a reader stopped.
    let page = bed.http().fetch("/h/H-1").text();
    assert!(page.contains("Line 2, column 3: too small"), "{page}");
    assert!(
        page.contains("<span class=\"vh\">Line 2: </span>too small"),
        "{page}"
    );
    assert!(
        page.contains("<span class=\"vh\">Line 2: </span>not JSON: expected value"),
        "{page}"
    );
}

#[test]
fn a_resolver_whose_host_a_reference_could_choose_is_refused() {
    let mut bed = scene("", "[]", "");
    bed.up();
    for (resolver, why) in [
        ("scheme = \"x\"\nurl = \"https://{id}/\"", "without `{id}`"),
        (
            "scheme = \"x\"\nurl = \"javascript:{id}\"",
            "must begin with `https://`",
        ),
        (
            "scheme = \"X:\"\nurl = \"https://a/{id}\"",
            "must be a small letter",
        ),
        ("scheme = \"x\"", "resolves nothing"),
        (
            "scheme = \"x\"\ncheck = \"gone\"",
            "there is no check `gone`",
        ),
    ] {
        let file = bed.workspace().with_extension("toml");
        fs::write(&file, format!("[[resolver]]\n{resolver}\n")).expect("the scene can be set");
        let path = file.to_str().expect("a path that is text");
        let (code, out, err) = bed.run(&["config", "check", "--config", path]);
        assert_ne!(code, 0, "{resolver}");
        assert!(format!("{out}{err}").contains(why), "{out}{err}");
    }
}
