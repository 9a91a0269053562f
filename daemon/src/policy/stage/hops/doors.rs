//! Every reason for which a person is asked, by every door through which work reaches an agent.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use countersign_protocol::{
    decision::Outcome,
    transfer::{Mesh, Participant},
};
use countersign_web::desk::{Caller, ContentDesk as _, Desk as _, RoutingDesk as _};
use serde_json::{Value, json};

use crate::{
    contracts::{Contract, Contracts},
    ledger::{Card, HopStage},
    testing::{Rig, maya},
    workspace::Settings,
};

/// People, and the role of a sign-off gate.
const PEOPLE: &str = r#"
[[person]]
id = "maya"
[[person]]
id = "sam"
[[group]]
id = "compliance"
members = ["sam"]
[[agent]]
id = "b"
[[agent]]
id = "c"
"#;

/// A reason: what the document says, what the operator configured, and words of the reason that is given.
struct Reason {
    name: &'static str,
    document: Value,
    policy: &'static str,
    says: &'static str,
}

fn reasons() -> Vec<Reason> {
    let reason = |name, document, policy, says| Reason {
        name,
        document,
        policy,
        says,
    };
    vec![
        reason(
            "floor of the workspace",
            json!({"confidence": 0.79}),
            "",
            "0.79 is under the 0.80",
        ),
        reason(
            "floor of the contract",
            json!({"confidence": 0.85, "contract": "strict@1.0"}),
            "",
            "0.85 is under the 0.90",
        ),
        reason(
            "floor of the agent",
            json!({"confidence": {"value": 0.9, "threshold": 0.95}}),
            "",
            "0.90 is under the 0.95",
        ),
        reason(
            "floor of a trigger",
            json!({"confidence": 0.97}),
            "[[trigger]]\nname = \"t\"\non = \"confidence\"\nfloor = 0.99",
            "0.97 is under the 0.99",
        ),
        reason(
            "stated confidence",
            json!({"trigger": "confidence"}),
            "",
            "not sure enough",
        ),
        reason(
            "stated action",
            json!({"trigger": "critical_action"}),
            "",
            "cannot be undone",
        ),
        reason(
            "asked action",
            json!({"requests": [{"id": "q", "kind": "approve_action", "action": {"name": "pay"}}]}),
            "",
            "`pay`",
        ),
        reason(
            "stated topic",
            json!({"trigger": "sensitive"}),
            "",
            "sensitive",
        ),
        reason(
            "found topic",
            json!({"summary": "The salary list."}),
            "[[trigger]]\nname = \"pay\"\non = \"sensitive\"\npattern = \"salary\"",
            "`pay`",
        ),
        reason(
            "stated error",
            json!({"trigger": "error"}),
            "",
            "could not go on",
        ),
        reason(
            "failed status",
            json!({"status": "failed"}),
            "",
            "could not go on",
        ),
        reason("stated rule", json!({"trigger": "policy"}), "", "rule"),
        reason(
            "asked by hand",
            json!({"trigger": "manual"}),
            "",
            "asks for a person",
        ),
        reason(
            "step of a workflow",
            json!({"x-step": "publish"}),
            "[[trigger]]\nname = \"s\"\non = \"step\"\nnames = [\"publish\"]",
            "`publish`",
        ),
        reason(
            "end of a session that the operator watches",
            json!({"status": "in_progress"}),
            "[[trigger]]\nname = \"ends\"\non = \"session_end\"",
            "session is over",
        ),
        reason(
            "sample",
            json!({}),
            "[[trigger]]\nname = \"lot\"\non = \"sample\"\nshare = 1.0",
            "lot",
        ),
        reason(
            "rule that names people",
            json!({}),
            "[[route]]\nname = \"sams\"\nagent = [\"a\", \"b\"]\nto = [\"sam\"]",
            "The rule sams asks",
        ),
        reason(
            "sign-off gate",
            json!({"sign_off_gates": [{"id": "g", "role": "Compliance"}]}),
            "",
            "sign-off gates",
        ),
    ]
}

