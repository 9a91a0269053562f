//! Who is told in person, by which way, and when: on a clock that the test moves, to the end of the outbox.

use std::time::Duration;

use countersign_protocol::{HandoffId, decision::Outcome, event::AccountChange};
use countersign_web::desk::{
    Caller, DeskError, MessagesDesk as _, PeopleDesk as _, Person, WishesDesk as _, wishes::WishRow,
};
use serde_json::{Value, json};

use super::{
    delivery::{Post, post},
    receiver::Receiver,
};
use crate::testing::{Rig, maya};

/// Maya has a phone and sleeps at night; Sam has a phone and never sleeps.
fn rules(phones: &Receiver, more: &str) -> String {
    format!(
        r#"
[[webhook]]
name = "phones"
format = "ntfy"
topic = "everybody"
url = "http://{}/"
allow_private = true
events = []
[[person]]
id = "maya"
name = "Maya Okafor"
time_zone = "Europe/Zagreb"
quiet_hours = ["22:00-07:00"]
channels = ["phones:maya-phone"]
[[person]]
id = "sam"
name = "Sam Ito"
channels = ["phones:sam-phone"]
{more}"#,
        phones.address
    )
}

const TO_MAYA: &str = "[[route]]\nname = \"all\"\nto = [\"maya\"]\n";

/// A ledger with these rules, at a moment, and an outbox over it.
fn scene(at: &str, more: &str) -> (Rig, Receiver, Post, String) {
    let mut rig = Rig::new();
    rig.clock.jump(at.parse().unwrap());
    let phones = rig.wait(Receiver::start());
    let text = rules(&phones, more);
    rig.with_policy(&text);
    let post = post(&rig, &text);
    (rig, phones, post, text)
}

fn submit(rig: &Rig, task: &str, document: Value) -> HandoffId {
    let mut whole =
        json!({ "handoff_version": "1.0", "from_agent": "a", "task_id": task, "task": task });
    for (key, value) in document.as_object().unwrap() {
        whole[key] = value.clone();
    }
    let receipt = rig.submit("", &whole.to_string(), &[]).unwrap();
    rig.apply_policy();
    receipt.handoff_id
}

/// Topic and title of all that came to phones.
fn told(phones: &Receiver) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let got = phones.got().into_iter().map(|one| one.json());
    got.map(|one| (text(&one["topic"]), text(&one["title"])))
        .collect()
}

fn maya_got(title: &str) -> (String, String) {
    ("maya-phone".to_owned(), title.to_owned())
}

/// The states of the messages about a card, newest first.
fn fared(rig: &Rig, id: HandoffId) -> Vec<String> {
    let rows = rig.wait(rig.desk().messages(&Caller::Person(maya()), id));
    rows.unwrap().into_iter().map(|row| row.state).collect()
}

fn sleep(rig: &Rig, post: &mut Post, minutes: u64) {
    for _ in 0..minutes / 10 {
        rig.clock.advance(Duration::from_mins(10));
        rig.apply_policy();
        post.round(rig);
    }
}

#[test]
fn a_person_is_told_once_by_their_own_way() {
    let (rig, phones, mut post, _) = scene("2026-11-20T11:00:00Z", TO_MAYA);
    let id = submit(&rig, "a", json!({}));
    post.round(&rig);
    post.round(&rig);
    assert_eq!(told(&phones), [maya_got("Your turn: a")]);
    assert_eq!(fared(&rig, id), ["sent"]);
}

#[test]
fn who_is_no_longer_asked_is_told() {
    let (rig, phones, mut post, _) = scene("2026-11-20T11:00:00Z", TO_MAYA);
    let id = submit(&rig, "a", json!({}));
    post.round(&rig);
    let sam = Person {
        id: "sam".to_owned(),
        display: "Sam Ito".to_owned(),
        ..maya()
    };
    rig.wait(rig.desk().assign(&sam, id, "sam", None)).unwrap();
    post.round(&rig);
    // Who does it is told nothing of it.
    let mut all = told(&phones);
    assert_eq!(all.remove(0), maya_got("Your turn: a"));
    assert_eq!(all, [maya_got("No longer yours: a")]);
    // What comes within a minute is told together.
    rig.clock.advance(Duration::from_mins(5));
    let later = submit(&rig, "b", json!({}));
    post.round(&rig);
    rig.wait(rig.desk().assign(&operator(), later, "sam", None))
        .unwrap();
    post.round(&rig);
    let mut all = told(&phones).split_off(3);
    all.sort();
    let sam_got = (
        "sam-phone".to_owned(),
        "Now yours: b (was: Maya Okafor)".to_owned(),
    );
    assert_eq!(all, [maya_got("No longer yours: b"), sam_got]);
}

