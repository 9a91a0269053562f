//! What becomes of messages: delivered, tried again, given up, taken up again after a crash.

use std::{sync::Arc, time::Duration};

use countersign_protocol::decision::Outcome;
use countersign_web::templates::Templates;

use super::receiver::Receiver;
use crate::{
    catalog::{Catalog, Roster},
    config::{Config, Environment, Flags},
    egress::system_lookup,
    message::{self, State, Status},
    outbox::{Around, Outbox, lane::Lane, stop_key},
    testing::{Rig, handoff},
};

/// An outbox over the ledger of a rig, with the lanes in the hand of the test.
pub(super) struct Post {
    pub(super) outbox: Outbox,
    pub(super) lanes: Vec<Lane>,
}

/// The configuration that `text` makes.
pub(super) fn config(text: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("countersign.toml");
    #[expect(clippy::disallowed_methods, reason = "the test plays the operator")]
    std::fs::write(&path, text).unwrap();
    let flags = Flags {
        config: Some(path),
        data_dir: Some(folder.path().join("data")),
        ..Flags::default()
    };
    Config::load(&flags, &Environment::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The secret of the vector in the standard.
pub(super) fn secrets() -> Environment {
    let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".to_owned();
    Environment([("HOOK".to_owned(), secret)].into())
}

pub(super) fn post(rig: &Rig, text: &str) -> Post {
    let config = config(text);
    let catalog = Catalog::new(&config.policy);
    // Maya runs the server, by the id that she has in the configuration.
    let known = catalog.person("maya").map(|maya| maya.id.to_string());
    let operator = known.unwrap_or_else(|| "local:maya".to_owned());
    let around = Around {
        ledger: rig.ledger().clone(),
        workspaces: rig.workspaces(),
        clock: rig.clock.clone(),
        dice: Arc::new(|| 0.5),
        random: Arc::new(|| Some([7; 32])),
        templates: Templates::embedded(),
        home: "https://review.example.org".to_owned(),
        roster: Roster::new(&config, catalog.clone(), &operator),
        catalog,
        operator: (operator, "Maya Okafor".to_owned()),
    };
    let stop = rig.wait(stop_key(&around)).unwrap();
    let built = Outbox::build(
        around,
        &Arc::new(config.notify),
        &secrets(),
        &system_lookup(),
        stop,
    );
    let (outbox, lanes) = built.unwrap();
    rig.wait(outbox.run()).unwrap();
    Post { outbox, lanes }
}

impl Post {
    /// Writes down what is owed and delivers everything that is due.
    pub(super) fn round(&mut self, rig: &Rig) {
        rig.wait(self.outbox.run()).unwrap();
        for lane in &mut self.lanes {
            rig.wait(lane.drain());
        }
        // What the lanes recorded may be news.
        rig.wait(self.outbox.run()).unwrap();
    }
}

pub(super) fn hook(receiver: &Receiver, more: &str) -> String {
    format!(
        "[[webhook]]\nname = \"ci\"\nurl = \"http://{}/hook\"\nsecret = {{ env = \"HOOK\" }}\nallow_private = true\n{more}\n",
        receiver.address
    )
}

fn states(rig: &Rig) -> Vec<(String, State, u32)> {
    let id = rig.cards().first().map(|card| card.id);
    let all = rig
        .wait(rig.ledger().read(move |store| Status::about(store, id, 99)))
        .unwrap();
    all.into_iter()
        .map(|one| (one.kind, one.state, one.tried))
        .collect()
}

fn deliver(rig: &Rig, name: &str) {
    rig.write(&format!("{name}/handoff.json"), handoff(name, &[]));
    rig.look(&format!("{name}/handoff.json"));
    rig.apply_policy();
}

#[test]
fn a_revision_and_its_decision_are_told_once_and_signed() {
    let rig = Rig::new();
    let receiver = rig.wait(Receiver::start());
    let mut post = post(&rig, &hook(&receiver, ""));
    deliver(&rig, "a");
    post.round(&rig);
    rig.decide(rig.card().id, Outcome::Approved).unwrap();
    post.round(&rig);
    post.round(&rig);
    let got = receiver.got();
    let mut types: Vec<_> = got
        .iter()
        .map(|one| one.json()["type"].as_str().unwrap().to_owned())
        .collect();
    // The first two are under way at the same time, and either may come first.
    types[..2].sort_unstable();
    assert_eq!(
        types,
        [
            "handoff.accepted.v1",
            "handoff.turn.v1",
            "handoff.decided.v1"
        ]
    );
    for one in &got {
        let event = one.json();
        assert_eq!(event["id"], one.header("webhook-id"));
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["subject"], "H-1");
        assert!(one.header("webhook-signature").starts_with("v1,"));
        assert_eq!(one.header("webhook-timestamp"), rig.clock_seconds());
        assert_eq!(
            one.header("content-type"),
            "application/cloudevents+json; charset=UTF-8"
        );
    }
    let all_sent = states(&rig)
        .iter()
        .all(|(_, state, tried)| matches!(state, State::Sent { .. }) && *tried == 1);
    assert!(all_sent, "{:?}", states(&rig));
    assert!(receiver.connections() <= 2, "connections are used again");
}

#[test]
fn what_fails_is_tried_again_by_the_schedule_with_the_same_id_and_body() {
    let rig = Rig::new();
    let receiver = rig.wait(Receiver::start());
    let mut post = post(&rig, &hook(&receiver, "events = [\"turn\"]"));
    deliver(&rig, "a");
    let failures = [
        ("500 No", ""),
        ("429 Slow", "retry-after: 600\r\n"),
        ("302 Elsewhere", "location: http://127.0.0.1:1/\r\n"),
    ];
    for (status, headers) in failures {
        receiver.says(status, headers);
    }
    receiver.answers("");
    receiver.answers("SSH-2.0-garbage\r\n\r\n");
    post.round(&rig);
    // Each wait, and one second before it is over.
    for wait in [5, 600, 1_800, 7_200, 18_000] {
        let before = receiver.got().len();
        rig.clock.advance(Duration::from_secs(wait - 1));
        post.round(&rig);
        assert_eq!(receiver.got().len(), before, "tried before {wait} s");
        rig.clock.advance(Duration::from_secs(1));
        post.round(&rig);
        assert_eq!(receiver.got().len(), before + 1, "not tried after {wait} s");
    }
    let got = receiver.got();
    assert!(got.iter().all(|one| one.body == got[0].body));
    assert!(
        got.iter()
            .all(|one| one.header("webhook-id") == got[0].header("webhook-id"))
    );
    let states = states(&rig);
    assert!(
        matches!(states[..], [(_, State::Sent { .. }, 6)]),
        "{states:?}"
    );
}

#[test]
fn what_fails_to_the_end_is_parked_told_to_others_and_can_be_redriven() {
    let rig = Rig::new();
    let receiver = rig.wait(Receiver::start());
    let other = rig.wait(Receiver::start());
    let second = hook(&other, "events = [\"trouble\"]").replace("\"ci\"", "\"ops\"");
    let mut post = post(
        &rig,
        &(hook(&receiver, "events = [\"turn\", \"trouble\"]") + &second),
    );
    deliver(&rig, "a");
    for wait in [
        0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
    ] {
        rig.clock.advance(Duration::from_secs(wait));
        receiver.says("500 No", "");
        post.round(&rig);
    }
    assert_eq!(rig.count("message.failed"), 1);
    assert_eq!(receiver.got().len(), 10, "it is not told about itself");
    post.round(&rig);
    let told: Vec<_> = other
        .got()
        .iter()
        .map(|one| one.json()["data"]["line"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    let parked = rig
        .wait(rig.ledger().read(|store| message::parked(store, "ci", 9)))
        .unwrap();
    assert_eq!(parked.len(), 1);
    assert!(
        matches!(states(&rig)[..], [(_, State::Failed { .. }, 10)]),
        "{:?}",
        states(&rig)
    );
}

#[test]
fn a_receiver_that_fails_for_five_days_is_given_up() {
    let rig = Rig::new();
    let receiver = rig.wait(Receiver::start());
    let mut post = post(&rig, &hook(&receiver, "events = [\"turn\"]"));
    for day in 0..7 {
        deliver(&rig, &format!("day{day}"));
        for _ in 0..99 {
            receiver.says("503 No", "");
        }
        post.round(&rig);
        rig.clock.advance(Duration::from_hours(24));
    }
    assert_eq!(rig.count("receiver.disabled"), 1);
    let before = receiver.got().len();
    post.round(&rig);
    assert_eq!(receiver.got().len(), before, "it is left alone");
}

#[test]
fn a_receiver_that_is_gone_is_left_alone_and_loses_nothing() {
    let rig = Rig::new();
    let receiver = rig.wait(Receiver::start());
    let mut post = post(&rig, &hook(&receiver, "events = [\"turn\"]"));
    receiver.says("410 Gone", "");
    for name in ["a", "b", "c"] {
        deliver(&rig, name);
        post.round(&rig);
    }
    assert_eq!(receiver.got().len(), 1);
    assert_eq!(rig.count("receiver.disabled"), 1);
    let waiting = rig
        .wait(rig.ledger().read(|store| message::waiting(store, "ci", 9)))
        .unwrap();
    assert_eq!(waiting.len(), 3);
}

#[test]
fn a_crash_before_and_after_the_mark_doubles_no_id_and_loses_none() {
    let mut rig = Rig::new();
    let receiver = rig.wait(Receiver::start());
    let text = hook(&receiver, "events = [\"turn\"]");
    drop(post(&rig, &text));
    // Written by an agent, taken in; the outbox never looked.
    deliver(&rig, "a");
    rig.restart();
    let mut second = post(&rig, &text);
    // Written down as owed, and offered to a lane that never ran.
    rig.wait(second.outbox.run()).unwrap();
    deliver(&rig, "b");
    rig.wait(second.outbox.run()).unwrap();
    second.lanes.clear();
    rig.restart();
    let mut third = post(&rig, &text);
    third.round(&rig);
    let mut ids: Vec<_> = receiver
        .got()
        .iter()
        .map(|one| one.header("webhook-id"))
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 2);
    assert_eq!(receiver.got().len(), 2);
}

#[test]
fn who_begins_to_send_tells_nothing_of_the_past() {
    let rig = Rig::new();
    deliver(&rig, "a");
    let receiver = rig.wait(Receiver::start());
    let mut post = post(&rig, &hook(&receiver, ""));
    post.round(&rig);
    assert_eq!(receiver.got().len(), 0);
    deliver(&rig, "b");
    post.round(&rig);
    assert_eq!(receiver.got().len(), 2);
}

#[test]
fn a_full_disk_delays_and_loses_nothing() {
    let rig = Rig::new();
    let receiver = rig.wait(Receiver::start());
    let mut post = post(&rig, &hook(&receiver, "events = [\"turn\"]"));
    deliver(&rig, "a");
    rig.stored().full = true;
    assert!(rig.wait(post.outbox.run()).is_err());
    rig.stored().full = false;
    post.round(&rig);
    let ids: std::collections::BTreeSet<_> = receiver
        .got()
        .iter()
        .map(|one| one.header("webhook-id"))
        .collect();
    assert_eq!(ids.len(), 1);
    assert!(matches!(states(&rig)[..], [(_, State::Sent { .. }, _)]));
}
