//! An approval with too little care is refused, and says what is missing.

use countersign_protocol::{Digest, HandoffId, decision::Outcome, place::Place};
use countersign_web::desk::{
    Answer, Caller, Care, Desk as _, DeskError,
    threads::{Remark, ThreadsDesk as _},
};

use crate::{
    testing::{Rig, handoff, maya},
    workspace::{self, Settings},
};

const ONE: HandoffId = HandoffId(1);

fn careful(care: workspace::Care) -> Rig {
    let rig = Rig::with(Settings {
        care,
        ..Settings::default()
    });
    rig.write("a.txt", "words");
    rig.deliver("handoff.json", handoff("Write it", &["a.txt"]));
    rig
}

fn approve(rig: &Rig, care: Care) -> Result<(), String> {
    let answer = Answer {
        care,
        ..rig.answer(ONE, Outcome::Approved)
    };
    match rig.wait(rig.desk().decide(&maya(), ONE, answer)) {
        Ok(_) => Ok(()),
        Err(DeskError::Invalid { field, message }) if field == "care" => Err(message),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn the_number_is_typed_and_the_list_ticked_off() {
    let rig = careful(workspace::Care {
        type_id: Some("low"),
        checklist: vec!["I checked the way back".to_owned()],
        ..workspace::Care::default()
    });
    let told = approve(&rig, Care::default());
    assert_eq!(told.unwrap_err(), "Type H-1 to approve it");
    let typed = Care {
        typed: Some(" h-1 ".to_owned()),
        ..Care::default()
    };
    let told = approve(&rig, typed.clone());
    assert_eq!(told.unwrap_err(), "Tick off “I checked the way back”");
    let checked = vec!["I checked the way back".to_owned()];
    approve(&rig, Care { checked, ..typed }).unwrap();
    let event = serde_json::to_string(rig.events().last().unwrap()).unwrap();
    assert!(
        event.contains("I checked the way back"),
        "it is evidence: {event}"
    );
}

#[test]
fn changed_files_are_viewed_and_threads_resolved_first() {
    let rig = careful(workspace::Care {
        resolve_threads: true,
        view_files: Some("low"),
        ..workspace::Care::default()
    });
    let remark = Remark {
        revision: None,
        place: Place::default(),
        text: "Why?".to_owned(),
    };
    let me = Caller::Person(maya());
    rig.wait(rig.desk().say(&me, ONE, remark)).unwrap();
    let told = approve(&rig, Care::default()).unwrap_err();
    assert!(told.starts_with("View the 1 changed file"), "{told}");
    let bytes = Digest::of(b"words");
    rig.wait(rig.desk().tick(&maya(), ONE, bytes, true))
        .unwrap();
    let told = approve(&rig, Care::default()).unwrap_err();
    assert_eq!(told, "Resolve the 1 open thread first");
    rig.wait(rig.desk().resolve(&maya(), ONE, 1, true)).unwrap();
    approve(&rig, Care::default()).unwrap();
}

#[test]
fn work_of_little_risk_needs_less_and_other_answers_need_nothing() {
    let rig = careful(workspace::Care {
        view_files: Some("high"),
        type_id: Some("high"),
        ..workspace::Care::default()
    });
    approve(&rig, Care::default()).unwrap();
    let rig = careful(workspace::Care {
        type_id: Some("low"),
        ..workspace::Care::default()
    });
    rig.decide(ONE, Outcome::Rejected).unwrap();
}
