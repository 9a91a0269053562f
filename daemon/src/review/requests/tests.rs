//! Requests answered one by one, from the desk to the file of the agent.

use serde_json::{Map, json};

use super::*;
use crate::testing::{Rig, handoff, maya};

const ONE: HandoffId = HandoffId(1);

fn rig() -> Rig {
    let rig = Rig::new();
    rig.write("a.txt", "words");
    let document = handoff("Write it", &["a.txt"]);
    let mut document: serde_json::Value = serde_json::from_str(&document).unwrap();
    document["requests"] = json!([{ "id": "mail" }, { "id": "delete" }]);
    rig.deliver("handoff.json", document.to_string());
    rig.apply_policy();
    rig
}

fn one(request: &str, outcome: Outcome) -> RequestAnswer {
    RequestAnswer {
        request: Some(request.to_owned()),
        outcome,
        comment: None,
        edited: (outcome == Outcome::Edited).then(|| json!({ "to": "ben" })),
        stated: Map::new(),
    }
}

fn say(rig: &Rig, outcome: Outcome, answers: Vec<RequestAnswer>) -> Result<(), DeskError> {
    let answer = Answer {
        answers,
        ..rig.answer(ONE, outcome)
    };
    rig.wait(rig.desk().decide(&maya(), ONE, answer)).map(drop)
}

#[test]
fn each_request_has_its_answer_in_the_file_of_the_agent() {
    let rig = rig();
    let answers = vec![
        one("mail", Outcome::Edited),
        one("delete", Outcome::Rejected),
    ];
    say(&rig, Outcome::Rejected, answers).unwrap();
    rig.round();
    assert_eq!(
        rig.json("decision.json")["answers"],
        json!([
            { "request": "mail", "outcome": "edited", "edited": { "to": "ben" } },
            { "request": "delete", "outcome": "rejected" },
        ])
    );
}

#[test]
fn what_fits_no_request_or_not_the_whole_is_refused() {
    let rig = rig();
    let yes = |name| one(name, Outcome::Approved);
    for (outcome, answers) in [
        (
            Outcome::Approved,
            vec![yes("mail"), one("delete", Outcome::Ignored)],
        ),
        (Outcome::Approved, vec![yes("other")]),
        (
            Outcome::Approved,
            vec![yes("mail"), yes("mail"), yes("mail")],
        ),
        (Outcome::Rejected, vec![one("mail", Outcome::Abstained)]),
        (Outcome::Rejected, vec![one("mail", Outcome::Expired)]),
    ] {
        let told = say(&rig, outcome, answers);
        let Err(DeskError::Invalid { field, .. }) = told else {
            panic!("{told:?}");
        };
        assert_eq!(field, "answers");
    }
    assert_eq!(rig.count("handoff.decided"), 0);
}
