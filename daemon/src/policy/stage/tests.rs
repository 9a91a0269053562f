//! The stage over a real ledger: the whole ladder, restarts, clocks.

use std::{sync::Arc, time::Duration};

use countersign_protocol::{decision::Outcome, principal::Method, state::HandoffState};
use countersign_web::desk::{
    Caller, Desk as _, PeopleDesk as _, Person, QueueView, RoutingDesk as _,
};
use serde_json::json;

use crate::{
    contracts::{Contract, Contracts},
    testing::{Rig, WORKSPACE, maya},
    workspace::Settings,
};

const LADDER: &str = r#"
[[person]]
id = "maya"
[[person]]
id = "sam"
[[person]]
id = "kim"
[[oncall]]
id = "data"
time_zone = "Europe/Zagreb"
rotation = ["sam", "kim"]
starts = "2026-10-18 09:00"
shift = "7d"
[[route]]
name = "all"
to = ["maya"]
due = "1h"
expire_after = "9h"
[[route.then]]
after = "2h"
to = ["sam"]
instead = true
[[route.then]]
after = "8h"
to = ["oncall:data"]
"#;

/// The same with a step on each side of the hour at which a turn changes hands on the day on which clocks go back.
const TURNS: &str =
    "[[route.then]]\nafter = \"7h\"\nto = [\"oncall:data\"]\n[[route.then]]\nafter = \"8h\"";

fn submit(rig: &Rig, document: serde_json::Value) {
    let mut whole = json!({ "handoff_version": "1.0", "from_agent": "a", "task_id": "t" });
    for (key, value) in document.as_object().unwrap() {
        whole[key] = value.clone();
    }
    rig.submit("", &whole.to_string(), &[]).unwrap();
}

/// Steps of the ladder in the ledger, in order.
fn steps(rig: &Rig) -> Vec<&'static str> {
    let known = [
        "reminded",
        "reassigned",
        "escalated",
        "expired",
        "dead_lettered",
    ];
    let events = rig.events();
    let names = events.iter().map(countersign_protocol::event::Event::name);
    names
        .filter_map(|name| {
            known
                .into_iter()
                .find(|known| name == format!("handoff.{known}"))
        })
        .collect()
}

/// Lets time pass in small pieces with a look after each.
fn pass(rig: &Rig, minutes: u64) {
    for _ in 0..minutes / 5 {
        rig.clock.advance(Duration::from_mins(5));
        rig.apply_policy();
    }
}

/// On the day on which clocks go back in Zagreb the turn on call changes at 09:00 there, which is 08:00Z; a week
/// of 168 hours after the last change would be 07:00Z. At 07:30Z it is still the first turn, at 08:30Z the second.
#[test]
fn the_whole_ladder_is_climbed_over_a_restart_and_a_change_of_clocks() {
    let mut rig = Rig::new();
    rig.clock.jump("2026-10-25T00:30:00Z".parse().unwrap());
    rig.with_policy(&LADDER.replace("[[route.then]]\nafter = \"8h\"", TURNS));
    submit(&rig, json!({}));
    rig.apply_policy();
    let routing = rig.card().routing.clone().unwrap();
    assert_eq!(routing.asked[0].people, ["maya"]);
    assert_eq!(
        routing.routed.due.unwrap().to_string(),
        "2026-10-25T01:30:00Z"
    );
    pass(&rig, 45);
    assert_eq!(steps(&rig), [""; 0]);
    pass(&rig, 5);
    assert_eq!(steps(&rig), ["reminded"]);
    rig.restart();
    pass(&rig, 60);
    assert_eq!(steps(&rig), ["reminded"]);
    pass(&rig, 15);
    assert_eq!(steps(&rig), ["reminded", "reassigned"]);
    assert_eq!(
        rig.card().routing.as_ref().unwrap().asked[0].people,
        ["sam"]
    );
    // Nobody looks for hours, and the daemon starts again: what was missed comes in order.
    rig.restart();
    rig.clock.advance(Duration::from_mins(295));
    rig.restart();
    rig.apply_policy();
    assert_eq!(steps(&rig), ["reminded", "reassigned", "escalated"]);
    let asked = rig.card().routing.as_ref().unwrap().asked.clone();
    assert_eq!(
        asked[1].people,
        ["sam"],
        "07:30Z is 08:30 there: still the first turn"
    );
    rig.restart();
    rig.clock.advance(Duration::from_hours(1));
    rig.apply_policy();
    let asked = rig.card().routing.as_ref().unwrap().asked.clone();
    assert_eq!(
        asked[2].people,
        ["kim"],
        "08:30Z is 09:30 there: the second turn"
    );
    rig.apply_policy();
    assert_eq!(steps(&rig).len(), 4, "a step waits for the one before it");
    pass(&rig, 60);
    assert_eq!(
        steps(&rig),
        [
            "reminded",
            "reassigned",
            "escalated",
            "escalated",
            "dead_lettered"
        ]
    );
    rig.restart();
    pass(&rig, 600);
    assert_eq!(steps(&rig).len(), 5);
    let card = rig.card();
    assert_eq!(
        card.state,
        HandoffState::Waiting { revision: 1 },
        "nothing is decided by time"
    );
    assert!(card.service[0].is_late(rig.clock_now()) && card.service[0].steps == 5);
}

