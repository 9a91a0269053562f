//! The three ways by which work comes to an agent: its folder, a webhook, and `next --wait`.

use countersign_tests::{
    hook::{Hook, answer},
    mesh::acknowledged,
    wait,
};
use serde_json::{Value, json};
use std::sync::Arc;

use super::{MESH, scene};

fn transfers(hook: &Hook) -> Vec<(String, Value)> {
    let got = hook.got().into_iter();
    got.filter_map(|got| {
        let body: Value = serde_json::from_slice(&got.body).ok()?;
        let id = got.headers.get("webhook-id")?.clone();
        Some((id, body["data"]["transfer"].clone()))
    })
    .collect()
}

#[test]
fn work_comes_by_folder_webhook_and_waiting_and_is_the_same_work() {
    let hook = Hook::kind();
    let settings = MESH.to_owned() + "webhook = \"b-host\"\n";
    let (mut bed, a, b) = scene(&hook.section("b-host", "events = []"), &settings);
    bed.up();
    let handed = a.hand("work", &a.package("t-1", "b").file("filing.txt", "Revenue"));
    handed.receipt();
    let folder = b.takes("H-1.1");
    let told = wait::until("the webhook", || transfers(&hook).pop());
    assert_eq!(told.1, folder);
    let (code, out, err) = bed.run(&["next", "--agent", "b", "--wait", "30s", "--json"]);
    assert_eq!(code, 0, "{err}");
    let next: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(next["work"]["transfer"], folder, "{out}");
    // An agent that has no folder answers over HTTP, with its own token.
    let made = bed.http().push(
        "/api/v1/tokens",
        &json!({"agent": "b", "workspaces": ["work"]}),
    );
    let own =
        countersign_tests::http::Http::new(&bed.endpoint().url, made.json()["secret"].as_str());
    let body = json!({"answer": {"answer_version": "1.0", "answer": "complete"}});
    let said = own.push("/api/v1/handoffs/H-1/hops/1/answer", &body);
    assert_eq!(said.json()["status"], "accepted", "{said:?}");
    acknowledged(&handed, "completed");
    assert_eq!(transfers(&hook).len(), 1);
    hook.stop();
}

#[test]
fn an_agent_whose_host_is_down_is_told_again_under_one_id_and_once_it_took_it_never_again() {
    let hook = Hook::start(Arc::new(|number| match number {
        0 => Vec::new(),
        _ => answer("200 OK"),
    }));
    let settings = MESH.to_owned() + "webhook = \"b-host\"\n";
    let (mut bed, a, b) = scene(&hook.section("b-host", "events = []"), &settings);
    bed.up();
    a.hand("work", &a.package("t-1", "b")).receipt();
    b.takes("H-1.1");
    wait::until("the second attempt", || {
        (transfers(&hook).len() == 2).then_some(())
    });
    bed.restart();
    a.hand("more", &a.package("t-2", "b")).receipt();
    wait::until("the next task", || {
        let last = transfers(&hook).pop()?;
        (last.1["handoff_id"] == "H-2").then_some(())
    });
    let told = transfers(&hook);
    assert_eq!(told[0], told[1]);
    assert_eq!(told.len(), 3);
    assert_eq!(hook.taken(), (2, 0));
    hook.stop();
}

#[test]
fn a_webhook_that_the_operator_does_not_know_is_no_address() {
    let settings = MESH.to_owned() + "webhook = \"elsewhere\"\n";
    let (mut bed, ..) = scene("", &settings);
    bed.start_daemon();
    bed.says_where_it_is();
    let log = wait::until("why", || {
        let log = bed.daemon().log_tail();
        log.contains("elsewhere").then_some(log)
    });
    assert!(log.contains("no `[[webhook]]` of that name"), "{log}");
}