/// `a` hands to `b` and `c`, `b` to `c`.
fn rig(policy: &str) -> Rig {
    let one = |id: &str, hands_to: &[&str]| Participant {
        id: id.to_owned(),
        hands_to: hands_to.iter().map(|to| (*to).to_owned()).collect(),
        hears: true,
        ..Participant::default()
    };
    let mesh = Mesh {
        participants: vec![one("a", &["b", "c"]), one("b", &["c"]), one("c", &[])],
        acknowledge_within: std::time::Duration::from_mins(5),
        max_hops: 8,
        ..Mesh::default()
    };
    let strict = Contract {
        name: "strict".to_owned(),
        version: (1, 0),
        purpose: None,
        schema: json!({"type": "object"}),
        file: String::new(),
        from: None,
        to: None,
        task: None,
        reads: Vec::new(),
        max_bytes: None,
        checks: Vec::new(),
        confidence_floor: Some(0.9),
        progress_from: None,
        result_confidence: None,
    };
    let mut rig = Rig::with(Settings {
        mesh: Arc::new(mesh),
        contracts: Arc::new(Contracts::new(vec![strict])),
        watches_results: policy.contains("[[trigger]]"),
        roles: Arc::new(BTreeMap::from([(
            "compliance".to_owned(),
            BTreeSet::from(["sam".to_owned()]),
        )])),
        ..Settings::default()
    });
    rig.with_policy(&format!("{PEOPLE}{policy}"));
    rig
}

fn document(more: &[&Value]) -> String {
    let mut document = json!({
        "handoff_version": "1.0", "from_agent": "a", "to_agent": "b", "task": "t", "task_id": "t-1",
    });
    for (name, value) in more.iter().filter_map(|more| more.as_object()).flatten() {
        document[name] = value.clone();
    }
    document.to_string()
}

fn go_on(rig: &Rig) {
    rig.apply_policy();
    rig.round();
    rig.apply_policy();
    rig.round();
}

fn answer(rig: &Rig, hop: &str, answer: &Value) {
    let agent = if hop == "H-1.2" { "c" } else { "b" };
    let mut document = json!({"answer_version": "1.0"});
    for (name, value) in answer.as_object().unwrap() {
        document[name] = value.clone();
    }
    rig.deliver(
        &format!("agents/{agent}/{hop}.answer.json"),
        document.to_string(),
    );
    go_on(rig);
}

/// The doors by which a stated receiver is reached. Each gives the agent that must not get the work.
type Door = fn(&Rig, &Value) -> &'static str;

fn by_file(rig: &Rig, more: &Value) -> &'static str {
    rig.deliver("work/handoff.json", document(&[more]));
    "b"
}

fn by_inbox(rig: &Rig, more: &Value) -> &'static str {
    rig.write("staging/p/handoff.json", document(&[more]));
    rig.make_folder("inbox/a");
    rig.rename("staging/p", "inbox/a/p");
    rig.look("inbox/a/p/handoff.json");
    "b"
}

/// The command line sends the same request.
fn by_http(rig: &Rig, more: &Value) -> &'static str {
    rig.make_folder("work");
    rig.submit("work", &document(&[more]), &[]).unwrap();
    "b"
}

/// The receiver of an earlier hop hands on.
fn by_hop(rig: &Rig, more: &Value) -> &'static str {
    rig.deliver("work/handoff.json", document(&[]));
    go_on(rig);
    // A rule for everything that `a` hands over, or a lot, stops the first hop already.
    if rig.card().stopped().is_none() {
        answer(rig, "H-1.1", &json!({"answer": "accept"}));
        let on = json!({"from_agent": "b", "to_agent": "c", "completed": ["half"]});
        rig.deliver("agents/b/on/handoff.json", document(&[&on, more]));
    }
    "c"
}

/// A rule of the operator hands on, where the document names nobody.
fn by_rule(rig: &Rig, more: &Value) -> &'static str {
    let nobody = json!({"to_agent": {"id": "team", "kind": "human"}});
    rig.deliver("work/handoff.json", document(&[&nobody, more]));
    "b"
}

