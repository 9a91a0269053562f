//! There and back, by way of `decision.json`.

use serde_json::json;

use super::*;

/// What each tool says, in every form that it has.
fn said(tongue: Tongue) -> Vec<Value> {
    match tongue {
        Tongue::AgentInbox => vec![
            json!([{ "type": "accept", "args": null }]),
            json!([{ "type": "accept" }]),
            json!([{ "type": "accept", "args": { "action": "send", "args": { "to": "ana" } } }]),
            json!([{ "type": "ignore", "args": null }]),
            json!([{ "type": "response", "args": "Ask legal first" }]),
            json!([{ "type": "edit", "args": { "action": "send", "args": { "to": "ben" } } }]),
            json!([{ "type": "accept", "args": null }, { "type": "ignore", "args": null, "x": 1 }]),
        ],
        Tongue::LangChain => vec![
            json!({ "decisions": [{ "type": "approve" }] }),
            json!({ "decisions": [{ "type": "reject" }, { "type": "reject", "message": "No" }] }),
            json!({ "decisions": [{ "type": "respond", "message": "Blue" }] }),
            json!({ "decisions": [
                { "type": "edit", "edited_action": { "name": "send", "args": { "to": "ben" } } },
                { "type": "approve" },
                { "type": "approve", "note": "later versions say more" },
            ] }),
        ],
        Tongue::GotoHuman => {
            let review = |result: Value| {
                json!({
                    "event": "review.completed", "accountId": "a1", "reviewId": "r1", "agentId": "g1",
                    "formId": "f1", "formName": "Mail", "meta": { "thread": "t1" },
                    "reviewResult": result, "gthLink": "https://example.org/r1",
                })
            };
            vec![
                review(json!({
                    "response": "approved", "respondingUser": "ana@example.org",
                    "respondedAt": "2026-01-02T03:04:05.000Z", "data": { "mail": "Dear Ben", "stars": 7.5 },
                })),
                review(json!({ "response": "rejected", "respondingUser": "ana@example.org" })),
                review(json!({ "response": "Try again", "data": null })),
            ]
        }
        Tongue::Hrp => {
            let event = |subject: &str, payload: Value| {
                json!({
                    "spec_version": "1.0", "id": "evt_01", "subject": subject, "category": "governance",
                    "correlation": { "trace_id": "trace_01", "parent_id": null }, "payload": payload,
                })
            };
            let review = |words: &str| {
                json!({
                    "event_id": "evt_00", "trace_id": "trace_01", "intent": words,
                    "reviewer": { "user_id": "u1", "method": "email" },
                    "approved_at": "2026-01-02T03:04:05Z",
                })
            };
            let approved = event("governance.review.approved", review("Supplier known"));
            let rejected = event("governance.review.rejected", review("Wrong account"));
            vec![
                json!([approved, rejected]),
                approved,
                rejected,
                event(
                    "governance.review.timed_out",
                    json!({ "event_id": "evt_00", "window": 7 }),
                ),
            ]
        }
    }
}

fn told(answers: &[RequestAnswer]) -> Told<'_> {
    Told {
        outcome: together(answers),
        comment: None,
        by: "Ana",
        at: Timestamp::UNIX_EPOCH,
        answers,
        requests: &[],
    }
}

#[test]
fn answers_of_other_tools_come_back_as_they_were() {
    for tongue in Tongue::ALL {
        for foreign in said(tongue) {
            let read = tongue.read(&foreign).unwrap();
            // As they stand in the file that the agent gets.
            let file = serde_json::to_string(&read).unwrap();
            let again: Vec<RequestAnswer> = serde_json::from_str(&file).unwrap();
            assert_eq!(again, read, "{file}");
            assert_eq!(tongue.write(&told(&again)), foreign, "{tongue}: {file}");
        }
    }
}

#[test]
fn an_action_that_was_changed_here_has_the_members_of_the_tool() {
    let answer = RequestAnswer {
        request: Some("mail".to_owned()),
        outcome: Outcome::Edited,
        comment: None,
        edited: Some(json!({ "name": "send", "arguments": { "to": "ben" } })),
        value: None,
        stated: Map::new(),
    };
    let answers = [answer];
    let inbox = Tongue::AgentInbox.write(&told(&answers));
    let wanted = json!({ "action": "send", "args": { "to": "ben" } });
    assert_eq!(inbox, json!([{ "type": "edit", "args": wanted }]));
    let chain = Tongue::LangChain.write(&told(&answers));
    let wanted = json!({ "name": "send", "args": { "to": "ben" } });
    assert_eq!(
        chain,
        json!({ "decisions": [{ "type": "edit", "edited_action": wanted }] })
    );
    // What cannot be said there must not let the agent do what it asked for.
    let event = Tongue::Hrp.write(&told(&answers));
    assert_eq!(event["subject"], "governance.review.rejected");
}

