//! What a reviewer sees of a result that grows, and what can be answered when.

use countersign_protocol::{HandoffId, decision::Outcome};
use countersign_web::desk::{Answer, Caller, ContentDesk as _, Desk as _, Review};
use serde_json::{Value, json};

use crate::testing::{Rig, maya};

const ID: HandoffId = HandoffId(1);

fn hand(partials: Value) -> Rig {
    let rig = Rig::new();
    let mut document = json!({"handoff_version": "1.0", "from_agent": "hermes", "task": "Write it", "status": "in_progress"});
    document["partials"] = partials;
    rig.deliver("run/handoff.json", document.to_string());
    rig
}

fn review(rig: &Rig) -> Review {
    let caller = Caller::Person(maya());
    rig.wait(rig.desk().review(&caller, ID, None, None))
        .unwrap()
}

fn decide(rig: &Rig, outcome: Outcome, partial: Option<u32>) -> Result<(), String> {
    let answer = Answer {
        partial,
        ..rig.answer(ID, outcome)
    };
    let decided = rig.wait(rig.desk().decide(&maya(), ID, answer));
    rig.round();
    decided.map(drop).map_err(|error| error.to_string())
}

#[test]
fn a_reviewer_sees_how_far_it_is_and_what_is_missing() {
    let rig = hand(json!({"chunks": 5}));
    let page = review(&rig);
    assert_eq!(page.row.partial.unwrap().words(), "0 of 5 chunks");
    assert_eq!(page.partial_end, None);
    rig.deliver("run/partial/0001", "Revenue ");
    rig.deliver("run/partial/0002", "rose.");
    rig.deliver("run/partial/0004", "never shown before 3 is there");
    let page = review(&rig);
    let row = page.row.partial.unwrap();
    assert_eq!(row.words(), "3 of 5 chunks, chunk 3 is missing");
    assert_eq!((row.seen.through, row.gaps), (2, 1));
    assert_eq!(page.partial_end.as_deref(), Some("Revenue rose."));
    let check = page
        .checks
        .iter()
        .find(|check| check.text.contains("grows"));
    assert!(!check.unwrap().ok);
    let caller = Caller::Person(maya());
    let chunk = rig.wait(rig.desk().chunk(&caller, ID, 2)).unwrap();
    assert_eq!(chunk.bytes, b"rose.");
    assert!(rig.wait(rig.desk().chunk(&caller, ID, 3)).is_err());
}

#[test]
fn what_is_not_whole_is_not_approved_unless_the_contract_says_so() {
    let rig = hand(json!({}));
    rig.deliver("run/partial/0001", "half");
    let error = decide(&rig, Outcome::Approved, Some(1)).unwrap_err();
    assert!(
        error.contains("before its result is whole: 1 chunk so far"),
        "{error}"
    );
    rig.deliver("run/partial/0002.final", "and half");
    decide(&rig, Outcome::Approved, None).unwrap();
    let partial = rig.json("run/decision.json")["partial"].clone();
    assert_eq!(
        (&partial["through"], &partial["whole"]),
        (&json!(2), &json!(true))
    );
}

#[test]
fn everything_but_an_approval_is_possible_before_the_end() {
    let rig = hand(json!({}));
    rig.deliver("run/partial/0001", "nonsense");
    decide(&rig, Outcome::Rejected, Some(1)).unwrap();
    assert_eq!(rig.json("run/decision.json")["partial"]["through"], 1);
}

#[test]
fn an_approval_before_the_end_says_what_was_on_the_page() {
    let rig = hand(json!({"folder": "partial/draft", "decide": "any"}));
    for (name, text) in [("0001", "a"), ("0002", "b"), ("0003", "c")] {
        rig.deliver(&format!("run/partial/draft/{name}"), text);
    }
    let unsaid = decide(&rig, Outcome::Approved, None).unwrap_err();
    assert!(unsaid.contains("up to which chunk"), "{unsaid}");
    let unseen = decide(&rig, Outcome::Approved, Some(4)).unwrap_err();
    assert!(unseen.contains("no chunk 4 yet"), "{unseen}");
    // Chunk 3 came after the page was made.
    decide(&rig, Outcome::Approved, Some(2)).unwrap();
    let partial = rig.json("run/decision.json")["partial"].clone();
    assert_eq!(partial["folder"], "partial/draft");
    assert_eq!(
        (&partial["through"], &partial["whole"]),
        (&json!(2), &json!(false))
    );
}
