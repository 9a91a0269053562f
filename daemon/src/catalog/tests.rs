//! Calendars over the days on which clocks change, people who are away, quiet hours.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::*;
use crate::testing::catalog;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const TEAM: &str = r#"
[[person]]
id = "maya"
name = "Maya Okafor"
email = "maya@example.org"
time_zone = "Europe/Zagreb"
quiet_hours = ["22:00-07:00"]
digest = "08:30"
[[person.away]]
from = "2026-12-20"
until = "2027-01-03"
delegate = "sam"

[[person]]
id = "sam"
name = "Sam Ito"
[[person.away]]
from = "2026-12-24"
until = "2026-12-26"
delegate = "group:editors"

[[person]]
id = "kim"
[[person]]
id = "lee"
[[person.away]]
from = "2026-01-01"
until = "2030-01-01"

[[group]]
id = "editors"
members = ["maya@example.org", "kim"]

[[queue]]
id = "claims"
members = ["group:editors", "sam"]

[[oncall]]
id = "data"
time_zone = "Europe/Zagreb"
rotation = ["maya", "sam", "kim"]
starts = "2026-10-19 09:00"
shift = "7d"
[[oncall.override]]
from = "2026-11-04 00:00"
until = "2026-11-05 00:00"
person = "lee"

[[oncall]]
id = "office"
time_zone = "Europe/Zagreb"
rotation = ["kim"]
starts = "2026-01-01"
hours = ["mon-fri 09:00-17:00"]
"#;

fn asked(catalog: &Catalog, target: &str, now: &str) -> Vec<String> {
    catalog
        .resolve(&target.parse().unwrap(), at(now), &BTreeSet::new())
        .people
}

#[test]
fn groups_and_queues_mean_their_people_each_once() {
    let catalog = catalog(TEAM);
    let now = "2026-11-20T10:00:00Z";
    assert_eq!(asked(&catalog, "group:editors", now), ["maya", "kim"]);
    assert_eq!(asked(&catalog, "queue:claims", now), ["maya", "kim", "sam"]);
    assert_eq!(asked(&catalog, "maya@example.org", now), ["maya"]);
    assert_eq!(asked(&catalog, "agent:fixer", now), Vec::<String>::new());
    assert!(catalog.belongs("sam", "queue:claims", at(now)));
    assert!(!catalog.belongs("lee", "queue:claims", at(now)));
    assert_eq!(catalog.display("person:maya"), "Maya Okafor");
}

#[test]
fn who_is_away_is_replaced_and_who_cannot_be_stays() {
    let catalog = catalog(TEAM);
    let now = at("2026-12-21T10:00:00Z");
    let one = catalog.resolve(&"maya".parse().unwrap(), now, &BTreeSet::new());
    assert_eq!(one.people, ["sam"]);
    assert_eq!(
        one.notes,
        ["Sam Ito stands in for Maya Okafor, who is away until 2027-01-04 00:00"]
    );
    // Sam is away too and points back at a group with Maya in it: the other member answers.
    assert_eq!(asked(&catalog, "maya", "2026-12-25T10:00:00Z"), ["kim"]);
    let alone = catalog.resolve(&"lee".parse().unwrap(), now, &BTreeSet::new());
    assert_eq!(alone.people, ["lee"]);
    assert!(alone.notes[0].ends_with("nobody stands in"));
    // The day that `until` names is included, in the person's own zone.
    assert_eq!(asked(&catalog, "maya", "2027-01-03T22:59:00Z"), ["sam"]);
    assert_eq!(asked(&catalog, "maya", "2027-01-03T23:00:00Z"), ["maya"]);
    assert_eq!(asked(&catalog, "maya", "2026-12-19T22:59:00Z"), ["maya"]);
    assert_eq!(asked(&catalog, "maya", "2026-12-19T23:00:00Z"), ["sam"]);
}

/// In Zagreb clocks go back on 25 October 2026: 09:00 is 07:00Z before and 08:00Z after.
#[test]
fn a_turn_changes_hands_at_the_same_local_time_when_clocks_change() {
    let catalog = catalog(TEAM);
    let who = |now: &str| asked(&catalog, "oncall:data", now);
    assert_eq!(
        who("2026-10-19T06:59:59Z"),
        ["kim"],
        "before the first turn"
    );
    assert_eq!(who("2026-10-19T07:00:00Z"), ["maya"]);
    assert_eq!(who("2026-10-26T07:30:00Z"), ["maya"], "it is 08:30 there");
    assert_eq!(who("2026-10-26T08:00:00Z"), ["sam"], "it is 09:00 there");
    let turn = catalog.on_call("data", at("2026-10-19T07:00:00Z")).unwrap();
    assert_eq!(turn.until, at("2026-10-26T08:00:00Z"));
    assert_eq!(who("2026-11-02T08:00:00Z"), ["kim"]);
    assert_eq!(who("2026-11-09T08:00:00Z"), ["maya"], "and round again");
}

#[test]
fn an_exception_wins_and_then_the_rotation_goes_on() {
    let catalog = catalog(TEAM);
    let turn = |now: &str| catalog.on_call("data", at(now)).unwrap();
    let before = turn("2026-11-03T12:00:00Z");
    assert_eq!(before.until, at("2026-11-03T23:00:00Z"));
    let during = turn("2026-11-03T23:00:00Z");
    assert!(during.is_exception);
    assert_eq!(during.person.to_string(), "person:lee");
    assert_eq!(
        turn("2026-11-04T23:00:00Z").person.to_string(),
        "person:kim"
    );
}

