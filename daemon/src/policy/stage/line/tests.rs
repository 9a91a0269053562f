//! From the first agent of a rule to people, step by step, on a clock that the test moves.

use std::{sync::Arc, time::Duration};

use countersign_protocol::transfer::{Mesh, Participant};
use serde_json::{Value, json};

use crate::{
    ledger::{Card, HopStage},
    testing::Rig,
    workspace::Settings,
};

const MINUTE: Duration = Duration::from_mins(1);
const RULE: &str = r#"
[[person]]
id = "maya"
[[agent]]
id = "b"
[[agent]]
id = "c"
[[agent]]
id = "d"
[[route]]
name = "line"
to = ["agent:b", "agent:c", "agent:d", "maya"]
"#;

/// `a` hands to `b`, `c` and `d`, each as `change` says.
fn rig(rule: &str, change: impl Fn(&mut Participant)) -> Rig {
    let one = |id: &str, hands_to: &[&str]| {
        let mut one = Participant {
            id: id.to_owned(),
            hands_to: hands_to.iter().map(|to| (*to).to_owned()).collect(),
            hears: true,
            ..Participant::default()
        };
        change(&mut one);
        one
    };
    let mesh = Mesh {
        participants: vec![
            one("a", &["b", "c", "d"]),
            one("b", &[]),
            one("c", &[]),
            one("d", &[]),
        ],
        acknowledge_within: 5 * MINUTE,
        max_hops: 8,
        ..Mesh::default()
    };
    let mut rig = Rig::with(Settings {
        mesh: Arc::new(mesh),
        ..Settings::default()
    });
    rig.with_policy(rule);
    rig
}

