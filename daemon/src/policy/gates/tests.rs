//! Sign-off gates hold by every door, and gates that nobody can pass are refused.

use std::sync::Arc;

use countersign_protocol::{
    HandoffId, decision::Outcome, event::AccountChange, principal::Method, routing::Asked,
};
use countersign_web::desk::{Answered, Desk as _, DeskError, Person};
use serde_json::{Value, json};

use crate::{
    catalog::Catalog,
    testing::{Rig, config, everything, maya},
    workspace::Settings,
};

const ONE: HandoffId = HandoffId(1);
const PEOPLE: &str = r#"
[[person]]
id = "ana"
[[person]]
id = "ben"
[[person]]
id = "cy"
[[group]]
id = "clinical-safety"
members = ["ana"]
[[group]]
id = "qa"
name = "Compliance Officer"
members = ["ben", "cy"]
[[agent]]
id = "hermes"
owner = "ben"
"#;

fn rig(rules: &str) -> Rig {
    let catalog = Catalog::new(&config(PEOPLE).policy);
    let mut rig = Rig::with(Settings {
        roles: Arc::new(catalog.roles()),
        ..Settings::default()
    });
    rig.with_roles(&format!("{PEOPLE}{rules}"));
    rig
}

fn hand(rig: &Rig, gates: &Value) {
    let document = json!({
        "handoff_version": "1.0", "from_agent": "hermes", "task": "Release", "sign_off_gates": gates,
    });
    rig.deliver("handoff.json", document.to_string());
    rig.apply_policy();
}

fn two_gates() -> Value {
    json!([
        {"id": "release", "role": "compliance_officer", "after": ["clinical"], "exclude_submitter": true},
        {"id": "clinical", "role": "Clinical Safety"},
    ])
}

fn say(rig: &Rig, id: &str, method: Method) -> Result<Answered, DeskError> {
    let person = Person {
        id: id.to_owned(),
        display: id.to_owned(),
        method,
        access: everything(),
    };
    let answer = rig.answer(ONE, Outcome::Approved);
    rig.wait(rig.desk().decide(&person, ONE, answer))
}

#[test]
fn gates_hold_whichever_way_people_answer() {
    for method in [Method::Web, Method::Cli, Method::Api, Method::EmailLink] {
        let rig = rig("");
        hand(&rig, &two_gates());
        let card = rig.card();
        let routing = card.routing.as_ref().unwrap();
        assert_eq!(
            routing.asked[0].people,
            ["ana"],
            "the first gate is asked first"
        );
        let names: Vec<&str> = routing
            .routed
            .approval
            .as_ref()
            .unwrap()
            .stages
            .iter()
            .map(|one| &*one.name)
            .collect();
        assert_eq!(
            names,
            ["clinical (Clinical Safety)", "release (compliance_officer)"]
        );
        // The second gate does not come before the first.
        assert!(say(&rig, "cy", method).is_err(), "{method:?}");
        assert!(
            matches!(say(&rig, "ana", method), Ok(Answered::Counted(_))),
            "{method:?}"
        );
        // The same vote again is no second one, and the owner of the agent is barred.
        let _ = say(&rig, "ana", method);
        assert!(say(&rig, "ben", method).is_err(), "{method:?}");
        assert_eq!(rig.card().state.name(), "waiting");
        say(&rig, "cy", method).unwrap();
        assert_eq!(rig.card().state.name(), "approved", "{method:?}");
    }
}

#[test]
fn no_rule_passes_work_with_gates() {
    let rig = rig("[[route]]\nname = \"all\"\nto = [\"ana\"]\nprogress = true\nsample = 0.000001");
    hand(&rig, &two_gates());
    assert_eq!(rig.card().state.name(), "waiting");
    assert_eq!(rig.count("handoff.progressed"), 0);
}

