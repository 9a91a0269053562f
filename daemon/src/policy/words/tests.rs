//! The words of rules.

use countersign_protocol::{Digest, HandoffId, routing::Fired, terms::RuleTerms};
use jiff::Timestamp;

use super::*;
use crate::testing::catalog;

fn routed(rule: &str, fired: &[(&str, &str)]) -> Routed {
    Routed {
        handoff: HandoffId(1),
        revision: 1,
        rule: rule.to_owned(),
        why: String::new(),
        policy_sha256: Digest::ZERO,
        triggers: fired
            .iter()
            .map(|(kind, why)| Fired {
                rule: (*kind).to_owned(),
                kind: (*kind).to_owned(),
                why: (*why).to_owned(),
            })
            .collect(),
        risk: "low".to_owned(),
        reasons: Vec::new(),
        asked: Vec::new(),
        since: Timestamp::UNIX_EPOCH,
        due: None,
        ladder: Vec::new(),
        held: false,
        digest: false,
        late: false,
        sampled: false,
        approval: None,
        terms: RuleTerms::default(),
    }
}

#[test]
fn why_now_is_what_the_rules_say() {
    let finished = "Finished; this workspace asks a person before work is released";
    let done = ("completion", "The work is finished");
    let floor = (
        "confidence",
        "Stated confidence 0.70 is under the 0.95 floor",
    );
    let step = ("step", "It has come to the step sign-off");
    for (routed, why) in [
        (routed(DEFAULT, &[done]), finished),
        (
            routed("docs", &[done]),
            "Finished; the rule docs asks for a person",
        ),
        (routed(DEFAULT, &[floor, done]), floor.1),
        (
            routed("payments", &[floor, done, step]),
            "Stated confidence 0.70 is under the 0.95 floor; it has come to the step sign-off",
        ),
        (
            Routed {
                sampled: true,
                ..routed("routine", &[done])
            },
            "Drawn as a sample of what the rule routine lets pass: read it closely",
        ),
    ] {
        assert_eq!(why_asked(&routed, finished), why);
    }
}

#[test]
fn people_are_named_as_people_know_them() {
    let catalog = catalog(
        "[[person]]\nid = \"maya\"\nname = \"Maya Okafor\"\n[[person]]\nid = \"sam\"\nname = \"Sam Ito\"\n\
             [[group]]\nid = \"eds\"\nname = \"Editors\"\nmembers = [\"maya\", \"sam\"]\n",
    );
    let asked = |target: &str, people: &[&str]| Asked {
        target: target.to_owned(),
        people: people.iter().map(|id| (*id).to_owned()).collect(),
        notes: Vec::new(),
    };
    for (asked, name) in [
        (vec![], "nobody"),
        (vec![asked("person:maya", &["maya"])], "Maya Okafor"),
        (vec![asked("group:eds", &["maya", "sam"])], "Editors"),
        (
            vec![
                asked("oncall:data", &["sam"]),
                asked("person:maya", &["maya"]),
            ],
            "Sam Ito (on call for data), Maya Okafor",
        ),
    ] {
        assert_eq!(names(&asked, &|id| catalog.display(id)), name);
    }
}
