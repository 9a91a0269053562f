//! A person reads times where they are, on every page and behind every link.

use countersign_protocol::decision::Outcome;
use countersign_tests::{
    bed::{TestBed, WORKSPACE},
    smtp::Smtp,
};
use serde_json::json;

use super::scene::{hand_over, path_of, person};

/// The summer and winter time of Los Angeles.
const THERE: [&str; 2] = [" PST", " PDT"];

fn is_there(text: &str) -> bool {
    THERE.iter().any(|name| text.contains(name))
}

#[test]
fn a_person_reads_times_where_they_are() {
    let smtp = Smtp::kind();
    let rules = "time_zone = \"America/Los_Angeles\"\n\
                 [[route]]\nname = \"all\"\nto = [\"robin\"]\ndue = \"5h\"\n";
    let text = smtp.section("") + &person("robin", "Robin Reviewer") + rules;
    let mut bed = TestBed::prepare().configured(&text);
    bed.up();
    let (id, _) = hand_over(&bed, "q3", "Draft the Q3 risk summary");
    let mail = smtp.takes(1)[0].clone();
    let (decided, _) = hand_over(&bed, "q2", "Draft the Q2 risk summary");
    bed.reviewer().decide(decided, Outcome::Approved, "");
    let taken = bed.http().push(
        "/api/v1/locks",
        &json!({ "workspace": WORKSPACE, "path": "src/a.rs", "agent": "ada" }),
    );
    assert!(taken.status < 300, "{}", taken.text());
    let cookie = bed.sign_in();
    let link = path_of(&bed, &mail.link("confirm?d=approve")).to_owned();
    let card = format!("/h/{id}");
    let pages = [
        "/queue",
        "/queue?view=decided",
        &card,
        &format!("/h/{decided}"),
        "/activity",
        "/locks",
        "/people",
        &link,
    ];
    for path in pages {
        let page = bed
            .stranger()
            .send("GET", path, &[("cookie", &cookie)], &[]);
        let page = page.expect("a page").text();
        assert!(is_there(&page), "{path}: {page}");
        assert!(!page.contains(" UTC"), "{path}: {page}");
    }
    let stranger = bed.stranger().fetch(&link).text();
    assert!(is_there(&stranger), "signed in nowhere: {stranger}");
    smtp.stop();
}

#[test]
fn a_browser_says_where_somebody_is_of_whom_nothing_is_configured() {
    let bed = TestBed::start();
    hand_over(&bed, "q3", "Draft the Q3 risk summary");
    let session = bed.sign_in();
    let activity = |zone: &str| {
        let cookie = format!("{session}; countersign-zone={zone}");
        let page = bed
            .stranger()
            .send("GET", "/activity", &[("cookie", &cookie)], &[]);
        page.expect("a page").text()
    };
    assert!(is_there(&activity("America/Los_Angeles")));
    for unknown in ["Nowhere/At_All", "../../etc/passwd", "", "%00"] {
        let page = activity(unknown);
        assert!(page.contains(" UTC") && !is_there(&page), "{unknown}");
    }
}