#[test]
fn outside_of_its_hours_a_calendar_names_nobody_and_says_so() {
    let catalog = catalog(TEAM);
    let night = catalog.resolve(
        &"oncall:office".parse().unwrap(),
        at("2026-11-20T20:00:00Z"),
        &BTreeSet::new(),
    );
    assert_eq!(night.people, Vec::<String>::new());
    assert_eq!(night.notes, ["nobody is on call for office at this hour"]);
    assert_eq!(
        asked(&catalog, "oncall:office", "2026-11-20T09:00:00Z"),
        ["kim"]
    );
}

#[test]
fn quiet_hours_and_digests_follow_the_clock_on_the_wall() {
    let catalog = catalog(TEAM);
    let quiet = |now: &str| catalog.quiet_until("maya", at(now));
    assert_eq!(quiet("2026-11-20T12:00:00Z"), None);
    assert_eq!(
        quiet("2026-11-20T22:00:00Z"),
        Some(at("2026-11-21T06:00:00Z"))
    );
    // The night in which clocks go back is an hour longer.
    assert_eq!(
        quiet("2026-10-24T20:00:00Z"),
        Some(at("2026-10-25T06:00:00Z"))
    );
    assert_eq!(
        quiet("2026-10-23T20:00:00Z"),
        Some(at("2026-10-24T05:00:00Z"))
    );
    assert_eq!(catalog.quiet_until("kim", at("2026-11-20T22:00:00Z")), None);
    let digest = |now: &str| catalog.next_digest("maya", at(now));
    assert_eq!(
        digest("2026-11-20T07:00:00Z"),
        Some(at("2026-11-20T07:30:00Z"))
    );
    assert_eq!(
        digest("2026-11-20T07:30:00Z"),
        Some(at("2026-11-21T07:30:00Z"))
    );
    assert_eq!(
        catalog.next_digest("kim", at("2026-11-20T07:00:00Z")),
        Some(at("2026-11-20T08:30:00Z")),
        "in the morning of their zone when nothing is said"
    );
}

#[test]
fn business_time_passes_in_business_hours_only() {
    let office = catalog(TEAM).calendar("office").unwrap().clone();
    let after = |from: &str, hours: i64| {
        let zone = office.time_zone.zone();
        business_time_after(
            &office.hours.value,
            zone,
            at(from),
            SignedDuration::from_hours(hours),
        )
    };
    // Friday 16:00 there, four hours of work: Monday 12:00.
    assert_eq!(after("2026-11-20T15:00:00Z", 4), at("2026-11-23T11:00:00Z"));
    // Over the change of the clocks.
    assert_eq!(after("2026-10-23T14:00:00Z", 2), at("2026-10-26T09:00:00Z"));
    assert_eq!(after("2026-11-20T09:00:00Z", 1), at("2026-11-20T10:00:00Z"));
    let always = business_time_after(
        &[],
        &jiff::tz::TimeZone::UTC,
        at("2026-11-20T09:00:00Z"),
        SignedDuration::from_hours(30),
    );
    assert_eq!(always, at("2026-11-21T15:00:00Z"));
}

#[test]
fn where_nobody_is_listed_the_person_of_this_machine_may_more_and_all_others_the_usual() {
    let now = at("2026-11-23T12:00:00Z");
    let roles = |text: &str, id: &str| {
        let config = crate::testing::config(text);
        let roster = Roster::new(&config, catalog(text), "local:maya");
        let access = roster.access(id, &[], now);
        let roles = access.grant(Some("payments")).roles.clone();
        assert_eq!(roles, access.grant(None).roles, "{id}");
        roles
    };
    for (text, local, other) in [
        ("", &["approver", "operator"][..], &["approver"][..]),
        (
            "[auth]\nrole = \"viewer\"\n",
            &["viewer", "approver", "operator"],
            &["viewer"],
        ),
        (
            "[[member]]\nrole = \"viewer\"\nwho = [\"person:sam\"]\n",
            &["operator"],
            &[],
        ),
    ] {
        assert_eq!(roles(text, "local:maya"), local, "{text}");
        assert_eq!(roles(text, "local:sam"), other, "{text}");
        assert_eq!(roles(text, ""), other, "{text}");
    }
}

#[test]
fn disabled_accounts_are_not_asked() {
    let catalog = catalog(TEAM);
    let disabled = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    let resolve = |target: &str, now, ids: &[&str]| {
        catalog.resolve(&target.parse().unwrap(), at(now), &disabled(ids))
    };
    let now = "2026-11-20T10:00:00Z";
    let group = resolve("group:editors", now, &["kim"]);
    assert_eq!(group.people, ["maya"]);
    assert_eq!(group.notes, ["the account of kim is disabled"]);
    assert!(resolve("oncall:office", now, &["kim"]).people.is_empty());
    // Sam stands in for Maya only with an account that can be used.
    let away = resolve("maya", "2026-12-21T10:00:00Z", &["sam"]);
    assert_eq!(away.people, ["maya"]);
}
