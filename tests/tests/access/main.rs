//! Who comes in and what the API says to anything: the whole program, from outside.

#![expect(clippy::disallowed_methods, reason = "the scene is set on the disk")]

mod floods;
mod strangers;

use std::{fs, process::Command, time::Duration};

use countersign_protocol::{
    decision::Outcome,
    event::{AccountChange, Event},
    principal::Verified,
};
use countersign_tests::{
    agent::Care,
    bed::TestBed,
    evidence::Evidence,
    http::{Http, Reply},
    idp::Idp,
    python, wait,
    webdriver::{Driver, Look},
};
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

/// A daemon whose people sign in by a provider that knows Sam, of the group `finance`, and a visitor. Its workspace has
/// `settings`.
fn with_provider(settings: &str) -> (Idp, TestBed) {
    let idp = Idp::start();
    let sam = json!({ "preferred_username": "sam", "name": "Sam Ito", "groups": ["finance"] });
    idp.knows("s-1", &sam);
    idp.knows(
        "s-2",
        &json!({ "preferred_username": "tom", "groups": ["visitors"] }),
    );
    let members = "[[member]]\nrole = \"approver\"\nsso = [\"finance\"]\n";
    let mut bed = TestBed::prepare().configured(&format!("{}\n{members}", idp.section()));
    fs::write(bed.workspace().join("workspace.toml"), settings).expect("the scene can be set");
    bed.up();
    (idp, bed)
}

#[test]
fn somebody_signs_in_by_the_provider_of_the_house_in_a_browser() {
    let (_idp, bed) = with_provider("");
    let driver = Driver::start();
    let browser = driver.open(Look::default());
    let url = &bed.endpoint().url;
    browser.go(&format!("{url}/search?q=figures"));
    browser.says("Sign in with House login");
    browser.find("a[href^=\"/sso/start\"]").click();
    browser.find("input[name=sub]").write("s-1");
    browser.find("button[type=submit]").click();
    browser.arrives("/search?q=figures");
    browser.go(&format!("{url}/account"));
    browser.says("Sam Ito");
    browser.says("approver");
    browser.says("by sso");
    // The provider's pages ask for things of their own, and ours was first asked for by nobody we knew.
    let mut errors = browser.console_errors();
    errors.retain(|error| error.starts_with(url.as_str()) && !error.contains("401"));
    assert_eq!(errors, Vec::<String>::new());
    // Somebody else whom the provider knows and nobody here.
    let stranger = driver.open(Look::default());
    stranger.go(&format!("{url}/sign-in"));
    stranger.find("a[href^=\"/sso/start\"]").click();
    stranger.find("input[name=sub]").write("s-2");
    stranger.find("button[type=submit]").click();
    stranger.says("Nobody has given you a way in here");
}

/// A session of an hour ago says nothing about who sits there now; only the provider can ask again.
#[test]
fn who_signs_in_anew_at_the_provider_has_shown_that_it_is_them() {
    let (idp, bed) = with_provider("step_up = \"low\"\n");
    let agent = bed.agent("report-writer");
    let package = agent.package("Pay 17").file("notes.txt", "Pay 20 to 17.\n");
    let delivery = agent.write("pay", &package, Care::Rename).expect("a disk");
    let id = delivery.receipt().handoff_id;
    let driver = Driver::start();
    let browser = driver.open(Look::default());
    let url = &bed.endpoint().url;
    // The provider tells when it asked.
    let now = jiff::Timestamp::now().as_second();
    let asked_at = |at: i64| {
        let sam = json!({ "preferred_username": "sam", "groups": ["finance"], "auth_time": at });
        idp.knows("s-1", &sam);
    };
    let sign_in = || {
        browser.find("input[name=sub]").write("s-1");
        browser.find("button[type=submit]").click();
        browser.arrives(&format!("/h/{id}"));
    };
    let approve = || browser.find("form#decide button[value=approve]").click();
    browser.go(&format!("{url}/h/{id}"));
    browser.find("a[href^=\"/sso/start\"]").click();
    asked_at(now - 3_600);
    sign_in();
    approve();
    browser.says("Show that it is you");
    asked_at(now);
    browser.find("a[href*=\"anew=true\"]").click();
    sign_in();
    approve();
    browser.arrives(&format!("/h/{id}/decided"));
    let by = delivery.decision(1).decided_by;
    assert_eq!(by.verified, Some(Verified::FreshSignIn));
}

