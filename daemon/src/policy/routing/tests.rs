//! Which rule wins, as a table; and owners.

use std::collections::BTreeSet;

use countersign_protocol::{Digest, principal::Principal};
use jiff::Timestamp;
use serde_json::Value;

use super::*;
use crate::{
    catalog::Catalog,
    policy::{Asking, Plan, plan, scene::Scene, trigger::Chance},
    testing::catalog,
};

fn planned(catalog: &Catalog, scene: Scene) -> Plan {
    let mut work = scene.work();
    let agent = catalog.agent(&work.accepted.from_agent);
    let labels = agent.map(|agent| agent.labels.value.iter().map(ToString::to_string));
    work.labels.extend(labels.into_iter().flatten());
    let asking = Asking {
        catalog,
        operator: "local:op",
        now: "2026-11-20T10:00:00Z".parse::<Timestamp>().unwrap(),
        disabled: &BTreeSet::new(),
    };
    plan(
        catalog.policy(),
        Digest::ZERO,
        &work,
        None,
        Chance(Digest::ZERO),
        &asking,
    )
}

#[test]
fn every_case_of_the_table_is_routed_as_written() {
    let catalog = catalog(include_str!("policy.toml"));
    let cases: Vec<Value> = serde_json::from_str(include_str!("cases.json")).unwrap();
    assert!(cases.len() >= 40);
    let mut wrong = Vec::new();
    for case in cases {
        let scene: Scene = serde_json::from_value(case.clone()).unwrap();
        let found = planned(&catalog, scene);
        if found.routed.rule != case["rule"] {
            wrong.push(format!(
                "{}: {} ({})",
                case["case"], found.routed.rule, found.routed.why
            ));
        }
        assert_eq!(found.considered.len(), catalog.policy().routes.len());
        assert!(found.considered.iter().all(|one| !one.why.is_empty()));
        let mut rules = catalog.policy().routes.iter();
        let rule = rules.find(|one| case["rule"] == one.name.to_string());
        let expected = rule.map_or_else(
            || vec!["person:local:op".to_owned()],
            |rule| rule.to.value.iter().map(ToString::to_string).collect(),
        );
        let asked: Vec<_> = found
            .routed
            .asked
            .iter()
            .map(|one| one.target.clone())
            .collect();
        assert_eq!(asked, expected, "{}", case["case"]);
        assert!(
            found.routed.asked.iter().any(|one| !one.people.is_empty()),
            "{}",
            case["case"]
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_rule_says_why_it_did_not_win() {
    let catalog = catalog(include_str!("policy.toml"));
    let scene = Scene {
        files: [("docs/a.html".to_owned(), 5)].into(),
        ..Scene::default()
    };
    let found = planned(&catalog, scene);
    let why = |rule: &str| {
        let one = found
            .considered
            .iter()
            .find(|one| one.rule == rule)
            .unwrap();
        one.why.as_str()
    };
    assert_eq!(why("secrets-first"), "none of the triggers secrets fired");
    assert_eq!(why("big"), "the files are not larger than 1MB");
    assert_eq!(
        why("docs"),
        "agent `writer`, path `docs/a.html`, confidence 0.96 is at least 0.90"
    );
    assert_eq!(why("restricted"), "a rule before it won");
    assert_eq!(found.routed.asked[0].people, ["maya", "kim"]);
}

#[test]
fn a_condition_that_cannot_be_told_is_not_true_and_says_so() {
    let catalog = catalog(
        "[[person]]\nid = \"maya\"\n[[route]]\nname = \"a\"\nwhen = \"handoff.nothing > 1\"\nto = [\"maya\"]\n\
         [[route]]\nname = \"b\"\nwhen = \"size(agent)\"\nto = [\"maya\"]\n",
    );
    let found = planned(&catalog, Scene::default());
    assert_eq!(found.routed.rule, "default");
    assert!(
        found.considered[0].why.contains("cannot be told"),
        "{:?}",
        found.considered
    );
    assert!(found.considered[1].why.contains("neither true nor false"));
    assert_eq!(found.routed.asked[0].people, ["local:op"]);
}

#[test]
fn work_passes_only_by_a_rule_and_a_share_of_it_is_seen() {
    let text = "[[person]]\nid = \"maya\"\n[[route]]\nname = \"routine\"\nconfidence_from = 0.9\n\
                to = [\"maya\"]\nprogress = true\nsample = 0.25\n";
    let catalog = catalog(text);
    let (mut passed, mut seen) = (0, 0);
    for number in 0..400 {
        let scene = || Scene::default();
        let mut work = scene().work();
        std::sync::Arc::make_mut(&mut work.accepted).manifest_sha256 =
            Digest::of(format!("{number}").as_bytes());
        let asking = Asking {
            catalog: &catalog,
            operator: "local:op",
            now: Timestamp::UNIX_EPOCH,
            disabled: &BTreeSet::new(),
        };
        let draw = || {
            plan(
                catalog.policy(),
                Digest::ZERO,
                &work,
                None,
                Chance(Digest::of(b"salt")),
                &asking,
            )
        };
        let found = draw();
        assert_eq!(found.progress, draw().progress, "a replay draws the same");
        if let Some(progress) = &found.progress {
            passed += 1;
            assert_eq!(
                (progress.rule.as_str(), progress.sample),
                ("routine", 250_000)
            );
            let names: Vec<_> = found
                .events(Digest::ZERO)
                .iter()
                .map(|(_, event)| event.name())
                .collect();
            assert_eq!(
                names,
                ["handoff.routed", "handoff.progressed", "handoff.decided"]
            );
        } else {
            seen += 1;
            assert!(found.routed.sampled);
            assert_eq!(found.routed.asked[0].people, ["maya"]);
        }
    }
    assert!((60..=140).contains(&seen) && passed + seen == 400, "{seen}");
    for scene in [
        Scene {
            trigger: countersign_protocol::handoff::Trigger::CriticalAction,
            ..Scene::default()
        },
        Scene {
            trigger: countersign_protocol::handoff::Trigger::Error,
            ..Scene::default()
        },
        Scene {
            stalled: true,
            ..Scene::default()
        },
    ] {
        let found = planned(&catalog, scene);
        assert_eq!(
            found.progress, None,
            "what a trigger fired for needs a person"
        );
        assert_eq!(
            found.routed.held,
            found.routed.triggers[0].kind == "critical_action"
        );
    }
}

#[test]
fn rule_approves_no_request_that_forbids_it() {
    let text = "[[person]]\nid = \"maya\"\n[[route]]\nname = \"routine\"\n\
                to = [\"maya\"]\nprogress = true\nsample = 0.000001\n";
    let catalog = catalog(text);
    let passes = |request: Value| {
        let scene = Scene {
            document: serde_json::json!({ "requests": [{ "id": "a" }, request] }),
            ..Scene::default()
        };
        planned(&catalog, scene).progress.is_some()
    };
    let schema = serde_json::json!({ "type": "string" });
    assert!(passes(
        serde_json::json!({ "id": "b", "allowed": ["approve"] })
    ));
    assert!(!passes(
        serde_json::json!({ "id": "b", "allowed": ["reject"] })
    ));
    let wants_value = serde_json::json!({ "id": "b", "kind": "input", "response_schema": schema });
    assert!(!passes(wants_value));
}

#[test]
fn owners_that_the_agent_can_write_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let dir = crate::fs::Dir::open(folder.path()).unwrap();
    dir.publish(std::path::Path::new("OWNERS"), b"* sam\n", 0o644, false)
        .unwrap();
    let owners = Owners::of_workspace(&dir).unwrap();
    let own = rustix::process::geteuid().as_raw();
    let said = |uid| owners.written_by_agent(&Principal::FileOwner { uid });
    assert!(said(own).unwrap().contains("agents can write OWNERS"));
    assert_eq!(said(own + 1), None);
    assert_eq!(owners.written_by_agent(&Principal::Operator), None);
    assert_eq!(
        Owners::parse("* sam").written_by_agent(&Principal::FileOwner { uid: own }),
        None
    );
}

#[test]
fn the_last_line_of_the_file_of_owners_wins() {
    let owners = Owners::parse(
        "# who looks after what\n*  @maya\n/docs/  @team/editors kim@example.org  # prose\nsrc/**/*.rs oncall:data\n",
    );
    let of = |paths: &[&str]| -> Vec<String> {
        owners
            .of(paths.iter().copied())
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    assert_eq!(of(&["a.txt"]), ["person:maya"]);
    assert_eq!(
        of(&["docs/a.md"]),
        ["group:editors", "person:kim@example.org"]
    );
    assert_eq!(of(&["src/x/y.rs", "a.txt"]), ["oncall:data", "person:maya"]);
    assert!(Owners::parse("").of(["a"].into_iter()).is_empty());
}

#[test]
fn what_a_file_of_owners_says_and_cannot_be_read_is_named_with_its_line() {
    let catalog = catalog(
        "[[person]]\nid = \"maya\"\nemail = \"maya@example.org\"\n\
         [[group]]\nid = \"eds\"\nmembers = [\"maya\"]\n",
    );
    let owners = Owners::parse(
        "* @maya maya@example.org @team/eds\n/docs @nobody grup:eds\nsrc/[z-a] @maya\nx agent:fixer owners\n",
    );
    let doubts = owners.doubts(&catalog);
    for (line, words) in [
        (2, "nobody is configured as `person:nobody`"),
        (2, "did you mean `group:`?"),
        (3, "the pattern `src/[z-a]` cannot be read"),
        (4, "`agent:fixer` cannot look after files"),
        (4, "`owners` cannot look after files"),
    ] {
        let named =
            |doubt: &&String| doubt.contains(&format!("line {line}:")) && doubt.contains(words);
        assert!(
            doubts.iter().any(|doubt| named(&doubt)),
            "{words}: {doubts:#?}"
        );
    }
    assert_eq!(doubts.len(), 5, "{doubts:#?}");
    let good = Owners::parse("* @maya maya@example.org @team/eds\n");
    assert_eq!(good.doubts(&catalog), [""; 0]);
}
