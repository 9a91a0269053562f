//! Requests answered one by one, from the desk to the file of the agent.

use countersign_protocol::terms::Terms;
use countersign_web::desk::{Answered, Desk as _, UndoDesk as _};
use serde_json::{Map, json};

use super::*;
use crate::testing::{Rig, handoff, maya};

const ONE: HandoffId = HandoffId(1);

fn rig_asking(requests: Value) -> Rig {
    let rig = Rig::new();
    rig.write("a.txt", "words");
    let document = handoff("Write it", &["a.txt"]);
    let mut document: Value = serde_json::from_str(&document).unwrap();
    document["requests"] = requests;
    rig.deliver("handoff.json", document.to_string());
    rig.apply_policy();
    rig
}

fn rig() -> Rig {
    rig_asking(json!([{ "id": "mail" }, { "id": "delete" }]))
}

fn one(request: &str, outcome: Outcome) -> RequestAnswer {
    RequestAnswer {
        request: Some(request.to_owned()),
        outcome,
        comment: None,
        edited: (outcome == Outcome::Edited).then(|| json!({ "to": "ben" })),
        value: None,
        stated: Map::new(),
    }
}

fn unnamed(outcome: Outcome) -> RequestAnswer {
    RequestAnswer {
        request: None,
        ..one("", outcome)
    }
}

fn said(rig: &Rig, outcome: Outcome, answers: Vec<RequestAnswer>) -> Result<Answered, DeskError> {
    let answer = Answer {
        answers,
        ..rig.answer(ONE, outcome)
    };
    rig.wait(rig.desk().decide(&maya(), ONE, answer))
}

fn say(rig: &Rig, outcome: Outcome, answers: Vec<RequestAnswer>) -> Result<(), DeskError> {
    said(rig, outcome, answers).map(drop)
}

fn refused(told: Result<(), DeskError>, field: &str) -> String {
    match told {
        Err(DeskError::Invalid { field: of, message }) if of == field => message,
        told => panic!("{told:?}"),
    }
}