/// The cookie that an answer sets, as it is sent back.
fn cookie(reply: &Reply) -> String {
    let set = reply.header("set-cookie").expect("a cookie");
    set.split(';').next().unwrap_or_default().to_owned()
}

fn location(reply: &Reply) -> String {
    reply.header("location").expect("a way on").to_owned()
}

/// Lets somebody sign in at the provider: the cookie of the browser, and the path that it comes back to.
fn at_provider(bed: &TestBed, idp: &Idp, next: &str) -> (String, String) {
    let begun = bed.stranger().fetch(&format!("/sso/start?next={next}"));
    let begun = begun.expect(303);
    let there = location(&begun);
    let there = there.strip_prefix(&idp.issuer).expect("it leads there");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let told = idp.http().send("POST", there, &form, b"sub=s-1");
    let back = location(&told.expect("it answers").expect(302));
    let path = back
        .strip_prefix(&bed.endpoint().url)
        .expect("it leads back");
    (cookie(&begun), path.to_owned())
}

fn come_back(http: &Http, path: &str, cookie: &str) -> Reply {
    let told = http.send("GET", path, &[("cookie", cookie)], &[]);
    told.expect("it answers")
}

#[test]
fn an_answer_of_the_provider_is_used_once_by_its_browser_and_leads_to_a_page_of_ours() {
    let (idp, bed) = with_provider("");
    let http = bed.stranger();
    for next in [
        "//evil.example",
        "https%3A%2F%2Fevil.example",
        "%2F%5Cevil.example",
        "%2Fsso%2Fstart",
    ] {
        let (kept, back) = at_provider(&bed, &idp, next);
        let entered = come_back(&http, &back, &kept).expect(303);
        assert_eq!(location(&entered), "/queue", "{next}");
    }
    let (kept, back) = at_provider(&bed, &idp, "%2Fh%2FH-1");
    let (other, _) = at_provider(&bed, &idp, "");
    let _ = come_back(&http, &back, "").expect(400);
    let _ = come_back(&http, &back, &other).expect(400);
    let entered = come_back(&http, &back, &kept).expect(303);
    assert_eq!(location(&entered), "/h/H-1");
    let set = entered.header("set-cookie").expect("a session");
    for flag in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(set.contains(flag), "{set}");
    }
    let page = come_back(&http, "/account", &cookie(&entered)).expect(200);
    assert!(page.text().contains("Sam Ito"));
    let _ = come_back(&http, &back, &kept).expect(400);
    // A code of the provider for another sign-in is not taken with this state.
    let (kept, back) = at_provider(&bed, &idp, "");
    let (_, another) = at_provider(&bed, &idp, "");
    let code = |path: &str| {
        let (_, rest) = path.split_once("code=").expect("a code");
        rest.split('&').next().unwrap_or_default().to_owned()
    };
    let mixed = back.replace(&code(&back), &code(&another));
    let _ = come_back(&http, &mixed, &kept).expect(502);
}

const CRASH_AT: &str = "COUNTERSIGN_CRASH_AT";
const OUTSIDERS: &str = "/api/v1/handoffs/H-1/outsiders";

/// A daemon with a handoff, which dies at the `pass`-th time that it comes to `step`.
fn dying(step: &str, pass: u32) -> TestBed {
    let mut bed = TestBed::prepare().env(CRASH_AT, &format!("{step}:{pass}"));
    bed.up();
    let agent = bed.agent("hermes");
    let package = agent.package("Look at it").file("a.md", "words\n");
    let delivery = agent.write("job", &package, Care::Rename).expect("a disk");
    delivery.receipt();
    bed
}

