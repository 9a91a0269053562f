//! What is kept of the queue is what is found anew.

use std::time::Duration;

use countersign_protocol::{
    access::{Grant, Role},
    decision::Outcome,
    principal::Method,
};
use countersign_web::desk::{Caller, Desk as _, PeopleDesk as _};
use jiff::SignedDuration;

use super::*;
use crate::{
    clock::Clock as _,
    testing::{Rig, handoff},
};

const PEOPLE: &str = r#"
[[person]]
id = "ana"
[[person]]
id = "ben"
[[member]]
role = "approver"
who = ["ana", "ben"]
[[route]]
name = "all"
to = ["ana"]
"#;

fn rig() -> Rig {
    let mut rig = Rig::new();
    rig.with_roles(PEOPLE);
    for name in ["a", "b", "c"] {
        hand_over(&rig, name);
    }
    rig
}

fn hand_over(rig: &Rig, name: &str) {
    rig.write(&format!("{name}/a.txt"), name);
    rig.deliver(&format!("{name}/handoff.json"), handoff(name, &["a.txt"]));
    rig.apply_policy();
}

fn person(rig: &Rig, id: &str) -> Person {
    rig.desk().person(id, id, Method::Web)
}

/// The cards of a view and what the frame counts, as the desk says; asked twice, so that the second time is kept.
fn turn(rig: &Rig, who: &Person) -> Vec<HandoffId> {
    let caller = Caller::Person(who.clone());
    let ask = || {
        let queue = rig
            .wait(rig.desk().queue(&caller, QueueView::Turn, None, 50))
            .unwrap();
        let ids: Vec<_> = queue.rows.iter().map(|row| row.id).collect();
        assert_eq!(queue.counts.turn, ids.len());
        let frame = rig.wait(rig.desk().frame(&caller)).unwrap();
        assert_eq!((frame.turn, frame.seq), (ids.len(), queue.seq));
        ids
    };
    let first = ask();
    assert_eq!(ask(), first);
    first
}

#[test]
fn each_entry_and_each_person_has_a_view_of_its_own() {
    let rig = rig();
    let (ana, ben) = (person(&rig, "ana"), person(&rig, "ben"));
    assert_eq!((turn(&rig, &ana).len(), turn(&rig, &ben).len()), (3, 0));
    rig.decide(HandoffId(2), Outcome::Rejected).unwrap();
    assert_eq!(turn(&rig, &ana), [HandoffId(1), HandoffId(3)]);
    hand_over(&rig, "d");
    assert_eq!(turn(&rig, &ana).len(), 3);
    // The same person with fewer rights sees less at once, though nothing happened.
    let nothing = Person {
        access: Access::new(Grant::of(&[]), std::collections::BTreeMap::new()),
        ..ana.clone()
    };
    assert_eq!(turn(&rig, &nothing), []);
    let viewer = Person {
        access: Access::everywhere(&[Role::Viewer]),
        ..ana
    };
    assert_eq!(turn(&rig, &viewer).len(), 3);
}

#[test]
fn what_was_put_off_comes_back_though_the_ledger_stood_still() {
    let rig = rig();
    let ana = person(&rig, "ana");
    let until = rig.clock.now() + SignedDuration::from_mins(10);
    rig.wait(rig.desk().snooze(&ana, HandoffId(1), until))
        .unwrap();
    assert_eq!(turn(&rig, &ana).len(), 2);
    rig.clock.advance(Duration::from_mins(11));
    assert_eq!(turn(&rig, &ana).len(), 3);
}

#[test]
fn what_waits_in_a_workspace_is_counted_as_it_is_now() {
    let rig = rig();
    let waiting = || rig.wait(rig.desk().health()).workspaces[0].waiting;
    assert_eq!((waiting(), waiting()), (3, 3));
    hand_over(&rig, "d");
    assert_eq!(waiting(), 4);
    let ana = person(&rig, "ana");
    let answer = rig.answer(HandoffId(2), Outcome::Rejected);
    let answer = countersign_web::desk::Answer {
        comment: Some("No".to_owned()),
        ..answer
    };
    rig.wait(rig.desk().decide(&ana, HandoffId(2), answer))
        .unwrap();
    assert_eq!(waiting(), 3);
}

#[test]
fn the_names_for_questions_are_those_of_now_and_of_who_asks() {
    let rig = rig();
    let ana = Caller::Person(person(&rig, "ana"));
    let names = || rig.desk().vocabulary(&ana);
    assert_eq!(names().paths, ["a", "b", "c"]);
    assert!(Arc::ptr_eq(&names(), &names()), "it was found anew");
    assert_eq!(names().people, ["ana"]);
    hand_over(&rig, "d");
    assert_eq!(names().paths, ["a", "b", "c", "d"]);
    let ben = Caller::Person(person(&rig, "ben"));
    assert_eq!(rig.desk().vocabulary(&ben).people, ["ben"]);
}