#[test]
fn each_request_has_its_answer() {
    let rig = rig();
    // In another order than that of the requests.
    let answers = vec![
        one("delete", Outcome::Rejected),
        one("mail", Outcome::Edited),
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
fn refuses_answers_that_do_not_fit() {
    let rig = rig();
    let yes = |name| one(name, Outcome::Approved);
    let all = Outcome::Approved;
    for (outcome, answers) in [
        (all, vec![yes("mail"), one("delete", Outcome::Ignored)]),
        (all, vec![yes("other"), yes("mail")]),
        (all, vec![yes("mail")]),
        (all, vec![yes("mail"), yes("mail")]),
        (all, vec![yes("mail"), yes("delete"), yes("mail")]),
        (all, vec![unnamed(all)]),
        (all, vec![unnamed(all), yes("delete")]),
        (all, vec![unnamed(all), unnamed(all), unnamed(all)]),
        (Outcome::Responded, vec![yes("mail"), yes("delete")]),
        (
            Outcome::Rejected,
            vec![yes("mail"), one("delete", Outcome::Abstained)],
        ),
        (
            Outcome::Rejected,
            vec![yes("mail"), one("delete", Outcome::Expired)],
        ),
    ] {
        let told = say(&rig, outcome, answers.clone());
        refused(told, "answers");
    }
    assert_eq!(rig.count("handoff.decided"), 0);
}

/// A rule about requests, tried at every door that answers.
mod at_every_door {
    use countersign_protocol::dialect::answers::{Tongue, together};
    use countersign_web::desk::{
        LinkError, MessagesDesk as _, OutsidersDesk as _, outsiders::NewOutsider,
    };

    use super::*;

    /// A rule, as what is asked, and an answer that breaks it: to the whole, or to each request.
    fn broken() -> Vec<(&'static str, Value, Outcome, Vec<RequestAnswer>)> {
        let action = json!({ "name": "send", "arguments": { "to": "ana" } });
        let date = json!({ "type": "string", "format": "date" });
        let edit = |arguments: Value| RequestAnswer {
            edited: Some(json!({ "name": "send", "arguments": arguments })),
            ..unnamed(Outcome::Edited)
        };
        let words = |text: &str| RequestAnswer {
            comment: Some(text.to_owned()),
            ..unnamed(Outcome::Responded)
        };
        let approved = Outcome::Approved;
        vec![
            (
                "too few",
                json!([{ "id": "a" }, { "id": "b" }]),
                approved,
                vec![unnamed(approved)],
            ),
            (
                "whole approved, one forbids it",
                json!([{ "id": "a" }, { "id": "b", "allowed": ["reject"] }]),
                approved,
                Vec::new(),
            ),
            (
                "not allowed",
                json!([{ "id": "a", "action": action, "allowed": ["approve", "reject"] }]),
                approved,
                vec![edit(json!({ "to": "ben" }))],
            ),
            (
                "other shape",
                json!([{ "id": "a", "action": action }]),
                approved,
                vec![edit(json!(["ben"]))],
            ),
            (
                "no date",
                json!([{ "id": "a", "kind": "input", "response_schema": date }]),
                Outcome::Responded,
                vec![words("soon")],
            ),
        ]
    }

    fn answer(rig: &Rig, outcome: Outcome, answers: Vec<RequestAnswer>) -> Answer {
        let said = answers.iter().find_map(|one| one.comment.clone());
        let usual = rig.answer(ONE, outcome);
        Answer {
            comment: said.or(usual.comment.clone()),
            answers,
            ..usual
        }
    }

    fn is_invalid(told: Result<Answered, DeskError>) -> bool {
        matches!(told, Err(DeskError::Invalid { .. }))
    }

    #[test]
    fn api_and_command_line_refuse() {
        for (rule, requests, outcome, answers) in broken() {
            let rig = rig_asking(requests);
            let answer = answer(&rig, outcome, answers);
            let told = rig.wait(rig.desk().decide(&maya(), ONE, answer));
            assert!(is_invalid(told), "{rule}");
        }
    }

    #[test]
    fn pages_and_batches_refuse() {
        for (rule, requests, outcome, answers) in broken() {
            let rig = rig_asking(requests);
            let answer = answer(&rig, outcome, answers);
            let told = rig.wait(rig.desk().answer(&maya(), ONE, answer));
            assert!(is_invalid(told), "{rule}");
        }
    }

    #[test]
    fn words_of_other_tools_are_refused() {
        for (rule, requests, _, answers) in broken() {
            if answers.is_empty() {
                continue;
            }
            for tongue in [Tongue::LangChain, Tongue::AgentInbox] {
                let told = countersign_protocol::dialect::answers::Told {
                    outcome: together(&answers),
                    comment: None,
                    by: "Maya",
                    at: jiff::Timestamp::UNIX_EPOCH,
                    answers: &answers,
                    requests: &[],
                };
                let read = tongue.read(&tongue.write(&told)).unwrap();
                let rig = rig_asking(requests.clone());
                let answer = answer(&rig, together(&read), read);
                let told = rig.wait(rig.desk().decide(&maya(), ONE, answer));
                assert!(is_invalid(told), "{rule} {tongue}");
            }
        }
    }

    /// A batch, a mail link and a guest answer the whole.
    fn forbidden() -> Rig {
        rig_asking(json!([{ "id": "a" }, { "id": "b", "allowed": ["reject"] }]))
    }

    #[test]
    fn links_in_mails_are_refused() {
        let rig = forbidden();
        let secret = super::super::super::disabled::link(&rig, &maya().id);
        let told = rig.wait(rig.desk().answer_by_link(ONE, &secret, Some(&maya()), None));
        assert!(matches!(told, Err(LinkError::SignIn(_))), "{told:?}");
        assert_eq!(rig.count("handoff.decided"), 0);
    }

    #[test]
    fn guests_are_refused() {
        let rig = forbidden();
        let new = NewOutsider {
            name: "Jo".to_owned(),
            decides: true,
            days: None,
        };
        rig.wait(rig.desk().invite_outsider(&maya(), ONE, new))
            .unwrap();
        let rows = rig.wait(rig.desk().outsiders(&maya(), ONE)).unwrap();
        let id = format!("outside:{}", rows[0].id);
        let guest = rig
            .desk()
            .person(&id, "Jo", countersign_protocol::principal::Method::Web);
        let answer = rig.answer(ONE, Outcome::Approved);
        assert!(is_invalid(rig.wait(rig.desk().answer(&guest, ONE, answer))));
    }

    #[test]
    fn edited_files_approve_nothing_forbidden() {
        let rig = rig_asking(json!([{ "id": "a", "allowed": ["approve", "reject"] }]));
        let answer = Answer {
            edits: vec![countersign_web::desk::edits::FileEdit {
                path: "a.txt".to_owned(),
                text: "other words".to_owned(),
            }],
            ..rig.answer(ONE, Outcome::Edited)
        };
        assert!(is_invalid(rig.wait(rig.desk().decide(
            &maya(),
            ONE,
            answer
        ))));
    }
}

#[test]
fn whole_respects_every_request() {
    let requests =
        json!([{ "id": "a", "allowed": ["approve"] }, { "id": "b", "allowed": ["reject"] }]);
    let rig = rig_asking(requests);
    let message = refused(say(&rig, Outcome::Approved, Vec::new()), "outcome");
    assert!(
        message.contains("`b` of H-1 takes no `approve`, only reject"),
        "{message}"
    );
    refused(say(&rig, Outcome::Responded, Vec::new()), "outcome");
    refused(say(&rig, Outcome::Ignored, Vec::new()), "outcome");
    // To stop it is always possible.
    say(&rig, Outcome::Rejected, Vec::new()).unwrap();
}

#[test]
fn typed_value_reaches_the_agent() {
    let schema = json!({
        "type": "object",
        "properties": { "date": { "type": "string", "format": "date" } },
        "required": ["date"],
    });
    let rig = rig_asking(json!([{ "id": "when", "kind": "input", "response_schema": schema }]));
    refused(say(&rig, Outcome::Approved, Vec::new()), "outcome");
    let value = |value: Value| RequestAnswer {
        value: Some(value),
        ..one("when", Outcome::Responded)
    };
    let message = refused(
        say(
            &rig,
            Outcome::Responded,
            vec![value(json!({ "date": "soon" }))],
        ),
        "answers",
    );
    assert!(message.contains("`/date`"), "{message}");
    // A value needs no words.
    let good = json!({ "date": "2026-12-01" });
    let answer = Answer {
        comment: None,
        answers: vec![value(good.clone())],
        ..rig.answer(ONE, Outcome::Responded)
    };
    rig.wait(rig.desk().decide(&maya(), ONE, answer)).unwrap();
    rig.round();
    assert_eq!(
        rig.json("decision.json")["answers"],
        json!([{ "request": "when", "outcome": "responded", "value": good }])
    );
}

#[test]
fn words_are_read_as_the_value() {
    let asked = |schema: Value| {
        rig_asking(json!([{ "id": "q", "kind": "question", "response_schema": schema }]))
    };
    for (schema, words, value) in [
        (json!({ "type": "integer" }), "12", json!(12)),
        (json!({ "type": "string" }), "12", json!("12")),
        (
            json!({ "type": "string", "format": "date" }),
            "2026-12-01",
            json!("2026-12-01"),
        ),
        (json!({ "type": "object" }), "{\"a\": 1}", json!({ "a": 1 })),
    ] {
        let rig = asked(schema);
        let answer = Answer {
            comment: Some(words.to_owned()),
            ..rig.answer(ONE, Outcome::Responded)
        };
        rig.wait(rig.desk().decide(&maya(), ONE, answer)).unwrap();
        rig.round();
        assert_eq!(rig.json("decision.json")["answers"][0]["value"], value);
    }
    let rig = asked(json!({ "type": "integer" }));
    refused(say(&rig, Outcome::Responded, Vec::new()), "answers");
}

#[test]
fn later_different_answer_is_refused() {
    let rig = rig();
    let yes = |name| one(name, Outcome::Approved);
    say(&rig, Outcome::Approved, vec![yes("mail"), yes("delete")]).unwrap();
    // A second click is the same.
    say(&rig, Outcome::Approved, vec![yes("delete"), yes("mail")]).unwrap();
    let other = vec![one("mail", Outcome::Edited), yes("delete")];
    for answers in [other, Vec::new()] {
        let told = say(&rig, Outcome::Approved, answers);
        assert!(matches!(told, Err(DeskError::Conflict { .. })), "{told:?}");
    }
    let once = Answer {
        terms: Terms {
            single_use: true,
            valid_until: None,
        },
        answers: vec![yes("mail"), yes("delete")],
        ..rig.answer(ONE, Outcome::Approved)
    };
    let told = rig.wait(rig.desk().decide(&maya(), ONE, once));
    assert!(matches!(told, Err(DeskError::Conflict { .. })), "{told:?}");
    assert_eq!(rig.count("handoff.decided"), 1);
}

#[test]
fn shows_everything_stated_with_an_action() {
    let request = json!({
        "id": "q1", "kind": "approve_action", "prompt": "Send it?", "why": "asked by Ben",
        "action": { "name": "send", "arguments": { "to": "ana" }, "call_id": "c1", "x-args": [1] },
    });
    let rig = rig_asking(json!([request]));
    let caller = countersign_web::desk::Caller::Person(maya());
    let review = rig
        .wait(rig.desk().review(&caller, ONE, None, None))
        .unwrap();
    let shown = &review.requests[0];
    assert_eq!(
        Value::Object(shown.other.clone()),
        json!({ "why": "asked by Ben" })
    );
    let action = shown.action.as_ref().unwrap();
    let other = json!({ "call_id": "c1", "x-args": [1] });
    assert_eq!(Value::Object(action.other.clone()), other);
}

#[test]
fn refuses_action_fields_nobody_sees() {
    for name in [
        "args",
        "params",
        "parameters",
        "input",
        "tool_input",
        "kwargs",
    ] {
        let mut action = json!({ "name": "send" });
        action[name] = json!({ "to": "everybody" });
        let rig = rig_asking(json!([{ "id": "q1", "kind": "approve_action", "action": action }]));
        assert_eq!(rig.count("handoff.accepted"), 0, "{name}");
        let errors = rig.json("handoff.errors.json").to_string();
        assert!(
            errors.contains(&format!("/requests/0/action/{name}")),
            "{errors}"
        );
    }
}

#[test]
fn refuses_schemas_that_cannot_be_kept() {
    let rig = rig_asking(json!([{ "id": "q1", "response_schema": { "type": "strang" } }]));
    assert_eq!(rig.count("handoff.accepted"), 0);
    let errors = rig.json("handoff.errors.json").to_string();
    assert!(errors.contains("/requests/0/response_schema"), "{errors}");
}
