//! Queries and questions over a real workspace, with the answers that they must have, and a second set of
//! questions that the rules were never tuned on.

#![expect(clippy::disallowed_methods, reason = "the scene is set on the disk")]
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::fmt::Write as _;

use countersign::fault;
use countersign_protocol::{HandoffId, decision::Outcome};
use countersign_tests::{
    agent::{Agent, Care, Package},
    bed::{self, TestBed},
    repo, samples, wait,
};
use serde_json::{Value, json};

/// Documents of every kind that only a child may read, and one that none can.
fn library(bed: &TestBed) {
    let folder = bed.workspace().join("library");
    std::fs::create_dir_all(&folder).unwrap();
    let page = "<w:p><w:r><w:t>An okapi and a zebra</w:t></w:r></w:p>";
    let row = "<row r='7'><c r='A7' t='inlineStr'><is><t>quagga</t></is></c></row>";
    let pages = ["the first page is plain", "a zebra crossing comes second"];
    for (name, bytes) in [
        ("report.pdf", samples::pdf(&pages)),
        ("board.docx", samples::docx(page)),
        ("sums.xlsx", samples::xlsx(row)),
        ("deck.pptx", samples::pptx()),
        ("mail.eml", samples::email()),
        (
            "page.html",
            b"<!doctype html><p>a <b>bold</b> zebra".to_vec(),
        ),
        (
            "pack.zip",
            samples::zip(&[("in/notes.txt", b"one\nthe tapir sleeps\n")]),
        ),
        ("notes.txt.gz", samples::gzip(b"the tapir wakes\n")),
        ("broken.pdf", b"%PDF-1.7 zebra".to_vec()),
    ] {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}

/// Agents have handed over, reviewers have decided and commented, and one delivery was refused.
fn scene() -> TestBed {
    let mut bed = TestBed::prepare();
    let billing = bed.launch.roots[0].join("billing");
    std::fs::create_dir_all(&billing).unwrap();
    library(&bed);
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
            .with("questions", json!(["Which version is next?"]))
            .with(
                "provenance",
                json!({"tools": ["pytest", {"name": "git"}], "model": {"model": "Sonnet-9"}}),
            )
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
    assert_eq!(bed.http().push(&path, &said).status, 201);
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
    // Put together here, so that no scanner takes this file for a leak.
    let key = format!("REGION=eu\nKEY_ID={}{}\n", "AKIA", "Q2XZ".repeat(4));
    std::fs::write(bed.workspace().join("library/deploy.env"), key).unwrap();
    let lock = json!({
        "workspace": bed::WORKSPACE, "agent": "ledger-migrator", "path": "backfill/migrations/", "ttl_seconds": 3600
    });
    assert_eq!(bed.http().push("/api/v1/locks", &lock).status, 201);
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

/// The queries of the golden set whose answer is another one.
fn wrong_answers(bed: &TestBed) -> String {
    let golden = lines("tests/data/search-golden.tsv");
    assert!(golden.len() >= 60, "{}", golden.len());
    let mut wrong = String::new();
    for line in &golden {
        let [text, query, expected] = line.as_slice() else {
            panic!("{line:?}");
        };
        let answer = ask(bed, text);
        let read = answer["reading"]["query"].as_str().unwrap();
        let found = told(&answer);
        if (read, found.as_str()) != (query.as_str(), expected.as_str()) {
            let _ = write!(wrong, "\n{text}\t{read}\t{found}");
        }
    }
    wrong
}

#[test]
fn every_query_of_the_golden_set_has_its_exact_answer() {
    let bed = scene();
    indexed(&bed);
    let wrong = wrong_answers(&bed);
    assert!(wrong.is_empty(), "{wrong}");
    every_hit_can_be_checked(&bed);
    words_of_documents_say_where_they_stand(&bed);
    people_and_times_are_asked_for_exactly(&bed);
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

/// A page, a row, a line of a member; and why one document is found by name only.
fn words_of_documents_say_where_they_stand(bed: &TestBed) {
    let line = |text: &str| {
        let answer = ask(bed, text);
        assert_eq!(answer["total"], 1, "{answer}");
        answer["hits"][0]["lines"][0].clone()
    };
    let page = line("\"zebra crossing\"");
    assert_eq!(page["place"], json!({"in": "page", "page": 2}));
    assert_eq!(page["text"], "a zebra crossing comes second");
    let row = line("quagga");
    assert_eq!(row["place"], json!({"in": "row", "sheet": "Q3", "row": 7}));
    let member = line("\"tapir sleeps\"");
    assert_eq!(
        (&member["place"]["path"], &member["number"]),
        (&json!("in/notes.txt"), &json!(2))
    );
    let broken = ask(bed, "has:unsearched");
    let note = broken["hits"][0]["note"].as_str().unwrap();
    assert!(note.starts_with("It is damaged"), "{note}");
    assert_eq!(ask(bed, "content:zebra ws:work")["unsearched"], 1);
    assert_eq!(ask(bed, "content:zebra ws:billing")["unsearched"], 0);
    let (code, out, err) = bed.run(&["index", "status"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("ready: "), "{out}");
    assert!(
        err.contains("the text of 1 files could not be read"),
        "{err}"
    );
    let (code, out, err) = bed.run(&["search", "\"zebra crossing\""]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("page 2: a zebra crossing"), "{out}");
}

/// What people did to a card, and days in the zone of who asks.
fn people_and_times_are_asked_for_exactly(bed: &TestBed) {
    let found = |text: &str| told(&ask(bed, text));
    for command in [["claim", "H-2"].as_slice(), &["snooze", "H-3", "2h"]] {
        let (code, _, err) = bed.run(command);
        assert_eq!(code, 0, "{command:?}: {err}");
    }
    assert_eq!(found("is:claimed show:handoffs"), "H-2");
    assert_eq!(found("is:snoozed show:handoffs"), "H-3");
    assert_eq!(found("event:handoff.snoozed show:handoffs"), "H-3");
    let zone = |tz: &str| {
        let query = format!("/api/v1/search?q=after%3Atoday{tz}");
        bed.http().fetch(&query)
    };
    assert_eq!(zone("").expect(200).json()["reading"]["zone"], "UTC");
    let far = zone("&tz=Pacific%2FAuckland").expect(200).json();
    assert_eq!(far["reading"]["zone"], "Pacific/Auckland");
    assert_eq!(zone("&tz=Nowhere%2FLand").status, 400);
    let (code, _, err) = bed.run(&["search", "--tz", "Europe/Zagreb", "after:today"]);
    assert_eq!(code, 0);
    assert!(err.contains("days in Europe/Zagreb"), "{err}");
    assert_eq!(ask(bed, "is:waiting")["reading"]["zone"], Value::Null);
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

/// Each question runs, also those that nobody foresaw; how many are read as they were meant is told beside the
/// rules.
#[test]
fn fresh_questions_run() {
    let bed = scene();
    for set in ["fresh", "unseen"] {
        let questions = lines(&format!("protocol/testdata/questions-{set}.tsv"));
        assert!(questions.len() >= 30, "{}", questions.len());
        for line in &questions {
            let answer = ask(&bed, &line[0]);
            assert_ne!(answer["reading"]["query"], "", "{answer}");
        }
    }
}

/// What was handed over and replaced since is found as it was: its words, its lines, the revision that had it.
#[test]
fn files_are_found_as_they_stood_at_a_moment() {
    let mut bed = scene();
    indexed(&bed);
    let (code, _, err) = bed.run(&["mark", "build", "318"]);
    assert_eq!(code, 0, "{err}");
    let writer = bed.agent("report-writer");
    let third = writer
        .package("Draft the Q4 risk summary")
        .with("task_id", "q4")
        .file("report.md", "# Risks\n\nNothing in the quarter.\n")
        .file("pages.pdf", samples::pdf(&["a narwhal on the first page"]));
    let before = bed.health()["head"]["seq"].as_u64().unwrap();
    // What was approved is not worked on any more, so this is another handoff, of files by the same names.
    writer.write("q3", &third, Care::Rename).unwrap().receipt();
    moments_are_searched(&bed, before);
    // The index of versions is there after a death, wherever that was, and is made again by itself when it is gone or
    // damaged.
    bed.restart();
    moments_are_searched(&bed, before);
    bed.down();
    let folder = bed.data().join("index-past");
    std::fs::remove_dir_all(&folder).unwrap();
    bed.up();
    moments_are_searched(&bed, before);
    bed.down();
    let formats = std::fs::read_dir(&folder).unwrap().flatten();
    let files = formats.flat_map(|format| std::fs::read_dir(format.path()).unwrap().flatten());
    let damaged = files.map(|file| std::fs::write(file.path(), b"damaged").unwrap());
    assert!(damaged.count() > 5);
    bed.up();
    moments_are_searched(&bed, before);
    for step in fault::PAST {
        bed.down();
        std::fs::remove_dir_all(&folder).unwrap();
        let crash = ("COUNTERSIGN_CRASH_AT".to_owned(), format!("{step}:1"));
        bed.launch.env.push(crash);
        bed.up();
        // It dies of the question.
        assert!(bed.http().get("/api/v1/search?q=at%3A%40now").is_err());
        wait::until(step, || bed.daemon().ended().map(|_| ()));
        bed.launch.env.pop();
        bed.up();
        moments_are_searched(&bed, before);
    }
}

fn moments_are_searched(bed: &TestBed, entry: u64) {
    let report = "work/q3/report.md";
    for (text, expected) in [
        ("Croatia at:@rev:1 id:H-1".to_owned(), report),
        ("Sam at:@rev:1 id:H-1".to_owned(), ""),
        (
            "Sam at:@rev:2 id:H-1".to_owned(),
            "work/q3/owners.md work/q3/report.md",
        ),
        (
            "mismatch at:@rev:1 id:H-1".to_owned(),
            "work/q3/report.md work/q3/table.csv",
        ),
        (
            "\"mismatch in Croatia. Owner\" at:@build:318".to_owned(),
            report,
        ),
        (r"/Owner: \w+\./ at:@last-build".to_owned(), report),
        (
            "path:q3/** ext:csv at:@rev:1 id:H-1".to_owned(),
            "work/q3/table.csv",
        ),
        ("path:q3/** at:@start".to_owned(), ""),
        (format!("Croatia at:@entry:{entry}"), report),
        ("Croatia at:@now".to_owned(), ""),
        ("narwhal at:@now".to_owned(), "work/q3/pages.pdf"),
        ("narwhal at:@build:318".to_owned(), ""),
        (
            "has:error at:@build:318".to_owned(),
            "work/backfill/logs/dry-run.log",
        ),
        ("ext:csv at:@now ws:billing show:count".to_owned(), "=2"),
    ] {
        let answer = ask(bed, &text);
        assert_eq!(told(&answer), expected, "{text}: {answer}");
    }
    let answer = ask(bed, "Croatia at:@rev:2 id:H-1");
    let hit = &answer["hits"][0];
    assert_eq!(
        (&hit["handoff"], &hit["revision"]),
        (&json!("H-1"), &json!(2))
    );
    assert_eq!(hit["lines"][0]["number"], 3, "{hit}");
    assert_eq!(answer["stood"][0]["label"], "revision 2", "{answer}");
    assert_eq!(answer["stood"][0]["seq"], hit["seq"]);
    assert_eq!(answer["partial"], Value::Null);
    let (code, out, err) = bed.run(&["search", "Croatia at:@build:318 ws:work"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("work as it stood at build 318"), "{err}");
    assert!(
        out.contains("Currency mismatch in Croatia. Owner: Sam."),
        "{out}"
    );
    // A moment that is none is no moment at which nothing stood.
    let unknown = bed
        .http()
        .fetch("/api/v1/search?q=x%20at%3A%40build%3A999%20ws%3Awork");
    assert!(
        unknown.status == 400 || unknown.status == 422,
        "{}",
        unknown.status
    );
    // On the page the text stays where it can be mended.
    let cookie = bed.sign_in();
    let page = "/search?q=x%20at%3A%40build%3A999%20ws%3Awork";
    let page = bed
        .stranger()
        .send("GET", page, &[("cookie", &cookie)], &[]);
    let text = page.unwrap().text();
    assert!(text.contains("No build 999 is marked"), "{text}");
    assert!(
        text.contains(r#"value="x at:@build:999 ws:work""#),
        "{text}"
    );
    let other = ask(bed, "x at:@build:318 show:decisions");
    let note = other["reading"]["notes"].to_string();
    assert!(
        note.contains("only files are known as they stood"),
        "{note}"
    );
}

/// The two questions that the whole thing began with: exact rows, each with the entry that it is from.
#[test]
fn both_seed_questions_are_answered_and_cite_their_entries() {
    let bed = scene();
    let (code, _, err) = bed.run(&["mark", "build", "318"]);
    assert_eq!(code, 0, "{err}");
    let before = bed.health()["head"]["seq"].as_u64().unwrap();
    let agent = bed.agent("report-writer");
    let package = agent
        .package("Draft the Q4 risk summary")
        .with("task_id", "q4")
        .file("report.md", "# Risks of Q4\n");
    let delivery = agent.write("q4", &package, Care::Rename).unwrap();
    let id = delivery.receipt().handoff_id.to_string();
    let changed = ask(&bed, "What changed since the last build?");
    assert_eq!(changed["reading"]["query"], "changed:>@last-build");
    assert_eq!(told(&changed), "added:work/q4/report.md");
    let hit = &changed["hits"][0];
    assert_eq!(hit["handoff"], id.as_str());
    assert!(hit["seq"].as_u64().unwrap() > before, "{hit}");
    let since = changed["changes"]["since"].as_str().unwrap();
    assert!(since.starts_with("build 318"), "{since}");
    indexed(&bed);
    let errors = ask(&bed, "Show me the files with validation errors");
    assert_eq!(told(&errors), "refused:work/broken/handoff.json");
    let hit = &errors["hits"][0];
    assert_eq!(hit["errors"][0]["pointer"], "/confidence");
    assert!(hit["errors"][0]["line"].as_u64().unwrap() > 0, "{hit}");
    assert!(hit["seq"].as_u64().unwrap() > 0, "{hit}");
}

/// kill -9 while the index is made anew, at each of its steps, several times on the way: after a start every
/// answer is the same again, and nothing is there twice.
#[test]
fn kill_at_every_step_of_the_index_leaves_every_answer_exact() {
    let mut bed = scene();
    indexed(&bed);
    let documents =
        |bed: &TestBed| bed.http().fetch("/api/v1/search/index").json()["documents"].clone();
    let whole = documents(&bed);
    let steps = fault::STEPS
        .iter()
        .filter(|step| step.starts_with("index."));
    let mut killed = 0;
    for step in steps {
        for hit in [1, 2, 7] {
            bed.down();
            // What was read of documents is read again, too.
            let _ = std::fs::remove_dir_all(bed.data().join("cache"));
            let crash = ("COUNTERSIGN_CRASH_AT".to_owned(), format!("{step}:{hit}"));
            bed.launch.env.push(crash);
            // Made anew since it is gone, and since somebody asks for it.
            let is_gone = hit == 1;
            if is_gone {
                std::fs::remove_dir_all(bed.data().join("index")).unwrap();
            }
            bed.start_daemon();
            let is_up = bed.comes_up().is_ok();
            if is_up && !is_gone {
                bed.run(&["index", "rebuild", "--no-wait"]);
            }
            let died = wait::within(wait::LIMIT, || {
                if bed.daemon().ended().is_some() {
                    return Some(true);
                }
                // A step that is met less often than that is passed.
                (is_up && is_ready(&bed)).then_some(false)
            });
            let died = died.unwrap_or_else(|| panic!("{step}:{hit}: {}", bed.daemon().log_tail()));
            assert!(died || hit > 1, "{step} is never met");
            killed += usize::from(died);
            bed.launch.env.pop();
            bed.up();
            indexed(&bed);
            let wrong = wrong_answers(&bed);
            assert!(wrong.is_empty(), "{step}:{hit}{wrong}");
            assert_eq!(documents(&bed), whole, "{step}:{hit}");
        }
    }
    println!("killed {killed} times");
}

/// Whether the index says that it is complete.
fn is_ready(bed: &TestBed) -> bool {
    let status = bed.http().get("/api/v1/search/index");
    status.is_ok_and(|reply| reply.json()["state"] == "ready")
}
