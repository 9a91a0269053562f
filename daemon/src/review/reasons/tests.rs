//! Reasons, from the configuration to the file of the agent.

use countersign_protocol::{HandoffId, decision::Outcome};
use countersign_web::desk::{Answer, Caller, Desk as _, DeskError};

use crate::testing::{Rig, handoff, maya};

const ONE: HandoffId = HandoffId(1);

const READY: &str = r#"
[[reason]]
name = "no-source"
words = "{which figure} has no source."
[[reason]]
name = "elsewhere"
words = "Not here."
workspace = ["other*"]
[[reason]]
name = "theirs"
words = "As agreed."
agent = ["hermes"]
answers = ["approve"]
"#;

fn rig() -> Rig {
    let mut rig = Rig::new();
    rig.with_roles(READY);
    rig.write("a.txt", "words");
    rig.deliver("handoff.json", handoff("Write it", &["a.txt"]));
    rig.apply_policy();
    rig
}

fn say(rig: &Rig, outcome: Outcome, reasons: &[&str]) -> Result<(), DeskError> {
    let answer = Answer {
        reasons: reasons.iter().map(|one| (*one).to_owned()).collect(),
        ..rig.answer(ONE, outcome)
    };
    rig.wait(rig.desk().decide(&maya(), ONE, answer)).map(drop)
}

#[test]
fn only_what_is_for_this_work_is_ready() {
    let rig = rig();
    let caller = Caller::Person(maya());
    let review = rig.wait(rig.desk().review(&caller, ONE, None, None));
    let names: Vec<_> = review
        .unwrap()
        .reasons
        .into_iter()
        .map(|one| one.name)
        .collect();
    assert_eq!(names, ["no-source", "theirs"]);
}

#[test]
fn the_agent_gets_the_name_of_the_reason_and_no_other_is_taken() {
    let rig = rig();
    for (outcome, reason) in [
        (Outcome::Rejected, "elsewhere"),
        (Outcome::Rejected, "theirs"),
        (Outcome::Approved, "no-source"),
        (Outcome::Rejected, "nothing"),
    ] {
        let told = say(&rig, outcome, &[reason]);
        let Err(DeskError::Invalid { field, .. }) = told else {
            panic!("{reason}: {told:?}");
        };
        assert_eq!(field, "reasons");
    }
    say(&rig, Outcome::ChangesRequested, &["no-source"]).unwrap();
    rig.round();
    let decision = rig.json("decision.json");
    assert_eq!(decision["reasons"], serde_json::json!(["no-source"]));
}
