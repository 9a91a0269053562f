//! Queries and questions over a real workspace, with the answers that they must have, and a second set of
//! questions that the rules were never tuned on, whose score is told as it is.

#![expect(clippy::disallowed_methods, reason = "the scene is set on the disk")]
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::fmt::Write as _;

use countersign_protocol::{HandoffId, decision::Outcome, query::parse};
use countersign_tests::{
    agent::{Agent, Care, Package},
    bed::TestBed,
    repo, wait,
};
use serde_json::{Value, json};

/// Agents have handed over, reviewers have decided and commented, and one delivery was refused.
fn scene() -> TestBed {
    let mut bed = TestBed::prepare();
    let billing = bed.launch.roots[0].join("billing");
    std::fs::create_dir_all(&billing).unwrap();
    bed.up();
    let work = |name: &str| bed.agent(name);
    let billing = |name: &str| Agent::new(name, &billing);
    let deliver = |agent: &Agent, folder: &str, package: Package| {
        let delivery = agent.write(folder, &package, Care::Rename).unwrap();
        delivery.receipt().handoff_id
    };
    let writer = work("report-writer");
    let risks = deliver(
        &writer,
        "q3",
        writer
            .package("Draft the Q3 risk summary")
            .with("task_id", "q3")
            .with("confidence", 0.86)
            .file("report.md", "# Risks\n\nCurrency mismatch in Croatia.\n")
            .file("table.csv", "risk,cost\nmismatch,100\n"),
    );
    let migrator = work("ledger-migrator");
    let backfill = deliver(
        &migrator,
        "backfill",
        migrator
            .package("Backfill currency codes")
            .with("confidence", 0.62)
            .with("trigger", "critical_action")
            .file(
                "migrations/0042_backfill.sql",
                "update ledger set currency = 'EUR';\n",
            )
            .file(
                "logs/dry-run.log",
                "2026-11-18T10:00:00Z INFO start\n\
                 2026-11-18T10:00:01Z ERROR connection refused by 10.0.0.7\n",
            ),
    );
    let hermes = billing("hermes");
    let prices = deliver(
        &hermes,
        "prices",
        hermes
            .package("Price list for October")
            .with("confidence", 0.91)
            .file("prices.csv", "item,price\nbolt,3\n"),
    );
    let notes = work("hermes");
    let release = deliver(
        &notes,
        "notes",
        notes
            .package("Release notes for 4.18")
            .with("trigger", "error")
            .with("confidence", 0.4)
            .file("notes.md", "The API of parseHTTPRequest breaks.\n"),
    );
    let exporter = billing("report-writer");
    let export = deliver(
        &exporter,
        "invoices",
        exporter
            .package("Export of invoices")
            .with("confidence", 0.95)
            .file("export.csv", "customer,total\nAcme,12\n"),
    );
    assert_eq!(
        [risks, backfill, prices, release, export],
        [1, 2, 3, 4, 5].map(HandoffId)
    );
    let reviewer = bed.reviewer();
    reviewer.decide(
        risks,
        Outcome::ChangesRequested,
        "Name the owner of each risk",
    );
    std::fs::remove_file(bed.workspace().join("q3/table.csv")).unwrap();
    let second = writer
        .package("Draft the Q3 risk summary")
        .with("task_id", "q3")
        .with("confidence", 0.9)
        .file(
            "report.md",
            "# Risks\n\nCurrency mismatch in Croatia. Owner: Sam.\n",
        )
        .file("owners.md", "Sam owns the mismatch.\n");
    let delivery = writer.write("q3", &second, Care::Rename).unwrap();
    wait::until("revision 2", || {
        (reviewer.look(risks).revision == 2).then_some(())
    });
    drop(delivery);
    reviewer.decide(risks, Outcome::Approved, "");
    reviewer.decide(export, Outcome::Rejected, "Wrong customer");
    let said = json!({ "text": "Which currency is meant?" });
    let path = format!("/api/v1/handoffs/{prices}/comments");
    assert_eq!(bed.http().push(&path, &said).status, 204);
    notes
        .write_as(
            "broken",
            "handoff.json",
            br#"{"handoff_version": "1.0", "from_agent": "hermes", "task": "x", "confidence": "high"}"#,
            &std::collections::BTreeMap::new(),
            Care::Rename,
        )
        .unwrap();
    wait::until("the refusal", || {
        let letters = bed.http().fetch("/api/v1/dead-letters").json();
        letters
            .as_array()
            .is_some_and(|list| !list.is_empty())
            .then_some(())
    });
    wait::until("the answers", || reviewer.all_delivered().then_some(()));
    bed
}

/// Waits until everything that was recorded can be found.
fn indexed(bed: &TestBed) {
    wait::until("the index", || {
        let head = bed.health()["head"]["seq"].as_u64()?;
        let status = bed.http().fetch("/api/v1/search/index").json();
        let ready = status["state"] == "ready" && status["seq"].as_u64()? >= head;
        ready.then_some(())
    });
    for last in [
        "ext:sql",
        "path:dry-run.log",
        "path:notes.md",
        "path:owners.md",
    ] {
        wait::until(last, || (ask(bed, last)["total"] == 1).then_some(()));
    }
}

fn ask(bed: &TestBed, text: &str) -> Value {
    let mut encoded = String::new();
    for byte in text.bytes() {
        let _ = write!(encoded, "%{byte:02X}");
    }
    let reply = bed
        .http()
        .fetch(&format!("/api/v1/search?limit=200&q={encoded}"));
    reply.expect(200).json()
}

