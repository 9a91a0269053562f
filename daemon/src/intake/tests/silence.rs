//! Checkpoints are kept, and an agent that falls silent becomes a card.

use std::time::Duration;

use countersign_protocol::{Digest, HandoffId, principal::Principal};
use jiff::ToSpan as _;
use serde_json::json;

use crate::{
    clock::Clock as _,
    testing::{DeadProcesses, Rig, WORKSPACE, handoff},
};

fn checkpoint(step: u64, more: serde_json::Value) -> String {
    let mut document = json!({
        "checkpoint_version": "1.0", "from_agent": "hermes", "task_id": "T-1", "step": step,
        "title": format!("step {step}"), "completed": ["one"], "remaining": ["two"],
        "heartbeat_seconds": 10,
    });
    document
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    document.to_string()
}

fn look_for_silence(rig: &Rig) {
    rig.wait(rig.intake().look_for_silence(&DeadProcesses));
    rig.round();
}

#[test]
fn every_version_of_a_checkpoint_is_kept_once() {
    let rig = Rig::new();
    for step in [1, 1, 2, 3] {
        rig.deliver("run/checkpoint.json", checkpoint(step, json!({})));
    }
    assert_eq!(rig.count("checkpoint.saved"), 3);
    for step in 1..=3 {
        let sha256 = Digest::of(checkpoint(step, json!({})).as_bytes());
        assert!(rig.ledger().object(sha256).unwrap().is_some(), "{step}");
    }
    let sent = countersign_protocol::event::Location {
        workspace: WORKSPACE.to_owned(),
        folder: "run".to_owned(),
        file: "checkpoint.json".to_owned(),
    };
    let same = checkpoint(3, json!({})).into_bytes();
    let kept = rig
        .intake()
        .keep_checkpoint(sent.clone(), same, Principal::Operator);
    rig.wait(kept).unwrap();
    assert_eq!(rig.count("checkpoint.saved"), 3);

    let escaping = countersign_protocol::event::Location {
        folder: "../outside".to_owned(),
        ..sent
    };
    let next = checkpoint(4, json!({})).into_bytes();
    let kept = rig
        .intake()
        .keep_checkpoint(escaping, next, Principal::Operator);
    assert!(rig.wait(kept).is_err());
}

#[test]
fn silence_for_three_heartbeats_makes_a_card_that_says_where_it_stopped() {
    let rig = Rig::new();
    rig.deliver("run/checkpoint.json", checkpoint(4, json!({})));
    rig.clock.advance(Duration::from_secs(30));
    look_for_silence(&rig);
    assert_eq!(rig.cards().len(), 0, "not yet");
    rig.clock.advance(Duration::from_secs(1));
    look_for_silence(&rig);
    look_for_silence(&rig);
    let card = rig.card();
    let accepted = &card.newest().accepted;
    assert_eq!(accepted.title, "hermes stopped after step 4: step 4");
    let stalled = accepted.stalled.as_ref().unwrap();
    assert_eq!((stalled.step, stalled.process_gone), (4, false));
    let document = rig
        .ledger()
        .object(accepted.manifest.document)
        .unwrap()
        .unwrap();
    let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
    assert_eq!(document["remaining"], json!(["two"]));
}

#[test]
fn a_sign_of_life_in_its_folder_or_below_is_no_silence() {
    let rig = Rig::new();
    rig.deliver("run/checkpoint.json", checkpoint(4, json!({})));
    for folder in ["run", "run/deep", "run"] {
        rig.clock.advance(Duration::from_secs(25));
        rig.intake().activity(WORKSPACE, folder);
        look_for_silence(&rig);
    }
    assert_eq!(rig.cards().len(), 0);
    rig.clock.advance(Duration::from_secs(31));
    rig.intake().activity(WORKSPACE, "runner");
    look_for_silence(&rig);
    assert_eq!(rig.cards().len(), 1, "the folder beside it says nothing");
}

#[test]
fn a_jump_of_the_wall_clock_makes_nobody_silent() {
    let rig = Rig::new();
    rig.deliver("run/checkpoint.json", checkpoint(4, json!({})));
    rig.clock.jump(rig.clock.now() + 48.hours());
    look_for_silence(&rig);
    assert_eq!(rig.cards().len(), 0);
    rig.clock.jump("2020-01-01T00:00:00Z".parse().unwrap());
    rig.clock.advance(Duration::from_secs(31));
    look_for_silence(&rig);
    assert_eq!(rig.cards().len(), 1, "nor does it hide a silence");
}

#[test]
fn what_happened_while_the_daemon_was_away_is_no_silence() {
    let mut rig = Rig::new();
    rig.deliver("run/checkpoint.json", checkpoint(4, json!({})));
    rig.clock.advance(Duration::from_hours(1));
    rig.restart();
    look_for_silence(&rig);
    assert_eq!(rig.cards().len(), 0);
}

#[test]
fn a_process_that_is_gone_is_noticed_without_a_heartbeat() {
    let rig = Rig::new();
    let own = json!({ "pid": std::process::id(), "heartbeat_seconds": 3600 });
    rig.deliver("run/checkpoint.json", checkpoint(4, own));
    rig.wait(rig.intake().look_for_silence(&crate::process::ProcessTable));
    assert_eq!(rig.cards().len(), 0, "this process lives");
    look_for_silence(&rig);
    assert_eq!(rig.cards().len(), 0, "its handoff may be on its way");
    rig.clock.advance(Duration::from_secs(2));
    look_for_silence(&rig);
    let stalled = rig.card().newest().accepted.stalled.clone().unwrap();
    assert!(stalled.process_gone);
}

#[test]
fn an_agent_that_comes_back_takes_its_card_back() {
    let rig = Rig::new();
    for (file, document) in [
        ("run/checkpoint.json", checkpoint(5, json!({}))),
        ("run/handoff.json", handoff("Write it", &[])),
    ] {
        let before = rig.cards().len();
        rig.deliver("run/checkpoint.json", checkpoint(4, json!({"title": file})));
        rig.clock.advance(Duration::from_secs(31));
        look_for_silence(&rig);
        let silent = rig.cards()[before].clone();
        assert_eq!(silent.state.name(), "waiting");
        rig.deliver(file, document);
        let state = rig.ledger().state().card(silent.id).unwrap().state.clone();
        assert_eq!(state.name(), "withdrawn", "{file}");
    }
    assert_eq!(rig.cards().last().unwrap().id, HandoffId(3));
}

#[test]
fn who_handed_over_or_finished_is_not_silent() {
    let rig = Rig::new();
    rig.deliver(
        "done/checkpoint.json",
        checkpoint(4, json!({"status": "completed"})),
    );
    rig.deliver("run/checkpoint.json", checkpoint(4, json!({})));
    rig.deliver("run/handoff.json", handoff("Write it", &[]));
    // Its last checkpoint may be looked at after the handoff.
    rig.deliver("run/checkpoint.json", checkpoint(5, json!({})));
    rig.clock.advance(Duration::from_hours(1));
    look_for_silence(&rig);
    assert_eq!(rig.cards().len(), 1);
    assert_eq!(rig.count("agent.stalled"), 0);
}

#[test]
fn a_broken_checkpoint_is_told_and_a_good_one_heals_it() {
    let rig = Rig::new();
    rig.deliver("run/checkpoint.json", "{}");
    assert_eq!(rig.dead_letters(), 1);
    assert!(rig.exists("run/handoff.errors.json"));
    rig.deliver("run/checkpoint.json", checkpoint(1, json!({})));
    assert_eq!(rig.dead_letters(), 0);
    assert!(!rig.exists("run/handoff.errors.json"));
}