/// Asks for what kills the daemon, and starts another one.
fn dies_of(bed: &mut TestBed, method: &str, path: &str, body: &[u8]) {
    let json = [("content-type", "application/json")];
    let answered = bed.http().send(method, path, &json, body);
    assert!(answered.is_err(), "{method} {path} was answered");
    wait::until("the end of the daemon", || bed.daemon().ended().map(|_| ()));
    assert!(bed.daemon().was_killed());
    bed.launch.env.retain(|(name, _)| name != CRASH_AT);
    bed.up();
}

fn outsiders(bed: &TestBed) -> Vec<serde_json::Value> {
    let rows = bed.http().fetch(OUTSIDERS).expect(200).json();
    rows.as_array().expect("a list").clone()
}

/// The facts about invitations, once the daemon is down: made, and taken back.
fn facts(bed: &mut TestBed) -> (usize, usize) {
    bed.down();
    let evidence = Evidence::read(bed.data()).expect("a ledger");
    let count = |wanted: fn(&AccountChange) -> bool| {
        let is_one =
            |event: &Event| matches!(event, Event::Account { change, .. } if wanted(change));
        evidence
            .bodies
            .iter()
            .filter(|body| is_one(&body.event))
            .count()
    };
    (
        count(|change| matches!(change, AccountChange::Invited { .. })),
        count(|change| matches!(change, AccountChange::Uninvited)),
    )
}

#[test]
fn kill_9_around_an_invitation_makes_it_once_or_not_at_all() {
    for (step, there) in [("accounts.before_record", 0), ("accounts.recorded", 1)] {
        let mut bed = dying(step, 1);
        dies_of(&mut bed, "POST", OUTSIDERS, br#"{"name":"Rui"}"#);
        assert_eq!(outsiders(&bed).len(), there, "{step}");
        // Nobody has the link of the first one, so it is made again.
        let again = bed.http().push(OUTSIDERS, &json!({ "name": "Rui" }));
        let link = again.expect(201).json()["link"].as_str().map(str::to_owned);
        let (_, secret) = link
            .as_deref()
            .and_then(|link| link.split_once("?t="))
            .expect("a link");
        assert_eq!(outsiders(&bed).len(), there + 1, "{step}");
        assert_eq!(facts(&mut bed), (there + 1, 0), "{step}");
        let evidence = Evidence::read(bed.data()).expect("a ledger");
        let told = |entry: &countersign_protocol::chain::Entry| entry.body.contains(secret);
        assert!(
            !evidence.entries.iter().any(told),
            "the link is in the chain"
        );
    }
}

#[test]
fn kill_9_around_taking_it_back_leaves_it_as_it_was_or_over() {
    for (step, over) in [
        ("accounts.before_record", false),
        ("accounts.recorded", true),
    ] {
        let mut bed = dying(step, 2);
        let made = bed.http().push(OUTSIDERS, &json!({ "name": "Rui" }));
        let made = made.expect(201).json();
        let (_, way) = made["link"]
            .as_str()
            .and_then(|link| link.split_once("/outside"))
            .expect("a link");
        let id = made["outsider"]["id"].as_str().expect("an id");
        dies_of(&mut bed, "DELETE", &format!("{OUTSIDERS}/{id}"), b"");
        let state = if over { "revoked" } else { "open" };
        assert_eq!(outsiders(&bed)[0]["state"], state, "{step}");
        let page = Http::new(&bed.endpoint().url, None);
        let page = page.send(
            "GET",
            &format!("/outside{way}"),
            &[("accept", "text/html")],
            &[],
        );
        let _ = page
            .expect("an answer")
            .expect(if over { 410 } else { 200 });
        assert_eq!(facts(&mut bed), (1, usize::from(over)), "{step}");
    }
}