/// The answer in one line: groups, or the number, or every hit in the order of its name.
fn told(answer: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let groups = answer["groups"].as_array().unwrap();
    if !groups.is_empty() {
        let mut groups: Vec<_> = groups
            .iter()
            .map(|group| format!("{}={}", word(&group["value"]), group["count"]))
            .collect();
        groups.sort();
        return groups.join(" ");
    }
    let query = word(&answer["reading"]["query"]);
    if query.contains("show:count") {
        return format!("={}", answer["total"]);
    }
    let hits = answer["hits"].as_array().unwrap();
    assert_eq!(answer["total"], hits.len());
    let mut hits: Vec<_> = hits
        .iter()
        .map(|hit| {
            let path = format!("{}/{}", word(&hit["workspace"]), word(&hit["path"]));
            let change = word(&hit["change"]);
            match word(&hit["kind"]).as_str() {
                "handoff" => word(&hit["handoff"]),
                "file" if change.is_empty() => path,
                "file" => format!("{change}:{path}"),
                "refused" => format!("refused:{path}"),
                kind => format!("{kind}:{}.{}", word(&hit["handoff"]), hit["revision"]),
            }
        })
        .collect();
    hits.sort();
    hits.join(" ")
}

fn lines(path: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(repo::root().join(path)).unwrap();
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect()
}

#[test]
fn every_query_of_the_golden_set_has_its_exact_answer() {
    let bed = scene();
    indexed(&bed);
    let golden = lines("tests/data/search-golden.tsv");
    assert!(golden.len() >= 60, "{}", golden.len());
    let mut wrong = String::new();
    for line in &golden {
        let [text, query, expected] = line.as_slice() else {
            panic!("{line:?}");
        };
        let answer = ask(&bed, text);
        let read = answer["reading"]["query"].as_str().unwrap();
        let found = told(&answer);
        if (read, found.as_str()) != (query.as_str(), expected.as_str()) {
            let _ = write!(wrong, "\n{text}\t{read}\t{found}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    every_hit_can_be_checked(&bed);
    what_is_not_found_says_what_would_be(&bed);
    questions_that_no_rule_understands_are_kept(&bed);
}

/// A hit cites an entry of the ledger, and its line says where the words are.
fn every_hit_can_be_checked(bed: &TestBed) {
    let answer = ask(bed, "\"connection refused\" type:log");
    let hit = &answer["hits"][0];
    assert!(hit["seq"].as_u64().unwrap() > 0, "{hit}");
    let line = &hit["lines"][0];
    assert_eq!(line["number"], 2, "{hit}");
    let text = line["text"].as_str().unwrap();
    let span = |at: usize| usize::try_from(line["matches"][0][at].as_u64().unwrap()).unwrap();
    assert_eq!(&text[span(0)..span(1)], "connection refused");
    let refused = ask(bed, "show me the files with validation errors");
    let error = &refused["hits"][0]["errors"][0];
    assert_eq!(error["pointer"], "/confidence", "{refused}");
}

fn what_is_not_found_says_what_would_be(bed: &TestBed) {
    let answer = ask(bed, "agent:hermes decision:approved show:handoffs");
    assert_eq!(answer["total"], 0);
    let relaxed = &answer["relaxed"];
    assert_eq!(relaxed[0]["without"], "agent:hermes");
    assert_eq!(relaxed[0]["total"], 1);
    assert_eq!(relaxed[1]["without"], "decision:approved");
    assert_eq!(relaxed[1]["total"], 2);
}

fn questions_that_no_rule_understands_are_kept(bed: &TestBed) {
    for _ in 0..2 {
        ask(bed, "What is the meaning of life?");
    }
    let (code, out, err) = bed.run(&["search", "--unmatched", "--json"]);
    assert_eq!(code, 0, "{err}");
    let listed: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        listed["unmatched"][0]["question"],
        "What is the meaning of life?"
    );
    assert_eq!(listed["unmatched"][0]["count"], 2);
    let (code, out, err) = bed.run(&["search", "agnet:hermes", "croatia"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("did you mean `agent:`?"), "{err}");
    assert!(out.contains("report.md"), "{out}");
}

/// Each question runs. How many are read as they were meant is told and not asserted.
#[test]
fn fresh_questions_run_and_their_score_is_told() {
    let bed = scene();
    let terms = |text: &str| {
        let query = parse(text).unwrap().query;
        let mut terms: Vec<String> = query.pills().into_iter().map(|pill| pill.text).collect();
        terms.sort();
        terms
    };
    let questions = lines("tests/data/questions-fresh.tsv");
    assert!(questions.len() >= 30, "{}", questions.len());
    let (mut right, mut partly) = (0, 0);
    for line in &questions {
        let [text, meant] = line.as_slice() else {
            panic!("{line:?}");
        };
        let answer = ask(&bed, text);
        let read = terms(answer["reading"]["query"].as_str().unwrap());
        let meant = terms(meant);
        let without_rank = |terms: &[String]| -> Vec<String> {
            let filters = terms.iter().filter(|term| !term.starts_with("about:"));
            filters.cloned().collect()
        };
        if read == meant {
            right += 1;
        } else if without_rank(&read) == without_rank(&meant) && !without_rank(&read).is_empty() {
            partly += 1;
        } else {
            println!(
                "other: {text}\n  meant {}\n  read  {}",
                meant.join(" "),
                read.join(" ")
            );
        }
    }
    println!(
        "{right} of {} as meant, {partly} with words that rank besides",
        questions.len()
    );
}
