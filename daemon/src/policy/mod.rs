//! Why a person is asked, how careful to be, and what each answer does. Pure: facts in, words out.
//!
//! Nothing here believes the agent: what it states is an input to a rule, and the rule is ours.

pub mod deadline;
mod gates;
mod hold;
mod plan;
pub mod reasons;
pub mod routing;
pub mod stage;
pub mod trigger;
pub mod words;
pub mod work;

use std::fmt::Write as _;

use countersign_protocol::{
    event::Accepted, handoff::Trigger, principal::Principal, routing::Routed,
};

pub use plan::{Asking, DEFAULT, Plan, plan};
pub use stage::Stage;
pub use work::class_of;

pub use crate::config::Level;
use crate::config::{self, Scope, Setting, TriggerKind};

/// Said where nothing speaks against a revision.
const NO_RULE: &str = "No rule raised it";

/// The verdict about one revision.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// Why a person is asked now, one line.
    pub why: String,
    /// How careful to be.
    pub level: Level,
    /// One line for each rule that fired.
    pub reasons: Vec<String>,
}

impl Assessment {
    /// The same as the rules of the operator set it, once they have looked.
    #[must_use]
    pub fn ruled(mut self, routed: &Routed) -> Self {
        self.why = words::why_asked(routed, &self.why);
        self.level = Level::named(&routed.risk).unwrap_or(self.level);
        if !routed.reasons.is_empty() {
            self.reasons.clone_from(&routed.reasons);
        }
        self
    }
}

/// What the workspace says.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Stated confidence under which a person is always asked.
    pub confidence_floor: f64,
    /// Data class.
    pub class: &'a str,
}

/// Assesses a revision. `revised` says that it answers a request for changes.
pub fn assess(accepted: &Accepted, rules: Rules<'_>, revised: bool) -> Assessment {
    let mut level = Level::Low;
    let mut reasons = Vec::new();
    // The words are made for a rule that fires: a queue asks this of each of its rows.
    let mut rule = |fires: bool, at_least: Level, reason: &dyn Fn() -> String| {
        if fires {
            level = level.max(at_least);
            reasons.push(reason());
        }
    };
    let floor = rules.confidence_floor;
    let under = accepted
        .confidence
        .is_some_and(|confidence| confidence < floor);
    let stated = accepted.confidence.unwrap_or_default();
    rule(under, Level::High, &|| {
        format!("Stated confidence {stated:.2} is under the {floor:.2} floor")
    });
    rule(
        accepted.trigger == Trigger::CriticalAction,
        Level::High,
        &|| "The next step is named as one that cannot be undone".to_owned(),
    );
    rule(accepted.trigger == Trigger::Sensitive, Level::High, &|| {
        "The topic is named as sensitive".to_owned()
    });
    rule(
        matches!(accepted.trigger, Trigger::Error),
        Level::Medium,
        &|| "The agent could not go on by itself".to_owned(),
    );
    rule(accepted.stalled.is_some(), Level::Medium, &|| {
        "The agent fell silent".to_owned()
    });
    rule(!accepted.violated.is_empty(), Level::High, &|| {
        "Approved work was changed by somebody other than the daemon".to_owned()
    });
    rule(
        rules.class == "restricted" || rules.class == "confidential",
        Level::Medium,
        &|| format!("The workspace is {}", rules.class),
    );
    let undeclared = accepted
        .manifest
        .entries
        .iter()
        .filter(|entry| !entry.declared)
        .count();
    rule(undeclared > 0, Level::Medium, &|| {
        count(undeclared, "file came", "files came") + " without being named"
    });
    let runnable = accepted
        .manifest
        .entries
        .iter()
        .filter(|entry| entry.executable)
        .count();
    rule(runnable > 0, Level::Medium, &|| {
        count(runnable, "file can", "files can") + " be run"
    });
    let invisible = accepted
        .warnings
        .iter()
        .any(|warning| warning.code == "invisible_characters");
    rule(invisible, Level::Medium, &|| {
        "The text holds characters that cannot be seen".to_owned()
    });
    if reasons.is_empty() {
        reasons.push(NO_RULE.to_owned());
    }
    Assessment {
        why: why(accepted, under, floor, revised),
        level,
        reasons,
    }
}

