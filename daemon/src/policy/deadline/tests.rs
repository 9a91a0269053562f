//! The ladder, its fallback strings, and what a claim does to it.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::testing::catalog;

#[test]
fn fallbacks_of_the_contract_are_read_word_for_word() {
    let read = |text: &str| Fallback::of(&json!({ "fallback": text }));
    let oncall = read("escalate_to_oncall_if_not_progressed_within_300s").unwrap();
    assert_eq!(oncall.action, Action::Escalate);
    assert_eq!(oncall.to.as_deref(), Some("oncall"));
    assert_eq!(oncall.after, SignedDuration::from_secs(300));
    for (text, action, to, seconds) in [
        (
            "reroute_to_group_a_if_not_progressed_within_2h",
            Action::Reroute,
            Some("group_a"),
            7_200,
        ),
        (
            "dead_letter_if_not_progressed_within_1d",
            Action::DeadLetter,
            None,
            86_400,
        ),
        (
            "expire_if_not_progressed_within_15m",
            Action::Expire,
            None,
            900,
        ),
        (
            "human_queue_if_not_progressed_within_60s",
            Action::HumanQueue,
            None,
            60,
        ),
    ] {
        let found = read(text).unwrap();
        assert_eq!(
            (found.action, found.to.as_deref(), found.after.as_secs()),
            (action, to, seconds)
        );
    }
    for text in [
        "approve_if_not_progressed_within_300s",
        "escalate_if_not_progressed_within_0s",
        "escalate_if_not_progressed_within_300",
        "escalate_to_oncall",
        "whatever",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
    let object = json!({ "fallback": { "action": "escalate", "to": "maya", "after_seconds": 60 } });
    assert_eq!(Fallback::of(&object).unwrap().after.as_secs(), 60);
    assert_eq!(Fallback::of(&json!({})), None);
}

#[test]
fn a_fallback_finds_whom_it_means() {
    let people = catalog(
        "[[person]]\nid = \"maya\"\n[[group]]\nid = \"editors\"\nmembers = [\"maya\"]\n\
         [[queue]]\nid = \"claims\"\nmembers = [\"maya\"]\n\
         [[oncall]]\nid = \"data\"\nrotation = [\"maya\"]\nstarts = \"2026-01-01\"\n",
    );
    let target = |text: &str| {
        let fallback = Fallback::of(&json!({ "fallback": text })).unwrap();
        super::target(&fallback, &people).map(|to| to.to_string())
    };
    for (to, found) in [
        ("oncall", Some("oncall:data")),
        ("data", Some("oncall:data")),
        ("editors", Some("group:editors")),
        ("claims", Some("queue:claims")),
        ("maya", Some("person:maya")),
        ("nobody", None),
    ] {
        let text = format!("escalate_to_{to}_if_not_progressed_within_1m");
        assert_eq!(target(&text).as_deref(), found, "{to}");
    }
    assert_eq!(
        target("human_queue_if_not_progressed_within_1m").as_deref(),
        Some("queue:claims")
    );
}

#[test]
fn no_end_of_a_ladder_is_an_approval() {
    let approve =
        "[[person]]\nid = \"m\"\n[[route]]\nname = \"a\"\nto = [\"m\"]\non_expiry = \"approve\"\n";
    let refused = std::panic::catch_unwind(|| catalog(approve)).unwrap_err();
    let why = refused.downcast_ref::<String>().unwrap();
    assert!(
        why.contains("nothing is ever approved by a timeout"),
        "{why}"
    );
}

#[test]
fn the_ladder_counts_in_business_hours_and_ends_once() {
    let people = catalog(
        "[[person]]\nid = \"m\"\n[[route]]\nname = \"a\"\nto = [\"m\"]\ndue = \"2h\"\non_expiry = \"reject\"\n\
         hours = [\"mon-fri 09:00-17:00\"]\ntime_zone = \"Europe/Zagreb\"\n\
         [[route.then]]\nafter = \"4h\"\nto = [\"m\"]\ninstead = true\n",
    );
    // Friday 16:00 there, before the weekend on which clocks go back.
    let asking = Asking {
        catalog: &people,
        operator: "op",
        now: "2026-10-23T14:00:00Z".parse().unwrap(),
        disabled: &BTreeSet::new(),
    };
    let fallback = Fallback::of(&json!({ "fallback": "expire_if_not_progressed_within_30d" }));
    let (due, steps) = ladder(people.policy().routes.first(), None, None, &asking);
    assert_eq!(
        due.unwrap().to_string(),
        "2026-10-26T09:00:00Z",
        "Monday 10:00 there"
    );
    let told: Vec<_> = steps
        .iter()
        .map(|step| (step.kind, step.at.to_string()))
        .collect();
    assert_eq!(
        told[1..],
        [
            (StepKind::Reassign, "2026-10-26T11:00:00Z".to_owned()),
            (StepKind::Reject, "2026-10-26T13:00:00Z".to_owned()),
        ]
    );
    assert_eq!(told[0].0, StepKind::Remind);
    let (_, both) = ladder(
        people.policy().routes.first(),
        fallback.as_ref(),
        None,
        &asking,
    );
    assert_eq!(both.iter().filter(|step| is_last(step.kind)).count(), 1);
}
