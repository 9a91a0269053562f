//! An answer that asks who gives it, against everything that is not this person giving this answer.

use std::time::Duration;

use countersign_protocol::{
    HandoffId,
    decision::Outcome,
    event::Event,
    principal::{Method, Verified},
};
use countersign_web::desk::{
    AccessDesk as _, Answer, Answered, Desk as _, DeskError, Person, StepUpDesk as _,
    access::{SignInError, Visitor},
    step_up::Proof,
};

use crate::{
    passkey::tests::{Authenticator, ORIGIN},
    testing::{PASSWORD, Rig, handoff, maya},
    workspace::{Care, Settings},
};

const ONE: HandoffId = HandoffId(1);

fn rig() -> Rig {
    let rig = Rig::with(Settings {
        care: Care {
            step_up: Some("low"),
            ..Care::default()
        },
        ..Settings::default()
    });
    for (file, text) in [("a.txt", "words"), ("b.txt", "others")] {
        rig.write(file, text);
        let name = format!("{file}.handoff.json");
        rig.deliver(&name, handoff(&format!("Write {file}"), &[file]));
    }
    rig
}

/// Somebody with a password, as their session says.
fn somebody(rig: &Rig, id: &str) -> Person {
    let secret = rig.signed_in(id);
    rig.wait(rig.desk().session(&secret)).unwrap()
}

fn password() -> Proof {
    Proof::Password(PASSWORD.to_owned())
}

fn session(secret: &str) -> Proof {
    Proof::Session(secret.to_owned())
}

fn passkey(said: String) -> Proof {
    let origin = ORIGIN.to_owned();
    Proof::Passkey { said, origin }
}

fn keep(rig: &Rig, who: &Person, id: &str) -> Authenticator {
    let key = Authenticator::new(id);
    let asked = rig.wait(rig.desk().passkey_to_make(who, ORIGIN));
    let said = key.make(&asked.unwrap().unwrap());
    let kept = rig
        .desk()
        .add_passkey(who, "phone", (&said, ORIGIN), password());
    rig.wait(kept).unwrap();
    key
}

fn asked(rig: &Rig, who: &Person, id: HandoffId, answer: &Answer) -> String {
    let ways = rig.desk().ways_to_confirm(who, id, answer, ORIGIN);
    rig.wait(ways).unwrap().passkey.unwrap()
}

fn give(rig: &Rig, who: &Person, answer: &Answer, proof: Proof) -> Result<Answered, SignInError> {
    let given = rig.desk().decide_confirmed(who, ONE, answer.clone(), proof);
    rig.wait(given)
}