#[test]
fn what_is_no_answer_is_refused_with_its_place() {
    for (tongue, foreign, pointer) in [
        (Tongue::AgentInbox, json!({}), ""),
        (Tongue::AgentInbox, json!([]), ""),
        (Tongue::AgentInbox, json!([{ "type": "yes" }]), "/0/type"),
        (
            Tongue::AgentInbox,
            json!([{ "type": "edit", "args": "x" }]),
            "/0/args",
        ),
        (
            Tongue::AgentInbox,
            json!([{ "type": "response", "args": null }]),
            "/0/args",
        ),
        (Tongue::LangChain, json!({ "decisions": {} }), "/decisions"),
        (
            Tongue::LangChain,
            json!({ "decisions": [{ "type": "approve" }], "x": 1 }),
            "",
        ),
        (
            Tongue::LangChain,
            json!({ "decisions": [1] }),
            "/decisions/0",
        ),
        (
            Tongue::LangChain,
            json!({ "decisions": [{ "type": "edit" }] }),
            "/decisions/0/edited_action",
        ),
        (
            Tongue::LangChain,
            json!({ "decisions": [{ "type": "respond" }] }),
            "/decisions/0/message",
        ),
        (
            Tongue::GotoHuman,
            json!({ "response": "approved" }),
            "/reviewResult",
        ),
        (
            Tongue::GotoHuman,
            json!({ "reviewResult": {} }),
            "/reviewResult/response",
        ),
        (Tongue::Hrp, json!([{}]), ""),
        (
            Tongue::Hrp,
            json!({ "subject": "governance.review.requested" }),
            "/subject",
        ),
        (
            Tongue::Hrp,
            json!({ "subject": "governance.review.approved" }),
            "/payload",
        ),
        (
            Tongue::Hrp,
            json!({ "subject": "governance.review.approved", "payload": { "intent": "so" } }),
            "/payload/reviewer/user_id",
        ),
        (
            Tongue::Hrp,
            json!({
                "subject": "governance.review.rejected",
                "payload": { "intent": " ", "reviewer": { "user_id": "u1" }, "event_id": "e" },
            }),
            "/payload/intent",
        ),
        (
            Tongue::Hrp,
            json!({ "subject": "governance.review.timed_out", "payload": {} }),
            "/payload/event_id",
        ),
    ] {
        let error = tongue.read(&foreign).unwrap_err();
        assert_eq!(error.pointer, pointer, "{tongue}: {foreign}");
    }
}

/// Whether a tool reads it as leave to do what the agent asked for.
fn lets(tongue: Tongue, written: &Value) -> bool {
    let answers = tongue.read(written).unwrap();
    answers.iter().any(|one| one.outcome.is_approval())
}

#[test]
fn nothing_but_an_approval_is_one_in_any_tongue() {
    let requests = ["r1".to_owned(), "r2".to_owned()];
    for (name, outcome) in [
        ("approve", Outcome::Approved),
        ("edit", Outcome::Edited),
        ("changes", Outcome::ChangesRequested),
        ("reject", Outcome::Rejected),
        ("respond", Outcome::Responded),
        ("ignore", Outcome::Ignored),
        ("expired", Outcome::Expired),
        ("cancelled", Outcome::Cancelled),
    ] {
        // What a person changed in the files is told by `decision.json`; here the files are approved.
        let outcome = if outcome == Outcome::Edited {
            Outcome::Approved
        } else {
            outcome
        };
        for tongue in Tongue::ALL {
            let written = tongue.write(&Told {
                outcome,
                comment: Some("approved"),
                requests: &requests,
                ..told(&[])
            });
            assert_eq!(
                lets(tongue, &written),
                outcome.is_approval(),
                "{name} {tongue}: {written}"
            );
        }
    }
}

#[test]
fn several_answers_together_let_the_agent_do_least() {
    use Outcome::{Approved, Edited, Ignored, Rejected, Responded};
    for (each, all) in [
        (&[Approved, Approved][..], Approved),
        (&[Edited], Approved),
        (&[Approved, Edited], Approved),
        (&[Approved, Rejected], Rejected),
        (&[Approved, Ignored], Responded),
        (&[Ignored, Ignored], Ignored),
        (&[Responded], Responded),
    ] {
        let answers: Vec<_> = each
            .iter()
            .map(|outcome| RequestAnswer {
                outcome: *outcome,
                ..expanded(&told(&[])).remove(0)
            })
            .collect();
        assert_eq!(together(&answers), all, "{each:?}");
    }
}