#[test]
fn the_fallback_of_the_document_holds_without_any_rule() {
    let mut rig = Rig::new();
    rig.with_policy(
        "[[person]]\nid = \"sam\"\n[[oncall]]\nid = \"ops\"\nrotation = [\"sam\"]\nstarts = \"2026-01-01\"\n",
    );
    submit(
        &rig,
        json!({ "fallback": "escalate_to_oncall_if_not_progressed_within_300s" }),
    );
    rig.apply_policy();
    assert_eq!(
        rig.card().routing.as_ref().unwrap().asked[0].people,
        ["local:maya"]
    );
    rig.clock.advance(Duration::from_secs(299));
    rig.apply_policy();
    assert_eq!(steps(&rig), [""; 0]);
    rig.clock.advance(Duration::from_secs(1));
    rig.apply_policy();
    assert_eq!(steps(&rig), ["escalated"]);
    assert_eq!(
        rig.card().routing.as_ref().unwrap().asked[1].people,
        ["sam"]
    );
    rig.clock.advance(Duration::from_hours(1));
    rig.apply_policy();
    assert_eq!(steps(&rig), ["escalated", "dead_lettered"]);
}

#[test]
fn a_rule_may_reject_in_the_end_and_the_agent_is_told() {
    let mut rig = Rig::new();
    rig.with_policy(
        "[[person]]\nid = \"sam\"\n[[route]]\nname = \"strict\"\nto = [\"sam\"]\nexpire_after = \"1h\"\n\
         due = \"30m\"\non_expiry = \"reject\"\n",
    );
    submit(&rig, json!({}));
    rig.apply_policy();
    pass(&rig, 65);
    let card = rig.card();
    assert!(matches!(
        card.state,
        HandoffState::Closed {
            outcome: Outcome::Rejected,
            ..
        }
    ));
    rig.round();
    let decision = std::fs::read_to_string(rig.path("decision.json")).unwrap();
    assert!(
        decision.contains("\"policy:strict\"") && decision.contains("\"rejected\""),
        "{decision}"
    );
}

#[test]
fn an_answer_ends_the_ladder_and_a_new_revision_begins_one() {
    let mut rig = Rig::new();
    rig.with_policy(LADDER);
    submit(&rig, json!({}));
    rig.apply_policy();
    let id = rig.card().id;
    rig.decide(id, Outcome::ChangesRequested).unwrap();
    pass(&rig, 600);
    assert_eq!(steps(&rig), [""; 0]);
    submit(&rig, json!({ "summary": "again" }));
    rig.apply_policy();
    assert_eq!(rig.card().routing.as_ref().unwrap().routed.revision, 2);
    assert_eq!(rig.count("handoff.routed"), 2);
}