fn why(accepted: &Accepted, under: bool, floor: f64, revised: bool) -> String {
    let stated = accepted.confidence.unwrap_or_default();
    let mut why = match (&accepted.stalled, accepted.trigger) {
        (Some(stalled), _) if stalled.process_gone => format!(
            "The agent’s process is gone; step {} was its last",
            stalled.step
        ),
        (Some(stalled), _) => format!("The agent fell silent after step {}", stalled.step),
        _ if !accepted.violated.is_empty() => {
            "Somebody changed approved work; it was put right".to_owned()
        }
        (None, Trigger::CriticalAction) => "It asks before a step that cannot be undone".to_owned(),
        (None, Trigger::Error) => "It stopped with an error and needs a choice".to_owned(),
        (None, Trigger::Sensitive) => "It met a sensitive topic".to_owned(),
        (None, Trigger::Policy) => "A rule sends it to a person".to_owned(),
        (None, Trigger::SessionEnd) => "Its session is over and work remains".to_owned(),
        (None, Trigger::Manual) => "Somebody asked for a look".to_owned(),
        (None, Trigger::Confidence) if !under => {
            "It is not sure enough by its own measure".to_owned()
        }
        (None, Trigger::Confidence | Trigger::Completion) if under => {
            return format!("Confidence {stated:.2} is under this workspace’s {floor:.2} floor");
        }
        (None, Trigger::Confidence | Trigger::Completion) if revised => {
            "It came back with the changes you asked for".to_owned()
        }
        (None, Trigger::Confidence | Trigger::Completion) => {
            "Finished; this workspace asks a person before work is released".to_owned()
        }
    };
    if under {
        let _ = write!(
            why,
            ", and confidence {stated:.2} is under the {floor:.2} floor"
        );
    }
    why
}

/// The built-in trigger of a kind; `None` for those that need settings.
fn built_in(kind: TriggerKind) -> Option<config::Trigger> {
    let needs_settings = matches!(
        kind,
        TriggerKind::Step | TriggerKind::FileChanged | TriggerKind::Sample
    );
    if needs_settings {
        return None;
    }
    Some(config::Trigger {
        name: Setting::default("builtin".parse().ok()?),
        kind: Setting::default(kind),
        scope: Scope::default(),
        floor: None,
        pattern: None,
        names: Vec::new(),
        share: 0.0,
        risk: None,
        raise: None,
        quiet: Setting::default(config::Span(std::time::Duration::ZERO)),
    })
}

/// The risk without the floor of the workspace, where the configuration sets floors of its own.
fn built_in_level(accepted: &Accepted, work: &work::Work) -> Level {
    let rules = Rules {
        confidence_floor: 0.0,
        class: &work.class,
    };
    assess(accepted, rules, false).level
}

/// What an answer does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// `approve`, `changes`, `reject`, `respond` or `none`.
    pub answer: &'static str,
    /// What then happens.
    pub text: String,
}

/// What each answer to a pending revision does.
pub fn effects(accepted: &Accepted) -> Vec<Effect> {
    let files = accepted
        .manifest
        .entries
        .iter()
        .filter(|entry| entry.declared && entry.kept)
        .count();
    if !accepted.violated.is_empty() {
        return vec![
            Effect {
                answer: "approve",
                text: "The card is closed. The files are as approved already, and what was foreign stays in the quarantine.".to_owned(),
            },
            Effect {
                answer: "none",
                text: "It keeps waiting. The files are as approved all the same.".to_owned(),
            },
        ];
    }
    let id = accepted.handoff;
    let agent = &accepted.from_agent;
    let approve = match files {
        0 => format!("{agent} is told to go on. There are no files to release."),
        _ => format!(
            "{} released to approved/{id}/ from the sealed copy, and {agent} is told to go on.",
            count(files, "file is", "files are")
        ),
    };
    let overdue = match accepted.due {
        Some(_) => {
            "After the due time it is shown as overdue and keeps waiting. It is never approved by timeout."
        }
        None => "It keeps waiting. It is never approved by timeout.",
    };
    vec![
        Effect {
            answer: "approve",
            text: approve,
        },
        Effect {
            answer: "edit",
            text: format!(
                "The same with your version of a file; {agent} gets what you changed as `decision.patch`, and its own file stays."
            ),
        },
        Effect {
            answer: "changes",
            text: format!(
                "Your words go to {agent}. It keeps its folder and comes back as revision {}.",
                accepted.revision + 1
            ),
        },
        Effect {
            answer: "reject",
            text: format!(
                "The handoff is closed and {agent} is told to stop. Nothing is released or deleted."
            ),
        },
        Effect {
            answer: "respond",
            text: format!("{agent} gets your answer and goes on. Nothing is released."),
        },
        Effect {
            answer: "ignore",
            text: format!(
                "The handoff is closed without a yes or a no, and {agent} goes on without it. Nothing is released."
            ),
        },
        Effect {
            answer: "abstain",
            text:
                "That you abstain is recorded and counts neither way. The others are still asked."
                    .to_owned(),
        },
        Effect {
            answer: "none",
            text: overdue.to_owned(),
        },
    ]
}

/// How the sender is known, one line.
pub fn sender(principal: &Principal) -> String {
    match principal {
        Principal::FileOwner { uid } => format!("name only; the file belongs to user {uid}"),
        Principal::Token { id, agent } => format!("token {id}, made for {agent}"),
        Principal::Person { id } => format!("name only; sent by {id}, who was signed in"),
        Principal::Operator => "name only; sent with the operator’s key".to_owned(),
        Principal::Daemon => "the daemon, which made this by itself".to_owned(),
    }
}

/// `1 file is`, `2 files are`.
fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {many}")
    }
}

#[cfg(test)]
mod scene;
#[cfg(test)]
mod tests;
