//! Results that grow, with the whole program: by file, on the page and over HTTP, and over kill -9.

use std::collections::BTreeMap;

use countersign::fault;
use countersign_protocol::{Digest, decision::Outcome, event::Event};
use countersign_tests::{
    agent::{Care, put},
    bed::TestBed,
    evidence::Evidence,
    wait,
};
use serde_json::json;

const CRASH_AT: &str = "COUNTERSIGN_CRASH_AT";
const CHUNKS: u32 = 8;

fn name(number: u32) -> String {
    let end = if number == CHUNKS { ".final" } else { "" };
    format!("{number:04}{end}")
}

fn text(number: u32) -> String {
    format!("line {number}\n")
}

/// Hands over and writes the chunks, the third as the last of all.
fn write(bed: &TestBed) {
    let agent = bed.agent("ada");
    let package = agent
        .package("grow")
        .with("status", "in_progress")
        .with("partials", json!({"chunks": CHUNKS}));
    let folder = bed.workspace().join("run");
    agent
        .write("run", &package, Care::Rename)
        .expect("the workspace is writable");
    for number in [1, 2, 4, 5, 6, 7, 8, 3] {
        let path = folder.join("partial").join(name(number));
        put(&path, text(number).as_bytes(), Care::Rename).expect("the workspace is writable");
    }
}

/// Waits until all of it is there; `None` when the daemon died over it.
fn whole(bed: &mut TestBed) -> Option<()> {
    wait::within(wait::LIMIT, || {
        let Ok(row) = bed.http().get("/api/v1/handoffs/1") else {
            return bed.daemon().was_killed().then_some(None);
        };
        let row = row.json();
        (row["partial"]["seen"]["whole"] == true).then_some(Some(()))
    })
    .expect("the result is whole, or the daemon is gone")
}

/// Each chunk is in the ledger once, and its bytes are kept.
fn check(bed: &mut TestBed, case: &str) {
    bed.down();
    let evidence = Evidence::read(bed.data()).expect("the ledger can be read");
    let mut kept: BTreeMap<String, Vec<Digest>> = BTreeMap::new();
    for body in &evidence.bodies {
        if let Event::PartialKept(chunk) = &body.event {
            let of = kept.entry(chunk.at.file.clone()).or_default();
            of.push(chunk.sha256);
        }
    }
    let expected = (1..=CHUNKS).map(|number| {
        let digest = Digest::of(text(number).as_bytes());
        assert!(
            evidence.object(digest).is_some(),
            "{case}: chunk {number} is gone"
        );
        (name(number), vec![digest])
    });
    assert_eq!(kept, expected.collect(), "{case}");
}

#[test]
fn kill_9_while_a_result_grows_loses_no_chunk_and_keeps_none_twice() {
    // The start has commits of its own.
    let commits = ["ledger.before_commit", "ledger.after_commit"].map(|step| (step, [5, 7, 9]));
    let kept = fault::PARTIAL.iter().map(|step| (*step, [2, 5, 8]));
    for (step, hits) in kept.chain(commits) {
        let mut deaths = 0;
        for hit in hits {
            let case = format!("{step}:{hit}");
            let mut bed = TestBed::prepare().env(CRASH_AT, &case);
            bed.up();
            write(&bed);
            if whole(&mut bed).is_none() {
                deaths += 1;
                bed.launch.env.retain(|(name, _)| name != CRASH_AT);
                bed.up();
                whole(&mut bed).expect("it goes on");
            }
            check(&mut bed, &case);
        }
        assert!(deaths > 0, "nothing ever came to {step}");
    }
}

#[test]
fn a_result_is_read_while_it_grows_and_the_answer_says_how_much_was_seen() {
    let mut bed = TestBed::start();
    write(&bed);
    whole(&mut bed).expect("it lives");
    let http = bed.http();
    let reply = http.fetch("/api/v1/handoffs/1/partial").expect(200);
    assert_eq!(reply.header("x-through"), Some("8"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(reply.text(), (1..=CHUNKS).map(text).collect::<String>());
    let rest = http.fetch("/api/v1/handoffs/1/partial?from=8").expect(200);
    assert_eq!(rest.text(), text(8));
    let decision = bed
        .reviewer()
        .decide(countersign_protocol::HandoffId(1), Outcome::Approved, "");
    let seen = decision.partial.expect("what it is about");
    assert_eq!((seen.through, seen.whole), (CHUNKS, true));
    // As sha256sum prints them.
    let list = (1..=CHUNKS).map(|number| {
        let digest = Digest::of(text(number).as_bytes());
        format!("{digest}  {}\n", name(number))
    });
    assert_eq!(seen.sha256, Digest::of(list.collect::<String>().as_bytes()));
}