fn assert_held(rig: &Rig, case: &str, agent: &str, says: &str) {
    go_on(rig);
    let card = rig.card();
    let offered = |card: &Card| {
        let mut hops = card.hops.iter();
        hops.any(|hop| hop.offered.to == agent)
    };
    assert!(!offered(&card), "{case}: offered");
    let stop = card
        .stopped()
        .unwrap_or_else(|| panic!("{case}: no person is asked"));
    assert!(
        stop.stopped.text.contains(says),
        "{case}: {}",
        stop.stopped.text
    );
    assert_eq!(card.state.name(), "waiting", "{case}");
    let routing = card
        .routing
        .as_ref()
        .unwrap_or_else(|| panic!("{case}: nobody is asked"));
    assert!(!routing.asked.is_empty(), "{case}");
    // What `route test` would say is what holds.
    let who = Caller::Person(maya());
    let report = rig.desk().route_test(&who, card.id);
    let report = rig.wait(report).unwrap();
    assert!(report.hold.is_some(), "{case}: {report:?}");
    // The sender hears the same.
    let at = &card.newest().accepted.at;
    let folder = if at.folder.starts_with("inbox") {
        format!(".countersign/{}", at.folder)
    } else {
        at.folder.clone()
    };
    if at.file.is_empty() {
        return;
    }
    let ack = rig.json(&format!("{folder}/handoff.ack.json"));
    assert_eq!(
        (&ack["status"], &ack["note"]),
        (&json!("stopped"), &json!(stop.stopped.text)),
        "{case}"
    );
}

#[test]
fn every_reason_holds_at_every_door() {
    let doors: [(&str, Door); 4] = [
        ("file", by_file),
        ("inbox", by_inbox),
        ("http", by_http),
        ("hop", by_hop),
    ];
    for reason in reasons() {
        for (name, door) in doors {
            let rig = rig(reason.policy);
            let agent = door(&rig, &reason.document);
            assert_held(
                &rig,
                &format!("{} by {name}", reason.name),
                agent,
                reason.says,
            );
        }
    }
}

#[test]
fn rules_that_hand_on_wait_for_people() {
    let line = "[[route]]\nname = \"line\"\nto = [\"agent:b\", \"agent:c\", \"maya\"]\n";
    for reason in reasons()
        .into_iter()
        .filter(|one| !one.policy.contains("[[route]]"))
    {
        let rig = rig(&format!("{}\n{line}", reason.policy));
        let agent = by_rule(&rig, &reason.document);
        go_on(&rig);
        let card = rig.card();
        let case = format!("{} by rule", reason.name);
        assert!(card.hops.is_empty(), "{case}: {agent}");
        let stop = card
            .stopped()
            .unwrap_or_else(|| panic!("{case}: no person is asked"));
        assert!(
            stop.stopped.text.contains(reason.says),
            "{case}: {}",
            stop.stopped.text
        );
    }
}

#[test]
fn a_rule_may_answer_the_trigger_it_names() {
    let rig =
        rig("[[route]]\nname = \"fix\"\ntrigger = [\"error\"]\nto = [\"agent:b\", \"maya\"]\n");
    by_rule(&rig, &json!({"trigger": "error"}));
    go_on(&rig);
    assert_eq!(rig.card().hops[0].offered.to, "b");
}

#[test]
fn work_without_a_reason_goes_on() {
    for more in [
        json!({}),
        json!({"confidence": 0.8}),
        json!({"status": "in_progress"}),
    ] {
        for door in [by_file as Door, by_inbox, by_http] {
            let rig = rig("");
            door(&rig, &more);
            go_on(&rig);
            assert_eq!(rig.card().hops.len(), 1, "{more}");
            assert_eq!(rig.count("transfer.stopped"), 0);
            assert_eq!(rig.count("handoff.routed"), 0, "nobody is told");
        }
    }
}