#[test]
fn a_clock_that_runs_ahead_ages_nothing_and_one_that_is_set_back_counts_anew() {
    let mut rig = Rig::new();
    rig.with_policy(LADDER);
    submit(&rig, json!({}));
    rig.apply_policy();
    let start = rig.clock_now();
    rig.clock.jump("2036-01-01T00:00:00Z".parse().unwrap());
    rig.apply_policy();
    assert_eq!((steps(&rig).len(), rig.count("clock.jumped")), (0, 1));
    rig.clock.jump(start);
    rig.apply_policy();
    pass(&rig, 45);
    assert_eq!(steps(&rig), [""; 0]);
    pass(&rig, 5);
    assert_eq!(steps(&rig), ["reminded"]);
    // The routing itself was made by a clock that ran ahead.
    let mut rig = Rig::new();
    rig.clock.jump("2036-01-01T00:00:00Z".parse().unwrap());
    rig.with_policy(LADDER);
    submit(&rig, json!({}));
    rig.apply_policy();
    rig.restart();
    rig.clock.jump(start);
    rig.apply_policy();
    assert_eq!(rig.count("handoff.rescheduled"), 1);
    pass(&rig, 50);
    assert_eq!(steps(&rig), ["reminded"]);
}

/// Under random restarts and jumps no step is doubled and none is left out.
#[test]
fn no_step_is_doubled_or_skipped_whatever_the_clock_and_the_machine_do() {
    for seed in 0..12_u64 {
        let mut rig = Rig::new();
        rig.with_policy(LADDER);
        submit(&rig, json!({ "task_id": format!("t{seed}") }));
        let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1;
        let mut next = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random
        };
        for _ in 0..60 {
            match next() % 6 {
                0 => rig.restart(),
                1 => {
                    let hours = i64::try_from(next() % 20).unwrap() - 10;
                    let to = rig.clock_now() + jiff::SignedDuration::from_hours(hours);
                    rig.clock.jump(to);
                }
                _ => rig.clock.advance(Duration::from_mins(next() % 60)),
            }
            rig.apply_policy();
            let all = ["reminded", "reassigned", "escalated", "dead_lettered"];
            let taken = steps(&rig);
            assert_eq!(taken, all[..taken.len()], "seed {seed}");
        }
        // Whatever happened, it ends.
        for _ in 0..40 {
            pass(&rig, 60);
        }
        assert_eq!(steps(&rig).len(), 4, "seed {seed}");
        assert_eq!(rig.count("handoff.routed"), 1);
        assert_eq!(WORKSPACE, rig.card().workspace);
    }
}

const TEAM: &str = r#"
[[person]]
id = "sam"
[[queue]]
id = "claims"
members = ["sam"]
[[route]]
name = "all"
to = ["queue:claims"]
due = "1h"
[[route.then]]
after = "2h"
to = ["sam"]
"#;

fn sam() -> Person {
    Person {
        id: "sam".to_owned(),
        display: "Sam Ito".to_owned(),
        method: Method::Web,
        access: crate::testing::everything(),
    }
}

/// In which view `who` sees the only card.
fn view(rig: &Rig, who: &Person) -> QueueView {
    let caller = Caller::Person(who.clone());
    let views = [QueueView::Turn, QueueView::Team, QueueView::Snoozed];
    let found = views.into_iter().find(|view| {
        let queue = rig
            .wait(rig.desk().queue(&caller, *view, None, 10))
            .unwrap();
        !queue.rows.is_empty()
    });
    found.unwrap()
}

#[test]
fn a_card_is_taken_by_one_handed_on_and_put_off() {
    let mut rig = Rig::new();
    rig.with_policy(TEAM);
    submit(&rig, json!({}));
    rig.apply_policy();
    let (id, sam, maya) = (rig.card().id, sam(), maya());
    let desk = std::sync::Arc::clone(rig.desk());
    assert_eq!(
        view(&rig, &sam),
        QueueView::Team,
        "a queue is nobody's turn"
    );
    rig.wait(desk.claim(&sam, id)).unwrap();
    rig.wait(desk.claim(&sam, id)).unwrap();
    assert_eq!(rig.count("handoff.claimed"), 1, "taken twice is taken");
    assert_eq!(view(&rig, &sam), QueueView::Turn);
    let late = rig.wait(desk.claim(&maya, id)).unwrap_err();
    assert!(
        late.to_string().contains("already taken by Sam Ito"),
        "{late}"
    );
    assert!(rig.wait(desk.release(&maya, id)).is_err());
    rig.wait(desk.release(&sam, id)).unwrap();
    assert_eq!(view(&rig, &sam), QueueView::Team);
    rig.wait(desk.assign(&maya, id, "sam", Some("yours".to_owned())))
        .unwrap();
    assert_eq!(view(&rig, &sam), QueueView::Turn);
    assert!(rig.wait(desk.assign(&maya, id, "nobody", None)).is_err());
    let until = rig.clock_now() + jiff::SignedDuration::from_hours(4);
    rig.wait(desk.snooze(&sam, id, until)).unwrap();
    assert_eq!(view(&rig, &sam), QueueView::Snoozed);
    rig.clock.advance(Duration::from_hours(4));
    assert_eq!(view(&rig, &sam), QueueView::Turn, "it comes back by itself");
    let caller = Caller::Person(sam.clone());
    let report = rig.wait(desk.route_test(&caller, id)).unwrap();
    assert!(report.rules[0].won && report.routing.rule == "all");
    rig.decide(id, Outcome::Approved).unwrap();
    assert!(
        rig.wait(desk.claim(&sam, id)).is_err(),
        "it waits for nobody any more"
    );
}

