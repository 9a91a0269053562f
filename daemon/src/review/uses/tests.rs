//! Approvals that end or are good for one use: asked for by rules and people, counted once, over kill -9.

use std::time::Duration;

use countersign_protocol::{
    HandoffId,
    access::{Access, Role},
    decision::{DecisionDocument, Outcome},
    principal::Method,
    terms::{Terms, Use},
};
use countersign_web::desk::{
    Answered, BoundariesDesk as _, Caller, Desk as _, DeskError, Person, boundaries::UseWish,
};
use jiff::SignedDuration;

use crate::{
    clock::Clock as _,
    testing::{Rig, handoff, maya},
};

const ONE: HandoffId = HandoffId(1);
const HOUR: Duration = Duration::from_hours(1);

fn rig(rule: &str) -> Rig {
    let mut rig = Rig::new();
    rig.with_roles(&format!(
        "[[person]]\nid = \"ana\"\n[[person]]\nid = \"ben\"\n\
         [[route]]\nname = \"pay\"\nto = [\"ana\", \"ben\"]\n{rule}"
    ));
    rig.write("a.txt", "words");
    rig.deliver("handoff.json", handoff("Pay it", &["a.txt"]));
    rig.apply_policy();
    rig
}

fn approve(rig: &Rig, id: &str, terms: Terms) -> Result<Answered, DeskError> {
    let mut answer = rig.answer(ONE, Outcome::Approved);
    answer.terms = terms;
    let person = rig.desk().person(id, id, Method::Web);
    rig.wait(rig.desk().decide(&person, ONE, answer))
}

fn approved(rig: &Rig, id: &str, terms: Terms) -> DecisionDocument {
    let answered = approve(rig, id, terms).unwrap();
    answered.decision().unwrap()
}

fn once() -> Terms {
    Terms {
        single_use: true,
        ..Terms::default()
    }
}

fn until(rig: &Rig, time: Duration) -> Terms {
    Terms {
        valid_until: Some(rig.clock.now() + time),
        ..Terms::default()
    }
}

fn wish(rig: &Rig, use_id: &str) -> UseWish {
    let state = rig.ledger().state();
    let manifest_sha256 = state.card(ONE).unwrap().newest().accepted.manifest_sha256;
    UseWish {
        use_id: use_id.to_owned(),
        manifest_sha256,
    }
}

fn spend(rig: &Rig, use_id: &str) -> Result<Use, DeskError> {
    let wish = wish(rig, use_id);
    let who = Caller::Person(maya());
    rig.wait(rig.desk().use_approval(&who, ONE, wish))
}

fn why(told: Result<Use, DeskError>) -> String {
    match told {
        Err(DeskError::Conflict { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_all_who_use_what_is_good_for_one_use_one_does_also_after_kill_9() {
    let mut rig = rig("");
    assert_eq!(approved(&rig, "ana", once()).terms, once());
    rig.round();
    let first = spend(&rig, "aaaaaaaa").unwrap();
    // The answer was lost on its way, and who asked asks again.
    rig.restart();
    assert_eq!(spend(&rig, "aaaaaaaa").unwrap(), first);
    assert_eq!(first.by, "Maya");
    let told = why(spend(&rig, "bbbbbbbb"));
    assert!(
        told.contains("good for one use, and Maya used it"),
        "{told}"
    );
    assert_eq!(rig.count("artifact.used"), 1);
    let release = rig.wait(rig.desk().released(&Caller::Person(maya()), ONE));
    assert_eq!(release.unwrap().used, Some(first));
}

#[test]
fn a_use_is_refused_where_nothing_is_counted_and_to_whoever_may_not() {
    let rig = rig("");
    let told = rig.wait(rig.desk().use_approval(
        &Caller::Person(maya()),
        ONE,
        wish(&rig, "aaaaaaaa"),
    ));
    assert!(matches!(told, Err(DeskError::NotFound(_))), "{told:?}");
    approved(&rig, "ana", Terms::default());
    assert!(why(spend(&rig, "aaaaaaaa")).contains("as often as you like"));
    let looks = Person {
        access: Access::everywhere(&[Role::Viewer]),
        ..maya()
    };
    let told = rig.wait(rig.desk().use_approval(
        &Caller::Person(looks),
        ONE,
        wish(&rig, "aaaaaaaa"),
    ));
    assert!(matches!(told, Err(DeskError::MayNot { .. })), "{told:?}");
    assert!(matches!(spend(&rig, "a b"), Err(DeskError::Invalid { .. })));
}

#[test]
fn other_bytes_than_those_that_were_approved_use_nothing() {
    let rig = rig("");
    approved(&rig, "ana", once());
    let mut other = wish(&rig, "aaaaaaaa");
    other.manifest_sha256 = countersign_protocol::Digest::of(b"other");
    let who = Caller::Person(maya());
    let told = why(rig.wait(rig.desk().use_approval(&who, ONE, other)));
    assert!(told.contains("other bytes"), "{told}");
    assert!(spend(&rig, "aaaaaaaa").is_ok());
}

#[test]
fn a_rule_says_how_long_and_a_person_can_only_ask_for_less() {
    let rule = "valid_for = \"2h\"\nsingle_use = true\n";
    let rig = rig(rule);
    let begun = rig.clock.now();
    // A year is more than the rule gives.
    let year = until(&rig, HOUR * 24 * 365);
    let document = approved(&rig, "ana", year);
    let end = begun + SignedDuration::from_hours(2);
    assert_eq!(document.terms.valid_until, Some(end));
    assert!(document.terms.single_use);
    rig.round();
    assert_eq!(rig.json("decision.json")["terms"]["single_use"], true);
    rig.clock.advance(HOUR * 2);
    let told = why(spend(&rig, "aaaaaaaa"));
    assert!(told.contains("the approval ended at"), "{told}");
    assert_eq!(rig.count("artifact.used"), 0);
    // The same bytes under another key are asked about once more.
    let again = handoff("Pay it", &["a.txt"]).replacen('{', r#"{"idempotency_key":"again","#, 1);
    rig.deliver("handoff.json", again);
    let state = rig.ledger().state();
    let card = state.card(HandoffId(2)).unwrap();
    assert_eq!(card.newest().accepted.follows, Some(ONE));
}

#[test]
fn the_narrowest_of_all_votes_holds() {
    let rig = rig("approvals = 2\nvalid_for = \"3h\"\n");
    let soon = until(&rig, HOUR);
    assert!(matches!(
        approve(&rig, "ana", soon),
        Ok(Answered::Counted(_))
    ));
    let document = approved(&rig, "ben", once());
    assert_eq!(document.terms.valid_until, soon.valid_until);
    assert!(document.terms.single_use);
}

#[test]
fn terms_that_no_approval_can_have_are_refused() {
    let rig = rig("");
    let now = until(&rig, Duration::ZERO);
    assert!(matches!(
        approve(&rig, "ana", now),
        Err(DeskError::Invalid { .. })
    ));
    let mut answer = rig.answer(ONE, Outcome::Rejected);
    answer.terms = once();
    let ana = rig.desk().person("ana", "ana", Method::Web);
    let told = rig.wait(rig.desk().decide(&ana, ONE, answer));
    assert!(matches!(told, Err(DeskError::Invalid { .. })), "{told:?}");
}