#[test]
fn approval_carries_the_hop_out() {
    let rig = rig("");
    by_file(&rig, &json!({"confidence": 0.1}));
    go_on(&rig);
    let card = rig.card();
    rig.decide(card.id, Outcome::Approved).unwrap();
    go_on(&rig);
    let card = rig.card();
    assert_eq!(card.hops[0].offered.to, "b");
    assert_eq!(card.state.name(), "with_agent");
    // What comes next asks again: the approval was for this revision.
    answer(
        &rig,
        "H-1.1",
        &json!({"answer": "decline", "reason": "out_of_scope"}),
    );
    assert_eq!(rig.count("transfer.stopped"), 1);
    rig.deliver(
        "work/handoff.json",
        document(&[&json!({"confidence": 0.2, "completed": ["x"]})]),
    );
    go_on(&rig);
    assert_eq!(rig.count("transfer.stopped"), 2);
}

#[test]
fn rejection_keeps_the_agent_out() {
    let rig = rig("");
    by_file(&rig, &json!({"trigger": "critical_action"}));
    go_on(&rig);
    rig.decide(rig.card().id, Outcome::Rejected).unwrap();
    go_on(&rig);
    assert!(rig.card().hops.is_empty());
}

#[test]
fn fallback_to_another_agent_is_held() {
    for stop in ["decline", "time"] {
        let mut rig = rig("");
        let fallback = json!({"fallback": {"action": "reroute", "to": "c", "after_seconds": 240}});
        rig.deliver("work/handoff.json", document(&[&fallback]));
        go_on(&rig);
        assert_eq!(rig.card().hops.len(), 1);
        // The operator wants people from now on.
        rig.with_policy(&format!(
            "{PEOPLE}[[route]]\nname = \"sams\"\nto = [\"sam\"]"
        ));
        match stop {
            "decline" => answer(
                &rig,
                "H-1.1",
                &json!({"answer": "decline", "reason": "other"}),
            ),
            _ => rig.clock.advance(std::time::Duration::from_mins(6)),
        }
        assert_held(&rig, stop, "c", "The rule sams asks");
    }
}

#[test]
fn results_meet_the_triggers_of_the_operator() {
    let triggers = [
        ("on = \"confidence\"\nfloor = 0.99", "0.99 floor"),
        ("on = \"sensitive\"\npattern = \"salary\"", "`t`"),
        ("on = \"sample\"\nshare = 1.0\nagent = [\"b\"]", "lot"),
    ];
    for (trigger, says) in triggers {
        let mut rig = rig(&format!("[[trigger]]\nname = \"t\"\n{trigger}"));
        rig.deliver("work/handoff.json", document(&[]));
        go_on(&rig);
        // Nothing speaks against the hop itself.
        assert_eq!(rig.card().hops.len(), 1, "{trigger}");
        let done = json!({"answer": "complete", "confidence": 0.9, "note": "the salary list"});
        rig.restart();
        answer(&rig, "H-1.1", &done);
        let stop = rig.card().stopped().cloned().expect(trigger);
        assert!(stop.stopped.text.contains(says), "{}", stop.stopped.text);
        rig.decide(rig.card().id, Outcome::Approved).unwrap();
        go_on(&rig);
        assert_eq!(rig.card().state.name(), "completed", "{trigger}");
    }
    let rig = rig("[[trigger]]\nname = \"t\"\non = \"sensitive\"\npattern = \"salary\"");
    rig.deliver("work/handoff.json", document(&[]));
    go_on(&rig);
    answer(&rig, "H-1.1", &json!({"answer": "complete"}));
    assert_eq!(rig.card().state.name(), "completed");
    assert_eq!(rig.count("transfer.result_passed"), 1);
    assert_eq!(rig.count("transfer.stopped"), 0);
}

