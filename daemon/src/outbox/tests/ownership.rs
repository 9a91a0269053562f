//! Who is told of a workspace that changes hands.

use std::{sync::Arc, time::Duration};

use countersign_web::desk::{
    Caller, OwnershipDesk as _, Person,
    ownership::{Claimant, NewOffer},
};

use super::{
    delivery::{Post, hook, post},
    receiver::Receiver,
};
use crate::{
    ownership::Custody,
    testing::{Rig, WORKSPACE, maya},
    workspace::Settings,
};

fn scene(at: &str) -> (Rig, Receiver, Post) {
    let mut rig = Rig::new();
    rig.clock.jump(at.parse().unwrap());
    let phones = rig.wait(Receiver::start());
    let text = format!(
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
channels = ["phones:maya-phone"]
[[person]]
id = "sam"
name = "Sam Ito"
time_zone = "Europe/Zagreb"
quiet_hours = ["22:00-07:00"]
channels = ["phones:sam-phone"]"#,
        phones.address
    );
    rig.with_policy(&text);
    let post = post(&rig, &text);
    (rig, phones, post)
}

fn person(id: &str, name: &str) -> Person {
    Person {
        id: id.to_owned(),
        display: name.to_owned(),
        method: countersign_protocol::principal::Method::Cli,
        ..maya()
    }
}

fn offer(rig: &Rig) {
    let offer = NewOffer {
        to: "sam".to_owned(),
        note: Some("NOTE".to_owned()),
        waits: Duration::from_hours(1),
    };
    let who = Caller::Person(person("maya", "Maya Okafor"));
    rig.wait(rig.desk().offer_ownership(&who, WORKSPACE, offer))
        .unwrap();
}

fn answer(rig: &Rig, accept: bool) {
    let who = Claimant::Person(person("sam", "Sam Ito"));
    let reason = Some("REASON".to_owned());
    rig.wait(rig.desk().answer_offer(&who, WORKSPACE, accept, reason))
        .unwrap();
}

/// Topic and title of what came since the last look.
fn told(phones: &Receiver, seen: &mut usize) -> Vec<(String, String)> {
    let all = phones.got();
    let new = all.iter().skip(*seen).map(|one| {
        let one = one.json();
        let whole = one.to_string();
        assert!(
            !whole.contains("NOTE") && !whole.contains("REASON"),
            "{whole}"
        );
        let text = |key: &str| one[key].as_str().unwrap().to_owned();
        (text("topic"), text("title"))
    });
    let mut new: Vec<_> = new.collect();
    new.sort();
    *seen = all.len();
    new
}

fn line(topic: &str, title: &str) -> (String, String) {
    (topic.to_owned(), title.to_owned())
}

#[test]
fn who_is_offered_a_workspace_is_told_and_who_offers_it_hears_the_answer() {
    let (rig, phones, mut post) = scene("2026-11-20T11:00:00Z");
    let mut seen = 0;
    let offered = line("sam-phone", "Maya Okafor offers you w");
    offer(&rig);
    post.round(&rig);
    assert_eq!(told(&phones, &mut seen), std::slice::from_ref(&offered));
    answer(&rig, false);
    post.round(&rig);
    let declined = line("maya-phone", "Sam Ito does not take over w");
    assert_eq!(told(&phones, &mut seen), [declined]);

    offer(&rig);
    // A newer offer takes the place of the older one.
    offer(&rig);
    rig.wait(post.outbox.run()).unwrap();
    post.round(&rig);
    let back = line("sam-phone", "Maya Okafor took the offer of w back");
    let all = told(&phones, &mut seen);
    assert_eq!(
        all,
        [offered.clone(), back],
        "of the first offer nothing is left to say"
    );

    rig.clock.advance(Duration::from_mins(61));
    let custody = Custody::new(
        rig.workspaces(),
        rig.ledger().clone(),
        Arc::clone(rig.objects()),
        rig.clock.clone(),
        rig.policy().catalog().clone(),
    );
    rig.wait(custody.run()).unwrap();
    post.round(&rig);
    let over = "Nobody took over w in time";
    let both = [line("maya-phone", over), line("sam-phone", over)];
    assert_eq!(told(&phones, &mut seen), both);

    offer(&rig);
    answer(&rig, true);
    post.round(&rig);
    let taken = line("maya-phone", "Sam Ito took over w");
    assert_eq!(
        told(&phones, &mut seen),
        [taken],
        "what is answered is not asked any more"
    );
}

#[test]
fn an_offer_waits_for_the_end_of_quiet_hours_and_is_dropped_when_it_is_over() {
    // 23:30 in Zagreb.
    let (rig, phones, mut post) = scene("2026-11-20T22:30:00Z");
    let mut seen = 0;
    offer(&rig);
    post.round(&rig);
    assert_eq!(told(&phones, &mut seen), []);
    rig.clock.advance(Duration::from_hours(8));
    let custody = Custody::new(
        rig.workspaces(),
        rig.ledger().clone(),
        Arc::clone(rig.objects()),
        rig.clock.clone(),
        rig.policy().catalog().clone(),
    );
    rig.wait(custody.run()).unwrap();
    post.round(&rig);
    let over = "Nobody took over w in time";
    let both = [line("maya-phone", over), line("sam-phone", over)];
    assert_eq!(told(&phones, &mut seen), both);
}

#[test]
fn programs_hear_of_it_with_the_number_of_the_offer_and_restricted_names_stay_out() {
    for (class, named) in [("internal", true), ("restricted", false)] {
        let settings = Settings {
            class: class.to_owned(),
            ..Settings::default()
        };
        let mut rig = Rig::with(settings);
        let hooks = rig.wait(Receiver::start());
        let text = hook(&hooks, "events = [\"ownership-offered\"]")
            + "[[person]]\nid = \"maya\"\n[[person]]\nid = \"sam\"\nname = \"Sam Ito\"\n";
        rig.with_policy(&text);
        let mut post = post(&rig, &text);
        offer(&rig);
        post.round(&rig);
        let got = hooks.got();
        assert_eq!(got.len(), 1);
        let event = got[0].json();
        assert_eq!(event["type"], "handoff.ownership_offered.v1");
        let url = "https://review.example.org/workspaces";
        assert_eq!(event["data"]["handoff"]["url"], url);
        let offer = rig.ledger().state().head.seq;
        assert_eq!(event["data"]["offer"], offer);
        assert_eq!(event["data"]["workspace"] == WORKSPACE, named, "{event}");
        assert_eq!(event.to_string().contains("Sam Ito"), named, "{event}");
    }
}
