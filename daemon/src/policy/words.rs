//! What policy found, in words for people: on pages, in messages, and in the list of what happened.

use countersign_protocol::routing::{Asked, Routed, Step, StepKind};

use super::DEFAULT;

/// Gives the name that people know, for a target or the id of a person.
pub type Name<'a> = &'a dyn Fn(&str) -> String;

/// Reasons that are named in one line.
const REASONS: usize = 2;

/// Why a person is asked now, one line. `assessed` is what the facts of the revision say by themselves.
pub fn why_asked(routed: &Routed, assessed: &str) -> String {
    if routed.sampled {
        return format!(
            "Drawn as a sample of what the rule {} lets pass: read it closely",
            routed.rule
        );
    }
    // Finished work is no reason by itself, and what was assessed says it better.
    let fired = routed
        .triggers
        .iter()
        .filter(|one| one.kind != "completion");
    let mut reasons: Vec<&str> = Vec::new();
    for one in fired {
        if !reasons.contains(&one.why.as_str()) {
            reasons.push(&one.why);
        }
    }
    reasons.truncate(REASONS);
    match reasons.split_first() {
        Some((first, rest)) => rest.iter().fold((*first).to_owned(), |line, reason| {
            format!("{line}; {}", lower(reason))
        }),
        None if routed.rule == DEFAULT => assessed.to_owned(),
        None => {
            let first = assessed.split(';').next().unwrap_or(assessed);
            format!("{first}; the rule {} asks for a person", routed.rule)
        }
    }
}

/// A step in words, with whom it asks.
pub fn step(step: &Step, name: Name<'_>) -> String {
    let whom = if step.to.is_empty() {
        "the operator".to_owned()
    } else {
        let names = step.to.iter().map(|to| name(to));
        names.collect::<Vec<_>>().join(", ")
    };
    let text = match step.kind {
        StepKind::Remind => "Whoever is asked is reminded".to_owned(),
        StepKind::Reassign => format!("It goes to {whom} instead"),
        StepKind::Escalate => format!("It goes to {whom} as well"),
        StepKind::Expire => "It is closed as expired and the agent is told to stop".to_owned(),
        StepKind::Reject => "It is rejected and the agent is told to stop".to_owned(),
        StepKind::DeadLetter => "It goes to the dead letters and stays open".to_owned(),
    };
    if step.from == "fallback" {
        text + ", as the handoff asks"
    } else {
        text
    }
}

/// What happens when nobody answers, one line; `None` where no rule says anything.
pub fn otherwise(routed: &Routed, name: Name<'_>) -> Option<String> {
    let steps = routed
        .ladder
        .iter()
        .filter(|one| one.kind != StepKind::Remind);
    let steps: Vec<String> = steps.map(|one| step(one, name)).collect();
    (!steps.is_empty()).then(|| format!("{}. It is never approved by timeout.", steps.join(". ")))
}

/// Names of those who are asked, as people know them.
pub fn names(asked: &[Asked], name: Name<'_>) -> String {
    if asked.is_empty() {
        return "nobody".to_owned();
    }
    let names = asked.iter().map(|one| {
        let target = name(&one.target);
        let people: Vec<String> = one.people.iter().map(|id| name(id)).collect();
        if one.target.starts_with("oncall:") && !people.is_empty() {
            format!("{} ({target})", people.join(", "))
        } else {
            target
        }
    });
    names.collect::<Vec<_>>().join(", ")
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(chars).collect()
    })
}

#[cfg(test)]
mod tests {
    use countersign_protocol::{Digest, HandoffId, routing::Fired};
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
            sampled: false,
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
}