#[test]
fn no_rule_passes_what_was_stopped() {
    // The rule lets finished work pass; it must not answer in the place of the person who is asked.
    let passes = "[[route]]\nname = \"pass\"\nto = [\"sam\"]\nprogress = true\nsample = 0.000001\n";
    let rig = rig(passes);
    rig.deliver("work/handoff.json", document(&[]));
    go_on(&rig);
    assert_eq!(rig.card().hops.len(), 1, "the hop itself may pass");
    answer(
        &rig,
        "H-1.1",
        &json!({"answer": "complete", "confidence": 0.1}),
    );
    assert_eq!(rig.card().state.name(), "waiting");
    assert_eq!(rig.count("handoff.progressed"), 0);
    rig.decide(rig.card().id, Outcome::Approved).unwrap();
    go_on(&rig);
    assert_eq!(rig.count("transfer.result_passed"), 1);
}

#[test]
fn unsure_results_wait_for_a_person() {
    let expects = json!({"expected_output": {"schema": {"type": "object"}}});
    let done = |confidence: f64| json!({"answer": "complete", "result": {"score": 7}, "confidence": confidence});
    let handed = || {
        let rig = rig("");
        rig.deliver("work/handoff.json", document(&[&expects]));
        go_on(&rig);
        answer(&rig, "H-1.1", &json!({"answer": "accept"}));
        rig
    };
    let rig = handed();
    answer(&rig, "H-1.1", &done(0.8));
    assert_eq!(rig.card().state.name(), "completed");
    assert_eq!(rig.json("work/handoff.result.json")["result"]["score"], 7);

    for (outcome, state, comes) in [
        (Outcome::Approved, "completed", true),
        (Outcome::Rejected, "rejected", false),
    ] {
        let mut rig = handed();
        answer(&rig, "H-1.1", &done(0.74));
        let card = rig.card();
        assert_eq!(card.state.name(), "waiting");
        assert_eq!(card.hops[0].stage, HopStage::InReview);
        assert!(card.routing.is_some(), "a person is asked");
        assert_eq!(rig.json("work/handoff.ack.json")["status"], "stopped");
        assert_eq!(rig.json("work/handoff.ack.json")["reason"], "unsure_result");
        assert!(!rig.exists("work/handoff.result.json"));
        rig.restart();
        rig.decide(card.id, outcome).unwrap();
        rig.restart();
        go_on(&rig);
        go_on(&rig);
        let card = rig.card();
        assert_eq!(card.state.name(), state);
        assert_eq!(rig.exists("work/handoff.result.json"), comes);
        assert_eq!(rig.count("transfer.result_passed"), usize::from(comes));
    }
}

#[test]
fn who_answers_for_a_held_result_sees_its_files() {
    let rig = rig("");
    rig.deliver(
        "work/handoff.json",
        document(&[&json!({"expected_output": {"schema": {"type": "object"}}})]),
    );
    go_on(&rig);
    answer(&rig, "H-1.1", &json!({"answer": "accept"}));
    rig.write("agents/b/report.md", "Pay 7 to nobody.\n");
    rig.write("agents/b/data.bin", [0, 1, 2]);
    let done = json!({"answer": "complete", "confidence": 0.7, "result": {"score": 7},
        "artifacts": ["report.md", "data.bin"]});
    answer(&rig, "H-1.1", &done);
    let id = rig.card().id;
    let person = Caller::Person(maya());
    let review = rig
        .wait(rig.desk().review(&person, id, None, None))
        .unwrap();
    let result = review.result.unwrap();
    assert!(
        result.document.contains("\"complete\""),
        "{}",
        result.document
    );
    let texts: BTreeMap<_, _> = result
        .files
        .iter()
        .map(|file| (&*file.path, file.text.as_deref()))
        .collect();
    let expected = [
        ("data.bin", None),
        ("report.md", Some("Pay 7 to nobody.\n")),
    ];
    assert_eq!(texts, BTreeMap::from(expected));
    let open = |who: &Caller, hop, path| rig.wait(rig.desk().result_file(who, id, hop, path));
    assert_eq!(open(&person, 1, "data.bin").unwrap().open.size, 3);
    assert!(open(&person, 2, "data.bin").is_err());
    assert!(open(&person, 1, "other").is_err());
    rig.decide(id, Outcome::Rejected).unwrap();
    go_on(&rig);
    assert!(
        open(&person, 1, "data.bin").is_err(),
        "nothing waits any more"
    );
}