#[test]
fn stages_of_the_rule_come_first() {
    let stage = "[[route.stage]]\nname = \"lead\"\nof = [\"cy\"]\napprovals = 1";
    let rig = rig(&format!(
        "[[route]]\nname = \"all\"\nto = [\"cy\"]\n{stage}"
    ));
    hand(
        &rig,
        &json!([{"id": "clinical", "role": "clinical-safety"}]),
    );
    assert!(say(&rig, "ana", Method::Web).is_err());
    say(&rig, "cy", Method::Web).unwrap();
    say(&rig, "ana", Method::Web).unwrap();
    assert_eq!(rig.card().state.name(), "approved");
}

#[test]
fn gates_that_nobody_can_pass_are_refused() {
    for (gates, pointer) in [
        (
            json!([{"id": "a", "role": "qa"}, {"id": "b", "role": "notary"}]),
            "/sign_off_gates/1/role",
        ),
        (
            json!([{"id": "a", "role": "qa", "min_approvals": 3}]),
            "/sign_off_gates/0/role",
        ),
        // One person passes one gate, so two gates of one person are one too many.
        (
            json!([{"id": "a", "role": "clinical-safety"}, {"id": "b", "role": "Clinical Safety"}]),
            "/sign_off_gates/1/role",
        ),
    ] {
        let rig = rig("");
        hand(&rig, &gates);
        assert_eq!(
            rig.dead(),
            [("gate_role".to_owned(), pointer.to_owned())],
            "{gates}"
        );
        assert_eq!(rig.json("handoff.errors.json")["code"], "gate-unknown-role");
        let document = json!({
            "handoff_version": "1.0", "from_agent": "hermes", "task": "Release", "sign_off_gates": gates,
        });
        assert!(
            rig.submit("", &document.to_string(), &[]).is_err(),
            "{gates}"
        );
        assert!(rig.cards().is_empty());
    }
}

#[test]
fn disabled_holders_do_not_count() {
    let rig = rig("");
    rig.change_account("ana", AccountChange::Disabled);
    hand(&rig, &two_gates());
    assert_eq!(
        rig.dead(),
        [("gate_role".to_owned(), "/sign_off_gates/1/role".to_owned())]
    );
}

#[test]
fn nobody_stands_in_for_a_disabled_holder() {
    for late in [false, true] {
        let rig = rig("");
        hand(&rig, &two_gates());
        let operator = maya().id;
        if late {
            // The last holders of the second gate.
            say(&rig, "ana", Method::Web).unwrap();
            rig.change_account("cy", AccountChange::Disabled);
            rig.change_account("ben", AccountChange::Disabled);
        } else {
            rig.change_account("ana", AccountChange::Disabled);
        }
        rig.apply_policy();
        for id in [operator.as_str(), "ana", "ben", "cy"] {
            let told = say(&rig, id, Method::Web);
            let voted_before = late && id == "ana";
            assert!(told.is_err() || voted_before, "{late} {id}: {told:?}");
        }
        assert_eq!(rig.card().state.name(), "waiting");
        let asked = &rig.card().routing.as_ref().unwrap().asked.clone();
        let is_told = |one: &Asked| one.people.contains(&operator);
        assert!(asked.iter().any(is_told), "the operator hears of it");
    }
}

#[test]
fn a_role_that_is_lost_later_stands_on_the_card() {
    let mut rig = rig("");
    rig.with_roles(&PEOPLE.replace(
        "[[group]]\nid = \"clinical-safety\"\nmembers = [\"ana\"]",
        "",
    ));
    hand(&rig, &two_gates());
    let card = rig.card();
    let plan = card
        .routing
        .as_ref()
        .unwrap()
        .routed
        .approval
        .clone()
        .unwrap();
    assert!(plan.stages[0].asked[0].notes[0].contains("nobody holds the role"));
    for id in ["ana", "ben", "cy"] {
        assert!(say(&rig, id, Method::Web).is_err(), "{id}");
    }
}
