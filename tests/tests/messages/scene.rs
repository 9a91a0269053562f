//! What the tests of messages have in common.

use countersign_protocol::HandoffId;
use countersign_tests::{
    agent::{Care, Delivery, Package},
    bed::TestBed,
    http::{Http, NoReply, Reply},
    wait,
};
use serde_json::{Value, json};

/// A person with a mail address, who wants everything at once.
pub(crate) fn person(id: &str, name: &str) -> String {
    format!("[[person]]\nid = \"{id}\"\nname = \"{name}\"\nemail = \"{id}@example.org\"\n")
}

/// A rule that asks `who` about everything.
pub(crate) fn ask(who: &str) -> String {
    format!("[[route]]\nname = \"all\"\nto = [\"{who}\"]\n")
}

/// Hands over finished work with one file, and waits until it is accepted.
pub(crate) fn hand_over(bed: &TestBed, folder: &str, title: &str) -> (HandoffId, Delivery) {
    hand_over_with(bed, folder, title, |package| package)
}

/// The same with a change to the package.
pub(crate) fn hand_over_with(
    bed: &TestBed,
    folder: &str,
    title: &str,
    change: impl FnOnce(Package) -> Package,
) -> (HandoffId, Delivery) {
    let agent = bed.agent("report-writer");
    let package = agent
        .package(title)
        .with("task_id", folder)
        .with("confidence", 0.97)
        .file("figures.md", format!("# {title}\n"));
    let delivery = agent
        .write(folder, &change(package), Care::Rename)
        .expect("the workspace is writable");
    (delivery.receipt().handoff_id, delivery)
}

/// Asks somebody else, in person: they are told at once.
pub(crate) fn assign(bed: &TestBed, id: HandoffId, to: &str) {
    let path = format!("/api/v1/handoffs/{id}/assign");
    // Until the rules have looked there is nobody to take it from.
    wait::until("the rules to look", || {
        let reply = bed.http().push(&path, &json!({ "to": to }));
        (reply.status == 204).then_some(())
    });
}

/// The messages about a card as its page lists them, newest first.
pub(crate) fn messages(bed: &TestBed, id: HandoffId) -> Vec<Value> {
    let path = format!("/api/v1/handoffs/{id}/messages");
    bed.http().fetch(&path).expect(200).read()
}

/// Waits until the newest message about a card is in `state`.
pub(crate) fn fares(bed: &TestBed, id: HandoffId, state: &str) {
    let seen = wait::within(wait::LIMIT, || {
        let all = messages(bed, id);
        (all.first()?["state"] == state).then_some(())
    });
    assert!(seen.is_some(), "not {state}: {:#?}", messages(bed, id));
}

/// Posts a form without a session, or with one.
pub(crate) fn post_form(http: &Http, path: &str, form: &str, cookie: Option<&str>) -> Reply {
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
    if let Some(cookie) = cookie {
        headers.push(("cookie", cookie));
    }
    let reply = http.send("POST", path, &headers, form.as_bytes());
    reply.unwrap_or_else(|NoReply(why)| panic!("POST {path}: {why}"))
}

/// The path and query of a link.
pub(crate) fn path_of<'a>(bed: &TestBed, link: &'a str) -> &'a str {
    let base = &bed.endpoint().url;
    link.strip_prefix(base.as_str())
        .unwrap_or_else(|| panic!("{link} does not lead to {base}"))
}

/// The number of the newest entry of the ledger.
pub(crate) fn head(bed: &TestBed) -> u64 {
    bed.health()["head"]["seq"].as_u64().expect("a number")
}
