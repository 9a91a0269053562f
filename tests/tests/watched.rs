//! Files that a rule names, changed by somebody who hands nothing over: by the real program, over kill -9.

use countersign_tests::{
    agent::{Care, put},
    bed::TestBed,
    hook::Hook,
    wait,
};
use serde_json::Value;

const CRASH_AT: &str = "COUNTERSIGN_CRASH_AT";

const RULES: &str = r#"
[[trigger]]
name = "runbook"
on = "file_changed"
names = ["docs/runbook.md"]
raise = "card"
quiet = "200ms"
"#;

fn changes(bed: &TestBed) -> Vec<Value> {
    let page = bed.http().fetch("/api/v1/activity?limit=200").expect(200);
    let rows = page.json().as_array().expect("rows").clone();
    let told = rows
        .into_iter()
        .filter(|row| row["event"] == "file.changed");
    told.collect()
}

/// A named file changes: a webhook and a card tell it; the same over kill -9 at the moment it was recorded, and of
/// what changed while nobody was there.
#[test]
fn a_named_file_is_told_of_within_seconds_and_after_kill_9_once() {
    let hook = Hook::kind();
    let text = RULES.to_owned() + &hook.section("ci", "events = [\"file-changed\"]");
    let mut bed = TestBed::prepare().configured(&text);
    let file = bed.workspace().join("docs/runbook.md");
    let write = |text: &str| put(&file, text.as_bytes(), Care::Rename).expect("it is written");
    #[expect(clippy::disallowed_methods, reason = "outside of the program")]
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder is made");
    write("one");
    bed.up();
    write("two");
    let got = wait::until("the webhook", || hook.got().into_iter().next());
    let event: Value = serde_json::from_slice(&got.body).expect("JSON");
    assert_eq!(event["type"], "handoff.file_changed.v1");
    assert_eq!(event["data"]["file_names"][0], "docs/runbook.md");
    wait::until("the card", || {
        let queue = bed.http().fetch("/api/v1/handoffs").expect(200).text();
        queue.contains("docs/runbook.md changed").then_some(())
    });

    bed.down();
    write("three");
    let mut bed = bed.env(CRASH_AT, "changes.recorded:1");
    bed.start_daemon();
    assert!(bed.daemon().was_killed(), "{}", bed.daemon().log_tail());
    bed.launch.env.retain(|(name, _)| name != CRASH_AT);
    bed.up();
    // One that was under way at the kill may come again, under the same id.
    wait::until("both webhooks", || (hook.taken().0 >= 2).then_some(()));
    write("three");
    write("four");
    wait::until("the third webhook", || (hook.taken().0 >= 3).then_some(()));
    assert_eq!(changes(&bed).len(), 3, "each once");
    hook.stop();
}