fn operator() -> Person {
    Person {
        id: "local:olga".to_owned(),
        display: "Olga".to_owned(),
        ..maya()
    }
}

#[test]
fn quiet_hours_hold_what_can_wait_over_a_restart_and_let_high_risk_through() {
    // 23:30 in Zagreb.
    let (mut rig, phones, mut post, text) = scene("2026-11-20T22:30:00Z", TO_MAYA);
    let first = submit(&rig, "a", json!({}));
    submit(&rig, "b", json!({ "confidence": 0.1 }));
    submit(&rig, "c", json!({}));
    post.round(&rig);
    assert_eq!(told(&phones), [maya_got("Your turn, high risk: b")]);
    assert_eq!(fared(&rig, first), ["later"]);
    drop(post);
    rig.restart();
    let mut post = super::delivery::post(&rig, &text);
    sleep(&rig, &mut post, 7 * 60 + 20);
    assert_eq!(told(&phones).len(), 1, "it is 06:50 there");
    sleep(&rig, &mut post, 10);
    assert_eq!(told(&phones)[1..], [maya_got("2 handoffs wait for you")]);
    assert_eq!(fared(&rig, first), ["sent"], "as part of the collection");
    sleep(&rig, &mut post, 48 * 60);
    assert_eq!(told(&phones).len(), 2, "each was told once");
}

const ROUTINE: &str = "[[route]]\nname = \"routine\"\nto = [\"maya\"]\ndigest = true\n";