fn hand(rig: &Rig, more: Value) {
    let mut document = json!({
        "handoff_version": "1.0", "from_agent": "a", "task": "t", "task_id": "t-1",
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        document[name] = value.clone();
    }
    rig.deliver("agents/a/handoff.json", document.to_string());
    rig.apply_policy();
    rig.round();
}

/// Time passes, the daemon is started anew, and policy looks.
fn after(rig: &mut Rig, span: Duration) {
    rig.clock.advance(span);
    rig.restart();
    rig.apply_policy();
    rig.round();
}

fn hops(card: &Card) -> Vec<(&str, HopStage)> {
    let hops = card.hops.iter();
    hops.map(|hop| (hop.offered.to.as_str(), hop.stage))
        .collect()
}

/// What the last hop cost: the name of the gate and what it says.
fn step_down(card: &Card) -> Option<(String, String)> {
    let gates = &card.hops.last().unwrap().offered.gates;
    let found = gates
        .iter()
        .find(|one| ["next_best", "late"].contains(&&*one.gate))?;
    Some((found.gate.clone(), found.found.clone()))
}

#[test]
fn each_agent_of_the_rule_has_its_turn_over_restarts_and_then_people_have_theirs() {
    let mut rig = rig(RULE, |_| ());
    hand(&rig, json!({}));
    assert_eq!(hops(&rig.card()), [("b", HopStage::Offered)]);
    assert_eq!(step_down(&rig.card()), None);
    // Silence.
    after(&mut rig, 5 * MINUTE);
    assert_eq!(
        hops(&rig.card()),
        [("b", HopStage::TimedOut), ("c", HopStage::Offered)]
    );
    let (gate, why) = step_down(&rig.card()).unwrap();
    assert_eq!((&*gate, &*why), ("next_best", "`b` did not answer in time"));
    // A refusal.
    let decline = json!({"answer_version": "1.0", "answer": "decline", "reason": "out_of_scope"});
    rig.deliver("agents/c/H-1.2.answer.json", decline.to_string());
    after(&mut rig, Duration::ZERO);
    assert_eq!(hops(&rig.card())[2], ("d", HopStage::Offered));
    // And a failure: nobody is left but people, and they are asked once.
    for document in [
        json!({"answer_version": "1.0", "answer": "accept"}),
        json!({"answer_version": "1.0", "answer": "fail", "reason": "missing_tools"}),
    ] {
        rig.deliver("agents/d/H-1.3.answer.json", document.to_string());
    }
    after(&mut rig, Duration::ZERO);
    after(&mut rig, MINUTE);
    assert_eq!(hops(&rig.card()).len(), 3);
    assert_eq!(rig.count("transfer.stopped"), 1);
    assert_eq!(rig.card().state.name(), "waiting");
}

#[test]
fn an_agent_that_may_not_see_the_data_is_passed_over_and_never_gets_it() {
    let cleared = |one: &mut Participant| {
        let clearance = if one.id == "c" {
            "restricted"
        } else {
            "internal"
        };
        one.clearance = Some(clearance.to_owned());
    };
    let rig = rig(RULE, cleared);
    hand(&rig, json!({"classification": "confidential"}));
    assert_eq!(hops(&rig.card()), [("c", HopStage::Offered)]);
    let (gate, why) = step_down(&rig.card()).unwrap();
    assert_eq!(gate, "next_best");
    assert!(why.contains("`b` may see internal data at most"), "{why}");
    assert!(!rig.exists("agents/b/H-1.1") && rig.exists("agents/c/H-1.1/transfer.json"));

    let nobody = self::rig(RULE, |one| one.clearance = Some("internal".to_owned()));
    hand(&nobody, json!({"classification": "restricted"}));
    assert!(nobody.card().hops.is_empty());
    assert_eq!(nobody.card().state.name(), "waiting", "people are asked");
    let stopped = nobody.card().stops[0].stopped.text.clone();
    for agent in ["`b`", "`c`", "`d`"] {
        assert!(stopped.contains(agent), "{stopped}");
    }
}

#[test]
fn a_latency_budget_that_is_blown_passes_over_whoever_needs_longer_and_then_asks_people() {
    let slow = |one: &mut Participant| {
        one.needs = (one.id == "b").then_some(10 * MINUTE);
    };
    let mut rig = rig(RULE, slow);
    hand(&rig, json!({"latency_budget_ms": 120_000}));
    // `b` needs ten minutes, and there are two.
    assert_eq!(hops(&rig.card()), [("c", HopStage::Offered)]);
    after(&mut rig, Duration::from_secs(119));
    assert_eq!(hops(&rig.card()).len(), 1);
    // It is not waited longer than the budget, whatever receivers have in general.
    after(&mut rig, Duration::from_secs(1));
    assert_eq!(hops(&rig.card()), [("c", HopStage::TimedOut)]);
    assert_eq!(rig.card().state.name(), "waiting");
}

#[test]
fn where_the_rule_says_so_the_time_limit_is_lifted_before_people_are_asked() {
    let rule = format!("{RULE}late = true\n");
    let mut rig = rig(&rule, |one| one.needs = Some(10 * MINUTE));
    hand(&rig, json!({"latency_budget_ms": 120_000}));
    assert_eq!(hops(&rig.card()), [("b", HopStage::Offered)]);
    let (gate, why) = step_down(&rig.card()).unwrap();
    assert_eq!(gate, "late");
    assert!(
        why.contains("`b` needs 600 s") && why.contains("lifted"),
        "{why}"
    );
    assert_eq!(rig.card().hops[0].offered.due, None);
    after(&mut rig, 4 * MINUTE);
    assert_eq!(
        hops(&rig.card()),
        [("b", HopStage::Offered)],
        "five minutes to answer, as always"
    );
    after(&mut rig, MINUTE);
    assert_eq!(hops(&rig.card())[1], ("c", HopStage::Offered));
}

/// The same facts and rules lead to the same agent, whoever looks and when.
#[test]
fn the_choice_follows_from_the_facts_alone() {
    let choose = || {
        let rig = rig(RULE, |one| {
            one.tools = if one.id == "d" {
                vec!["fx".to_owned()]
            } else {
                Vec::new()
            };
        });
        hand(&rig, json!({"capabilities_required": ["fx"]}));
        let card = rig.card();
        (hops(&card)[0].0.to_owned(), step_down(&card))
    };
    let first = choose();
    assert_eq!(first.0, "d");
    assert_eq!(first, choose());
}
