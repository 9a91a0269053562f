//! Warns about receivers that a handoff names and that nobody is here.

use countersign_protocol::{
    fallback::{Action, Fallback},
    handoff::Handoff,
    problem::Violation,
};

use super::hop::is_agent;
use crate::workspace::Settings;

/// Fields that are held against an agent that gets the work, and against nothing else.
const FOR_AGENTS: [&str; 3] = [
    "/capabilities_required",
    "/return_contract",
    "/expected_output/schema",
];

/// Returns a warning for a `to_agent` that does not count in this workspace, and for a `fallback` that means nobody.
/// A participant that may not be handed to is refused elsewhere.
pub(super) fn unknown(handoff: &Handoff, settings: &Settings) -> Vec<Violation> {
    let to_agent = handoff.to_agent.as_ref().and_then(|party| {
        let id = &party.id;
        if !is_agent(&handoff.document) {
            return Some(warning(
                "receiver",
                "/to_agent",
                format!("`{id}` is not asked because of it: who is asked follows from the rules of the operator"),
                "Hand to an agent, or leave `to_agent` out.",
            ));
        }
        settings.mesh.is_empty().then(|| {
            warning(
                "receiver",
                "/to_agent",
                format!("`{id}` gets nothing: no agents hand to each other in this workspace, so a person is asked"),
                "Let the operator list it as a `[[participant]]`, or leave `to_agent` out.",
            )
        })
    });
    let fallback = Fallback::of(&handoff.document);
    let fallback = fallback.and_then(|fallback| fallback_to_nobody(&fallback, settings));
    let without_agents = FOR_AGENTS
        .iter()
        .filter(|pointer| settings.mesh.is_empty() && handoff.document.pointer(pointer).is_some())
        .map(|pointer| {
            let message =
                "has no effect: no agents hand to each other in this workspace".to_owned();
            warning("no_effect", pointer, message, "Do not rely on it.")
        });
    to_agent
        .into_iter()
        .chain(fallback)
        .chain(without_agents)
        .collect()
}

fn fallback_to_nobody(fallback: &Fallback, settings: &Settings) -> Option<Violation> {
    if settings.fallback_names.is_empty() {
        return None;
    }
    let to = fallback.receiver()?;
    // Only a task that goes from agent to agent goes on to another one.
    let is_agent = fallback.action == Action::Reroute && settings.mesh.find(to).is_some();
    let is_known = is_agent || settings.knows_receiver(to);
    (!is_known).then(|| {
        warning(
            "fallback",
            "/fallback",
            format!("`{to}` names nobody here, so the operator is asked in their place"),
            "Name a person, group, queue or calendar of the operator, such as `oncall`.",
        )
    })
}

fn warning(code: &str, pointer: &str, message: String, fix: &str) -> Violation {
    Violation {
        code: code.to_owned(),
        pointer: pointer.to_owned(),
        line: 0,
        column: 0,
        message,
        fix: Some(fix.to_owned()),
    }
}
