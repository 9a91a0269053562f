//! What could not be read and what nobody answered, sent on its way again by a person.

use std::collections::BTreeSet;

use countersign_tests::{
    agent::Care,
    bed::TestBed,
    hook::{Got, Hook},
    timeshift::Timeshift,
    wait,
};
use serde_json::Value;

use super::scene::{hand_over, person};

/// What the command lists of one kind.
fn listed(bed: &TestBed, kind: &str) -> Vec<Value> {
    let (code, output, errors) = bed.run(&["--json", "dead-letters", "ls"]);
    assert_eq!(code, 0, "{errors}");
    let all: Value = serde_json::from_str(&output).expect("JSON");
    all[kind].as_array().cloned().unwrap_or_default()
}

fn redrive(bed: &TestBed, letter: &Value) -> i32 {
    let (code, ..) = bed.run(&["dead-letters", "redrive", &letter["seq"].to_string()]);
    code
}

#[test]
fn a_delivery_that_was_refused_is_read_anew() {
    let hook = Hook::kind();
    let mut bed = TestBed::prepare().configured(&hook.section("ops", "events = [\"dead-letter\"]"));
    bed.up();
    let agent = bed.agent("ada");
    let mut package = agent
        .package("Draft the Q3 risk summary")
        .file("report.md", "x");
    let left_out = std::mem::take(&mut package.files);
    let delivery = agent.write("q3", &package, Care::Rename).expect("written");
    delivery.errors();
    let told = wait::until("the operator to be told", || hook.got().into_iter().next());
    let told: Value = serde_json::from_slice(&told.body).expect("JSON");
    assert_eq!(told["type"], "handoff.dead_letter.v1");
    let letter = listed(&bed, "refused").into_iter().next().expect("one");
    // As long as nothing changed, reading it anew refuses it again.
    assert_eq!(redrive(&bed, &letter), 0);
    delivery.errors();
    assert_eq!(listed(&bed, "refused").len(), 1);
    for (path, bytes) in left_out {
        countersign_tests::agent::put(&delivery.answers.join(path), &bytes, Care::Plain)
            .expect("written");
    }
    wait::until("it to be taken in", || {
        let again = listed(&bed, "refused").into_iter().next();
        if let Some(letter) = again {
            redrive(&bed, &letter);
        }
        delivery.receipt_now()
    });
    assert!(listed(&bed, "refused").is_empty());
    assert_ne!(redrive(&bed, &letter), 0, "it is gone");
    hook.stop();
}

#[test]
fn what_nobody_answered_is_asked_again() {
    let hook = Hook::kind();
    let rule =
        "[[route]]\nname = \"quick\"\nto = [\"maya\"]\ndue = \"10m\"\nexpire_after = \"20m\"\n";
    let text = hook.section("ops", "events = [\"turn\", \"due\", \"dead-letter\"]")
        + &person("maya", "Maya Okafor")
        + rule;
    let mut bed = TestBed::prepare().configured(&text);
    let clock = Timeshift::of(&mut bed);
    bed.up();
    let (id, _) = hand_over(&bed, "q3", "Draft the Q3 risk summary");
    let kinds = || -> Vec<String> {
        let word = |got: &Got| {
            let event: Value = serde_json::from_slice(&got.body).expect("JSON");
            event["type"].as_str().unwrap_or_default().to_owned()
        };
        // What kill -9 lets come twice has the same id.
        let mut ids = BTreeSet::new();
        let mut new = |got: &&Got| ids.insert(got.headers["webhook-id"].clone());
        hook.look(|got| got.iter().filter(&mut new).map(word).collect())
    };
    wait::until("the turn", || (kinds().len() == 1).then_some(()));
    // kill -9 at every step; a jump of the clock under a running daemon would be doubted.
    for (later, kind) in [("+9m", "due"), ("+21m", "dead_letter")] {
        bed.down();
        clock.set(later);
        bed.up();
        let wanted = format!("handoff.{kind}.v1");
        wait::until(kind, || (kinds().last() == Some(&wanted)).then_some(()));
    }
    let letter = listed(&bed, "unanswered").into_iter().next().expect("one");
    assert_eq!(letter["id"], id.to_string());
    assert_eq!(
        bed.reviewer().row(id)["state"],
        "waiting",
        "nothing is decided by time"
    );
    assert_eq!(redrive(&bed, &letter), 0);
    wait::until("the turn, once more", || (kinds().len() == 4).then_some(()));
    assert_eq!(kinds()[3], "handoff.turn.v1");
    assert!(listed(&bed, "unanswered").is_empty());
    hook.stop();
}
