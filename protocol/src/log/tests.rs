//! What a line says, and what it never repeats.

use super::*;
use crate::{
    principal::Principal,
    transfer::{AnswerKind, Answered, Reason},
};

fn line(event: Event) -> LogLine {
    let body = Body {
        seq: 7,
        at: Timestamp::UNIX_EPOCH,
        actor: Actor::Agent {
            name: "b".to_owned(),
            principal: Principal::FileOwner { uid: 1000 },
        },
        event,
    };
    LogLine::of(&body, Digest::ZERO)
}

#[test]
fn a_line_says_who_did_what_and_repeats_nobodys_words() {
    let answered = Answered {
        handoff: HandoffId(3),
        hop: 2,
        agent: "b".to_owned(),
        answer: AnswerKind::Decline,
        reason: Some(Reason::OutOfScope),
        note: Some("secret words".to_owned()),
        percent: Some(40),
        confidence: None,
        until: None,
        original: None,
        has_result: false,
        held: false,
        warnings: Vec::new(),
        manifest: crate::manifest::Manifest::new(Digest::ZERO, Vec::new()),
        at: Location {
            workspace: "w".to_owned(),
            folder: "agents/b".to_owned(),
            file: "H-3.2.answer.json".to_owned(),
        },
    };
    let line = line(Event::of_answer(answered));
    let text = serde_json::to_string(&line).unwrap();
    assert_eq!(
        text,
        format!(
            "{{\"seq\":7,\"at\":\"1970-01-01T00:00:00Z\",\"event\":\"transfer.declined\",\"handoff_id\":\"H-3\",\
             \"hop\":2,\"by\":\"agent\",\"name\":\"b\",\"agent\":\"b\",\"code\":\"out_of_scope\",\"percent\":40,\
             \"hash\":\"{}\"}}",
            Digest::ZERO
        )
    );
    assert_eq!(serde_json::from_str::<LogLine>(&text).unwrap(), line);
}

#[test]
fn a_comment_stays_with_those_who_may_read_it() {
    let line = line(Event::Commented {
        handoff: HandoffId(3),
        revision: 1,
        text: "secret words".to_owned(),
        place: None,
        thread: None,
    });
    assert!(!serde_json::to_string(&line).unwrap().contains("secret"));
    assert_eq!(
        (line.event.as_str(), line.revision),
        ("handoff.commented", Some(1))
    );
}