#[track_caller]
fn refused(rig: &Rig, given: Result<Answered, SignInError>, why: &str) {
    match given {
        Err(SignInError::Desk(DeskError::Invalid { field, message })) => {
            assert_eq!((field.as_str(), message.as_str()), ("passkey", why));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(rig.count("handoff.decided"), 0);
}

fn verified(rig: &Rig) -> Option<Verified> {
    let mut events = rig.events().into_iter().rev();
    events.find_map(|event| match event {
        Event::Decided(decided) => Some(decided.verified.clone()),
        _ => None,
    })?
}

#[test]
fn an_answer_that_can_be_taken_back_keeps_who_it_was_shown_to_be() {
    let window = Duration::from_secs(10);
    let mut rig = Rig::with(Settings {
        undo: Some(window),
        care: Care {
            step_up: Some("low"),
            ..Care::default()
        },
        ..Settings::default()
    });
    rig.write("a.txt", "words");
    rig.deliver("handoff.json", handoff("Write it", &["a.txt"]));
    rig.apply_policy();
    let kim = somebody(&rig, "kim");
    let answer = rig.answer(ONE, Outcome::Approved);
    let unproved = give(&rig, &kim, &answer, session("none"));
    assert!(matches!(
        unproved,
        Err(SignInError::Desk(DeskError::StepUp(_)))
    ));
    let held = give(&rig, &kim, &answer, password()).unwrap();
    assert!(matches!(held, Answered::Held(_)), "{held:?}");
    assert_eq!(verified(&rig), None, "nothing is decided yet");
    // Whoever gives it then has no session, and none is asked for.
    rig.restart();
    rig.clock.advance(window);
    rig.wait(rig.desk().give_held_answers()).unwrap();
    rig.round();
    assert_eq!(verified(&rig), Some(Verified::Password));
    assert_eq!(rig.count("answer.lapsed"), 0);
}

const OTHER_QUESTION: &str = "The passkey answered another question";

#[test]
fn a_passkey_signs_one_answer_once_and_the_record_says_so() {
    let rig = rig();
    let kim = somebody(&rig, "kim");
    let mut key = keep(&rig, &kim, "one");
    let answer = rig.answer(ONE, Outcome::Approved);
    let said = key.sign(&asked(&rig, &kim, ONE, &answer));
    // Signed for one answer, it is none for others: other words, another outcome, another card.
    let other = Answer {
        comment: Some("and pay twice".to_owned()),
        ..answer.clone()
    };
    let given = give(&rig, &kim, &other, passkey(said.clone()));
    refused(&rig, given, OTHER_QUESTION);
    let two = HandoffId(2);
    let elsewhere = key.sign(&asked(&rig, &kim, two, &rig.answer(two, Outcome::Approved)));
    refused(
        &rig,
        give(&rig, &kim, &answer, passkey(elsewhere)),
        OTHER_QUESTION,
    );
    let said = key.sign(&asked(&rig, &kim, ONE, &answer));
    let given = give(&rig, &kim, &answer, passkey(said.clone())).unwrap();
    let row = rig.wait(rig.desk().passkeys(&kim)).unwrap().remove(0);
    let by = Verified::Passkey { passkey: row.id };
    assert_eq!(verified(&rig), Some(by.clone()));
    let Answered::Decided(document) = given else {
        panic!("it takes one person");
    };
    assert_eq!(document.decided_by.verified, Some(by));
    assert!(row.used_at.is_some());
    // The same once more, on a card that waits again, is an old answer.
    rig.write("a.txt", "more words");
    rig.deliver("again.handoff.json", handoff("Write a.txt", &["a.txt"]));
    let again = give(&rig, &kim, &answer, passkey(said));
    assert!(
        matches!(again, Err(SignInError::Desk(DeskError::Invalid { .. }))),
        "{again:?}"
    );
}

#[test]
fn what_was_signed_is_worth_nothing_to_others_elsewhere_or_later() {
    let rig = rig();
    let (kim, zoe) = (somebody(&rig, "kim"), somebody(&rig, "zoe"));
    let mut key = keep(&rig, &kim, "one");
    let mut hers = keep(&rig, &zoe, "two");
    let answer = rig.answer(ONE, Outcome::Approved);
    let question = asked(&rig, &kim, ONE, &answer);
    let not_signed = "The signature is not of this passkey";
    let other_place = "The passkey was used on a page of another address";
    // The key of somebody else, to one's own question and to theirs.
    refused(
        &rig,
        give(&rig, &kim, &answer, passkey(hers.sign(&question))),
        not_signed,
    );
    let theirs = key.sign(&question);
    refused(&rig, give(&rig, &zoe, &answer, passkey(theirs)), not_signed);
    let question_to_zoe = asked(&rig, &zoe, ONE, &answer);
    let said = key.sign(&question_to_zoe);
    refused(
        &rig,
        give(&rig, &kim, &answer, passkey(said)),
        OTHER_QUESTION,
    );
    // A question that nobody asked.
    let said = key.sign(r#"{"challenge":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#);
    refused(
        &rig,
        give(&rig, &kim, &answer, passkey(said)),
        OTHER_QUESTION,
    );
    // Another page, and a copy of the key.
    key.origin = "http://localhost:1".to_owned();
    let said = key.sign(&question);
    refused(&rig, give(&rig, &kim, &answer, passkey(said)), other_place);
    key.origin = ORIGIN.to_owned();
    // Five minutes later.
    let said = key.sign(&question);
    rig.clock.advance(Duration::from_mins(6));
    refused(
        &rig,
        give(&rig, &kim, &answer, passkey(said)),
        OTHER_QUESTION,
    );
    // A copy, which counts on its own.
    let question = asked(&rig, &kim, ONE, &answer);
    let first = key.sign(&question);
    let wrong = rig.answer(HandoffId(2), Outcome::Approved);
    let two = key.sign(&asked(&rig, &kim, HandoffId(2), &wrong));
    let second = rig
        .desk()
        .decide_confirmed(&kim, HandoffId(2), wrong, passkey(two));
    rig.wait(second).unwrap();
    let copied = give(&rig, &kim, &answer, passkey(first));
    let Err(SignInError::Desk(DeskError::Invalid { message, .. })) = copied else {
        panic!("{copied:?}");
    };
    assert!(message.starts_with("There is a copy"), "{message}");
}

#[test]
fn without_it_nothing_is_approved_by_page_token_or_command() {
    let rig = rig();
    let kim = somebody(&rig, "kim");
    let answer = rig.answer(ONE, Outcome::Approved);
    for method in [Method::Web, Method::Api, Method::Cli] {
        let who = Person {
            method,
            ..kim.clone()
        };
        let plain = rig.wait(rig.desk().decide(&who, ONE, answer.clone()));
        assert!(
            matches!(plain, Err(DeskError::StepUp(ONE))),
            "{method:?}: {plain:?}"
        );
    }
    let token = Person {
        method: Method::Api,
        ..kim.clone()
    };
    let given = give(&rig, &token, &answer, password());
    assert!(
        matches!(given, Err(SignInError::Desk(DeskError::NotAllowed(_)))),
        "{given:?}"
    );
    let wrong = Proof::Password("another good password".to_owned());
    assert!(matches!(
        give(&rig, &kim, &answer, wrong),
        Err(SignInError::Refused)
    ));
    assert_eq!(rig.count("handoff.decided"), 0);
    give(&rig, &kim, &answer, password()).unwrap();
    assert_eq!(verified(&rig), Some(Verified::Password));
}

#[test]
fn a_session_counts_while_it_is_fresh_for_who_has_no_password() {
    let rig = rig();
    let me = maya();
    let answer = rig.answer(ONE, Outcome::Approved);
    let enter = || {
        let link = rig.wait(rig.desk().start_link(&me)).unwrap();
        let (_, token) = link.split_once("?t=").unwrap();
        let entered = rig.desk().redeem_start_token(token, Visitor::default());
        rig.wait(entered).unwrap().secret
    };
    let old = enter();
    rig.clock.advance(Duration::from_mins(11));
    let stale = give(&rig, &me, &answer, session(&old));
    assert!(
        matches!(stale, Err(SignInError::Desk(DeskError::StepUp(_)))),
        "{stale:?}"
    );
    // That of somebody else is none, and whoever has a password types it.
    let kim = rig.signed_in("kim");
    for (who, secret) in [
        (&me, &kim),
        (&rig.wait(rig.desk().session(&kim)).unwrap(), &kim),
    ] {
        let given = give(&rig, who, &answer, session(secret));
        assert!(
            matches!(given, Err(SignInError::Desk(DeskError::StepUp(_)))),
            "{given:?}"
        );
    }
    give(&rig, &me, &answer, session(&enter())).unwrap();
    assert_eq!(verified(&rig), Some(Verified::FreshSignIn));
}

#[test]
fn passkeys_outlive_the_daemon_and_questions_do_not_and_a_reset_ends_both() {
    let mut rig = rig();
    let kim = somebody(&rig, "kim");
    let mut key = keep(&rig, &kim, "one");
    let answer = rig.answer(ONE, Outcome::Approved);
    let old = key.sign(&asked(&rig, &kim, ONE, &answer));
    rig.restart();
    refused(
        &rig,
        give(&rig, &kim, &answer, passkey(old)),
        OTHER_QUESTION,
    );
    // The same authenticator is not kept twice, and a session alone keeps none.
    let made = rig.wait(rig.desk().passkey_to_make(&kim, ORIGIN));
    let made = key.make(&made.unwrap().unwrap());
    for proof in [password(), session("none")] {
        let kept = rig
            .desk()
            .add_passkey(&kim, "again", (&made, ORIGIN), proof);
        assert!(rig.wait(kept).is_err());
    }
    let reset = rig.wait(rig.desk().reset_account(&maya(), "kim")).unwrap();
    assert_eq!(rig.wait(rig.desk().passkeys(&kim)).unwrap().len(), 1);
    let (_, token) = reset.link.split_once("?t=").unwrap();
    let accepted = rig
        .desk()
        .accept_invitation(token, PASSWORD, Visitor::default());
    rig.wait(accepted).unwrap();
    assert!(rig.wait(rig.desk().passkeys(&kim)).unwrap().is_empty());
    rig.restart();
    assert!(rig.wait(rig.desk().passkeys(&kim)).unwrap().is_empty());
    let ids = rig
        .events()
        .iter()
        .filter(|event| event.name() == "account.changed")
        .count();
    assert!(ids > 0);
    let passkey = keep(&rig, &kim, "two");
    let row = rig.wait(rig.desk().passkeys(&kim)).unwrap().remove(0);
    let me = maya();
    let removed = rig.desk().remove_passkey(&me, &row.id);
    assert!(matches!(rig.wait(removed), Err(DeskError::NotFound(_))));
    rig.wait(rig.desk().remove_passkey(&kim, &row.id)).unwrap();
    drop(passkey);
}
