//! From the fields of the form to an answer for each request.

use serde_json::json;

use super::*;
use crate::desk::ActionRow;

fn requests() -> Vec<RequestRow> {
    let mail = RequestRow {
        id: "mail".to_owned(),
        kind: Some("approve_action".to_owned()),
        action: Some(ActionRow {
            name: "send".to_owned(),
            arguments: json!({ "to": "ana" }),
            ..ActionRow::default()
        }),
        ..RequestRow::default()
    };
    let name = RequestRow {
        id: "name".to_owned(),
        kind: Some("question".to_owned()),
        allowed: vec!["respond".to_owned(), "ignore".to_owned()],
        ..RequestRow::default()
    };
    vec![mail, name]
}

fn chosen(fields: &[(&str, &str)]) -> Chosen {
    let mut chosen = Chosen::default();
    for (name, value) in fields {
        chosen.take(name, (*value).to_owned()).unwrap();
    }
    chosen
}

#[test]
fn every_request_gets_its_answer() {
    let chosen = chosen(&[
        ("each.0.answer", "edit"),
        ("each.0.words", " Ben is new "),
        ("each.0.arguments", r#"{"to": "ben"}"#),
        ("each.1.answer", "respond"),
        ("each.1.words", "Blue"),
    ]);
    let answers = chosen.answers(&requests()).unwrap();
    let [mail, name] = &answers[..] else {
        panic!("{answers:?}");
    };
    assert_eq!(mail.outcome, Outcome::Edited);
    assert_eq!(mail.comment.as_deref(), Some("Ben is new"));
    let edited = json!({ "name": "send", "arguments": { "to": "ben" } });
    assert_eq!(mail.edited, Some(edited));
    assert_eq!(name.request.as_deref(), Some("name"));
    assert_eq!(name.outcome, Outcome::Responded);
}

#[test]
fn what_is_missing_or_not_offered_is_named() {
    let second = [("each.1.answer", "ignore")];
    for (fields, part) in [
        (vec![("each.0.answer", "approve")], "Answer `name` too"),
        (
            vec![("each.0.answer", "respond"), second[0]],
            "`mail` has no such",
        ),
        (vec![("each.0.answer", "edit"), second[0]], "are no JSON"),
        (
            vec![
                ("each.0.answer", "edit"),
                ("each.0.arguments", r#"{ "to":"ana" }"#),
                second[0],
            ],
            "as they were",
        ),
        (
            vec![("each.0.answer", "approve"), ("each.1.answer", "respond")],
            "Write the answer to `name`",
        ),
    ] {
        let error = chosen(&fields).answers(&requests()).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
    for name in ["each.64.answer", "each.x.answer", "each.0.other", "each.0"] {
        assert_eq!(Chosen::default().take(name, String::new()), None, "{name}");
    }
}

#[test]
fn one_sentence_needs_no_list() {
    let now = Now::utc(jiff::Timestamp::UNIX_EPOCH);
    let shown = |requests: &[RequestRow]| {
        EachView::new(requests, &Chosen::default(), true, None, now).is_some()
    };
    assert!(shown(&requests()));
    assert!(shown(&requests()[..1]), "an action is more than a sentence");
    assert!(!shown(&requests()[1..]));
    assert!(!shown(&[]));
}

#[test]
fn values_come_from_the_form() {
    let mut request = requests().remove(1);
    request.response_schema = Some(json!({ "type": "integer" }));
    let fields = [("each.0.answer", "respond"), ("each.0.field.0", "7")];
    let answers = chosen(&fields)
        .answers(std::slice::from_ref(&request))
        .unwrap();
    assert_eq!(answers[0].value, Some(json!(7)));
    let nothing = [("each.0.answer", "ignore"), ("each.0.field.0", "7")];
    let answers = chosen(&nothing).answers(&[request]).unwrap();
    assert_eq!(answers[0].value, None);
}

#[test]
fn arguments_in_a_text_stay_one() {
    let mut request = requests().remove(0);
    let action = request.action.as_mut().unwrap();
    action.arguments = json!(r#"{"to": "ana"}"#);
    let fields = [
        ("each.0.answer", "edit"),
        ("each.0.arguments", r#"{"to": "ben"}"#),
    ];
    let answers = chosen(&fields)
        .answers(std::slice::from_ref(&request))
        .unwrap();
    let edited = json!({ "name": "send", "arguments": r#"{"to":"ben"}"# });
    assert_eq!(answers[0].edited, Some(edited));
    let same = [
        ("each.0.answer", "edit"),
        ("each.0.arguments", r#"{"to":"ana"}"#),
    ];
    assert!(chosen(&same).answers(&[request]).is_err());
}
