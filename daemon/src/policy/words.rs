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
mod tests;
