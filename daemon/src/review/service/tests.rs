//! How fast people look and answer, counted.

use std::time::Duration;

use countersign_protocol::decision::Outcome;
use countersign_web::desk::{Desk as _, service::ServiceTarget};
use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::{
    testing::{Rig, maya},
    workspace::Settings,
};

const RULES: &str = r#"
[[person]]
id = "sam"
name = "Sam Ito"
[[queue]]
id = "claims"
name = "Claims"
members = ["sam"]
[[route]]
name = "quick"
label = ["quick"]
to = ["queue:claims"]
due = "1h"
[[route]]
name = "routine"
confidence_from = 0.9
to = ["sam"]
progress = true
sample = 0.000001
[[route]]
name = "slow"
to = ["sam"]
"#;

fn submit(rig: &Rig, task: &str, more: serde_json::Value) -> countersign_protocol::HandoffId {
    let mut document = json!({ "handoff_version": "1.0", "from_agent": "a", "task_id": task });
    for (key, value) in more.as_object().unwrap() {
        document[key] = value.clone();
    }
    let receipt = rig.submit("", &document.to_string(), &[]).unwrap();
    rig.apply_policy();
    receipt.handoff_id
}

#[test]
fn looks_answers_and_broken_promises_are_counted_by_rule_and_by_who_was_asked() {
    let mut rig = Rig::new();
    rig.with_policy(RULES);
    let start = rig.clock_now();
    let quick = json!({ "x-labels": "quick" });
    let in_time = submit(&rig, "a", quick.clone());
    let late = submit(&rig, "b", quick.clone());
    submit(&rig, "c", quick);
    let slow = submit(&rig, "d", json!({}));
    submit(&rig, "e", json!({ "confidence": 0.99 }));
    rig.clock.advance(Duration::from_mins(10));
    let card = rig.ledger().state().card(in_time).cloned().unwrap();
    let manifest = card.newest().accepted.manifest_sha256;
    rig.wait(rig.desk().viewed(&maya(), in_time, 1, manifest))
        .unwrap();
    rig.clock.advance(Duration::from_mins(20));
    rig.decide(in_time, Outcome::Approved).unwrap();
    rig.clock.advance(Duration::from_hours(1));
    rig.decide(late, Outcome::Approved).unwrap();
    rig.decide(slow, Outcome::Rejected).unwrap();
    let report = |rig: &Rig, since| {
        rig.wait(rig.desk().service(&Caller::Person(maya()), since, 7))
            .unwrap()
            .rows
    };
    let rows = report(&rig, start);
    let row = |name: &str| rows.iter().find(|row| row.name == name).unwrap();
    let minutes = |p50: u64, p90: u64| {
        Some(Quantiles {
            p50: p50 * 60,
            p90: p90 * 60,
        })
    };
    let by_rule = row("quick");
    assert_eq!(
        (
            by_rule.asked,
            by_rule.answered,
            by_rule.promised,
            by_rule.late
        ),
        (3, 2, 3, 2),
        "one came late, one is late now"
    );
    assert_eq!(by_rule.target, minutes(60, 60));
    assert_eq!(by_rule.first_look, minutes(10, 90));
    assert_eq!(by_rule.decision, minutes(30, 90));
    assert_eq!((row("Claims").asked, row("Claims").late), (3, 2));
    let slow = row("slow");
    assert_eq!((slow.asked, slow.promised, slow.late), (1, 0, 0));
    assert_eq!(slow.target, None);
    let passed = row("routine");
    assert_eq!((passed.asked, passed.passed), (0, 1), "nobody was asked");
    let all = &rows[0];
    assert_eq!(
        (all.group, all.asked, all.passed),
        (ServiceGroup::All, 4, 1)
    );
    // The same after a restart, and nothing of a span in which nothing was handed over.
    rig.restart();
    assert_eq!(report(&rig, start), rows);
    let later = report(&rig, start + SignedDuration::from_hours(1));
    assert_eq!((later.len(), later[0].asked), (1, 0));
}

#[test]
fn the_report_says_who_owns_each_workspace() {
    let rig = Rig::new();
    let since = rig.clock_now();
    submit(&rig, "a", json!({}));
    let report = rig.wait(rig.desk().service(&Caller::Person(maya()), since, 7));
    let rows = report.unwrap().rows;
    let owners: Vec<_> = rows
        .iter()
        .map(|row| (row.group, row.owner.as_deref()))
        .collect();
    assert!(
        owners.contains(&(ServiceGroup::Workspace, Some("Maya"))),
        "{owners:?}"
    );
    assert!(owners.contains(&(ServiceGroup::All, None)), "{owners:?}");
}

#[test]
fn promises_are_held_against_what_happened_period_by_period() {
    let mut rig = Rig::with(Settings {
        service: vec![
            ("first_look", Duration::from_mins(5)),
            ("answer", Duration::from_hours(1)),
        ],
        ..Settings::default()
    });
    rig.with_policy(RULES);
    let start = rig.clock_now();
    let first = submit(&rig, "a", json!({}));
    rig.clock.advance(Duration::from_mins(10));
    rig.decide(first, Outcome::Approved).unwrap();
    // Another period, in which one thing is late and another has time.
    rig.clock.advance(Duration::from_hours(24));
    let late = submit(&rig, "b", json!({}));
    rig.clock.advance(Duration::from_mins(90));
    let fresh = submit(&rig, "c", json!({}));
    rig.clock.advance(Duration::from_mins(1));
    let found = rig.wait(rig.desk().service(&Caller::Person(maya()), start, 1));
    let found = found.unwrap().periods;
    let told: Vec<_> = found
        .iter()
        .map(|one| (one.target, one.kept, one.open, one.breached))
        .collect();
    assert_eq!(
        told,
        [
            (ServiceTarget::FirstLook, 0, 0, 1),
            (ServiceTarget::Answer, 1, 0, 0),
            (ServiceTarget::FirstLook, 0, 1, 1),
            (ServiceTarget::Answer, 0, 1, 1),
        ]
    );
    let breach = &found[0].breaches[0];
    assert_eq!(
        (breach.handoff_id, breach.took_seconds, breach.is_open),
        (first, 600, false)
    );
    let breach = &found[3].breaches[0];
    assert_eq!(
        (breach.handoff_id, breach.took_seconds, breach.is_open),
        (late, 5_460, true)
    );
    assert!(late < fresh);
}
