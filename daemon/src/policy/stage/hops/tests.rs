//! The times of a hop, on a clock that the test moves, over restarts.

use std::{sync::Arc, time::Duration};

use countersign_protocol::transfer::{Mesh, Participant};
use serde_json::{Value, json};

use crate::{
    ledger::{Card, HopStage},
    testing::Rig,
    workspace::Settings,
};

const MINUTE: Duration = Duration::from_mins(1);

/// `a` hands to `b` and `c`; they have five minutes to say whether they take it.
fn rig(reminders: u32) -> Rig {
    let one = |id: &str, hands_to: &[&str]| Participant {
        id: id.to_owned(),
        hands_to: hands_to.iter().map(|to| (*to).to_owned()).collect(),
        hears: true,
        ..Participant::default()
    };
    let mesh = Mesh {
        participants: vec![one("a", &["b", "c"]), one("b", &[]), one("c", &[])],
        acknowledge_within: 5 * MINUTE,
        reminders,
        max_hops: 8,
        ..Mesh::default()
    };
    Rig::with(Settings {
        mesh: Arc::new(mesh),
        ..Settings::default()
    })
}

fn hand(rig: &Rig, more: Value) {
    let mut document = json!({
        "handoff_version": "1.0", "from_agent": "a", "to_agent": "b", "task": "t", "task_id": "t-1",
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        document[name] = value.clone();
    }
    rig.deliver("agents/a/handoff.json", document.to_string());
    rig.apply_policy();
    rig.round();
}

fn answer(rig: &Rig, hop: &str, answer: &str) {
    let document = json!({"answer_version": "1.0", "answer": answer});
    let folder = if hop == "H-1.2" { "c" } else { "b" };
    rig.deliver(
        &format!("agents/{folder}/{hop}.answer.json"),
        document.to_string(),
    );
}

/// Time passes, the daemon is started anew, and policy looks.
fn after(rig: &mut Rig, span: Duration) {
    rig.clock.advance(span);
    rig.restart();
    rig.apply_policy();
    rig.round();
}

fn stages(card: &Card) -> Vec<HopStage> {
    card.hops.iter().map(|hop| hop.stage).collect()
}

#[test]
fn a_receiver_is_reminded_with_more_time_each_and_then_its_time_is_over() {
    let mut rig = rig(2);
    hand(&rig, json!({}));
    assert!(rig.exists("agents/b/H-1.1/transfer.json"));
    // Five minutes, then ten, then twenty.
    for (minutes, reminded, over) in [
        (4, 0, false),
        (1, 1, false),
        (9, 1, false),
        (1, 2, false),
        (19, 2, false),
        (1, 2, true),
    ] {
        after(&mut rig, minutes * MINUTE);
        assert_eq!(rig.count("transfer.reminded"), reminded);
        assert_eq!(rig.count("transfer.timed_out"), usize::from(over));
    }
    assert_eq!(rig.json("agents/b/H-1.1.reminder.json")["number"], 2);
    assert_eq!(stages(&rig.card()), [HopStage::TimedOut]);
    // Nobody else is named: a person is asked, once.
    after(&mut rig, MINUTE);
    assert_eq!(rig.count("transfer.stopped"), 1);
    assert_eq!(rig.card().state.name(), "waiting");
}

#[test]
fn silence_after_acceptance_goes_by_the_fallback_and_a_sign_of_life_counts_anew() {
    let mut rig = rig(0);
    let fallback = json!({"action": "reroute", "to": "c", "after_seconds": 240});
    hand(&rig, json!({ "fallback": fallback }));
    answer(&rig, "H-1.1", "accept");
    for word in ["progress", "progress"] {
        after(&mut rig, 3 * MINUTE);
        assert_eq!(rig.count("transfer.timed_out"), 0);
        let document =
            json!({"answer_version": "1.0", "answer": word, "percent": rig.events().len() % 100});
        rig.deliver("agents/b/H-1.1.answer.json", document.to_string());
    }
    assert_eq!(stages(&rig.card()), [HopStage::Accepted]);
    after(&mut rig, 4 * MINUTE);
    assert_eq!(stages(&rig.card()), [HopStage::TimedOut, HopStage::Offered]);
    assert!(rig.exists("agents/c/H-1.2/transfer.json"));
    // What comes too late from the first changes nothing.
    answer(&rig, "H-1.1", "complete");
    assert_eq!(rig.count("transfer.completed"), 0);
    answer(&rig, "H-1.2", "complete");
    assert_eq!(rig.card().state.name(), "completed");
}

#[test]
fn who_took_a_task_has_until_its_deadline() {
    let mut rig = rig(0);
    hand(&rig, json!({"timeout_seconds": 3_600}));
    answer(&rig, "H-1.1", "accept");
    after(&mut rig, 59 * MINUTE);
    assert_eq!(stages(&rig.card()), [HopStage::Accepted]);
    after(&mut rig, MINUTE);
    assert_eq!(rig.count("transfer.timed_out"), 1);
    assert_eq!(rig.card().state.name(), "waiting");
    after(&mut rig, MINUTE);
    assert_eq!(rig.count("transfer.timed_out"), 1);
}
