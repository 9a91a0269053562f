//! An answer that can be taken back, and a daemon that dies at every step of it.

#![expect(clippy::unwrap_used, reason = "the story must go on")]

use countersign::fault;
use countersign_protocol::{HandoffId, decision::Outcome};
use countersign_tests::{
    agent::{Care, Delivery},
    bed::TestBed,
    evidence::Evidence,
    http::{Http, NoReply, Reply},
    wait,
};
use serde_json::Value;

const ONE: HandoffId = HandoffId(1);
const CRASH_AT: &str = "COUNTERSIGN_CRASH_AT";
/// Long enough that a form can be sent before it is over.
const WINDOW: &str = "[review]\nundo = \"2s\"\n";

/// A browser that somebody sits at.
struct Browser {
    http: Http,
    cookie: String,
}

impl Browser {
    fn of(bed: &TestBed) -> Self {
        Self {
            http: Http::new(&bed.endpoint().url, None),
            cookie: bed.sign_in(),
        }
    }

    fn open(&self, path: &str) -> Result<Reply, NoReply> {
        self.http
            .send("GET", path, &[("cookie", &self.cookie)], &[])
    }

    /// Sends a form, as the page of the handoff would.
    fn send(&self, path: &str, fields: &str) -> Result<Reply, NoReply> {
        let page = self.open("/h/H-1")?.text();
        let (_, rest) = page.split_once("name=\"csrf\" value=\"").unwrap();
        let (csrf, _) = rest.split_once('"').unwrap();
        let headers = [
            ("cookie", self.cookie.as_str()),
            ("origin", self.http.base()),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let body = format!("csrf={csrf}&{fields}");
        self.http.send("POST", path, &headers, body.as_bytes())
    }

    fn approve(&self, row: &Value) -> Result<Reply, NoReply> {
        let fields = format!(
            "answer=approve&revision=1&manifest_sha256={}&note=Well+done",
            row["manifest_sha256"].as_str().unwrap()
        );
        self.send("/h/H-1/decision", &fields)
    }
}

fn row(bed: &TestBed) -> Value {
    bed.reviewer().row(ONE)
}

/// A daemon with a handoff that waits, which dies at `step` when one is named.
fn waiting(step: Option<&str>) -> (TestBed, Delivery) {
    let mut bed = TestBed::prepare().configured(WINDOW);
    if let Some(step) = step {
        bed = bed.env(CRASH_AT, &format!("{step}:1"));
    }
    bed.up();
    // The name of the cookie has the port in it.
    let port = bed.endpoint().url.rsplit_once(':').unwrap().1;
    bed.launch.port = port.parse().unwrap();
    let agent = bed.agent("ada");
    let package = agent.package("report").file("a.txt", "words");
    let delivery = agent.write("report", &package, Care::Rename).unwrap();
    delivery.receipt();
    (bed, delivery)
}

/// How many decisions the ledger has, once the daemon is down.
fn decided(bed: &mut TestBed) -> usize {
    bed.down();
    Evidence::read(bed.data()).unwrap().decided().count()
}

fn dies_at(step: &str) {
    let (mut bed, delivery) = waiting(Some(step));
    let browser = Browser::of(&bed);
    let answered = browser.approve(&row(&bed));
    if step == "undo.taken_back" {
        assert!(answered.unwrap().header("location").is_some());
        assert!(browser.send("/h/H-1/undo", "").is_err());
    }
    wait::until(&format!("{step}: the end of the daemon"), || {
        bed.daemon().ended().map(|_| ())
    });
    assert!(bed.daemon().was_killed(), "{step}");
    bed.launch.env.retain(|(name, _)| name != CRASH_AT);
    bed.up();
    if step == "undo.taken_back" {
        let row = row(&bed);
        assert!(
            row["held"].is_null() && row["came_back"].is_object(),
            "{row}"
        );
        assert!(delivery.look::<Value>("decision.json").is_none());
        assert_eq!(decided(&mut bed), 0);
        return;
    }
    let told = delivery.decision(1);
    assert_eq!(told.outcome, Outcome::Approved, "{step}");
    assert_eq!(told.comment.as_deref(), Some("Well done"), "{step}");
    assert_eq!(decided(&mut bed), 1, "{step}");
}

#[test]
fn kill_at_every_step_of_an_answer_that_can_be_taken_back_gives_it_once_or_never() {
    for step in fault::UNDO {
        dies_at(step);
    }
}

#[test]
fn an_answer_is_taken_back_without_scripts_and_given_the_second_time() {
    let (mut bed, delivery) = waiting(None);
    let browser = Browser::of(&bed);
    let told = browser.approve(&row(&bed)).unwrap().expect(303);
    assert_eq!(told.header("location"), Some("/h/H-1/decided"));
    let page = browser.open("/h/H-1/decided").unwrap().expect(200).text();
    assert!(
        page.contains("goes out in") && page.contains("/h/H-1/undo"),
        "{page}"
    );
    let back = browser.send("/h/H-1/undo", "").unwrap().expect(303);
    assert_eq!(back.header("location"), Some("/h/H-1"));
    let page = browser.open("/h/H-1").unwrap().text();
    assert!(page.contains("You took your approval back"), "{page}");
    assert!(page.contains("Well done"), "the note is kept: {page}");
    assert!(delivery.look::<Value>("decision.json").is_none());
    assert_eq!(browser.approve(&row(&bed)).unwrap().status, 303);
    assert_eq!(delivery.decision(1).outcome, Outcome::Approved);
    assert_eq!(decided(&mut bed), 1);
}
