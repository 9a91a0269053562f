//! The rules of policy, one by one.

use std::sync::Arc;

use countersign_protocol::{Digest, event::Stalled, problem::Violation};
use jiff::Timestamp;

use super::*;
use crate::testing::accepted;

const RULES: Rules<'static> = Rules {
    confidence_floor: 0.80,
    class: "internal",
};

#[test]
fn what_nothing_speaks_against_is_low_and_says_why_a_person_is_asked() {
    let verdict = assess(&accepted(|_| {}), RULES, false);
    assert_eq!(verdict.level, Level::Low);
    assert_eq!(verdict.reasons, ["No rule raised it"]);
    assert_eq!(
        verdict.why,
        "Finished; this workspace asks a person before work is released"
    );
    assert_eq!(
        assess(&accepted(|_| {}), RULES, true).why,
        "It came back with the changes you asked for"
    );
}

#[test]
fn each_rule_raises_the_risk_and_names_itself() {
    let stalled = Stalled {
        checkpoint: Digest::ZERO,
        step: 3,
        last_seen: Timestamp::UNIX_EPOCH,
        process_gone: true,
    };
    let unseen = Violation {
        code: "invisible_characters".to_owned(),
        pointer: "/summary".to_owned(),
        line: 1,
        column: 1,
        message: String::new(),
        fix: None,
    };
    let cases: Vec<(Accepted, Level, &str)> = vec![
        (
            accepted(|a| a.confidence = Some(0.79)),
            Level::High,
            "0.79 is under the 0.80 floor",
        ),
        (
            accepted(|a| a.trigger = Trigger::CriticalAction),
            Level::High,
            "cannot be undone",
        ),
        (
            accepted(|a| a.trigger = Trigger::Sensitive),
            Level::High,
            "sensitive",
        ),
        (
            accepted(|a| a.trigger = Trigger::Error),
            Level::Medium,
            "could not go on",
        ),
        (
            accepted(|a| a.stalled = Some(stalled)),
            Level::Medium,
            "fell silent",
        ),
        (
            accepted(|a| Arc::make_mut(&mut a.manifest.entries[0]).declared = false),
            Level::Medium,
            "1 file came without being named",
        ),
        (
            accepted(|a| Arc::make_mut(&mut a.manifest.entries[0]).executable = true),
            Level::Medium,
            "1 file can be run",
        ),
        (
            accepted(|a| a.warnings.push(unseen)),
            Level::Medium,
            "cannot be seen",
        ),
    ];
    for (accepted, level, reason) in cases {
        let verdict = assess(&accepted, RULES, false);
        assert_eq!(verdict.level, level, "{reason}");
        assert!(
            verdict.reasons.iter().any(|one| one.contains(reason)),
            "{reason}: {:?}",
            verdict.reasons
        );
    }
}

#[test]
fn the_floor_itself_is_not_under_the_floor_and_no_statement_is_no_number() {
    for confidence in [Some(0.80), Some(1.0), None] {
        let verdict = assess(&accepted(|a| a.confidence = confidence), RULES, false);
        assert_eq!(verdict.level, Level::Low, "{confidence:?}");
        assert!(!verdict.why.contains("floor"), "{confidence:?}");
    }
}

#[test]
fn a_confidential_workspace_is_never_low() {
    for (class, level) in [
        ("public", Level::Low),
        ("internal", Level::Low),
        ("confidential", Level::Medium),
        ("restricted", Level::Medium),
    ] {
        assert_eq!(
            assess(&accepted(|_| {}), Rules { class, ..RULES }, false).level,
            level,
            "{class}"
        );
    }
}

#[test]
fn every_answer_says_what_it_does_and_none_approves_by_waiting() {
    let effects = effects(&accepted(|a| a.due = Some(Timestamp::UNIX_EPOCH)));
    let text = |answer: &str| {
        effects
            .iter()
            .find(|effect| effect.answer == answer)
            .unwrap()
            .text
            .as_str()
    };
    assert!(text("approve").starts_with("1 file is released to approved/H-7/"));
    assert!(text("changes").contains("revision 2"));
    assert!(text("reject").contains("closed"));
    assert!(text("none").ends_with("It is never approved by timeout."));
    let without_files = super::effects(&accepted(|a| a.manifest.entries.clear()));
    assert!(without_files[0].text.contains("no files"));
}