#[test]
fn the_daily_collection_keeps_its_hour_when_clocks_change_and_says_only_what_is_left() {
    // The day before clocks go back in Zagreb; half past eight is then an hour later in UTC.
    let (mut rig, phones, mut post, text) = scene("2026-10-24T12:00:00Z", ROUTINE);
    for task in ["a", "b", "c"] {
        submit(&rig, task, json!({}));
    }
    let urgent = submit(&rig, "d", json!({ "trigger": "critical_action" }));
    post.round(&rig);
    assert_eq!(told(&phones), [maya_got("Your turn, high risk: d")]);
    // One is answered before anybody was told of it.
    rig.decide(HandoffId(1), Outcome::Approved).unwrap();
    rig.decide(urgent, Outcome::Approved).unwrap();
    post.round(&rig);
    drop(post);
    rig.restart();
    let mut post = super::delivery::post(&rig, &text);
    rig.clock.jump("2026-10-25T07:29:00Z".parse().unwrap());
    post.round(&rig);
    assert_eq!(told(&phones).len(), 1);
    rig.clock.advance(Duration::from_mins(1));
    post.round(&rig);
    assert_eq!(told(&phones)[1..], [maya_got("2 handoffs wait for you")]);
    let message = phones.got()[1].json()["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(message.starts_with("b; c; d; a"), "{message}");
    assert_eq!(
        fared(&rig, HandoffId(1)),
        ["sent", "dropped"],
        "the decision is told, the question no more"
    );
    rig.clock.advance(Duration::from_hours(24));
    post.round(&rig);
    assert_eq!(told(&phones).len(), 2, "nothing to say is not said");
}

#[test]
fn what_is_due_before_the_collection_is_not_swallowed_by_it() {
    let more = format!("{ROUTINE}due = \"2h\"\n");
    let (rig, phones, mut post, _) = scene("2026-11-20T11:00:00Z", &more);
    submit(&rig, "a", json!({}));
    post.round(&rig);
    assert_eq!(told(&phones), [maya_got("Your turn: a")]);
}

#[test]
fn several_within_a_minute_are_two_messages() {
    let (rig, phones, mut post, _) = scene("2026-11-20T11:00:00Z", TO_MAYA);
    for task in ["a", "b", "c", "d"] {
        submit(&rig, task, json!({}));
        post.round(&rig);
    }
    assert_eq!(told(&phones), [maya_got("Your turn: a")]);
    rig.clock.advance(Duration::from_mins(1));
    post.round(&rig);
    assert_eq!(told(&phones)[1..], [maya_got("3 handoffs wait for you")]);
}

#[test]
fn nobody_is_asked_about_work_that_passed_and_a_sample_says_that_it_is_one() {
    let more = "[[route]]\nname = \"routine\"\nto = [\"maya\"]\nprogress = true\nsample = 0.5\n";
    let (rig, phones, mut post, _) = scene("2026-11-20T11:00:00Z", more);
    for number in 0..16 {
        submit(&rig, &format!("t{number}"), json!({}));
        rig.clock.advance(Duration::from_mins(2));
        post.round(&rig);
    }
    let passed = rig.count("handoff.progressed");
    assert!((1..16).contains(&passed), "{passed}");
    let told = told(&phones);
    assert_eq!(told.len(), 16 - passed, "{told:?}");
    for (one, got) in told.iter().zip(phones.got()) {
        assert!(one.1.starts_with("Your turn, a sample: t"), "{one:?}");
        let message = got.json()["message"].as_str().unwrap().to_owned();
        assert!(
            message.starts_with("Drawn as a sample of what the rule routine lets pass"),
            "{message}"
        );
    }
}

#[test]
fn the_risk_and_the_reason_are_those_of_the_rule_that_fired() {
    let more = "[[trigger]]\nname = \"pay\"\non = \"confidence\"\nfloor = 0.95\n\
                [[route]]\nname = \"calm\"\nto = [\"maya\"]\nrisk = \"medium\"\n";
    let (rig, phones, mut post, _) = scene("2026-11-20T11:00:00Z", more);
    submit(&rig, "a", json!({ "confidence": 0.9 }));
    post.round(&rig);
    // Without the rules it would be of low risk and no reason would be given; the trigger alone says high.
    assert_eq!(told(&phones), [maya_got("Your turn: a")]);
    let body = phones.got()[0].json();
    let message = body["message"].as_str().unwrap();
    assert!(
        message.starts_with("Stated confidence 0.90 is under the 0.95 floor"),
        "{message}"
    );
    assert_eq!(body["priority"], 3);
}

#[test]
fn a_class_that_the_agent_states_keeps_words_out_of_messages() {
    let (rig, phones, mut post, _) = scene("2026-11-20T11:00:00Z", TO_MAYA);
    submit(&rig, "SECRET", json!({ "classification": "restricted" }));
    post.round(&rig);
    let body = String::from_utf8(phones.got()[0].body.clone()).unwrap();
    assert!(!body.contains("SECRET"), "{body}");
    assert_eq!(told(&phones), [maya_got("A handoff needs you")]);
}

#[test]
fn who_asked_for_changes_hears_that_they_came_and_the_others_that_it_is_their_turn() {
    let more = "[[route]]\nname = \"all\"\nto = [\"maya\", \"sam\"]\n";
    let (rig, phones, mut post, _) = scene("2026-11-20T11:00:00Z", more);
    let id = submit(&rig, "a", json!({}));
    post.round(&rig);
    let answer = rig.answer(id, Outcome::ChangesRequested);
    let sam = countersign_web::desk::Person {
        id: "sam".to_owned(),
        display: "Sam Ito".to_owned(),
        ..maya()
    };
    rig.wait(countersign_web::desk::Desk::decide(
        &**rig.desk(),
        &sam,
        id,
        answer,
    ))
    .unwrap();
    rig.clock.advance(Duration::from_mins(5));
    post.round(&rig);
    assert_eq!(told(&phones).len(), 2, "a decision of others can wait");
    submit(&rig, "a", json!({ "summary": "again" }));
    post.round(&rig);
    let mut new = told(&phones)[2..].to_vec();
    new.sort();
    assert_eq!(
        new,
        [
            maya_got("Your turn: a"),
            ("sam-phone".to_owned(), "Answered: a".to_owned())
        ]
    );
}

#[test]
fn a_way_that_fails_for_good_is_followed_by_the_next() {
    let mut rig = Rig::new();
    rig.clock.jump("2026-11-20T11:00:00Z".parse().unwrap());
    let (phones, spare) = (rig.wait(Receiver::start()), rig.wait(Receiver::start()));
    let text = rules(&phones, TO_MAYA).replace(
        "[\"phones:maya-phone\"]",
        "[\"phones:maya-phone\", \"spare\"]",
    ) + &format!(
        "[[webhook]]\nname = \"spare\"\nformat = \"slack\"\nurl = \"http://{}/\"\nallow_private = true\nevents = []\n",
        spare.address
    );
    rig.with_policy(&text);
    let mut post = post(&rig, &text);
    let id = submit(&rig, "a", json!({}));
    for wait in [
        0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
    ] {
        rig.clock.advance(Duration::from_secs(wait));
        phones.says("500 No", "");
        post.round(&rig);
    }
    post.round(&rig);
    assert_eq!((phones.got().len(), spare.got().len()), (10, 1));
    // Both are about one entry; which is listed first, their ids say.
    let mut fared = fared(&rig, id);
    fared.sort();
    assert_eq!(fared, ["failed", "sent"]);
}

#[test]
fn an_operator_hears_of_trouble_at_once_and_then_hourly() {
    let (rig, phones, mut post, _) = scene("2026-11-20T11:00:00Z", "");
    for number in 0..3 {
        rig.write(&format!("bad{number}/handoff.json"), "{");
        rig.look(&format!("bad{number}/handoff.json"));
        post.round(&rig);
    }
    assert_eq!(told(&phones), [maya_got("A delivery cannot be read")]);
    sleep(&rig, &mut post, 50);
    assert_eq!(told(&phones).len(), 1);
    sleep(&rig, &mut post, 10);
    let collected = maya_got("2 things happened, and nothing waits for you");
    assert_eq!(told(&phones)[1..], [collected]);
}

#[test]
fn what_a_person_chose_is_what_is_sent() {
    let (mut rig, phones, mut post, text) = scene("2026-11-20T11:00:00Z", TO_MAYA);
    let me = Person {
        id: "maya".to_owned(),
        ..maya()
    };
    let choose = |rig: &Rig, turn: (&[&str], bool)| {
        let wishes = rig.wait(rig.desk().wishes(&me)).unwrap().unwrap();
        let row = |row: WishRow| match row.topic.as_str() {
            "turn" => {
                let ways = turn.0.iter().map(ToString::to_string).collect();
                (row.topic, ways, turn.1)
            }
            _ => (row.topic, wishes.ways.clone(), false),
        };
        let chosen = wishes.rows.clone().into_iter().map(row).collect();
        rig.wait(rig.desk().wish(&me, chosen)).unwrap();
    };
    choose(&rig, (&[], false));
    submit(&rig, "nothing", json!({}));
    post.round(&rig);
    assert_eq!(told(&phones), []);
    choose(&rig, (&["phones"], true));
    let id = submit(&rig, "collected", json!({}));
    post.round(&rig);
    assert_eq!(
        (told(&phones), fared(&rig, id)),
        (vec![], vec!["later".to_owned()])
    );
    // It is a fact, and holds after a restart.
    rig.restart();
    let mut post = self::post(&rig, &text);
    sleep(&rig, &mut post, 24 * 60);
    assert_eq!(told(&phones), [maya_got("Your turn: collected")]);
    choose(&rig, (&["phones"], false));
    submit(&rig, "soon", json!({}));
    post.round(&rig);
    assert_eq!(told(&phones).len(), 2);
    let none = vec![("high-turn".to_owned(), Vec::new(), true)];
    let refused = rig.wait(rig.desk().wish(&me, none));
    assert!(
        matches!(refused, Err(DeskError::Invalid { .. })),
        "{refused:?}"
    );
}

#[test]
fn disabled_accounts_are_told_nothing() {
    let (rig, phones, mut post, _) = scene("2026-11-20T11:00:00Z", TO_MAYA);
    submit(&rig, "a", json!({}));
    // What is on its way already is dropped, too.
    rig.change_account("maya", AccountChange::Disabled);
    rig.apply_policy();
    post.round(&rig);
    submit(&rig, "b", json!({}));
    sleep(&rig, &mut post, 60);
    assert_eq!(told(&phones), []);
    rig.change_account("maya", AccountChange::Enabled);
    submit(&rig, "c", json!({}));
    post.round(&rig);
    assert_eq!(told(&phones), [maya_got("Your turn: c")]);
}

#[test]
fn people_without_a_role_are_not_told() {
    let only_sam = "[[member]]\nrole = \"approver\"\nwho = [\"sam\"]\n";
    let rules = format!(
        "{}{only_sam}",
        TO_MAYA.replace("\"maya\"", "\"maya\", \"sam\"")
    );
    let (rig, phones, mut post, _) = scene("2026-11-20T11:00:00Z", &rules);
    submit(&rig, "a", json!({}));
    post.round(&rig);
    let sam_got = ("sam-phone".to_owned(), "Your turn: a".to_owned());
    // Maya runs this server, and so has a role everywhere.
    assert!(told(&phones).contains(&sam_got));
    let only_maya = only_sam.replace("sam", "maya");
    let rules = format!("{}{only_maya}", TO_MAYA.replace("\"maya\"", "\"sam\""));
    let (rig, phones, mut post, _) = scene("2026-11-20T11:00:00Z", &rules);
    submit(&rig, "a", json!({}));
    post.round(&rig);
    assert_eq!(told(&phones), []);
}