#[test]
fn who_takes_a_card_has_acknowledged_it() {
    let mut rig = Rig::new();
    rig.with_policy(TEAM);
    submit(&rig, json!({}));
    rig.apply_policy();
    pass(&rig, 100);
    rig.wait(rig.desk().claim(&sam(), rig.card().id)).unwrap();
    pass(&rig, 115);
    assert_eq!(
        steps(&rig),
        ["reminded"],
        "the step past Sam counts from when Sam took it"
    );
    pass(&rig, 10);
    assert_eq!(steps(&rig), ["reminded", "escalated"]);
}

#[test]
fn a_handoff_that_nobody_answered_is_sent_on_its_way_again() {
    let mut rig = Rig::new();
    rig.with_policy(TEAM);
    submit(&rig, json!({}));
    rig.apply_policy();
    pass(&rig, 300);
    let caller = Caller::Person(maya());
    let stranded = || rig.wait(rig.desk().stranded(&caller)).unwrap();
    assert_eq!(stranded().len(), 1);
    let seq = stranded()[0].seq;
    rig.wait(rig.desk().redrive(&maya(), seq)).unwrap();
    assert!(stranded().is_empty());
    rig.apply_policy();
    let routing = rig.card().routing.clone().unwrap();
    assert!(routing.taken.is_empty() && routing.dead.is_none());
    assert!(
        rig.wait(rig.desk().redrive(&maya(), seq)).is_err(),
        "once is enough"
    );
}

#[test]
fn a_contract_says_from_which_confidence_a_rule_lets_work_pass() {
    let contract = |name: &str, floor, from| Contract {
        name: name.to_owned(),
        version: (1, 0),
        purpose: None,
        schema: json!({"type": "object"}),
        file: String::new(),
        from: None,
        to: None,
        task: None,
        reads: Vec::new(),
        max_bytes: None,
        checks: Vec::new(),
        confidence_floor: floor,
        progress_from: from,
        result_confidence: None,
    };
    let all = vec![
        contract("strict", Some(0.95), None),
        contract("sure", None, Some(0.9)),
        contract("plain", None, None),
    ];
    let mut rig = Rig::with(Settings {
        contracts: Arc::new(Contracts::new(all)),
        ..Settings::default()
    });
    rig.with_policy(
        "[[person]]\nid = \"maya\"\n[[route]]\nname = \"routine\"\nto = [\"maya\"]\nconfidence_from = 0.5\n\
         progress = true\nsample = 0.000001\n",
    );
    let passes = |contract: &str, confidence: f64, number: u32| {
        let document = json!({
            "task_id": format!("{contract}-{number}"), "contract": contract, "confidence": confidence,
        });
        submit(&rig, document);
        rig.apply_policy();
        let cards = rig.cards();
        let newest = cards.last().unwrap();
        !matches!(newest.state, HandoffState::Waiting { .. })
    };
    assert!(passes("plain", 0.85, 1));
    assert!(!passes("plain", 0.75, 2));
    assert!(!passes("strict", 0.93, 3));
    assert!(passes("strict", 0.96, 4));
    assert!(!passes("sure", 0.85, 5));
    assert!(passes("sure", 0.9, 6));
}
